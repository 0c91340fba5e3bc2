//! `palisade serve`: reads what is in the data folder, opens the port, tells the service manager, and goes on until it is
//! stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::limits::Bounds;
use super::run::start;
use super::tls::TlsError;
use crate::service::{Refusal, Service};
use crate::store::StoreError;

/// Why the controller does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be used.
    #[error("the database {0} cannot be used")]
    Store(String, #[source] StoreError),
    /// Nobody founded an organisation here.
    #[error("{0} holds no organisation; make one with palisade init")]
    NotFounded(String),
    /// The authority's files cannot be used.
    #[error("the authority in {0} cannot be used")]
    Authority(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The port cannot be had.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// No certificate could be made.
    #[error("the port has nothing to present")]
    Tls(#[from] TlsError),
    /// What is answered from memory could not be read.
    #[error("cannot begin")]
    Load(#[from] Refusal),
}

/// Tells the service manager how it goes, if there is one, until it is stopped.
async fn watchdog(service: Arc<Service>, stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(within / 3) => {}
        }
        // Alive is who can still look into the books.
        if service.store.audit_head().await.is_ok() {
            say(&[NotifyState::Watchdog]);
        }
    }
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Serves what was opened until it is stopped.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_opened(
    service: Arc<Service>,
    (listen, bounds): (SocketAddr, Bounds),
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let running = start(service.clone(), listen, bounds).await?;
    tracing::info!(address = %running.address, organisation = %service.organisation, "serving");
    say(&[NotifyState::Ready]);
    tokio::spawn(watchdog(service, stop.clone()));
    stop.cancelled().await;
    say(&[NotifyState::Stopping]);
    running.stop().await;
    Ok(())
}
