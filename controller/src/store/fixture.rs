//! What tests put in or look at past the nouns.

use proto::{SiteName, Timestamp};

use super::cells::Cells as _;
use super::{Change, Store};

impl Change {
    /// A site and nothing else.
    pub async fn bare_site(&mut self, site: &SiteName, now: Timestamp) {
        sqlx::query(
            "INSERT INTO sites (name, title, created_at, generation) VALUES ($1, '', $2, 1)",
        )
        .bind(site.as_str())
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .unwrap();
    }

    /// A policy, past all its rules.
    pub async fn bare_policy(&mut self, version: i64, text: &str) {
        sqlx::query("INSERT INTO policies VALUES ($1, '', $2, 'test', 0, '')")
            .bind(version)
            .bind(text)
            .execute(&mut *self.tx)
            .await
            .unwrap();
        sqlx::query("UPDATE sites SET generation = generation + 1")
            .execute(&mut *self.tx)
            .await
            .unwrap();
    }
}

impl Store {
    /// Details of every record of a deed, in their order.
    pub async fn details_of(&self, deed: &str) -> Vec<String> {
        let sql = "SELECT detail FROM audit_log WHERE deed = $1 ORDER BY number";
        let rows = sqlx::query(sql).bind(deed).fetch_all(&self.readers).await.unwrap();
        rows.iter().map(|row| row.text("detail").unwrap()).collect()
    }

    /// A number that a question answers.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&self.readers).await.unwrap().signed_first()
    }
}

trait First {
    fn signed_first(&self) -> i64;
}

impl First for sqlx::any::AnyRow {
    fn signed_first(&self) -> i64 {
        sqlx::Row::get(self, 0)
    }
}
