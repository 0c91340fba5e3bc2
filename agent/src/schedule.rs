//! Which device is visited when. Pure: the time and the jitter are arguments.
//!
//! Times here are seconds of the machine's monotonic clock, which nobody can set: a system clock that jumps by 90 days
//! causes neither a storm of visits nor a pause. Each device has a period of its own, up to a tenth off the interval,
//! so that visits stay spread; a device that fails is visited more and more seldom, at least four times a day. One
//! device is never visited twice at the same time.

use std::collections::BTreeMap;

use proto::DeviceName;

use crate::facts::FailureClass;

/// How often a device is visited if nothing else is said, in seconds.
pub const INTERVAL: u64 = 3600;
/// The shortest interval, in seconds: a visit may take a minute and a half.
pub const SHORTEST: u64 = 60;
/// The longest interval, in seconds: a month.
pub const LONGEST: u64 = 30 * 24 * 3600;
/// A failing device is visited at least this often, unless the interval is longer, in seconds.
const LONGEST_BACK_OFF: u64 = 6 * 3600;
/// The first visits after a start are spread over this part of the interval.
const START: u64 = 60;
/// A device that did not answer is asked again after this part of the interval.
const QUICK: u64 = 12;

/// What came of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The device was looked at.
    Seen,
    /// It was not.
    Failed(FailureClass),
}

/// When each device is visited.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval: u64,
    turns: BTreeMap<DeviceName, Turn>,
}

#[derive(Clone, Debug)]
struct Turn {
    /// From -1 to 1, drawn once.
    jitter: f64,
    due: u64,
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    /// Waiting, and somebody asked for it.
    Ordered,
    Running,
    /// Running, and somebody asked for another one since.
    RunningAndOrdered,
}

impl Schedule {
    /// No devices yet; each will be visited every so many seconds ([`SHORTEST`] to [`LONGEST`], clamped).
    pub fn new(interval: u64) -> Self {
        Self { interval: interval.clamp(SHORTEST, LONGEST), turns: BTreeMap::new() }
    }

