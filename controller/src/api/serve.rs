//! `palisade serve`: opens what is in the data folder, opens the port, tells the service manager, and goes on until it is
//! stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use certs::SharedClock;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::limits::Bounds;
use super::run::start;
use super::tls::TlsError;
use crate::config::Config;
use crate::local::{self, Socket, SocketError};
use crate::service::found::{self, OpenError};
use crate::service::{Refusal, Service, Settings};

/// Why the controller does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error("cannot open the data folder {0}")]
    Open(String, #[source] OpenError),
    /// A backup's recipient is none.
    #[error("backup.recipients: {0:?} is no age recipient")]
    BadRecipient(String),
    /// The local socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The port cannot be had.
    #[error("cannot listen on {0}; see server.listen in the settings")]
    Listen(SocketAddr, #[source] io::Error),
    /// No certificate could be made.
    #[error("the port has nothing to present")]
    Tls(#[from] TlsError),
    /// What is answered from memory could not be read.
    #[error("cannot read who is welcome")]
    Load(#[from] Refusal),
}

/// Serves what was founded in the configured data folder until it is stopped.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: Config,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    found::database(&config.server.data).map_err(|error| not_open(&config, error))?;
    // Before anything is touched: where somebody answers, a controller works in this folder already.
    let socket = Socket::open(&config.socket()).await?;
    let service = open(&config, clock).await?;
    let bounds = Bounds::new(&config.limits);
    let running = start(service.clone(), config.server.listen, bounds).await?;
    let local = CancellationToken::new();
    let telling = tokio::spawn(local::serve(socket, service.clone(), local.clone()));
    tracing::info!(address = %running.address, organisation = %service.organisation, "serving");
    say(&[NotifyState::Ready]);
    tokio::spawn(watchdog(service, stop.clone()));
    stop.cancelled().await;
    say(&[NotifyState::Stopping]);
    running.stop().await;
    local.cancel();
    // Its file is gone once it has ended.
    let _ = telling.await;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the configured data folder.
///
/// # Errors
/// [`ServeError`].
pub async fn open(config: &Config, clock: SharedClock) -> Result<Arc<Service>, ServeError> {
    let data = config.server.data.clone();
    let recipients = config.backup.recipients.iter().map(|text| {
        text.parse().map_err(|_| ServeError::BadRecipient(text.chars().take(80).collect()))
    });
    let settings = Settings {
        addresses: config.addresses(),
        token_life: config.lives.token.as_seconds().into(),
        code_life: config.lives.code.as_seconds().into(),
        certificate_life: config.lives.certificate.as_seconds().into(),
        pending_life: config.lives.pending.as_seconds().into(),
        pending_most: usize::try_from(config.limits.pending).unwrap_or(usize::MAX),
        keep_findings: config.keep.findings.as_seconds().into(),
        keep_agent_audit: config.keep.agent_audit.as_seconds().into(),
        recipients: recipients.collect::<Result<_, _>>()?,
        data: data.clone(),
    };
    let (store, organisation, authorities) =
        found::open(&data).await.map_err(|error| not_open(config, error))?;
    Ok(Service::new(store, clock, organisation, authorities, settings))
}

fn not_open(config: &Config, error: OpenError) -> ServeError {
    ServeError::Open(config.server.data.display().to_string(), error)
}

/// Tells the service manager that all is well, if it wants to know, until it is stopped.
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
