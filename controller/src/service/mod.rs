//! What the controller decides. It knows neither tonic nor SQL: it is handed checked words and who asks, and answers
//! with words or a [`Refusal`]. Each noun has its file here, and one of the same name in `api` and `store`.

pub mod agents;
pub mod approval;
pub mod authorities;
pub mod background;
pub mod caller;
pub mod desired;
pub mod enrollment;
pub mod live;
pub mod orders;
pub mod recovery;
mod refusal;
pub mod reports;
pub mod standing;
pub mod watch;

use std::sync::Arc;

use certs::SharedClock;
use proto::{Organisation, Timestamp};
use tokio::sync::broadcast;

use crate::store::Store;

pub use authorities::Authorities;
pub use caller::{AgentPeer, OperatorPeer, Source};
pub use refusal::Refusal;
pub use reports::News;
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
    pub(crate) news: broadcast::Sender<News>,
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
            news: broadcast::channel(NEWS).0,
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
