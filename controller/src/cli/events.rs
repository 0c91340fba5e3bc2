//! `palisade events`: what the web server logs of the sites' cameras showed together.

use clap::Args;
use proto::record::SiteEvent;
use proto::wire::v1;
use proto::{SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use super::words;

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade events harbour
  palisade events --since 2027-03-01T00:00:00Z --format json
  palisade events --watch

brute_force: many failed log-ins, or failed log-ins at several cameras, from one address
in a short time. unknown_source: an address that the policy does not name. out_of_hours:
somebody was let in when the policy wants nobody in.";

/// Columns of a list that goes on for ever, which cannot wait for its widest cell.
const WATCH_WIDTHS: [usize; 6] = [16, 15, 40, 12, 7, 0];

/// `events`
#[derive(Debug, Args)]
pub struct Events {
    /// Only this site's
    #[arg(value_name = "SITE")]
    pub site: Option<SiteName>,
    /// Only what was last seen then or later, such as 2027-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// At most so many, the newest, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Go on with what comes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Serialize)]
struct EventRow {
    site: String,
    #[serde(flatten)]
    event: SiteEvent,
}

impl TryFrom<v1::EventRow> for EventRow {
    type Error = Stop;

    fn try_from(row: v1::EventRow) -> Result<Self, Stop> {
        let event = row.event.ok_or_else(|| words::nonsense("an event without content"))?;
        let event = SiteEvent::try_from(event).map_err(|_| words::nonsense("an event"))?;
        Ok(Self { site: row.site, event })
    }
}

impl Row for EventRow {
    const TITLES: &'static [&'static str] =
        &["SITE", "EVENT", "SOURCE", "LAST SEEN", "COUNT", "WHERE"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let event = &self.event;
        let names: Vec<_> = event.devices.iter().map(ToString::to_string).collect();
        let users = match event.users.as_slice() {
            [] => String::new(),
            users => format!("; let in as {}", users.join(", ")),
        };
        vec![
            self.site.clone(),
            event.kind.as_str().to_owned(),
            event.source.to_string(),
            table::ago(Some(event.last_at), now),
            event.count.to_string(),
            format!("{}{users}", names.join(", ")),
        ]
    }
}

/// Lists events, or goes on with what comes.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    events: &Events,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let request = v1::ListEventsRequest {
        site: events.site.as_ref().map_or(String::new(), ToString::to_string),
        since: events.since.map_or(0, Timestamp::unix),
        limit: events.limit,
    };
    let format = events.printing.format;
    if events.watch {
        return watch(request, format, &mut session, console);
    }
    let reply = session.ask(request)?;
    let rows = reply.rows.into_iter().map(EventRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, format, console)?;
    if reply.more {
        console.note(&format!("older ones than these {} match, too", rows.len()));
    }
    Ok(GOOD)
}

/// Ctrl-C is how it is meant to end.
fn watch(
    request: v1::ListEventsRequest,
    format: Format,
    session: &mut Session,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut rows = session.begin(async |client| client.watch_events(request).await)?;
    if format == Format::Text {
        let titles: Vec<_> = EventRow::TITLES.iter().map(|it| (*it).to_owned()).collect();
        let line = table::aligned(&titles, &WATCH_WIDTHS, console.terminals.width);
        console.piece(&(line + "\n"))?;
    }
    loop {
        let row = match session.next(&mut rows) {
            Ok(Some(row)) => EventRow::try_from(row)?,
            Err(Stop::Interrupted) => return Ok(GOOD),
            Ok(None) => {
                let text = "the controller ended the stream; run it again";
                return Err(Stop::Failed(text.to_owned()));
            }
            Err(other) => return Err(other),
        };
        let text = match format {
            Format::Json => table::line(&row)?,
            Format::Text => {
                let cells = row.cells(console.clock.now());
                table::aligned(&table::safe(&cells), &WATCH_WIDTHS, console.terminals.width) + "\n"
            }
        };
        if !console.piece(&text)? {
            return Ok(GOOD);
        }
    }
}
