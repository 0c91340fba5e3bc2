//! What the program can tell without looking at anything: completions for shells.

use clap::{Args, CommandFactory};

use super::arguments::Arguments;
use super::console::Console;
use super::stop::{GOOD, Stop};

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Prints a completion script.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn completions(arguments: &Completions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "palisade", &mut script);
    console.result(&String::from_utf8_lossy(&script))?;
    Ok(GOOD)
}
