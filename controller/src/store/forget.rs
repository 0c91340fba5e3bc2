//! Removes what is kept no longer, a bounded number of rows at a time.

use proto::{AgentId, Timestamp};
use sqlx::any::AnyRow;

use super::cells::{Cells as _, whole};
use super::{Store, StoreError, while_doing};

/// Rows that are removed in one transaction.
const AT_A_TIME: i64 = 500;

/// What agents reported and is kept no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Old {
    /// Devices.
    pub devices: u64,
    /// The beginnings of chains.
    pub chains: Vec<OldChain>,
}

/// The beginning of an agent's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldChain {
    /// Whose.
    pub agent: AgentId,
    /// The number of its last record.
    pub last: u64,
    /// How many there are.
    pub records: u64,
}

impl Store {
    /// What there is that nobody reported since then: devices, and records of agents' chains. Of each chain only the
    /// beginning is old, up to the first record that is not, so that what is left of it is one piece.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn old(&self, devices: Timestamp, records: Timestamp) -> Result<Old, StoreError> {
        let failed = while_doing("counting what is kept no longer");
        let row = sqlx::query("SELECT COUNT(*) AS old FROM devices WHERE arrived_at < $1")
            .bind(devices.unix())
            .fetch_one(&self.readers)
            .await
            .map_err(&failed)?;
        let devices = row.count("old")?;
        let rows = sqlx::query(
            "WITH ends AS (SELECT agent, COALESCE(MIN(CASE WHEN arrived_at >= $1 THEN number END) - 1, MAX(number)) \
             AS last FROM agent_audit GROUP BY agent) SELECT ends.agent AS agent, ends.last AS last, COUNT(*) AS old \
             FROM ends JOIN agent_audit a ON a.agent = ends.agent AND a.number <= ends.last \
             GROUP BY ends.agent, ends.last ORDER BY ends.agent",
        )
        .bind(records.unix())
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let chain = |row: &AnyRow| {
            Ok(OldChain {
                agent: row.word("agent")?,
                last: row.count("last")?,
                records: row.count("old")?,
            })
        };
        let chains = rows.iter().map(chain).collect::<Result<_, StoreError>>()?;
        Ok(Old { devices, chains })
    }

    /// Removes some of the records of an agent's chain up to a number; how many.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_agent_records(
        &self,
        agent: &AgentId,
        last: u64,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM agent_audit WHERE agent = $1 AND number IN (SELECT number FROM agent_audit \
             WHERE agent = $1 AND number <= $2 ORDER BY number LIMIT $3)",
        )
        .bind(agent.as_str())
        .bind(whole(last))
        .bind(AT_A_TIME)
        .execute(&self.writer)
        .await
        .map_err(while_doing("removing what is kept no longer"))?;
        Ok(done.rows_affected())
    }

    /// Removes some of the devices that nobody reported since then; whether there may be more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_devices(&self, before: Timestamp) -> Result<bool, StoreError> {
        let sql = "DELETE FROM devices WHERE (site, device) IN \
                   (SELECT site, device FROM devices WHERE arrived_at < $1 LIMIT $2)";
        self.forget(sql, before).await
    }

    /// Removes some of the orders that were over before then; whether there may be more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_orders(&self, before: Timestamp) -> Result<bool, StoreError> {
        let sql =
            "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE expires_at < $1 LIMIT $2)";
        self.forget(sql, before).await
    }

    /// Removes some of the plans from before then; whether there may be more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_plans(&self, before: Timestamp) -> Result<bool, StoreError> {
        let sql =
            "DELETE FROM plans WHERE id IN (SELECT id FROM plans WHERE created_at < $1 LIMIT $2)";
        self.forget(sql, before).await
    }

    /// Removes some of the requests for approval that are over; whether there may be more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_pending(&self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "DELETE FROM pending WHERE key_hash IN \
                   (SELECT key_hash FROM pending WHERE expires_at <= $1 LIMIT $2)";
        self.forget(sql, now).await
    }

    async fn forget(&self, sql: &'static str, before: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(sql)
            .bind(before.unix())
            .bind(AT_A_TIME)
            .execute(&self.writer)
            .await
            .map_err(while_doing("removing what is kept no longer"))?;
        Ok(done.rows_affected() > 0)
    }
}
