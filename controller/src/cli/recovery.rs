//! `palisade recovery`: whom secrets are sealed to. The recipients are signed with the root's key, where that is; so
//! whoever takes over a controller cannot have secrets sealed to themselves.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use certs::Key;
use certs::escrow::Quorum;
use certs::seal::{self, Opener};
use clap::{Args, Subcommand};
use proto::Timestamp;
use proto::wire::v1;
use serde::Serialize;
use zeroize::Zeroizing;

use super::console::Console;
use super::files::{self, Place, Readers};
use super::process::Privacy;
use super::secrets;
use super::session::{Connection, Session};
use super::settings::{self, ConfigFile};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing};

/// The help page's example.
pub const EXAMPLE: &str = "\
Example: any two of three people can open what is in escrow
  palisade recovery key --out kims.key        each on their own machine; it prints age1...
  palisade recovery set --recipients-file people.txt --threshold 2
  palisade recovery show";

/// Longest list of recipients, in bytes.
const MAX_LIST: u64 = 64 << 10;
/// Largest sealed root's key, in bytes.
const MAX_ROOT_KEY: u64 = 64 << 10;
/// The root's key in a controller's data folder.
const ROOT_KEY: &str = "authority/root.key.age";
/// No honest controller is at a generation beyond it; a higher one would leave none for later.
const HIGHEST: u64 = 1 << 40;

/// `recovery`
#[derive(Debug, Subcommand)]
pub enum RecoveryCommand {
    /// Make a recovery key in a file that only you may read; prints its recipient
    #[command(after_help = "Example:\n  palisade recovery key --out kims.key")]
    Key(MakeKey),
    /// Say from now on whom secrets are sealed to, signed with the root's key
    #[command(after_help = "\
Examples, where the root's key is:
  palisade recovery set --recipients-file people.txt --threshold 2
  palisade recovery set --recipients-file people.txt --threshold 2 \\
      --root-key /media/safe/root.key.age

The file has one recipient a line (age1...); what follows a # is not read. The passphrase opens
the root's key. It is asked for on the terminal, or comes from --passphrase-file or from the
environment variable PALISADE_PASSPHRASE. Agents seal what they hold anew; what is in escrow
already stays sealed to the old ones until then.")]
    Set(Set),
    /// Show whom secrets are sealed to
    #[command(after_help = "Example:\n  palisade recovery show")]
    Show(Printing),
}

