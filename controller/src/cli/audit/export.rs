//! The whole log as a file: one JSON object a line, the records in order. It needs no trailer: its own hashes hold it
//! together, and a head that somebody kept holds its end.

use std::io::Write;
use std::path::Path;

use super::record::AuditRow;
use super::{Export, asked};
use crate::cli::console::Console;
use crate::cli::files::{Place, Readers};
use crate::cli::progress::Progress;
use crate::cli::session::{Connection, Session};
use crate::cli::stop::{GOOD, Stop};
use crate::cli::table;

/// Writes it.
///
/// # Errors
/// A controller that is not reached or refuses; a file that cannot be written.
pub fn run(
    export: &Export,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let place = match export.output.as_path() {
        path if path == Path::new("-") => None,
        path => Some(Place::new_file(path, Readers::OwnerOnly)?),
    };
    let mut session = Session::open(connection, console)?;
    let request = asked(export.whose.agent.as_deref(), 1, &mut session)?;
    let mut records = session.begin(async |client| client.read_audit_log(request).await)?;
    let progress = Progress::bar(0, "{spinner} {pos} records", console.terminals);
    let mut file = place.as_ref().map(Place::begin).transpose()?.map(std::io::BufWriter::new);
    let (mut last, mut count): (Option<AuditRow>, u64) = (None, 0);
    while let Some(record) = session.next(&mut records)? {
        let row = AuditRow::try_from(record)?;
        let line = table::line(&row)?;
        match (&mut file, &place) {
            (Some(file), Some(place)) => {
                file.write_all(line.as_bytes()).map_err(|error| place.fault(&error))?;
            }
            (None, _) | (_, None) => {
                if !console.piece(&line)? {
                    return Ok(GOOD);
                }
            }
        }
        progress.add(1);
        (last, count) = (Some(row), count + 1);
    }
    progress.finish();
    if let (Some(file), Some(place)) = (file, &place) {
        let file = file.into_inner().map_err(|error| place.fault(error.error()))?;
        place.put(file)?;
    }
    match last {
        Some(row) => {
            let (number, hash) = (row.number, row.hash);
            console
                .note(&format!("{count} records; keep the head somewhere else: {number}:{hash}"));
        }
        None => console.note("the log is empty"),
    }
    Ok(GOOD)
}
