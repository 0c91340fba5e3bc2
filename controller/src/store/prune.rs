//! Sealed copies that newer ones took the place of: which there are, and their end.

use proto::{DeviceName, SecretId, SecretKind, SiteName, Timestamp};
use serde::Deserialize as _;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::cells::{Cells as _, nonsense};
use super::{Change, StoreError, while_doing};

/// A copy of a device's secret, as far as its end is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Which.
    pub id: SecretId,
    /// Of which device.
    pub device: DeviceName,
    /// What it is for.
    pub kind: SecretKind,
    /// The account on the device.
    pub account: String,
    /// When it first came, by the controller's clock.
    pub arrived_at: Timestamp,
}

impl Change {
    /// Every secret of a site's devices, by device, kind and account, the newest first. Not what the site shares.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn copies(&mut self, site: &SiteName) -> Result<Vec<Copy>, StoreError> {
        let rows = sqlx::query(
            "SELECT secret_id, device, kind, account, arrived_at FROM escrow_records \
             WHERE site = $1 AND device <> '' ORDER BY device, kind, account, number DESC",
        )
        .bind(site.as_str())
        .fetch_all(&mut *self.tx)
        .await
        .map_err(while_doing("reading what is in escrow"))?;
        let each = rows.iter().map(|row| {
            let kind = row.text("kind")?;
            let kind = IntoDeserializer::<WordError>::into_deserializer(kind.as_str());
            Ok(Copy {
                id: SecretId(
                    row.bytes("secret_id")?.try_into().map_err(|_| nonsense("secret_id"))?,
                ),
                device: row.word("device")?,
                kind: SecretKind::deserialize(kind).map_err(|_| nonsense("kind"))?,
                account: row.text("account")?,
                arrived_at: row.time("arrived_at")?,
            })
        });
        each.collect()
    }

    /// Removes a copy for good.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_copy(&mut self, site: &SiteName, id: SecretId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM escrow_records WHERE site = $1 AND secret_id = $2")
            .bind(site.as_str())
            .bind(id.0.to_vec())
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(while_doing("removing a copy from escrow"))
    }
}
