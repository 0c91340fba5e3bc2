//! Single values of the whole organisation: its name, counters that never go back, how far a turnover is.

use proto::Organisation;

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Store, StoreError, while_doing};

/// Whose controller it is.
const ORGANISATION: &str = "organisation";

/// A number that only grows, so that what was removed is never taken for what came after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The version of the last policy that was applied.
    Policy,
    /// Where a new site's generation begins: above that of every site that was removed.
    Generation,
    /// Of the bundle of roots that everybody is to trust.
    Trust,
    /// Of the recovery recipients.
    Recovery,
}

impl Counter {
    fn key(self) -> &'static str {
        match self {
            Self::Policy => "policy_version",
            Self::Generation => "least_generation",
            Self::Trust => "trust_generation",
            Self::Recovery => "recovery_generation",
        }
    }
}

impl Store {
    /// A value, if it was ever set.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        sqlx::query("SELECT value FROM meta WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.readers)
            .await
            .map_err(while_doing("reading a single value"))?
            .map(|row| row.text("value"))
            .transpose()
    }

    /// Whose controller it is; `None` while it was not founded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organisation(&self) -> Result<Option<Organisation>, StoreError> {
        let text = self.meta(ORGANISATION).await?;
        text.map(|text| text.parse().map_err(|_| nonsense(ORGANISATION))).transpose()
    }

    /// Where a counter stands; 0 before it was first set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counter(&self, counter: Counter) -> Result<u64, StoreError> {
        let text = self.meta(counter.key()).await?;
        text.map_or(Ok(0), |text| text.parse().map_err(|_| nonsense(counter.key())))
    }
}

impl Change {
    /// Sets a value.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meta (key, value) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("writing a single value"))?;
        Ok(())
    }

    /// Says whose controller it is.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_organisation(&mut self, name: &Organisation) -> Result<(), StoreError> {
        self.set_meta(ORGANISATION, name.as_str()).await
    }

    /// Where a counter stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counter(&mut self, counter: Counter) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT value FROM meta WHERE key = $1")
            .bind(counter.key())
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(while_doing("reading a counter"))?;
        let text = row.map(|row| row.text("value")).transpose()?;
        text.map_or(Ok(0), |text| text.parse().map_err(|_| nonsense(counter.key())))
    }

    /// Brings a counter to a value, never below where it stands; gives where it stands then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise(&mut self, counter: Counter, to: u64) -> Result<u64, StoreError> {
        let to = self.counter(counter).await?.max(to);
        self.set_meta(counter.key(), &to.to_string()).await?;
        Ok(to)
    }

    /// The next number of a counter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next(&mut self, counter: Counter) -> Result<u64, StoreError> {
        let next = self.counter(counter).await?.saturating_add(1);
        self.raise(counter, next).await
    }

    /// Everything that only grows jumps ahead: after a restore, agents hold what was given since the backup.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn jump_generations(&mut self, by: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE sites SET generation = generation + $1")
            .bind(whole(by))
            .execute(&mut *self.tx)
            .await
            .map_err(while_doing("raising generations"))?;
        for counter in [Counter::Generation, Counter::Trust, Counter::Recovery] {
            let to = self.counter(counter).await?.saturating_add(by);
            self.raise(counter, to).await?;
        }
        Ok(())
    }
}
