//! Secrets that were opened, and where they may go: to a terminal, to a file that only its owner reads, or as JSON to
//! whoever asked for JSON. A table that goes into a pipe is refused, because nobody typed a pipe to keep a secret.

use std::path::{Path, PathBuf};

use certs::escrow::{self, EscrowError, Sheet};
use certs::seal::{Opener, SealError};
use clap::Args;
use proto::{Secret, Timestamp};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::kit::Sealed;
use crate::cli::console::Console;
use crate::cli::files::{self, Place, Readers};
use crate::cli::process::Privacy;
use crate::cli::stop::{FAILED, GOOD, Stop};
use crate::cli::table::{self, Format, Row};

/// An age identity file has at most so many bytes.
const MAX_KEY: u64 = 16 << 10;
/// Most recovery keys.
const MAX_KEYS: usize = escrow::MOST_RECIPIENTS;
/// Most complaints that are told one by one.
const MAX_FAULTS: usize = 20;

/// Where opened secrets go.
#[derive(Debug, Args)]
pub struct Output {
    /// For a person or a script (default: text, and json with --out)
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write to this file, which only you may read, instead of the terminal
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// An [`Output`] that was found fit.
#[derive(Debug)]
pub struct Outlet {
    place: Option<Place>,
    format: Format,
}

/// A secret, opened.
#[derive(Debug, Serialize)]
pub struct Opened {
    site: String,
    device: Option<String>,
    account: String,
    kind: &'static str,
    #[serde(serialize_with = "exposed")]
    secret: Secret,
    made_at: Timestamp,
    id: String,
}

fn exposed<S: Serializer>(secret: &Secret, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(secret.expose())
}

impl Row for Opened {
    // Not the secret last: the last column is cut to fit a terminal.
    const TITLES: &'static [&'static str] =
        &["SITE", "DEVICE", "ACCOUNT", "KIND", "SECRET", "MADE"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        let secret = match self.secret.expose() {
            text if text.contains('\n') => "(several lines: --format json)",
            text => text,
        };
        vec![
            self.site.clone(),
            self.device.clone().unwrap_or("-".to_owned()),
            if self.account.is_empty() { "-".to_owned() } else { self.account.clone() },
            self.kind.to_owned(),
            secret.to_owned(),
            self.made_at.to_string(),
        ]
    }
}

impl Output {
    /// Whether secrets may go there; looked at before anything is opened.
    ///
    /// # Errors
    /// A file that exists; a table into a pipe.
    pub fn check(&self, console: &Console<'_>) -> Result<Outlet, Stop> {
        let place = self.out.as_deref();
        let place = place.map(|path| Place::new_file(path, Readers::OwnerOnly)).transpose()?;
        if place.is_none() && self.format != Some(Format::Json) && !console.terminals.output {
            return Err(Stop::Usage(
                "standard output is no terminal, and secrets do not go there unasked: name a file with --out, or say \
                 --format json"
                    .to_owned(),
            ));
        }
        let usual = if place.is_some() { Format::Json } else { Format::Text };
        Ok(Outlet { place, format: self.format.unwrap_or(usual) })
    }
}

impl Outlet {
    /// Lets them out, and says what is wrong with the rest.
    ///
    /// # Errors
    /// A place that cannot be written.
    pub fn put(
        &self,
        opened: &[Opened],
        faults: &[String],
        console: &mut Console<'_>,
    ) -> Result<u8, Stop> {
        match &self.place {
            None => table::list(opened, self.format, console)?,
            Some(place) => {
                let _privacy = Privacy::begin();
                let text = match self.format {
                    Format::Json => Zeroizing::new(
                        serde_json::to_string_pretty(opened)
                            .map_err(|error| Stop::failed(&error))?
                            + "\n",
                    ),
                    Format::Text => {
                        let rows = opened.iter().map(|row| row.cells(row.made_at));
                        let terminals = crate::cli::Terminals::default();
                        let rows: Vec<_> = rows.collect();
                        Zeroizing::new(table::table(Opened::TITLES, &rows, terminals))
                    }
                };
                place.write(text.as_bytes())?;
                console.note(&format!("{} secrets in {}", opened.len(), place.path().display()));
            }
        }
        for fault in faults.iter().take(MAX_FAULTS) {
            console.complain(fault);
        }
        if faults.len() > MAX_FAULTS {
            console.complain(&format!("and {} more", faults.len() - MAX_FAULTS));
        }
        Ok(if faults.is_empty() { GOOD } else { FAILED })
    }
}

/// Recovery keys, each from a file that only its owner may read.
///
/// # Errors
/// A file that is missing, open to others, or no age identity; too many of them.
pub fn keys(paths: &[PathBuf]) -> Result<Vec<Opener>, Stop> {
    if paths.len() > MAX_KEYS {
        return Err(Stop::Usage(format!("at most {MAX_KEYS} recovery keys are of any use")));
    }
    paths.iter().map(|path| key(path)).collect()
}

/// One recovery key.
///
/// # Errors
/// As [`keys`].
pub fn key(path: &Path) -> Result<Opener, Stop> {
    let shown = path.display();
    let text = files::whole_secret("the recovery key", path, MAX_KEY)?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| Stop::Usage(format!("the recovery key in {shown} is not UTF-8")))?;
    Opener::parse(&Secret::new(text))
        .map_err(|error| Stop::Usage(format!("the recovery key in {shown}: {error}")))
}

/// Opens a secret, and holds what is inside to what is written on it.
///
/// # Errors
/// Why not, for a person.
pub fn open(secret: &Sealed, keys: &[Opener]) -> Result<Opened, String> {
    let mut why = None;
    for copy in &secret.copies {
        match escrow::open(copy, keys) {
            Ok(sheet) => return checked(secret, sheet),
            Err(EscrowError::KeysMissing) => {}
            Err(EscrowError::Seal(SealError::WrongKey)) => {}
            Err(error) => why = Some(error.to_string()),
        }
    }
    let lacking = escrow::lacking(&secret.copies, keys);
    let why = match (why, lacking.as_slice()) {
        (Some(why), _) => why,
        (None, []) => "none of its copies opens, although the right keys are there".to_owned(),
        (None, lacking) => {
            let each = lacking.iter().map(|any| any.join(" or "));
            format!("more recovery keys are needed: {}", each.collect::<Vec<_>>().join(", and "))
        }
    };
    Err(format!("{} does not open: {why}", secret.words()))
}

fn checked(secret: &Sealed, sheet: Sheet) -> Result<Opened, String> {
    let is_it = (&sheet.site, sheet.id, &sheet.device, sheet.kind, &sheet.account)
        == (&secret.site, secret.id, &secret.device, secret.kind, &secret.account);
    if !is_it {
        return Err(format!("{} holds another secret than is written on it", secret.words()));
    }
    Ok(Opened {
        site: sheet.site.to_string(),
        device: sheet.device.map(|device| device.to_string()),
        account: sheet.account,
        kind: sheet.kind.as_str(),
        secret: sheet.secret,
        made_at: sheet.made_at,
        id: sheet.id.to_string(),
    })
}
