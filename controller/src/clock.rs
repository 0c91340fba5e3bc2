//! Waiting for a point in time by a clock that may be set, or turned by a test.

use std::time::Duration;

use certs::Clock;
use proto::Timestamp;

/// A wait is cut into pieces of this length, for clocks that are set meanwhile.
const NAP: Duration = Duration::from_secs(60);

/// Waits until the clock shows `until`, also when somebody sets the clock meanwhile.
pub async fn wait_until(clock: &dyn Clock, until: Timestamp) {
    loop {
        // Before the look at the clock: what moves it in between is heard.
        let moved = clock.moved();
        let left = until.seconds_since(clock.now());
        let Ok(left @ 1..) = u64::try_from(left) else { return };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(left).min(NAP)) => {}
            () = moved => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// A clock that is turned right after somebody has looked at it.
    #[derive(Debug)]
    struct Turned {
        now: AtomicI64,
        by: i64,
        turned: Notify,
    }

    impl Clock for Turned {
        fn now(&self) -> Timestamp {
            let now = self.now.fetch_add(self.by, Ordering::SeqCst);
            self.turned.notify_waiters();
            Timestamp::from_unix(now)
        }

        fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(self.turned.notified())
        }
    }

    #[tokio::test]
    async fn a_turn_between_the_look_and_the_wait_is_heard() {
        let clock = Turned { now: AtomicI64::new(0), by: 500, turned: Notify::new() };
        let waits = wait_until(&clock, Timestamp::from_unix(1000));
        let long = Duration::from_secs(30);
        tokio::time::timeout(long, waits).await.expect("the turn was not heard");
        assert_eq!(clock.now.load(Ordering::SeqCst), 1500);
    }
}
