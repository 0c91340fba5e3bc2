//! Policies as they were applied. A version is never changed; rolling back applies an older text anew.

use proto::{SiteName, Timestamp};

use super::cells::{Cells as _, whole};
use super::meta::Counter;
use super::{Change, Store, StoreError, while_doing};

/// Most versions that are listed, the newest first.
const MAX_LISTED: i64 = 1000;

/// Whose policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of every site that has none of its own.
    Organisation,
    /// Of one site.
    Site(SiteName),
}

/// A policy that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Grows over all policies of the organisation.
    pub version: u64,
    /// Whose.
    pub scope: Scope,
    /// TOML; empty where only the history is asked for.
    pub text: String,
    /// Who applied it.
    pub by: String,
    /// When.
    pub applied_at: Timestamp,
    /// Why.
    pub comment: String,
}

/// Stands for the text where a site's own policy was dropped: no policy has this text, for it is no TOML.
pub(super) const DROPPED: &str = "!";

impl PolicyVersion {
    /// The version with which a site's own policy ends and the organisation's holds again. Its number is not set.
    pub fn drop_of(site: SiteName, by: String, at: Timestamp, comment: String) -> Self {
        let scope = Scope::Site(site);
        Self { version: 0, scope, text: DROPPED.to_owned(), by, applied_at: at, comment }
    }

    /// Whether it is no policy but the end of one.
    pub fn is_drop(&self) -> bool {
        self.text == DROPPED
    }
}

impl Scope {
    /// As the column has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Organisation => "",
            Self::Site(site) => site.as_str(),
        }
    }
}

const LATEST: &str = "SELECT version, site, text, applied_by, applied_at, comment FROM policies \
     WHERE site = $1 ORDER BY version DESC LIMIT 1";

impl Store {
    /// The last policy that was applied to this scope itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy(&self, scope: &Scope) -> Result<Option<PolicyVersion>, StoreError> {
        let row = sqlx::query(LATEST).bind(scope.as_str()).fetch_optional(&self.readers).await;
        row.map_err(while_doing("reading a policy"))?.as_ref().map(read).transpose()
    }

    /// The policy in force at a site: its own, or else the organisation's; `None` for the defaults.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy_in_force(
        &self,
        site: &SiteName,
    ) -> Result<Option<PolicyVersion>, StoreError> {
        // The empty name of the organisation comes after every site's.
        let row = sqlx::query(
            "SELECT version, site, text, applied_by, applied_at, comment FROM policies \
             WHERE text <> $2 AND version IN \
             (SELECT MAX(version) FROM policies WHERE site IN ($1, '') GROUP BY site) \
             ORDER BY site DESC LIMIT 1",
        )
        .bind(site.as_str())
        .bind(DROPPED)
        .fetch_optional(&self.readers)
        .await;
        row.map_err(while_doing("reading the policy in force"))?.as_ref().map(read).transpose()
    }

    /// One version, of whatever scope.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy_version(&self, version: u64) -> Result<Option<PolicyVersion>, StoreError> {
        let row = sqlx::query(
            "SELECT version, site, text, applied_by, applied_at, comment FROM policies \
             WHERE version = $1",
        )
        .bind(whole(version))
        .fetch_optional(&self.readers)
        .await;
        row.map_err(while_doing("reading a version of a policy"))?.as_ref().map(read).transpose()
    }

    /// What was applied to this scope, the newest first, at most 1000, without the texts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy_history(&self, scope: &Scope) -> Result<Vec<PolicyVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, site, CASE WHEN text = $3 THEN text ELSE '' END AS text, applied_by, \
             applied_at, comment FROM policies WHERE site = $1 ORDER BY version DESC LIMIT $2",
        )
        .bind(scope.as_str())
        .bind(MAX_LISTED)
        .bind(DROPPED)
        .fetch_all(&self.readers)
        .await;
        rows.map_err(while_doing("reading a policy's history"))?.iter().map(read).collect()
    }
}

impl Change {
    /// Whether a site has a policy of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_own_policy(&mut self, site: &SiteName) -> Result<bool, StoreError> {
        let row = sqlx::query(LATEST).bind(site.as_str()).fetch_optional(&mut *self.tx).await;
        let row = row.map_err(while_doing("reading a site's policy"))?;
        let latest = row.as_ref().map(read).transpose()?;
        Ok(latest.is_some_and(|policy| !policy.is_drop()))
    }

    /// A new generation for every site that has no policy of its own; gives their names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bump_sites_without_policy(&mut self) -> Result<Vec<SiteName>, StoreError> {
        let rows = sqlx::query(
            "UPDATE sites SET generation = generation + 1 WHERE name NOT IN \
             (SELECT site FROM policies WHERE text <> $1 AND version IN \
             (SELECT MAX(version) FROM policies GROUP BY site)) RETURNING name",
        )
        .bind(DROPPED)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(while_doing("raising generations"))?;
        rows.iter().map(|row| row.word("name")).collect()
    }

    /// The version of the last policy that was applied to this scope itself; 0 for none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy_version(&mut self, scope: &Scope) -> Result<u64, StoreError> {
        let row = sqlx::query(LATEST).bind(scope.as_str()).fetch_optional(&mut *self.tx).await;
        let row = row.map_err(while_doing("reading a policy's version"))?;
        row.map_or(Ok(0), |row| row.count("version"))
    }

    /// Adds a policy under the next version, whatever its `version` says; gives that version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_policy(&mut self, policy: &PolicyVersion) -> Result<u64, StoreError> {
        let version = self.next(Counter::Policy).await?;
        sqlx::query(
            "INSERT INTO policies (version, site, text, applied_by, applied_at, comment) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(whole(version))
        .bind(policy.scope.as_str())
        .bind(policy.text.as_str())
        .bind(policy.by.as_str())
        .bind(policy.applied_at.unix())
        .bind(policy.comment.as_str())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("adding a policy"))?;
        Ok(version)
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<PolicyVersion, StoreError> {
    let site = row.text("site")?;
    let scope = match site.as_str() {
        "" => Scope::Organisation,
        name => Scope::Site(name.parse().map_err(|_| super::cells::nonsense("site"))?),
    };
    Ok(PolicyVersion {
        version: row.count("version")?,
        scope,
        text: row.text("text")?,
        by: row.text("applied_by")?,
        applied_at: row.time("applied_at")?,
        comment: row.text("comment")?,
    })
}
