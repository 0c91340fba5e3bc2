//! Stories of the machine that a person would ask about; the rest is in `explore`.

use proto::Timestamp;

use super::due::{Candidate, Choice, Class, Door, Event, Stage, Why, Window, by_age, by_schedule};
use super::due::{choose, opening, span};
use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

const RULES: Rules =
    Rules { escrow: Escrow::Acknowledged, second: Second::None, proof: Proof::Word };

fn pace() -> Pace {
    Pace { due: at(1_000), retry: at(100), again: at(50) }
}

/// Follows the machine, answering each effect with what `answer` says, and tells the effects' names.
fn told(
    rules: Rules,
    mut answer: impl FnMut(&Effect<u8>) -> Outcome<u8>,
) -> (Rotation<u8>, String) {
    let mut rotation = Rotation::adopt(1, at(0));
    let mut words = Vec::new();
    while let Next::Do { state, effect } = rotation.next(&rules, at(0)) {
        words.push(effect.word());
        rotation = state.learn(&effect, answer(&effect), &rules, &pace());
        assert!(words.len() < 40, "{words:?}");
    }
    (rotation, words.join(" "))
}

fn willing(effect: &Effect<u8>) -> Outcome<u8> {
    match effect {
        Effect::Mint(second) => {
            Outcome::Minted { next: 2, second: (*second == Second::Stands).then_some(3) }
        }
        _ => Outcome::Done,
    }
}

#[test]
fn the_good_day_escrows_before_it_installs_and_saves_after_a_fresh_log_in() {
    let (rotation, words) = told(RULES, willing);
    assert_eq!(words, "escrow mint escrow install probe save");
    let Rotation::Settled { live, due, .. } = rotation else { panic!("{rotation:?}") };
    assert_eq!((live.credential, live.safe, due), (2, Safe::Controller, at(1_000)));
}

#[test]
fn the_careful_day_has_a_second_administrator_and_a_reboot() {
    let rules = Rules { second: Second::Stands, proof: Proof::Reboot, ..RULES };
    let (_, words) = told(rules, willing);
    assert_eq!(
        words,
        "escrow mint escrow escrow raise probe install probe lower save reboot probe"
    );
}

#[test]
fn a_device_that_will_not_have_it_keeps_the_old_one_and_is_tried_later() {
    let answer = |effect: &Effect<u8>| match effect {
        Effect::Install { .. } => Outcome::Rejected,
        other => willing(other),
    };
    let (rotation, words) = told(RULES, answer);
    assert_eq!(words, "escrow mint escrow install probe save");
    let Rotation::Settled { live, older, due } = rotation else { panic!("{rotation:?}") };
    assert_eq!((live.credential, older[0].credential, due), (1, 2, at(100)));
}

#[test]
fn a_credential_that_was_used_before_is_never_used_again() {
    let settled = Rotation::adopt(1, at(0));
    let minted = Outcome::Minted { next: 1, second: None };
    let learned = settled.learn(&Effect::Mint(Second::None), minted, &RULES, &pace());
    assert_eq!(learned, Rotation::adopt(1, at(100)));
}

#[test]
fn offline_nothing_is_touched_unless_policy_says_the_vault_will_do() {
    let answer = |effect: &Effect<u8>| match effect {
        Effect::Escrow(_) => Outcome::Kept,
        other => willing(other),
    };
    let mut words = Vec::new();
    let mut rotation = Rotation::adopt(1, at(0));
    for _ in 0..5 {
        let Next::Do { state, effect } = rotation.next(&RULES, at(0)) else { break };
        words.push(effect.word());
        rotation = state.learn(&effect, answer(&effect), &RULES, &pace());
    }
    assert_eq!(words, ["escrow"; 5]);
    let rules = Rules { escrow: Escrow::VaultWillDo, ..RULES };
    let mut rotation = Rotation::adopt(1, at(0));
    let mut words = Vec::new();
    for _ in 0..7 {
        let Next::Do { state, effect } = rotation.next(&rules, at(0)) else { break };
        words.push(effect.word());
        rotation = state.learn(&effect, answer(&effect), &rules, &pace());
    }
    // The last one hands over what the controller does not have yet.
    assert_eq!(words, ["escrow", "mint", "escrow", "install", "probe", "save", "escrow"]);
}

#[test]
fn a_device_that_went_back_to_an_old_backup_is_found_and_brought_forward() {
    let (rotation, _) = told(RULES, willing);
    let mut rotation = rotation.doubt();
    let mut words = Vec::new();
    let mut takes = 1;
    while let Next::Do { state, effect } = rotation.next(&RULES, at(0)) {
        words.push(effect.word());
        let outcome = match &effect {
            Effect::Install { new, .. } => {
                takes = *new;
                Outcome::Unknown
            }
            Effect::Probe(asked) if *asked != takes => Outcome::Refused,
            _ => Outcome::Done,
        };
        rotation = state.learn(&effect, outcome, &RULES, &pace());
    }
    assert_eq!(
        (rotation.trusted(), words.join(" ").as_str()),
        (Some(&2), "probe install probe save")
    );
}

