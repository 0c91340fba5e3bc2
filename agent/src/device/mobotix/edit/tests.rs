use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::change::{AddressList, Door, NotifyBy, Profile, Shows, Takes};

const P3: &str = include_str!("../../../../testdata/mobotix/p3.cfg");
const MX6: &str = include_str!("../../../../testdata/mobotix/mx6.cfg");

/// What a site taught about a camera whose dialog names were seen.
const LEARNED: &str = "major = 4\n\
    [settings.ip_access]\nsection='accesscontrol'\nkey='ENABLE'\nconfidence='observed'\n\
    values.1 = { means='on', confidence='observed' }\nvalues.0 = { means='off', confidence='observed' }\n\
    [settings.ip_access_rules]\nsection='accesscontrol'\nkey='RULE'\nconfidence='observed'\nform='allow {network}'\n\
    [settings.ip_access_others]\nsection='accesscontrol'\nkey='OTHERS'\nconfidence='observed'\n\
    values.deny = { means='refused', confidence='observed' }\n\
    [settings.notify_ip]\nsection='systemalarm'\nkey='logscan_alarm_notify_ip'\nconfidence='observed'\nform='{id}'\n\
    [settings.https_port]\nsection='httpd'\nkey='HTTPS_PORT'\nconfidence='observed'\n";

fn learned() -> Dialects {
    let mut dialects = Dialects::builtin();
    dialects.add(LEARNED).unwrap();
    dialects
}

fn seen(text: &str) -> Snapshot {
    snapshot(text.as_bytes().to_vec()).unwrap()
}

fn text(snapshot: &Snapshot) -> String {
    String::from_utf8(snapshot.bytes().to_vec()).unwrap()
}

fn document(snapshot: &Snapshot) -> Document<'_> {
    Document::parse(snapshot.bytes()).unwrap()
}

fn list(networks: &[&str]) -> AddressList {
    AddressList::new(networks.iter().map(|network| network.parse().unwrap()))
}

fn lines(edit: &Edit) -> Vec<(&str, Option<&str>, Option<&str>)> {
    edit.lines.iter().map(|it| (&*it.section, it.before.as_deref(), it.after.as_deref())).collect()
}

#[track_caller]
fn refused(file: &str, dialects: &Dialects, change: Change) -> String {
    translate(&seen(file), dialects, &change).unwrap_err().to_string()
}

#[test]
fn a_change_is_shown_line_by_line_and_touches_no_other() {
    let before = seen(P3);
    let done = translate(&before, &Dialects::builtin(), &Change::ForbidCrawling).unwrap();
    let line = ("homepage", Some("ROBOTS_TXT_MODE=allowed"), Some("ROBOTS_TXT_MODE=forbidden"));
    assert_eq!(lines(&done.edit), [line]);
    assert_eq!((done.edit.takes, done.edit.shows), (Takes::Update, Shows::Behaviour));
    let wanted = P3.replace("ROBOTS_TXT_MODE=allowed", "ROBOTS_TXT_MODE=forbidden");
    assert_eq!(text(&done.after), wanted);
    let again = translate(&done.after, &Dialects::builtin(), &Change::ForbidCrawling);
    assert_eq!(again.unwrap_err(), Untranslated::Standing);
}

#[test]
fn closing_public_access_takes_the_mark_from_every_right_and_leaves_the_groups() {
    let done = translate(&seen(P3), &Dialects::builtin(), &Change::ClosePublicAccess).unwrap();
    let expected = [
        ("access", Some("live_acl=0,admins,users"), Some("live_acl=admins,users")),
        ("access", Some("eventstream_acl=0"), Some("eventstream_acl=")),
        ("access", Some("api_acl=0,admins"), Some("api_acl=admins")),
    ];
    assert_eq!(lines(&done.edit), expected);
}

#[test]
fn what_is_only_inferred_is_written_where_behaviour_proves_it_and_nowhere_else() {
    // Nothing of the Mx6 line was seen: all of its dialect is inferred.
    let builtin = Dialects::builtin();
    let open = MX6.replace("ROBOTS_TXT_MODE=forbidden", "ROBOTS_TXT_MODE=allowed");
    let crawling = translate(&seen(&open), &builtin, &Change::ForbidCrawling);
    assert!(matches!(crawling, Ok(_) | Err(Untranslated::Standing)), "{crawling:?}");
    let why = refused(&MX6.replace("fsck=1", "fsck=0"), &builtin, Change::DetectStorageFailure);
    assert!(why.contains("only inferred") && why.contains("--setting storage_"), "{why}");
}

