//! Whether a log is what was written: no record changed, removed, put elsewhere or cut off.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use certs::audit::{ChainHead, Witness};
use certs::random::{hex, unhex};
use proto::wire::v1;
use serde::Serialize;

use super::Verify;
use super::record::AuditRow;
use super::walk::{Broken, Intact, Keeper, Walk, Walked};
use crate::cli::agent::{Candidate, find, pick};
use crate::cli::console::Console;
use crate::cli::files;
use crate::cli::session::{Connection, Session, runtime, wait};
use crate::cli::stop::{BAD, GOOD, Stop};
use crate::cli::table::{self, Format};
use crate::cli::words::nonsense;
use crate::store::offline;

/// Every SQLite file begins so.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// Longest line of an export, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// Largest export, in bytes: some hundred million records.
const MAX_EXPORT: u64 = 64 << 30;

/// Reads `LENGTH:HEX`.
///
/// # Errors
/// Anything else, in words for the command line.
pub fn head(text: &str) -> Result<ChainHead, String> {
    let parts = text.split_once(':').and_then(|(length, hash)| {
        let hash: [u8; 32] = unhex(hash)?.try_into().ok()?;
        Some(ChainHead { length: length.parse().ok().filter(|it| *it > 0)?, hash })
    });
    parts.ok_or_else(|| "want the number of records, a colon and 64 hex digits".to_owned())
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    intact: bool,
    records: u64,
    /// Number of the first record that is there.
    first: Option<u64>,
    head: Option<String>,
    witnesses: usize,
    fault: Option<String>,
}

/// Verifies a log.
///
/// # Errors
/// A log that cannot be read. One that is broken is a result.
pub fn run(
    verify: &Verify,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let kept = verify.heads.iter();
    let mut witnesses: Vec<_> =
        kept.map(|head| Witness { by: "you (--head)".to_owned(), head: *head }).collect();
    let agent = verify.whose.agent.as_deref();
    let walked = match verify.file.as_deref() {
        None => online(agent, &mut witnesses, connection, console)?,
        Some(path) if is_database(path)? => database(path, agent, &mut witnesses)?,
        Some(path) => export(path, agent, &witnesses)?,
    };
    let found = match walked {
        Ok(Intact { first, records, head }) => Found {
            intact: true,
            records,
            first: (records > 0).then_some(first),
            head: (records > 0).then(|| format!("{}:{}", head.length, hex(&head.hash))),
            witnesses: witnesses.len(),
            fault: None,
        },
        Err(Broken { fault, records }) => Found {
            intact: false,
            records,
            first: None,
            head: None,
            witnesses: witnesses.len(),
            fault: Some(fault),
        },
    };
    match verify.printing.format {
        Format::Json => table::object(&found, console)?,
        Format::Text => tell(&found, console)?,
    }
    Ok(if found.intact { GOOD } else { BAD })
}

fn tell(found: &Found, console: &mut Console<'_>) -> Result<(), Stop> {
    if let Some(fault) = &found.fault {
        let fault = proto::text::printable(fault, 400);
        return console.result(&format!("broken: {fault}\n"));
    }
    let head = found.head.as_deref().unwrap_or("none");
    let plural = if found.records == 1 { "" } else { "s" };
    console.result(&format!("intact: {} record{plural}, head {head}\n", found.records))?;
    if let Some(first @ 2..) = found.first {
        console.note(&format!(
            "the log begins with record {first}, which is believed: those before it are kept no longer (keep.agent_audit)"
        ));
    }
    if found.witnesses == 0 {
        console.note(
            "no head was given with --head and no agent has witnessed one, so a log whose end was cut off looks the \
             same",
        );
    }
    Ok(())
}

fn keeper(agent: Option<&str>) -> Keeper {
    agent.map_or(Keeper::Controller, |id| Keeper::Agent(id.to_owned()))
}

