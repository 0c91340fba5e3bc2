//! The web server log: what is kept, and the table it is shown as (guide measure 21). Every reboot wipes it.

use std::net::IpAddr;

use jiff::Timestamp;

/// How an access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was served.
    Successful,
    /// It was refused.
    Failed,
}

/// A row to begin with, as if it had happened before the start.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// How long before the start, in seconds.
    pub seconds_ago: i64,
    /// From where.
    pub address: IpAddr,
    /// The host name of that address; the address itself if it has none.
    pub host: Option<String>,
    /// The name given; `None` where no log-in was needed.
    pub user: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// The log since the last reboot, oldest first.
#[derive(Clone, Debug, Default)]
pub struct WebLog {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    last: i64,
    address: IpAddr,
    host: String,
    user: String,
    outcome: Outcome,
}

/// INVENTED: how many rows the camera keeps.
const MAX_ROWS: usize = 500;
/// Accesses of a client within this many seconds are one row (guide measure 8: 60 minutes).
const TOGETHER: i64 = 3600;

impl WebLog {
    /// A log that begins with these rows, told at `now` by the camera's clock (seconds since 1970).
    pub fn preloaded(rows: &[LogRow], now: i64) -> Self {
        let mut rows: Vec<Row> = rows
            .iter()
            .map(|row| Row {
                last: now - row.seconds_ago,
                address: row.address,
                host: row.host.clone().unwrap_or_else(|| row.address.to_string()),
                user: row.user.clone().unwrap_or_else(|| "-".to_owned()),
                outcome: row.outcome,
            })
            .collect();
        rows.sort_by_key(|row| row.last);
        Self { rows }
    }

    /// Notes an access at `now`.
    pub fn note(&mut self, address: IpAddr, user: Option<&str>, outcome: Outcome, now: i64) {
        let user = user.unwrap_or("-");
        let same = |row: &Row| {
            row.address == address
                && row.user == user
                && row.outcome == outcome
                && now - row.last <= TOGETHER
        };
        if let Some(at) = self.rows.iter().rposition(same) {
            let mut row = self.rows.remove(at);
            row.last = now;
            self.rows.push(row);
            return;
        }
        if self.rows.len() >= MAX_ROWS {
            self.rows.remove(0);
        }
        let (user, host) = (user.to_owned(), address.to_string());
        self.rows.push(Row { last: now, address, host, user, outcome });
    }

    /// The page, newest row first. Host, address and status stand only where they change, the date likewise, and the
    /// present day is called today.
    pub fn page(&self, now: i64) -> String {
        let mut page = String::from(
            "<html><head><title>Web Server Logfile</title>\n\
             <meta name=\"publisher\" content=\"MOBOTIX AG, Germany\"></head><body>\n\
             <table><tr><th>Host Name</th><th>IP</th><th>Status</th><th>User</th><th>Date &amp; Time</th></tr>\n",
        );
        let (today, mut before) = (day(now), None::<&Row>);
        for row in self.rows.iter().rev() {
            let same_host = before
                .is_some_and(|above| above.address == row.address && above.outcome == row.outcome);
            let (host, address, status) = if same_host {
                (String::new(), String::new(), String::new())
            } else {
                (escape(&row.host), row.address.to_string(), format!("{:?}", row.outcome))
            };
            let date = match day(row.last) {
                date if before.is_some_and(|above| day(above.last) == date) => String::new(),
                date if date == today => "today ".to_owned(),
                date => format!("{date} "),
            };
            page.push_str(&format!(
                "<tr><td>{host}</td><td>{address}</td><td>{status}</td><td>{}</td><td>{date}{}</td></tr>\n",
                escape(&row.user),
                time(row.last),
            ));
            before = Some(row);
        }
        page + "</table></body></html>\n"
    }
}

fn day(seconds: i64) -> String {
    at(seconds).strftime("%Y-%m-%d").to_string()
}

fn time(seconds: i64) -> String {
    at(seconds).strftime("%H:%M:%S").to_string()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Text as it may stand in a page.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24 09:47:30 UTC.
    const NOW: i64 = 1_795_513_650;

    #[test]
    fn hosts_and_dates_stand_only_where_they_change() {
        let (here, there): (IpAddr, IpAddr) =
            ("10.7.4.21".parse().unwrap(), "10.7.9.33".parse().unwrap());
        let row = |seconds_ago, address, user: Option<&str>| LogRow {
            seconds_ago,
            address,
            host: None,
            user: user.map(str::to_owned),
            outcome: Outcome::Successful,
        };
        let rows =
            [row(0, here, Some("admin")), row(143, here, None), row(90_000, there, Some("<b>"))];
        let page = WebLog::preloaded(&rows, NOW).page(NOW);
        let cells: Vec<&str> = page.lines().filter(|line| line.starts_with("<tr><td>")).collect();
        let expected = [
            "<tr><td>10.7.4.21</td><td>10.7.4.21</td><td>Successful</td><td>admin</td><td>today 09:47:30</td></tr>",
            "<tr><td></td><td></td><td></td><td>-</td><td>09:45:07</td></tr>",
            "<tr><td>10.7.9.33</td><td>10.7.9.33</td><td>Successful</td><td>&lt;b&gt;</td><td>2026-11-23 08:47:30</td></tr>",
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn accesses_within_an_hour_are_one_row() {
        let mut log = WebLog::default();
        let here = "127.0.0.1".parse().unwrap();
        for seconds in [0, 60, 120, 10_000] {
            log.note(here, Some("admin"), Outcome::Failed, NOW + seconds);
        }
        assert_eq!(log.rows.len(), 2);
    }
}
