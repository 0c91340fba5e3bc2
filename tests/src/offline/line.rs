//! The line between a site and its controller: a port that passes on what comes, until it is cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How the line is.
#[derive(Clone, Debug)]
pub enum Quality {
    /// Everything is passed on.
    Good,
    /// Whoever calls is hung up on.
    Closed,
    /// Whoever calls gets no answer.
    Silent,
    /// The next connections end, each after so many bytes from the controller; then the line is good.
    Shaky(Arc<Breaks>),
}

/// The connections that are to end, and when.
#[derive(Debug)]
pub struct Breaks {
    after: Vec<usize>,
    next: AtomicUsize,
}

impl Breaks {
    /// The next connections end after so many bytes from the controller, in this order.
    pub fn after(bytes: Vec<usize>) -> Arc<Self> {
        Arc::new(Self { after: bytes, next: AtomicUsize::new(0) })
    }

    fn next(&self) -> Option<usize> {
        self.after.get(self.next.fetch_add(1, Ordering::SeqCst)).copied()
    }
}

#[derive(Clone, Debug)]
struct State {
    controller: SocketAddr,
    quality: Quality,
    /// Ends every connection that was made while the line was so.
    over: CancellationToken,
}

/// See the module.
#[derive(Debug)]
pub struct Line {
    /// Where the site calls.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Line {
    /// A good line to a controller, at any free port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn open(controller: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (quality, over) = (Quality::Good, CancellationToken::new());
        let state = watch::Sender::new(State { controller, quality, over });
        let accepting = tokio::spawn(accept(listener, state.subscribe()));
        Ok(Self { address, state, accepting })
    }

    /// From now on the line is so. Whoever is connected is cut off.
    pub fn turn(&self, quality: Quality) {
        self.state.send_modify(|state| {
            state.over.cancel();
            state.over = CancellationToken::new();
            state.quality = quality;
        });
    }

    /// The controller is somewhere else now.
    pub fn leads_to(&self, controller: SocketAddr) {
        self.state.send_modify(|state| state.controller = controller);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        self.state.borrow().over.cancel();
    }
}

async fn accept(listener: TcpListener, state: watch::Receiver<State>) {
    loop {
        // An error is one of the caller's, who will call again.
        let Ok((caller, _)) = listener.accept().await else { continue };
        let state = state.borrow().clone();
        tokio::spawn(async move {
            let over = state.over.clone();
            tokio::select! {
                () = over.cancelled() => {}
                // However it ends, both sides are hung up on.
                _ = pass(caller, state) => {}
            }
        });
    }
}

async fn pass(mut caller: TcpStream, state: State) -> io::Result<()> {
    let most = match &state.quality {
        Quality::Good => None,
        Quality::Shaky(breaks) => breaks.next(),
        Quality::Closed => return Ok(()),
        Quality::Silent => return copy(&mut caller, &mut sink()).await.map(drop),
    };
    caller.set_nodelay(true)?;
    let mut controller = TcpStream::connect(state.controller).await?;
    controller.set_nodelay(true)?;
    let (mut from_caller, mut to_caller) = caller.split();
    let (mut from_controller, mut to_controller) = controller.split();
    tokio::select! {
        up = copy(&mut from_caller, &mut to_controller) => up.map(drop),
        down = copy_some(&mut from_controller, &mut to_caller, most) => down,
    }
}

/// Copies until the end, or until so many bytes were passed on.
async fn copy_some(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    most: Option<usize>,
) -> io::Result<()> {
    let (mut left, mut bytes) = (most.unwrap_or(usize::MAX), vec![0; 16 << 10]);
    while left > 0 {
        let room = left.min(bytes.len());
        let read = from.read(&mut bytes[..room]).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..read]).await?;
        left -= if most.is_some() { read } else { 0 };
    }
    Ok(())
}
