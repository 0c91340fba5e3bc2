//! A clock that a test turns by hand. Whoever waits for a point in time is woken when it is turned.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use certs::Clock;
use proto::Timestamp;
use tokio::sync::Notify;

/// See the module. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    seconds: Arc<AtomicI64>,
    turned: Arc<Notify>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { seconds: Arc::new(AtomicI64::new(now.unix())), turned: Arc::default() }
    }

    /// Turns it, forward or back, to `now`.
    pub fn set(&self, now: Timestamp) {
        self.seconds.store(now.unix(), Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// Turns it on (or, with a negative number, back) by so many seconds.
    pub fn turn(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
        self.turned.notify_waiters();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.seconds.load(Ordering::SeqCst))
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.turned.notified())
    }
}
