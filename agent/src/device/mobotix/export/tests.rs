//! What each of the small exports in `testdata` tells, and what it must not be taken to tell.

use super::*;
use crate::facts::{AuthSetting, Confidence, Crawling, EvidenceBook, KeyState};

const P3: &str = include_str!("../../../../testdata/mobotix/p3.cfg");
const MX6: &[u8] = include_bytes!("../../../../testdata/mobotix/mx6.cfg");
const MOBOTIX7: &[u8] = include_bytes!("../../../../testdata/mobotix/mobotix7.cfg");

fn facts_of(bytes: impl AsRef<[u8]>) -> CameraFacts {
    read(bytes.as_ref(), &Dialects::builtin()).unwrap().facts
}

/// The P3 export with one text replaced by another.
fn p3_with(old: &str, new: &str) -> CameraFacts {
    assert!(P3.contains(old), "{old}");
    facts_of(P3.replacen(old, new, 1))
}

fn reason<T: std::fmt::Debug>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Unreadable(reason) => reason,
        other => panic!("{other:?} should be unreadable"),
    }
}

/// Facts with a site's own dialect entries for the P3 line.
fn learned(entries: &str, file: &str) -> CameraFacts {
    let mut dialects = Dialects::builtin();
    dialects.add(&format!("major = 4\n{entries}")).unwrap();
    read(file.as_bytes(), &dialects).unwrap().facts
}

#[test]
fn the_camera_is_identified() {
    let export = read(P3.as_bytes(), &Dialects::builtin()).unwrap();
    assert_eq!(export.identity.product.as_deref(), Some("MOBOTIX P3"));
    assert_eq!(export.identity.firmware.as_deref(), Some("MX-V4.7.2.18-r1"));
    assert_eq!(export.identity.serial.as_deref(), Some("10.9.8.7"));
    assert_eq!(export.facts.firmware, Fact::Seen("MX-V4.7.2.18-r1".parse().unwrap()));
}

#[test]
fn a_neglected_camera_shows_what_is_wrong() {
    let facts = facts_of(P3);
    let accounts = facts.accounts.seen().unwrap();
    let told: Vec<_> =
        accounts.iter().map(|a| (a.name.as_str(), a.factory_password.seen())).collect();
    assert_eq!(told, [("admin", Some(&true)), ("viewer", Some(&false))]);
    let public = facts.public_rights.seen().unwrap();
    assert_eq!(public.confidence, Confidence::Inferred);
    assert_eq!(public.value.iter().collect::<Vec<_>>(), ["api_acl", "eventstream_acl", "live_acl"]);
    assert_eq!(facts.crawling.seen().unwrap().value, Crawling::Allowed);
    assert_eq!(facts.auth_setting.seen().unwrap().value, AuthSetting::Auto);
    assert_eq!(facts.auth_setting.seen().unwrap().confidence, Confidence::Observed);
    assert_eq!(facts.recording_key.seen().unwrap().value, KeyState::Empty);
    let notification = &facts.error_notification.seen().unwrap().value;
    assert_eq!(notification.local, ["LED", "live image"]);
    assert!(notification.remote.is_empty() && notification.dangling.is_empty());
    assert_eq!(notification.unread, ["mail", "FTP", "phone call"]);
    assert!(facts.storage_check.seen().unwrap().value.enabled);
    assert!(!facts.vpn.seen().unwrap().value.enabled);
    assert_eq!(facts.addresses, Fact::Seen(vec!["192.168.40.21".parse().unwrap()]));
    assert_eq!(
        facts.groups.seen().unwrap()["guests"].iter().collect::<Vec<_>>(),
        ["guest_acl", "live_slow_acl"]
    );
    // cin_pin, WIN_PASSWORD, ftp pass and its profile's, httpauth of one network message.
    assert_eq!(facts.clear_secrets, Fact::Seen(5));
}

