//! The accept loop. It never waits for a peer: every connection's handshake is a task of its own that waits its turn, so
//! that a slow or hostile peer holds up nobody but its own source.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use certs::Name;
use certs::peer::read;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, PeerStream};
use super::limits::Bounds;
use super::sources::{Sources, Waiting};
use super::sweep::{Connections, Place};
use super::tls::LiveTls;
use crate::service::meters::Handshake;
use crate::service::{Meters, Standings};

/// Connections that the system may hold for us.
const BACKLOG: u32 = 4096;
/// How long a connection may wait for its handshake's turn.
const TURN: Duration = Duration::from_secs(30);
/// First and longest pause when the system gives no connection, as when file descriptors run out.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What the accept loop needs.
#[derive(Debug)]
pub struct Listening {
    /// Who is welcome.
    pub standings: Arc<Standings>,
    /// What is presented.
    pub tls: Arc<LiveTls>,
    /// Every connection.
    pub connections: Connections,
    /// What each source takes.
    pub sources: Sources,
    /// Handshakes that may go on.
    pub handshakes: Semaphore,
    /// How much.
    pub bounds: Bounds,
    /// Where it is counted how handshakes end.
    pub meters: Arc<Meters>,
    /// Where connections go.
    pub accepted: mpsc::Sender<io::Result<PeerStream>>,
}

/// Opens a port.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listening {
    /// Accepts until it is stopped.
    pub async fn accept(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (tcp, remote) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted; waiting a little");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                    continue;
                }
            };
            pause = PAUSE.0;
            let Some(place) = self.connections.enter(self.bounds.connections) else {
                self.meters.shaken(Handshake::Crowded);
                continue;
            };
            let Some(waiting) = self.sources.enter(remote.ip()) else {
                self.meters.shaken(Handshake::Crowded);
                continue;
            };
            // Without it, small messages wait for each other's acknowledgement: 40 ms.
            if tcp.set_nodelay(true).is_err() {
                continue;
            }
            let (here, stopped) = (self.clone(), stop.clone());
            tokio::spawn(async move {
                let shaken = tokio::select! {
                    () = stopped.cancelled() => return,
                    shaken = here.shake(tcp, remote.ip(), (place, waiting)) => shaken,
                };
                here.meters.shaken(shaken);
            });
        }
    }

    async fn shake(
        &self,
        tcp: TcpStream,
        source: IpAddr,
        (place, waiting): (Place, Waiting),
    ) -> Handshake {
        let turn = async {
            let mine = waiting.handshakes.acquire().await.ok()?;
            let all = self.handshakes.acquire().await.ok()?;
            Some((mine, all))
        };
        let Ok(Some(turn)) = tokio::time::timeout(TURN, turn).await else { return Handshake::Late };
        // The settings of this moment: whoever comes later may find others.
        let acceptor = TlsAcceptor::from(self.tls.now());
        let shaken = tokio::time::timeout(self.bounds.handshake_time, acceptor.accept(tcp)).await;
        drop(turn);
        let io = match shaken {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => {
                tracing::debug!(%source, %error, "a handshake failed");
                return Handshake::Failed;
            }
            Err(_) => {
                tracing::debug!(%source, "a handshake took too long");
                return Handshake::Late;
            }
        };
        let (_, session) = io.get_ref();
        let peer = match session.peer_certificates() {
            None => None,
            Some(chain) => match read(chain) {
                Ok(peer) => Some(peer),
                Err(_) => return Handshake::Failed,
            },
        };
        let (outcome, kill, stay) = match &peer {
            // Whoever lost their standing since the handshake is not there any more.
            Some(peer) => match self.standings.kill_of(&peer.name) {
                Some(kill) => (kind(&peer.name), kill.child_token(), None),
                None => return Handshake::Failed,
            },
            None => match waiting.stay() {
                Some(stay) => (Handshake::Stranger, CancellationToken::new(), Some(stay)),
                None => return Handshake::Crowded,
            },
        };
        drop(waiting);
        let ticks = self.connections.ticks();
        let connection = Arc::new(Connection::new(peer, source, kill, ticks.now()));
        let listed = Connections::list(place, connection.clone());
        let stream = PeerStream::new(io, connection, (ticks, listed), stay);
        // The other end is gone only while we stop.
        let _ = self.accepted.send(Ok(stream)).await;
        outcome
    }
}

fn kind(name: &Name) -> Handshake {
    match name {
        Name::Agent(..) => Handshake::Agent,
        // Nobody with a controller's name stands in the books.
        Name::Operator(..) | Name::Controller(_) => Handshake::Operator,
    }
}
