//! One connection, from the accept to the end: latency, TLS, requests, and the faults that show on the wire.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::LazyConfigAcceptor;

use super::device::Device;
use super::http::{Incoming, Reader, Response};
use super::mishap::strikes;
use super::wire::send;

/// Whether TLS comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// No.
    Http,
    /// Yes.
    Https,
}

/// Serves a connection until either side closes it. A client that hangs up is not an error worth telling.
pub async fn serve(device: Arc<Device>, stream: TcpStream, peer: SocketAddr, scheme: Scheme) {
    let _ = stream.set_nodelay(true);
    let Ok(place) = device.open.enter(&stream) else { return };
    // Blocked sources are cut off without a word, as are those that the access list does not name (INVENTED: how).
    if device.lets_in(peer.ip()) {
        let _ = match scheme {
            Scheme::Http => {
                device.round_trip(Instant::now()).await;
                requests(&device, stream, peer).await
            }
            Scheme::Https => secure(&device, stream, peer).await,
        };
    }
    drop(place);
}

/// The TLS handshake: one round trip for the connection, one for the flight that answers the client's hello, and for
/// TLS 1.2 one more for the flight that ends it (RFC 5246 section 7.3; RFC 8446 section 2).
async fn secure(device: &Device, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    device.round_trip(Instant::now()).await;
    if let Some(fault) = device.faults().handshake() {
        return super::tls::spoil(stream, fault).await;
    }
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let limit = Duration::from_secs(30);
    let start = timeout(limit, acceptor).await??;
    device.round_trip(Instant::now()).await;
    let stream = timeout(limit, start.into_stream(device.presented().settings)).await??;
    if stream.get_ref().1.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2) {
        device.round_trip(Instant::now()).await;
    }
    requests(device, stream, peer).await
}

async fn requests(
    device: &Device,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
) -> io::Result<()> {
    let (mut reader, mut buffer) = (Reader::default(), Vec::new());
    loop {
        let idle = device.faults().idle();
        let request = match timeout(idle, reader.next(&mut stream)).await?? {
            Incoming::Request(request) => request,
            Incoming::Closed => return stream.shutdown().await,
            Incoming::Bad(status) => {
                let answer = Response::html(status, "<html><body>Bad Request</body></html>");
                answer.send(&mut stream, &mut buffer, &device.date(), false).await?;
                return stream.shutdown().await;
            }
        };
        let begun = Instant::now();
        device.tally.requests.fetch_add(1, Ordering::Relaxed);
        if strikes(device, &device.faults(), &request, peer.ip()) {
            return stream.shutdown().await;
        }
        let response = device.answer(&request, peer.ip());
        device.round_trip(begun).await;
        let reboots = response.reboots;
        let open = send(device, &mut stream, &mut buffer, &request, response).await?;
        if !open || reboots {
            stream.shutdown().await?;
        }
        if reboots {
            device.reboot.notify_one();
        }
        // A source blocked by this very request is cut off after it has its answer.
        if !open || reboots || !device.lets_in(peer.ip()) {
            return Ok(());
        }
    }
}
