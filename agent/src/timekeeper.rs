//! What time it is, on a machine that may have started in 1970. Pure: every reading of a clock is an argument.
//!
//! Three things are known of the time. The *floor* is a time that has passed for certain: the controller once told it,
//! and since then the machine ran for so long. It never moves back. The *system clock* is believed as long as it is not
//! below the floor and nobody better has spoken. The *controller* is believed over the system clock: from then on until
//! the program ends, time runs by the machine's monotonic clock, and the system clock may jump as it likes. A system
//! clock ahead of everything is never entered into the floor, since nobody could take it back out.
//!
//! While the time is unknown, nobody judges a lifetime.

use proto::Timestamp;

/// The floor on disk may be so much older than the floor, in seconds.
const HOUR: i64 = 3600;
/// A controller whose time is below the floor by more than this contradicts itself, in seconds.
const SLACK: i64 = 60;

/// Two clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The system clock, which anybody may set.
    pub system: Timestamp,
    /// Seconds since any moment of this run; never less than in an earlier reading.
    pub mono: u64,
}

/// How far the time is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It is not: what is given is the floor, and no lifetime may be judged.
    Unknown,
    /// The system clock says so, and nothing speaks against it.
    System,
    /// The controller said so during this run.
    Confirmed,
}

impl Belief {
    /// Whether lifetimes may be judged.
    pub fn is_known(self) -> bool {
        match self {
            Self::Unknown => false,
            Self::System | Self::Confirmed => true,
        }
    }
}

/// What came of hearing the controller's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It is believed; so many seconds were added to what was believed before.
    Moved(i64),
    /// It is so many seconds before a time that has certainly passed. One of the two was wrong, so the time is unknown.
    BelowFloor(i64),
}

/// Knows the time, or knows that it does not.
#[derive(Clone, Debug)]
pub struct Timekeeper {
    /// Had passed at `floor_mono`.
    floor: Timestamp,
    floor_mono: u64,
    /// The floor on disk.
    persisted: Timestamp,
    controller: Controller,
}

/// What the controller said last in this run.
#[derive(Clone, Copy, Debug)]
enum Controller {
    Silent,
    Said {
        time: Timestamp,
        mono: u64,
    },
    /// Something that cannot be.
    Absurd,
}

impl Timekeeper {
    /// At the start of a run. `persisted` is the floor on disk; without one, 1970.
    pub fn new(persisted: Timestamp, mono: u64) -> Self {
        let controller = Controller::Silent;
        Self { floor: persisted, floor_mono: mono, persisted, controller }
    }

    /// The time that has passed for certain.
    pub fn floor(&self, mono: u64) -> Timestamp {
        later(self.floor, mono.saturating_sub(self.floor_mono))
    }

    /// The present, never below the floor, and how far it is believed.
    pub fn now(&self, reading: Reading) -> (Timestamp, Belief) {
        let floor = self.floor(reading.mono);
        match self.controller {
            Controller::Said { time, mono } => {
                let now = later(time, reading.mono.saturating_sub(mono));
                (now.max(floor), Belief::Confirmed)
            }
            Controller::Silent if reading.system >= floor => (reading.system, Belief::System),
            Controller::Silent | Controller::Absurd => (floor, Belief::Unknown),
        }
    }

    /// Takes the controller's time over. It must come from a controller that has proven who it is.
    pub fn learn(&mut self, time: Timestamp, reading: Reading) -> Learned {
        let floor = self.floor(reading.mono);
        let (before, _) = self.now(reading);
        let below = floor.seconds_since(time);
        if below > SLACK {
            self.controller = Controller::Absurd;
            return Learned::BelowFloor(below);
        }
        let time = time.max(floor);
        self.controller = Controller::Said { time, mono: reading.mono };
        (self.floor, self.floor_mono) = (time, reading.mono);
        Learned::Moved(time.seconds_since(before))
    }

