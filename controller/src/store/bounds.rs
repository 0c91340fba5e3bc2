//! How full a site is of what its agent may have kept here, as far as a person was told of it.

use proto::SiteName;

use super::cells::{Cells as _, whole};
use super::{Intake, Store, StoreError, while_doing};

impl Intake {
    /// What a person was told last of a bound of a site: 0 for nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told_bound(&mut self, site: &SiteName, what: &str) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT level FROM site_bounds WHERE site = $1 AND what = $2")
            .bind(site.as_str())
            .bind(what)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(while_doing("looking how full a site is"))?;
        row.map_or(Ok(0), |row| row.count("level"))
    }

    /// Notes what a person is told of a bound of a site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_bound(
        &mut self,
        site: &SiteName,
        what: &str,
        level: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO site_bounds (site, what, level) VALUES ($1, $2, $3) \
             ON CONFLICT (site, what) DO UPDATE SET level = excluded.level",
        )
        .bind(site.as_str())
        .bind(what)
        .bind(whole(level))
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("noting how full a site is"))
    }

    /// Whether a device of a site is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn knows_device(
        &mut self,
        site: &SiteName,
        device: &str,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT device FROM devices WHERE site = $1 AND device = $2")
            .bind(site.as_str())
            .bind(device)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(while_doing("looking for a device"))?;
        Ok(found.is_some())
    }

    /// Whether it is known where a credential of a site stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn knows_credential(
        &mut self,
        site: &SiteName,
        device: &str,
        kind: &str,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT device FROM rotations WHERE site = $1 AND device = $2 AND kind = $3",
        )
        .bind(site.as_str())
        .bind(device)
        .bind(kind)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(while_doing("looking for a credential"))?;
        Ok(found.is_some())
    }
}

impl Store {
    /// How many secrets are sealed to recipients before a generation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed_before(&self, generation: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS kept FROM escrow_records WHERE recipients_generation < $1",
        )
        .bind(whole(generation))
        .fetch_one(&self.readers)
        .await
        .map_err(while_doing("counting secrets in escrow"))?;
        row.count("kept")
    }

    /// Sites with something in escrow: how many secrets each has, and the bytes of their sealed copies together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn escrow_sizes(&self) -> Result<Vec<(SiteName, u64, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT site, COUNT(*) AS kept, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS size \
             FROM escrow_records GROUP BY site ORDER BY site",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("counting secrets in escrow"))?;
        let each =
            rows.iter().map(|row| Ok((row.word("site")?, row.count("kept")?, row.count("size")?)));
        each.collect()
    }
}
