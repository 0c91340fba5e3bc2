//! A client that reads no faster than it is let: not at all, or a byte now and then. The brake is on the socket, below
//! TLS, so that what is not read fills the system's buffers and then the controller's.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use certs::name::server_name;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::dial::Place;

/// How many bytes may be read.
#[derive(Clone, Debug, Default)]
pub struct Brake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    left: usize,
    waker: Option<Waker>,
}

impl Brake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes may be read from now on.
    pub fn let_go(&self, bytes: usize) {
        let mut state = self.state();
        state.left = bytes;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Braked {
    tcp: TcpStream,
    brake: Brake,
}

impl AsyncRead for Braked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let brake = self.brake.clone();
        let mut state = brake.state();
        if state.left == 0 {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        // Through a buffer of our own: it is the only way to fill a part of another that needs no promise about its bytes.
        let mut bytes = vec![0; state.left.min(buffer.remaining())];
        let mut part = ReadBuf::new(&mut bytes);
        let polled = Pin::new(&mut self.tcp).poll_read(context, &mut part);
        buffer.put_slice(part.filled());
        state.left -= part.filled().len();
        polled
    }
}

impl AsyncWrite for Braked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// A gRPC channel without keepalive, with its brake let go.
///
/// # Errors
/// Those of the network and of either side's judgment.
pub async fn channel(place: &Place, config: Arc<ClientConfig>) -> anyhow::Result<(Channel, Brake)> {
    let brake = Brake::default();
    brake.let_go(usize::MAX);
    let tcp = TcpStream::connect(place.address).await?;
    tcp.set_nodelay(true)?;
    let host = server_name(&place.organisation);
    let braked = Braked { tcp, brake: brake.clone() };
    let name = ServerName::try_from(host.clone())?;
    let tls = TlsConnector::from(config).connect(name, braked).await?;
    let mut tls = Some(TokioIo::new(tls));
    let connector = service_fn(move |_| {
        let tls = tls.take().ok_or(io::ErrorKind::NotConnected);
        async move { tls.map_err(io::Error::from) }
    });
    let endpoint =
        Endpoint::from_shared(format!("http://{host}"))?.origin(format!("https://{host}").parse()?);
    Ok((endpoint.connect_with_connector(connector).await?, brake))
}
