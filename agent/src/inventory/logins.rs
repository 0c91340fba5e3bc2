//! The log-in budget of one device: after a refusal nobody logs in again until something is different, and never so
//! often that the device might lock us out.

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// Refused log-ins in one day after which not even an order is followed. A camera may lock out after five failures
/// (guide, measure 8); we stay two away from that.
pub const MOST_A_DAY: usize = 3;
const DAY: i64 = 86_400;

/// What a log-in was tried with: a digest over the device's entry in the site file, its password file's date and the
/// policy. Whoever changes one of them wants it tried again.
pub type Mark = [u8; 16];

/// What is known of the log-ins that a device refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logins {
    /// What the last one was tried with, if it was refused.
    refused_with: Option<Mark>,
    /// When the last ones were refused, at most [`MOST_A_DAY`].
    refusals: Vec<Timestamp>,
}

/// Why a visit is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Its time has come.
    Turn,
    /// A person ordered it.
    Order,
}

/// Whether a visit may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Granted,
    /// The device refused the same log-in, and nobody ordered another try.
    Refused,
    /// So many were refused within a day that the next might lock us out.
    Spent,
}

impl Logins {
    /// Whether a visit may log in with what `mark` stands for.
    pub fn leave(&self, mark: &Mark, occasion: Occasion, now: Timestamp) -> Leave {
        // A refusal in the future was entered by a wrong clock: it counts as fresh, and a day at most.
        let fresh = |at: &&Timestamp| now.seconds_since(**at) < DAY;
        if self.refusals.iter().filter(fresh).count() >= MOST_A_DAY {
            return Leave::Spent;
        }
        match (occasion, self.refused_with) {
            (Occasion::Turn, Some(with)) if with == *mark => Leave::Refused,
            (Occasion::Turn | Occasion::Order, _) => Leave::Granted,
        }
    }

    /// A log-in was refused.
    pub fn refused(&mut self, mark: Mark, now: Timestamp) {
        self.refused_with = Some(mark);
        self.refusals.push(now);
        let excess = self.refusals.len().saturating_sub(MOST_A_DAY);
        self.refusals.drain(..excess);
    }

    /// A log-in was let in.
    pub fn admitted(&mut self) {
        *self = Self::default();
    }

    /// What was refused is worth another try, within the budget: it was not the log-in that was wrong.
    pub fn pardon(&mut self) {
        self.refused_with = None;
    }

    /// Moves what a wrong clock entered in the future to the present, so that it passes in a day.
    pub fn settle(&mut self, now: Timestamp) {
        for at in &mut self.refusals {
            *at = (*at).min(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Mark = [1; 16];
    const TWO: Mark = [2; 16];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    #[test]
    fn a_refused_log_in_is_tried_again_only_when_something_changed_or_somebody_orders_it() {
        let mut logins = Logins::default();
        assert_eq!(logins.leave(&ONE, Occasion::Turn, at(0)), Leave::Granted);
        logins.refused(ONE, at(0));
        for later in [0, 3600, 400 * DAY] {
            assert_eq!(logins.leave(&ONE, Occasion::Turn, at(later)), Leave::Refused);
        }
        assert_eq!(logins.leave(&TWO, Occasion::Turn, at(1)), Leave::Granted);
        assert_eq!(logins.leave(&ONE, Occasion::Order, at(1)), Leave::Granted);
        logins.admitted();
        assert_eq!(logins.leave(&ONE, Occasion::Turn, at(1)), Leave::Granted);
    }

    #[test]
    fn not_even_an_order_comes_within_two_of_a_lock_out() {
        let mut logins = Logins::default();
        for refusal in 0..3 {
            assert_eq!(logins.leave(&ONE, Occasion::Order, at(refusal)), Leave::Granted);
            logins.refused(ONE, at(refusal));
        }
        assert_eq!(logins.leave(&TWO, Occasion::Order, at(DAY - 1)), Leave::Spent);
        assert_eq!(logins.leave(&TWO, Occasion::Order, at(DAY)), Leave::Granted);
    }

    #[test]
    fn a_wrong_clock_neither_frees_the_budget_nor_bars_it_for_ever() {
        let mut logins = Logins::default();
        (0..3).for_each(|_| logins.refused(ONE, at(9000 * DAY)));
        assert_eq!(logins.leave(&TWO, Occasion::Order, at(0)), Leave::Spent);
        logins.settle(at(0));
        assert_eq!(logins.leave(&TWO, Occasion::Order, at(DAY - 1)), Leave::Spent);
        assert_eq!(logins.leave(&TWO, Occasion::Order, at(DAY)), Leave::Granted);
    }
}
