//! Secrets in escrow, sealed to the recovery recipients: what agents hand over, one row a secret. Nothing here can open
//! one. A secret that was sealed anew takes its old row; one that took another's place gets a row of its own, so that
//! the history stays.

use prost::Message as _;
use proto::wire::v1;
use proto::{DeviceName, EscrowRecord, SecretId, SecretKind, SiteName, Timestamp};
use serde::Deserialize as _;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::cells::{Cells as _, nonsense, whole};
use super::devices::small;
use super::{Change, Intake, Store, StoreError, while_doing};

/// What is known of a secret without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose agent handed it over.
    pub site: SiteName,
    /// Which.
    pub id: SecretId,
    /// Of which device; `None` for what the whole site shares.
    pub device: Option<DeviceName>,
    /// What it is for.
    pub kind: SecretKind,
    /// The account on the device; empty if it is of none.
    pub account: String,
    /// When it was made, by the agent's clock.
    pub made_at: Timestamp,
    /// Which recovery recipients it is sealed to.
    pub recipients_generation: u64,
    /// How many sealed copies there are.
    pub copies: u32,
    /// How many bytes they take together.
    pub size: u64,
    /// When it was last shown.
    pub shown_at: Option<Timestamp>,
    /// When it last went into a kit.
    pub exported_at: Option<Timestamp>,
    /// No newer one of the same account came since.
    pub is_latest: bool,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this site; `None` for all.
    pub site: Option<SiteName>,
    /// Of this device, or of none; `None` for all.
    pub device: Option<Option<DeviceName>>,
    /// Also those that a newer one took the place of.
    pub history: bool,
}

const IS_LATEST: &str = "NOT EXISTS (SELECT 1 FROM escrow_records n WHERE n.site = e.site AND n.device = e.device \
     AND n.kind = e.kind AND n.account = e.account AND n.number > e.number)";

/// How many bytes a secret's sealed copies take here.
pub fn size_of(record: &EscrowRecord) -> u64 {
    v1::EscrowRecord::from(record).encoded_len() as u64
}

impl Intake {
    /// How many secrets of a site are here, and the bytes of their sealed copies together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn escrow_size(&mut self, site: &SiteName) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS kept, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS size FROM escrow_records WHERE site = $1",
        )
        .bind(site.as_str())
        .fetch_one(&mut *self.tx)
        .await
        .map_err(while_doing("counting secrets in escrow"))?;
        Ok((row.count("kept")?, row.count("size")?))
    }

    /// What is known of a secret of a site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secret(
        &mut self,
        site: &SiteName,
        id: SecretId,
    ) -> Result<Option<Held>, StoreError> {
        let row = sqlx::query(
            "SELECT site, secret_id, device, kind, account, made_at, recipients_generation, copies, size, shown_at, \
             exported_at, 0 AS is_latest FROM escrow_records WHERE site = $1 AND secret_id = $2",
        )
        .bind(site.as_str())
        .bind(id.0.to_vec())
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(while_doing("looking for a secret in escrow"))?;
        row.as_ref().map(held).transpose()
    }

    /// Puts copies for other recipients in the place of those that a secret has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn reseal_secret(
        &mut self,
        site: &SiteName,
        record: &EscrowRecord,
    ) -> Result<(), StoreError> {
        let body = v1::EscrowRecord::from(record).encode_to_vec();
        sqlx::query(
            "UPDATE escrow_records SET recipients_generation = $3, copies = $4, size = $5, body = $6, \
             exported_at = NULL WHERE site = $1 AND secret_id = $2",
        )
        .bind(site.as_str())
        .bind(record.id.0.to_vec())
        .bind(whole(record.recipients_generation))
        .bind(whole(record.copies.len() as u64))
        .bind(whole(body.len() as u64))
        .bind(body)
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping a secret that was sealed anew"))
    }

    /// Keeps a secret that is not here yet.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_secret(
        &mut self,
        site: &SiteName,
        record: &EscrowRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let body = v1::EscrowRecord::from(record).encode_to_vec();
        sqlx::query(
            "INSERT INTO escrow_records (site, secret_id, number, device, kind, account, made_at, \
             recipients_generation, copies, size, body, arrived_at) VALUES ($1, $2, \
             (SELECT COALESCE(MAX(number), 0) + 1 FROM escrow_records WHERE site = $1), \
             $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(site.as_str())
        .bind(record.id.0.to_vec())
        .bind(device_cell(record.device.as_ref()))
        .bind(record.kind.as_str())
        .bind(&record.account)
        .bind(record.made_at.unix())
        .bind(whole(record.recipients_generation))
        .bind(whole(record.copies.len() as u64))
        .bind(whole(body.len() as u64))
        .bind(body)
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping a secret in escrow"))
    }
}