/// `recovery key`
#[derive(Debug, Args)]
pub struct MakeKey {
    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `recovery set`
#[derive(Debug, Args)]
pub struct Set {
    /// An age recipient, age1...; may be repeated
    #[arg(long, value_name = "RECIPIENT", required_unless_present = "recipients_file")]
    pub recipient: Vec<String>,
    /// Read recipients from this file, one a line
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Option<PathBuf>,
    /// How many of them must come together
    #[arg(long, value_name = "COUNT")]
    pub threshold: u32,
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
    /// The root's sealed key (default: authority/root.key.age in the controller's data folder)
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// Read the passphrase from the first line of this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Serialize)]
struct Recovery {
    generation: u64,
    threshold: u32,
    recipients: Vec<String>,
    set_by: String,
    set_at: Option<Timestamp>,
    sealed_to_earlier: u64,
}

/// Does it.
///
/// # Errors
/// See the functions below.
pub fn run(
    command: &RecoveryCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        RecoveryCommand::Key(it) => make_key(it, console),
        RecoveryCommand::Set(it) => set(it, connection, console),
        RecoveryCommand::Show(printing) => {
            let view = Session::open(connection, console)?.ask(v1::ShowRecoveryRequest {})?;
            tell(view, *printing, console)
        }
    }
}

/// The key goes to the file and nowhere else; the recipient is the result.
fn make_key(make: &MakeKey, console: &mut Console<'_>) -> Result<u8, Stop> {
    let place = Place::new_file(&make.out, Readers::OwnerOnly)?;
    let key = Opener::generate();
    let (recipient, now) = (key.recipient(), console.clock.now());
    let secret = key.to_text();
    let room = 200 + secret.expose().len();
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(&format!("# created: {now}\n# public key: {recipient}\n"));
    text.push_str(secret.expose());
    text.push('\n');
    let privacy = Privacy::begin();
    place.write(text.as_bytes())?;
    drop(privacy);
    console.result(&format!("{recipient}\n"))?;
    console.note(&format!(
        "the key is in {}; keep a copy of it where no controller, agent or kit is",
        place.path().display()
    ));
    Ok(GOOD)
}

fn set(set: &Set, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut recipients = set.recipient.clone();
    if let Some(path) = &set.recipients_file {
        let text = files::text("the list of recipients", path, MAX_LIST, console)?;
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        recipients.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let threshold = usize::try_from(set.threshold).unwrap_or(usize::MAX);
    let quorum = Quorum::new(threshold, &recipients).map_err(|error| Stop::usage(&error))?;
    let recipients: Vec<_> = quorum.recipients().map(str::to_owned).collect();
    let sealed = sealed_root(set, console)?;
    // Before the passphrase is asked for: whoever is not logged in cannot go on.
    let mut session = Session::open(connection, console)?;
    let before = session.ask(v1::ShowRecoveryRequest {})?;
    let generation = before.next_generation;
    if !(1..=HIGHEST).contains(&generation) {
        return Err(super::words::nonsense("a generation beyond every number"));
    }
    let passphrase = secrets::passphrase(set.passphrase_file.as_deref(), console)?;
    let root = root(&sealed, &passphrase)?;
    let signature = quorum
        .sign(&session.organisation, generation, &root)
        .map_err(|error| Stop::failed(&error))?;
    drop(root);
    let signed = v1::RecoveryRecipients {
        generation,
        threshold: set.threshold,
        recipients: recipients.clone(),
        signature,
    };
    let view = session.ask(v1::SetRecoveryRequest { recipients: Some(signed) })?;
    let before = before.recipients.map_or(Vec::new(), |before| before.recipients);
    for gone in before.iter().filter(|one| !recipients.contains(one)) {
        console.note(&format!(
            "{gone} is no recipient any more, but still opens what is in escrow, backups and kits made until now; \
             where that matters, rotate the devices' secrets"
        ));
    }
    tell(view, set.printing, console)
}

/// The root's sealed key.
fn sealed_root(set: &Set, console: &mut Console<'_>) -> Result<Vec<u8>, Stop> {
    let path = match &set.root_key {
        Some(path) => path.clone(),
        None => settings::load(&set.file, console)?.config.server.data.join(ROOT_KEY),
    };
    read(&path)
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut sealed = Vec::new();
    let file = files::open("the root's key", path, MAX_ROOT_KEY)?;
    let failed = |error| Stop::Failed(format!("cannot read {}: {error}", path.display()));
    file.take(MAX_ROOT_KEY).read_to_end(&mut sealed).map_err(failed)?;
    Ok(sealed)
}

fn root(sealed: &[u8], passphrase: &proto::Secret) -> Result<Key, Stop> {
    let wrong = |why: &dyn std::fmt::Display| Stop::Usage(format!("the root's key: {why}"));
    let opened = seal::open_with_passphrase(sealed, passphrase).map_err(|error| wrong(&error))?;
    Key::from_pkcs8(&opened).map_err(|error| wrong(&error))
}

fn tell(view: v1::RecoveryView, printing: Printing, console: &mut Console<'_>) -> Result<u8, Stop> {
    let Some(held) = view.recipients else {
        if printing.format == Format::Json {
            console.result("null\n")?;
        }
        console.note("no recovery recipients are set; until then no secret can go into escrow (palisade recovery set)");
        return Ok(GOOD);
    };
    let recovery = Recovery {
        generation: held.generation,
        threshold: held.threshold,
        recipients: held.recipients,
        set_by: view.set_by,
        set_at: table::time(view.set_at),
        sealed_to_earlier: view.sealed_to_earlier,
    };
    match printing.format {
        Format::Json => table::object(&recovery, console)?,
        Format::Text => {
            let together = format!("{} of {}", recovery.threshold, recovery.recipients.len());
            let mut pairs = vec![
                ("generation", recovery.generation.to_string()),
                ("must come together", together),
                ("set by", recovery.set_by.clone()),
                ("set at", table::shown(recovery.set_at)),
                ("sealed to earlier ones", format!("{} secrets", recovery.sealed_to_earlier)),
            ];
            pairs.extend(recovery.recipients.iter().map(|one| ("recipient", one.clone())));
            console.result(&table::details(&pairs))?;
        }
    }
    if recovery.sealed_to_earlier > 0 {
        console.note(
            "agents seal anew what a device may still take; older copies open with the earlier keys only: keep those, or \
             prune (palisade secret list --history, palisade secret prune)",
        );
    }
    Ok(GOOD)
}
