//! The audit log read from a database file that nobody serves, or that somebody else does: read only, so that looking
//! at evidence does not change it.

use std::path::Path;

use certs::audit::{ChainHead, Record, Witness};
use proto::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, Row as _};

use super::{StoreError, while_doing};

/// Records read at a time.
const PAGE: i64 = 1000;

/// The audit log of a database file.
#[derive(Debug)]
pub struct Log {
    pool: AnyPool,
}

impl Log {
    /// Opens the file for reading.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = while_doing("opening it for reading");
        let url = format!("sqlite://{}?mode=ro", path.display());
        let options: AnyConnectOptions = url.parse().map_err(&failed)?;
        let pool = AnyPoolOptions::new().max_connections(1).connect_with(options).await;
        Ok(Self { pool: pool.map_err(&failed)? })
    }

    /// The records behind number `after`, with their hashes, at most a thousand; empty at the end. They come in the
    /// order of their numbers, so that one that is missing or was renumbered shows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(&self, after: u64) -> Result<Vec<(Record, Vec<u8>)>, StoreError> {
        let failed = while_doing("reading the audit log");
        let rows = sqlx::query(
            "SELECT number, time, actor, deed, subject, detail, hash FROM audit_log \
             WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await
        .map_err(&failed)?;
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let number: i64 = row.try_get("number").map_err(&failed)?;
            let time: i64 = row.try_get("time").map_err(&failed)?;
            let record = Record {
                number: u64::try_from(number)
                    .map_err(|_| StoreError::Nonsense(format!("audit record {number}")))?,
                time: Timestamp::from_unix(time),
                actor: row.try_get("actor").map_err(&failed)?,
                deed: row.try_get("deed").map_err(&failed)?,
                subject: row.try_get("subject").map_err(&failed)?,
                detail: row.try_get("detail").map_err(&failed)?,
            };
            page.push((record, row.try_get("hash").map_err(&failed)?));
        }
        Ok(page)
    }

    /// The heads that agents have said they know.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn witnesses(&self) -> Result<Vec<Witness>, StoreError> {
        let failed = while_doing("reading what agents have witnessed");
        let rows = sqlx::query(
            "SELECT id, witnessed_length, witnessed_hash FROM agents WHERE witnessed_length > 0",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(&failed)?;
        let mut heads = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get("id").map_err(&failed)?;
            let length: i64 = row.try_get("witnessed_length").map_err(&failed)?;
            let hash: Vec<u8> = row.try_get("witnessed_hash").map_err(&failed)?;
            let nonsense = || StoreError::Nonsense(format!("the head that agent {id} witnessed"));
            let head = ChainHead {
                length: u64::try_from(length).map_err(|_| nonsense())?,
                hash: hash.try_into().map_err(|_| nonsense())?,
            };
            heads.push(Witness { by: format!("agent {id}"), head });
        }
        Ok(heads)
    }
}
