use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

const SMALL: &str = "[server]\naddresses = [\"controller.example.org:7443\"]\n";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Loaded::read(text, Path::new("/srv/palisade"), &variables)
}

#[track_caller]
fn refused(text: &str, variables: &[(&str, &str)], words: &[&str]) {
    let message = read(text, variables).unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    assert_eq!(message.lines().count(), 1, "{message:?}");
}

#[test]
fn the_table_of_keys_is_that_of_the_types() {
    let listed: BTreeSet<_> =
        KEYS.iter().map(|key| (key.section.to_owned(), key.name.to_owned())).collect();
    let table = toml::Table::try_from(Config::default()).unwrap();
    let typed: BTreeSet<_> = table
        .iter()
        .flat_map(|(section, keys)| {
            keys.as_table().unwrap().keys().map(|key| (section.clone(), key.clone()))
        })
        .collect();
    assert_eq!((KEYS.len(), &listed), (typed.len(), &typed));
}

#[test]
fn every_key_has_a_variable_that_overrides_it() {
    for key in KEYS {
        let value = match key.name {
            "data" => "/elsewhere",
            "listen" => "127.0.0.1:1",
            "addresses" => "a.example:1,[2001:db8::1]:2",
            "socket" => "/run/palisade.sock",
            "token" | "code" | "certificate" => "2h",
            "pending" if key.section == "lives" => "2h",
            "handshake_time" => "3s",
            "message_bytes" => "4194304",
            "format" => "json",
            "level" => "debug",
            "recipients" => "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
            "findings" | "agent_audit" => "99d",
            _ => "77",
        };
        let loaded = read(SMALL, &[(&key.variable(), value)]).unwrap();
        assert_eq!(loaded.origin(key), Origin::Variable, "{key:?}");
        let shown = loaded.to_toml();
        assert!(shown.contains(&key.variable()), "{shown}");
        assert_ne!(loaded.config, read(SMALL, &[]).unwrap().config, "{key:?}");
    }
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_its_line() {
    refused("[server]\nlisten = 7\n", &[], &["line 2"]);
    refused("[server]\nlisen = \"x\"\n", &[], &["line 2", "did you mean `listen`"]);
    refused("[sever]\n", &[], &["did you mean `server`"]);
    refused("[lives]\ntoken = \"1 day\"\n", &[], &["line 2", "24h"]);
    refused("[log]\nlevel = \"warning\"\n", &[], &["did you mean `warn`"]);
    refused("[server]\naddresses = [\"controller\"]\n", &[], &["line 2", "HOST:PORT"]);
    refused("[server\n", &[], &["line 1"]);
}

#[test]
fn values_out_of_their_range_are_named_with_their_key() {
    refused("", &[], &["server.addresses", "1 to 8"]);
    for (key, value, words) in [
        ("[lives]\ntoken", "\"31d\"", ["lives.token", "1m to 30d; it is 31d"]),
        ("[lives]\ncertificate", "\"59m\"", ["lives.certificate", "1h to 90d"]),
        ("[limits]\nhandshakes", "0", ["limits.handshakes", "1 to 4096; it is 0"]),
        ("[limits]\nmessage_bytes", "1000", ["limits.message_bytes", "it is 1000"]),
        ("[keep]\nagent_audit", "\"1d\"", ["keep.agent_audit", "30d"]),
        ("[backup]\nrecipients", "[\"bob\"]", ["backup.recipients", "bob"]),
    ] {
        refused(&format!("{SMALL}{key} = {value}\n"), &[], &words);
    }
    let long = format!("[server]\naddresses=['a:1']\nsocket='{}'\n", "x".repeat(108));
    refused(&long, &[], &["server.socket", "107"]);
}

#[test]
fn a_secret_key_among_the_recipients_is_not_repeated() {
    let text = format!("{SMALL}[backup]\nrecipients = [\"AGE-SECRET-KEY-1QQQQ\"]\n");
    let message = read(&text, &[]).unwrap_err().to_string();
    assert!(message.contains("public") && !message.contains("QQQQ"), "{message}");
}

#[test]
fn a_variable_that_is_no_setting_is_an_error_that_names_the_nearest() {
    refused(SMALL, &[("PALISADE_SERVER_LISTN", "x")], &["PALISADE_SERVER_LISTEN?"]);
    refused(SMALL, &[("PALISADE_SEVRER_LISTEN", "x")], &["PALISADE_SERVER_LISTEN?"]);
    refused(SMALL, &[("PALISADE_LOG_COLOUR", "x")], &["did you mean PALISADE_LOG_"]);
    for other in ["PALISADE_PASSPHRASE", "PALISADE_CONFIG", "PALISADE_HOME", "PALISADE_PASSWORD"] {
        assert!(read(SMALL, &[(other, "x")]).is_ok(), "{other}");
    }
}

#[test]
fn a_variable_of_the_wrong_kind_is_named() {
    refused(SMALL, &[("PALISADE_LIMITS_HANDSHAKES", "many")], &["PALISADE_LIMITS_HANDSHAKES"]);
    refused(SMALL, &[("PALISADE_LIVES_TOKEN", "soon")], &["PALISADE_LIVES_TOKEN", "24h"]);
    let zero = [("PALISADE_LIMITS_HANDSHAKES", "0")];
    refused(SMALL, &zero, &["limits.handshakes (from PALISADE_LIMITS_HANDSHAKES)"]);
    assert!(read(SMALL, &[("PALISADE_LIVES_TOKEN", "")]).is_ok());
}

#[test]
fn what_is_printed_is_a_file_that_means_the_same() {
    let text = format!("{SMALL}data = \"data\"\n[lives]\ntoken = \"90m\"\n");
    let loaded = read(&text, &[("PALISADE_LOG_FORMAT", "json")]).unwrap();
    assert_eq!(loaded.config.server.data, Path::new("/srv/palisade/data"));
    let printed = loaded.to_toml();
    assert_eq!(read(&printed, &[]).unwrap().config, loaded.config);
    assert!(printed.contains("from the file; default \"1d\""), "{printed}");
    let written = loaded.config.to_file();
    assert_eq!(read(&written, &[]).unwrap().config, loaded.config);
    let json = loaded.to_json();
    assert_eq!(json["lives"]["token"]["value"], "90m");
    assert_eq!(json["lives"]["token"]["from"], "file");
    assert_eq!(json["log"]["format"]["from"], "variable");
}

#[test]
fn lengths_of_time_read_back() {
    for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)]
    {
        assert_eq!(text.parse(), Ok(Span::seconds(seconds)), "{text}");
    }
    assert_eq!(Span::seconds(5400).to_string(), "90m");
    for bad in ["", "d", "7", "-1d", "+1d", "1.5h", "7 d", "7w", "7é", "99999999999d", "40000d"] {
        assert!(bad.parse::<Span>().is_err(), "{bad:?}");
    }
}

#[test]
fn addresses_are_host_and_port() {
    for good in ["a:1", "controller.example.org:7443", "192.0.2.1:65535", "[::1]:7443"] {
        assert_eq!(good.parse::<Address>().unwrap().as_str(), good);
    }
    for bad in [
        "",
        "a",
        ":1",
        "a:",
        "a:0",
        "a:65536",
        "::1:7443",
        "[::1:7",
        "[a]:1",
        "a b:1",
        "-a:1",
        "https://a:1",
        "a:1/",
        "a..b:1",
        "a:+1",
    ] {
        assert!(bad.parse::<Address>().is_err(), "{bad:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}", value in ".{0,40}") {
        let _ = read(&text, &[("PALISADE_SERVER_DATA", &value)]);
        let _ = value.parse::<Span>();
        let _ = value.parse::<Address>();
    }
}
