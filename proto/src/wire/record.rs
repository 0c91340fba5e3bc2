//! Backups of configurations and what logs showed, between the wire and checked words.

use super::escrow::{MAX_COPIES, MAX_RECORD, copy};
use super::malformed::{self, Malformed};
use super::v1;
use super::words::word;
use crate::record::{BackupId, ConfigurationBackup, SealedBackup, SiteEvent};

/// Largest sealed configuration, in bytes: with its keys it travels as one entry of an upload.
pub const MAX_BODY: usize = 160 << 10;
/// Largest keys of a sealed configuration, in bytes together.
pub const MAX_KEYS: usize = 48 << 10;
/// Most lines of what changed.
pub const MAX_CHANGES: usize = 200;
/// Longest of them, in bytes.
pub const MAX_CHANGE: usize = 400;
/// Largest text of all of them together, in bytes.
pub const MAX_ALL_CHANGES: usize = 24 << 10;
/// Most devices and users of an event.
pub const MAX_NAMED: usize = 100;
/// Longest product, firmware or user name, in bytes.
const MAX_WORD: usize = 256;

const _: () = assert!(MAX_KEYS <= MAX_RECORD, "keys are sealed copies like others");

impl From<&ConfigurationBackup> for v1::ConfigurationBackup {
    fn from(backup: &ConfigurationBackup) -> Self {
        let sealed = backup.sealed.as_ref();
        Self {
            device: backup.device.to_string(),
            backup_id: backup.id.0.to_vec(),
            made_at: backup.made_at.unix(),
            reason: v1::BackupReason::from(backup.reason).into(),
            product: backup.product.clone(),
            firmware: backup.firmware.clone(),
            digest: backup.digest.to_vec(),
            size: backup.size,
            recipients_generation: sealed.map_or(0, |it| it.generation),
            sealed: sealed.map_or_else(Vec::new, |it| it.body.clone()),
            keys: sealed.into_iter().flat_map(|it| &it.keys).map(v1::SealedCopy::from).collect(),
            previous: backup.previous.map_or_else(Vec::new, |id| id.0.to_vec()),
            changes: backup.changes.clone(),
            more_changes: backup.more_changes,
        }
    }
}

impl TryFrom<v1::ConfigurationBackup> for ConfigurationBackup {
    type Error = Malformed;

    fn try_from(backup: v1::ConfigurationBackup) -> Result<Self, Malformed> {
        malformed::within(backup.changes.len(), "changed lines", MAX_CHANGES)?;
        let told = backup.changes.iter().map(String::len).sum();
        malformed::within(told, "changed lines", MAX_ALL_CHANGES)?;
        let line = |line| malformed::text(line, "changed line", MAX_CHANGE);
        let previous = match backup.previous.as_slice() {
            [] => None,
            _ => Some(backup_id(backup.previous)?),
        };
        Ok(Self {
            device: malformed::device(backup.device)?,
            id: backup_id(backup.backup_id)?,
            made_at: malformed::time(backup.made_at, "time of a backup")?,
            reason: word::<v1::BackupReason, _>(backup.reason, "reason of a backup")?,
            product: malformed::text(backup.product, "product", MAX_WORD)?,
            firmware: malformed::text(backup.firmware, "firmware", MAX_WORD)?,
            digest: backup.digest.try_into().map_err(|_| Malformed::Bad("digest of a backup"))?,
            size: backup.size,
            sealed: sealed(backup.recipients_generation, backup.sealed, backup.keys)?,
            previous,
            changes: backup.changes.into_iter().map(line).collect::<Result<_, _>>()?,
            more_changes: backup.more_changes,
        })
    }
}

/// A body and its keys: both or neither.
fn sealed(
    generation: u64,
    body: Vec<u8>,
    keys: Vec<v1::SealedCopy>,
) -> Result<Option<SealedBackup>, Malformed> {
    malformed::within(body.len(), "sealed backup", MAX_BODY)?;
    malformed::within(keys.len(), "keys of a backup", MAX_COPIES)?;
    malformed::within(keys.iter().map(|it| it.sealed.len()).sum(), "keys of a backup", MAX_KEYS)?;
    match (generation, body.is_empty(), keys.is_empty()) {
        (0, true, true) => Ok(None),
        (1.., false, false) => {
            let keys = keys.into_iter().map(copy).collect::<Result<_, _>>()?;
            Ok(Some(SealedBackup { generation, body, keys }))
        }
        _ => Err(Malformed::Bad("sealed backup")),
    }
}

/// The name of a backup.
///
/// # Errors
/// Anything but 16 bytes.
pub fn backup_id(bytes: Vec<u8>) -> Result<BackupId, Malformed> {
    bytes.try_into().map(BackupId).map_err(|_| Malformed::Bad("name of a backup"))
}

