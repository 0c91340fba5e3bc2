//! The web server log: a page with a table (guide, measure 21), summarised per source address.
//!
//! The page is hostile: user names in it were typed by strangers. Only cells are looked at, nothing is kept but counts,
//! addresses and the names of users who got in. How a real camera marks a page up is inferred, so that columns are
//! found by their headings, and a row that cannot be understood is counted as odd.

mod table;

use std::net::IpAddr;

use jiff::civil::{Date, DateTime, Time};
use proto::text::printable;
use proto::{Day, Timestamp};

use crate::facts::{LogLine, WebLogSummary};

/// Rows that are read.
const MAX_ROWS: usize = 10_000;
/// Source addresses and, for each, users that are kept.
const MAX_SOURCES: usize = 2_000;
const MAX_USERS: usize = 100;
/// Lines that are kept one by one for a moment.
const MAX_LINES: usize = 1_000;

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    address: usize,
    status: usize,
    user: usize,
    time: usize,
    count: Option<usize>,
}

/// What continues from row to row.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    address: Option<IpAddr>,
    success: Option<bool>,
    date: Option<Date>,
}

/// Summarises the page; `None` if there is no such table on it. `today` is the camera's own day. Times are taken as the
/// camera tells them, which is its local time.
pub fn summarise(page: &[u8], today: Day) -> Option<WebLogSummary> {
    let text = String::from_utf8_lossy(page);
    let mut rows = table::rows(&text);
    let columns = rows.by_ref().take(MAX_ROWS).find_map(|row| Columns::find(&row))?;
    let today = today.to_string().parse::<Date>().ok()?;
    let counted = columns.count.is_some();
    let mut summary = WebLogSummary { counted, cut: !is_whole(&text), ..WebLogSummary::default() };
    let mut context = Context::default();
    for row in rows {
        if row.iter().all(String::is_empty) || Columns::find(&row).is_some() {
            continue;
        }
        if summary.rows as usize == MAX_ROWS {
            summary.cut = true;
            break;
        }
        summary.rows += 1;
        if take(&row, columns, today, &mut context, &mut summary).is_none() {
            summary.odd_rows += 1;
        }
    }
    Some(summary)
}

/// Whether the page came to its end. A camera that announces too short a length cuts rows off unseen.
fn is_whole(page: &str) -> bool {
    let page = page.to_ascii_lowercase();
    page.contains("</html") || page.trim_end().ends_with("</table>")
}

impl Columns {
    fn find(row: &[String]) -> Option<Self> {
        let heading = |is: &dyn Fn(&str) -> bool| {
            row.iter().position(|cell| is(cell.to_ascii_lowercase().trim()))
        };
        Some(Self {
            address: heading(&|cell| cell == "ip" || cell == "ip address")?,
            status: heading(&|cell| cell == "status")?,
            user: heading(&|cell| cell == "user" || cell == "user name")?,
            time: heading(&|cell| cell.contains("date") || cell == "time")?,
            count: heading(&|cell| cell == "count"),
        })
    }
}

/// Adds one row; `None` if it is not understood. Then rows that continue it are not attributed to anyone either.
fn take(
    row: &[String],
    columns: Columns,
    today: Date,
    context: &mut Context,
    summary: &mut WebLogSummary,
) -> Option<()> {
    let cell = |place: usize| row.get(place).map(|cell| cell.trim());
    let (address, status) = (cell(columns.address)?, cell(columns.status)?);
    if !address.is_empty() {
        *context = Context { date: context.date, ..Context::default() };
        context.address = address.parse().ok().map(|address: IpAddr| address.to_canonical());
    }
    if !status.is_empty() {
        context.success = success(status);
    }
    let user = cell(columns.user)?;
    let time = moment(cell(columns.time)?, today, context)?;
    let (address, success) = (context.address?, context.success?);
    let times = match columns.count.and_then(cell) {
        None | Some("") => 1,
        Some(count) => count.parse().ok()?,
    };
    if !summary.sources.contains_key(&address) && summary.sources.len() == MAX_SOURCES {
        summary.cut = true;
        return Some(());
    }
    summary.oldest = Some(summary.oldest.map_or(time, |oldest| oldest.min(time)));
    summary.newest = summary.newest.max(Some(time));
    let named = !user.is_empty() && user != "-";
    let who = (success && named).then(|| printable(user, 64));
    note(summary, LogLine { source: address, success, named, user: who, time, times });
    let source = summary.sources.entry(address).or_default();
    if success {
        source.successful = source.successful.saturating_add(times);
        if named && source.users.len() < MAX_USERS {
            source.users.insert(printable(user, 64));
        }
        return Some(());
    }
    source.failed = source.failed.saturating_add(times);
    if named {
        source.last_failed = source.last_failed.max(Some(time));
    } else {
        source.nameless = source.nameless.saturating_add(times);
    }
    Some(())
}

/// Keeps a line; of too many the oldest go, wherever they stand on the page.
fn note(summary: &mut WebLogSummary, line: LogLine) {
    summary.lines.push(line);
    if summary.lines.len() >= 2 * MAX_LINES {
        summary.lines.sort_by_key(|line| std::cmp::Reverse(line.time));
        summary.lines.truncate(MAX_LINES);
    }
}

/// `Successful` and HTTP codes below 400 are, `Unauthorized` and its like are not.
fn success(status: &str) -> Option<bool> {
    let status = status.to_ascii_lowercase();
    let code = status.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 3);
    if let Some(code) = code.and_then(|digits| digits.parse::<u16>().ok()) {
        return (100..600).contains(&code).then_some(code < 400);
    }
    let failing = [
        "unsuccess",
        "unauth",
        "fail",
        "denied",
        "refus",
        "forbidden",
        "block",
        "invalid",
        "error",
    ];
    if failing.iter().any(|word| status.contains(word)) {
        return Some(false);
    }
    (status.starts_with("success") || status == "ok").then_some(true)
}

/// `today 09:47:30`, `2018-02-05 07:31:45`, or `09:40:12`, which is on the day of the row above.
fn moment(text: &str, today: Date, context: &mut Context) -> Option<Timestamp> {
    let (day, time) = match text.split_once(char::is_whitespace) {
        Some((day, time)) if day.eq_ignore_ascii_case("today") => (Some(today), time),
        Some((day, time)) => (Some(day.parse::<Date>().ok()?), time),
        None => (context.date, text),
    };
    let time: Time = time.trim().parse().ok()?;
    let day = day?;
    context.date = Some(day);
    let local = DateTime::from_parts(day, time);
    let stamp = jiff::tz::Offset::UTC.to_timestamp(local).ok()?;
    Some(Timestamp::from_unix(stamp.as_second()))
}

#[cfg(test)]
mod tests;
