//! What each measure offers as its cure: nothing for what is met, at least a sentence for what is unmet, and a change
//! only where facts and policy tell all that it needs.

use std::collections::BTreeSet;

use proto::policy::{ExpectedAccount, ExpectedGroup};
use proto::{Measure, Policy, Verdict};

use super::testing::*;
use super::{Remedy, conclude};
use crate::change::{Change, Credential, Door, NotifyBy, Profile};
use crate::facts::*;

fn measure(code: &str) -> Measure {
    code.parse().unwrap()
}

/// The cures of a measure for a camera of which only what `set` sets was read.
#[track_caller]
fn cures(
    code: &str,
    policy: impl FnOnce(&mut Policy),
    set: impl FnOnce(&mut CameraFacts),
) -> Vec<Remedy> {
    let mut around = Around::default();
    policy(&mut around.policy);
    let mut camera = CameraFacts::unread(UNREAD);
    set(&mut camera);
    let all = conclude(&Facts::Camera(Box::new(camera)), &around.site());
    let found = all.into_iter().find(|it| it.finding.measure == measure(code)).unwrap();
    let unmet = found.finding.judgment == Verdict::Unmet;
    assert_eq!(unmet, !found.cures.is_empty(), "{code}: {}", found.finding.observed);
    found.cures
}

#[track_caller]
fn person(cures: &[Remedy], says: &str) {
    let [Remedy::Person(text)] = cures else { panic!("{cures:?}") };
    assert!(text.contains(says) && text.ends_with('.'), "{text}");
}

fn profiles(count: usize) -> Fact<Vec<NotifyProfile>> {
    let one = |n| NotifyProfile {
        section: "ipnotify".to_owned(),
        id: format!("ip{n}"),
        name: None,
        dead_end: None,
    };
    Fact::Seen((0..count).map(one).collect())
}

fn ip0() -> Profile {
    Profile { way: NotifyBy::Network, id: "ip0".to_owned() }
}

fn off() -> Intrusion {
    Intrusion { enabled: false, threshold: None, blocks: None, notifies: None }
}

#[test]
fn simple_settings_carry_their_change() {
    let public = BTreeSet::from(["live_acl".to_owned()]);
    let check = StorageCheck {
        enabled: false,
        tests: None,
        notification: Notification {
            remote: vec![],
            local: vec![],
            dangling: vec![],
            unread: vec![],
        },
    };
    assert_eq!(
        cures("C06", |_| (), |c| c.public_rights = inferred(public)),
        [Remedy::Change(Change::ClosePublicAccess)]
    );
    assert_eq!(
        cures("C09", |_| (), |c| c.robots = Fact::Seen(Robots::AllowsSome)),
        [Remedy::Change(Change::ForbidCrawling)]
    );
    assert_eq!(
        cures("C10", |_| (), |c| c.auth_setting = sure(AuthSetting::Auto)),
        [Remedy::Change(Change::RequireDigest)]
    );
    assert_eq!(
        cures("C14", |_| (), |c| c.storage_check = sure(check)),
        [Remedy::Change(Change::DetectStorageFailure)]
    );
    cures("C09", |_| (), |c| c.robots = Fact::Seen(Robots::DisallowsAll));
}

#[test]
fn an_address_list_is_made_of_what_the_policy_says_and_never_guessed() {
    let off = || sure(IpAccess { enabled: false, rules: vec![], refuses_others: None });
    person(&cures("C07", |_| (), |c| c.ip_access = off()), "networks.allowed");
    let named = |policy: &mut Policy| {
        policy.networks.allowed = vec!["10.1.0.0/16".parse().unwrap()];
        policy.networks.vms = addresses(["192.0.2.9"]);
        policy.networks.nas = addresses(["192.0.2.20"]);
    };
    let cure = cures("C07", named, |c| c.ip_access = off());
    let [Remedy::Change(Change::RestrictAddresses(list))] = cure.as_slice() else {
        panic!("{cure:?}")
    };
    let [workstation, storage, stranger] = ["192.0.2.9", "192.0.2.20", "192.0.2.10"];
    assert!(list.admits(workstation.parse().unwrap()) && list.admits(storage.parse().unwrap()));
    assert!(!list.admits(stranger.parse().unwrap()));
    let six = |policy: &mut Policy| policy.networks.allowed = vec!["fd00::/64".parse().unwrap()];
    person(&cures("C07", six, |c| c.ip_access = off()), "IPv6");
}