impl From<&SiteEvent> for v1::SiteEvent {
    fn from(event: &SiteEvent) -> Self {
        Self {
            kind: v1::EventKind::from(event.kind).into(),
            source: event.source.to_string(),
            devices: event.devices.iter().map(ToString::to_string).collect(),
            count: event.count,
            first_at: event.first_at.unix(),
            last_at: event.last_at.unix(),
            users: event.users.clone(),
        }
    }
}

impl TryFrom<v1::SiteEvent> for SiteEvent {
    type Error = Malformed;

    fn try_from(event: v1::SiteEvent) -> Result<Self, Malformed> {
        malformed::within(event.devices.len(), "devices of an event", MAX_NAMED)?;
        malformed::within(event.users.len(), "users of an event", MAX_NAMED)?;
        malformed::within(event.source.len(), "source of an event", MAX_WORD)?;
        let user = |user| malformed::text(user, "user of an event", MAX_WORD);
        Ok(Self {
            kind: word::<v1::EventKind, _>(event.kind, "kind of event")?,
            source: event.source.parse().map_err(|_| Malformed::Bad("source of an event"))?,
            devices: event.devices.into_iter().map(malformed::device).collect::<Result<_, _>>()?,
            count: event.count,
            first_at: malformed::time(event.first_at, "time of an event")?,
            last_at: malformed::time(event.last_at, "time of an event")?,
            users: event.users.into_iter().map(user).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BackupReason, EventKind};
    use crate::{SealedCopy, Timestamp};

    fn backup() -> ConfigurationBackup {
        ConfigurationBackup {
            device: "yard".parse().unwrap(),
            id: BackupId([7; 16]),
            made_at: Timestamp::from_unix(1_800_000_000),
            reason: BackupReason::Change,
            product: "MOBOTIX P3".to_owned(),
            firmware: "MX-V4.7.3.11-r4".to_owned(),
            digest: [9; 32],
            size: 41_000,
            sealed: Some(SealedBackup {
                generation: 2,
                body: b"age".to_vec(),
                keys: vec![SealedCopy {
                    layers: vec![vec!["age1a".to_owned()]],
                    sealed: b"age".to_vec(),
                }],
            }),
            previous: Some(BackupId([6; 16])),
            changes: vec!["- general: LED=1".to_owned()],
            more_changes: true,
        }
    }

    fn event() -> SiteEvent {
        SiteEvent {
            kind: EventKind::BruteForce,
            source: "192.0.2.66".parse().unwrap(),
            devices: vec!["yard".parse().unwrap()],
            count: 12,
            first_at: Timestamp::from_unix(1),
            last_at: Timestamp::from_unix(2),
            users: vec!["kim".to_owned()],
        }
    }

    #[test]
    fn backups_and_events_cross_the_wire_unchanged() {
        let alone = ConfigurationBackup { sealed: None, previous: None, ..backup() };
        for backup in [backup(), alone] {
            assert_eq!(
                ConfigurationBackup::try_from(v1::ConfigurationBackup::from(&backup)),
                Ok(backup)
            );
        }
        assert_eq!(SiteEvent::try_from(v1::SiteEvent::from(&event())), Ok(event()));
    }

    #[test]
    fn what_no_agent_would_send_is_refused() {
        let bad: [fn(&mut v1::ConfigurationBackup); 12] = [
            |it| it.device = "a b".to_owned(),
            |it| it.backup_id.clear(),
            |it| it.made_at = -1,
            |it| it.reason = 99,
            |it| it.firmware = "a\u{1b}[2J".to_owned(),
            |it| it.digest.clear(),
            |it| it.sealed.clear(),
            |it| it.recipients_generation = 0,
            |it| it.keys.clear(),
            |it| it.sealed = vec![0; MAX_BODY + 1],
            |it| it.changes = vec![String::new(); MAX_CHANGES + 1],
            |it| it.changes = vec!["x".repeat(MAX_CHANGE + 1)],
        ];
        for (place, spoil) in bad.into_iter().enumerate() {
            let mut wire = v1::ConfigurationBackup::from(&backup());
            spoil(&mut wire);
            assert!(ConfigurationBackup::try_from(wire).is_err(), "{place}");
        }
        let bad: [fn(&mut v1::SiteEvent); 4] = [
            |it| it.kind = 0,
            |it| it.source = "everywhere".to_owned(),
            |it| it.devices = vec!["yard".to_owned(); MAX_NAMED + 1],
            |it| it.users = vec!["\u{202e}".to_owned()],
        ];
        for (place, spoil) in bad.into_iter().enumerate() {
            let mut wire = v1::SiteEvent::from(&event());
            spoil(&mut wire);
            assert!(SiteEvent::try_from(wire).is_err(), "{place}");
        }
    }
}