#[test]
fn what_no_key_is_known_for_says_how_to_learn_it() {
    let facts = facts_of(P3);
    for (reason, setting) in [
        (reason(&facts.ip_access), "ip_access"),
        (reason(&facts.intrusion), "intrusion"),
        (reason(&facts.messages), "messages"),
        (reason(&facts.dot1x), "dot1x"),
        (reason(&facts.vlan), "vlan"),
    ] {
        assert!(
            reason.contains("MOBOTIX P3") && reason.ends_with(&format!("--setting {setting}")),
            "{reason}"
        );
    }
    for reason in [
        reason(&facts.tls),
        reason(&facts.robots),
        reason(&facts.public_pages),
        reason(&facts.web_ports),
    ] {
        assert_eq!(reason, ONLY_LIVE);
    }
}

#[test]
fn a_hardened_camera_of_an_unseen_line_is_read_but_only_inferred() {
    let facts = facts_of(MX6);
    assert_eq!(facts.accounts.seen().unwrap().len(), 1);
    assert!(facts.public_rights.seen().unwrap().value.is_empty());
    let auth = facts.auth_setting.seen().unwrap();
    assert_eq!((&auth.value, auth.confidence), (&AuthSetting::Digest, Confidence::Inferred));
    assert_eq!(facts.recording_key.seen().unwrap().value, KeyState::Set);
    let notification = facts.error_notification.seen().unwrap();
    assert_eq!(notification.value.remote, ["network message profile ip0"]);
    assert_eq!(notification.confidence, Confidence::Inferred);
    assert!(facts.vpn.seen().unwrap().value.server_named);
    assert!(reason(&facts.addresses).contains("the network gives the camera its address"));
}

#[test]
fn a_missing_key_is_a_default_only_if_that_is_known_and_the_file_is_whole() {
    let facts = facts_of(MX6);
    let crawling = facts.crawling.seen().unwrap();
    assert_eq!((crawling.value, crawling.confidence), (Crawling::Forbidden, Confidence::Inferred));
    let cut = String::from_utf8_lossy(MX6).replace("VERSION=", "OTHER=");
    assert!(reason(&facts_of(cut).crawling).contains("the file is not whole"));
    let message = reason(&p3_with("AUTHTYPE=auto\n", "").auth_setting).to_owned();
    assert!(
        message.contains("httpd/AUTHTYPE is missing") && message.contains("learn it"),
        "{message}"
    );
}

#[test]
fn no_public_mark_is_no_proof_while_rights_are_missing_from_the_list() {
    let without = |text: String| {
        text.replace("=0,", "=").replace("eventstream_acl=0", "eventstream_acl=admins")
    };
    assert!(facts_of(without(P3.to_owned())).public_rights.seen().unwrap().value.is_empty());
    let gap = without(P3.replace("player_acl=admins,users\n", ""));
    assert!(reason(&facts_of(gap).public_rights).contains("player_acl"));
    assert_eq!(facts_of(MOBOTIX7).public_rights.seen().unwrap().value.len(), 2);
}

#[test]
fn the_factory_password_is_found_by_hash_or_digest_and_else_not_claimed() {
    let told = |facts: CameraFacts| facts.accounts.seen().unwrap()[0].factory_password.clone();
    assert_eq!(told(facts_of(MOBOTIX7)), Fact::Seen(true));
    let unknown = p3_with("$1$q7Lw0aZe$LoyA1alWdBCdPjoskuJ3h.:1b9d", "$y$j9T$abc$def:2b9d");
    assert!(reason(&told(unknown)).starts_with("configuration line 10:"));
}

#[test]
fn a_network_message_that_leads_nowhere_is_not_a_remote_way() {
    for (value, why) in [
        ("ip7", "there is no such profile"),
        ("ip1", "it goes to the camera itself"),
        ("ip2", "it is switched off"),
    ] {
        let facts = p3_with("alarm_notify_ip=", &format!("alarm_notify_ip={value}"));
        let notification = &facts.error_notification.seen().unwrap().value;
        assert!(notification.remote.is_empty(), "{value}");
        assert_eq!(notification.dangling, [format!("network message profile {value} ({why})")]);
    }
    let good = p3_with("alarm_notify_ip=", "alarm_notify_ip=ip0");
    assert_eq!(
        good.error_notification.seen().unwrap().value.remote,
        ["network message profile ip0"]
    );
}