#[test]
fn a_stranded_device_is_asked_slowly_and_for_ever() {
    let mut asked = Vec::new();
    let answer = |effect: &Effect<u8>| match effect {
        Effect::Probe(_) => Outcome::Refused,
        other => willing(other),
    };
    let (mut rotation, words) = told(RULES, answer);
    assert!(words.ends_with("install probe probe"), "{words}");
    for _ in 0..4 {
        assert_eq!(rotation.next(&RULES, at(0)), Next::Sleep { until: at(50) });
        let Next::Do { state, effect } = rotation.next(&RULES, at(50)) else { panic!() };
        asked.extend(effect.auth().copied());
        rotation = state.learn(&effect, Outcome::Refused, &RULES, &pace());
    }
    assert_eq!((asked, rotation.trusted()), (vec![2, 1, 2, 1], None));
}

// 1,800,000,000 is a Friday, 08:00 UTC.
const FRIDAY_NIGHT: Window = Window { weekday: 4, opens: 23 * 60, minutes: 180 };

#[test]
fn a_window_may_pass_midnight_and_what_lies_between_windows_is_a_span_too() {
    let hour = 3600;
    let shut = span(&[FRIDAY_NIGHT], at(0));
    assert_eq!((shut.door, shut.until), (Door::Shut, at(15 * hour)));
    let open = span(&[FRIDAY_NIGHT], at(17 * hour));
    assert_eq!((open.door, open.from, open.until), (Door::Open, at(15 * hour), at(18 * hour)));
    let next = span(&[FRIDAY_NIGHT], at(18 * hour));
    assert_eq!((next.from, next.until), (at(18 * hour), at((7 * 24 + 15) * hour)));
    let day = span(&[], at(0));
    assert_eq!((day.door, day.from, day.until), (Door::Open, at(-8 * hour), at(16 * hour)));
}

#[test]
fn certificate_and_password_of_one_device_never_share_a_window() {
    let hour = 3600;
    let one = |class, why| Candidate { class, stage: Stage::Settled, due: at(0), why };
    let both = [one(Class::Certificate, Why::Schedule), one(Class::Password, Why::Schedule)];
    let windows = [FRIDAY_NIGHT];
    assert_eq!(choose(&both, None, &windows, at(0)), Choice::Wait(at(15 * hour)));
    assert_eq!(choose(&both, None, &windows, at(15 * hour)), Choice::Turn(0));
    let last = Some((Class::Certificate, at(15 * hour)));
    let rest = &both[1..];
    assert_eq!(choose(rest, last, &windows, at(16 * hour)), Choice::Wait(at(18 * hour)));
    assert_eq!(choose(rest, last, &windows, at((7 * 24 + 15) * hour)), Choice::Turn(0));
    let urgent = [one(Class::Password, Why::PersonLeft)];
    assert_eq!(choose(&urgent, last, &windows, at(16 * hour)), Choice::Wait(at(18 * hour)));
    assert_eq!(choose(&urgent, last, &windows, at(18 * hour)), Choice::Turn(0));
}

#[test]
fn what_was_begun_is_brought_to_its_end_outside_of_windows() {
    let begun = Candidate {
        class: Class::Password,
        stage: Stage::UnderWay,
        due: at(9),
        why: Why::Schedule,
    };
    let other = Candidate { stage: Stage::Settled, due: at(0), why: Why::Command, ..begun };
    assert_eq!(choose(&[other, begun], None, &[FRIDAY_NIGHT], at(0)), Choice::Turn(1));
}

#[test]
fn events_reach_what_was_made_before_them() {
    let shown = Event { why: Why::SecretShown, at: at(100), grace: 3600 };
    assert_eq!(shown.due(at(99)), Some(at(3700)));
    assert_eq!(shown.due(at(101)), None);
}

#[test]
fn schedules_are_spread_and_certificates_renewed_at_two_thirds() {
    assert_eq!(by_schedule(at(0), 1000, 0.0), at(1000));
    assert_eq!(by_schedule(at(0), 1000, -1.0), at(900));
    assert_eq!(by_age(at(0), at(3000), 0.0), at(2000));
    assert_eq!(by_age(at(0), at(3000), 1.0), at(2150));
    assert_eq!(by_age(at(3000), at(0), f64::NAN), at(3000));
}

#[test]
fn windows_are_counted_from_the_one_that_is_open_or_the_next() {
    let (hour, week) = (3600, 7 * 24 * 3600);
    let nights = [FRIDAY_NIGHT];
    assert_eq!(opening(&nights, 1, at(0)), at(15 * hour), "shut: the next one");
    assert_eq!(opening(&nights, 1, at(16 * hour)), at(16 * hour), "open: now");
    assert_eq!(opening(&nights, 2, at(16 * hour)), at(15 * hour + week));
    assert_eq!(opening(&nights, 3, at(0)), at(15 * hour + 2 * week));
    assert_eq!(opening(&[], 3, at(0)), at(40 * hour), "without windows each day is one");
    assert!(opening(&nights, u32::MAX, at(0)) > at(week), "and nobody counts for ever");
}
