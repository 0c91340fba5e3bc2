//! What a site file may say, what it is refused for, and that the examples in the repository are true.

use std::fmt::Write as _;

use proptest::prelude::*;
use proto::Policy;

use super::*;
use crate::device::BasicInClear;

const YARD: &str = "[[devices]]\nname = 'yard'\nkind = 'mobotix'\naddress = 'https://10.1.2.3'\n";

fn parse(text: &str) -> Result<SiteFile, String> {
    SiteFile::parse(text, Path::new("/sites/harbour")).map_err(|error| error.to_string())
}

/// The text is refused, and the message holds all of `words`.
#[track_caller]
fn check(text: &str, words: &[&str]) {
    let error = parse(text).unwrap_err();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

/// A camera with more lines is refused, and the message names the camera and holds all of `words`.
#[track_caller]
fn check_camera(lines: &str, words: &[&str]) {
    check(&format!("{YARD}{lines}\n"), &[&["device yard: "], words].concat());
}

/// The text with its examples taken in: lines that begin with "#" and no blank.
fn uncommented(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let example =
            line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
        writeln!(out, "{}", example.unwrap_or(line)).unwrap();
    }
    out
}

#[test]
fn paths_are_relative_to_the_site_files_folder() {
    let top = "policy = 'p.toml'\nadvisories = '../csaf'\ndialects = ['/etc/d.toml', 'e.toml']\n";
    let site = parse(&format!("{top}{YARD}user = 'audit'\npassword_file = 'yard.pw'\n")).unwrap();
    assert_eq!(site.policy, Some("/sites/harbour/p.toml".into()));
    assert_eq!(site.advisories, Some("/sites/harbour/../csaf".into()));
    assert_eq!(site.dialects, [PathBuf::from("/etc/d.toml"), "/sites/harbour/e.toml".into()]);
    assert_eq!(site.concurrency, 8);
    let SiteSource::Live { login: Some(login), pin: None, .. } = &site.devices[0].source else {
        panic!("{site:?}")
    };
    assert_eq!(login.password, PasswordSource::File("/sites/harbour/yard.pw".into()));
    assert_eq!(login.basic_in_clear, BasicInClear::Never);
}

#[test]
fn a_password_in_the_site_file_is_refused_and_not_repeated() {
    for line in
        ["password = 's3cret'", "password = ['s3cret']", "user = 'a'\npassword_env = 's3cret!'"]
    {
        let error = parse(&format!("{YARD}{line}\n")).unwrap_err();
        assert!(error.contains("device yard") && !error.contains("s3cret"), "{error}");
    }
    check_camera(
        "password = 's3cret'",
        &["never stands in this file", "password_file", "password_env"],
    );
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    check(&format!("{YARD}pasword_file = 'x'\n"), &["line 5", "did you mean `password_file`"]);
    check(&format!("concurency = 3\n{YARD}"), &["line 1", "did you mean `concurrency`"]);
    check("[[devices]]\nname = 'x'\nkind = 'mobotic'\n", &["line 3", "did you mean `mobotix`"]);
    check("[[devices]]\nname = 'a b'\nkind = 'nas'\n", &["line 2", "cannot be a device name"]);
}

#[test]
fn a_camera_has_either_an_address_or_a_file() {
    check_camera("file = 'yard.cfg'", &["an address and a file"]);
    check(
        "[[devices]]\nname = 'yard'\nkind = 'mobotix'\n",
        &["device yard: ", "neither an address nor a file"],
    );
    let file = "[[devices]]\nname = 'yard'\nkind = 'mobotix'\nfile = 'yard.cfg'\n";
    assert_eq!(
        parse(file).unwrap().devices[0].source,
        SiteSource::File("/sites/harbour/yard.cfg".into())
    );
    check(&format!("{file}user = 'audit'\n"), &["device yard: ", "leave out user"]);
}

