//! How the controller is doing, put together when somebody asks.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use certs::trust;
use proto::Timestamp;

use super::bounds::Fill;
use super::folder::DATABASE;
use super::{Refusal, Service};
use crate::store::Standing;

/// A database that has not answered by then does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module. Lives and ages are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// The present.
    pub now: Timestamp,
    /// Agents by how they stand: `online`, `offline`, `locked`, `revoked`, `replaced`.
    pub agents: BTreeMap<&'static str, u64>,
    /// Age of the oldest record that waits in an agent's outbox; 0 if none waits.
    pub outbox_oldest: i64,
    /// Until each certificate ends, negative once it has: `controller` (none before the port is open), `issuing`, `root`.
    pub certificates: BTreeMap<&'static str, i64>,
    /// Bytes of the database and of its log of latest writes.
    pub database: u64,
    /// Records of the audit log.
    pub audit_records: u64,
    /// How full the fullest site's escrow is, in percent.
    pub escrow_percent: u64,
}

/// Whether the controller can do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Its port is open.
    pub port: bool,
    /// Its database answers.
    pub database: bool,
    /// Seconds until the certificate ends that the port presents; `None` while there is none.
    pub certificate: Option<i64>,
    /// Seconds until the issuing authority ends.
    pub authority: i64,
}

impl Health {
    /// Whether all is well.
    pub fn is_ready(&self) -> bool {
        self.port && self.database && self.certificate.is_some_and(|left| left > 0)
    }
}

impl Service {
    /// How it is doing.
    ///
    /// # Errors
    /// [`Refusal::Failed`], when the database does not answer.
    pub async fn vitals(&self) -> Result<Vitals, Refusal> {
        let now = self.now();
        let tally = self.store.agent_tally().await?;
        let count = |standing| {
            let of = tally.standings.iter().filter(|(one, _)| *one == standing);
            of.map(|(_, count)| count).sum::<u64>()
        };
        let online = (self.live.count() as u64).min(count(Standing::Active));
        let agents = BTreeMap::from([
            ("online", online),
            ("offline", count(Standing::Active) - online),
            ("locked", count(Standing::Locked)),
            ("revoked", count(Standing::Revoked)),
            ("replaced", count(Standing::Replaced)),
        ]);
        let oldest = tally.outbox_oldest.map_or(0, |oldest| now.seconds_since(oldest).max(0));
        let database = size(&self.settings.data.join(DATABASE)).await.map_err(Refusal::failed)?;
        Ok(Vitals {
            now,
            agents,
            outbox_oldest: oldest,
            certificates: self.certificates(now),
            database,
            audit_records: self.store.audit_head().await?.length,
            escrow_percent: self
                .escrow_fills(None)
                .await?
                .iter()
                .map(Fill::percent)
                .max()
                .unwrap_or(0),
        })
    }

    fn certificates(&self, now: Timestamp) -> BTreeMap<&'static str, i64> {
        let issuing = self.authorities.now().issuing.clone();
        let root = trust::lifetime(issuing.root()).map(|(_, ends)| ends);
        let ends = [
            ("controller", self.meters.certificate_ends()),
            ("issuing", Some(issuing.not_after())),
            ("root", root),
        ];
        let left = |(of, ends): (_, Option<Timestamp>)| Some((of, ends?.seconds_since(now)));
        ends.into_iter().filter_map(left).collect()
    }

    /// Whether it can do its work.
    pub async fn health(&self) -> Health {
        let asked = tokio::time::timeout(PATIENCE, self.store.audit_head()).await;
        let ends = self.meters.certificate_ends();
        Health {
            port: self.meters.is_open(),
            database: matches!(asked, Ok(Ok(_))),
            certificate: ends.map(|ends| ends.seconds_since(self.now())),
            authority: self.authorities.now().issuing.not_after().seconds_since(self.now()),
        }
    }
}

async fn size(database: &Path) -> io::Result<u64> {
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    let main = tokio::fs::metadata(database).await?.len();
    let beside = tokio::fs::metadata(wal).await.map_or(0, |beside| beside.len());
    Ok(main + beside)
}
