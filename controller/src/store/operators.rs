//! The people who steer sites. Somebody who was removed stays in the books, so that the name is not given to somebody
//! else while a certificate under it lives.

use proto::{OperatorName, Role, Timestamp};

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Store, StoreError, while_doing};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub name: OperatorName,
    /// What the person may do.
    pub role: Role,
    /// When the person was added.
    pub created_at: Timestamp,
    /// When the person was removed.
    pub removed_at: Option<Timestamp>,
    /// When the person's client was last given something; 1970 for never.
    pub last_seen: Timestamp,
    /// When the last certificate ends; 1970 for none.
    pub certificate_ends: Timestamp,
    /// Of the trust bundle that the person's client was given last; 0 for none.
    pub trust_generation: u64,
}

const SELECT: &str = "SELECT name, role, created_at, removed_at, last_seen, certificate_ends, trust_generation \
     FROM operators WHERE $1 = '' OR name = $1 ORDER BY name";

impl Store {
    /// Everybody who was not removed, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let rows = sqlx::query(SELECT).bind("").fetch_all(&self.readers).await;
        let rows = rows.map_err(while_doing("reading the operators"))?;
        let all: Vec<Operator> = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(all.into_iter().filter(|operator| operator.removed_at.is_none()).collect())
    }

    /// One person, removed or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operator(&self, name: &OperatorName) -> Result<Option<Operator>, StoreError> {
        let row = sqlx::query(SELECT).bind(name.as_str()).fetch_optional(&self.readers).await;
        row.map_err(while_doing("reading an operator"))?.as_ref().map(read).transpose()
    }

    /// When the last certificate ends that a person who was not removed, or an agent in good standing, holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_certificate_end(&self) -> Result<Timestamp, StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(MAX(ends), 0) AS ends FROM (\
             SELECT certificate_ends AS ends FROM operators WHERE removed_at IS NULL \
             UNION ALL SELECT certificate_ends FROM agents WHERE standing IN ('active', 'locked')\
             ) AS every",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(while_doing("looking for the last certificate's end"))?;
        row.time("ends")
    }
}

impl Change {
    /// One person, removed or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operator(&mut self, name: &OperatorName) -> Result<Option<Operator>, StoreError> {
        let row = sqlx::query(SELECT).bind(name.as_str()).fetch_optional(&mut *self.tx).await;
        row.map_err(while_doing("reading an operator"))?.as_ref().map(read).transpose()
    }

    /// Adds a person, or takes somebody back who was removed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_operator(
        &mut self,
        name: &OperatorName,
        role: Role,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO operators \
             (name, role, created_at, last_seen, certificate_ends, trust_generation) \
             VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (name) DO UPDATE SET role = excluded.role, \
             created_at = excluded.created_at, removed_at = NULL, last_seen = 0, \
             certificate_ends = 0, trust_generation = 0",
        )
        .bind(name.as_str())
        .bind(role.as_str())
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("adding an operator"))?;
        Ok(())
    }

    /// Removes a person and every code of theirs.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_operator(
        &mut self,
        name: &OperatorName,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = while_doing("removing an operator");
        sqlx::query("UPDATE operators SET removed_at = $1 WHERE name = $2 AND removed_at IS NULL")
            .bind(now.unix())
            .bind(name.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        sqlx::query("DELETE FROM login_codes WHERE operator = $1")
            .bind(name.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        Ok(())
    }

    /// How many people there are, and how many of them are administrators.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_operators(&mut self) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS people, \
             COALESCE(SUM(CASE WHEN role = 'administrator' THEN 1 ELSE 0 END), 0) AS administrators \
             FROM operators WHERE removed_at IS NULL",
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(while_doing("counting the operators"))?;
        Ok((row.count("people")?, row.count("administrators")?))
    }

    /// A person who was not removed was given a certificate and a trust bundle.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn certified_operator(
        &mut self,
        name: &OperatorName,
        certificate_ends: Timestamp,
        trust_generation: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE operators SET last_seen = $1, trust_generation = $2, certificate_ends = \
             CASE WHEN certificate_ends > $3 THEN certificate_ends ELSE $3 END \
             WHERE name = $4 AND removed_at IS NULL",
        )
        .bind(now.unix())
        .bind(whole(trust_generation))
        .bind(certificate_ends.unix())
        .bind(name.as_str())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("noting an operator's certificate"))?;
        Ok(done.rows_affected() == 1)
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<Operator, StoreError> {
    let word = row.text("role")?;
    let role = Role::ALL.into_iter().find(|role| role.as_str() == word);
    Ok(Operator {
        name: row.word("name")?,
        role: role.ok_or_else(|| nonsense("role"))?,
        created_at: row.time("created_at")?,
        removed_at: row.maybe_time("removed_at")?,
        last_seen: row.time("last_seen")?,
        certificate_ends: row.time("certificate_ends")?,
        trust_generation: row.count("trust_generation")?,
    })
}
