//! `palisade secret`: which secrets are in escrow, and the ways to them. Secrets are opened on this machine, with recovery
//! keys that stay on it; the controller only ever hands out what is sealed.

mod kit;
mod open;
mod opened;
mod prune;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::{DeviceName, EscrowRecord, SecretId, SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::files::{Place, Readers};
use super::progress::Progress;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Printing, Row};
use super::words::{self, nonsense};
use kit::{Sealed, Writer};
use opened::Output;

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade secret list harbour
  palisade secret show harbour yard --key mine.key --reason 'camera does not answer'
  palisade secret export --all --out kit.json --reason 'monthly copy for the safe'
  palisade secret open kit.json --key mine.key --key sams.key";

/// `secret`
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// List which secrets are in escrow, and nothing of what they are
    #[command(after_help = "Example:\n  palisade secret list harbour --device yard --history")]
    List(List),
    /// Open a device's secrets here and now; from then on they count as shown, and new ones are ordered
    #[command(after_help = "\
Examples:
  palisade secret show harbour yard --key mine.key --reason 'camera does not answer'
  palisade secret show harbour --key mine.key --reason 'recording key' --out shared.json

Without a device: what the whole site shares. The controller hands out sealed copies and enters
the reason into the audit log; they are opened on this machine.")]
    Show(Show),
    /// Write a break-glass kit: everything in escrow, still sealed, in one file
    #[command(after_help = "\
Examples:
  palisade secret export harbour --out harbour-kit.json --reason 'box is replaced'
  palisade secret export --all --out kit.json --reason 'monthly copy for the safe'")]
    Export(Export),
    /// Remove sealed copies that newer ones took the place of, to make room
    #[command(after_help = prune::EXAMPLE)]
    Prune(prune::Prune),
    /// Open a kit with recovery keys, without any controller
    #[command(after_help = "\
Examples:
  palisade secret open kit.json --key mine.key --key sams.key
  palisade secret open kit.json --key mine.key --device yard --out yard.json")]
    Open(open::Open),
    /// Take your layer off a kit that several people must open, for the next of them
    #[command(after_help = "\
Example: two people in two places
  palisade secret peel kit.json --key mine.key --out for-sam.json
  palisade secret open for-sam.json --key sams.key

Layers lie in the order in which the recovery recipients were set: the earlier of them goes first.")]
    Peel(open::Peel),
}

/// `secret list`
#[derive(Debug, Args)]
pub struct List {
    /// Only this site's
    #[arg(value_name = "SITE")]
    pub site: Option<SiteName>,
    /// Only this device's
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// Also those that a newer one took the place of
    #[arg(long)]
    pub history: bool,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `secret show`
#[derive(Debug, Args)]
pub struct Show {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The device; without it, what the whole site shares
    #[arg(value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// A recovery key: a file that only you may read; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    pub key: Vec<PathBuf>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Also those that a newer one took the place of
    #[arg(long)]
    pub history: bool,
    /// Where they go.
    #[command(flatten)]
    pub output: Output,
}

/// `secret export`
#[derive(Debug, Args)]
pub struct Export {
    /// The site
    #[arg(value_name = "SITE", required_unless_present = "all")]
    pub site: Option<SiteName>,
    /// Of every site
    #[arg(long, conflicts_with = "site")]
    pub all: bool,
    /// The kit, which must not be there yet
    #[arg(long, value_name = "KIT")]
    pub out: PathBuf,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Serialize)]
struct SecretRow {
    site: String,
    device: Option<String>,
    kind: &'static str,
    account: String,
    made_at: Option<Timestamp>,
    recipients_generation: u64,
    copies: u32,
    shown_at: Option<Timestamp>,
    exported_at: Option<Timestamp>,
    latest: bool,
    id: String,
}

impl TryFrom<v1::SecretView> for SecretRow {
    type Error = Stop;

    fn try_from(view: v1::SecretView) -> Result<Self, Stop> {
        let id: Result<[u8; 16], _> = view.secret_id.try_into();
        Ok(Self {
            site: view.site,
            device: (!view.device.is_empty()).then_some(view.device),
            kind: words::secret_kind(view.kind)?,
            account: view.account,
            made_at: table::time(view.made_at),
            recipients_generation: view.recipients_generation,
            copies: view.copies,
            shown_at: table::time(view.shown_at),
            exported_at: table::time(view.exported_at),
            latest: view.latest,
            id: SecretId(id.map_err(|_| nonsense("a secret without a name"))?).to_string(),
        })
    }
}

