//! What the logs of a site's cameras show together: pure. The time of each look is an argument.
//!
//! A log is read whole at each look, so a line is news only if it is not older than the end of the last look at that
//! camera, by the camera's own clock; of a camera that was never looked at, only the last window is. Ages are reckoned
//! against the newest line, which is our own log-in, so that a camera whose clock or time zone is off misleads nobody.
//!
//! One thing is told once: the same address doing the same again is told again only after a time of quiet. Refusals
//! that name no user accuse nobody of guessing, as in C21. Where a log sums accesses up in one row, all of them count at
//! the row's time; where it does not say how many there were, each look that finds the row moved counts one more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proto::policy::{Networks, WatchRules};
use proto::record::{EventKind, SiteEvent};
use proto::wire::record::MAX_NAMED;
use proto::{DeviceName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::{LogLine, WebLogSummary};

/// Addresses that are remembered: of attackers there may be many, of people there are few.
const MOST_SOURCES: usize = 2_000;
/// Things told that are remembered.
const MOST_TOLD: usize = 5_000;
/// A stored state beyond this is not read, in bytes.
const MOST_BYTES: usize = 2 << 20;
const MINUTE: i64 = 60;

/// Whom the site knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Workstations, storage, the cameras themselves.
    pub machines: BTreeSet<IpAddr>,
    /// The policy's networks.
    pub networks: Networks,
}

/// A look at one camera's log.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Which camera.
    pub device: &'a DeviceName,
    /// What it showed.
    pub log: &'a WebLogSummary,
    /// When, by the agent's clock.
    pub at: Timestamp,
}

/// What is remembered from look to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    version: u32,
    /// How far each camera's log was read, by its own clock.
    read: BTreeMap<DeviceName, Timestamp>,
    /// Failures by address and camera.
    failures: BTreeMap<IpAddr, BTreeMap<DeviceName, Failures>>,
    told: Vec<Told>,
}

/// Failures of one address at one camera, by the agent's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failures {
    count: u32,
    first: Timestamp,
    last: Timestamp,
}

/// Something that was told, and when it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    kind: EventKind,
    source: IpAddr,
    last: Timestamp,
}

/// A line with its time by the agent's clock.
struct Dated<'a> {
    line: &'a LogLine,
    at: Timestamp,
}

impl Failures {
    /// With what a log shows that does not count: there a row stands for at least one more failure than before each time
    /// that it moves.
    fn and(self, now: Self, window: i64) -> Self {
        if now.last.seconds_since(self.first) > window {
            return now;
        }
        let more = u32::from(now.last > self.last);
        let count = now.count.max(self.count.saturating_add(more));
        Self { count, first: self.first.min(now.first), last: self.last.max(now.last) }
    }
}

impl Correlation {
    const VERSION: u32 = 1;