#[test]
fn a_login_is_whole_or_absent() {
    check_camera("user = 'audit'", &["user but no password"]);
    check_camera("password_env = 'PW'", &["password but no user"]);
    check_camera("user = 'a'\npassword_env = 'PW'\npassword_file = 'x'", &["keep one"]);
    check_camera("user = 'a:b'\npassword_env = 'PW'", &["colon"]);
    check_camera("basic_in_clear = true", &["basic_in_clear but no user"]);
    check_camera("pin = 'sha256:00'", &["64 hex digits"]);
    check_camera("addresses = ['10.1.2.4']", &["vms or nas"]);
    check(&YARD.replace("https", "ftp"), &["device yard: ", "https:// or http://"]);
    let pin = format!("{}pin = 'sha256:{}'\n", YARD.replace("https", "http"), "0".repeat(64));
    check(&pin, &["device yard: ", "http://"]);
}

#[test]
fn workstations_and_storage_are_declared_only() {
    let vms = "[[devices]]\nname = 'desk'\nkind = 'vms'\naddresses = ['10.1.2.9', 'fd00::9', '10.1.2.9']\n";
    let site = parse(&format!("{YARD}{vms}")).unwrap();
    assert_eq!(site.devices[1].source, SiteSource::Declared);
    assert_eq!(
        site.vms_addresses(),
        ["10.1.2.9".parse::<IpAddr>().unwrap(), "fd00::9".parse().unwrap()]
    );
    check(&format!("{vms}address = 'https://10.1.2.9'\n"), &["device desk: ", "leave out address"]);
}

#[test]
fn names_and_addresses_are_each_used_once() {
    check(&format!("{YARD}{YARD}"), &["device yard: ", "names must differ"]);
    let other = YARD.replace("'yard'", "'gate'").replace("10.1.2.3", "10.1.2.3:443/");
    check(&format!("{YARD}{other}"), &["device gate: ", "device yard already"]);
    let forwarded = other.replace(":443/", ":8443");
    assert!(
        parse(&format!("{YARD}{forwarded}")).is_ok(),
        "another port may lead to another camera"
    );
}

#[test]
fn a_site_without_devices_is_refused_rather_than_found_good() {
    check("", &["names no device", "[[devices]]"]);
    check("name = 'Harbour'\n", &["names no device"]);
}

#[test]
fn concurrency_has_its_range() {
    for count in ["0", "257", "-1"] {
        check(&format!("concurrency = {count}\n{YARD}"), &["concurrency is", "1 to 256"]);
    }
    assert_eq!(parse(&format!("concurrency = 256\n{YARD}")).unwrap().concurrency, 256);
    check(&format!("policy = ''\n{YARD}"), &["one is empty"]);
}

fn attestation(measure: &str, devices: &str, by: &str) -> String {
    format!(
        "{YARD}[[devices]]\nname = 'archive'\nkind = 'nas'\n[[attestations]]\nmeasure = '{measure}'\n\
         devices = {devices}\nby = '{by}'\nuntil = '2027-06-30'\nevidence = 'seen'\n"
    )
}

#[test]
fn attestations_reach_the_devices_they_name_and_their_kind() {
    let all = parse(&attestation("C19", "[]", "Kim")).unwrap();
    let (yard, archive): (DeviceName, DeviceName) =
        ("yard".parse().unwrap(), "archive".parse().unwrap());
    assert_eq!(all.attestations_for(&yard).len(), 1);
    assert!(all.attestations_for(&archive).is_empty());
    assert!(all.attestations_for(&"nobody".parse().unwrap()).is_empty());
    let one = parse(&attestation("N01", "['archive']", "Kim")).unwrap();
    assert_eq!((one.attestations_for(&yard).len(), one.attestations_for(&archive).len()), (0, 1));
}

#[test]
fn an_attestation_that_cannot_hold_is_refused() {
    check(
        &attestation("C19", "['yrad']", "Kim"),
        &["attestation 1 (C19): ", "no device is called yrad"],
    );
    check(
        &attestation("C19", "['archive']", "Kim"),
        &["attestation 1 (C19): ", "does not concern device archive"],
    );
    check(&attestation("C19", "[]", " "), &["attestation 1 (C19): ", "who vouches"]);
    let bare = attestation("C19", "[]", "Kim").replace("'2027-06-30'", "2027-06-30");
    check(&bare, &["line 12", "expected a date string"]);
    check(&attestation("C77", "[]", "Kim"), &["C77", "C01 to C22"]);
}

