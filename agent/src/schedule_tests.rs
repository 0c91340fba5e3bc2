//! Tables, and a site that lives through anything.

use proptest::prelude::*;

use super::*;
use FailureClass::{Nonsense, Refused, Rejected, Unreachable, Unsupported};

const DAY: u64 = 86_400;

fn names(count: usize) -> Vec<DeviceName> {
    (0..count).map(|number| format!("cam-{number:02}").parse().unwrap()).collect()
}

fn schedule(count: usize, jitter: f64) -> Schedule {
    let mut schedule = Schedule::new(INTERVAL);
    schedule.devices(&names(count), 0, || jitter);
    schedule
}

fn only(schedule: &mut Schedule, now: u64) -> Option<bool> {
    schedule.take(now).map(|visit| visit.ordered)
}

#[test]
fn first_visits_are_spread_over_a_minute_and_later_ones_keep_their_distance() {
    let mut schedule = Schedule::new(INTERVAL);
    let mut jitters = [-1.0, 0.0, 1.0].into_iter();
    let all = names(3);
    schedule.devices(&all, 1000, || jitters.next().unwrap());
    for (name, first, second) in [(0, 1000, 4240), (1, 1030, 4630), (2, 1060, 5020)] {
        assert_eq!(schedule.next(), Some(first));
        assert_eq!(schedule.take(first - 1), None);
        assert_eq!(schedule.take(first).unwrap().device, all[name]);
        schedule.done(&all[name], Ended::Seen, first);
        let mut alone = schedule.clone();
        alone.devices([&all[name]], first, || 0.0);
        assert_eq!(alone.next(), Some(second));
    }
}

#[test]
fn a_failing_device_is_visited_more_and_more_seldom() {
    let table = [
        (Unreachable, [300, 600, 1200, 2400, 4800, 9600, 19_200, 21_600, 21_600]),
        (Rejected, [300, 600, 1200, 2400, 4800, 9600, 19_200, 21_600, 21_600]),
        (Refused, [60, 7200, 14_400, 21_600, 21_600, 21_600, 21_600, 21_600, 21_600]),
        (Nonsense, [3600, 7200, 14_400, 21_600, 21_600, 21_600, 21_600, 21_600, 21_600]),
        (Unsupported, [3600, 7200, 14_400, 21_600, 21_600, 21_600, 21_600, 21_600, 21_600]),
    ];
    let name = &names(1)[0];
    for (class, waits) in table {
        let (mut schedule, mut now) = (schedule(1, 0.0), 30);
        for wait in waits {
            assert!(schedule.take(now).is_some());
            schedule.done(name, Ended::Failed(class), now);
            assert_eq!(schedule.next(), Some(now + wait), "{class:?}");
            now += wait;
        }
        assert!(schedule.take(now).is_some());
        schedule.done(name, Ended::Seen, now);
        assert_eq!((schedule.next(), schedule.failures(name)), (Some(now + INTERVAL), 0));
    }
}

#[test]
fn an_interval_longer_than_the_back_off_is_not_shortened_by_failing() {
    let name = &names(1)[0];
    let mut schedule = Schedule::new(DAY);
    schedule.devices([name], 0, || 0.0);
    schedule.take(DAY).unwrap();
    schedule.done(name, Ended::Failed(Nonsense), DAY);
    assert_eq!(schedule.next(), Some(2 * DAY));
}

#[test]
fn an_order_comes_first_and_waits_for_the_visit_under_way() {
    let mut schedule = schedule(2, 0.0);
    let all = names(2);
    assert!(schedule.order(&all[1]));
    assert!(!schedule.order(&"nobody".parse().unwrap()));
    assert_eq!(schedule.next(), Some(0));
    assert_eq!(schedule.take(0), Some(Visit { device: all[1].clone(), ordered: true }));
    schedule.order(&all[1]);
    assert_eq!(only(&mut schedule, 0), None);
    schedule.done(&all[1], Ended::Failed(Refused), 5);
    assert_eq!(schedule.take(5), Some(Visit { device: all[1].clone(), ordered: true }));
}

#[test]
fn a_device_that_stays_keeps_its_turn_and_one_that_leaves_is_forgotten() {
    let mut schedule = schedule(3, 0.0);
    let all = names(3);
    schedule.take(40).unwrap();
    schedule.devices(&all[..2], 50, || 1.0);
    assert_eq!(schedule.take(50).unwrap().device, all[1]);
    assert_eq!(schedule.take(50), None, "one is under way, and one is gone");
    schedule.done(&all[2], Ended::Seen, 60);
    assert_eq!(schedule.next(), None);
}

