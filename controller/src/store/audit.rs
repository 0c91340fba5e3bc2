//! The audit log: one record per change, chained by hash, in the same transaction as the change.

use certs::audit::{ChainHead, Record};
use proto::{AgentId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::cells::{Cells as _, whole};
use super::{Change, Store, StoreError, while_doing};

/// How many records are read at a time where all are wanted.
pub const PAGE: u32 = 500;

/// Who did what to what; the record's number and hash come from the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub time: Timestamp,
    /// Who: a name such as `palisade://acme/operator/kim`, or a source address.
    pub actor: String,
    /// A word such as `site_added`.
    pub deed: &'static str,
    /// To what.
    pub subject: String,
    /// The rest. Never a secret.
    pub detail: String,
}

impl Change {
    /// Makes it so, and leaves its record.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    pub async fn commit(mut self, deed: Deed) -> Result<ChainHead, StoreError> {
        let after = self.note(deed).await?;
        self.tx.commit().await.map_err(while_doing("committing a change"))?;
        Ok(after)
    }

    /// Leaves a record, which is there once the change is.
    pub(super) async fn note(&mut self, deed: Deed) -> Result<ChainHead, StoreError> {
        let failed = while_doing("noting what was done");
        let row = sqlx::query("SELECT number, hash FROM audit_log ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let head = row.map(|row| head(&row)).transpose()?.unwrap_or_default();
        let Deed { time, actor, deed, subject, detail } = deed;
        let record =
            Record { number: head.length + 1, time, actor, deed: deed.to_owned(), subject, detail };
        let after = head.extended(&record);
        sqlx::query(
            "INSERT INTO audit_log (number, time, actor, deed, subject, detail, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(i64::try_from(record.number).unwrap_or(i64::MAX))
        .bind(record.time.unix())
        .bind(record.actor)
        .bind(record.deed)
        .bind(record.subject)
        .bind(record.detail)
        .bind(after.hash.to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        Ok(after)
    }
}

impl Store {
    /// The last record's place and hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_head(&self) -> Result<ChainHead, StoreError> {
        let row = sqlx::query("SELECT number, hash FROM audit_log ORDER BY number DESC LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map_err(while_doing("reading the audit log"))?;
        Ok(row.map(|row| head(&row)).transpose()?.unwrap_or_default())
    }

    /// Records from this number on, each with its hash: at most `most`, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_records(
        &self,
        from: u64,
        most: u32,
    ) -> Result<Vec<(Record, Vec<u8>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, time, actor, deed, subject, detail, hash FROM audit_log \
             WHERE number >= $1 ORDER BY number LIMIT $2",
        )
        .bind(whole(from))
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading the audit log"))?;
        rows.iter().map(|row| record(row, row.text("actor")?)).collect()
    }

    /// Records that an agent reported of its own chain, from this number on, each with its hash: at most `most`, in
    /// their order. `actor` is the name that they are by, for it stands in the hashes and not in the table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agent_records(
        &self,
        (agent, actor): (&AgentId, &str),
        from: u64,
        most: u32,
    ) -> Result<Vec<(Record, Vec<u8>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, time, deed, subject, detail, hash FROM agent_audit \
             WHERE agent = $1 AND number >= $2 ORDER BY number LIMIT $3",
        )
        .bind(agent.as_str())
        .bind(whole(from))
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading an agent's audit log"))?;
        rows.iter().map(|row| record(row, actor.to_owned())).collect()
    }
}

pub(super) fn record(row: &AnyRow, actor: String) -> Result<(Record, Vec<u8>), StoreError> {
    let record = Record {
        number: row.count("number")?,
        time: row.time("time")?,
        actor,
        deed: row.text("deed")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    };
    Ok((record, row.bytes("hash")?))
}

fn head(row: &AnyRow) -> Result<ChainHead, StoreError> {
    let failed = while_doing("reading the audit log");
    let number: i64 = row.try_get("number").map_err(&failed)?;
    let hash: Vec<u8> = row.try_get("hash").map_err(&failed)?;
    let nonsense = || StoreError::Nonsense(format!("audit record {number}"));
    let hash = hash.try_into().map_err(|_| nonsense())?;
    Ok(ChainHead { length: u64::try_from(number).map_err(|_| nonsense())?, hash })
}
