//! Drift: what somebody changed on a device between two looks, and who was there.

use std::net::IpAddr;

use proto::text::printable;
use serde::{Deserialize, Serialize};

use crate::change::Differences;
use crate::facts::{Fact, WebLogSummary};

/// Most people that are named.
const MOST: usize = 20;

/// What changed between two looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The lines, secrets hidden.
    pub lines: Differences,
    /// Who logged in since the device's last reboot, other than us, as its own log tells; a clause each.
    pub present: Vec<String>,
}

/// What changed, if anything did. `log` is the log of the later look.
pub fn drift(lines: Differences, log: &Fact<WebLogSummary>) -> Option<Drift> {
    if lines.is_empty() {
        return None;
    }
    let present = match log {
        Fact::Seen(log) => present(log),
        Fact::Absent => Vec::new(),
        Fact::Unreadable(why) => vec![format!("who was there is not known: {why}")],
    };
    Some(Drift { lines, present })
}

fn present(log: &WebLogSummary) -> Vec<String> {
    let own = log.own.as_ref().map(IpAddr::to_canonical);
    let others = log.sources.iter().filter(|(address, _)| Some(address.to_canonical()) != own);
    let people = others.flat_map(|(address, seen)| {
        seen.users.iter().map(move |user| format!("{} from {address}", printable(user, 40)))
    });
    let mut people: Vec<String> = people.collect();
    if people.len() > MOST {
        let more = people.len() - MOST;
        people.truncate(MOST);
        people.push(format!("and {more} more"));
    }
    if log.cut || log.odd_rows > 0 {
        people.push("perhaps others: not all of the log was understood".to_owned());
    }
    people
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::SourceSummary;

    fn source(users: &[&str]) -> SourceSummary {
        let users: BTreeSet<String> = users.iter().map(|user| (*user).to_owned()).collect();
        SourceSummary { successful: 1, users, ..SourceSummary::default() }
    }

    #[test]
    fn what_changed_goes_with_who_was_there_and_we_are_nobody() {
        let lines = Differences {
            gone: vec!["homepage: ROBOTS_TXT_MODE=forbidden".to_owned()],
            new: vec!["homepage: ROBOTS_TXT_MODE=allowed".to_owned()],
        };
        let sources = [("10.1.0.5", source(&["audit"])), ("10.1.0.9", source(&["kim", "eve"]))];
        let log = WebLogSummary {
            own: Some("::ffff:10.1.0.5".parse().unwrap()),
            sources: sources.map(|(address, seen)| (address.parse().unwrap(), seen)).into(),
            ..WebLogSummary::default()
        };
        let found = drift(lines.clone(), &Fact::Seen(log)).unwrap();
        assert_eq!(
            (found.lines, found.present),
            (lines.clone(), vec!["eve from 10.1.0.9".to_owned(), "kim from 10.1.0.9".to_owned()])
        );
        let unread = drift(lines, &Fact::unreadable("no such page")).unwrap();
        assert_eq!(unread.present, ["who was there is not known: no such page"]);
        assert_eq!(drift(Differences::default(), &Fact::Absent), None);
    }
}