#[test]
fn the_example_policy_is_the_default_policy_with_every_key() {
    let text = include_str!("../../../policy.example.toml");
    assert_eq!(Policy::from_toml(text), Ok(Policy::default()));
    let shown: serde_json::Value = toml::from_str(text).unwrap();
    let defaults = serde_json::to_value(Policy::default()).unwrap();
    for (table, keys) in defaults.as_object().unwrap() {
        for key in keys.as_object().into_iter().flat_map(|keys| keys.keys()) {
            assert!(
                shown[table].get(key).is_some(),
                "{table}.{key} is missing in policy.example.toml"
            );
        }
        assert!(text.contains(&format!("[{table}]")), "{table} is missing in policy.example.toml");
    }
}

#[test]
fn the_examples_in_the_example_policy_hold() {
    let policy =
        Policy::from_toml(&uncommented(include_str!("../../../policy.example.toml"))).unwrap();
    assert_eq!(policy.waivers.len(), 1);
    assert_eq!(policy.waivers[0].devices.len(), 2);
    assert_eq!(policy.stances.len(), 2);
}

#[test]
fn the_example_site_is_a_site() {
    let text = include_str!("../../../site.example.toml");
    let site = parse(text).unwrap();
    assert_eq!((site.devices.len(), site.attestations.len()), (4, 2));
    let yard: DeviceName = "yard".parse().unwrap();
    assert_eq!(site.attestations_for(&yard).len(), 1);
    // Its one alternative that cannot stand beside the other is said to be one.
    let error = parse(&uncommented(text)).unwrap_err();
    assert!(error.contains("password_file and password_env"), "{error}");
    let alternative = uncommented(text).replace("password_file = \"yard.pw\"\n", "");
    let site = parse(&alternative).unwrap();
    assert_eq!((site.advisories.is_some(), site.dialects.len()), (true, 1));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_device_table_makes_the_reader_panic(
        keys in proptest::collection::btree_map(
            prop_oneof![
                Just("address"), Just("file"), Just("user"), Just("password_file"), Just("password_env"), Just("pin"),
                Just("password"),
            ],
            "[ -~]{0,30}",
            0..5,
        ),
        kind in prop_oneof![Just("mobotix"), Just("vms"), Just("nas")],
    ) {
        let mut text = format!("[[devices]]\nname = 'x'\nkind = '{kind}'\n");
        for (key, value) in &keys {
            writeln!(text, "{key} = {value:?}").unwrap();
        }
        if let Ok(site) = parse(&text) {
            prop_assert!(!keys.contains_key("password"));
            prop_assert_eq!(site.devices.len(), 1);
        }
    }
}

#[test]
fn an_agent_that_runs_by_itself_visits_hourly_and_searches_only_named_networks() {
    let site = parse(YARD).unwrap().unattended;
    assert_eq!((site.visit_minutes, site.gone_days, site.discovery), (60, 3, None));
    let table = "[discovery]\nnetworks = ['10.1.2.0/24']\n";
    let site = parse(&format!("visit_minutes = 5\ngone_days = 9\n{YARD}{table}")).unwrap();
    assert_eq!((site.unattended.visit_minutes, site.unattended.gone_days), (5, 9));
    let discovery = site.unattended.discovery.unwrap();
    assert_eq!((discovery.networks.len(), discovery.minutes), (1, 60));
}

#[test]
fn networks_and_times_out_of_range_are_refused() {
    check(&format!("visit_minutes = 0\n{YARD}"), &["visit_minutes", "1 to 43200"]);
    check(&format!("gone_days = 400\n{YARD}"), &["gone_days", "1 to 365"]);
    let table = |networks: &str| format!("{YARD}[discovery]\nnetworks = {networks}\n");
    check(&table("[]"), &["discovery", "leave the table out"]);
    check(&table("['0.0.0.0/0']"), &["0.0.0.0/0", "half the Internet"]);
    check(&table("['fd00::/64']"), &["only IPv4"]);
    check(&format!("{}minutes = 0\n", table("['10.1.2.0/24']")), &["discovery.minutes"]);
    check(&format!("{}minute = 1\n", table("['10.1.2.0/24']")), &["did you mean `minutes`"]);
}