impl Row for SecretRow {
    const TITLES: &'static [&'static str] =
        &["SITE", "DEVICE", "KIND", "ACCOUNT", "MADE", "SEALED TO", "COPIES", "SHOWN", "IN A KIT"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        vec![
            self.site.clone(),
            dash(self.device.as_deref().unwrap_or_default()),
            format!("{}{}", self.kind, if self.latest { "" } else { " (old)" }),
            dash(&self.account),
            table::shown(self.made_at),
            self.recipients_generation.to_string(),
            self.copies.to_string(),
            table::ago(self.shown_at, now),
            table::ago(self.exported_at, now),
        ]
    }
}

/// Does it.
///
/// # Errors
/// See the functions below.
pub fn run(
    command: &SecretCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        SecretCommand::List(it) => list(it, connection, console),
        SecretCommand::Show(it) => show(it, connection, console),
        SecretCommand::Export(it) => export(it, connection, console),
        SecretCommand::Prune(it) => prune::prune(it, connection, console),
        SecretCommand::Open(it) => open::open(it, console),
        SecretCommand::Peel(it) => open::peel(it, console),
    }
}

fn name<T: ToString>(name: Option<&T>) -> String {
    name.map_or(String::new(), ToString::to_string)
}

fn list(list: &List, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let request = v1::ListSecretsRequest {
        site: name(list.site.as_ref()),
        device: name(list.device.as_ref()),
        history: list.history,
    };
    let reply = Session::open(connection, console)?.ask(request)?;
    let rows = reply.secrets.into_iter().map(SecretRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, list.printing.format, console)?;
    if reply.more {
        console.note("there are more; name a site");
    }
    prune::warn(&reply.fills, console);
    Ok(GOOD)
}

fn show(show: &Show, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    // Before the controller is asked: from then on they count as shown.
    let outlet = show.output.check(console)?;
    let keys = opened::keys(&show.key)?;
    let request = v1::ShowSecretsRequest {
        site: show.site.to_string(),
        device: name(show.device.as_ref()),
        reason: show.reason.clone(),
        history: show.history,
    };
    let reply = Session::open(connection, console)?.ask(request)?;
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for record in reply.records {
        let record = EscrowRecord::try_from(record).map_err(|_| nonsense("a sealed secret"))?;
        match opened::open(&Sealed::new(show.site.clone(), record), &keys) {
            Ok(opened) => found.push(opened),
            Err(fault) => faults.push(fault),
        }
    }
    let ended = outlet.put(&found, &faults, console)?;
    console.note(&match table::time(reply.rotate_at) {
        Some(at) => format!("they count as shown; new ones are ordered, and come from {at} on"),
        None => "they count as shown, and nothing replaces them by itself: no agent, or the policy's [rotation] does not \
                 say so"
            .to_owned(),
    });
    Ok(ended)
}

fn export(export: &Export, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let place = Place::new_file(&export.out, Readers::OwnerOnly)?;
    let mut session = Session::open(connection, console)?;
    let request = v1::ExportSecretsRequest {
        site: name(export.site.as_ref()),
        reason: export.reason.clone(),
    };
    let mut secrets = session.begin(async |client| client.export_secrets(request).await)?;
    let failed = |error| place.fault(&error);
    let file = std::io::BufWriter::new(place.begin()?);
    let organisation = session.organisation.clone();
    let mut kit = Writer::begin(file, organisation, console.clock.now()).map_err(failed)?;
    let progress = Progress::bar(0, "{spinner} {pos} secrets", console.terminals);
    while let Some(secret) = session.next(&mut secrets)? {
        let odd = || nonsense("a sealed secret");
        let record = secret.record.ok_or_else(odd)?;
        let record = EscrowRecord::try_from(record).map_err(|_| odd())?;
        let site = secret.site.parse().map_err(|_| odd())?;
        kit.add(Sealed::new(site, record)).map_err(failed)?;
        progress.add(1);
    }
    progress.finish();
    let (file, count) = kit.finish().map_err(failed)?;
    place.put(file.into_inner().map_err(|error| place.fault(error.error()))?)?;
    console.note(&format!("{count} secrets, sealed, in {}", place.path().display()));
    console.note(
        "keep it apart from the recovery keys; palisade secret open opens it without a controller",
    );
    Ok(GOOD)
}
