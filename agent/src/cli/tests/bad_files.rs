//! Files of every bad kind end in a clear message, in bounded time and memory.

use std::fs::File;

use super::*;
use crate::cli::{FAILED, USAGE};

#[test]
fn a_missing_target_says_what_else_it_could_be() {
    let world = World::new();
    refused(&world.run(&["audit", "@none.cfg"]), FAILED, &["none.cfg", "no such file"]);
    for host in ["camera-7.example.org", "192.0.2.7", "192.0.2.7:8080", "yard"] {
        let answer = world.run(&["audit", host]);
        refused(&answer, FAILED, &["no such file", &format!("write https://{host}")]);
    }
    let file = world.run(&["audit", "nothing-here.cfg"]);
    assert!(!file.err.contains("https://"), "{file:?}");
}

#[test]
fn what_is_no_file_is_refused() {
    let world = World::new();
    fs::create_dir(world.path("folder")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(world.path("socket")).unwrap();
    for (target, word) in [
        ("@folder", "directory"),
        ("/dev/zero", "device"),
        ("/dev/random", "device"),
        ("@socket", "socket"),
    ] {
        refused(&world.run(&["audit", target]), FAILED, &[word]);
        refused(&world.run(&["judge", target]), FAILED, &[word]);
        let answer = world.run(&["learn", target, target, "--setting", "x"]);
        refused(&answer, FAILED, &[word]);
        refused(&world.run(&["policy", "check", target]), USAGE, &["the policy"]);
        let answer = world.run(&["audit", "--inventory", target]);
        refused(&answer, USAGE, &["the site file"]);
    }
    drop(socket);
}

#[test]
fn a_pipe_that_nobody_writes_to_does_not_hang() {
    let world = World::new();
    let made = std::process::Command::new("mkfifo").arg(world.path("pipe")).status();
    assert!(made.unwrap().success());
    refused(&world.run(&["audit", "@pipe"]), FAILED, &["pipe", "standard input"]);
    let answer =
        world.run(&["audit", "https://127.0.0.1:1", "--user", "kim", "--password-file", "@pipe"]);
    refused(&answer, USAGE, &["the password file"]);
}

#[test]
fn a_file_of_a_gigabyte_is_refused_unread() {
    let world = World::new();
    // Sparse: it takes no room, and reading it whole would take a gigabyte of memory.
    File::create(world.path("huge")).unwrap().set_len(1 << 30).unwrap();
    refused(&world.run(&["audit", "@huge"]), FAILED, &["1073741824 bytes", "at most 8 MiB"]);
    refused(&world.run(&["judge", "@huge"]), FAILED, &["at most 64 MiB"]);
    refused(&world.run(&["policy", "check", "@huge"]), USAGE, &["the policy"]);
    let answer = world.run(&["audit", "@huge", "--dialect", "@huge"]);
    refused(&answer, USAGE, &["the dialect"]);
}

#[test]
fn endless_standard_input_is_cut_off() {
    let mut world = World::new();
    world.input = vec![b'#'; (8 << 20) + 1];
    refused(&world.run(&["audit", "-"]), FAILED, &["standard input", "at most 8 MiB"]);
}

#[test]
fn bytes_that_are_no_configuration_become_a_failure_in_the_report() {
    let mut world = World::new();
    for bytes in [&b""[..], b"\0\x01\x02\xff\xfe", b"<html>not found</html>", b"#:MX-"] {
        world.input = bytes.to_vec();
        world.write("bad.cfg", bytes);
        for target in ["-", "@bad.cfg"] {
            let answer = world.run(&["audit", target, "--format", "json"]);
            assert_eq!(answer.code, FAILED, "{answer:?}");
            assert!(serde_json::from_str::<serde_json::Value>(&answer.out).is_ok(), "{answer:?}");
            assert_eq!(answer.err.lines().count(), 1, "{answer:?}");
        }
    }
}

#[test]
fn facts_that_are_none_are_refused_with_the_reason() {
    let world = World::new();
    let judge = |text: &str| {
        world.write("facts.json", text);
        world.run(&["judge", "@facts.json"])
    };
    refused(&judge(""), FAILED, &["facts.json", "save-facts"]);
    refused(&judge("{}"), FAILED, &["save-facts"]);
    refused(&judge("[1, 2"), FAILED, &["save-facts"]);
    refused(&judge(&"[".repeat(100_000)), FAILED, &["save-facts"]);
    refused(&judge("{\"palisade_facts\": 2, \"new\": []}"), FAILED, &["format is 2", "reads 1"]);
    let empty = "\"agent\": \"0\", \"site\": null, \"single\": false, \"observations\": []}";
    refused(&judge(&format!("{{\"palisade_facts\": 9, {empty}")), FAILED, &["format is 9"]);
    refused(&judge(&format!("{{\"palisade_facts\": 1, \"x\": 1, {empty}")), FAILED, &["damaged"]);
    refused(&judge(&format!("{{\"palisade_facts\": 1, {empty} x")), FAILED, &["save-facts"]);
    refused(&world.run(&["judge", "@none.json"]), FAILED, &["no such file"]);
}

#[test]
fn settings_that_are_missing_or_no_text_stop_everything() {
    let world = World::new();
    world.write("a.cfg", "x");
    world.write("binary", b"\xff\xfe\x00");
    for option in ["--policy", "--dialect", "--advisories"] {
        let answer = world.run(&["audit", "@a.cfg", option, "@none"]);
        assert_eq!((answer.code, answer.out.as_str()), (USAGE, ""), "{option} {answer:?}");
    }
    refused(&world.run(&["audit", "@a.cfg", "--policy", "@binary"]), USAGE, &["UTF-8"]);
    fs::create_dir(world.path("empty")).unwrap();
    refused(&world.run(&["audit", "@a.cfg", "--advisories", "@empty"]), USAGE, &["no .json"]);
}