    /// How far the system clock is ahead of the time that the controller confirmed, in seconds; negative if it is
    /// behind. Nothing while the controller has confirmed none.
    pub fn clock_offset(&self, reading: Reading) -> Option<i64> {
        match self.now(reading) {
            (now, Belief::Confirmed) => Some(reading.system.seconds_since(now)),
            (_, Belief::System | Belief::Unknown) => None,
        }
    }

    /// The floor, if it should be written to disk: it is an hour ahead of the one there.
    pub fn floor_due(&self, mono: u64) -> Option<Timestamp> {
        let floor = self.floor(mono);
        (floor.seconds_since(self.persisted) >= HOUR).then_some(floor)
    }

    /// The floor that is on disk now.
    pub fn floor_written(&mut self, floor: Timestamp) {
        self.persisted = self.persisted.max(floor);
    }
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_unix(time.unix().saturating_add(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: i64 = 365 * 86_400;
    const FLOOR: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn reading(system: i64, mono: u64) -> Reading {
        Reading { system: at(system), mono }
    }

    fn started() -> Timekeeper {
        Timekeeper::new(at(FLOOR), 0)
    }

    #[test]
    fn a_clock_that_starts_in_1970_is_not_believed_until_it_is_set() {
        let keeper = started();
        assert_eq!(keeper.now(reading(12, 0)), (at(FLOOR), Belief::Unknown));
        assert_eq!(keeper.now(reading(72, 60)), (at(FLOOR + 60), Belief::Unknown));
        let set = FLOOR + 5000;
        assert_eq!(keeper.now(reading(set, 70)), (at(set), Belief::System));
        assert_eq!(keeper.now(reading(set + 9, 79)), (at(set + 9), Belief::System));
    }

    #[test]
    fn a_clock_just_below_the_floor_is_not_believed() {
        assert_eq!(started().now(reading(FLOOR - 1, 0)).1, Belief::Unknown);
        assert_eq!(started().now(reading(FLOOR, 0)).1, Belief::System);
        // The floor rises while the machine runs: this clock stands still.
        assert_eq!(started().now(reading(FLOOR, 100)), (at(FLOOR + 100), Belief::Unknown));
    }

    #[test]
    fn the_controller_is_believed_over_a_clock_that_starts_in_1970() {
        let mut keeper = started();
        let told = FLOOR + YEAR;
        assert_eq!(keeper.learn(at(told), reading(30, 30)), Learned::Moved(YEAR - 30));
        assert_eq!(keeper.now(reading(40, 40)), (at(told + 10), Belief::Confirmed));
        assert_eq!(keeper.clock_offset(reading(40, 40)), Some(40 - told - 10));
    }

    #[test]
    fn a_clock_that_jumps_is_not_believed_over_the_controller_until_it_confirms() {
        let mut keeper = started();
        keeper.learn(at(FLOOR + 10), reading(FLOOR + 10, 10));
        for system in [FLOOR + 90 * 86_400, 0, FLOOR - 1, i64::MAX] {
            assert_eq!(keeper.now(reading(system, 20)), (at(FLOOR + 20), Belief::Confirmed));
        }
        let later = FLOOR + 90 * 86_400;
        keeper.learn(at(later), reading(later, 30));
        assert_eq!(keeper.now(reading(later, 30)), (at(later), Belief::Confirmed));
        assert_eq!(keeper.clock_offset(reading(later, 30)), Some(0));
    }

    #[test]
    fn a_clock_far_in_the_future_is_believed_until_the_controller_speaks_and_leaves_no_trace() {
        let mut keeper = started();
        let future = FLOOR + 50 * YEAR;
        assert_eq!(keeper.now(reading(future, 0)), (at(future), Belief::System));
        assert_eq!(keeper.floor_due(10), None);
        assert_eq!(
            keeper.learn(at(FLOOR + 500), reading(future + 10, 10)),
            Learned::Moved(490 - 50 * YEAR)
        );
        assert_eq!(keeper.now(reading(future + 20, 20)), (at(FLOOR + 510), Belief::Confirmed));
        assert_eq!(keeper.floor(20), at(FLOOR + 510));
    }

    #[test]
    fn a_controller_far_below_the_floor_makes_the_time_unknown() {
        let mut keeper = started();
        let told = keeper.learn(at(FLOOR - 61), reading(FLOOR + 9, 0));
        assert_eq!(told, Learned::BelowFloor(61));
        assert_eq!(keeper.now(reading(FLOOR + 9, 0)), (at(FLOOR), Belief::Unknown));
        assert_eq!(keeper.learn(at(FLOOR - 59), reading(FLOOR + 9, 1)), Learned::Moved(0));
        assert_eq!(keeper.now(reading(FLOOR + 9, 1)), (at(FLOOR + 1), Belief::Confirmed));
    }

    #[test]
    fn the_floor_is_written_once_an_hour_and_when_the_controller_moves_it_far() {
        let mut keeper = started();
        assert_eq!(keeper.floor_due(3599), None);
        assert_eq!(keeper.floor_due(3600), Some(at(FLOOR + 3600)));
        keeper.floor_written(at(FLOOR + 3600));
        assert_eq!(keeper.floor_due(7199), None);
        keeper.learn(at(FLOOR + YEAR), reading(0, 7200));
        assert_eq!(keeper.floor_due(7200), Some(at(FLOOR + YEAR)));
        keeper.floor_written(at(FLOOR + YEAR));
        keeper.learn(at(FLOOR + YEAR + 60), reading(0, 7260));
        assert_eq!(keeper.floor_due(7260), None);
    }

    /// One thing that happens: seconds pass, the system clock is set, the controller speaks, or the program restarts.
    #[derive(Clone, Debug)]
    enum Event {
        Passes(u32),
        Set(i64),
        Hears(i64),
        Writes,
        Restarts,
    }

    fn event() -> impl Strategy<Value = Event> {
        let time = prop_oneof![Just(0), Just(i64::MAX), Just(i64::MIN), FLOOR - YEAR..FLOOR + YEAR];
        prop_oneof![
            (0u32..10_000_000).prop_map(Event::Passes),
            time.clone().prop_map(Event::Set),
            time.prop_map(Event::Hears),
            Just(Event::Writes),
            Just(Event::Restarts),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_floor_only_rises_and_now_stays_above_it(
            events in proptest::collection::vec(event(), 0..40)
        ) {
            let (mut keeper, mut on_disk) = (started(), at(FLOOR));
            let (mut system, mut mono) = (FLOOR, 0_u64);
            let (mut floor, mut heard) = (keeper.floor(0), None::<(i64, u64)>);
            for event in events {
                match event {
                    Event::Passes(seconds) => {
                        system = system.saturating_add(seconds.into());
                        mono += u64::from(seconds);
                    }
                    Event::Set(time) => system = time,
                    Event::Hears(time) => {
                        let read = reading(system, mono);
                        heard = match keeper.learn(at(time), read) {
                            Learned::Moved(_) => Some((keeper.now(read).0.unix(), mono)),
                            Learned::BelowFloor(_) => None,
                        };
                    }
                    Event::Writes => if let Some(due) = keeper.floor_due(mono) {
                        prop_assert!(due > on_disk);
                        on_disk = due;
                        keeper.floor_written(due);
                    },
                    Event::Restarts => {
                        keeper = Timekeeper::new(on_disk, mono);
                        (floor, heard) = (on_disk, None);
                    }
                }
                prop_assert!(keeper.floor(mono) >= floor, "the floor fell");
                floor = keeper.floor(mono);
                let (now, belief) = keeper.now(reading(system, mono));
                prop_assert!(now >= floor, "now is below the floor");
                match belief {
                    Belief::Confirmed => {
                        let (time, since) = heard.expect("somebody spoke");
                        let elapsed = i64::try_from(mono - since).unwrap();
                        prop_assert_eq!(now, at(time.saturating_add(elapsed)));
                    }
                    Belief::System => prop_assert_eq!(now, at(system)),
                    Belief::Unknown => prop_assert_eq!(now, floor),
                }
            }
        }
    }
}
