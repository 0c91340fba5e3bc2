//! `palisade authority`: turning over the root of trust, step by step, with a way back until the last one.

use std::path::PathBuf;

use certs::seal::Work;
use clap::{Args, Subcommand};
use proto::wire::v1;
use serde::Serialize;

use super::agent::AgentRow;
use super::console::Console;
use super::secrets;
use super::session::{Connection, Session, runtime, wait};
use super::settings::{self, ConfigFile};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing};
use crate::config::Span;
use crate::service::found;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example: a turnover, the first step on the controller's machine
  palisade authority prepare --config /var/lib/palisade/palisade.toml
  palisade authority status      until no agent is behind
  palisade authority activate
  palisade authority retire      when no old certificate lives";

/// `authority`
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Make a new root and issuing authority in the controller's data folder, and have agents learn to trust it
    #[command(after_help = "\
Example, on the controller's machine:
  palisade authority prepare --config /var/lib/palisade/palisade.toml

The passphrase seals the new root's key. It is asked for on the terminal, or comes from
--passphrase-file or from the environment variable PALISADE_PASSPHRASE.")]
    Prepare(Prepare),
    /// Say where a turnover stands, and which agents are behind
    #[command(after_help = "Example:\n  palisade authority status")]
    Status(Printing),
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
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `authority activate`
#[derive(Debug, Args)]
pub struct Activate {
    /// Go on without agents that were offline for so long; they are listed, and stay away until a rollback or site replace
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
    stragglers: Vec<AgentRow>,
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
            let data = &config.server.data;
            let begun = found::prepare_authority(data, passphrase, Work::Full, console.clock.now());
            let pin = wait(&runtime()?, begun)?.map_err(|error| Stop::failed(&error))?;
            console.note(&format!("made a root with the pin {pin}"));
            let reply = session.ask(turnover(v1::TurnoverStep::Prepare, 0))?;
            session.catch_up(console)?;
            return tell(reply, prepare.printing, console);
        }
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
        stragglers: stragglers.collect::<Result<_, Stop>>()?,
    };
    match printing.format {
        Format::Json => table::object(&standing, console)?,
        Format::Text => {
            let behind = standing.stragglers.len();
            let text = table::details(&[
                ("phase", standing.phase.clone()),
                ("trust generation", standing.trust_generation.to_string()),
                ("agents behind", behind.to_string()),
            ]);
            console.result(&text)?;
            if behind > 0 {
                console.result("\n")?;
                table::list(&standing.stragglers, Format::Text, console)?;
            }
        }
    }
    Ok(GOOD)
}
