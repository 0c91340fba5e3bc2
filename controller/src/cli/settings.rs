//! `palisade config`: the controller's settings, read from a file and the environment.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::console::Console;
use super::files;
use super::stop::{GOOD, Stop};
use super::table;
use crate::config::{FILE_NAME, Loaded};

/// Names the settings file, where `--config` does not.
pub const VARIABLE: &str = "PALISADE_CONFIG";
/// Where the settings file is, where neither says.
const USUAL: &str = "/var/lib/palisade";
const MAX_FILE: u64 = 1 << 20;

/// The help page's example.
pub const EXAMPLE: &str = "Example:\n  palisade config check --config palisade.toml";

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings and print those in force, with every default and where each came from
    #[command(after_help = "\
Examples:
  palisade config check --config palisade.toml
  PALISADE_LOG_LEVEL=debug palisade config check --format json")]
    Check(Check),
}

/// `config check`
#[derive(Debug, Args)]
pub struct Check {
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
    /// The form to print them in
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ConfigFormat,
}

/// Which settings file.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigFile {
    /// The settings file (default: PALISADE_CONFIG, or /var/lib/palisade/palisade.toml)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The form settings are printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// As a settings file.
    #[default]
    Toml,
    /// For a script.
    Json,
}

/// Does it.
///
/// # Errors
/// Settings that cannot be read, or are wrong.
pub fn run(command: &ConfigCommand, console: &mut Console<'_>) -> Result<u8, Stop> {
    let ConfigCommand::Check(Check { file, format }) = command;
    let loaded = load(file, console)?;
    match format {
        ConfigFormat::Toml => console.result(&loaded.to_toml())?,
        ConfigFormat::Json => table::object(&loaded.to_json(), console)?,
    }
    Ok(GOOD)
}

/// The settings in force.
///
/// # Errors
/// Settings that cannot be read, or are wrong.
pub fn load(file: &ConfigFile, console: &mut Console<'_>) -> Result<Loaded, Stop> {
    let path = file
        .config
        .clone()
        .or_else(|| console.variable(VARIABLE).map(PathBuf::from))
        .unwrap_or_else(|| Path::new(USUAL).join(FILE_NAME));
    let text = files::text("the settings", &path, MAX_FILE, console)?;
    let whole = std::path::absolute(&path).map_err(|error| {
        Stop::Failed(format!("cannot tell where {} is: {error}", path.display()))
    })?;
    let folder = whole.parent().unwrap_or(Path::new("/"));
    Loaded::read(&text, folder, &console.settings())
        .map_err(|error| Stop::Usage(format!("the settings in {}: {error}", path.display())))
}