#[test]
fn a_key_that_stands_twice_with_two_values_is_not_decided() {
    let facts = p3_with("AUTHTYPE=auto\n", "AUTHTYPE=auto\nAUTHTYPE=digest\n");
    assert!(reason(&facts.auth_setting).contains("stands twice"));
    let same = p3_with("AUTHTYPE=auto\n", "AUTHTYPE=auto\nAUTHTYPE=auto\n");
    assert!(same.auth_setting.seen().is_some());
}

#[test]
fn a_word_the_dialect_does_not_know_is_not_read_as_either() {
    assert!(reason(&p3_with("MODE=allowed", "MODE=sometimes").crawling).contains("does not know"));
    assert!(reason(&p3_with("USE_VPN=0", "USE_VPN=maybe").vpn).contains("line"));
    let other = p3_with("AUTHTYPE=auto", "AUTHTYPE=digest_sha");
    assert_eq!(
        other.auth_setting.seen().unwrap().value,
        AuthSetting::Other("digest_sha".to_owned())
    );
}

#[test]
fn a_value_is_no_surer_than_its_word() {
    let digest = p3_with("AUTHTYPE=auto", "AUTHTYPE=digest");
    let digest = digest.auth_setting.seen().unwrap();
    assert_eq!((&digest.value, digest.confidence), (&AuthSetting::Digest, Confidence::Inferred));
    let off = p3_with("fsck=1", "fsck=0");
    let off = off.storage_check.seen().unwrap();
    assert!(!off.value.enabled && off.confidence == Confidence::Inferred);
    assert_eq!(
        p3_with("MODE=allowed", "MODE=forbidden").crawling.seen().unwrap().confidence,
        Confidence::Observed
    );
}

#[test]
fn learned_keys_fill_what_was_unreadable() {
    let entry = |name: &str, key: &str, rest: &str| {
        format!(
            "[settings.{name}]\nsection = 'httpd'\nkey = '{key}'\nconfidence = 'observed'\n{rest}\n"
        )
    };
    let word = "values.1 = { means = 'on', confidence = 'observed' }";
    let entries = entry("intrusion", "IDS_ON", word)
        + &entry("intrusion_threshold", "IDS_MANY", "")
        + &entry("intrusion_notify_ip", "IDS_IP", "");
    let file = P3.replace("AUTHTYPE=auto", "AUTHTYPE=auto\nIDS_ON=1\nIDS_MANY=7\nIDS_IP=ip0");
    let facts = learned(&entries, &file);
    let intrusion = &facts.intrusion.seen().unwrap().value;
    assert!(intrusion.enabled && intrusion.notifies == Some(true));
    assert_eq!((intrusion.threshold, intrusion.blocks), (Some(7), None));
    let no_target = learned(&entries, &file.replace("IDS_IP=ip0", "IDS_IP="));
    assert_eq!(
        no_target.intrusion.seen().unwrap().value.notifies,
        None,
        "the mail key is not known"
    );
}

#[test]
fn a_learned_secret_is_not_shown_whatever_its_key_is_called() {
    let entries = "[settings.messages]\nsection='msg'\nkey='ON'\nconfidence='observed'\n\
                   values.1 = { means='on', confidence='observed' }\n\
                   [settings.message_key]\nsection='msg'\nkey='WORD'\nconfidence='observed'\n";
    let file = format!("{P3}\nSECTION msg\nON=1\nWORD=Rope-and-tar\nENDSECTION msg\n");
    let facts = learned(entries, &file);
    assert_eq!(facts.messages.seen().unwrap().value.key, Some(KeyState::Set));
    assert!(!serde_json::to_string(&facts).unwrap().contains("Rope-and-tar"));
}

