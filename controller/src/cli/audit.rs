//! `palisade audit`: the controller's log of who did what, and what agents reported of theirs. A log is verified here, on
//! this machine, from what was exported, from the database file or from the controller itself.

mod export;
mod record;
mod verify;
mod walk;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use proto::wire::v1;

use super::agent;
use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use record::AuditRow;

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade audit log --from 100
  palisade audit log --agent harbour
  palisade audit export --output audit.jsonl
  palisade audit verify audit.jsonl --head 128:9f86d0...";

/// Records printed as one table; a longer log is printed as several.
const CHUNK: usize = 500;

/// `audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List the records; as JSON, one object a line
    #[command(after_help = "Example:\n  palisade audit log --from 100 --format json")]
    Log(Log),
    /// Find records that were changed, removed, put elsewhere or cut off; the exit code is 1 if there are any
    #[command(after_help = "\
Examples:
  palisade audit verify
  palisade audit verify audit.jsonl --head 128:9f86d0...
  palisade audit verify /var/lib/palisade/palisade.db
  palisade audit verify --agent harbour

The first fetches the controller's log and verifies it here; the others need no controller.
That the end was cut off shows only against a head that somebody else kept: every agent keeps one
(palisade-agent status), which the first and the third compare, and so may you (palisade audit
verify prints it).")]
    Verify(Verify),
    /// Write the whole log to a file that can be verified without a controller
    #[command(after_help = "Example:\n  palisade audit export --output audit.jsonl")]
    Export(Export),
}

/// Whose log it is.
#[derive(Debug, Args)]
pub struct Whose {
    /// Not the controller's own log, but the records of this agent's: the site, or the agent's id or the beginning of it
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
}

/// `audit log`
#[derive(Debug, Args)]
pub struct Log {
    /// Whose log.
    #[command(flatten)]
    pub whose: Whose,
    /// From this record on
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `audit verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// An export or a database file; without one, the controller is asked
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A head that somebody kept: how many records there were, and the last one's hash; may be repeated
    #[arg(long = "head", value_name = "LENGTH:HEX", value_parser = verify::head)]
    pub heads: Vec<certs::audit::ChainHead>,
    /// Whose log.
    #[command(flatten)]
    pub whose: Whose,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `audit export`
#[derive(Debug, Args)]
pub struct Export {
    /// The file; - for standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Whose log.
    #[command(flatten)]
    pub whose: Whose,
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses; files that cannot be read or written.
pub fn run(
    command: &AuditCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        AuditCommand::Log(it) => log(it, connection, console),
        AuditCommand::Verify(it) => verify::run(it, connection, console),
        AuditCommand::Export(it) => export::run(it, connection, console),
    }
}

/// What the controller is asked for: its own log or, by its whole id, an agent's.
///
/// # Errors
/// No such agent; a controller that is not reached or refuses.
fn asked(
    agent: Option<&str>,
    from: u64,
    session: &mut Session,
) -> Result<v1::ReadAuditLogRequest, Stop> {
    let agent = match agent {
        None => String::new(),
        Some(wanted) => agent::find(wanted, session)?.id,
    };
    Ok(v1::ReadAuditLogRequest { from, agent })
}

/// Prints as it arrives: the log may be long.
fn log(log: &Log, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let request = asked(log.whose.agent.as_deref(), log.from, &mut session)?;
    let mut records = session.begin(async |client| client.read_audit_log(request).await)?;
    let (mut rows, mut is_first) = (Vec::new(), true);
    loop {
        let next = session.next(&mut records)?;
        let is_end = next.is_none();
        if let Some(record) = next {
            let row = AuditRow::try_from(record)?;
            match log.printing.format {
                Format::Json => {
                    if !console.piece(&table::line(&row)?)? {
                        return Ok(GOOD);
                    }
                }
                Format::Text => rows.push(row),
            }
        }
        if rows.len() == CHUNK || (is_end && !rows.is_empty()) {
            let now = console.clock.now();
            let cells: Vec<_> = rows.drain(..).map(|row| row.cells(now)).collect();
            let text = table::table(AuditRow::TITLES, &cells, console.terminals);
            // Titles once, at the top.
            let text = if is_first { &text } else { text.split_once('\n').map_or("", |it| it.1) };
            is_first = false;
            if !console.piece(text)? {
                return Ok(GOOD);
            }
        }
        if is_end {
            return Ok(GOOD);
        }
    }
}
