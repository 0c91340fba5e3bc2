//! The one place that asks what time it is, and the one way to wait for a point in time.

use std::time::Duration;

use certs::{Clock, SystemClock};
use proto::Timestamp;

/// The longest nap, so that a machine whose clock was set is noticed.
const NAP: Duration = Duration::from_secs(30);

/// The present, by this machine's clock.
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// Waits until the clock shows `until`, also when somebody sets the clock meanwhile.
pub async fn wait_until(clock: &dyn Clock, until: Timestamp) {
    loop {
        let left = until.seconds_since(clock.now());
        let Ok(left @ 1..) = u64::try_from(left) else { return };
        let nap = Duration::from_secs(left).min(NAP);
        tokio::select! {
            () = tokio::time::sleep(nap) => {}
            () = clock.moved() => {}
        }
    }
}
