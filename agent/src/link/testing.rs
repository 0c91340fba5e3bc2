//! A controller's port on the loopback, for this crate's tests: real TCP and TLS, and what each test lets it say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use certs::mutual::{Gate, server_config};
use certs::{Clock, Name, SharedClock, VerifiedPeer};
use proto::Timestamp;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::identity::testing::Acme;

/// A clock that stands.
#[derive(Clone, Copy, Debug)]
pub struct Stands(pub i64);

impl Clock for Stands {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0)
    }
}

/// Lets everybody in, or nobody.
#[derive(Debug)]
pub struct Door(pub Arc<AtomicBool>);

impl Gate for Door {
    fn admits(&self, _: &VerifiedPeer) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The settings of a controller with that name, made at `made`, judging at `now`.
pub fn settings(
    acme: &Acme,
    name: &Name,
    made: Timestamp,
    now: i64,
    open: bool,
) -> Arc<ServerConfig> {
    with_door(acme, name, made, now, Arc::new(AtomicBool::new(open)))
}

/// The same, with a door that opens and shuts.
pub fn with_door(
    acme: &Acme,
    name: &Name,
    made: Timestamp,
    now: i64,
    door: Arc<AtomicBool>,
) -> Arc<ServerConfig> {
    let identity = acme.identity(name, made);
    let clock: SharedClock = Arc::new(Stands(now));
    let issuers = [acme.issuing.certificate().clone()];
    server_config(&identity, &issuers, Arc::new(Door(door)), clock).unwrap()
}

/// A listening port and its address.
pub async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Takes one caller; `Err` if the handshake fails.
pub async fn accept(
    listener: &TcpListener,
    settings: Arc<ServerConfig>,
) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
    let (tcp, _) = listener.accept().await?;
    TlsAcceptor::from(settings).accept(tcp).await
}
