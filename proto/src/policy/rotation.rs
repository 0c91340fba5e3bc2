//! `[rotation]`: which credentials of the devices are replaced, when, and how carefully.

use serde::{Deserialize, Serialize};

use super::change::{ChangeRules, Window};

/// `[rotation]`: how credentials are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotationRules {
    /// Whether passwords are replaced. From then on they are the agent's, and the site file's are used no more. Default
    /// false.
    pub passwords: bool,
    /// Whether certificates are replaced by the site's own, at two thirds of their life. Default false.
    pub certificates: bool,
    /// Whether the key of recordings is replaced, on all cameras of the site by the same one. Each replacement costs a
    /// reboot. Default false.
    pub recording_keys: bool,
    /// Whether the key of the messages between cameras is replaced, on all of them by the same one. Default false.
    pub message_keys: bool,
    /// Days that a password or a shared key is used, 1 to 3650. Default 90.
    pub password_days: u32,
    /// When credentials that are merely old enough are replaced. Default: none stated, so in the windows of `[change]`.
    pub windows: Vec<Window>,
    /// Where a new credential must be safe before the device is touched. Default `acknowledged`.
    pub escrow: EscrowRule,
    /// Whether a second administrator stands while a password is replaced. Default true.
    pub second_administrator: bool,
    /// What proves that a device has saved. Default `word`.
    pub proof: ProofRule,
    /// Minutes after a password was shown to somebody until it is replaced, 0 to 10080. Default 60.
    pub shown_grace_minutes: u32,
}

impl Default for RotationRules {
    fn default() -> Self {
        Self {
            passwords: false,
            certificates: false,
            recording_keys: false,
            message_keys: false,
            password_days: 90,
            windows: Vec::new(),
            escrow: EscrowRule::Acknowledged,
            second_administrator: true,
            proof: ProofRule::Word,
            shown_grace_minutes: 60,
        }
    }
}

/// Where a new credential must be safe before the device is touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscrowRule {
    /// The controller has acknowledged the sealed copy. While the link is down nothing is replaced. The default.
    #[default]
    Acknowledged,
    /// The sealed copy lies in the agent's vault; the controller gets it when it can.
    VaultWillDo,
}

/// What proves that a device has saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofRule {
    /// Its word. The default.
    #[default]
    Word,
    /// A log-in after a reboot, which costs some seconds of video.
    Reboot,
}

impl RotationRules {
    /// When credentials that are merely old enough are replaced; none: never without a person's command.
    pub fn windows<'a>(&'a self, change: &'a ChangeRules) -> &'a [Window] {
        if self.windows.is_empty() { &change.windows } else { &self.windows }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// Which key is out of its range, and what the range is.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=3650).contains(&self.password_days) {
            return Err("rotation.password_days: want 1 to 3650".to_owned());
        }
        if self.shown_grace_minutes > 10_080 {
            return Err("rotation.shown_grace_minutes: want 0 to 10080".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn nothing_is_replaced_unless_somebody_asks_for_it() {
        let rules = Policy::from_toml("").unwrap().rotation;
        assert!(!rules.passwords && !rules.certificates);
        assert!(!rules.recording_keys && !rules.message_keys);
        assert!(rules.windows(&ChangeRules::default()).is_empty());
    }

    #[test]
    fn the_windows_are_those_of_change_unless_there_are_own_ones() {
        let change = "[change]\nwindows = [{ from = '01:00', to = '02:00' }]\n";
        let policy = Policy::from_toml(change).unwrap();
        assert_eq!(policy.rotation.windows(&policy.change), policy.change.windows);
        let own = format!("{change}[rotation]\nwindows = [{{ from = '03:00', to = '04:00' }}]\n");
        let policy = Policy::from_toml(&own).unwrap();
        assert_eq!(policy.rotation.windows(&policy.change)[0].from.to_string(), "03:00");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (text, says) in [
            ("password_days = 0", "1 to 3650"),
            ("shown_grace_minutes = 10081", "0 to 10080"),
            ("escrow = 'later'", "vault_will_do"),
            ("password_age = 9", "password_age"),
        ] {
            let error = Policy::from_toml(&format!("[rotation]\n{text}\n")).unwrap_err();
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }
}