#[test]
fn a_shorter_interval_holds_at_once() {
    let mut schedule = schedule(1, 0.0);
    let name = &names(1)[0];
    schedule.take(30).unwrap();
    schedule.done(name, Ended::Seen, 30);
    schedule.interval(600, 100);
    assert_eq!(schedule.next(), Some(700));
    schedule.interval(1, 100);
    assert_eq!(schedule.next(), Some(100 + SHORTEST));
}

#[test]
fn what_failed_is_hastened_when_something_changed() {
    let mut schedule = schedule(2, 0.0);
    let all = names(2);
    for (name, ended) in all.iter().zip([Ended::Seen, Ended::Failed(Nonsense)]) {
        schedule.take(30).unwrap();
        schedule.done(name, ended, 30);
    }
    assert_eq!((schedule.failing(), schedule.take(40)), (1, None));
    schedule.hasten_failing(40);
    assert_eq!(schedule.take(40), Some(Visit { device: all[1].clone(), ordered: false }));
    assert_eq!(schedule.take(40), None);
}

/// What may happen on a site: time passes, by a second or by 90 days, a visit ends, or somebody asks for one.
#[derive(Clone, Debug)]
enum Event {
    Passes(u64),
    Ends(usize, Ended),
    Ordered(usize),
    Restarts,
}

fn event() -> impl Strategy<Value = Event> {
    let ended = prop_oneof![
        Just(Ended::Seen),
        Just(Ended::Failed(Unreachable)),
        Just(Ended::Failed(Refused)),
        Just(Ended::Failed(Nonsense)),
    ];
    prop_oneof![
        3 => prop_oneof![0u64..900, Just(90 * DAY)].prop_map(Event::Passes),
        4 => (0usize..20, ended).prop_map(|(place, ended)| Event::Ends(place, ended)),
        1 => (0usize..20).prop_map(Event::Ordered),
        1 => Just(Event::Restarts),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_nobody_is_visited_twice_at_once_too_often_or_never(
        count in 1usize..20,
        jitter in -1.0f64..1.0,
        events in proptest::collection::vec(event(), 1..200),
    ) {
        const SLOTS: usize = 4;
        let all = names(count);
        let mut schedule = Schedule::new(INTERVAL);
        schedule.devices(&all, 0, || jitter);
        let (mut now, mut running) = (0_u64, Vec::<DeviceName>::new());
        let mut ended_at = BTreeMap::<DeviceName, (u64, Ended)>::new();
        for event in events {
            match event {
                Event::Passes(seconds) => now += seconds,
                Event::Ends(place, ended) => if !running.is_empty() {
                    let name = running.remove(place % running.len());
                    schedule.done(&name, ended, now);
                    ended_at.insert(name, (now, ended));
                },
                Event::Ordered(place) => prop_assert!(schedule.order(&all[place % count])),
                Event::Restarts => {
                    schedule = Schedule::new(INTERVAL);
                    schedule.devices(&all, now, || jitter);
                    (running, ended_at) = (Vec::new(), BTreeMap::new());
                }
            }
            while running.len() < SLOTS {
                let Some(visit) = schedule.take(now) else { break };
                prop_assert!(!running.contains(&visit.device), "two visits at once");
                if let (Some((then, Ended::Seen)), false) = (ended_at.get(&visit.device), visit.ordered) {
                    prop_assert!(now - then >= INTERVAL * 9 / 10, "too early");
                }
                running.push(visit.device);
            }
        }
        // From here on every visit ends at once: each device has its turn within the longest back-off and a tenth.
        for name in std::mem::take(&mut running) {
            schedule.done(&name, Ended::Failed(Refused), now);
        }
        let end = now + LONGEST_BACK_OFF * 11 / 10 + 1;
        let mut visited = std::collections::BTreeSet::new();
        while let Some(next) = schedule.next().filter(|next| *next <= end) {
            let visit = schedule.take(next.max(now)).expect("it is due");
            schedule.done(&visit.device, Ended::Seen, next.max(now));
            visited.insert(visit.device);
        }
        prop_assert_eq!(visited.len(), count);
    }
}