#[test]
fn evidence_names_the_line_and_holds_no_secret() {
    let facts = facts_of(P3);
    let crawling = facts.evidence.for_facts(&["crawling"]);
    let line = P3.lines().position(|line| line.starts_with("ROBOTS")).unwrap() + 1;
    assert_eq!(crawling[0].source, format!("configuration line {line}"));
    assert_eq!(crawling[0].text, "ROBOTS_TXT_MODE=allowed");
    let ip = p3_with("alarm_notify_ip=", "alarm_notify_ip=ip1");
    for facts in [facts, ip, facts_of(MX6), facts_of(MOBOTIX7)] {
        let all = format!("{facts:?}{}", serde_json::to_string(&facts).unwrap());
        for secret in [
            "Sluice",
            "Mooring",
            "Anchor",
            "Lock-Chamber",
            "Breakwater",
            "meinsm",
            "2468",
            "Loy",
            "1b9dd0",
        ] {
            assert!(!all.contains(secret), "{secret}");
        }
    }
}

#[test]
fn two_stamps_that_contradict_are_not_believed() {
    let facts = p3_with("VERSION=MX-V4.7.2.18-r1", "VERSION=MX-V4.7.3.11-r6");
    assert!(reason(&facts.firmware).contains("MX-V4.7.3.11-r6"));
    let other = P3.replace("VERSION=MX-V4.7.2.18-r1", "VERSION=MX-V7.3.0.54");
    let fault = read(other.as_bytes(), &Dialects::builtin()).unwrap_err();
    assert!(matches!(&fault, Fault::Nonsense(text) if text.contains("two cameras")), "{fault}");
}

#[test]
fn a_file_that_cannot_be_judged_says_why() {
    let fault = |text: &str| read(text.as_bytes(), &Dialects::builtin()).unwrap_err();
    assert!(matches!(fault("<html>"), Fault::Nonsense(text) if text.contains("web page")));
    let old = fault(&P3.replace("MX-V4.7.2.18-r1", "MX-V3.5.2.23"));
    assert!(
        matches!(&old, Fault::Unsupported(text) if text.contains("product line 3") && text.contains("Mx6")),
        "{old}"
    );
    let odd = fault(&P3.replace("#:MX-V4.7.2.18-r1", "#:MX-Vfour"));
    assert!(matches!(odd, Fault::Nonsense(_)));
    let none = fault("#:MXCFG2.0\n\nSECTION a\nENDSECTION a\n");
    assert!(matches!(&none, Fault::Nonsense(text) if text.contains("names no firmware")), "{none}");
}

#[test]
fn a_list_that_no_camera_could_hold_is_not_worked_through() {
    let users = "usr=a:b:$6$rounds=20000$salt$x:y\n".repeat(201);
    let facts = p3_with("groups=admins", &format!("{users}groups=admins"));
    assert!(reason(&facts.accounts).contains("more than any camera holds"));
    let text = serde_json::to_string(&facts.evidence).unwrap();
    assert!(text.len() < 200 * EvidenceBook::MAX_TEXT);
}

#[test]
fn groups_are_not_called_alike_for_want_of_a_right() {
    let alike = P3.replace(":admins:", ":day:").replace(":guests:", ":night:");
    let groups = |file: &str| facts_of(file).groups;
    assert!(groups(&alike).seen().is_some(), "every right is there");
    let file = alike.replace("admin_acl=admins\n", "");
    assert!(reason(&groups(&file)).contains("admin_acl"), "{:?}", groups(&file));
}

#[test]
fn a_file_that_lost_its_end_is_not_said_to_be_at_factory_defaults() {
    let cut = P3.replacen("SECTION timestamp", "SECTION other", 1);
    let cut = cut.replacen("ENDSECTION timestamp", "ENDSECTION other", 1);
    let facts = facts_of(cut.replacen("USE_VPN=", "OTHER=", 1));
    let said = reason(&facts.vpn);
    assert!(said.contains("not whole") && !said.contains("means factory default"), "{said}");
}
