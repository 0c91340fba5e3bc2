//! Backups of configurations on the rounds: when one is due, and what a look says of them. Where they are kept is behind
//! [`Archive`].
//!
//! Each visit brings the configuration along, in the same log-in; it is kept when a backup is due. One that could not be
//! kept costs the visit nothing; C22 shows that the last one grows old.

use async_trait::async_trait;
use proto::policy::BackupRules;
use proto::record::{BackupId, BackupReason};
use proto::{DeviceName, Timestamp};

use super::Rounds;
use super::errand::Paid;
use super::outlet::{Deed, NotStored};
use crate::device::Snapshot;
use crate::facts::{Fact, Facts, OwnBackup};

const DAY: i64 = 86_400;

/// A configuration to be kept.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Of which device.
    pub device: DeviceName,
    /// Its product line, if that is known.
    pub product: String,
    /// What it showed.
    pub configuration: Snapshot,
    /// Why it is kept.
    pub reason: BackupReason,
    /// Backups that stay.
    pub keep: u32,
}

/// Keeps configurations, sealed, on this machine and away from it.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Keeps a configuration durably, unless it is as the newest backup; gives the new backup's name. To be called
    /// before anything is changed on a device: what cannot be kept must not be changed.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn keep(&self, shown: Shown) -> Result<Option<BackupId>, NotStored>;

    /// What there is of a device; none if there is nothing.
    ///
    /// # Errors
    /// [`NotStored`], when it cannot be told.
    async fn standing(&self, device: &DeviceName) -> Result<Option<OwnBackup>, NotStored>;

    /// Whether something of a device's newest backup has yet to leave this machine.
    async fn is_behind(&self, device: &DeviceName) -> bool;
}

/// Whether a configuration that is at hand is to be kept.
async fn is_wanted(
    archive: &dyn Archive,
    device: &DeviceName,
    rules: BackupRules,
    now: Timestamp,
) -> bool {
    let standing = archive.standing(device).await;
    is_due(standing.ok().flatten().as_ref(), rules, now) || archive.is_behind(device).await
}

/// Whether a configuration is to be looked at again. One that was looked at in the future, by a wrong clock, is.
fn is_due(standing: Option<&OwnBackup>, rules: BackupRules, now: Timestamp) -> bool {
    let every = i64::from(rules.every_days) * DAY;
    standing.is_none_or(|own| !(0..every).contains(&now.seconds_since(own.looked_at)))
}

impl Rounds {
    /// Keeps the configuration that a visit brought along, and enters into what it saw how its backups stand.
    pub(super) async fn back_up(&mut self, paid: &mut Paid) {
        let rules = self.yardstick.as_ref().map(|it| it.policy.backup).unwrap_or_default();
        let Some(archive) = self.supplies.archive.clone().filter(|_| rules.on) else { return };
        let archive = archive.as_ref();
        let name = paid.look.device.name.clone();
        let (brought, now) = (paid.configuration.take(), paid.look.observed_at);
        let awaited = self.awaits_backup(&name);
        let wanted = brought.is_some() && (awaited || is_wanted(archive, &name, rules, now).await);
        if let Some(configuration) = brought.filter(|_| wanted) {
            let shown = Shown {
                device: name.clone(),
                product: paid.look.device.product.clone().unwrap_or_default(),
                configuration,
                reason: if awaited { BackupReason::Change } else { BackupReason::Schedule },
                keep: rules.keep,
            };
            let kept = archive.keep(shown).await;
            if kept.is_ok() {
                self.backed_up(&name);
            }
            match kept {
                Ok(Some(id)) => {
                    self.audit(Deed::BackupMade, name.as_str(), &format!("backup {id}")).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(device = %name, "its configuration was not backed up: {error}")
                }
            }
        }
        let Ok(Facts::Camera(camera)) = &mut paid.look.outcome else { return };
        camera.backup = seen(archive, &name).await;
    }
}

/// How a device's backups stand.
pub async fn seen(archive: &dyn Archive, device: &DeviceName) -> Fact<OwnBackup> {
    match archive.standing(device).await {
        Ok(Some(own)) => Fact::Seen(own),
        Ok(None) => Fact::Absent,
        Err(_) => Fact::unreadable("the agent's own backups cannot be read"),
    }
}

/// Keeps what a device shows before anything of it is changed.
///
/// # Errors
/// [`NotStored`]: then nothing may be changed.
pub async fn before_change(
    archive: &dyn Archive,
    device: &DeviceName,
    configuration: &Snapshot,
    rules: BackupRules,
) -> Result<(), NotStored> {
    let shown = Shown {
        device: device.clone(),
        product: String::new(),
        configuration: configuration.clone(),
        reason: BackupReason::Change,
        keep: rules.keep,
    };
    archive.keep(shown).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::BackupCopy;

    #[test]
    fn a_configuration_is_looked_at_when_its_days_are_over_or_none_was_kept() {
        let rules = BackupRules::default();
        let at = |days: i64| Timestamp::from_unix(1_800_000_000 + days * DAY);
        let own = OwnBackup { made_at: at(-50), looked_at: at(0), copy: BackupCopy::Sealed };
        assert!(is_due(None, rules, at(0)));
        assert!(!is_due(Some(&own), rules, at(6)));
        assert!(is_due(Some(&own), rules, at(7)));
        assert!(is_due(Some(&own), rules, at(-1)), "a clock was wrong");
    }
}
