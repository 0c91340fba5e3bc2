//! The audit log read from a database file that nobody serves, or that somebody else does: read only, so that looking
//! at evidence does not change it, nor leave anything beside it.

use std::path::Path;

use certs::Name;
use certs::audit::{ChainHead, Record, Witness};
use proto::{AgentId, Organisation, Timestamp};
use sqlx::AnyPool;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};

use super::audit::record;
use super::cells::{Cells as _, whole};
use super::{Standing, StoreError, while_doing};

/// Records read at a time.
const PAGE: i64 = 1000;

/// An agent that may have reported records of its own chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// Its id.
    pub id: String,
    /// The site that it serves or served.
    pub site: String,
    /// Whether it serves it no more.
    pub is_gone: bool,
    /// When it joined.
    pub enrolled_at: Timestamp,
    /// The name that its records are by.
    pub actor: String,
    /// The last record that it reported.
    pub head: ChainHead,
}

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
        // A file that somebody serves has a log of latest writes beside it. One without is whole by itself; read as if
        // nobody could write to it, it needs no files beside it, so it may lie on a medium that takes none.
        let mut writes = path.as_os_str().to_owned();
        writes.push("-wal");
        let is_alone = !Path::new(&writes).exists();
        let url = format!("sqlite://{}?mode=ro&immutable={is_alone}", path.display());
        let options: AnyConnectOptions = url.parse().map_err(&failed)?;
        let pool = AnyPoolOptions::new().max_connections(1).connect_with(options).await;
        Ok(Self { pool: pool.map_err(&failed)? })
    }

    /// The records behind number `after` of the controller's log or an agent's, with their hashes, at most a thousand;
    /// empty at the end. They come in the order of their numbers, so that one that is missing or was renumbered shows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &self,
        agent: Option<&Reporter>,
        after: u64,
    ) -> Result<Vec<(Record, Vec<u8>)>, StoreError> {
        let query = match agent {
            None => sqlx::query(
                "SELECT number, time, actor, deed, subject, detail, hash FROM audit_log \
                 WHERE number > $1 ORDER BY number LIMIT $2",
            ),
            Some(_) => sqlx::query(
                "SELECT number, time, deed, subject, detail, hash FROM agent_audit \
                 WHERE number > $1 AND agent = $3 ORDER BY number LIMIT $2",
            ),
        };
        let query = query.bind(whole(after)).bind(PAGE);
        let query = match agent {
            None => query,
            Some(agent) => query.bind(agent.id.clone()),
        };
        let rows = query.fetch_all(&self.pool).await;
        let rows = rows.map_err(while_doing("reading the audit log"))?;
        let actor = |row: &AnyRow| match agent {
            None => row.text("actor"),
            Some(agent) => Ok(agent.actor.clone()),
        };
        rows.iter().map(|row| record(row, actor(row)?)).collect()
    }

    /// Every agent that may have reported records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agents(&self) -> Result<Vec<Reporter>, StoreError> {
        let failed = while_doing("listing agents");
        let row = sqlx::query("SELECT value FROM meta WHERE key = 'organisation'")
            .fetch_one(&self.pool)
            .await
            .map_err(&failed)?;
        let organisation: Organisation = row.word("value")?;
        let rows = sqlx::query(
            "SELECT id, site, standing, enrolled_at, audit_length, audit_hash FROM agents",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(&failed)?;
        let each = rows.iter().map(|row| {
            let id: AgentId = row.word("id")?;
            Ok(Reporter {
                id: id.to_string(),
                site: row.text("site")?,
                is_gone: matches!(row.word("standing")?, Standing::Revoked | Standing::Replaced),
                enrolled_at: row.time("enrolled_at")?,
                actor: Name::Agent(organisation.clone(), id).to_string(),
                head: ChainHead {
                    length: row.count("audit_length")?,
                    hash: row.hash("audit_hash")?,
                },
            })
        });
        each.collect()
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
        let each = rows.iter().map(|row| {
            let head = ChainHead {
                length: row.count("witnessed_length")?,
                hash: row.hash("witnessed_hash")?,
            };
            Ok(Witness { by: format!("agent {}", row.text("id")?), head })
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use certs::audit::{BrokenChain, Verifier};
    use sqlx::{AssertSqlSafe, Row as _};
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Deed, Store};

    /// A file with that many records, after these statements.
    async fn log(count: i64, statements: &[&str]) -> (TempDir, Log) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("palisade.db");
        let store = Store::open(&path).await.unwrap();
        for number in 0..count {
            let change = store.change().await.unwrap();
            let subject = format!("site-{number}");
            let (actor, detail) = ("palisade://acme/operator/kim".to_owned(), String::new());
            let time = Timestamp::from_unix(1_795_500_000 + number);
            change.commit(Deed { time, actor, deed: "site_added", subject, detail }).await.unwrap();
        }
        for statement in statements {
            let statement = AssertSqlSafe((*statement).to_owned());
            sqlx::query(statement).execute(&store.writer).await.unwrap();
        }
        store.close().await;
        let log = Log::open(&path).await.unwrap();
        (folder, log)
    }

    async fn verify(log: &Log) -> Result<ChainHead, BrokenChain> {
        let mut verifier = Verifier::new(log.witnesses().await.unwrap());
        let mut after = 0;
        loop {
            let page = log.page(None, after).await.unwrap();
            let Some((last, _)) = page.last() else { return verifier.finish() };
            after = last.number;
            for (record, hash) in &page {
                verifier.take(record, hash)?;
            }
        }
    }

    /// A statement that adds an agent who has seen that record as the last one, whatever else is known of agents.
    async fn witness(number: u64) -> String {
        let store = Store::open(&TempDir::new().unwrap().path().join("palisade.db")).await.unwrap();
        let columns = sqlx::query("SELECT name, type FROM pragma_table_info('agents')");
        let columns = columns.fetch_all(&store.readers).await.unwrap();
        let value = |row: &sqlx::any::AnyRow| {
            let (name, kind): (String, String) = (row.get("name"), row.get("type"));
            let value = match (name.as_str(), kind.as_str()) {
                ("id", _) => "'0f'",
                ("site", _) => "'a'",
                ("standing", _) => "'active'",
                ("witnessed_length", _) => "number",
                ("witnessed_hash", _) => "hash",
                (_, "TEXT") => "''",
                (_, "BLOB") => "x''",
                (_, _) => "0",
            };
            value.to_owned()
        };
        let values: Vec<_> = columns.iter().map(value).collect();
        let values = values.join(", ");
        format!("INSERT INTO agents SELECT {values} FROM audit_log WHERE number = {number}")
    }

    #[tokio::test]
    async fn what_was_done_to_the_table_shows() {
        let (_folder, whole) = log(9, &[]).await;
        assert_eq!(verify(&whole).await.unwrap().length, 9);
        for (statement, expected) in [
            ("UPDATE audit_log SET detail = 'x' WHERE number = 4", BrokenChain::Changed(4)),
            ("UPDATE audit_log SET time = time + 1 WHERE number = 9", BrokenChain::Changed(9)),
            (
                "DELETE FROM audit_log WHERE number = 4",
                BrokenChain::OutOfPlace { wanted: 4, found: 5 },
            ),
        ] {
            let (_folder, log) = log(9, &[statement]).await;
            assert_eq!(verify(&log).await, Err(expected), "{statement}");
        }
    }

    #[tokio::test]
    async fn a_cut_end_shows_against_what_an_agent_witnessed() {
        let site = "INSERT INTO sites (name, title, created_at, generation) VALUES ('a', '', 0, 1)";
        let agent = witness(8).await;
        let (_folder, whole) = log(9, &[site, &agent]).await;
        assert_eq!(verify(&whole).await.unwrap().length, 9);
        let cut = "DELETE FROM audit_log WHERE number > 6";
        let (_folder, log) = log(9, &[site, &agent, cut]).await;
        let by = "agent 0f".to_owned();
        assert_eq!(verify(&log).await, Err(BrokenChain::CutOff { found: 6, kept: 8, by }));
    }
}
