//! Boxes without a token that ask to become an agent, and wait for an operator to type in the code that they show.

use proto::Timestamp;
use sqlx::any::AnyRow;

use super::cells::Cells as _;
use super::{Answer, Change, Store, StoreError, while_doing};

/// A request that waits, or was approved and whose box may ask for the answer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// SHA-256 of the key that asks.
    pub key: [u8; 32],
    /// What the machine calls itself.
    pub host: String,
    /// Its agent's version.
    pub version: String,
    /// The address it asks from.
    pub source: String,
    /// The certificate request (DER).
    pub request: Vec<u8>,
    /// The recovery key (SubjectPublicKeyInfo, DER).
    pub recovery_key: Vec<u8>,
    /// When it first asked.
    pub asked_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// What the box is told, once somebody approved it.
    pub answer: Option<Answer>,
}

const COLUMNS: &str = "SELECT key_hash, host, version, source, request, recovery_key, asked_at, expires_at, answer \
                       FROM pending";

fn pending(row: &AnyRow) -> Result<Pending, StoreError> {
    let answer = row.maybe_bytes("answer")?;
    Ok(Pending {
        key: row.hash("key_hash")?,
        host: row.text("host")?,
        version: row.text("version")?,
        source: row.text("source")?,
        request: row.bytes("request")?,
        recovery_key: row.bytes("recovery_key")?,
        asked_at: row.time("asked_at")?,
        expires_at: row.time("expires_at")?,
        answer: answer.as_deref().map(Answer::from_bytes).transpose()?,
    })
}

impl Store {
    /// Every request that nobody approved yet and that has not expired, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, now: Timestamp) -> Result<Vec<Pending>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE answer IS NULL AND expires_at > $1 ORDER BY asked_at, key_hash"
        ));
        let rows = sqlx::query(sql).bind(now.unix()).fetch_all(&self.readers).await;
        rows.map_err(while_doing("listing requests"))?.iter().map(pending).collect()
    }

    /// The request of this key, if it has not expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_of(
        &self,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Pending>, StoreError> {
        self.one_pending("key_hash", key, now).await
    }

    /// The request that shows this code, if it has not expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_with(
        &self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Pending>, StoreError> {
        self.one_pending("code_hash", code_hash, now).await
    }

    async fn one_pending(
        &self,
        column: &'static str,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Pending>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE {column} = $1 AND expires_at > $2"));
        let query = sqlx::query(sql).bind(hash.to_vec()).bind(now.unix());
        let row = query.fetch_optional(&self.readers).await;
        row.map_err(while_doing("looking for a request"))?.as_ref().map(pending).transpose()
    }
}

impl Change {
    /// Keeps a request, and forgets those that expired. `false` if one with this key or code is there already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_pending(
        &mut self,
        pending: &Pending,
        code_hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let failed = while_doing("keeping a request");
        sqlx::query("DELETE FROM pending WHERE expires_at <= $1")
            .bind(pending.asked_at.unix())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let done = sqlx::query(
            "INSERT INTO pending (key_hash, code_hash, host, version, source, request, recovery_key, asked_at, \
             expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(pending.key.to_vec())
        .bind(code_hash.to_vec())
        .bind(&pending.host)
        .bind(&pending.version)
        .bind(&pending.source)
        .bind(pending.request.clone())
        .bind(pending.recovery_key.clone())
        .bind(pending.asked_at.unix())
        .bind(pending.expires_at.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        Ok(done.rows_affected() == 1)
    }

    /// Answers a request; `false` if it was answered before or is gone. The answer can be asked for until `until`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answer_pending(
        &mut self,
        key: [u8; 32],
        answer: &Answer,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE pending SET agent = $2, answer = $3, expires_at = $4 WHERE key_hash = $1 AND answer IS NULL",
        )
        .bind(key.to_vec())
        .bind(answer.agent.as_str())
        .bind(answer.to_bytes())
        .bind(until.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("answering a request"))?;
        Ok(done.rows_affected() == 1)
    }
}
