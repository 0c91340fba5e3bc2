//! Sites with devices in every state.

use proto::SecretId;

use super::*;
use crate::rotation::{Change, Held};
use crate::store::subject::Subject;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn policy(more: &str) -> Policy {
    let text = "[rotation]\npasswords = true\ncertificates = true\nwindows = [{ from = '00:00', to = '00:00' }]\n";
    Policy::from_toml(&format!("{text}{more}")).unwrap()
}

fn subject(device: &str, kind: Kind) -> Subject {
    Subject { device: Some(device.parse().unwrap()), kind }
}

fn password(device: &str) -> Subject {
    subject(device, Kind::Password { account: "admin".to_owned() })
}

fn held(safe: Safe) -> Held<SecretId> {
    Held { credential: SecretId([1; 16]), safe }
}

fn settled(subject: Subject, due: Timestamp) -> Entry {
    let rotation = Rotation::Settled { live: held(Safe::Controller), older: Vec::new(), due };
    Entry { subject, rotation, why: Why::Schedule, changed: None }
}

fn change() -> Change<SecretId> {
    let next = Held { credential: SecretId([2; 16]), safe: Safe::Controller };
    Change { live: held(Safe::Controller), next, second: None, older: Vec::new(), tries: 1 }
}

fn stranded(device: &str) -> Entry {
    let rotation = Rotation::Stranded { change: change(), ask: 0, again: at(9000) };
    Entry { rotation, ..settled(password(device), at(0)) }
}

fn standings<'a>(entries: &'a [Entry], named: &[&str]) -> Vec<Standing<'a>> {
    let mut names: Vec<&DeviceName> =
        entries.iter().filter_map(|entry| entry.subject.device.as_ref()).collect();
    names.dedup();
    names
        .into_iter()
        .map(|name| Standing {
            device: name,
            entries: entries.iter().filter(|it| it.subject.device.as_ref() == Some(name)).collect(),
            free: true,
            in_turn: false,
            named: named.contains(&name.as_str()),
        })
        .collect()
}

fn chosen(
    entries: &[Entry],
    policy: &Policy,
    named: &[&str],
    now: Timestamp,
) -> Vec<(String, Aim)> {
    let devices = standings(entries, named);
    let picks = picks(&devices, &BTreeSet::new(), policy, true, now);
    picks.iter().map(|pick| (devices[pick.device].device.to_string(), pick.aim)).collect()
}

fn two_due() -> [Entry; 2] {
    ["gate", "yard"].map(|device| settled(password(device), at(-1)))
}

#[test]
fn one_device_at_a_time_unless_policy_allows_more() {
    let begin = |device: &str| (device.to_owned(), Aim::Begin);
    assert_eq!(chosen(&two_due(), &policy(""), &[], at(0)), [begin("gate")]);
    let two = policy("[change]\nat_once = 2\n");
    assert_eq!(chosen(&two_due(), &two, &[], at(0)), [begin("gate"), begin("yard")]);
    let place =
        "[change]\nat_once = 2\ncoverage = [{ place = 'dock', devices = ['gate', 'yard'] }]\n";
    assert_eq!(chosen(&two_due(), &policy(place), &[], at(0)), [begin("gate")]);
}

#[test]
fn what_policy_does_not_want_is_left_alone_but_a_doubt_is_brought_to_its_end() {
    let mut entries = two_due();
    assert!(chosen(&entries, &Policy::default(), &[], at(0)).is_empty());
    entries[1].rotation = Rotation::Unsaved(change());
    let yard = [("yard".to_owned(), Aim::Finish)];
    assert_eq!(chosen(&entries, &Policy::default(), &[], at(0)), yard);
    assert_eq!(chosen(&entries, &policy(""), &[], at(0)), yard, "one at a time");
}

#[test]
fn a_stranded_device_halts_what_nobody_named() {
    let entries = [stranded("gate"), settled(password("yard"), at(-1))];
    let gate = ("gate".to_owned(), Aim::Finish);
    assert_eq!(chosen(&entries, &policy(""), &[], at(0)), std::slice::from_ref(&gate));
    let yard = ("yard".to_owned(), Aim::Begin);
    assert_eq!(chosen(&entries, &policy(""), &["yard"], at(0)), [gate.clone(), yard]);
    let place = "[change]\ncoverage = [{ place = 'dock', devices = ['gate', 'yard'] }]\n";
    assert_eq!(chosen(&entries, &policy(place), &["yard"], at(0)), [gate]);
}

