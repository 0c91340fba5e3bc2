//! Which agents hold what their site should be, once or until all do.

use std::time::Duration;

use proto::wire::v1;

use crate::cli::agent::AgentRow;
use crate::cli::console::Console;
use crate::cli::progress::Progress;
use crate::cli::session::{Connection, Session};
use crate::cli::stop::{BAD, FAILED, GOOD, Stop};
use crate::cli::table::{self, Format, Printing};
use crate::config::Span;

/// The first pause between two looks; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// Lists the agents that are behind.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn list(
    printing: Printing,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let reply = Session::open(connection, console)?.ask(v1::PolicyRolloutRequest {})?;
    let behind = reply.stragglers.len();
    let rows = reply.stragglers.into_iter().map(AgentRow::try_from);
    let rows = rows.collect::<Result<Vec<_>, Stop>>()?;
    if printing.format == Format::Json || behind > 0 {
        table::list(&rows, printing.format, console)?;
    }
    console
        .note(&format!("{} agents hold what their site should be, {behind} do not", reply.current));
    Ok(if behind == 0 { GOOD } else { BAD })
}

/// Waits until every agent that is online, of one site or of all, holds what its site should be.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn wait(
    site: &str,
    timeout: Span,
    session: &mut Session,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let begun = console.clock.now();
    let bar = Progress::bar(0, "{bar:30} {pos}/{len} agents hold it", console.terminals);
    let mut pause = FIRST;
    loop {
        let reply = session.ask(v1::PolicyRolloutRequest {})?;
        let all = reply.stragglers.into_iter();
        let behind: Vec<_> = all.filter(|it| site.is_empty() || it.site == site).collect();
        let online = i32::from(v1::AgentState::Online);
        let (current, waited_for) =
            (reply.current, behind.iter().filter(|agent| agent.state == online).count());
        bar.set(u64::from(current), u64::from(current) + waited_for as u64);
        if waited_for == 0 {
            bar.finish();
            let offline = behind.len();
            console.note(&match offline {
                0 => "every agent holds it".to_owned(),
                _ => format!("every agent online holds it; {offline} offline will get it"),
            });
            return Ok(GOOD);
        }
        if console.clock.now().seconds_since(begun) >= i64::from(timeout.as_seconds()) {
            bar.finish();
            let rows = behind.into_iter().map(AgentRow::try_from);
            let rows = rows.collect::<Result<Vec<_>, Stop>>()?;
            table::list(&rows, Format::Text, console)?;
            console.complain(&format!("these agents do not hold it after {timeout}"));
            return Ok(FAILED);
        }
        session.pause(pause)?;
        pause = (pause * 2).min(LONGEST);
    }
}
