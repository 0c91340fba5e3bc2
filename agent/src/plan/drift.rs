//! Drift: what somebody changed on a device between two looks, and who was there.

use std::collections::BTreeMap;
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
    /// Who logged in meanwhile, other than us, as the device's own log tells; a clause each. Since the earlier look, if
    /// its log goes on from there; else since the device's last reboot.
    pub present: Vec<String>,
}

/// What changed, if anything did. `then` is the log of the earlier look, if it was read; `log` that of the later one.
pub fn drift(
    lines: Differences,
    then: Option<&WebLogSummary>,
    log: &Fact<WebLogSummary>,
) -> Option<Drift> {
    if lines.is_empty() {
        return None;
    }
    let present = match log {
        Fact::Seen(log) => present(then, log),
        Fact::Absent => Vec::new(),
        Fact::Unreadable(why) => vec![format!("who was there is not known: {why}")],
    };
    Some(Drift { lines, present })
}

/// The lines that differ from `one` to `other`, both as they may be shown; their order does not count.
pub fn between(one: &[String], other: &[String]) -> Differences {
    let mut surplus: BTreeMap<&String, i64> = BTreeMap::new();
    other.iter().for_each(|line| *surplus.entry(line).or_default() += 1);
    one.iter().for_each(|line| *surplus.entry(line).or_default() -= 1);
    let mut found = Differences::default();
    for (line, count) in surplus {
        let lines = std::iter::repeat_n(line, usize::try_from(count.abs()).unwrap_or_default());
        let side = if count < 0 { &mut found.gone } else { &mut found.new };
        side.extend(lines.cloned());
    }
    found
}

fn present(then: Option<&WebLogSummary>, log: &WebLogSummary) -> Vec<String> {
    // A log that begins elsewhere was wiped by a reboot: then everybody in it came meanwhile.
    let then = then.filter(|then| then.oldest.is_some() && then.oldest == log.oldest);
    let came = |address: &IpAddr, user: &String, successful: u32| {
        let before = then.and_then(|then| then.sources.get(address));
        before.is_none_or(|before| !before.users.contains(user) || before.successful < successful)
    };
    let own = log.own.as_ref().map(IpAddr::to_canonical);
    let others = log.sources.iter().filter(|(address, _)| Some(address.to_canonical()) != own);
    let people = others.flat_map(|(address, seen)| {
        let came = seen.users.iter().filter(|user| came(address, user, seen.successful));
        came.map(|user| format!("{} from {address}", printable(user, 40))).collect::<Vec<_>>()
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
    fn lines_differ_by_how_often_they_stand_there() {
        let lines = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let found = between(&lines(&["a", "b", "b"]), &lines(&["b", "a", "c"]));
        assert_eq!((found.gone, found.new), (lines(&["b"]), lines(&["c"])));
        assert!(between(&lines(&["a", "b"]), &lines(&["b", "a"])).is_empty());
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
        let found = drift(lines.clone(), None, &Fact::Seen(log.clone())).unwrap();
        assert_eq!(
            (found.lines, found.present),
            (lines.clone(), vec!["eve from 10.1.0.9".to_owned(), "kim from 10.1.0.9".to_owned()])
        );
        let unread = drift(lines.clone(), None, &Fact::unreadable("no such page")).unwrap();
        assert_eq!(unread.present, ["who was there is not known: no such page"]);
        assert_eq!(drift(Differences::default(), None, &Fact::Absent), None);

        // Since an earlier look at the same log: only who came after it.
        let oldest = Some(proto::Timestamp::from_unix(1_800_000_000));
        let mut then = WebLogSummary { oldest, ..log };
        let mut now = then.clone();
        let gate: IpAddr = "10.1.0.9".parse().unwrap();
        then.sources.get_mut(&gate).unwrap().users.remove("eve");
        let since = |then: &WebLogSummary, now: &WebLogSummary| {
            drift(lines.clone(), Some(then), &Fact::Seen(now.clone())).unwrap().present
        };
        assert_eq!(since(&then, &now), ["eve from 10.1.0.9"]);
        assert_eq!(since(&now, &now), Vec::<String>::new());
        now.oldest = Some(proto::Timestamp::from_unix(1_800_009_000));
        assert_eq!(since(&then, &now).len(), 2, "the camera rebooted: everybody came since");
    }
}
