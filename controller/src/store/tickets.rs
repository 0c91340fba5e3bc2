//! Tokens and operators' codes together: what somebody could still use to get in.

use proto::{SiteName, Timestamp};

use super::cells::Cells as _;
use super::{Change, Store, StoreError, while_doing};

impl Store {
    /// How many tokens and operators' codes somebody could still use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM tokens WHERE used_at IS NULL AND revoked_at IS NULL \
             AND expires_at > $1) + (SELECT COUNT(*) FROM login_codes WHERE used_at IS NULL \
             AND expires_at > $1) AS open",
        )
        .bind(now.unix())
        .fetch_one(&self.readers)
        .await
        .map_err(while_doing("counting open tokens"))?;
        row.count("open")
    }
}

impl Change {
    /// How many of a site's tokens somebody could still use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_tokens(
        &mut self,
        site: &SiteName,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS open FROM tokens \
             WHERE site = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(site.as_str())
        .bind(now.unix())
        .fetch_one(&mut *self.tx)
        .await
        .map_err(while_doing("counting a site's tokens"))?;
        row.count("open")
    }

    /// Revokes every token and forgets every code that somebody could still use; gives how many.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revoke_every_ticket(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let failed = while_doing("revoking every token");
        let tokens = sqlx::query(
            "UPDATE tokens SET revoked_at = $1 WHERE used_at IS NULL AND revoked_at IS NULL \
             AND expires_at > $1",
        )
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        let codes = sqlx::query("DELETE FROM login_codes WHERE used_at IS NULL")
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        Ok(tokens.rows_affected() + codes.rows_affected())
    }
}
