use super::*;
use crate::device::mobotix::{Dialects, export};
use crate::facts::{CameraFacts, Confidence};

const P3: &str = include_str!("../../../../testdata/mobotix/p3.cfg");

fn with(old: &str, new: &str) -> String {
    assert!(P3.contains(old), "{old}");
    P3.replacen(old, new, 1)
}

fn learned(before: &str, after: &str, setting: &str, key: Option<&str>) -> String {
    learn(before.as_bytes(), after.as_bytes(), Some(setting), key).unwrap()
}

fn refused(before: &str, after: &str, setting: &str, key: Option<&str>) -> String {
    learn(before.as_bytes(), after.as_bytes(), Some(setting), key).unwrap_err()
}

fn facts(dialect: &str, file: &str) -> CameraFacts {
    let mut dialects = Dialects::builtin();
    dialects.add(dialect).unwrap_or_else(|error| panic!("{error}\n{dialect}"));
    export::read(file.as_bytes(), &dialects).unwrap().facts
}

#[test]
fn what_was_learned_makes_the_fact_readable() {
    let after = with("AUTHTYPE=auto\n", "AUTHTYPE=auto\nIDS_ENABLE=1\n");
    let dialect = learned(P3, &after, "intrusion", None);
    let seen = facts(&dialect, &after).intrusion;
    let seen = seen.seen().unwrap();
    assert!(seen.value.enabled && seen.confidence == Confidence::Observed);
    // The key was missing before, so its default is the other state; that is a conclusion and may only accuse.
    let missing = facts(&dialect, P3).intrusion;
    let missing = missing.seen().unwrap();
    assert!(!missing.value.enabled && missing.confidence == Confidence::Inferred);
}

