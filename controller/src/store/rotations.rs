//! Where each credential of the devices stands, as agents told last.

use prost::Message as _;
use proto::wire::rotation::RotationState;
use proto::wire::v1;
use proto::{SiteName, Timestamp};

use super::cells::{Cells as _, nonsense};
use super::{Intake, Store, StoreError, while_doing};

/// Where one credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// At which site.
    pub site: SiteName,
    /// What the agent told.
    pub state: RotationState,
    /// When, by the controller's clock.
    pub told_at: Timestamp,
}

impl Store {
    /// The credentials of one site, or of all if none is named, by site, device and kind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotations(&self, site: Option<&SiteName>) -> Result<Vec<Rotation>, StoreError> {
        let rows = sqlx::query(
            "SELECT site, body, arrived_at FROM rotations WHERE $1 = '' OR site = $1 ORDER BY site, device, kind",
        )
        .bind(site.map_or("", SiteName::as_str))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading where credentials stand"))?;
        let each = rows.iter().map(|row| {
            let wire = v1::RotationState::decode(row.bytes("body")?.as_slice())
                .map_err(|_| nonsense("body"))?;
            Ok(Rotation {
                site: row.word("site")?,
                state: RotationState::try_from(wire).map_err(|_| nonsense("body"))?,
                told_at: row.time("arrived_at")?,
            })
        });
        each.collect()
    }
}

impl Intake {
    /// Puts where a credential stands in the place of what was known of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_rotation(
        &mut self,
        site: &SiteName,
        state: &RotationState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rotations (site, device, kind, body, arrived_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (site, device, kind) DO UPDATE SET body = excluded.body, arrived_at = excluded.arrived_at",
        )
        .bind(site.as_str())
        .bind(state.device.as_str())
        .bind(state.kind.as_str())
        .bind(v1::RotationState::from(state).encode_to_vec())
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping where a credential stands"))
    }

    /// How many credentials of a site are known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotation_count(&mut self, site: &SiteName) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS known FROM rotations WHERE site = $1")
            .bind(site.as_str())
            .fetch_one(&mut *self.tx)
            .await
            .map_err(while_doing("counting credentials"))?;
        row.count("known")
    }
}
