//! Numbers over all agents, and when something was last done: for whoever watches the machine.

use proto::Timestamp;

use super::cells::Cells as _;
use super::{Standing, Store, StoreError, while_doing};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many stand how.
    pub standings: Vec<(Standing, u64)>,
    /// Time of the oldest record that waits in the outbox of an agent that is welcome, by our clock; `None` if none waits.
    pub outbox_oldest: Option<Timestamp>,
}

impl Store {
    /// Of all agents.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agent_tally(&self) -> Result<Tally, StoreError> {
        let failed = while_doing("counting agents");
        let rows = sqlx::query("SELECT standing, COUNT(*) AS many FROM agents GROUP BY standing")
            .fetch_all(&self.readers)
            .await
            .map_err(&failed)?;
        let each = rows.iter().map(|row| Ok((row.word("standing")?, row.count("many")?)));
        let standings = each.collect::<Result<_, StoreError>>()?;
        // An agent tells times by its own clock.
        let row = sqlx::query(
            "SELECT COUNT(*) AS many, COALESCE(MIN(outbox_oldest - clock_offset), 0) AS oldest FROM agents \
             WHERE standing = 'active' AND outbox_records > 0 AND outbox_oldest <> 0",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(&failed)?;
        let oldest = row.time("oldest")?;
        let outbox_oldest = (row.count("many")? > 0).then_some(oldest);
        Ok(Tally { standings, outbox_oldest })
    }

    /// When something of this kind last came into the audit log; `None` for never.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_deed(&self, deed: &str) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS many, COALESCE(MAX(time), 0) AS last FROM audit_log WHERE deed = $1",
        )
        .bind(deed)
        .fetch_one(&self.readers)
        .await
        .map_err(while_doing("looking when something was last done"))?;
        let last = row.time("last")?;
        Ok((row.count("many")? > 0).then_some(last))
    }
}