#[test]
fn a_key_word_or_form_that_nobody_knows_says_how_to_learn_it() {
    let builtin = Dialects::builtin();
    let profile = || Profile { way: NotifyBy::Network, id: "ip0".to_owned() };
    for (change, says) in [
        (Change::RestrictAddresses(list(&["10.1.0.0/16"])), "--setting ip_access_rules"),
        (Change::DetectIntrusion { threshold: 7, profile: profile() }, "--setting intrusion"),
        (Change::ReportErrors { profile: profile() }, "--setting notify_ip"),
        (Change::MoveWebPort { door: Door::Https, to: 8443 }, "--setting https_port"),
        (Change::RequireDot1x, "--setting dot1x"),
    ] {
        let why = translate(&seen(P3), &builtin, &change).unwrap_err();
        assert!(matches!(why, Untranslated::Unknown(_)), "{why:?}");
        assert!(why.to_string().contains(says), "{why}");
    }
    let mut half = Dialects::builtin();
    half.add(&LEARNED.replace("form='allow {network}'\n", "")).unwrap();
    let why = refused(P3, &half, Change::RestrictAddresses(list(&["10.1.0.0/16"])));
    assert!(why.contains("how the rules of the IP access list is written"), "{why}");
}

#[test]
fn an_address_list_is_written_in_the_learned_form_into_a_section_of_its_own() {
    let change = Change::RestrictAddresses(list(&["192.168.40.0/24", "10.9.9.9/32"]));
    let done = translate(&seen(P3), &learned(), &change).unwrap();
    let section = "SECTION accesscontrol\nRULE=allow 10.9.9.9\nRULE=allow 192.168.40.0/255.255.255.0\n\
                   OTHERS=deny\nENABLE=1\nENDSECTION accesscontrol\n";
    assert!(text(&done.after).ends_with(section), "{}", text(&done.after));
    let sent = requests(&document(&seen(P3)), &document(&done.after), &[&done]).unwrap();
    assert_eq!(sent.len(), 1, "a key that repeats is written with its whole section");
    assert_eq!(&**sent[0], format!("\nhelo\nwrite\n{section}update\nquit\n \n"));
    let narrower = Change::RestrictAddresses(list(&["10.9.9.9/32"]));
    let next = translate(&done.after, &learned(), &narrower).unwrap();
    assert!(!text(&next.after).contains("192.168.40.0/255"), "{}", text(&next.after));
}

