//! One sweeper closes what nobody is behind any more: connections on which nothing was read for long, those of strangers
//! who stay too long, and those whose certificate has ended meanwhile. It costs each connection one number instead of a
//! timer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certs::SharedClock;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;

/// Seconds that the sweeper counted; a machine's clock may jump, this does not.
#[derive(Clone, Debug, Default)]
pub struct Ticks(Arc<AtomicU32>);

/// Every connection.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    ticks: Ticks,
}

/// A connection's place among all. Dropping it frees the place.
#[derive(Debug)]
pub struct Listed {
    connections: Connections,
    number: u64,
}

/// When a connection is swept away.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After so many seconds in which nothing was read.
    pub silence: u32,
    /// After so many seconds, for a stranger.
    pub stranger_life: u32,
}

impl Ticks {
    /// The present.
    pub fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock that connections are timed by.
    pub fn ticks(&self) -> Ticks {
        self.0.ticks.clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open().len()
    }

    /// Gives a connection its place.
    pub fn list(&self, connection: Arc<Connection>) -> Listed {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, connection);
        Listed { connections: self.clone(), number }
    }

    /// Ends all of them.
    pub fn end(&self) {
        let open: Vec<_> = self.open().values().cloned().collect();
        open.iter().for_each(|connection| connection.kill.cancel());
    }

    /// Sweeps once a second until it is stopped.
    pub async fn sweep(self, patience: Patience, clock: SharedClock, stop: CancellationToken) {
        loop {
            // Before the look at the clock: what moves it in between is heard.
            let moved = clock.moved();
            self.sweep_once(patience, &clock);
            tokio::select! {
                () = stop.cancelled() => return,
                () = moved => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    self.0.ticks.0.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn sweep_once(&self, patience: Patience, clock: &SharedClock) {
        let (tick, now) = (self.0.ticks.now(), clock.now());
        let is_over = |connection: &&Arc<Connection>| {
            let silent = tick.wrapping_sub(connection.heard()) >= patience.silence;
            let ended = match &connection.peer {
                Some(peer) => peer.not_after <= now,
                None => tick.wrapping_sub(connection.opened) >= patience.stranger_life,
            };
            silent || ended
        };
        let over: Vec<_> = self.open().values().filter(is_over).cloned().collect();
        over.iter().for_each(|connection| connection.kill.cancel());
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}
