//! `[change]`: when and how devices may be changed, how many at once, and the values that a cure needs and that no
//! camera can tell. Thinking about windows is pure: the time is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DeviceName, Timestamp};

/// Seconds in a day.
const DAY: i64 = 86_400;

/// `[change]`: how devices may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeRules {
    /// Devices of the site that may be in change at the same time, 1 to 64. Default 1.
    pub at_once: u16,
    /// Devices that are changed first, one after the other; only if all went well come the others. Default: none.
    pub canary: Vec<DeviceName>,
    /// Seconds without video on one device above which the roll-out halts, 1 to 3600. Default 300.
    pub most_video_lost_s: u32,
    /// Longest time that a device may take to come back after a reboot, in seconds, 5 to 3600. Default 300.
    pub reboot_limit_s: u32,
    /// How long is waited for a device that a change cut us off from to come back by itself, in seconds, up to a day
    /// and two hours, so that a daily reboot is waited for. Default 600.
    pub return_limit_s: u32,
    /// Whether every change is proven once more after a reboot. Default false.
    pub prove_after_reboot: bool,
    /// The notification profile, by id or name, that is told of errors (C13) and intrusions (C08). Default: none
    /// stated, so that the only profile that leads anywhere is taken, and none if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// Failed log-ins that trigger intrusion detection (C08), 5 to 10. Default 7 (guide, measure 8).
    pub intrusion_threshold: u32,
    /// The HTTP port that cameras move to (C15). Default: none stated, so that C15 is left to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_port: Option<u16>,
    /// The HTTPS port that cameras move to (C15). Default: none stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_port: Option<u16>,
    /// Whether the switches demand IEEE 802.1X and a person has put the data for it into the cameras (C20), so that it
    /// may be switched on. Default false.
    pub dot1x_prepared: bool,
    /// When devices may be changed without a person's command. Default: never.
    pub windows: Vec<Window>,
    /// Devices that look at the same place, of which one at most is in change. Default: none stated.
    pub coverage: Vec<Coverage>,
}

impl Default for ChangeRules {
    fn default() -> Self {
        Self {
            at_once: 1,
            canary: Vec::new(),
            most_video_lost_s: 300,
            reboot_limit_s: 300,
            return_limit_s: 600,
            prove_after_reboot: false,
            notify: None,
            intrusion_threshold: 7,
            http_port: None,
            https_port: None,
            dot1x_prepared: false,
            windows: Vec::new(),
            coverage: Vec::new(),
        }
    }
}

/// One entry of `change.windows`: a time of day in UTC, on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days it begins on. Empty: every day.
    #[serde(default)]
    pub days: BTreeSet<Weekday>,
    /// When it begins, in UTC.
    pub from: TimeOfDay,
    /// When it ends, in UTC; at or before `from` means on the next day.
    pub to: TimeOfDay,
}

/// One entry of `change.coverage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// What people call the place.
    pub place: String,
    /// The devices that look at it.
    pub devices: Vec<DeviceName>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// Every day, from Monday.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The day of the week of a day counted from 1970-01-01, a Thursday.
    fn of(day: i64) -> Self {
        match day.rem_euclid(7) {
            0 => Self::Thu,
            1 => Self::Fri,
            2 => Self::Sat,
            3 => Self::Sun,
            4 => Self::Mon,
            5 => Self::Tue,
            _ => Self::Wed,
        }
    }
}

/// A time of day to the minute, `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// The text is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time of day; write 00:00 to 23:59")]
pub struct BadTimeOfDay(String);

impl TimeOfDay {
    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }

    /// Seconds since midnight.
    fn seconds(self) -> i64 {
        i64::from(self.0) * 60
    }
}

impl FromStr for TimeOfDay {
    type Err = BadTimeOfDay;

    fn from_str(text: &str) -> Result<Self, BadTimeOfDay> {
        let bad = || BadTimeOfDay(text.chars().take(20).collect());
        let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
        let part = |part: &str, most: u16| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number: &u16| digits && *number <= most)
        };
        match (part(hours, 23), part(minutes, 59)) {
            (Some(hours), Some(minutes)) => Ok(Self(hours * 60 + minutes)),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = BadTimeOfDay;

    fn try_from(text: String) -> Result<Self, BadTimeOfDay> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Window {
    /// Whether a moment is within it.
    pub fn holds(&self, now: Timestamp) -> bool {
        let length = self.length();
        self.openings(now).any(|begin| (begin..begin + length).contains(&now.unix()))
    }

    /// How long it lasts, in seconds: one minute to a day.
    pub fn length(&self) -> i64 {
        let length = self.to.seconds() - self.from.seconds();
        if length > 0 { length } else { length + DAY }
    }

    /// The beginnings around `now`: of yesterday, today and the seven days after it.
    fn openings(&self, now: Timestamp) -> impl Iterator<Item = i64> + '_ {
        let today = now.unix().div_euclid(DAY);
        let days = (today - 1)..=(today + 7);
        let open = |day: &i64| self.days.is_empty() || self.days.contains(&Weekday::of(*day));
        days.filter(open).map(|day| day * DAY + self.from.seconds())
    }
}

