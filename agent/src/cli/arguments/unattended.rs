//! What may be asked of the agent as a service. Never a ticket's secret: a command line is public.

use std::path::PathBuf;

use certs::trust::RootPin;
use clap::{Args, ValueEnum};
use proto::Organisation;

use super::TextFormat;

/// Where an agent's data are unless said otherwise.
const DATA: &str = "/var/lib/palisade-agent";

pub(super) const ENROLL_EXAMPLES: &str = "\
Examples:
  palisade-agent enroll --token-file harbour.token
  palisade-agent enroll --controller controller.example:7443 --organisation acme --pin 9f86d0...

An operator makes the token with: palisade site add harbour --token-file harbour.token
Without --token-file it comes from the environment variable PALISADE_TICKET, or is asked for on the
terminal; it is never an argument. With --controller, no token is needed: a code is shown, which an
operator approves.";

pub(super) const RUN_EXAMPLE: &str = "\
Example:
  palisade-agent run --site /etc/palisade/site.toml

It runs until SIGTERM or SIGINT; SIGHUP reads the site file again. The log goes to standard error;
PALISADE_LOG sets what is in it, such as debug or agent::link=debug.";

/// Where the agent's data are.
#[derive(Debug, Args)]
pub struct Data {
    /// The folder of the agent's data
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
}

/// `enroll`
#[derive(Debug, Args)]
pub struct Enroll {
    /// Read the one-time token from the first line of this file, which only its owner may read; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["controller", "organisation", "pin"])]
    pub token_file: Option<PathBuf>,
    /// Without a token: where the controller is; may be repeated
    #[arg(long, value_name = "HOST:PORT", requires_all = ["organisation", "pin"], value_parser = address)]
    pub controller: Vec<String>,
    /// Without a token: whose controller it is
    #[arg(long, value_name = "NAME", requires = "controller")]
    pub organisation: Option<Organisation>,
    /// Without a token: the pin of the root, as the first record of `palisade audit log` on the controller tells it
    #[arg(long, value_name = "HEX", requires = "controller")]
    pub pin: Option<RootPin>,
    /// Enrol although this box is an agent already; what it has not uploaded is set aside
    #[arg(long)]
    pub anew: bool,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// The site file: its devices, and where their passwords are
    #[arg(long, value_name = "FILE", default_value = "/etc/palisade/site.toml")]
    pub site: PathBuf,
    /// The local status socket (default: agent.sock in the data folder)
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The form of the log
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log: LogFormat,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    /// The local status socket (default: agent.sock in the data folder, or the service's)
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

fn address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match parts.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(1..)) if text.len() <= 260 => Ok(text.to_owned()),
        _ => Err("it should be HOST:PORT, such as controller.example:7443".to_owned()),
    }
}
