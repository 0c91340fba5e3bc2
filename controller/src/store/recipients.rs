//! Whom secrets are sealed to, as the root signed it. Every generation is kept: old secrets are still sealed to it.

use prost::Message as _;
use proto::Timestamp;
use proto::wire::escrow::recipients;
use proto::wire::v1;

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Intake, Store, StoreError, while_doing};

/// Recovery recipients of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients {
    /// Grows with every change.
    pub generation: u64,
    /// So many of them must come together.
    pub threshold: u32,
    /// age recipients.
    pub recipients: Vec<String>,
    /// By a root's key.
    pub signature: Vec<u8>,
    /// The operator who brought them.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl From<&Recipients> for v1::RecoveryRecipients {
    fn from(set: &Recipients) -> Self {
        Self {
            generation: set.generation,
            threshold: set.threshold,
            recipients: set.recipients.clone(),
            signature: set.signature.clone(),
        }
    }
}

impl Store {
    /// Those that hold; `None` before the first were set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recipients(&self) -> Result<Option<Recipients>, StoreError> {
        let row = sqlx::query(
            "SELECT body, set_by, set_at FROM recovery_recipients ORDER BY generation DESC LIMIT 1",
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(while_doing("reading the recovery recipients"))?;
        row.as_ref().map(read).transpose()
    }
}

impl Change {
    /// Adds a generation.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_recipients(&mut self, set: &Recipients) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO recovery_recipients (generation, body, set_by, set_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(whole(set.generation))
        .bind(v1::RecoveryRecipients::from(set).encode_to_vec())
        .bind(&set.set_by)
        .bind(set.set_at.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("writing the recovery recipients"))
    }
}

impl Intake {
    /// Those of a generation; `None` if it is not known here, as after a restore.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recipients_of(
        &mut self,
        generation: u64,
    ) -> Result<Option<Recipients>, StoreError> {
        let row = sqlx::query(
            "SELECT body, set_by, set_at FROM recovery_recipients WHERE generation = $1",
        )
        .bind(whole(generation))
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(while_doing("reading the recovery recipients"))?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<Recipients, StoreError> {
    let body = row.bytes("body")?;
    let wire = v1::RecoveryRecipients::decode(&*body).map_err(|_| nonsense("body"))?;
    Ok(Recipients {
        generation: wire.generation,
        threshold: wire.threshold,
        recipients: recipients(wire.recipients).map_err(|_| nonsense("body"))?,
        signature: wire.signature,
        set_by: row.text("set_by")?,
        set_at: row.time("set_at")?,
    })
}
