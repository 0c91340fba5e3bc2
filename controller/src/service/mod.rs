//! What the controller decides. It knows neither tonic nor SQL: it is handed checked words and who asks, and answers
//! with words or a [`Refusal`]. Each noun has its file here, and one of the same name in `api` and `store`.

pub mod authorities;
pub mod caller;
mod refusal;

use std::sync::Arc;

use certs::SharedClock;
use proto::{Organisation, Timestamp};

use crate::store::Store;

pub use authorities::Authorities;
pub use caller::{AgentPeer, OperatorPeer, Source};
pub use refusal::Refusal;

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
}

/// The controller's mind. Shared by every call.
#[derive(Debug)]
pub struct Service {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) organisation: Organisation,
    pub(crate) authorities: Authorities,
    pub(crate) settings: Settings,
}

impl Service {
    /// Puts it together.
    pub fn new(
        store: Store,
        clock: SharedClock,
        organisation: Organisation,
        authorities: Authorities,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Self { store, clock, organisation, authorities, settings })
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
