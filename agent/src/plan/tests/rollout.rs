//! Roll-outs: canaries alone and first, so many at once, one per place, and nothing after a failure.

use proptest::prelude::*;

use super::super::*;

fn name(n: usize) -> DeviceName {
    format!("camera-{n}").parse().unwrap()
}

#[test]
fn canaries_go_first_and_alone_and_a_failure_halts_the_rest() {
    let rules = RollOut { at_once: 4, canary: vec![name(2)], places: BTreeMap::new() };
    let mut rollout = Rollout::new((0..4).map(name), rules);
    assert_eq!(rollout.decide(), Next::Start(name(2)));
    assert_eq!(rollout.decide(), Next::Wait);
    rollout.ended(&name(2), Ended::Badly("it lost its video".to_owned()));
    assert_eq!(rollout.halted(), Some("camera-2: it lost its video"));
    assert_eq!(rollout.decide(), Next::Over { left: vec![name(0), name(1), name(3)] });
}

#[test]
fn those_that_run_when_one_fails_are_waited_for() {
    let rules = RollOut { at_once: 2, ..RollOut::default() };
    let mut rollout = Rollout::new((0..3).map(name), rules);
    assert_eq!(rollout.decide(), Next::Start(name(0)));
    assert_eq!(rollout.decide(), Next::Start(name(1)));
    rollout.ended(&name(0), Ended::Badly("x".to_owned()));
    assert_eq!(rollout.decide(), Next::Wait);
    rollout.ended(&name(1), Ended::Well);
    assert_eq!(rollout.decide(), Next::Over { left: vec![name(2)] });
}

#[test]
fn when_the_window_ends_nothing_more_is_taken_up_and_nothing_is_broken_off() {
    let rules = RollOut { at_once: 1, ..RollOut::default() };
    let mut rollout = Rollout::new((0..2).map(name), rules);
    assert_eq!(rollout.decide(), Next::Start(name(0)));
    rollout.close();
    assert_eq!(rollout.decide(), Next::Wait);
    rollout.ended(&name(0), Ended::Well);
    assert_eq!(rollout.decide(), Next::Over { left: vec![name(1)] });
    assert_eq!(rollout.halted(), None);
}

proptest! {
    #[test]
    fn never_too_many_at_once_never_two_of_a_place_and_everybody_in_the_end(
        devices in 1usize..12,
        at_once in 0u16..5,
        canaries in proptest::collection::btree_set(0usize..12, 0..3),
        places in proptest::collection::vec((0usize..12, 0usize..3), 0..12),
        choices in proptest::collection::vec(any::<usize>(), 60),
        fails in proptest::option::of(0usize..12),
    ) {
        let mut rules = RollOut {
            at_once,
            canary: canaries.iter().copied().map(name).collect(),
            places: BTreeMap::new(),
        };
        for (device, place) in places {
            rules.places.entry(name(device)).or_default().insert(format!("place {place}"));
        }
        let mut rollout = Rollout::new((0..devices).map(name), rules.clone());
        let (mut running, mut done, mut choices) = (Vec::<DeviceName>::new(), 0, choices.into_iter());
        let mut failed = false;
        let left = loop {
            match rollout.decide() {
                Next::Start(device) => {
                    prop_assert!(!failed, "nothing starts after a failure");
                    let is_canary = rules.canary.contains(&device);
                    prop_assert!(!is_canary || running.is_empty());
                    prop_assert!(!running.iter().any(|other| rules.canary.contains(other)));
                    let none = BTreeSet::new();
                    let places = |device| rules.places.get(device).unwrap_or(&none);
                    let shared = running.iter().any(|it| !places(it).is_disjoint(places(&device)));
                    prop_assert!(!shared, "two of one place");
                    running.push(device);
                    prop_assert!(running.len() <= usize::from(at_once.max(1)));
                }
                Next::Wait => {
                    let choice = choices.next().unwrap_or_default() % running.len();
                    let device = running.swap_remove(choice);
                    let bad = fails.map(name) == Some(device.clone());
                    failed |= bad;
                    let how = if bad { Ended::Badly("x".to_owned()) } else { Ended::Well };
                    rollout.ended(&device, how);
                    done += 1;
                }
                Next::Over { left } => break left,
            }
        };
        prop_assert!(running.is_empty());
        prop_assert_eq!(done + left.len(), devices);
        prop_assert!(failed || left.is_empty(), "without a failure nobody is left");
    }
}
