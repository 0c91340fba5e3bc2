//! `palisade backup`: the controller's database and authority, sealed before they leave it, to a file here.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::files::{Place, Readers};
use super::progress::Progress;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade backup --output palisade.age

The controller seals it to the age recipients in its settings (backup.recipients) while it goes on
serving. palisade restore opens it, and so does age itself.";

/// Every age file begins so.
const AGE: &[u8] = b"age-encryption.org/v1";

/// `backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file, which must not be there yet
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// Fetches it.
///
/// # Errors
/// A controller that is not reached, refuses or breaks off; a file that cannot be written.
pub fn run(
    backup: &Backup,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let place = Place::new_file(&backup.output, Readers::OwnerOnly)?;
    let mut session = Session::open(connection, console)?;
    let mut chunks = session.begin(async |client| client.backup().await)?;
    let mut file = place.begin()?;
    let progress = Progress::bytes("fetching", console.terminals);
    let mut bytes = 0;
    let mut head: Vec<u8> = Vec::new();
    while let Some(chunk) = session.next(&mut chunks)? {
        if head.len() < AGE.len() {
            head.extend(chunk.data.iter().take(AGE.len() - head.len()));
        }
        file.write_all(&chunk.data).map_err(|error| place.fault(&error))?;
        bytes += chunk.data.len();
        progress.add(chunk.data.len() as u64);
    }
    progress.finish();
    if head != AGE {
        return Err(Stop::Failed("what the controller sent is no sealed backup".to_owned()));
    }
    place.put(file)?;
    console.note(&format!("{bytes} bytes, sealed, in {}", place.path().display()));
    Ok(GOOD)
}
