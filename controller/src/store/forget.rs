//! Removes what is kept no longer, a bounded number of rows at a time.

use proto::Timestamp;

use super::{Store, StoreError, while_doing};

/// Rows that are removed in one transaction.
const AT_A_TIME: i64 = 500;

impl Store {
    /// Removes some of the agents' audit records that arrived before then; whether there may be more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_agent_records(&self, before: Timestamp) -> Result<bool, StoreError> {
        let sql = "DELETE FROM agent_audit WHERE (agent, number) IN \
                   (SELECT agent, number FROM agent_audit WHERE arrived_at < $1 LIMIT $2)";
        self.forget(sql, before).await
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
