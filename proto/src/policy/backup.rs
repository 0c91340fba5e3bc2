//! `[backup]`: how often a device's configuration is backed up, and how many backups are kept.

use serde::{Deserialize, Serialize};

/// `[backup]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupRules {
    /// Whether an enrolled agent backs configurations up. Default true.
    pub on: bool,
    /// Days between two looks at a configuration, 1 to 365. One that did not change makes no new backup. Default 7.
    pub every_days: u32,
    /// Backups that are kept of one device, 1 to 50. Default 10.
    pub keep: u32,
}

impl Default for BackupRules {
    fn default() -> Self {
        Self { on: true, every_days: 7, keep: 10 }
    }
}

impl BackupRules {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Which key is out of its range, and what the range is.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=365).contains(&self.every_days) {
            return Err("backup.every_days: want 1 to 365".to_owned());
        }
        if !(1..=50).contains(&self.keep) {
            return Err("backup.keep: want 1 to 50".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn backups_are_made_weekly_unless_said_otherwise() {
        assert_eq!(Policy::from_toml("").unwrap().backup, BackupRules::default());
        let policy = Policy::from_toml("[backup]\nevery_days = 1\nkeep = 3").unwrap();
        assert_eq!(policy.backup, BackupRules { on: true, every_days: 1, keep: 3 });
        for bad in ["every_days = 0", "every_days = 366", "keep = 0", "keep = 51", "daily = true"] {
            assert!(Policy::from_toml(&format!("[backup]\n{bad}")).is_err(), "{bad}");
        }
    }
}
