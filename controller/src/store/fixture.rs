//! What tests look at past the nouns.

use sqlx::Row as _;

use super::Store;

impl Store {
    /// The number that a question answers.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&self.readers).await.unwrap().get(0)
    }

    /// Puts so many secrets of a device `crate` that is nowhere into a site's escrow, ten bytes each, each of an account
    /// of its own.
    pub async fn fill_escrow(&self, site: &str, count: i64) {
        let mut intake = self.intake().await.unwrap();
        sqlx::query(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
             INSERT INTO escrow_records (site, secret_id, number, device, kind, account, made_at, \
             recipients_generation, copies, size, body, arrived_at) \
             SELECT $1, CAST(printf('%016d', i) AS BLOB), 1000000 + i, 'crate', 'device_password', \
             CAST(i AS TEXT), 0, 1, 1, 10, X'00', 0 FROM n",
        )
        .bind(site)
        .bind(count)
        .execute(&mut *intake.tx)
        .await
        .unwrap();
        intake.commit().await.unwrap();
    }

    /// Puts so many devices of which nothing was found into a site.
    pub async fn fill_devices(&self, site: &str, count: i64) {
        let mut intake = self.intake().await.unwrap();
        sqlx::query(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
             INSERT INTO devices (site, device, observed_at, generation, digest, met, unmet, unknown, body, arrived_at) \
             SELECT $1, 'crate-' || i, 0, 1, d.digest, 0, 0, 0, d.body, d.arrived_at FROM n, \
             (SELECT digest, body, arrived_at FROM devices WHERE site = $1 LIMIT 1) d",
        )
        .bind(site)
        .bind(count)
        .execute(&mut *intake.tx)
        .await
        .unwrap();
        intake.commit().await.unwrap();
    }
}
