//! `palisade secret open` and `peel`: a kit and recovery keys, and nothing else. Neither asks a controller.

use std::path::PathBuf;

use certs::escrow;
use clap::Args;
use proto::{DeviceName, SealedCopy, SiteName};

use super::kit::{Reader, Sealed, Writer};
use super::opened::{self, Output};
use crate::cli::console::Console;
use crate::cli::files::{Place, Readers};
use crate::cli::stop::{GOOD, Stop};

/// `secret open`
#[derive(Debug, Args)]
pub struct Open {
    /// The kit
    #[arg(value_name = "KIT")]
    pub kit: PathBuf,
    /// A recovery key: a file that only you may read; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    pub key: Vec<PathBuf>,
    /// Only this site's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// Only this device's
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// Where they go.
    #[command(flatten)]
    pub output: Output,
}

/// `secret peel`
#[derive(Debug, Args)]
pub struct Peel {
    /// The kit
    #[arg(value_name = "KIT")]
    pub kit: PathBuf,
    /// Your recovery key: a file that only you may read
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The kit for the next person
    #[arg(long, value_name = "KIT")]
    pub out: PathBuf,
}

/// Opens a kit. What does not open is named, and the rest is given.
///
/// # Errors
/// Files that cannot be read, a kit that is none, output that is refused.
pub fn open(open: &Open, console: &mut Console<'_>) -> Result<u8, Stop> {
    let outlet = open.output.check(console)?;
    let keys = opened::keys(&open.key)?;
    let mut kit = Reader::open(&open.kit)?;
    console.note(&format!("a kit of {} from {}", kit.head.organisation, kit.head.made_at));
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let mut count = 0_usize;
    while let Some(next) = kit.next()? {
        let secret = match next {
            Ok(secret) => secret,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let is_asked = open.site.as_ref().is_none_or(|site| secret.site == *site)
            && open.device.as_ref().is_none_or(|device| secret.device.as_ref() == Some(device));
        if !is_asked {
            continue;
        }
        count += 1;
        match opened::open(&secret, &keys) {
            Ok(opened) => found.push((place(&secret, count), opened)),
            Err(fault) => faults.push(fault),
        }
    }
    if count == 0 && faults.is_empty() {
        return Err(Stop::Usage("the kit has no secret of what was asked for".to_owned()));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let found: Vec<_> = found.into_iter().map(|(_, opened)| opened).collect();
    outlet.put(&found, &faults, console)
}

/// By site, device, kind and account, the newest first: later ones stand behind in a kit.
fn place(secret: &Sealed, count: usize) -> impl Ord + use<> {
    let Sealed { site, device, kind, account, .. } = secret;
    (site.clone(), device.clone(), *kind, account.clone(), std::cmp::Reverse(count))
}

/// Takes one person's layer off every secret.
///
/// # Errors
/// Files that cannot be read or written, a kit that is none, a key whose turn it is not.
pub fn peel(peel: &Peel, console: &mut Console<'_>) -> Result<u8, Stop> {
    let place = Place::new_file(&peel.out, Readers::OwnerOnly)?;
    let key = opened::key(&peel.key)?;
    let mut kit = Reader::open(&peel.kit)?;
    let failed = |error| place.fault(&error);
    let file = std::io::BufWriter::new(place.begin()?);
    let head = kit.head.clone();
    let mut out = Writer::begin(file, head.organisation, head.made_at).map_err(failed)?;
    let mut left = 0_usize;
    while let Some(next) = kit.next()? {
        let mut secret = next.map_err(Stop::Failed)?;
        let peeled = secret.copies.iter().map(|copy| escrow::peel(copy, &key));
        let peeled: Vec<Option<SealedCopy>> = peeled
            .collect::<Result<_, _>>()
            .map_err(|error| Stop::Failed(format!("{}: {error}", secret.words())))?;
        let peeled: Vec<_> = peeled.into_iter().flatten().collect();
        if peeled.is_empty() {
            left += 1;
            let first: Vec<_> =
                secret.copies.iter().filter_map(|copy| copy.layers.first()).flatten().collect();
            if left == 1 {
                let text = "this key takes off no layer of it; whoever is first must begin, and the last one opens it";
                let names = first
                    .into_iter()
                    .map(String::as_str)
                    .collect::<std::collections::BTreeSet<_>>();
                let names = names.into_iter().collect::<Vec<_>>().join(" ");
                console.note(&format!("{}: {text} (now: {names})", secret.words()));
            }
        } else {
            secret.copies = peeled;
        }
        out.add(secret).map_err(failed)?;
    }
    let (file, count) = out.finish().map_err(failed)?;
    if left == count {
        return Err(Stop::Failed("nothing was peeled; see above".to_owned()));
    }
    place.put(file.into_inner().map_err(|error| place.fault(error.error()))?)?;
    let text =
        format!("peeled {} of {count} secrets into {}", count - left, place.path().display());
    console.note(&text);
    Ok(GOOD)
}
