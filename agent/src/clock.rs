//! The one place that asks what time it is, and the one way to wait for a point in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certs::{Clock, SharedClock, SystemClock};
use proto::Timestamp;
use tokio::sync::Notify;

use crate::timekeeper::{Belief, Learned, Reading, Timekeeper};

/// The longest nap, so that a machine whose clock was set is noticed.
const NAP: Duration = Duration::from_secs(30);

/// The present, by this machine's clock.
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// Waits until the clock shows `until`, also when somebody sets the clock meanwhile.
pub async fn wait_until(clock: &dyn Clock, until: Timestamp) {
    loop {
        // Before the look at the clock: what moves it in between is heard.
        let moved = clock.moved();
        let left = until.seconds_since(clock.now());
        let Ok(left @ 1..) = u64::try_from(left) else { return };
        let nap = Duration::from_secs(left).min(NAP);
        tokio::select! {
            () = tokio::time::sleep(nap) => {}
            () = moved => {}
        }
    }
}

/// Seconds of this run, by a clock that nobody can set.
pub type Monotonic = Box<dyn Fn() -> u64 + Send + Sync>;

/// The machine's monotonic clock, from now on.
pub fn monotonic() -> Monotonic {
    let start = tokio::time::Instant::now();
    Box::new(move || start.elapsed().as_secs())
}

/// The clock of an enrolled agent: a [`Timekeeper`] over the system clock and a monotonic one.
pub struct AgentClock {
    system: SharedClock,
    monotonic: Monotonic,
    keeper: Mutex<Timekeeper>,
    learned: Notify,
}

impl AgentClock {
    /// At the start of a run; `floor` is the one on disk, without one 1970.
    pub fn new(system: SharedClock, monotonic: Monotonic, floor: Timestamp) -> Self {
        let keeper = Mutex::new(Timekeeper::new(floor, monotonic()));
        Self { system, monotonic, keeper, learned: Notify::new() }
    }

    /// Seconds of this run, by the monotonic clock.
    pub fn seconds(&self) -> u64 {
        (self.monotonic)()
    }

    /// Waits until the monotonic clock shows so many seconds.
    pub async fn wait_seconds(&self, until: u64) {
        loop {
            let moved = self.moved();
            let Some(left @ 1..) = until.checked_sub(self.seconds()) else { return };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(left).min(NAP)) => {}
                () = moved => {}
            }
        }
    }

    /// The present, never below the floor, and how far it is believed.
    pub fn read(&self) -> (Timestamp, Belief) {
        self.keeper().now(self.reading())
    }

    /// Whether lifetimes may be judged.
    pub fn is_known(&self) -> bool {
        self.read().1.is_known()
    }

    /// Takes over the time of a controller that has proven who it is.
    pub fn learn(&self, time: Timestamp) -> Learned {
        let reading = self.reading();
        let learned = self.keeper().learn(time, reading);
        match learned {
            Learned::Moved(0) => {}
            Learned::Moved(_) | Learned::BelowFloor(_) => self.learned.notify_waiters(),
        }
        learned
    }

    /// The time that has passed for certain.
    pub fn floor(&self) -> Timestamp {
        self.keeper().floor(self.seconds())
    }

    /// How far the system clock is ahead of the confirmed time, in seconds; nothing while none is confirmed.
    pub fn offset(&self) -> Option<i64> {
        self.keeper().clock_offset(self.reading())
    }

    /// The floor, if it should be written to disk now.
    pub fn floor_due(&self) -> Option<Timestamp> {
        self.keeper().floor_due(self.seconds())
    }

    /// The floor that is on disk now.
    pub fn floor_written(&self, floor: Timestamp) {
        self.keeper().floor_written(floor);
    }

    fn reading(&self) -> Reading {
        Reading { system: self.system.now(), mono: self.seconds() }
    }

    fn keeper(&self) -> MutexGuard<'_, Timekeeper> {
        // Nothing in there panics half way, so what a panic elsewhere left behind is whole.
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AgentClock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("AgentClock").field(&self.read()).finish()
    }
}

impl Clock for AgentClock {
    fn now(&self) -> Timestamp {
        self.read().0
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let (learned, set) = (self.learned.notified(), self.system.moved());
        Box::pin(async move {
            tokio::select! {
                () = learned => {}
                () = set => {}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use super::*;

    /// A clock that a test sets.
    #[derive(Debug)]
    struct Hand(AtomicI64, Notify);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(self.0.load(Ordering::SeqCst))
        }

        fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(self.1.notified())
        }
    }

    fn clock(system: i64, floor: i64) -> (Arc<Hand>, Arc<AtomicU64>, AgentClock) {
        let hand = Arc::new(Hand(AtomicI64::new(system), Notify::new()));
        let ran = Arc::new(AtomicU64::new(0));
        let seconds = ran.clone();
        let monotonic = Box::new(move || seconds.load(Ordering::SeqCst));
        let clock = AgentClock::new(hand.clone(), monotonic, Timestamp::from_unix(floor));
        (hand, ran, clock)
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn who_waits_is_woken_when_the_controller_moves_the_time() {
        let (_, _, clock) = clock(5, 1_000_000);
        let until = Timestamp::from_unix(2_000_000);
        run(async {
            let told = async { clock.learn(Timestamp::from_unix(2_000_001)) };
            let ((), learned) = tokio::join!(wait_until(&clock, until), told);
            assert_eq!(learned, Learned::Moved(1_000_001));
        });
        assert_eq!(clock.read(), (Timestamp::from_unix(2_000_001), Belief::Confirmed));
        assert_eq!(clock.offset(), Some(5 - 2_000_001));
    }

    #[test]
    fn who_waits_is_woken_when_the_system_clock_is_set() {
        let (hand, _, clock) = clock(1_000_000, 1_000_000);
        run(async {
            let set = async {
                hand.0.store(3_000_000, Ordering::SeqCst);
                hand.1.notify_waiters();
            };
            tokio::join!(wait_until(&clock, Timestamp::from_unix(2_000_000)), set);
        });
        assert_eq!(clock.read().1, Belief::System);
    }

    #[test]
    fn the_floor_is_due_after_an_hour_of_running() {
        let (_, ran, clock) = clock(0, 1_000_000);
        assert!(!clock.is_known() && clock.floor_due().is_none());
        ran.store(3600, Ordering::SeqCst);
        let due = clock.floor_due().unwrap();
        assert_eq!((due, clock.now()), (clock.floor(), clock.floor()));
        clock.floor_written(due);
        assert_eq!(clock.floor_due(), None);
    }
}