    /// From now on these are the devices. Known ones keep their turn; a new one gets its first within a sixtieth of the
    /// interval. `draw` gives a device's jitter, from -1 to 1.
    pub fn devices<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a DeviceName>,
        now: u64,
        mut draw: impl FnMut() -> f64,
    ) {
        let mut known = std::mem::take(&mut self.turns);
        let spread = self.interval / START;
        for name in names {
            let turn = known.remove(name).unwrap_or_else(|| {
                let jitter = draw().clamp(-1.0, 1.0);
                let due = now.saturating_add(scaled(spread, f64::midpoint(jitter, 1.0)));
                Turn { jitter, due, failures: 0, state: State::Waiting }
            });
            self.turns.insert(name.clone(), turn);
        }
    }

    /// Changes how often devices are visited. Nobody's next turn comes later than the new period says.
    pub fn interval(&mut self, interval: u64, now: u64) {
        self.interval = interval.clamp(SHORTEST, LONGEST);
        for turn in self.turns.values_mut() {
            turn.due = turn.due.min(now.saturating_add(period(self.interval, turn.jitter)));
        }
    }

    /// Somebody wants the device visited now, after the visit under way if there is one. `false`: no such device.
    pub fn order(&mut self, name: &DeviceName) -> bool {
        let Some(turn) = self.turns.get_mut(name) else { return false };
        turn.state = match turn.state {
            State::Waiting | State::Ordered => State::Ordered,
            State::Running | State::RunningAndOrdered => State::RunningAndOrdered,
        };
        true
    }

    /// The device to visit now, if one is due: those asked for first, then who has waited longest. Whoever takes it
    /// says [`Schedule::done`] afterwards.
    pub fn take(&mut self, now: u64) -> Option<Visit> {
        self.take_of(now, |_| true)
    }

    /// The same, of those devices that nobody else is at.
    pub fn take_of(&mut self, now: u64, is_free: impl Fn(&DeviceName) -> bool) -> Option<Visit> {
        let ripe = |turn: &Turn| match turn.state {
            State::Ordered => Some((0, turn.due)),
            State::Waiting if turn.due <= now => Some((1, turn.due)),
            State::Waiting | State::Running | State::RunningAndOrdered => None,
        };
        let free = self.turns.iter_mut().filter(|(name, _)| is_free(name));
        let ripe = free.filter_map(|(name, turn)| Some((ripe(turn)?, name, turn)));
        let (_, name, turn) = ripe.min_by_key(|(rank, _, _)| *rank)?;
        let ordered = turn.state == State::Ordered;
        turn.state = State::Running;
        Some(Visit { device: name.clone(), ordered })
    }

    /// The visit ended.
    pub fn done(&mut self, name: &DeviceName, ended: Ended, now: u64) {
        let Some(turn) = self.turns.get_mut(name) else { return };
        turn.state = match turn.state {
            State::RunningAndOrdered | State::Ordered => State::Ordered,
            State::Running | State::Waiting => State::Waiting,
        };
        turn.failures = match ended {
            Ended::Seen => 0,
            Ended::Failed(_) => turn.failures.saturating_add(1),
        };
        let wait = match ended {
            Ended::Seen => self.interval,
            Ended::Failed(class) => back_off(self.interval, class, turn.failures),
        };
        turn.due = now.saturating_add(period(wait, turn.jitter));
    }

    /// When [`Schedule::take`] has something next; nothing while all are being visited.
    pub fn next(&self) -> Option<u64> {
        self.next_of(|_| true)
    }

    /// The same, of those devices that nobody else is at.
    pub fn next_of(&self, is_free: impl Fn(&DeviceName) -> bool) -> Option<u64> {
        let ripe = |turn: &Turn| match turn.state {
            State::Ordered => Some(0),
            State::Waiting => Some(turn.due),
            State::Running | State::RunningAndOrdered => None,
        };
        let free = self.turns.iter().filter(|(name, _)| is_free(name));
        free.filter_map(|(_, turn)| ripe(turn)).min()
    }

    /// Every device with the time of its next visit; without one while it is being visited. Also how many visits to it
    /// failed in a row.
    pub fn turns(&self) -> impl Iterator<Item = (&DeviceName, Option<u64>, u32)> {
        self.turns.iter().map(|(name, turn)| {
            let due = match turn.state {
                State::Waiting | State::Ordered => Some(turn.due),
                State::Running | State::RunningAndOrdered => None,
            };
            (name, due, turn.failures)
        })
    }

    /// Whether somebody asked for a visit that has not begun.
    pub fn is_ordered(&self, name: &DeviceName) -> bool {
        let state = self.turns.get(name).map(|turn| turn.state);
        matches!(state, Some(State::Ordered | State::RunningAndOrdered))
    }

    /// How many visits to the device failed in a row.
    pub fn failures(&self, name: &DeviceName) -> u32 {
        self.turns.get(name).map_or(0, |turn| turn.failures)
    }

    /// How many devices failed their last visit.
    pub fn failing(&self) -> usize {
        self.turns.values().filter(|turn| turn.failures > 0).count()
    }

    /// Visits the devices that failed as soon as may be: what made them fail may have changed.
    pub fn hasten_failing(&mut self, now: u64) {
        for turn in self.turns.values_mut().filter(|turn| turn.failures > 0) {
            turn.due = turn.due.min(now);
        }
    }
}

/// A visit to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// To whom.
    pub device: DeviceName,
    /// Whether somebody asked for it, rather than its time had come.
    pub ordered: bool,
}

/// How long after so many failures in a row the device is visited again: who did not answer, or is starting, soon;
/// who refused us soon once, without a log-in, to see what it presents; who talks nonsense as late as the others.
fn back_off(interval: u64, class: FailureClass, failures: u32) -> u64 {
    let first = match class {
        FailureClass::Unreachable | FailureClass::Rejected => interval / QUICK,
        FailureClass::Refused if failures <= 1 => interval / START,
        FailureClass::Refused | FailureClass::Unsupported | FailureClass::Nonsense => interval,
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.clamp(1, interval.max(LONGEST_BACK_OFF))
}

/// Up to a tenth more or less.
fn period(seconds: u64, jitter: f64) -> u64 {
    scaled(seconds, 1.0 + jitter / 10.0).max(1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "intervals are at most a month, and a cast of a float saturates"
)]
fn scaled(seconds: u64, by: f64) -> u64 {
    (seconds as f64 * by) as u64
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