#[test]
fn single_keys_go_by_parameters_and_never_beside_whole_sections() {
    let changes = [Change::ForbidCrawling, Change::RequireDigest, Change::ClosePublicAccess];
    let before = seen(P3);
    let done = translate_all(&before, &Dialects::builtin(), &changes).unwrap();
    let done: Vec<&Translation> = done.iter().flatten().collect();
    let after = &done.last().unwrap().after;
    let sent = requests(&document(&before), &document(after), &done).unwrap();
    assert_eq!(
        &**sent[0],
        "\nhelo\nwrite params\naccess/live_acl=admins,users\naccess/eventstream_acl=\naccess/api_acl=admins\n\
         homepage/ROBOTS_TXT_MODE=forbidden\nhttpd/AUTHTYPE=digest\nupdate\nquit\n \n"
    );
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_restored_section_is_the_old_one_to_the_byte() {
    let wanted = restore(&document(&seen(P3)), &["homepage".to_owned(), "gone".to_owned()].into());
    assert_eq!(
        &**wanted.unwrap().unwrap(),
        "\nhelo\nwrite\nSECTION gone\nENDSECTION gone\nSECTION homepage\nLANGUAGE=en\nENTRYPAGE=userimage\n\
         ROBOTS_TXT_MODE=allowed\nENDSECTION homepage\nupdate\nquit\n \n"
    );
}

#[test]
fn no_change_takes_the_last_administrator_or_makes_one() {
    let builtin = Dialects::builtin();
    let admin = || "admin".to_owned();
    let remove = Change::RemoveAccount { name: admin() };
    assert!(refused(P3, &builtin, remove.clone()).contains("no administrator"));
    let group = "users".to_owned();
    let demote = Change::MoveAccount { name: admin(), group };
    assert!(refused(P3, &builtin, demote).contains("no administrator"));
    let two = P3.replace("usr=viewer:guests:", "usr=viewer:admins:");
    let done = translate(&seen(&two), &builtin, &remove).unwrap();
    assert_eq!(lines(&done.edit)[0].2, None);
    let shown = lines(&done.edit)[0].1.unwrap();
    assert!(shown.starts_with("usr=admin:admins:") && shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains("LoyA1alWd"), "{shown}");
    for (name, rights) in [("admins", "live_acl"), ("guards", "admin_acl")] {
        let rights = BTreeSet::from([rights.to_owned()]);
        let change = Change::SetGroups(BTreeMap::from([(name.to_owned(), rights)]));
        assert!(refused(P3, &builtin, change).contains("cannot be set"), "{name}");
    }
    let stranger = Change::MoveAccount { name: "viewer".to_owned(), group: "chiefs".to_owned() };
    assert!(refused(P3, &builtin, stranger).contains("no group"));
}

#[test]
fn groups_get_exactly_their_rights() {
    let rights = BTreeSet::from(["live_acl".to_owned(), "guest_acl".to_owned()]);
    let groups =
        BTreeMap::from([("guests".to_owned(), rights.clone()), ("guards".to_owned(), rights)]);
    let change = Change::SetGroups(groups);
    let done = translate(&seen(P3), &Dialects::builtin(), &change).unwrap();
    let all = text(&done.after);
    for line in [
        "groups=admins,guests,users,guards\n",
        "guest_acl=admins,guests,users,guards\n",
        "live_acl=0,admins,users,guards,guests\n",
        "live_slow_acl=admins,users\n",
    ] {
        assert!(all.contains(line), "{line}{all}");
    }
}

#[test]
fn a_profile_that_is_not_there_is_not_named() {
    for id in ["ip9", "ip0\nstore", ""] {
        let profile = Profile { way: NotifyBy::Network, id: id.to_owned() };
        let why = refused(P3, &learned(), Change::ReportErrors { profile });
        assert!(why.contains("no ipnotify profile"), "{why}");
    }
}

#[test]
fn two_looks_at_an_unchanged_camera_have_one_digest() {
    let stamped = P3.replace("DATE=2024-02-03 09:10:11", "DATE=2024-02-04 01:01:01");
    let commented = stamped.replace("# written by access at 2024", "# written by access at 2026");
    assert_eq!(seen(P3).digest(), seen(&commented).digest());
    for (old, new) in [
        ("ROBOTS_TXT_MODE=allowed", "ROBOTS_TXT_MODE=forbidden"),
        ("VERSION=MX-V4.7.2.18-r1", "VERSION=MX-V4.7.2.18-r2"),
        ("$1$uB5rJk2x$Gbb", "$1$uB5rJk2x$Gbc"),
    ] {
        assert_ne!(seen(P3).digest(), seen(&P3.replace(old, new)).digest(), "{old}");
    }
}

/// Any change that a plan may hold, sensible or not.
fn any_change() -> impl Strategy<Value = Change> {
    let name = prop_oneof![Just("admin"), Just("viewer"), Just("ghost"), Just("a:b\nstore")];
    let names = (name.clone(), prop_oneof![Just("users"), Just("admins"), Just("none")]);
    let rights = proptest::collection::btree_set(
        prop_oneof![Just("live_acl"), Just("admin_acl"), Just("x_acl"), Just("guest_acl")],
        0..3,
    );
    let nets = proptest::collection::vec((any::<u32>(), 0..=32u8), 0..4);
    let profile = prop_oneof![Just("ip0"), Just("ip7"), Just("mail0")];
    prop_oneof![
        (prop_oneof![Just("guards"), Just("users"), Just("admins")], rights).prop_map(
            |(name, rights)| {
                let rights = rights.into_iter().map(str::to_owned).collect();
                Change::SetGroups(BTreeMap::from([(name.to_owned(), rights)]))
            }
        ),
        names.prop_map(|(name, group)| Change::MoveAccount {
            name: name.to_owned(),
            group: group.to_owned()
        }),
        name.prop_map(|name| Change::RemoveAccount { name: name.to_owned() }),
        nets.prop_map(|nets| {
            let nets = nets
                .into_iter()
                .filter_map(|(address, length)| ipnet::Ipv4Net::new(address.into(), length).ok());
            Change::RestrictAddresses(AddressList::new(nets))
        }),
        (profile, 0..20u32).prop_map(|(id, threshold)| {
            let profile = Profile { way: NotifyBy::Network, id: id.to_owned() };
            if threshold % 2 == 0 {
                Change::DetectIntrusion { threshold, profile }
            } else {
                Change::ReportErrors { profile }
            }
        }),
        any::<u16>().prop_map(|to| Change::MoveWebPort { door: Door::Https, to }),
        proptest::sample::select(vec![
            Change::ClosePublicAccess,
            Change::ForbidCrawling,
            Change::RequireDigest,
            Change::DetectStorageFailure,
            Change::StopVpn,
            Change::RequireDot1x,
        ]),
    ]
}

proptest! {
    #[test]
    fn whatever_is_changed_only_the_lines_shown_change_and_they_go_back(
        changes in proptest::collection::vec(any_change(), 1..4),
        file in proptest::sample::select(vec![P3, MX6]),
        crlf in any::<bool>(),
    ) {
        let file = if crlf { file.replace('\n', "\r\n") } else { file.to_owned() };
        let (dialects, mut current) = (learned(), seen(&file));
        for change in changes {
            let Ok(done) = translate(&current, &dialects, &change) else { continue };
            let (before, after) = (document(&current), document(&done.after));
            let found = differences(&before, &after);
            let shown: usize = done.edit.lines.iter().map(|it| {
                usize::from(it.before.is_some()) + usize::from(it.after.is_some())
            }).sum();
            prop_assert_eq!(found.gone.len() + found.new.len(), shown, "{:?} {:?}", found, done.edit);
            prop_assert!(done.stands_in(&after) && !done.stands_in(&before));
            // Both directions are told by the same lines, and an administrator is left.
            let back = differences(&after, &before);
            prop_assert_eq!((back.gone, back.new), (found.new, found.gone));
            let admins = |document: &Document<'_>| {
                let text = String::from_utf8(document.print()).unwrap();
                text.matches(":admins:").count()
            };
            prop_assert!(admins(&after) > 0);
            if !crlf {
                for body in requests(&before, &after, &[&done]).unwrap() {
                    prop_assert!(body.starts_with("\nhelo\nwrite") && !body.contains("\nstore\n"), "{}", &**body);
                }
            }
            current = done.after;
        }
    }
}
