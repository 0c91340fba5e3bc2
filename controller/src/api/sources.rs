//! How much of the port each source address takes, so that one that opens thousands of half-open handshakes keeps nobody
//! else waiting.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::limits::{Bounds, origin};

/// Every source that takes something.
#[derive(Clone, Debug)]
pub struct Sources {
    shared: Arc<Mutex<HashMap<IpAddr, Use>>>,
    handshakes: usize,
    waiting: usize,
    strangers: usize,
}

#[derive(Debug)]
struct Use {
    waiting: usize,
    strangers: usize,
    handshakes: Arc<Semaphore>,
}

/// A connection whose handshake waits or is going on. Dropping it gives back what it took.
#[derive(Debug)]
pub struct Waiting {
    sources: Sources,
    origin: IpAddr,
    /// Handshakes of this source that may go on.
    pub handshakes: Arc<Semaphore>,
}

/// A stranger's open connection. Dropping it gives back what it took.
#[derive(Debug)]
pub struct Stay {
    sources: Sources,
    origin: IpAddr,
}

impl Sources {
    /// Nobody yet.
    pub fn new(bounds: &Bounds) -> Self {
        Self {
            shared: Arc::default(),
            handshakes: bounds.handshakes_per_source,
            waiting: bounds.waiting_per_source,
            strangers: bounds.strangers_per_source,
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<IpAddr, Use>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection comes in; `None` if its source has too many that wait.
    pub fn enter(&self, address: IpAddr) -> Option<Waiting> {
        let origin = origin(address);
        let mut uses = self.uses();
        let taken = uses.entry(origin).or_insert_with(|| Use {
            waiting: 0,
            strangers: 0,
            handshakes: Arc::new(Semaphore::new(self.handshakes)),
        });
        if taken.waiting >= self.waiting {
            return None;
        }
        taken.waiting += 1;
        let handshakes = taken.handshakes.clone();
        Some(Waiting { sources: self.clone(), origin, handshakes })
    }

    fn leave(&self, origin: IpAddr, give_back: impl FnOnce(&mut Use)) {
        let mut uses = self.uses();
        let Some(taken) = uses.get_mut(&origin) else { return };
        give_back(taken);
        if taken.waiting == 0 && taken.strangers == 0 {
            uses.remove(&origin);
        }
    }
}

impl Waiting {
    /// The handshake is over and whoever came has no certificate; `None` if there are too many such from there.
    pub fn stay(&self) -> Option<Stay> {
        let mut uses = self.sources.uses();
        let taken = uses.get_mut(&self.origin)?;
        if taken.strangers >= self.sources.strangers {
            return None;
        }
        taken.strangers += 1;
        Some(Stay { sources: self.sources.clone(), origin: self.origin })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.sources.leave(self.origin, |taken| taken.waiting -= 1);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.sources.leave(self.origin, |taken| taken.strangers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_bounded_and_what_it_gives_back_can_be_taken_again() {
        let bounds = Bounds {
            waiting_per_source: 2,
            strangers_per_source: 1,
            ..Bounds::new(&crate::config::Limits::default())
        };
        let sources = Sources::new(&bounds);
        let (one, other) = (IpAddr::from([192, 0, 2, 7]), IpAddr::from([192, 0, 2, 8]));
        let first = sources.enter(one).unwrap();
        let second = sources.enter(one).unwrap();
        assert!(sources.enter(one).is_none());
        assert!(sources.enter(other).is_some());
        let stay = first.stay().unwrap();
        assert!(second.stay().is_none());
        drop((first, second));
        assert!(sources.enter(one).unwrap().stay().is_none());
        drop(stay);
        assert!(sources.uses().is_empty());
    }
}
