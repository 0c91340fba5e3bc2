//! `palisade operator recover`: a code for an administrator without a certificate, on the controller's own machine.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use proto::OperatorName;

use crate::cli::console::Console;
use crate::cli::process::Privacy;
use crate::cli::session::{runtime, wait};
use crate::cli::settings::{self, ConfigFile};
use crate::cli::stop::{GOOD, Stop};
use crate::cli::ticket::Tray;
use crate::service::found;
use crate::service::regain::{Whom, regain};

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples, on the controller's machine, as the user that the controller runs as:
  palisade operator recover kim --config /var/lib/palisade/palisade.toml --code-file kim.code
  palisade operator recover sam --new --code-file sam.code

It asks no controller and needs no certificate: whoever may write to the data folder is master of
it anyway. The controller may be serving. The audit log gets a record that says it was done here.";

/// `operator recover`
#[derive(Debug, Args)]
pub struct Recover {
    /// An administrator
    #[arg(value_name = "NAME")]
    pub name: OperatorName,
    /// Not one who is there: a new administrator
    #[arg(long)]
    pub new: bool,
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
    /// Write their one-time code to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// Makes the code.
///
/// # Errors
/// A data folder that cannot be used or is another user's; nobody of that name.
pub fn run(asked: &Recover, console: &mut Console<'_>) -> Result<u8, Stop> {
    let config = settings::load(&asked.file, console)?.config;
    let tray = Tray::check(asked.code_file.as_deref(), "--code-file", console)?;
    let database = found::database(&config.server.data).map_err(|error| Stop::failed(&error))?;
    own(&database)?;
    let whom = if asked.new { Whom::New } else { Whom::Known };
    let life = config.lives.code.as_seconds().into();
    let now = console.clock.now();
    let privacy = Privacy::begin();
    let data = config.server.data.as_path();
    let begun = regain(data, config.addresses(), (asked.name.clone(), whom), life, now);
    let ticket = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
    drop(privacy);
    tray.put(&ticket, console)?;
    console.note(&format!(
        "the code is good once; {} runs: palisade login --code-file FILE --replace",
        asked.name
    ));
    Ok(GOOD)
}

/// Refuses a database that is another user's: files that SQLite makes beside it would be ours, and the controller could
/// not open them.
fn own(database: &Path) -> Result<(), Stop> {
    let file = std::fs::metadata(database)
        .map_err(|error| Stop::Failed(format!("cannot read {}: {error}", database.display())))?;
    if file.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Stop::Usage(format!(
        "{} belongs to another user; run this as that user, with sudo -u",
        database.display()
    )))
}
