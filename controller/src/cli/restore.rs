//! `palisade restore`: a controller's data folder from a backup. It never touches a folder that holds anything.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use certs::seal::Opener;
use clap::Args;
use proto::Secret;

use super::console::Console;
use super::files;
use super::init::{self, Settings};
use super::process::Privacy;
use super::session::{runtime, wait};
use super::stop::{GOOD, Stop};
use crate::config::Address;
use crate::service::restore;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade restore palisade.age --identity backup-key.txt --data /var/lib/palisade \\
      --address controller.example.org:7443
  palisade serve --config /var/lib/palisade/palisade.toml

A backup holds the database and the authority, not the settings: new ones are written, for this
machine. Tokens and codes that were open when it was taken are revoked, because they may have been
used since.";

/// An age identity file has at most so many bytes.
const MAX_IDENTITY: u64 = 16 << 10;
/// Largest backup, in bytes.
const MAX_BACKUP: u64 = 1 << 40;

/// `restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The age identity file that opens it, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
    /// The data folder to make, which must be empty or not there
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where agents and operators will reach the controller, the preferred first; may be repeated
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub address: Vec<Address>,
    /// Where to listen (default: every address, at the port of the first --address)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Write the settings to this file instead of palisade.toml in the data folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Makes it.
///
/// # Errors
/// A backup that does not open or is damaged; a data folder that is not empty.
pub fn run(asked: &Restore, console: &mut Console<'_>) -> Result<u8, Stop> {
    let data = init::absolute(&asked.data)?;
    init::empty(&data)?;
    let config = init::settings(&data, &asked.address, asked.listen)?;
    let opener = opener(&asked.identity)?;
    let backup = files::open("the backup", &asked.file, MAX_BACKUP)?;
    let settings = Settings::place(&data, asked.config.as_deref())?;
    let now = console.clock.now();
    let privacy = Privacy::begin();
    let begun = restore::restore(backup, opener, &data, now);
    let restored = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
    drop(privacy);
    settings.write(&config)?;
    console.note(&format!(
        "restored {} as of {}, with {} audit records; {} open tokens and codes were revoked",
        restored.organisation, restored.taken_at, restored.audit_length, restored.revoked
    ));
    console.note("whoever was revoked or removed since then is back: look through agent list and operator list");
    console.note(&format!("next: palisade serve --config {}", settings.path().display()));
    Ok(GOOD)
}

fn opener(path: &Path) -> Result<Opener, Stop> {
    let text = files::whole_secret("the identity", path, MAX_IDENTITY)?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| Stop::Usage("the identity is not UTF-8".to_owned()))?;
    Opener::parse(&Secret::new(text))
        .map_err(|error| Stop::Usage(format!("the identity in {}: {error}", path.display())))
}
