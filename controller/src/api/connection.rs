//! One connection after its handshake: who is at its other end, when it was last heard of, and what ends it.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use certs::VerifiedPeer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use super::sources::Stay;
use super::sweep::{Listed, Ticks};

/// What every call on a connection may know of it.
#[derive(Debug)]
pub struct Connection {
    /// Who is there, by the certificate that the handshake verified; `None` without one.
    pub peer: Option<VerifiedPeer>,
    /// Where they call from.
    pub source: IpAddr,
    /// Ends it.
    pub kill: CancellationToken,
    /// The tick at which it was opened.
    pub opened: u32,
    /// The tick at which something was last read.
    heard: AtomicU32,
}

/// A connection that tonic serves.
#[derive(Debug)]
pub struct PeerStream {
    io: TlsStream<TcpStream>,
    connection: Arc<Connection>,
    killed: Pin<Box<WaitForCancellationFutureOwned>>,
    ticks: Ticks,
    _listed: Listed,
    _stay: Option<Stay>,
}

impl Connection {
    /// A connection that was opened now.
    pub fn new(
        peer: Option<VerifiedPeer>,
        source: IpAddr,
        kill: CancellationToken,
        now: u32,
    ) -> Self {
        Self { peer, source, kill, opened: now, heard: AtomicU32::new(now) }
    }

    /// The tick at which something was last read.
    pub fn heard(&self) -> u32 {
        self.heard.load(Ordering::Relaxed)
    }
}

impl PeerStream {
    /// What tonic is handed.
    pub fn new(
        io: TlsStream<TcpStream>,
        connection: Arc<Connection>,
        (ticks, listed): (Ticks, Listed),
        stay: Option<Stay>,
    ) -> Self {
        let killed = Box::pin(connection.kill.clone().cancelled_owned());
        Self { io, connection, killed, ticks, _listed: listed, _stay: stay }
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Arc<Connection>;

    fn connect_info(&self) -> Arc<Connection> {
        self.connection.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.killed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.heard.store(self.ticks.now(), Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.connection.kill.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.connection.kill.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.io).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
