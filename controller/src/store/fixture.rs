//! What tests look at past the nouns.

use sqlx::Row as _;

use super::Store;

impl Store {
    /// The number that a question answers.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&self.readers).await.unwrap().get(0)
    }
}
