//! Intrusion detection: failed log-ins per source, and the block that lasts until the next reboot (guide
//! measure 8). The names of its keys are unknown on real cameras and INVENTED here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::configuration::Configuration;

/// The settings in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether failed log-ins are counted.
    pub enabled: bool,
    /// How many trigger it; 5 or more.
    pub threshold: u32,
    /// Whether the source is blocked, which needs IP access control to be on.
    pub blocks: bool,
}

impl Settings {
    /// INVENTED: `httpd/IDS_HTTP_ENABLE`, `_THRESHOLD`, `_BLOCK`, and `accesscontrol/ENABLE`.
    pub fn of(configuration: &Configuration) -> Self {
        let is_on = |section, key| configuration.value(section, key).as_deref() == Some("1");
        let threshold = configuration.value("httpd", "IDS_HTTP_THRESHOLD");
        Self {
            enabled: is_on("httpd", "IDS_HTTP_ENABLE"),
            threshold: threshold.and_then(|text| text.parse().ok()).unwrap_or(7).max(5),
            blocks: is_on("httpd", "IDS_HTTP_BLOCK") && is_on("accesscontrol", "ENABLE"),
        }
    }
}

/// What was counted since the last reboot.
#[derive(Clone, Debug, Default)]
pub struct Intrusion {
    failed: BTreeMap<IpAddr, u32>,
    blocked: BTreeSet<IpAddr>,
}

impl Intrusion {
    /// Counts a failed log-in. A successful one in between resets nothing (INVENTED, and the worst case for a client).
    pub fn failed(&mut self, source: IpAddr, settings: Settings) {
        let count = self.failed.entry(source).or_default();
        *count = count.saturating_add(1);
        if settings.enabled && settings.blocks && *count >= settings.threshold {
            self.blocked.insert(source);
        }
    }

    /// An hour passes, after which failed log-ins count no more (guide measure 8). Who is blocked stays so.
    pub fn lapse(&mut self) {
        self.failed.clear();
    }

    /// Whether the source is blocked.
    pub fn is_blocked(&self, source: IpAddr) -> bool {
        self.blocked.contains(&source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::of(&Configuration::new(text.as_bytes().to_vec()))
    }

    const ON: &str = "SECTION httpd\nIDS_HTTP_ENABLE=1\nIDS_HTTP_THRESHOLD=2\nIDS_HTTP_BLOCK=1\nENDSECTION httpd\n";

    #[test]
    fn nothing_is_blocked_while_ip_access_control_is_off() {
        let mut intrusion = Intrusion::default();
        let source = "127.0.0.9".parse().unwrap();
        (0..20).for_each(|_| intrusion.failed(source, settings(ON)));
        assert!(!intrusion.is_blocked(source));
    }

    #[test]
    fn the_threshold_is_never_below_five() {
        let on = format!("{ON}SECTION accesscontrol\nENABLE=1\nENDSECTION accesscontrol\n");
        let mut intrusion = Intrusion::default();
        let source = "127.0.0.9".parse().unwrap();
        (0..4).for_each(|_| intrusion.failed(source, settings(&on)));
        assert!(!intrusion.is_blocked(source));
        intrusion.failed(source, settings(&on));
        assert!(intrusion.is_blocked(source));
    }
}
