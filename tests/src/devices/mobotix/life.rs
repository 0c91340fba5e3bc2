//! Up and down: the accept loop between two reboots, and the reboots.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Scheme, serve};
use super::device::Device;
use super::faults::Fault;

/// Whether a camera listens, and how often it has booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It listens.
    Up(u64),
    /// It reboots.
    Down(u64),
}

/// A camera's life: it listens, reboots, listens again.
pub struct Life {
    /// The camera.
    pub device: Arc<Device>,
    /// Where it takes HTTP.
    pub http: Option<SocketAddr>,
    /// Where it takes HTTPS.
    pub https: Option<SocketAddr>,
}

impl Life {
    /// Lives until it is aborted. `phase` tells whether it listens.
    pub async fn run(
        self,
        mut listeners: (Option<TcpListener>, Option<TcpListener>),
        phase: watch::Sender<Phase>,
    ) {
        for boots in 1.. {
            if !self.speaks_tls() {
                listeners.1 = None;
            }
            self.serve_until_reboot(&listeners).await;
            drop(listeners);
            let dark = tokio::time::Instant::now();
            phase.send_replace(Phase::Down(boots - 1));
            tokio::time::sleep(self.device.spec.reboot_time).await;
            self.device.boot();
            let (http, https) =
                (self.door("HTTP_PORT", self.http), self.door("HTTPS_PORT", self.https));
            listeners = (rebind(http).await, rebind(https).await);
            let dark = u64::try_from(dark.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.device.tally.dark.fetch_add(dark, Ordering::Relaxed);
            self.device.answers_at(http, https);
            phase.send_replace(Phase::Up(boots));
        }
    }

    /// Where it listens from now on. INVENTED: the keys; documented: that a port only moves at a reboot.
    fn door(&self, key: &str, first: Option<SocketAddr>) -> Option<SocketAddr> {
        let memory = self.device.memory();
        let port = memory.ram.value("httpd", key).and_then(|text| text.parse::<u16>().ok());
        match port.filter(|port| *port > 0) {
            Some(_) if memory.faults.has("", Fault::LosesMovedPorts) => None,
            Some(port) => Some(SocketAddr::new(self.device.spec.ip, port)),
            None => first,
        }
    }

    /// `httpd/ENABLE_SSL=0` takes HTTPS away at the next boot.
    fn speaks_tls(&self) -> bool {
        self.device.memory().ram.value("httpd", "ENABLE_SSL").as_deref() != Some("0")
    }

    async fn serve_until_reboot(&self, listeners: &(Option<TcpListener>, Option<TcpListener>)) {
        let mut connections = JoinSet::new();
        loop {
            let (accepted, scheme) = tokio::select! {
                accepted = accept(listeners.0.as_ref()) => (accepted, Scheme::Http),
                accepted = accept(listeners.1.as_ref()) => (accepted, Scheme::Https),
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = self.device.reboot.notified() => break,
            };
            // A connection that broke before it was accepted is none.
            let Ok((stream, peer)) = accepted else { continue };
            connections.spawn(serve(Arc::clone(&self.device), stream, peer, scheme));
        }
        connections.shutdown().await;
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Listens, if there is an address to listen on.
///
/// # Errors
/// When the port is taken.
pub async fn bind(address: Option<SocketAddr>) -> io::Result<Option<TcpListener>> {
    match address {
        Some(address) => TcpListener::bind(address).await.map(Some),
        None => Ok(None),
    }
}

/// Binds again after a reboot, however long another process borrows the port.
async fn rebind(address: Option<SocketAddr>) -> Option<TcpListener> {
    loop {
        match bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
