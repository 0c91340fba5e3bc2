//! Who else is on the site's networks. Looks only inside the networks that the site file names, at neighbours that this
//! machine's kernel knows already: it sends nobody a packet to find out whether somebody is there. A neighbour that is in
//! no site file is asked two questions of HTTP at most, once a day, without credentials, one neighbour at a time.
//!
//! What it finds are cameras: neighbours with a hardware address of MOBOTIX, or with a web server that shows it.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use proto::Evidence;

use crate::device::mobotix::recognise;
use crate::device::{Address, Limits};
use crate::inventory::Sighting;

pub use table::{Neighbour, neighbours};

/// Neighbours that are asked in one survey; the others wait for the next.
const MOST_PROBES: usize = 16;
/// A neighbour is asked again after so long, in seconds.
const PROBE_EVERY: u64 = 24 * 3600;
/// How long and how much a neighbour may take of us.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    request: Duration::from_secs(4),
    visit: Duration::from_secs(10),
    body: 64 << 10,
};

/// Asks one neighbour what it is.
#[async_trait]
pub trait Prober: Send + Sync {
    /// The signs by which it is a camera; none if it shows none, or does not answer.
    async fn probe(&self, address: IpAddr) -> Vec<Evidence>;
}

/// Asks web servers.
#[derive(Clone, Debug)]
pub struct WebProber {
    /// Ports to try until one shows a sign, and whether TLS is spoken there.
    pub ports: Vec<(u16, bool)>,
}

impl Default for WebProber {
    /// HTTPS, then HTTP.
    fn default() -> Self {
        Self { ports: vec![(443, true), (80, false)] }
    }
}

#[async_trait]
impl Prober for WebProber {
    async fn probe(&self, address: IpAddr) -> Vec<Evidence> {
        for (port, tls) in &self.ports {
            let door = Address { tls: *tls, host: address.to_string(), port: *port };
            let work = recognise(door, SocketAddr::new(address, *port), LIMITS);
            // Who does not answer, or with nonsense, is no camera as far as we can tell.
            if let Ok(Ok(signs)) = tokio::time::timeout(LIMITS.visit, work).await
                && !signs.is_empty()
            {
                return signs;
            }
        }
        Vec::new()
    }
}

/// The address table cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the address table {path}")]
pub struct NoTable {
    path: String,
    #[source]
    source: std::io::Error,
}

/// Looks at networks again and again, and remembers whom it asked.
pub struct Survey {
    /// Where the kernel shows its address table.
    table: PathBuf,
    prober: Arc<dyn Prober>,
    asked: BTreeMap<Neighbour, Asked>,
}

struct Asked {
    at: u64,
    signs: Vec<Evidence>,
}

impl Survey {
    /// Looks at this table and asks with this prober.
    pub fn new(table: PathBuf, prober: Arc<dyn Prober>) -> Self {
        Self { table, prober, asked: BTreeMap::new() }
    }

    /// Finds nobody.
    pub fn nowhere() -> Self {
        Self::new(PathBuf::from("/dev/null"), Arc::new(WebProber { ports: Vec::new() }))
    }

    /// The kernel's own table, and web servers on the usual ports.
    pub fn of_this_machine() -> Self {
        Self::new(PathBuf::from("/proc/self/net/arp"), Arc::new(WebProber::default()))
    }

    /// The cameras inside `networks` that are not at one of our `own` addresses. `now`: seconds of the monotonic clock.
    ///
    /// # Errors
    /// [`NoTable`].
    pub async fn look(
        &mut self,
        networks: &[IpNet],
        own: &BTreeSet<IpAddr>,
        now: u64,
    ) -> Result<Vec<Sighting>, NoTable> {
        let inside = |it: &Neighbour| {
            networks.iter().any(|network| network.contains(&it.address))
                && !own.contains(&it.address)
        };
        let neighbours: Vec<_> = self.read().await?.into_iter().filter(inside).collect();
        let there: BTreeSet<&Neighbour> = neighbours.iter().collect();
        self.asked.retain(|neighbour, _| there.contains(neighbour));
        let mut probes = 0;
        let mut found = Vec::new();
        for neighbour in &neighbours {
            if self.wants_asking(neighbour, now) && probes < MOST_PROBES {
                probes += 1;
                let signs = self.prober.probe(neighbour.address).await;
                self.asked.insert(*neighbour, Asked { at: now, signs });
            }
            let mut evidence = Vec::new();
            if neighbour.mac.is_mobotix() {
                let text = format!("{} is registered for MOBOTIX", neighbour.mac);
                evidence.push(Evidence { source: "hardware address".to_owned(), text });
            }
            let signs = self.asked.get(neighbour).map(|asked| asked.signs.iter().cloned());
            evidence.extend(signs.into_iter().flatten());
            if !evidence.is_empty() {
                let Neighbour { address, mac } = *neighbour;
                found.push(Sighting { mac, address, evidence });
            }
        }
        Ok(found)
    }

    fn wants_asking(&self, neighbour: &Neighbour, now: u64) -> bool {
        let last = self.asked.get(neighbour).map(|asked| asked.at);
        last.is_none_or(|last| now.saturating_sub(last) >= PROBE_EVERY)
    }

    async fn read(&self) -> Result<Vec<Neighbour>, NoTable> {
        let path = self.table.clone();
        let read = move || {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(table::MAX_BYTES).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Ok(String::new()));
        let no_table = |source| NoTable { path: self.table.display().to_string(), source };
        Ok(neighbours(&text.map_err(no_table)?))
    }
}

#[cfg(test)]
mod tests;
