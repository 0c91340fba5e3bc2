//! `palisade authority`: turning over the root of trust, step by step, with a way back until the last one.

use std::path::PathBuf;

use certs::RootPin;
use certs::seal::Work;
use clap::{Args, Subcommand};
use proto::Timestamp;
use proto::wire::v1;
use serde::Serialize;

use super::agent::AgentRow;
use super::console::Console;
use super::files;
use super::secrets;
use super::session::{Connection, Session, runtime, wait};
use super::settings::{self, ConfigFile};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing};
use super::words::nonsense;
use crate::config::Span;
use crate::service::found;
use crate::service::turnover::AHEAD;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example: a turnover, the first step on the controller's machine
  palisade authority prepare --config /var/lib/palisade/palisade.toml
  palisade authority status      until no agent is behind
  palisade authority activate
  palisade authority retire      when no old certificate lives
and what is due each year, also there
  palisade authority renew --config /var/lib/palisade/palisade.toml";

/// `authority`
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Make a new root and issuing authority in the controller's data folder, and have agents learn to trust it
    #[command(after_help = "\
Example, on the controller's machine:
  palisade authority prepare --config /var/lib/palisade/palisade.toml

The passphrase seals the new root's key. It is asked for on the terminal, or comes from
--passphrase-file or from the environment variable PALISADE_PASSPHRASE.
With --old-passphrase-file the old root certifies the new issuing authority, and agents that sleep
through the turnover find back by themselves for as long as that one lasts, a year.")]
    Prepare(Prepare),
    /// Show the roots' pins, when the authority ends, where a turnover stands, and which agents are behind
    #[command(visible_alias = "show", after_help = "Example:\n  palisade authority status")]
    Status(Printing),
    /// Make a new issuing authority under the same root; due each year, and nobody has to learn anything
    #[command(after_help = "\
Example, on the controller's machine:
  palisade authority renew --config /var/lib/palisade/palisade.toml

The passphrase opens the root's key, which has to lie in the data folder (authority/root.key.age).
It is asked for on the terminal, or comes from --passphrase-file or from PALISADE_PASSPHRASE.
What the old one issued is taken until it ends.")]
    Renew(Renew),
    /// Issue from the new authority; refused while an agent does not trust it yet
    #[command(after_help = "\
Examples:
  palisade authority activate
  palisade authority activate --leave-behind-after 90d")]
    Activate(Activate),
    /// Stop trusting the old root; refused while a certificate under it lives
    #[command(after_help = "Example:\n  palisade authority retire")]
    Retire(Printing),
    /// Go back to the old authority, as long as it is not retired
    #[command(after_help = "Example:\n  palisade authority rollback")]
    Rollback(Printing),
}

/// `authority prepare`
#[derive(Debug, Args)]
pub struct Prepare {
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
    /// Read the new passphrase from the first line of this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the old root's passphrase from the first line of this file, so that agents left behind find back
    #[arg(long, value_name = "FILE")]
    pub old_passphrase_file: Option<PathBuf>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `authority renew`
#[derive(Debug, Args)]
pub struct Renew {
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
    /// Read the root's passphrase from the first line of this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `authority activate`
#[derive(Debug, Args)]
pub struct Activate {
    /// Go on without agents that were offline for so long; they are listed. They find back by themselves if the turnover
    /// was prepared with --old-passphrase-file; else they stay away until a rollback or site replace
    #[arg(long, value_name = "TIME")]
    pub leave_behind_after: Option<Span>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Serialize)]
struct Standing {
    phase: String,
    trust_generation: u64,
    roots: Vec<Root>,
    issuing_ends: Timestamp,
    stragglers: Vec<AgentRow>,
}

#[derive(Debug, Serialize)]
struct Root {
    pin: String,
    ends: Timestamp,
}

impl TryFrom<v1::TrustedRoot> for Root {
    type Error = Stop;

