//! `[watch]`: what the web server logs of a site's cameras are watched for between visits.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Window;

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchRules {
    /// Whether the logs are looked at between visits, too. Each look is a log-in to each camera. What visits bring is
    /// watched in any case. Default false.
    pub on: bool,
    /// Seconds between two looks at one camera's log, 15 to 3600. Default 40, so that what shows in a log is told within
    /// a minute.
    pub every_s: u32,
    /// Minutes within which failed log-ins count together, 1 to 1440. Default 10.
    pub window_minutes: u32,
    /// Failed log-ins from one address, at all cameras together, that are an attack, 3 to 10,000. Default 10.
    pub failures: u32,
    /// Cameras at which one address fails that are an attack, 2 to 1000. Default 2.
    pub cameras: u32,
    /// Minutes without anything of the kind after which the same thing is told again, 1 to 10,080. Default 60.
    pub quiet_minutes: u32,
    /// Networks of people who may look at cameras, besides `networks.allowed`. Without either nobody is a stranger.
    /// Default: none stated.
    pub known: Vec<IpNet>,
    /// When people may log in, by the cameras' own clocks. Workstations and storage may at any time. Default: none
    /// stated, so that no time is out of hours.
    pub hours: Vec<Window>,
}

impl Default for WatchRules {
    fn default() -> Self {
        Self {
            on: false,
            every_s: 40,
            window_minutes: 10,
            failures: 10,
            cameras: 2,
            quiet_minutes: 60,
            known: Vec::new(),
            hours: Vec::new(),
        }
    }
}

impl WatchRules {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Which key is out of its range, and what the range is.
    pub(super) fn check(&self) -> Result<(), String> {
        let ranges = [
            ("every_s", self.every_s, 15..=3600),
            ("window_minutes", self.window_minutes, 1..=1440),
            ("failures", self.failures, 3..=10_000),
            ("cameras", self.cameras, 2..=1000),
            ("quiet_minutes", self.quiet_minutes, 1..=10_080),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let (low, high) = range.into_inner();
                return Err(format!("watch.{key}: want {low} to {high}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Policy;

    #[test]
    fn nothing_is_looked_at_between_visits_unless_the_policy_wants_it() {
        assert!(!Policy::from_toml("").unwrap().watch.on);
        let text = "[watch]\non = true\nknown = [\"10.0.0.0/8\"]\n\
                    hours = [{ days = [\"mon\"], from = \"07:00\", to = \"19:00\" }]";
        let watch = Policy::from_toml(text).unwrap().watch;
        assert_eq!((watch.on, watch.known.len(), watch.hours.len()), (true, 1, 1));
        for bad in ["every_s = 14", "failures = 2", "cameras = 1", "quiet_minutes = 0"] {
            assert!(Policy::from_toml(&format!("[watch]\n{bad}")).is_err(), "{bad}");
        }
    }
}
