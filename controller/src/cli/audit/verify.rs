//! Whether a log is what was written: no record changed, removed, put elsewhere or cut off.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use certs::audit::{BrokenChain, ChainHead, Verifier, Witness};
use certs::random::{hex, unhex};
use serde::Serialize;

use super::Verify;
use super::record::AuditRow;
use crate::cli::console::Console;
use crate::cli::files;
use crate::cli::session::{Connection, Session, runtime, wait};
use crate::cli::stop::{BAD, GOOD, Stop};
use crate::cli::table::{self, Format};
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
    let walked = match verify.file.as_deref() {
        None => online(&witnesses, connection, console)?,
        Some(path) if is_database(path)? => database(path, &mut witnesses)?,
        Some(path) => export(path, &witnesses)?,
    };
    let found = match walked {
        Ok(head) => Found {
            intact: true,
            records: head.length,
            head: (head.length > 0).then(|| format!("{}:{}", head.length, hex(&head.hash))),
            witnesses: witnesses.len(),
            fault: None,
        },
        Err(Broken { fault, records }) => Found {
            intact: false,
            records,
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
    if found.witnesses == 0 {
        console.note(
            "no head was given with --head and no agent has witnessed one, so a log whose end was cut off looks the \
             same",
        );
    }
    Ok(())
}

/// What is wrong, and how many records were in order before it.
struct Broken {
    fault: String,
    records: u64,
}

type Walked = Result<ChainHead, Broken>;

/// A verifier that counts.
struct Walk {
    verifier: Verifier,
    records: u64,
}

impl Walk {
    fn new(witnesses: &[Witness]) -> Self {
        Self { verifier: Verifier::new(witnesses.iter().cloned()), records: 0 }
    }

    fn take(&mut self, row: AuditRow) -> Result<(), Broken> {
        let number = row.number;
        let broken = |fault: String, records| Broken { fault, records };
        let (record, hash) = row
            .apart()
            .ok_or_else(|| broken(format!("record {number} has no hash"), self.records))?;
        self.verifier
            .take(&record, &hash)
            .map_err(|error: BrokenChain| broken(error.to_string(), self.records))?;
        self.records += 1;
        Ok(())
    }

    fn finish(self) -> Walked {
        let records = self.records;
        self.verifier.finish().map_err(|error| Broken { fault: error.to_string(), records })
    }
}

fn online(
    witnesses: &[Witness],
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<Walked, Stop> {
    let mut session = Session::open(connection, console)?;
    let mut records = session.begin(async |client| client.read_audit_log(1).await)?;
    let mut walk = Walk::new(witnesses);
    while let Some(record) = session.next(&mut records)? {
        if let Err(broken) = walk.take(AuditRow::try_from(record)?) {
            return Ok(Err(broken));
        }
    }
    Ok(walk.finish())
}

fn is_database(path: &Path) -> Result<bool, Stop> {
    let mut head = Vec::new();
    let file = files::open("the log", path, u64::MAX)?;
    let read = file.take(SQLITE.len() as u64).read_to_end(&mut head);
    read.map_err(|error| Stop::Failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(head == SQLITE)
}

/// The database file, read and never written to. The heads that agents have witnessed stand in it as well.
fn database(path: &Path, witnesses: &mut Vec<Witness>) -> Result<Walked, Stop> {
    let failed = |error: crate::store::StoreError| {
        Stop::Failed(format!(
            "cannot read the log in {}: {}",
            path.display(),
            super::super::stop::chain(&error)
        ))
    };
    let runtime = runtime()?;
    let log = wait(&runtime, offline::Log::open(path))?.map_err(failed)?;
    let seen = wait(&runtime, log.witnesses())?.map_err(failed)?;
    witnesses.extend(seen.into_iter().filter(|witness| witness.head.length > 0));
    let mut walk = Walk::new(witnesses);
    loop {
        let after = walk.records;
        let page = wait(&runtime, log.page(after))?.map_err(failed)?;
        if page.is_empty() {
            return Ok(walk.finish());
        }
        for (record, hash) in page {
            let row = AuditRow {
                number: record.number,
                time: record.time,
                actor: record.actor,
                deed: record.deed,
                subject: record.subject,
                detail: record.detail,
                hash: hex(&hash),
            };
            if let Err(broken) = walk.take(row) {
                return Ok(Err(broken));
            }
        }
    }
}

fn export(path: &Path, witnesses: &[Witness]) -> Result<Walked, Stop> {
    let mut lines = BufReader::new(files::open("the log", path, MAX_EXPORT)?);
    let mut walk = Walk::new(witnesses);
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
                return Ok(Err(Broken { fault, records: walk.records }));
            }
        }
    }
    Ok(walk.finish())
}
