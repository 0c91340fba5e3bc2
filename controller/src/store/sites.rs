//! Sites, and the generation of what each should be.

use proto::{SiteName, Timestamp};

use super::cells::{Cells as _, whole};
use super::devices::small;
use super::meta::Counter;
use super::{Change, Store, StoreError, while_doing};

/// A site, and what its devices are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// What people call it.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// Of its desired state.
    pub generation: u64,
    /// Devices that its agent reported.
    pub devices: u32,
    /// Unmet measures of all of them.
    pub unmet: u32,
    /// Unknown measures of all of them.
    pub unknown: u32,
}

const SELECT: &str = "SELECT s.name, s.title, s.created_at, s.generation, \
     COALESCE(d.devices, 0) AS devices, COALESCE(d.unmet, 0) AS unmet, \
     COALESCE(d.unknown, 0) AS unknown \
     FROM sites s LEFT JOIN (SELECT site, COUNT(*) AS devices, CAST(SUM(unmet) AS BIGINT) AS unmet, \
     CAST(SUM(unknown) AS BIGINT) AS unknown FROM devices GROUP BY site) d ON d.site = s.name \
     WHERE $1 = '' OR s.name = $1 ORDER BY s.name";

/// What is kept about a site, those that others point to last.
const REMOVE: [&str; 17] = [
    "DELETE FROM device_backups WHERE site = $1",
    "DELETE FROM site_events WHERE site = $1",
    "DELETE FROM plans WHERE site = $1",
    "DELETE FROM devices WHERE site = $1",
    "DELETE FROM rotations WHERE site = $1",
    "DELETE FROM vouches WHERE site = $1",
    "DELETE FROM escrow_records WHERE site = $1",
    "DELETE FROM site_bounds WHERE site = $1",
    "DELETE FROM orders WHERE site = $1",
    "DELETE FROM tokens WHERE site = $1",
    "DELETE FROM policies WHERE site = $1",
    "DELETE FROM agent_audit WHERE agent IN (SELECT id FROM agents WHERE site = $1)",
    "DELETE FROM uploads WHERE agent IN (SELECT id FROM agents WHERE site = $1)",
    "DELETE FROM pending WHERE agent IN (SELECT id FROM agents WHERE site = $1)",
    "DELETE FROM halts WHERE agent IN (SELECT id FROM agents WHERE site = $1)",
    "DELETE FROM agents WHERE site = $1",
    "DELETE FROM sites WHERE name = $1",
];

impl Store {
    /// Every site, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sites(&self) -> Result<Vec<Site>, StoreError> {
        let rows = sqlx::query(SELECT).bind("").fetch_all(&self.readers).await;
        rows.map_err(while_doing("reading the sites"))?.iter().map(read).collect()
    }

    /// One site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn site(&self, name: &SiteName) -> Result<Option<Site>, StoreError> {
        let row = sqlx::query(SELECT).bind(name.as_str()).fetch_optional(&self.readers).await;
        row.map_err(while_doing("reading a site"))?.as_ref().map(read).transpose()
    }
}

impl Change {
    /// Adds a site, its generation above that of any site that was removed. `false`: one of that name is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_site(
        &mut self,
        name: &SiteName,
        title: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let generation = self.counter(Counter::Generation).await?.max(1);
        let done = sqlx::query(
            "INSERT INTO sites (name, title, created_at, generation) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name.as_str())
        .bind(title)
        .bind(now.unix())
        .bind(whole(generation))
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("adding a site"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a site of that name is there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_site(&mut self, name: &SiteName) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT name FROM sites WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.tx)
            .await;
        Ok(row.map_err(while_doing("looking for a site"))?.is_some())
    }

    /// The audit chains of the site's agents, one clause each: what is left of them when the site is removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agent_chains(&mut self, site: &SiteName) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, audit_length, audit_hash FROM agents WHERE site = $1 ORDER BY id",
        )
        .bind(site.as_str())
        .fetch_all(&mut *self.tx)
        .await
        .map_err(while_doing("reading agents' audit heads"))?;
        let each = rows.iter().map(|row| {
            let (id, length) = (row.text("id")?, row.count("audit_length")?);
            let hash = certs::random::hex(&row.hash("audit_hash")?);
            Ok(format!("agent {id}: {length} audit records, the last {hash}"))
        });
        each.collect()
    }

    /// Removes a site with all that is kept about it. `false`: there is none of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_site(&mut self, name: &SiteName) -> Result<bool, StoreError> {
        let failed = while_doing("removing a site");
        let row = sqlx::query("SELECT generation FROM sites WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let Some(row) = row else { return Ok(false) };
        let generation = row.count("generation")?;
        self.raise(Counter::Generation, generation.saturating_add(1)).await?;
        for statement in REMOVE {
            sqlx::query(statement)
                .bind(name.as_str())
                .execute(&mut *self.tx)
                .await
                .map_err(&failed)?;
        }
        Ok(true)
    }

    /// A new generation for one site.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn bump_site(&mut self, site: &SiteName) -> Result<(), StoreError> {
        sqlx::query("UPDATE sites SET generation = generation + 1 WHERE name = $1")
            .bind(site.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(while_doing("raising a site's generation"))?;
        Ok(())
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<Site, StoreError> {
    Ok(Site {
        name: row.word("name")?,
        title: row.text("title")?,
        created_at: row.time("created_at")?,
        generation: row.count("generation")?,
        devices: small(row.count("devices")?),
        unmet: small(row.count("unmet")?),
        unknown: small(row.count("unknown")?),
    })
}
