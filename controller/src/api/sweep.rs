//! One sweeper closes what nobody is behind any more: connections on which nothing was read for long, those of strangers
//! who stay too long, and those whose certificate has ended meanwhile. It costs each connection one number instead of a
//! timer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certs::SharedClock;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use crate::service::Meters;

/// Seconds that the sweeper counted; a machine's clock may jump, this does not.
#[derive(Clone, Debug, Default)]
pub struct Ticks(Arc<AtomicU32>);

/// Every connection.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    /// Places that are taken: by those that are open, and by those whose handshake waits or is going on.
    taken: AtomicUsize,
    ticks: Ticks,
    /// Where it is told how many are open.
    meters: Arc<Meters>,
}

/// A connection's place, from before its handshake on. Dropping it frees the place.
#[derive(Debug)]
pub struct Place(Connections);

/// A connection among all that are open. Dropping it takes it out, and frees its place.
#[derive(Debug)]
pub struct Listed {
    place: Place,
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
    /// None yet.
    pub fn new(meters: Arc<Meters>) -> Self {
        Self(Arc::new(Inner {
            open: Mutex::default(),
            next: AtomicU64::default(),
            taken: AtomicUsize::default(),
            ticks: Ticks::default(),
            meters,
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock that connections are timed by.
    pub fn ticks(&self) -> Ticks {
        self.0.ticks.clone()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open().len()
    }

    /// A place for one more; `None` if `most` are taken.
    pub fn enter(&self, most: usize) -> Option<Place> {
        let one_more = |taken| (taken < most).then_some(taken + 1);
        let entered = self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        entered.ok().map(|_| Place(self.clone()))
    }

    /// A connection is open, at the place it took when it came.
    pub fn list(place: Place, connection: Arc<Connection>) -> Listed {
        let number = place.0.0.next.fetch_add(1, Ordering::Relaxed);
        let mut open = place.0.open();
        open.insert(number, connection);
        place.0.0.meters.set_connections(open.len());
        drop(open);
        Listed { place, number }
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

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut open = self.place.0.open();
        open.remove(&self.number);
        self.place.0.0.meters.set_connections(open.len());
    }
}