    fn try_from(root: v1::TrustedRoot) -> Result<Self, Stop> {
        let pin = root.pin.try_into().map_err(|_| nonsense("a root's pin of the wrong length"))?;
        Ok(Self { pin: RootPin(pin).to_string(), ends: Timestamp::from_unix(root.ends) })
    }
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    command: &AuthorityCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let (step, leave, printing) = match command {
        AuthorityCommand::Prepare(prepare) => {
            let config = settings::load(&prepare.file, console)?.config;
            // Before the passphrase is asked for: whoever is not logged in cannot go on.
            let mut session = Session::open(connection, console)?;
            let file = prepare.passphrase_file.as_deref();
            let passphrase = secrets::new_passphrase(file, console)?;
            let old = prepare.old_passphrase_file.as_deref();
            let old = old.map(|path| files::secret("the old passphrase", path, console));
            let (data, now) = (&config.server.data, console.clock.now());
            let begun =
                found::prepare_authority(data, passphrase, old.transpose()?, Work::Full, now);
            let pin = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
            console.note(&format!("made a root with the pin {pin}"));
            let reply = session.ask(turnover(v1::TurnoverStep::Prepare, 0))?;
            session.catch_up(console)?;
            return tell(reply, prepare.printing, console);
        }
        AuthorityCommand::Renew(it) => return renew(it, connection, console),
        AuthorityCommand::Status(it) => (v1::TurnoverStep::Status, 0, *it),
        AuthorityCommand::Activate(it) => {
            let leave = it.leave_behind_after.map_or(0, Span::as_seconds);
            (v1::TurnoverStep::Activate, leave, it.printing)
        }
        AuthorityCommand::Retire(it) => (v1::TurnoverStep::Retire, 0, *it),
        AuthorityCommand::Rollback(it) => (v1::TurnoverStep::RollBack, 0, *it),
    };
    let mut session = Session::open(connection, console)?;
    let reply = session.ask(turnover(step, leave))?;
    session.catch_up(console)?;
    tell(reply, printing, console)
}

/// The root's key is opened here, on the controller's machine; then the controller is asked to take over what it signed.
fn renew(renew: &Renew, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let config = settings::load(&renew.file, console)?.config;
    let mut session = Session::open(connection, console)?;
    let passphrase = secrets::passphrase(renew.passphrase_file.as_deref(), console)?;
    let begun = found::renew_issuing(&config.server.data, passphrase, console.clock.now());
    let ends = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
    console.note(&format!("made an issuing authority that lasts until {ends}"));
    let reply = session.ask(turnover(v1::TurnoverStep::Renew, 0))?;
    tell(reply, renew.printing, console)
}

fn turnover(step: v1::TurnoverStep, leave_behind_after: u32) -> v1::TurnoverRequest {
    v1::TurnoverRequest { step: step.into(), leave_behind_after }
}

fn tell(
    reply: v1::TurnoverReply,
    printing: Printing,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let stragglers = reply.stragglers.into_iter().map(AgentRow::try_from);
    let standing = Standing {
        phase: reply.phase,
        trust_generation: reply.trust_generation,
        roots: reply.roots.into_iter().map(Root::try_from).collect::<Result<_, Stop>>()?,
        issuing_ends: Timestamp::from_unix(reply.issuing_ends),
        stragglers: stragglers.collect::<Result<_, Stop>>()?,
    };
    match printing.format {
        Format::Json => table::object(&standing, console)?,
        Format::Text => {
            let behind = standing.stragglers.len();
            let mut details = vec![
                ("phase", standing.phase.clone()),
                ("trust generation", standing.trust_generation.to_string()),
            ];
            let root = |root: &Root| ("root", format!("{} until {}", root.pin, root.ends));
            details.extend(standing.roots.iter().map(root));
            details.push(("issuing until", standing.issuing_ends.to_string()));
            details.push(("agents behind", behind.to_string()));
            console.result(&table::details(&details))?;
            if behind > 0 {
                console.result("\n")?;
                table::list(&standing.stragglers, Format::Text, console)?;
            }
        }
    }
    let left = standing.issuing_ends.seconds_since(console.clock.now());
    if left <= AHEAD {
        console.note(&format!(
            "the issuing authority ends at {}, and no certificate outlives it; run palisade authority renew on the \
             controller's machine",
            standing.issuing_ends
        ));
    }
    Ok(GOOD)
}
