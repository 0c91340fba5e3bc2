//! The yardstick for joins: TCP and a full mutual TLS handshake with the controller's own settings, and nothing else.
//! Client and server share the process, as they share the cores with a real controller.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use certs::hierarchy::{LEAF_LIFE, Root};
use certs::mutual::{Gate, Lifetimes, Trusting, client_config, server_config};
use certs::name::server_name;
use certs::{Clock as _, Identity, Key, Name, SystemClock, TrustBundle, VerifiedPeer, request};
use futures::StreamExt as _;
use proto::Organisation;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[derive(Debug)]
struct Everybody;

impl Gate for Everybody {
    fn admits(&self, _: &VerifiedPeer) -> bool {
        true
    }
}

/// Full handshakes per second, so many of them, `at_once` at a time.
///
/// # Errors
/// When a handshake fails.
pub async fn handshakes_per_second(count: usize, at_once: usize) -> anyhow::Result<f64> {
    let organisation: Organisation = "bare".parse()?;
    let now = SystemClock.now();
    let root = Root::make(&organisation, now)?;
    let issuing = root.issuing(&organisation, now)?;
    let identity = |name: Name| -> anyhow::Result<Identity> {
        let key = Key::generate()?;
        let asked = request::verify(&request::make(&key)?)?;
        Ok(Identity::new(issuing.issue(&name, &asked, now, LEAF_LIFE)?.chain, key)?)
    };
    let clock = Arc::new(SystemClock);
    let issuers = [issuing.certificate().clone()];
    let controller = identity(Name::Controller(organisation.clone()))?;
    let server = server_config(&controller, &issuers, Arc::new(Everybody), clock.clone())?;
    let agent = identity(Name::Agent(organisation.clone(), "00ff".parse()?))?;
    let trust = Trusting::Bundle(TrustBundle::new(1, vec![root.certificate().to_vec()])?);
    let client = client_config(&organisation, &trust, Some(&agent), Lifetimes::Judged(clock))?;
    let name = ServerName::try_from(server_name(&organisation))?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(serve(listener, TlsAcceptor::from(server)));
    let connector = TlsConnector::from(client);
    let begun = Instant::now();
    let mut dials = futures::stream::iter(0..count)
        .map(|_| tokio::spawn(dial(address, connector.clone(), name.clone())))
        .buffer_unordered(at_once);
    while let Some(dialled) = dials.next().await {
        dialled?.context("a bare handshake")?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    serving.abort();
    Ok(rate)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((tcp, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = tcp.set_nodelay(true);
            if let Ok(mut stream) = acceptor.accept(tcp).await {
                let _ = stream.write_all(b"in").await;
                let _ = stream.shutdown().await;
            }
        });
    }
}

/// Done when the server's first byte is there: only then has it judged the client.
async fn dial(
    address: SocketAddr,
    connector: TlsConnector,
    name: ServerName<'static>,
) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let mut stream = connector.connect(name, tcp).await?;
    stream.read_u8().await.map(|_| ())
}
