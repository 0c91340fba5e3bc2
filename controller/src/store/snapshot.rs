//! A consistent copy of the database while it is in use, and the check of one that was copied back. Both are SQLite's
//! own: other engines have their own tools for it.

use std::path::Path;

use certs::audit::{BrokenChain, ChainHead, Verifier};

use super::{Store, StoreError, cells::Cells as _, while_doing};

impl Store {
    /// Writes a copy to a file that is not there yet. It holds everything that was committed before, and nothing by
    /// halves; readers and writers go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`], when the file is there, or cannot be written.
    pub async fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        let failed = while_doing("copying it");
        let path = to
            .to_str()
            .ok_or_else(|| failed(sqlx::Error::Configuration("the path is not UTF-8".into())))?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.readers).await.map_err(&failed)?;
        Ok(())
    }

    /// Whether the file is whole, and the audit log in it one chain; gives the chain's end.
    ///
    /// # Errors
    /// [`StoreError::Nonsense`] says what is damaged.
    pub async fn verify(&self) -> Result<ChainHead, StoreError> {
        let row = sqlx::query("PRAGMA integrity_check(1)")
            .fetch_one(&self.readers)
            .await
            .map_err(while_doing("checking it"))?;
        let verdict = row.text("integrity_check")?;
        if verdict != "ok" {
            return Err(StoreError::Nonsense(format!("damage: {verdict}")));
        }
        let broken =
            |error: BrokenChain| StoreError::Nonsense(format!("a broken audit log: {error}"));
        let mut verifier = Verifier::default();
        let mut next = 1;
        loop {
            let page = self.audit_records(next, super::audit::PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            next = last.number + 1;
            for (record, hash) in &page {
                verifier.take(record, hash).map_err(broken)?;
            }
        }
        verifier.finish().map_err(broken)
    }
}
