//! What the controller decides. It knows neither tonic nor SQL: it is handed checked words and who asks, and answers
//! with words or a [`Refusal`]. Each noun has its file here, and one of the same name in `api` and `store`.

pub mod agents;
pub mod approval;
mod archive;
pub mod authorities;
mod authority_folder;
mod authority_renewal;
pub mod background;
pub mod backup;
pub mod bounds;
pub mod caller;
pub mod desired;
pub mod enrollment;
pub mod escrow;
pub mod findings;
mod folder;
pub mod found;
pub mod issuer;
pub mod live;
mod log;
pub mod login;
pub mod meters;
pub mod operators;
pub mod orders;
pub mod plans;
pub mod policies;
pub mod prune;
pub mod recipients;
pub mod records;
pub mod recovery;
mod refusal;
pub mod regain;
pub mod reports;
pub mod restore;
pub mod roles;
pub mod rotations;
pub mod shown;
pub mod sites;
pub mod standing;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod turnover;
mod upkeep;
pub mod vitals;
pub mod vouches;
pub mod watch;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use certs::SharedClock;
use certs::seal::Recipient;
use proto::{Organisation, Timestamp};
use tokio::sync::{Mutex, Semaphore, broadcast, watch as change};

use crate::store::Store;
use crate::store::recipients::Recipients;

pub use authorities::Authorities;
pub use caller::{AgentPeer, OperatorPeer, Source};
pub use log::Keeper;
pub use meters::Meters;
pub use refusal::Refusal;
pub use reports::News;
pub use roles::Act;
pub use standing::Standings;

/// News of devices that a slow listener may be behind.
const NEWS: usize = 1024;

/// What is decided by, besides what is asked: from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where agents and operators reach the controller: `host:port`, the preferred first.
    pub addresses: Vec<String>,
    /// How long a token is good unless said otherwise, in seconds.
    pub token_life: i64,
    /// How long an operator's one-time code is good, in seconds.
    pub code_life: i64,
    /// Life of agents' and operators' certificates, in seconds.
    pub certificate_life: i64,
    /// How long an agent's request waits for approval, in seconds.
    pub pending_life: i64,
    /// Requests that may wait for approval at a time.
    pub pending_most: usize,
    /// How long findings of a device that nobody reports any more are kept, in seconds.
    pub keep_findings: i64,
    /// How long records of agents' audit chains are kept, in seconds.
    pub keep_agent_audit: i64,
    /// The data folder.
    pub data: PathBuf,
    /// Who can open a backup.
    pub recipients: Vec<Recipient>,
}

/// The controller's mind. Shared by every call.
#[derive(Debug)]
pub struct Service {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) organisation: Organisation,
    pub(crate) authorities: Authorities,
    pub(crate) settings: Settings,
    pub(crate) standings: Arc<Standings>,
    pub(crate) live: live::Live,
    pub(crate) desired: desired::Desired,
    pub(crate) orders: orders::Orders,
    pub(crate) challenges: recovery::Challenges,
    /// Whom secrets are sealed to.
    pub(crate) recipients: ArcSwapOption<Recipients>,
    pub(crate) device_issuers: issuer::Issued,
    pub(crate) news: broadcast::Sender<News>,
    /// That there are new events of sites.
    pub(crate) event_news: broadcast::Sender<()>,
    /// Grows whenever something of a plan came.
    pub(crate) plans_changed: change::Sender<u64>,
    /// One for each who may watch findings or events.
    pub(crate) watchers: Arc<Semaphore>,
    /// Steps of a turnover wait for each other here.
    pub(crate) turning: Mutex<()>,
    /// What is counted and stands now, for whoever watches the machine.
    pub meters: Arc<Meters>,
    /// One backup at a time.
    pub(crate) backing_up: Arc<Semaphore>,
}

impl Service {
    /// Puts it together. It knows nobody before [`Service::load`].
    pub fn new(
        store: Store,
        clock: SharedClock,
        organisation: Organisation,
        authorities: Authorities,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            organisation,
            authorities,
            settings,
            standings: Arc::default(),
            live: live::Live::default(),
            desired: desired::Desired::default(),
            orders: orders::Orders::default(),
            challenges: recovery::Challenges::default(),
            recipients: ArcSwapOption::empty(),
            device_issuers: issuer::Issued::default(),
            news: broadcast::channel(NEWS).0,
            event_news: broadcast::channel(1).0,
            plans_changed: change::Sender::new(0),
            watchers: Arc::new(Semaphore::new(findings::MAX_WATCHERS)),
            turning: Mutex::default(),
            meters: Arc::default(),
            backing_up: Arc::new(Semaphore::new(1)),
        })
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hears of devices of which something else is known from now on.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}
