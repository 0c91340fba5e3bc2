//! A device's configuration is kept before one of its credentials is replaced, where the policy's `[backup]` is on. The
//! look that brings it along is an ordinary visit, so that it costs the log-in budget what any visit does.
//!
//! Without a backup no rotation begins. One that is under way goes on without: there is no safety in leaving it halfway.

use std::collections::BTreeMap;

use proto::DeviceName;

use crate::rounds::Rounds;

/// For so many seconds after a backup a rotation may begin.
const GOOD_FOR: u64 = 900;
/// A look that brought nothing is asked for again after so many seconds.
const AGAIN: u64 = 120;

/// Backups before rotations, by the monotonic clock, in seconds.
#[derive(Debug, Default)]
pub(super) struct Backed {
    kept: BTreeMap<DeviceName, u64>,
    asked: BTreeMap<DeviceName, u64>,
}

impl Backed {
    /// Whether the configuration was kept lately.
    fn is_fresh(&self, name: &DeviceName, now: u64) -> bool {
        self.kept.get(name).is_some_and(|at| now.saturating_sub(*at) < GOOD_FOR)
    }

    /// Whether a look is to be asked for now; if so it counts as asked for.
    fn ask(&mut self, name: &DeviceName, now: u64) -> bool {
        let wait = self.asked.get(name).is_some_and(|at| now.saturating_sub(*at) < AGAIN);
        if !wait {
            self.asked.insert(name.clone(), now);
        }
        !wait
    }

    fn kept(&mut self, name: &DeviceName, now: u64) {
        self.asked.remove(name);
        self.kept.insert(name.clone(), now);
    }
}

impl Rounds {
    /// Whether the device's configuration was kept lately, or need not be. If not, it is looked at, and the end of that
    /// visit brings us back to its credentials.
    pub(super) fn is_backed_up(&mut self, name: &DeviceName) -> bool {
        let on = self.yardstick.as_ref().is_some_and(|it| it.policy.backup.on);
        if !on || self.supplies.archive.is_none() {
            return true;
        }
        let now = self.supplies.clock.seconds();
        if self.credentials.backed.is_fresh(name, now) {
            return true;
        }
        if self.credentials.backed.ask(name, now) {
            self.schedule.order(name);
        }
        false
    }

    /// Whether a rotation waits for the device's configuration to be kept.
    pub(in crate::rounds) fn awaits_backup(&self, name: &DeviceName) -> bool {
        self.credentials.backed.asked.contains_key(name)
    }

    /// It is kept as it is now.
    pub(in crate::rounds) fn backed_up(&mut self, name: &DeviceName) {
        let now = self.supplies.clock.seconds();
        self.credentials.backed.kept(name, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_good_for_a_while_and_asked_for_once_in_a_while() {
        let (mut backed, yard) = (Backed::default(), "yard".parse().unwrap());
        assert!(!backed.is_fresh(&yard, 5));
        assert!(backed.ask(&yard, 5) && !backed.ask(&yard, 6));
        assert!(backed.ask(&yard, 5 + AGAIN), "the first look brought nothing");
        backed.kept(&yard, 130);
        assert!(backed.is_fresh(&yard, 130 + GOOD_FOR - 1));
        assert!(!backed.is_fresh(&yard, 130 + GOOD_FOR));
    }
}
