//! What agents keep here of their sites' past: backups of configurations, which nobody here can open, and what the logs
//! of cameras showed. Both are bounded: of each device the newest backups stay, of each site the newest events.

use prost::Message as _;
use proto::record::{BackupId, ConfigurationBackup, SiteEvent};
use proto::wire::v1;
use proto::{DeviceName, SiteName, Timestamp};
use sqlx::any::AnyRow;

use super::cells::{Cells as _, nonsense, whole};
use super::{Intake, Store, StoreError, while_doing};

/// Backups that stay of one device; agents keep as many at most.
const MOST_BACKUPS: i64 = 50;
/// Events that stay of one site.
const MOST_EVENTS: i64 = 10_000;

/// Something that a site's logs showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Grows with every event of any site.
    pub number: u64,
    /// Where.
    pub site: SiteName,
    /// What.
    pub event: SiteEvent,
}

impl Intake {
    /// Keeps a backup. One that comes again, because it was sealed to other people, takes its own place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_backup(
        &mut self,
        site: &SiteName,
        backup: &ConfigurationBackup,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = while_doing("keeping a backup of a configuration");
        let mut body = v1::ConfigurationBackup::from(backup);
        let sealed = v1::ConfigurationBackup {
            sealed: std::mem::take(&mut body.sealed),
            keys: std::mem::take(&mut body.keys),
            ..v1::ConfigurationBackup::default()
        };
        sqlx::query(
            "INSERT INTO device_backups (site, device, id, made_at, arrived_at, body, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (site, device, id) DO UPDATE SET \
             body = excluded.body, sealed = excluded.sealed",
        )
        .bind(site.as_str())
        .bind(backup.device.as_str())
        .bind(backup.id.to_string())
        .bind(backup.made_at.unix())
        .bind(now.unix())
        .bind(body.encode_to_vec())
        .bind(sealed.encode_to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        sqlx::query(
            "DELETE FROM device_backups WHERE site = $1 AND device = $2 AND id NOT IN \
             (SELECT id FROM device_backups WHERE site = $1 AND device = $2 \
             ORDER BY arrived_at DESC, made_at DESC, id LIMIT $3)",
        )
        .bind(site.as_str())
        .bind(backup.device.as_str())
        .bind(MOST_BACKUPS)
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(&failed)
    }

    /// Keeps an event; gives its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_event(
        &mut self,
        site: &SiteName,
        event: &SiteEvent,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let failed = while_doing("keeping an event");
        let row = sqlx::query("SELECT COALESCE(MAX(number), 0) AS last FROM site_events")
            .fetch_one(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let number = row.count("last")? + 1;
        sqlx::query(
            "INSERT INTO site_events (number, site, kind, last_at, arrived_at, body) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(whole(number))
        .bind(site.as_str())
        .bind(event.kind.as_str())
        .bind(event.last_at.unix())
        .bind(now.unix())
        .bind(v1::SiteEvent::from(event).encode_to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        sqlx::query(
            "DELETE FROM site_events WHERE site = $1 AND number <= (SELECT number FROM site_events \
             WHERE site = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)",
        )
        .bind(site.as_str())
        .bind(MOST_EVENTS)
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        Ok(number)
    }
}

impl Store {
    /// A device's backups without what is sealed, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_backups(
        &self,
        site: &SiteName,
        device: &DeviceName,
    ) -> Result<Vec<v1::ConfigurationBackup>, StoreError> {
        let rows = sqlx::query(
            "SELECT body FROM device_backups WHERE site = $1 AND device = $2 \
             ORDER BY arrived_at DESC, made_at DESC, id",
        )
        .bind(site.as_str())
        .bind(device.as_str())
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("listing backups of a configuration"))?;
        rows.iter().map(|row| decoded(&row.bytes("body")?)).collect()
    }

    /// One backup, sealed as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_backup(
        &self,
        site: &SiteName,
        device: &DeviceName,
        id: BackupId,
    ) -> Result<Option<v1::ConfigurationBackup>, StoreError> {
        let row = sqlx::query(
            "SELECT body, sealed FROM device_backups WHERE site = $1 AND device = $2 AND id = $3",
        )
        .bind(site.as_str())
        .bind(device.as_str())
        .bind(id.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(while_doing("reading a backup of a configuration"))?;
        let Some(row) = row else { return Ok(None) };
        let sealed: v1::ConfigurationBackup = decoded(&row.bytes("sealed")?)?;
        let body: v1::ConfigurationBackup = decoded(&row.bytes("body")?)?;
        Ok(Some(v1::ConfigurationBackup { sealed: sealed.sealed, keys: sealed.keys, ..body }))
    }

    /// Events with a number beyond `after` that were last seen at `since` or later: the newest `limit`, the oldest
    /// first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events(
        &self,
        site: Option<&SiteName>,
        since: Timestamp,
        after: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, site, body FROM site_events WHERE ($1 = '' OR site = $1) AND last_at >= $2 \
             AND number > $3 ORDER BY number DESC LIMIT $4",
        )
        .bind(site.map_or("", SiteName::as_str))
        .bind(since.unix())
        .bind(whole(after))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading events"))?;
        rows.iter().rev().map(event).collect()
    }
}

fn event(row: &AnyRow) -> Result<EventRow, StoreError> {
    let wire: v1::SiteEvent = decoded(&row.bytes("body")?)?;
    let event = SiteEvent::try_from(wire).map_err(|_| nonsense("body"))?;
    Ok(EventRow { number: row.count("number")?, site: row.word("site")?, event })
}

fn decoded<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, StoreError> {
    M::decode(bytes).map_err(|_| nonsense("body"))
}