/// The heads that somebody has witnessed are asked for first: the log only grows behind them.
fn online(
    agent: Option<&str>,
    witnesses: &mut Vec<Witness>,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<Walked, Stop> {
    let mut session = Session::open(connection, console)?;
    let mut told = Vec::new();
    let id = match agent {
        None => {
            let asked = v1::ListAgentsRequest { site: String::new() };
            for agent in session.ask(asked)?.agents {
                told.extend(witness(agent.witnessed, format!("agent {}", agent.id))?);
            }
            String::new()
        }
        Some(wanted) => {
            let agent = find(wanted, &mut session)?;
            told.extend(witness(agent.reported, "the controller".to_owned())?);
            agent.id
        }
    };
    let request = v1::ReadAuditLogRequest { from: 1, agent: id };
    let keeper = keeper(agent.map(|_| request.agent.as_str()));
    let mut records = session.begin(async |client| client.read_audit_log(request).await)?;
    let mut next = session.next(&mut records)?;
    // Of an agent of which no record is kept any more, there is nothing to hold its head against.
    if agent.is_none() || next.is_some() {
        witnesses.append(&mut told);
    }
    let mut walk = Walk::new(keeper, witnesses);
    while let Some(record) = next {
        if let Err(broken) = walk.take(AuditRow::try_from(record)?) {
            return Ok(Err(broken));
        }
        next = session.next(&mut records)?;
    }
    Ok(walk.finish())
}

/// A head that somebody knows, unless it is of no record.
fn witness(head: Option<v1::ChainHead>, by: String) -> Result<Option<Witness>, Stop> {
    let Some(v1::ChainHead { length: length @ 1.., hash }) = head else { return Ok(None) };
    let hash = hash.try_into().map_err(|_| nonsense("a head of the wrong length"))?;
    Ok(Some(Witness { by, head: ChainHead { length, hash } }))
}

fn is_database(path: &Path) -> Result<bool, Stop> {
    let mut head = Vec::new();
    let file = files::open("the log", path, u64::MAX)?;
    let read = file.take(SQLITE.len() as u64).read_to_end(&mut head);
    read.map_err(|error| Stop::Failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(head == SQLITE)
}

/// The database file, read and never written to. The heads that somebody has witnessed stand in it as well: agents know
/// the controller's, and the controller theirs.
fn database(
    path: &Path,
    agent: Option<&str>,
    witnesses: &mut Vec<Witness>,
) -> Result<Walked, Stop> {
    let failed = |error: crate::store::StoreError| {
        Stop::Failed(format!(
            "cannot read the log in {}: {}",
            path.display(),
            super::super::stop::chain(&error)
        ))
    };
    let runtime = runtime()?;
    let log = wait(&runtime, offline::Log::open(path))?.map_err(failed)?;
    let agent = match agent {
        None => None,
        Some(wanted) => {
            let mut agents = wait(&runtime, log.agents())?.map_err(failed)?;
            let place = pick(wanted, &agents.iter().map(candidate).collect::<Vec<_>>())?;
            Some(agents.swap_remove(place))
        }
    };
    let page = |after| wait(&runtime, log.page(agent.as_ref(), after))?.map_err(failed);
    let mut records = page(0)?;
    match &agent {
        None => witnesses.extend(wait(&runtime, log.witnesses())?.map_err(failed)?),
        // Of an agent of which no record is kept any more, there is nothing to hold its head against.
        Some(_) if records.is_empty() => {}
        Some(agent) => {
            witnesses.push(Witness { by: "the controller".to_owned(), head: agent.head });
        }
    }
    let mut walk = Walk::new(keeper(agent.as_ref().map(|agent| agent.id.as_str())), witnesses);
    while let Some((last, _)) = records.last() {
        let after = last.number;
        for (record, hash) in records {
            if let Err(broken) = walk.take(AuditRow::new(record, &hash)) {
                return Ok(Err(broken));
            }
        }
        records = page(after)?;
    }
    Ok(walk.finish())
}

fn candidate(agent: &offline::Reporter) -> Candidate {
    Candidate {
        id: agent.id.clone(),
        site: agent.site.clone(),
        is_gone: agent.is_gone,
        enrolled_at: agent.enrolled_at.unix(),
    }
}

fn export(path: &Path, agent: Option<&str>, witnesses: &[Witness]) -> Result<Walked, Stop> {
    let mut lines = BufReader::new(files::open("the log", path, MAX_EXPORT)?);
    let mut walk = Walk::new(keeper(agent), witnesses);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let failed = |why: String| {
            Stop::Usage(format!("{} line {number} is no audit record: {why}", path.display()))
        };
        let read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line);
        match read.map_err(|error| failed(error.to_string()))? {
            0 => break,
            count if count as u64 == MAX_LINE => return Err(failed("it is too long".to_owned())),
            _ => {}
        }
        let row: Result<AuditRow, _> = serde_json::from_slice(&line);
        match row {
            Ok(row) => {
                if let Err(broken) = walk.take(row) {
                    return Ok(Err(broken));
                }
            }
            // A file that is no export at all is the wrong file; a line that breaks off in one is damage.
            Err(error) if number == 1 => return Err(failed(error.to_string())),
            Err(error) => {
                let fault = format!("line {number} is no record: {error}");
                return Ok(Err(Broken { fault, records: walk.records() }));
            }
        }
    }
    Ok(walk.finish())
}
