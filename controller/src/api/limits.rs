//! What one stranger, or everybody together, may take.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Limits;
use crate::service::{Refusal, Source};

/// Bounds of the port.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections open at a time.
    pub connections: usize,
    /// Handshakes going on at a time; further ones wait.
    pub handshakes: usize,
    /// Handshakes of one source going on at a time.
    pub handshakes_per_source: usize,
    /// Connections of one source whose handshake is going on or waits; further ones are closed.
    pub waiting_per_source: usize,
    /// How long a handshake may take.
    pub handshake_time: Duration,
    /// Connections without a certificate that one source may hold.
    pub strangers_per_source: usize,
    /// How long a connection without a certificate may live, in seconds.
    pub stranger_life: u32,
    /// A connection on which nothing was read for so many seconds is closed. Clients ping every 45 s.
    pub silence: u32,
    /// Enrolments, log-ins and recoveries that one source may try in a minute.
    pub enrollments_per_minute: u32,
    /// The largest message from an agent or an operator, in bytes.
    pub message: usize,
}

impl Bounds {
    /// As configured.
    pub fn new(limits: &Limits) -> Self {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let handshakes = size(limits.handshakes);
        Self {
            connections: size(limits.connections),
            handshakes,
            handshakes_per_source: handshakes.div_ceil(4),
            waiting_per_source: 4096.min(size(limits.connections)),
            handshake_time: limits.handshake_time.as_duration(),
            strangers_per_source: 32,
            stranger_life: 120,
            silence: 59,
            enrollments_per_minute: limits.enrollments_per_minute,
            message: size(limits.message_bytes),
        }
    }
}

/// How often each source has lately tried to become somebody.
#[derive(Debug)]
pub struct Attempts(DefaultKeyedRateLimiter<IpAddr>);

impl Attempts {
    /// So many a minute for each source; 0 counts as 1.
    pub fn new(per_minute: u32) -> Self {
        let per_minute = std::num::NonZeroU32::new(per_minute).unwrap_or(std::num::NonZeroU32::MIN);
        Self(RateLimiter::keyed(Quota::per_minute(per_minute)))
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Refusal::Exhausted`].
    pub fn count(&self, source: Source) -> Result<(), Refusal> {
        self.0.check_key(&origin(source.0)).map_err(|_| Refusal::Exhausted(60))
    }

    /// Forgets sources that could try as often as they liked again.
    pub fn forget(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// Whom an address is counted as: in IPv6 a whole /64 is one customer's.
pub fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        let same =
            |one: &str, other: &str| origin(one.parse().unwrap()) == origin(other.parse().unwrap());
        assert!(same("2001:db8:1:2::3", "2001:db8:1:2:ffff::4"));
        assert!(!same("2001:db8:1:2::3", "2001:db8:1:3::3"));
        assert!(same("::ffff:192.0.2.7", "192.0.2.7"));
        assert!(!same("192.0.2.7", "192.0.2.8"));
    }

    #[test]
    fn a_source_that_tries_too_often_is_told_to_wait_and_others_are_not() {
        let attempts = Attempts::new(3);
        let (one, other) = (Source([192, 0, 2, 7].into()), Source([192, 0, 2, 8].into()));
        for _ in 0..3 {
            attempts.count(one).unwrap();
        }
        assert!(matches!(attempts.count(one), Err(Refusal::Exhausted(60))));
        attempts.count(other).unwrap();
    }
}
