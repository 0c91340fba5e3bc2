//! `palisade restore`: a controller's data folder from a backup. It never touches a folder that holds anything.

use std::path::PathBuf;

use certs::seal::Opener;
use clap::Args;
use proto::Secret;

use super::console::Console;
use super::files;
use super::init;
use super::seams;
use super::stop::{GOOD, Stop};

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade restore palisade.age --identity backup-key.txt --data /var/lib/palisade
  palisade serve --config /var/lib/palisade/palisade.toml";

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
}

/// Makes it.
///
/// # Errors
/// A backup that does not open or is damaged; a data folder that is not empty.
pub fn run(restore: &Restore, console: &mut Console<'_>) -> Result<u8, Stop> {
    init::empty(&restore.data)?;
    let text = files::whole_secret("the identity", &restore.identity, MAX_IDENTITY)?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| Stop::Usage("the identity is not UTF-8".to_owned()))?;
    let opener = Opener::parse(&Secret::new(text)).map_err(|error| {
        Stop::Usage(format!("the identity in {}: {error}", restore.identity.display()))
    })?;
    let backup = files::open("the backup", &restore.file, MAX_BACKUP)?;
    files::private_folder(&restore.data)?;
    seams::restore(backup, &opener, &restore.data)?;
    console.note(&format!("restored {}", restore.data.display()));
    Ok(GOOD)
}