    /// Reads what [`Correlation::to_bytes`] made; an empty one if it is of another version or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let read = (bytes.len() <= MOST_BYTES).then(|| serde_json::from_slice::<Self>(bytes).ok());
        let read = read.flatten().filter(|it| it.version == Self::VERSION);
        read.unwrap_or_else(|| Self { version: Self::VERSION, ..Self::default() })
    }

    /// As bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        let current = Self { version: Self::VERSION, ..self.clone() };
        serde_json::to_vec(&current).expect("a correlation is JSON")
    }

    /// Forgets cameras that are not among these.
    pub fn keep_only(&mut self, is_there: impl Fn(&DeviceName) -> bool) {
        self.read.retain(|name, _| is_there(name));
        for of_source in self.failures.values_mut() {
            of_source.retain(|name, _| is_there(name));
        }
        self.failures.retain(|_, of_source| !of_source.is_empty());
    }

    /// Takes a look in; gives what it shows that was not told before.
    pub fn take(&mut self, look: &Look<'_>, rules: &WatchRules, known: &Known) -> Vec<SiteEvent> {
        let Some(newest) = look.log.newest else { return Vec::new() };
        let window = i64::from(rules.window_minutes) * MINUTE;
        let begin = Timestamp::from_unix(newest.unix().saturating_sub(window));
        // A camera whose clock went back, or whose log was wiped, is as one that was never looked at.
        let read = self.read.get(look.device).filter(|read| **read <= newest);
        let since = read.copied().unwrap_or(begin);
        self.read.insert(look.device.clone(), newest);
        let own = look.log.own.map(|own| own.to_canonical());
        let of_others = |line: &&LogLine| Some(line.source) != own && !line.source.is_loopback();
        let lines = look.log.lines.iter().filter(of_others);
        let lines: Vec<Dated<'_>> = lines.map(|line| dated(line, newest, look.at)).collect();
        let fresh: Vec<&Dated<'_>> = lines.iter().filter(|it| it.line.time >= since).collect();
        let mut shown = self.attacks(look, (&lines, &fresh), rules);
        shown.extend(strangers(look, &fresh, rules, known));
        shown.extend(out_of_hours(look, &fresh, rules, known));
        shown.retain(|event| self.is_news(event, rules));
        shown
    }

    /// Addresses that failed often, or at several cameras.
    fn attacks(
        &mut self,
        look: &Look<'_>,
        (lines, fresh): (&[Dated<'_>], &[&Dated<'_>]),
        rules: &WatchRules,
    ) -> Vec<SiteEvent> {
        let window = i64::from(rules.window_minutes) * MINUTE;
        let failed = |it: &Dated<'_>| !it.line.success && it.line.named;
        let sources: BTreeSet<IpAddr> =
            fresh.iter().filter(|it| failed(it)).map(|it| it.line.source).collect();
        let mut shown = Vec::new();
        for source in sources {
            let of_source: Vec<_> =
                lines.iter().filter(|it| it.line.source == source && failed(it)).collect();
            let Some(last) = of_source.iter().map(|it| it.at).max() else { continue };
            let together = |at: Timestamp| last.seconds_since(at) <= window;
            let here = of_source.iter().filter(|it| together(it.at));
            let first = here.clone().map(|it| it.at).min().unwrap_or(last);
            let count = here.fold(0_u32, |sum, it| sum.saturating_add(it.line.times));
            if self.failures.len() >= MOST_SOURCES && !self.failures.contains_key(&source) {
                self.forget_oldest_source();
            }
            let everywhere = self.failures.entry(source).or_default();
            let now = Failures { count, first, last };
            let before = everywhere.get(look.device).filter(|_| !look.log.counted);
            let now = before.map_or(now, |before| before.and(now, window));
            everywhere.insert(look.device.clone(), now);
            everywhere.retain(|_, it| last.seconds_since(it.last) <= window);
            let total = everywhere.values().fold(0_u32, |sum, it| sum.saturating_add(it.count));
            if total < rules.failures && everywhere.len() < rules.cameras as usize {
                continue;
            }
            let let_in = fresh.iter().filter(|it| it.line.source == source);
            shown.push(SiteEvent {
                kind: EventKind::BruteForce,
                source,
                devices: everywhere.keys().take(MAX_NAMED).cloned().collect(),
                count: total,
                first_at: everywhere.values().map(|it| it.first).min().unwrap_or(first),
                last_at: everywhere.values().map(|it| it.last).max().unwrap_or(last),
                users: users(let_in.copied()),
            });
        }
        shown
    }

    fn forget_oldest_source(&mut self) {
        let latest = |of: &BTreeMap<DeviceName, Failures>| of.values().map(|it| it.last).max();
        let oldest = self.failures.iter().min_by_key(|(_, of)| latest(of)).map(|(it, _)| *it);
        oldest.map(|oldest| self.failures.remove(&oldest));
    }

    /// Whether it was not told, or long ago; remembers that it is now.
    fn is_news(&mut self, event: &SiteEvent, rules: &WatchRules) -> bool {
        let quiet = i64::from(rules.quiet_minutes) * MINUTE;
        let same = |told: &&mut Told| (told.kind, told.source) == (event.kind, event.source);
        if let Some(told) = self.told.iter_mut().find(same) {
            let pause = event.last_at.seconds_since(told.last);
            told.last = told.last.max(event.last_at);
            return pause > quiet;
        }
        if self.told.len() >= MOST_TOLD {
            self.told.remove(0);
        }
        let SiteEvent { kind, source, last_at, .. } = event;
        self.told.push(Told { kind: *kind, source: *source, last: *last_at });
        true
    }
}