impl Store {
    /// What is in escrow, by site, device, kind and account, the newest first; at most `most`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secrets(&self, wanted: &Wanted, most: u32) -> Result<Vec<Held>, StoreError> {
        let sql = format!(
            "SELECT site, secret_id, device, kind, account, made_at, recipients_generation, copies, size, shown_at, \
             exported_at, CASE WHEN {IS_LATEST} THEN 1 ELSE 0 END AS is_latest FROM escrow_records e \
             WHERE ($1 = '' OR site = $1) AND ($2 = 0 OR device = $3) AND ($4 = 1 OR {IS_LATEST}) \
             ORDER BY site, device, kind, account, number DESC LIMIT $5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(wanted.site.as_ref().map_or("", SiteName::as_str))
            .bind(i64::from(wanted.device.is_some()))
            .bind(device_cell(wanted.device.as_ref().and_then(Option::as_ref)))
            .bind(i64::from(wanted.history))
            .bind(i64::from(most))
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("listing secrets in escrow"))?;
        rows.iter().map(held).collect()
    }

    /// Those that were last shown before this time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shown_before(&self, time: Timestamp) -> Result<Vec<Held>, StoreError> {
        let sql = format!(
            "SELECT site, secret_id, device, kind, account, made_at, recipients_generation, copies, size, shown_at, \
             exported_at, CASE WHEN {IS_LATEST} THEN 1 ELSE 0 END AS is_latest FROM escrow_records e \
             WHERE shown_at <= $1 ORDER BY site, device, kind, account, number DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(time.unix())
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("looking for secrets that were shown"))?;
        rows.iter().map(held).collect()
    }

    /// Sealed copies that went into a kit, by site, behind this place; at most `most`. The place of the last goes with
    /// each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exported_after(
        &self,
        site: Option<&SiteName>,
        (after, number): (&str, u64),
        most: u32,
    ) -> Result<Vec<(SiteName, u64, EscrowRecord)>, StoreError> {
        let rows = sqlx::query(
            "SELECT site, number, body FROM escrow_records WHERE ($1 = '' OR site = $1) \
             AND exported_at IS NOT NULL AND (site > $2 OR (site = $2 AND number > $3)) \
             ORDER BY site, number LIMIT $4",
        )
        .bind(site.map_or("", SiteName::as_str))
        .bind(after)
        .bind(whole(number))
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading secrets in escrow"))?;
        let each = rows
            .iter()
            .map(|row| Ok((row.word("site")?, row.count("number")?, record(&row.bytes("body")?)?)));
        each.collect()
    }
}

impl Change {
    /// Marks a device's secrets, or those that the whole site shares, as shown, and gives their sealed copies, the
    /// newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn show_secrets(
        &mut self,
        site: &SiteName,
        device: Option<&DeviceName>,
        (history, most): (bool, u32),
        now: Timestamp,
    ) -> Result<Vec<EscrowRecord>, StoreError> {
        let failed = while_doing("showing secrets in escrow");
        let sql = format!(
            "SELECT secret_id, body FROM escrow_records e WHERE site = $1 AND device = $2 \
             AND ($3 = 1 OR {IS_LATEST}) ORDER BY number DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(site.as_str())
            .bind(device_cell(device))
            .bind(i64::from(history))
            .bind(i64::from(most))
            .fetch_all(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            sqlx::query(
                "UPDATE escrow_records SET shown_at = $3 WHERE site = $1 AND secret_id = $2",
            )
            .bind(site.as_str())
            .bind(row.bytes("secret_id")?)
            .bind(now.unix())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
            records.push(record(&row.bytes("body")?)?);
        }
        Ok(records)
    }

    /// Marks every secret of a site, or of all, as being in a kit; gives how many there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn export_secrets(
        &mut self,
        site: Option<&SiteName>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let done =
            sqlx::query("UPDATE escrow_records SET exported_at = $2 WHERE $1 = '' OR site = $1")
                .bind(site.map_or("", SiteName::as_str))
                .bind(now.unix())
                .execute(&mut *self.tx)
                .await
                .map_err(while_doing("noting an export"))?;
        Ok(done.rows_affected())
    }

    /// How many of a site's secrets are in no kit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secrets_in_no_kit(&mut self, site: &SiteName) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS kept FROM escrow_records WHERE site = $1 AND exported_at IS NULL",
        )
        .bind(site.as_str())
        .fetch_one(&mut *self.tx)
        .await
        .map_err(while_doing("counting secrets in escrow"))?;
        row.count("kept")
    }
}

fn device_cell(device: Option<&DeviceName>) -> &str {
    device.map_or("", DeviceName::as_str)
}

fn record(body: &[u8]) -> Result<EscrowRecord, StoreError> {
    let wire = v1::EscrowRecord::decode(body).map_err(|_| nonsense("body"))?;
    EscrowRecord::try_from(wire).map_err(|_| nonsense("body"))
}

fn held(row: &sqlx::any::AnyRow) -> Result<Held, StoreError> {
    let device = row.text("device")?;
    let device = (!device.is_empty()).then(|| device.parse()).transpose();
    let kind = row.text("kind")?;
    let kind = IntoDeserializer::<WordError>::into_deserializer(kind.as_str());
    Ok(Held {
        site: row.word("site")?,
        id: SecretId(row.bytes("secret_id")?.try_into().map_err(|_| nonsense("secret_id"))?),
        device: device.map_err(|_| nonsense("device"))?,
        kind: SecretKind::deserialize(kind).map_err(|_| nonsense("kind"))?,
        account: row.text("account")?,
        made_at: row.time("made_at")?,
        recipients_generation: row.count("recipients_generation")?,
        copies: small(row.count("copies")?),
        size: row.count("size")?,
        shown_at: row.maybe_time("shown_at")?,
        exported_at: row.maybe_time("exported_at")?,
        is_latest: row.yes("is_latest")?,
    })
}
