//! One-time codes with which a person becomes an operator's client. Of each only the hash is kept; it is used up by one
//! conditional update, and whoever used it gets the same answer again.

use prost::Message as _;
use proto::wire::v1::LogInReply;
use proto::{OperatorName, Timestamp};
use rustls::pki_types::CertificateDer;

use super::cells::{Cells as _, nonsense};
use super::{Change, Store, StoreError, while_doing};

/// A code as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Whose.
    pub operator: OperatorName,
    /// From then on it is not taken.
    pub expires_at: Timestamp,
    /// SHA-256 of the key that used it, and the certificates which that key was given.
    pub used: Option<([u8; 32], Vec<CertificateDer<'static>>)>,
}

impl Store {
    /// The code with this hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn code(&self, secret_hash: &[u8; 32]) -> Result<Option<Code>, StoreError> {
        let row = sqlx::query(
            "SELECT operator, expires_at, used_key, answer FROM login_codes WHERE secret_hash = $1",
        )
        .bind(secret_hash.to_vec())
        .fetch_optional(&self.readers)
        .await
        .map_err(while_doing("looking for a code"))?;
        let Some(row) = row else { return Ok(None) };
        let used = match (row.maybe_hash("used_key")?, row.maybe_bytes("answer")?) {
            (Some(key), Some(answer)) => {
                let reply = LogInReply::decode(&*answer).map_err(|_| nonsense("answer"))?;
                Some((key, reply.chain.into_iter().map(CertificateDer::from).collect()))
            }
            _ => None,
        };
        let (operator, expires_at) = (row.word("operator")?, row.time("expires_at")?);
        Ok(Some(Code { operator, expires_at, used }))
    }
}

impl Change {
    /// Gives a person a code, in place of those that were not used.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_code(
        &mut self,
        operator: &OperatorName,
        secret_hash: &[u8; 32],
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = while_doing("making a code");
        sqlx::query("DELETE FROM login_codes WHERE operator = $1 AND used_at IS NULL")
            .bind(operator.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        sqlx::query(
            "INSERT INTO login_codes (secret_hash, operator, expires_at) VALUES ($1, $2, $3)",
        )
        .bind(secret_hash.to_vec())
        .bind(operator.as_str())
        .bind(expires_at.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        Ok(())
    }

    /// Uses a code up. `false`: it was used before, is over, or was taken back.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn use_code(
        &mut self,
        secret_hash: &[u8; 32],
        key: &[u8; 32],
        chain: &[CertificateDer<'static>],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let chain = chain.iter().map(|one| one.to_vec()).collect();
        let answer = LogInReply { chain, ..LogInReply::default() }.encode_to_vec();
        let done = sqlx::query(
            "UPDATE login_codes SET used_at = $1, used_key = $2, answer = $3 \
             WHERE secret_hash = $4 AND used_at IS NULL AND expires_at > $1",
        )
        .bind(now.unix())
        .bind(key.to_vec())
        .bind(answer)
        .bind(secret_hash.to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("using a code up"))?;
        Ok(done.rows_affected() == 1)
    }
}
