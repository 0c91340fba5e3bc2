//! How many log-ins of ours a device may have counted as failed. A device blocks whoever fails too often; we stay two
//! below that at all times.
//!
//! A log-in is charged, durably, before it is made, and refunded when the device let us in: so a crash in between, a
//! lost reply or a late request is counted as failed. All tasks on a device share one count.
//!
//! Refuses to trust the clock: whoever sees the clock set, starts without knowing the time, or finds a count from the
//! future ([`Attempts::is_ahead`]) calls [`Attempts::rebase`], after which everything counts as of now. Not so at every
//! start: a program that is started again and again would never be free to log in. A start only keeps what the clock
//! says has lapsed and what may not have ([`Attempts::distrust`]): the clock may have been set while nobody looked.

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// How far below the device's threshold we stay.
const MARGIN: u32 = 2;

/// When a device blocks us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many failed log-ins.
    pub threshold: u32,
    /// Within so many seconds.
    pub window: i64,
}

impl Default for Limit {
    /// The least that a camera allows: 5 within an hour (guide, measure 8).
    fn default() -> Self {
        Self { threshold: 5, window: 3600 }
    }
}

impl Limit {
    /// So many may have failed at any time.
    pub fn budget(&self) -> usize {
        self.threshold.saturating_sub(MARGIN) as usize
    }
}

/// The log-ins that may have failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempts(Vec<Timestamp>);

impl Attempts {
    /// When one more is allowed: `now`, or later.
    pub fn free_at(&self, limit: &Limit, now: Timestamp) -> Timestamp {
        let counted = self.counted(limit, now);
        let budget = limit.budget();
        if counted.len() < budget {
            return now;
        }
        // So many must lapse first; with no budget at all, for ever.
        let blocking = counted.get(counted.len() - budget).copied().unwrap_or(now);
        later(blocking.min(now), limit.window)
    }

    /// When none is counted any more: `now`, or later.
    pub fn clear_at(&self, limit: &Limit, now: Timestamp) -> Timestamp {
        self.counted(limit, now).last().map_or(now, |last| later((*last).min(now), limit.window))
    }

    /// One is about to be made.
    pub fn charge(&mut self, limit: &Limit, now: Timestamp) {
        self.0 = self.counted(limit, now);
        self.0.push(now);
    }

    /// The last one was let in.
    pub fn refund(&mut self) {
        self.0.pop();
    }

    /// How many may have failed within the window.
    pub fn count(&self, limit: &Limit, now: Timestamp) -> usize {
        self.counted(limit, now).len()
    }

    /// One may have been charged that is not known of: as old as the last one, or as anything.
    pub fn assume_one_more(&mut self) {
        self.0.push(self.0.last().copied().unwrap_or(Timestamp::from_unix(i64::MAX)));
    }

    /// The clock was set, or may have been: all count as of now.
    pub fn rebase(&mut self, now: Timestamp) {
        self.0.fill(now);
    }

    /// The program starts, and nobody has vouched for its clock yet. What has lapsed by that clock, and may not have if no
    /// more time has passed than until `certain`, counts as of now.
    pub fn distrust(&mut self, limit: &Limit, certain: Timestamp, now: Timestamp) {
        for at in &mut self.0 {
            let lapsed = |by: Timestamp| by.seconds_since(*at) >= limit.window;
            if lapsed(now) && !lapsed(certain) {
                *at = now;
            }
        }
        self.0.sort();
    }

    /// Whether one is from the future, so that the clock was set back since.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        self.0.iter().any(|at| *at > now)
    }

    /// Those that the device may still count. One from the future counts: the clock was set back.
    fn counted(&self, limit: &Limit, now: Timestamp) -> Vec<Timestamp> {
        let fresh = |at: &&Timestamp| now.seconds_since(**at) < limit.window;
        self.0.iter().filter(fresh).copied().collect()
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix(at.unix().saturating_add(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    #[test]
    fn two_below_the_threshold_is_the_end_until_the_first_lapses() {
        let limit = Limit::default();
        let mut attempts = Attempts::default();
        for second in [0, 10, 20] {
            assert_eq!(attempts.free_at(&limit, at(second)), at(second));
            attempts.charge(&limit, at(second));
        }
        assert_eq!(attempts.free_at(&limit, at(30)), at(3600));
        assert_eq!(attempts.free_at(&limit, at(3600)), at(3600));
        attempts.charge(&limit, at(3600));
        assert_eq!(attempts.free_at(&limit, at(3600)), at(3610));
        assert_eq!(attempts.clear_at(&limit, at(3600)), at(7200));
    }

    #[test]
    fn a_log_in_that_was_let_in_costs_nothing() {
        let limit = Limit::default();
        let mut attempts = Attempts::default();
        for second in 0..100 {
            attempts.charge(&limit, at(second));
            attempts.refund();
        }
        assert_eq!(attempts, Attempts::default());
    }

    #[test]
    fn a_clock_set_back_or_forward_frees_nothing_and_once_rebased_blocks_for_a_window_at_most() {
        let limit = Limit::default();
        let mut attempts = Attempts::default();
        (0..3).for_each(|second| attempts.charge(&limit, at(second)));
        let long_ago = at(-900_000_000);
        assert!(attempts.is_ahead(long_ago));
        assert_eq!(attempts.free_at(&limit, long_ago), later(long_ago, 3600));
        attempts.rebase(long_ago);
        assert_eq!(attempts.free_at(&limit, later(long_ago, 3600)), later(long_ago, 3600));
        let mut attempts = Attempts::default();
        (0..3).for_each(|second| attempts.charge(&limit, at(second)));
        attempts.rebase(at(900_000_000));
        assert_eq!(attempts.count(&limit, at(900_000_000)), 3);
    }

    #[test]
    fn a_start_with_a_clock_set_forward_frees_nothing_that_may_still_count() {
        let limit = Limit::default();
        let charged = || {
            let mut attempts = Attempts::default();
            (0..3).for_each(|second| attempts.charge(&limit, at(second)));
            attempts
        };
        let tomorrow = at(86_400);
        let mut attempts = charged();
        assert_eq!(attempts.count(&limit, tomorrow), 0, "by that clock alone they have lapsed");
        attempts.distrust(&limit, at(10), tomorrow);
        assert_eq!(attempts.free_at(&limit, tomorrow), later(tomorrow, 3600));
        // An hour has certainly passed since.
        let mut attempts = charged();
        attempts.distrust(&limit, at(3700), tomorrow);
        assert_eq!(attempts.free_at(&limit, tomorrow), tomorrow);
        // By neither have they lapsed: a start changes nothing.
        let mut attempts = charged();
        attempts.distrust(&limit, at(10), at(20));
        assert_eq!(attempts, charged());
    }

    #[test]
    fn a_device_that_blocks_at_once_is_not_logged_in_to() {
        let limit = Limit { threshold: 2, window: 60 };
        assert!(Attempts::default().free_at(&limit, at(0)) > at(0));
    }
}
