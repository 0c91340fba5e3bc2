//! Points in time and calendar days. Values only: whoever needs the present is handed it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point in time in UTC, to the second. Written as RFC 3339, such as `2026-11-24T08:15:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

/// A calendar day in UTC, such as `2027-03-31`. What ends on a day is good until that day is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(jiff::civil::Date);

/// The text is no time or day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not {1}")]
pub struct BadTime(String, &'static str);

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; out of the years -9999 to 9999 it is clamped.
    pub fn from_unix(seconds: i64) -> Self {
        let (low, high) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        Self(
            jiff::Timestamp::from_second(seconds.clamp(low, high))
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        )
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// The calendar day in UTC.
    pub fn day(self) -> Day {
        Day(jiff::tz::Offset::UTC.to_datetime(self.0).date())
    }

    /// Seconds from `earlier` to here; negative if `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.unix().saturating_sub(earlier.unix())
    }
}

impl Day {
    /// Whether this day is over at `now`.
    pub fn is_over(self, now: Timestamp) -> bool {
        now.day() > self
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = |_| BadTime(text.chars().take(40).collect(), "an RFC 3339 time");
        text.parse::<jiff::Timestamp>().map(|time| Self::from_unix(time.as_second())).map_err(bad)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl FromStr for Day {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = |_| BadTime(text.chars().take(40).collect(), "a day such as 2027-03-31");
        text.parse().map(Self).map_err(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_good_until_it_is_over() {
        let day: Day = "2026-11-24".parse().unwrap();
        assert!(!day.is_over("2026-11-24T23:59:59Z".parse().unwrap()));
        assert!(day.is_over("2026-11-25T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn times_read_back_and_nonsense_does_not() {
        let time = Timestamp::from_unix(1_795_507_200);
        assert_eq!(time.to_string().parse(), Ok(time));
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!("2026-02-30".parse::<Day>().is_err());
        assert!(Timestamp::from_unix(i64::MAX) > time);
    }
}
