//! What is known of the agent at this moment, for those who ask: the status socket, the metrics, systemd.

use std::sync::{Arc, Mutex, PoisonError};

use proto::Timestamp;
use tokio::sync::watch;

use super::status::{self, Status};
use crate::clock::AgentClock;
use crate::link::Link;
use crate::rounds::Handle;
use crate::store::Store;

/// What the agent is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is being looked who the box is.
    Starting,
    /// Nobody has enrolled the box yet.
    Unenrolled,
    /// The identity's files cannot be used, in words.
    Damaged(String),
    /// It serves its site.
    Serving,
    /// It was told to stop.
    Stopping,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Board {
    pub clock: Arc<AgentClock>,
    pub store: Store,
    pub started_at: Timestamp,
    phase: watch::Sender<Phase>,
    serving: Mutex<Option<(Arc<Link>, Handle)>>,
}

impl Board {
    pub fn new(clock: Arc<AgentClock>, store: Store) -> Arc<Self> {
        let started_at = certs::Clock::now(&*clock);
        let (phase, serving) = (watch::Sender::new(Phase::Starting), Mutex::new(None));
        Arc::new(Self { clock, store, started_at, phase, serving })
    }

    /// Takes a phase on, and logs it if it is new.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_new = *now != phase;
            if is_new {
                match &phase {
                    Phase::Starting => {}
                    Phase::Unenrolled => tracing::info!("the box is not enrolled"),
                    Phase::Damaged(why) => tracing::error!(why, "the identity cannot be used"),
                    Phase::Serving => tracing::info!("serving the site"),
                    Phase::Stopping => tracing::info!("stopping"),
                }
                *now = phase;
            }
            is_new
        });
    }

    /// The box is enrolled, and these are at work.
    pub fn serve(&self, link: Arc<Link>, rounds: Handle) {
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some((link, rounds));
        self.enter(Phase::Serving);
    }

    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Everything that is told of the agent.
    pub async fn status(&self) -> Status {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let phase = self.phase.borrow().clone();
        status::gather(self, phase, serving).await
    }
}
