//! Forward only: each file brings a database one version further, in one transaction with the version's number.

use sqlx::{AnyPool, Row as _};

use super::{StoreError, while_doing};

/// In order; the place in this list, from 1, is the version. A file that was released never changes.
const ALL: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_escrow.sql"),
    include_str!("migrations/0003_plans.sql"),
    include_str!("migrations/0005_rotations.sql"),
    include_str!("migrations/0004_records.sql"),
    include_str!("migrations/0006_bounds.sql"),
];

/// The newest version.
pub(super) const NEWEST: i64 = ALL.len() as i64;

/// Brings a database to the newest version.
pub(super) async fn run(pool: &AnyPool) -> Result<(), StoreError> {
    run_to(pool, NEWEST).await
}

/// Brings a database to a version.
pub(super) async fn run_to(pool: &AnyPool, newest: i64) -> Result<(), StoreError> {
    let failed = while_doing("bringing it to the newest version");
    sqlx::query("CREATE TABLE IF NOT EXISTS versions (version BIGINT NOT NULL PRIMARY KEY)")
        .execute(pool)
        .await
        .map_err(&failed)?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM versions")
        .fetch_one(pool)
        .await
        .map_err(&failed)?;
    let found: i64 = row.try_get("version").map_err(&failed)?;
    if found > NEWEST {
        return Err(StoreError::TooNew { found, known: NEWEST });
    }
    for (version, text) in (1..=newest).zip(ALL).skip(usize::try_from(found).unwrap_or_default()) {
        let mut tx = pool.begin().await.map_err(&failed)?;
        sqlx::raw_sql(*text).execute(&mut *tx).await.map_err(&failed)?;
        sqlx::query("INSERT INTO versions (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)?;
    }
    Ok(())
}
