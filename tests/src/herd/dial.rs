//! Connections as agents make them: TCP without delay, TLS, and gRPC once the controller has let us in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::name::server_name;
use certs::ticket::Ticket;
use certs::{Identity, SystemClock, TrustBundle};
use hyper_util::rt::TokioIo;
use proto::Organisation;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// Where a controller is, and whose it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose it is.
    pub organisation: Organisation,
}

/// Settings for somebody who only has a ticket.
///
/// # Errors
/// Those of the TLS library.
pub fn first_contact(ticket: &Ticket) -> anyhow::Result<Arc<ClientConfig>> {
    let lifetimes = Lifetimes::Judged(Arc::new(SystemClock));
    Ok(client_config(&ticket.organisation, &Trusting::Pin(ticket.pin), None, lifetimes)?)
}

/// Settings for somebody with a certificate.
///
/// # Errors
/// Those of the TLS library.
pub fn enrolled(
    organisation: Organisation,
    trust: &TrustBundle,
    identity: &Identity,
) -> anyhow::Result<Arc<ClientConfig>> {
    let lifetimes = Lifetimes::Judged(Arc::new(SystemClock));
    let trusting = Trusting::Bundle(trust.clone());
    Ok(client_config(&organisation, &trusting, Some(identity), lifetimes)?)
}

/// A TLS connection on which the controller has already spoken: in TLS 1.3 a client is done before it is judged.
///
/// # Errors
/// Those of the network and of either side's judgment.
pub async fn tls(
    place: &Place,
    config: Arc<ClientConfig>,
) -> io::Result<BufReader<TlsStream<TcpStream>>> {
    let tcp = TcpStream::connect(place.address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(server_name(&place.organisation)).map_err(io::Error::other)?;
    let stream = TlsConnector::from(config).connect(name, tcp).await?;
    let mut stream = BufReader::with_capacity(1024, stream);
    if stream.fill_buf().await?.is_empty() {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    Ok(stream)
}

/// A gRPC channel with the keepalive of an agent.
///
/// # Errors
/// Those of the network and of either side's judgment.
pub async fn channel(place: Place, config: Arc<ClientConfig>) -> anyhow::Result<Channel> {
    let name = server_name(&place.organisation);
    let endpoint = Endpoint::from_shared(format!("http://{name}"))?
        .origin(format!("https://{name}").parse()?)
        .http2_keep_alive_interval(Duration::from_secs(45))
        .keep_alive_timeout(Duration::from_secs(14))
        .keep_alive_while_idle(true);
    let connector = service_fn(move |_| {
        let (place, config) = (place.clone(), config.clone());
        async move { tls(&place, config).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector(connector).await.context("dialling the controller")
}