#[test]
fn without_a_window_only_what_somebody_asked_for_is_changed() {
    let text = "[rotation]\npasswords = true\n";
    let policy = Policy::from_toml(text).unwrap();
    let mut entries = two_due();
    assert!(chosen(&entries, &policy, &[], at(0)).is_empty());
    entries[1].why = Why::PersonLeft;
    assert_eq!(chosen(&entries, &policy, &[], at(0)), [("yard".to_owned(), Aim::Begin)]);
    entries[1].why = Why::DeviceMoved;
    assert!(chosen(&entries, &policy, &[], at(0)).is_empty());
}

#[test]
fn certificate_and_password_of_a_device_are_not_changed_in_one_window() {
    let mut entries = [
        settled(password("yard"), at(90 * 86_400)),
        settled(subject("yard", Kind::Certificate), at(-1)),
    ];
    entries[0].changed = Some(at(-60));
    assert!(chosen(&entries, &policy(""), &[], at(0)).is_empty());
    assert_eq!(chosen(&entries, &policy(""), &[], at(86_400)), [("yard".to_owned(), Aim::Begin)]);
}

#[test]
fn what_is_in_use_goes_into_escrow_whatever_the_windows_say() {
    let shut = "[rotation]\npasswords = true\nwindows = [{ days = ['sun'], from = '01:00', to = '02:00' }]\n";
    let shut = Policy::from_toml(shut).unwrap();
    let mut entries = [settled(password("yard"), at(600))];
    assert!(chosen(&entries, &shut, &[], at(0)).is_empty());
    entries[0].rotation = Rotation::adopt(SecretId([1; 16]), at(600));
    assert_eq!(chosen(&entries, &shut, &[], at(0)), [("yard".to_owned(), Aim::Escrow)]);
    // Due and shut: a turn would begin a change.
    assert!(chosen(&entries, &shut, &[], at(601)).is_empty());
}

#[test]
fn a_credential_of_unknown_age_is_due_in_the_next_window() {
    // Fri 15 January 2027, 08:00.
    let now = at(0);
    let open = windows(&policy(""));
    assert_eq!((open.len(), adopted_due(&open, 60, now)), (7, now));
    let sunday = "[change]\nwindows = [{ days = ['sun'], from = '01:00', to = '02:30' }]\n";
    let sunday = windows(&Policy::from_toml(sunday).unwrap());
    assert_eq!(sunday, [Window { weekday: 6, opens: 60, minutes: 90 }]);
    assert_eq!(adopted_due(&sunday, 60, now).to_string(), "2027-01-17T01:00:00Z");
    assert_eq!(adopted_due(&[], 60, now), at(60));
}

#[test]
fn who_was_shown_a_password_may_use_it_for_a_while() {
    let policy = policy("");
    assert_eq!(ordered_due(Why::SecretShown, at(0), &policy), at(3600));
    assert_eq!(ordered_due(Why::PersonLeft, at(0), &policy), at(0));
}

#[test]
fn a_device_whose_settings_are_changed_counts_as_one_in_change() {
    let entries = two_due();
    let standings = standings(&entries, &[]);
    let begun = |text: &str, also: &str| {
        let also = BTreeSet::from([also.parse().unwrap()]);
        let picks = picks(&standings, &also, &policy(text), true, at(0));
        picks.iter().filter(|pick| pick.aim == Aim::Begin).count()
    };
    assert_eq!(begun("", "dock"), 0, "one at a time, whatever is changed of it");
    assert_eq!(begun("[change]\nat_once = 2\n", "dock"), 1);
    let place = "[change]\nat_once = 9\ncoverage = [{ place = 'quay', devices = ['dock', 'gate', 'yard'] }]\n";
    assert_eq!(begun(place, "dock"), 0, "they look at the same place");
}

#[test]
fn what_a_plan_handed_over_waits_for_a_window_where_there_is_one() {
    let mut entries = two_due();
    entries[1].why = Why::Plan;
    let none = Policy::from_toml("[rotation]\npasswords = true\n").unwrap();
    assert_eq!(chosen(&entries, &none, &[], at(0)), [("yard".to_owned(), Aim::Begin)]);
    let shut = "[rotation]\npasswords = true\nwindows = [{ days = ['sun'], from = '01:00', to = '02:00' }]\n";
    assert!(chosen(&entries, &Policy::from_toml(shut).unwrap(), &[], at(0)).is_empty());
}