/// A line of a log whose end is at `newest` by the camera's clock and at `now` by ours.
fn dated(line: &LogLine, newest: Timestamp, now: Timestamp) -> Dated<'_> {
    let age = newest.seconds_since(line.time).max(0);
    Dated { line, at: Timestamp::from_unix(now.unix().saturating_sub(age)) }
}

impl Known {
    fn is_machine(&self, address: IpAddr) -> bool {
        let all = self.machines.iter().chain(&self.networks.vms).chain(&self.networks.nas);
        all.map(IpAddr::to_canonical).any(|known| known == address)
    }
}

/// Addresses that nobody named.
fn strangers(
    look: &Look<'_>,
    fresh: &[&Dated<'_>],
    rules: &WatchRules,
    known: &Known,
) -> Vec<SiteEvent> {
    let networks: Vec<_> = known.networks.allowed.iter().chain(&rules.known).collect();
    // Without a network nobody can be called a stranger.
    if networks.is_empty() {
        return Vec::new();
    }
    let stranger = |it: &&&Dated<'_>| {
        let source = it.line.source;
        !known.is_machine(source) && !networks.iter().any(|network| network.contains(&source))
    };
    by_source(look, EventKind::UnknownSource, fresh.iter().filter(stranger).copied())
}

/// People who were let in when nobody should be.
fn out_of_hours(
    look: &Look<'_>,
    fresh: &[&Dated<'_>],
    rules: &WatchRules,
    known: &Known,
) -> Vec<SiteEvent> {
    if rules.hours.is_empty() {
        return Vec::new();
    }
    let late = |it: &&&Dated<'_>| {
        let let_in = it.line.success && it.line.named && !known.is_machine(it.line.source);
        // A camera tells its local time; its windows are meant by the same clock.
        let_in && !rules.hours.iter().any(|window| window.holds(it.line.time))
    };
    by_source(look, EventKind::OutOfHours, fresh.iter().filter(late).copied())
}

/// One event for each address.
fn by_source<'l>(
    look: &Look<'_>,
    kind: EventKind,
    lines: impl Iterator<Item = &'l Dated<'l>>,
) -> Vec<SiteEvent> {
    let mut sources: BTreeMap<IpAddr, Vec<&Dated<'_>>> = BTreeMap::new();
    for it in lines {
        sources.entry(it.line.source).or_default().push(it);
    }
    let event = |(source, lines): (IpAddr, Vec<&Dated<'_>>)| SiteEvent {
        kind,
        source,
        devices: vec![look.device.clone()],
        count: lines.iter().fold(0_u32, |sum, it| sum.saturating_add(it.line.times)),
        first_at: lines.iter().map(|it| it.at).min().unwrap_or(look.at),
        last_at: lines.iter().map(|it| it.at).max().unwrap_or(look.at),
        users: users(lines.into_iter()),
    };
    sources.into_iter().map(event).collect()
}

/// Who was let in.
fn users<'l>(lines: impl Iterator<Item = &'l Dated<'l>>) -> Vec<String> {
    let names: BTreeSet<_> = lines.filter_map(|it| it.line.user.clone()).collect();
    names.into_iter().take(MAX_NAMED).collect()
}

#[cfg(test)]
#[path = "correlate_tests.rs"]
mod tests;