impl ChangeRules {
    /// Until when devices may be changed unattended, if they may at `now`.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.windows.iter().flat_map(|window| {
            let holds = move |begin: &i64| (*begin..*begin + window.length()).contains(&now.unix());
            window.openings(now).filter(holds).map(|begin| begin + window.length())
        });
        ends.max().map(Timestamp::from_unix)
    }

    /// When devices may next be changed unattended, after `now`; none if never.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let begins = self.windows.iter().flat_map(|window| window.openings(now));
        begins.filter(|begin| *begin > now.unix()).min().map(Timestamp::from_unix)
    }

    /// The places that a device looks at.
    pub fn places(&self, device: &DeviceName) -> BTreeSet<&str> {
        let here = self.coverage.iter().filter(|group| group.devices.contains(device));
        here.map(|group| group.place.as_str()).collect()
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// Which key is out of its range, and what the range is.
    pub(super) fn check(&self) -> Result<(), String> {
        let ranges = [
            ("at_once", u32::from(self.at_once), 1..=64),
            ("most_video_lost_s", self.most_video_lost_s, 1..=3600),
            ("reboot_limit_s", self.reboot_limit_s, 5..=3600),
            ("return_limit_s", self.return_limit_s, 0..=93_600),
            ("intrusion_threshold", self.intrusion_threshold, 5..=10),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let (low, high) = range.into_inner();
                return Err(format!("change.{key}: want {low} to {high}"));
            }
        }
        if self.http_port == Some(0) || self.https_port == Some(0) {
            return Err("change.http_port, change.https_port: 0 is no port".to_owned());
        }
        if self.http_port.is_some() && self.http_port == self.https_port {
            return Err("change.http_port and change.https_port want two ports".to_owned());
        }
        let mut places = BTreeMap::new();
        for group in &self.coverage {
            if group.place.trim().is_empty() {
                return Err("change.coverage: each entry needs the name of a place".to_owned());
            }
            if places.insert(group.place.as_str(), ()).is_some() {
                return Err(format!("change.coverage: {:?} is there twice", group.place));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn rules(text: &str) -> ChangeRules {
        Policy::from_toml(text).unwrap().change
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_window_nothing_is_changed_unattended() {
        let rules = rules("");
        assert_eq!(rules.open_until(at("2026-11-24T02:00:00Z")), None);
        assert_eq!(rules.next_opening(at("2026-11-24T02:00:00Z")), None);
    }

    #[test]
    fn a_window_may_pass_midnight_and_belongs_to_the_day_it_begins_on() {
        // 2026-11-24 is a Tuesday.
        let rules =
            rules("[change]\nwindows = [{ days = ['tue'], from = '22:00', to = '02:30' }]\n");
        let end = at("2026-11-25T02:30:00Z");
        assert_eq!(rules.open_until(at("2026-11-24T22:00:00Z")), Some(end));
        assert_eq!(rules.open_until(at("2026-11-25T02:29:59Z")), Some(end));
        for closed in ["2026-11-24T21:59:59Z", "2026-11-25T02:30:00Z", "2026-11-25T23:00:00Z"] {
            assert_eq!(rules.open_until(at(closed)), None, "{closed}");
        }
        let next = rules.next_opening(at("2026-11-24T22:00:00Z"));
        assert_eq!(next, Some(at("2026-12-01T22:00:00Z")));
    }

    #[test]
    fn a_window_that_begins_when_it_ends_is_open_all_day() {
        let rules = rules("[change]\nwindows = [{ from = '00:00', to = '00:00' }]\n");
        for time in ["2026-11-24T00:00:00Z", "2026-11-24T23:59:59Z"] {
            assert_eq!(rules.open_until(at(time)), Some(at("2026-11-25T00:00:00Z")), "{time}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (text, says) in [
            ("at_once = 0", "change.at_once"),
            ("intrusion_threshold = 4", "5 to 10"),
            ("http_port = 0", "0 is no port"),
            ("http_port = 81\nhttps_port = 81", "two ports"),
            ("windows = [{ from = '24:00', to = '01:00' }]", "24:00"),
            ("windows = [{ from = '1:00', to = '02:00' }]", "no time of day"),
            ("coverage = [{ place = ' ', devices = [] }]", "name of a place"),
        ] {
            let error = Policy::from_toml(&format!("[change]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_device_may_look_at_several_places() {
        let rules = rules(
            "[change]\ncoverage = [{ place = 'gate', devices = ['a', 'b'] }, { place = 'yard', devices = ['b'] }]\n",
        );
        assert_eq!(rules.places(&"b".parse().unwrap()), BTreeSet::from(["gate", "yard"]));
        assert!(rules.places(&"c".parse().unwrap()).is_empty());
    }
}
