//! A length of time as people write it: `90s`, `15m`, `24h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A whole number of seconds, up to 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u32);

/// The text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no length of time: write a whole number and s, m, h or d, such as 90s, 15m, 24h or 7d"
)]
pub struct BadSpan(String);

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

impl Span {
    /// That many seconds.
    pub const fn seconds(count: u32) -> Self {
        Self(count)
    }

    /// That many minutes.
    pub const fn minutes(count: u32) -> Self {
        Self(count * MINUTE)
    }

    /// That many hours.
    pub const fn hours(count: u32) -> Self {
        Self(count * HOUR)
    }

    /// That many days.
    pub const fn days(count: u32) -> Self {
        Self(count * DAY)
    }

    /// In seconds.
    pub const fn as_seconds(self) -> u32 {
        self.0
    }

    /// For timers.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.chars().take(40).collect());
        let unit = match text.chars().next_back() {
            Some('s') => 1,
            Some('m') => MINUTE,
            Some('h') => HOUR,
            Some('d') => DAY,
            Some(_) | None => return Err(bad()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let count: u32 = digits.parse().map_err(|_| bad())?;
        count.checked_mul(unit).filter(|seconds| *seconds <= 36_500 * DAY).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')];
        match units.iter().find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((unit, letter)) => write!(out, "{}{letter}", self.0 / unit),
            None => write!(out, "{}s", self.0),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = BadSpan;

    fn try_from(text: String) -> Result<Self, BadSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}
