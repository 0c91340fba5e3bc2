//! What the controller remembers, in SQL. It decides nothing. One code path for every engine: `$1` placeholders, TEXT,
//! BIGINT and BLOB, nothing that only SQLite knows but for how a connection is opened.
//!
//! Reads go through [`Store`]; writes through a [`Change`], which can only be committed together with the record of it
//! in the audit log, or through an [`Intake`], which takes what agents report and leaves none.

pub mod agents;
mod answer;
pub mod audit;
pub mod bounds;
mod cells;
pub mod codes;
pub mod desired;
pub mod devices;
#[cfg(test)]
mod earlier;
pub mod escrow;
pub mod findings;
#[cfg(test)]
mod fixture;
pub mod forget;
mod intake;
pub mod meta;
mod migrations;
pub mod offline;
pub mod operators;
mod orders;
pub mod pending;
pub mod plans;
pub mod policies;
pub mod prune;
pub mod recipients;
pub mod records;
pub mod rotations;
pub mod sites;
mod snapshot;
mod tally;
#[cfg(test)]
mod tests;
pub mod tickets;
pub mod tokens;
mod told;
pub mod vouches;
mod writing;

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};

pub use agents::{Agent, Standing, Told};
pub use answer::Answer;
pub use audit::Deed;
pub use desired::DesiredState;
use writing::Writing;

/// Its owner alone reads the database: it says who is welcome.
const MODE: u32 = 0o600;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is damaged.
    #[error("the database failed while {0}")]
    Database(&'static str, #[source] sqlx::Error),
    /// The file was written by a newer version.
    #[error(
        "the database is at version {found}, and this program knows versions up to {known}; use a newer palisade"
    )]
    TooNew {
        /// The file's.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// The file cannot be made, or closed to others.
    #[error("the database {0} cannot be made readable by its owner alone")]
    Exposed(String, #[source] io::Error),
    /// Something stands in the database that no version of this program wrote.
    #[error("the database holds {0}, which makes no sense")]
    Nonsense(String),
}

/// The controller's memory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    /// One connection: writers wait in line here instead of failing at the database.
    writer: AnyPool,
}

/// Several writes that happen together or not at all, with one record in the audit log.
pub struct Change {
    pub(super) tx: Writing,
}

/// Several writes of what agents report, that happen together or not at all.
pub struct Intake {
    pub(super) tx: Writing,
}

/// Names what was being done in a [`StoreError`].
pub(super) fn while_doing(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| StoreError::Database(what, error)
}

impl Store {
    /// Opens the file, makes it if it is not there, and brings it to the newest version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = while_doing("opening it");
        let file = path.to_owned();
        let closed = tokio::task::spawn_blocking(move || close_to_others(&file)).await;
        closed
            .map_err(io::Error::other)
            .and_then(|closed| closed)
            .map_err(|error| StoreError::Exposed(path.display().to_string(), error))?;
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let options: AnyConnectOptions = url.parse().map_err(&failed)?;
        let pool = |most: u32| {
            AnyPoolOptions::new()
                .max_connections(most)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(Duration::from_secs(30))
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        // FULL: what was committed survives a power cut, in WAL mode as well.
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA foreign_keys = ON",
                            "PRAGMA busy_timeout = 10000",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                })
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(&failed)?;
        migrations::run(&writer).await?;
        let readers = pool(4).connect_with(options).await.map_err(&failed)?;
        Ok(Self { readers, writer })
    }

    /// Begins a change. Only one is open at a time; the next one waits.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn change(&self) -> Result<Change, StoreError> {
        Ok(Change {
            tx: Writing::begin(&self.writer).await.map_err(while_doing("beginning a change"))?,
        })
    }

    /// Begins to take in what an agent reports.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn intake(&self) -> Result<Intake, StoreError> {
        Ok(Intake {
            tx: Writing::begin(&self.writer).await.map_err(while_doing("beginning an intake"))?,
        })
    }

    /// Closes every connection, so that the file may be copied or moved.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the file if it is not there. The files that SQLite makes beside it get its mode; those that an earlier version
/// left are closed as well.
fn close_to_others(path: &Path) -> io::Result<()> {
    // SQLite takes an empty file for a new database.
    OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(path)?;
    for beside in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        match fs::set_permissions(name, Permissions::from_mode(MODE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Intake {
    /// Makes it so.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(while_doing("committing an intake"))
    }
}

#[cfg(test)]
impl Store {
    /// What somebody could do who has the file.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.writer).await.unwrap();
    }
}