#[test]
fn a_notification_needs_a_profile_that_nobody_has_to_guess() {
    let intrusion = |c: &mut CameraFacts| c.intrusion = sure(off());
    person(&cures("C08", |_| (), intrusion), "not known");
    let one = |c: &mut CameraFacts| {
        intrusion(c);
        c.notify_profiles = profiles(1);
    };
    let wanted = Change::DetectIntrusion { threshold: 7, profile: ip0() };
    assert_eq!(cures("C08", |_| (), one), [Remedy::Change(wanted)]);
    let silent = Notification { remote: vec![], local: vec![], dangling: vec![], unread: vec![] };
    let two = |c: &mut CameraFacts| {
        c.error_notification = sure(silent.clone());
        c.notify_profiles = profiles(2);
    };
    person(&cures("C13", |_| (), two), "change.notify");
    let named = |policy: &mut Policy| policy.change.notify = Some("ip0".to_owned());
    let report = Change::ReportErrors { profile: ip0() };
    assert_eq!(cures("C13", named, two), [Remedy::Change(report)]);
}

#[test]
fn secrets_are_rotated_and_never_written_as_a_change() {
    let mut admin = account("admin", "admins");
    admin.factory_password = Fact::Seen(true);
    let cure = cures("C03", |_| (), |c| c.accounts = Fact::Seen(vec![admin]));
    let group = Some("admins".to_owned());
    let password = Credential::Password { account: "admin".to_owned(), group };
    let [Remedy::Rotate(rotated), Remedy::Person(words)] = cure.as_slice() else {
        panic!("{cure:?}")
    };
    assert_eq!(rotated, &password);
    assert!(words.contains("name of your own"), "another password is no other name: {words}");
    let weak = |c: &mut CameraFacts| {
        c.accounts = Fact::Seen(vec![account("kim", "admins")]);
        c.login_password = Fact::Seen(vec!["is too short".to_owned()]);
    };
    assert_eq!(cures("C03", |_| (), weak), [Remedy::RotateLogin]);
    let key = cures("C11", |_| (), |c| c.recording_key = inferred(KeyState::Empty));
    assert_eq!(key, [Remedy::Rotate(Credential::RecordingKey)]);
    let messages = Messages { enabled: true, key: Some(KeyState::Empty) };
    let message = cures("C12", |_| (), |c| c.messages = sure(messages));
    assert_eq!(message, [Remedy::Rotate(Credential::MessageKey)]);
    let certificate = cures("C16", |_| (), |c| c.tls = Fact::Seen(TlsSighting::None));
    assert_eq!(certificate, [Remedy::Rotate(Credential::Certificate)]);
}

#[test]
fn accounts_follow_the_policy_and_without_one_a_person_decides() {
    let found = || vec![account("kim", "users"), account("old", "users")];
    let expect = |policy: &mut Policy| {
        let one = |name: &str, group: &str| ExpectedAccount {
            name: name.to_owned(),
            group: group.to_owned(),
        };
        policy.accounts.expected = vec![one("kim", "guards"), one("eve", "guards")];
    };
    let name = |name: &str| name.to_owned();
    let cure = cures("C05", expect, |c| c.accounts = Fact::Seen(found()));
    let group = Some(name("guards"));
    assert_eq!(
        cure,
        [
            Remedy::Rotate(Credential::Password { account: name("eve"), group }),
            Remedy::Change(Change::MoveAccount { name: name("kim"), group: name("guards") }),
            Remedy::Change(Change::RemoveAccount { name: name("old") }),
        ]
    );
    let only = |c: &mut CameraFacts| c.accounts = Fact::Seen(vec![account("kim", "users")]);
    person(&cures("C05", |_| (), only), "Give each person an account");
}

#[test]
fn groups_are_set_only_where_the_policy_states_them() {
    let seen = |c: &mut CameraFacts| {
        c.accounts = Fact::Seen(vec![account("kim", "admins")]);
        c.groups = Fact::Seen([("admins".to_owned(), BTreeSet::new())].into());
    };
    person(&cures("C04", |_| (), seen), "Create groups");
    let rights = BTreeSet::from(["live_acl".to_owned()]);
    let stated = |policy: &mut Policy| {
        let name = "guards".to_owned();
        policy.accounts.groups = vec![ExpectedGroup { name, rights: rights.clone() }];
    };
    let wanted = Change::SetGroups([("guards".to_owned(), rights.clone())].into());
    assert_eq!(cures("C04", stated, seen), [Remedy::Change(wanted)]);
}

#[test]
fn ports_and_what_may_cut_a_camera_off_need_a_word_of_the_policy() {
    let ports = |c: &mut CameraFacts| {
        let open = |port| PortSighting { port, open: Some(true) };
        c.web_ports = Fact::Seen(vec![open(80), open(443)]);
    };
    let one = |policy: &mut Policy| policy.change.https_port = Some(8443);
    let cure = cures("C15", one, ports);
    let moved = Change::MoveWebPort { door: Door::Https, to: 8443 };
    assert_eq!(cure.first(), Some(&Remedy::Change(moved)));
    person(&cure[1..], "change.http_port");
    person(&cures("C20", |_| (), |c| c.dot1x = sure(false)), "change.dot1x_prepared");
    let ready = |policy: &mut Policy| policy.change.dot1x_prepared = true;
    assert_eq!(
        cures("C20", ready, |c| c.dot1x = sure(false)),
        [Remedy::Change(Change::RequireDot1x)]
    );
}
