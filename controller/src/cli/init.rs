//! `palisade init`: an organisation from nothing. Everything that can be found wrong is found before anything is made.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use certs::seal::Work;
use clap::Args;
use proto::{OperatorName, Organisation};

use super::console::Console;
use super::files::{self, Place, Readers};
use super::process::Privacy;
use super::secrets;
use super::session::{runtime, wait};
use super::stop::{GOOD, Stop};
use super::ticket::Tray;
use crate::config::{Address, Config, FILE_NAME, Loaded};
use crate::service::found;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade init acme --data /var/lib/palisade --address controller.example.org:7443 \\
      --operator kim --code-file kim.code

The passphrase seals the root's key. It is asked for on the terminal, or comes from
--passphrase-file or from the environment variable PALISADE_PASSPHRASE; it is never an argument.";

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
    let data = absolute(&init.data)?;
    empty(&data)?;
    let config = settings(&data, &init.address, init.listen)?;
    let passphrase = secrets::new_passphrase(init.passphrase_file.as_deref(), console)?;
    let settings = Settings::place(&data, init.config.as_deref())?;
    let privacy = Privacy::begin();
    let begun = found::found(
        &data,
        init.organisation.clone(),
        config.addresses(),
        passphrase,
        Work::Full,
        init.operator.clone(),
        console.clock.now(),
    );
    let ticket = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
    drop(privacy);
    settings.write(&config)?;
    tray.put(&ticket, console)?;
    console.note(&format!("made {} in {}", init.organisation, data.display()));
    console.note(&format!("next: palisade serve --config {}", settings.path().display()));
    Ok(GOOD)
}

/// A place for the settings file, found fit before the data folder is filled.
#[derive(Debug)]
pub struct Settings {
    place: Place,
    made: Option<PathBuf>,
    written: Cell<bool>,
}

impl Settings {
    /// Where `--config` says, else in the data folder, which is made for it.
    ///
    /// # Errors
    /// A file that exists, a folder that takes none.
    pub fn place(data: &Path, config: Option<&Path>) -> Result<Self, Stop> {
        let written = Cell::new(false);
        if let Some(path) = config {
            let place = Place::new_file(path, Readers::AsUsual)?;
            return Ok(Self { place, made: None, written });
        }
        let made = (!data.exists()).then(|| data.to_owned());
        files::private_folder(data)?;
        let place = Place::new_file(&data.join(FILE_NAME), Readers::AsUsual)?;
        Ok(Self { place, made, written })
    }

    /// Writes them.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn write(&self, config: &Config) -> Result<(), Stop> {
        self.written.set(true);
        self.place.write(config.to_file().as_bytes())
    }

    /// Where.
    pub fn path(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for Settings {
    /// A data folder that nothing came into goes again.
    fn drop(&mut self) {
        if let (Some(made), false) = (&self.made, self.written.get()) {
            let _ = std::fs::remove_dir(made);
        }
    }
}

/// The whole path, from the root on.
///
/// # Errors
/// A process without a folder to be in.
pub fn absolute(path: &Path) -> Result<PathBuf, Stop> {
    std::path::absolute(path)
        .map_err(|error| Stop::Failed(format!("cannot tell where {} is: {error}", path.display())))
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

/// Settings with these values and every default, checked as a controller will.
///
/// # Errors
/// Values that cannot be served.
pub fn settings(
    data: &Path,
    addresses: &[Address],
    listen: Option<SocketAddr>,
) -> Result<Config, Stop> {
    let mut config = Config::default();
    data.clone_into(&mut config.server.data);
    config.server.addresses = addresses.to_vec();
    let usual = config.server.listen.port();
    let port = addresses.first().map_or(usual, Address::port);
    config.server.listen = listen.unwrap_or_else(|| SocketAddr::from(([0; 4], port)));
    Loaded::read(&config.to_file(), data, &BTreeMap::new())
        .map(|loaded| loaded.config)
        .map_err(|error| Stop::Usage(error.to_string()))
}