#[test]
fn words_are_explained_as_far_as_they_tell() {
    let both = learned(P3, &with("USE_VPN=0", "USE_VPN=1"), "vpn", None);
    assert!(both.contains(r#"values."0" = { means = "off", confidence = "observed" }"#), "{both}");
    assert!(both.contains(r#"values."1" = { means = "on", confidence = "observed" }"#), "{both}");
    assert!(!both.contains("default"), "{both}");
    let digest = learned(P3, &with("AUTHTYPE=auto", "AUTHTYPE=digest"), "authentication", None);
    assert!(
        digest.contains(r#"values."digest" = { means = "digest", confidence = "observed" }"#),
        "{digest}"
    );
    let upper = learned(P3, &with("IPV6MODE=off\n", "IPV6MODE=off\nVLAN=YES\n"), "vlan", None);
    assert!(upper.contains(r#"default = { value = "NO", confidence = "inferred" }"#), "{upper}");
    facts(&upper, P3);
}

#[test]
fn a_word_that_does_not_tell_is_left_to_a_person() {
    let after = with("AUTHTYPE=auto\n", "AUTHTYPE=auto\nIDS_MODE=brisk\n");
    let dialect = learned(P3, &after, "intrusion", None);
    assert!(dialect.contains("Add it by hand") && !dialect.contains("brisk"), "{dialect}");
    assert!(facts(&dialect, &after).intrusion.seen().is_none());
}

#[test]
fn several_changes_demand_a_choice() {
    let after = with("AUTHTYPE=auto", "AUTHTYPE=digest").replace("USE_VPN=0", "USE_VPN=1");
    let message = refused(P3, &after, "authentication", None);
    assert!(
        message.contains("httpd/AUTHTYPE, vpn/USE_VPN") && message.contains("--key"),
        "{message}"
    );
    let dialect = learned(P3, &after, "authentication", Some("httpd/AUTHTYPE"));
    assert!(dialect.contains("key = \"AUTHTYPE\""));
    let message = refused(P3, &after, "authentication", Some("httpd/OTHER"));
    assert!(message.contains("did not change"), "{message}");
}

#[test]
fn comments_and_the_time_of_the_export_are_no_change() {
    let after = with("# written by access at 2024-02-03", "# written by access at 2024-02-04")
        .replace("DATE=2024-02-03 09", "DATE=2024-02-04 10");
    assert!(refused(P3, &after, "vpn", None).starts_with("nothing changed"));
    let json = with("location/Quay", "location/Pier");
    assert!(refused(P3, &json, "vpn", None).contains("JSON section extensions.json"));
}

#[test]
fn secrets_are_neither_written_nor_listed() {
    let after = with("SECURITY_PASSWORD=", "SECURITY_PASSWORD=Rope-and-tar")
        .replace("Mooring-Line-5", "Other-Line-7");
    let message = refused(P3, &after, "recording_key", None);
    let dialect = learned(P3, &after, "recording_key", Some("fileserver/SECURITY_PASSWORD"));
    let wrong = learned(P3, &after, "intrusion", Some("fileserver/SECURITY_PASSWORD"));
    for text in [message, dialect, wrong] {
        assert!(!text.contains("Rope") && !text.contains("Line"), "{text}");
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let update = P3.replace("MX-V4.7.2.18-r1", "MX-V4.7.3.11-r6");
    assert!(refused(P3, &update, "vpn", None).contains("two firmware versions"));
    let message = refused(P3, P3, "intrusio", None);
    assert!(message.contains("did you mean \"intrusion\""), "{message}");
    assert!(refused(P3, "", "vpn", None).starts_with("reading the export from after"));
    assert!(refused(P3, P3, "public_access", None).contains("need not be learned"));
    let quoted = with("USE_VPN=0", "USE_VPN=0\nX\"Y=1");
    assert!(refused(P3, &quoted, "vpn", None).contains("no dialect file can hold"));
}

#[test]
fn a_key_that_is_known_as_something_else_is_only_learned_on_insistence() {
    let after = with("fsck=1", "fsck=0");
    let said = refused(P3, &after, "recording_key", None);
    assert!(said.contains("storage failure detection") && said.contains("--key camerachecks/fsck"));
    assert!(learned(P3, &after, "recording_key", Some("camerachecks/fsck")).contains("fsck"));
    assert!(learned(P3, &after, "storage_check", None).contains("fsck"), "its own is no stranger");
    let said = refused(P3, &with("usr=viewer:", "usr=keeper:"), "intrusion", None);
    assert!(said.contains("the accounts") && !said.contains("keeper"), "{said}");
}

#[test]
fn without_a_setting_named_the_dialect_tells_or_the_message_lists_what_there_is() {
    let known = with("USE_VPN=0", "USE_VPN=1");
    let written = learn(P3.as_bytes(), known.as_bytes(), None, None).unwrap();
    assert_eq!(written, learned(P3, &known, "vpn", None));
    let unknown = with("AUTHTYPE=auto\n", "AUTHTYPE=auto\nIDS_ENABLE=1\n");
    let message = learn(P3.as_bytes(), unknown.as_bytes(), None, None).unwrap_err();
    for wanted in ["httpd/IDS_ENABLE", "--setting NAME", "intrusion"] {
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn how_a_rule_or_a_profile_is_written_is_learned_where_the_export_tells() {
    let rule = "RULE=allow 192.168.1.0/255.255.255.0";
    let after = P3.replacen("SECTION homepage\n", &format!("SECTION homepage\n{rule}\n"), 1);
    let rules = learned(P3, &after, "ip_access_rules", None);
    assert!(rules.contains("form = \"allow {network}\"\n"), "{rules}");
    facts(&rules, &after);
    let twice = after.replace(rule, "RULE=allow 10.1.2.3 10.1.2.4");
    let unclear = learned(P3, &twice, "ip_access_rules", None);
    assert!(!unclear.contains("form"), "which of two addresses stands for what is not told");

    let after = with("logscan_alarm_notify_ip=\n", "logscan_alarm_notify_ip=ip0\n");
    let profile = learned(P3, &after, "notify_ip", None);
    assert!(profile.contains("form = \"{id}\"\n"), "{profile}");
    let seen = facts(&profile, &after).error_notification;
    let seen = seen.seen().unwrap();
    assert_eq!((seen.value.remote.len(), seen.confidence), (1, Confidence::Observed));
}
