//! How long to wait before trying again: twice as long each time up to a cap, and then a random part of that, so that a
//! thousand agents that lost their controller at the same moment come back one by one. Pure: the randomness is handed in.

use std::time::Duration;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

/// Never less than this, so that a loop with bad luck does not spin.
const LEAST: Duration = Duration::from_millis(250);

impl Backoff {
    /// Waits up to `first` the first time, and never more than `cap`.
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, tries: 0 }
    }

    /// How long to wait now. `random` is any number, each as likely as the next.
    pub fn next(&mut self, random: [u8; 4]) -> Duration {
        let most = self.first.saturating_mul(1 << self.tries.min(20)).min(self.cap);
        self.tries = self.tries.saturating_add(1);
        part(most, random).max(LEAST.min(self.first))
    }

    /// It worked: the next failure is the first one again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A random part of a time.
pub fn part(most: Duration, random: [u8; 4]) -> Duration {
    most.mul_f64(f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_begins_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));
        let mut waits = || backoff.next([255; 4]).as_secs();
        let seen: Vec<_> = (0..8).map(|_| waits()).collect();
        assert_eq!(seen, [5, 10, 20, 40, 80, 160, 300, 300]);
        backoff.reset();
        assert_eq!(backoff.next([255; 4]).as_secs(), 5);
    }

    #[test]
    fn any_part_of_the_wait_is_as_likely_and_none_spins() {
        let mut backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(300));
        assert_eq!(backoff.next([0; 4]), LEAST);
        assert_eq!(part(Duration::from_secs(8), [0x80, 0, 0, 0]).as_secs(), 4);
        for _ in 0..100 {
            assert!(backoff.next([255; 4]) <= Duration::from_secs(300));
        }
    }
}
