//! `palisade init`: an organisation from nothing. Everything that can be found wrong is found before anything is made.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use proto::{OperatorName, Organisation};

use super::console::Console;
use super::files::{self, Place, Readers};
use super::seams;
use super::secrets;
use super::stop::{GOOD, Stop};
use super::ticket::Tray;
use crate::config::{Address, Config, FILE_NAME, Loaded};

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade init acme --data /var/lib/palisade --address controller.example.org:7443 \\
      --operator kim --code-file kim.code

The passphrase seals the root's key. It is asked for on the terminal, or comes from --passphrase-file or
from the environment variable PALISADE_PASSPHRASE; it is never an argument.";

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// The organisation's name: lower-case letters, digits and dashes
    #[arg(value_name = "ORGANISATION")]
    pub organisation: Organisation,
    /// The data folder, which must be empty or not there
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where agents and operators will reach the controller, the preferred first; may be repeated
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub address: Vec<Address>,
    /// Where to listen (default: every address, at the port of the first --address)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The first operator, an administrator
    #[arg(long, value_name = "NAME")]
    pub operator: OperatorName,
    /// Write the first operator's one-time code to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// Read the passphrase from the first line of this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Write the settings to this file instead of palisade.toml in the data folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Makes it.
///
/// # Errors
/// A data folder that is not empty, settings that are wrong, files that cannot be written.
pub fn run(init: &Init, console: &mut Console<'_>) -> Result<u8, Stop> {
    let tray = Tray::check(init.code_file.as_deref(), "--code-file", console)?;
    let data = std::path::absolute(&init.data)
        .map_err(|error| Stop::Failed(format!("cannot tell where the data folder is: {error}")))?;
    empty(&data)?;
    let config = settings(init, &data)?;
    let passphrase = secrets::new_passphrase(init.passphrase_file.as_deref(), console)?;
    files::private_folder(&data)?;
    let path = init.config.clone().unwrap_or_else(|| data.join(FILE_NAME));
    let place = Place::new_file(&path, Readers::AsUsual)?;
    let ticket = seams::found(
        &data,
        init.organisation.clone(),
        config.addresses(),
        passphrase,
        init.operator.clone(),
        console.clock.now(),
    )?;
    place.write(config.to_file().as_bytes())?;
    tray.put(&ticket, console)?;
    console.note(&format!(
        "made {} in {}; next: palisade serve --config {}",
        init.organisation,
        data.display(),
        path.display()
    ));
    Ok(GOOD)
}

/// Refuses a folder that holds anything.
///
/// # Errors
/// [`Stop::Usage`].
pub fn empty(folder: &Path) -> Result<(), Stop> {
    let bad = |why: &str| Stop::Usage(format!("the data folder {} {why}", folder.display()));
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(bad("is not empty; name another, or move away what is in it")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(bad(&format!("cannot be used: {error}"))),
    }
}

fn settings(init: &Init, data: &Path) -> Result<Config, Stop> {
    let mut config = Config::default();
    config.server.data = data.to_owned();
    config.server.addresses = init.address.clone();
    config.server.listen = match (init.listen, init.address.first()) {
        (Some(listen), _) => listen,
        (None, first) => {
            SocketAddr::from(([0; 4], first.map_or(config.server.listen.port(), Address::port)))
        }
    };
    // Read back as a controller will, so that what is written can be served.
    Loaded::read(&config.to_file(), data, &std::collections::BTreeMap::new())
        .map(|loaded| loaded.config)
        .map_err(|error| Stop::Usage(error.to_string()))
}
