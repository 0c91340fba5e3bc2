//! The running port: everything that works while it is open, and its orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::wire::v1::agent_server::AgentServer;
use proto::wire::v1::enrollment_server::EnrollmentServer;
use proto::wire::v1::operator_server::OperatorServer;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Router;

use super::agent::AgentApi;
use super::connection::PeerStream;
use super::enrollment::EnrollmentApi;
use super::limits::{Attempts, Bounds};
use super::listen::{Listening, bind};
use super::operator::OperatorApi;
use super::serve::ServeError;
use super::sources::Sources;
use super::sweep::{Connections, Patience};
use super::tls::LiveTls;
use crate::service::Service;

/// Accepted connections that wait for tonic.
const ACCEPTED: usize = 64;
/// Streams of one connection: an agent needs three, an operator's client a few.
const STREAMS: u32 = 16;
/// Bytes that a peer may send on a stream, and on a connection, before they were read.
const WINDOWS: (u32, u32) = (64 << 10, 128 << 10);
/// Largest headers.
const HEADERS: u32 = 8 << 10;
/// Largest message of a stranger, in bytes.
const STRANGERS_MESSAGE: usize = 16 << 10;
/// How long connections may take to end by themselves when we stop.
const GRACE: Duration = Duration::from_secs(2);
/// Agents that come back at a time after a stop, in a second.
const PER_SECOND: usize = 500;

/// An open port.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who decides.
    pub service: Arc<Service>,
    connections: Connections,
    /// Stops the accept loop, the renewals and the sweeper.
    stop: CancellationToken,
    /// Lets tonic end.
    end: CancellationToken,
    /// Stops the service's own work, last.
    background: CancellationToken,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    working: JoinHandle<()>,
}

/// Loads what is answered from memory and opens the port; port 0 takes a free one.
///
/// # Errors
/// [`ServeError`].
pub async fn start(
    service: Arc<Service>,
    listen: SocketAddr,
    bounds: Bounds,
) -> Result<Running, ServeError> {
    service.load().await?;
    let (tls, renew_at) = LiveTls::begin(&service)?;
    let listener = bind(listen).map_err(|error| ServeError::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| ServeError::Listen(listen, error))?;
    let (accepted, connections) =
        (mpsc::channel(ACCEPTED), Connections::new(service.meters.clone()));
    let [stop, end, background] = std::array::from_fn(|_| CancellationToken::new());
    let attempts = Arc::new(Attempts::new(bounds.enrollments_per_minute));
    let listening = Arc::new(Listening {
        standings: service.standings.clone(),
        meters: service.meters.clone(),
        tls: tls.clone(),
        connections: connections.clone(),
        sources: Sources::new(&bounds),
        handshakes: Semaphore::new(bounds.handshakes),
        bounds: bounds.clone(),
        accepted: accepted.0,
    });
    tokio::spawn(listening.accept(listener, stop.clone()));
    tokio::spawn(tls.keep(service.clone(), renew_at, stop.clone()));
    let patience = Patience { silence: bounds.silence, stranger_life: bounds.stranger_life };
    let clock = service.clock.clone();
    tokio::spawn(connections.clone().sweep(patience, clock, stop.clone()));
    tokio::spawn(forget(attempts.clone(), stop.clone()));
    let working = tokio::spawn(service.clone().run(background.clone()));
    let router = router(&service, &attempts, &bounds);
    let serving = tokio::spawn(router.serve_with_incoming_shutdown(
        ReceiverStream::<std::io::Result<PeerStream>>::new(accepted.1),
        end.clone().cancelled_owned(),
    ));
    service.meters.set_open(true);
    Ok(Running { address, service, connections, stop, end, background, serving, working })
}

fn router(service: &Arc<Service>, attempts: &Arc<Attempts>, bounds: &Bounds) -> Router {
    let enrollment = EnrollmentApi { service: service.clone(), attempts: attempts.clone() };
    let agent = AgentApi { service: service.clone() };
    let operator = OperatorApi { service: service.clone() };
    Server::builder()
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADERS)
        .http2_max_pending_accept_reset_streams(Some(STREAMS as usize))
        .add_service(EnrollmentServer::new(enrollment).max_decoding_message_size(STRANGERS_MESSAGE))
        .add_service(AgentServer::new(agent).max_decoding_message_size(bounds.message))
        .add_service(OperatorServer::new(operator).max_decoding_message_size(bounds.message))
}

async fn forget(attempts: Arc<Attempts>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(60)) => attempts.forget(),
        }
    }
}

impl Running {
    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.count()
    }

    /// Ends it in order: nobody new comes in, agents are asked to come back spread over a while, what they told is
    /// written down.
    pub async fn stop(self) {
        let Self { service, connections, stop, end, background, mut serving, working, .. } = self;
        stop.cancel();
        service.meters.set_open(false);
        let seconds = service.live.count().div_ceil(PER_SECOND).max(1);
        service.live.leave(u32::try_from(seconds).unwrap_or(u32::MAX));
        end.cancel();
        let leaving = async {
            while service.live.is_speaking() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Whoever does not read what it is told is not waited for.
        let _ = tokio::time::timeout(GRACE, leaving).await;
        service.live.end();
        if tokio::time::timeout(GRACE, &mut serving).await.is_err() {
            connections.end();
            serving.abort();
        }
        connections.end();
        background.cancel();
        if let Err(error) = working.await {
            tracing::error!(%error, "the controller's own work ended badly");
        }
        service.store.close().await;
    }
}
