//! Keeps what ARCHITECTURE.md promises: file sizes, pure thinking rooms, one owner per tool, arrows between rooms.

use crate::source::{self, Source};

/// The most lines a file may have.
const MAX_LINES: usize = 400;

/// Rooms that think: no I/O, no clock, no randomness, no `async`.
const THINKING: &[&str] = &[
    "proto/src/",
    "agent/src/apply/outcome.rs",
    "agent/src/apply/text.rs",
    "agent/src/change",
    "agent/src/facts/",
    "agent/src/firmware/",
    "agent/src/measures/",
    "agent/src/plan/",
    "agent/src/report/",
    "agent/src/site.rs",
    "agent/src/config/device.rs",
    "agent/src/config/mod.rs",
    "agent/src/config/policy.rs",
    "agent/src/device/address.rs",
    "agent/src/device/mobotix/config",
    "agent/src/device/mobotix/crypt",
    "agent/src/device/mobotix/dialect",
    "agent/src/device/mobotix/edit",
    "agent/src/device/mobotix/export",
    "agent/src/device/mobotix/identify.rs",
    "agent/src/device/mobotix/learn",
    "agent/src/device/mobotix/model",
    "agent/src/device/mobotix/weblog",
    "agent/src/rotation/attempts.rs",
    "agent/src/rotation/due.rs",
    "agent/src/rotation/effect.rs",
    "agent/src/rotation/learn.rs",
    "agent/src/rotation/mod.rs",
    "agent/src/rotation/next.rs",
    "agent/src/rotation/password.rs",
    "agent/src/identity/renewal.rs",
    "agent/src/link/backoff.rs",
    "agent/src/visit/workstation.rs",
    "agent/src/config/unattended.rs",
    "agent/src/discovery/table.rs",
    "agent/src/inventory/",
    "agent/src/rounds/carry.rs",
    "agent/src/rounds/coarse.rs",
    "agent/src/rounds/credentials/choice.rs",
    "agent/src/rounds/enforce/proven.rs",
    "agent/src/rounds/enforce/record.rs",
    "agent/src/rounds/enforce/wire.rs",
    "agent/src/rounds/kept.rs",
    "agent/src/rounds/logs.rs",
    "agent/src/rounds/lookout/correlate",
    "agent/src/rounds/wire.rs",
    "agent/src/rounds/yardstick.rs",
    "agent/src/schedule.rs",
    "agent/src/timekeeper.rs",
    "controller/src/config/",
];

/// What a thinking room may not say.
const DOING: &[&str] = &[
    "std::fs",
    "std::io::stdin",
    "std::net::Tcp",
    "std::net::Udp",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "clock::now",
    "tokio",
    "reqwest",
    "async fn",
    ".await",
    "rand::",
    "getrandom",
    "println!",
    "eprintln!",
];

/// A tool, and the only places that may say its name.
const OWNERS: &[(&str, &[&str])] = &[
    ("tonic", &["agent/src/link/", "controller/src/api/", "proto/", "tests/"]),
    ("tonic_prost", &["proto/"]),
    (
        "prost",
        &["proto/", "agent/src/link/", "controller/src/api/", "controller/src/store/", "tests/"],
    ),
    ("sled", &["agent/src/store/", "tests/src/"]),
    ("crc32fast", &["agent/src/store/"]),
    ("sqlx", &["controller/src/store/"]),
    ("age", &["certs/"]),
    ("governor", &["controller/src/api/"]),
    ("hyper", &["agent/src/service/", "controller/src/local/"]),
    ("reqwest", &["agent/src/device/"]),
    ("tower", &["agent/src/device/", "agent/src/link/", "controller/src/api/", "tests/src/"]),
    ("http_auth", &["agent/src/device/"]),
    ("rcgen", &["certs/"]),
    ("webpki", &["certs/"]),
    ("x509_parser", &["certs/"]),
    ("aws_lc_rs", &["certs/", "agent/src/main.rs", "agent/src/device/", "tests/"]),
    ("pwhash", &["agent/src/device/mobotix/crypt", "tests/src/devices/"]),
    (
        "clap",
        &[
            "agent/src/cli/",
            "agent/src/main.rs",
            "agent/src/report/format.rs",
            "controller/src/cli/",
            "tests/src/bin/",
        ],
    ),
    ("clap_complete", &["agent/src/cli/", "controller/src/cli/"]),
    ("rpassword", &["agent/src/cli/", "controller/src/cli/"]),
    ("indicatif", &["controller/src/cli/"]),
    ("askama", &["agent/src/report/"]),
    ("csv", &["agent/src/report/"]),
    ("quick_xml", &["agent/src/report/", "tests/it/"]),
    ("strsim", &["proto/", "agent/src/device/mobotix/", "controller/src/config/"]),
    ("secrecy", &["proto/"]),
];

/// A room of the agent, and the rooms of the agent it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("facts", &["facts", "firmware"]),
    ("firmware", &["firmware"]),
    ("site", &["firmware", "facts"]),
    ("change", &["change"]),
    ("measures", &["measures", "facts", "site", "firmware", "change"]),
    ("plan", &["plan", "change", "facts", "measures"]),
    (
        "apply",
        &["apply", "plan", "change", "device", "measures", "facts", "site", "firmware", "clock"],
    ),
    ("report", &["report", "measures", "facts", "site", "firmware"]),
    ("device", &["device", "facts", "firmware", "clock", "change", "rotate", "rotation"]),
    ("config", &["config", "facts", "device", "firmware"]),
    ("rotation", &["rotation"]),
    ("visit", &["visit", "device", "facts", "config", "clock"]),
    ("identity", &["identity", "rotation", "store"]),
    ("custody", &["custody", "store"]),
    (
        "link",
        &["link", "clock", "custody", "identity", "rotate", "rotation", "store", "timekeeper"],
    ),
    (
        "service",
        &[
            "service",
            "apply",
            "clock",
            "config",
            "custody",
            "device",
            "discovery",
            "facts",
            "identity",
            "link",
            "rotate",
            "rounds",
            "store",
        ],
    ),
    ("store", &["store", "rotation"]),
    ("rotate", &["rotate", "rotation", "store", "device", "clock"]),
    ("timekeeper", &[]),
    ("clock", &["timekeeper"]),
    ("schedule", &["facts"]),
    ("inventory", &[]),
    ("discovery", &["device", "inventory"]),
    (
        "rounds",
        &[
            "apply",
            "change",
            "clock",
            "config",
            "device",
            "discovery",
            "facts",
            "firmware",
            "inventory",
            "measures",
            "plan",
            "rotate",
            "rotation",
            "schedule",
            "site",
            "store",
            "visit",
        ],
    ),
];

fn complaints(rule: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long = |file: &Source| {
        let lines = file.text.lines().count();
        (lines > MAX_LINES).then(|| format!("{} has {lines} lines", file.path))
    };
    complaints(
        "a file that wants to be longer is two things",
        source::all().iter().filter_map(long).collect(),
    );
}

#[test]
fn thinking_rooms_do_nothing() {
    let files = source::all();
    let is_gone = |room: &&&str| !files.iter().any(|file| file.path.starts_with(**room));
    let gone = THINKING.iter().filter(is_gone).map(|room| (*room).to_owned()).collect();
    complaints("a rule about a room that is not there keeps nothing", gone);
    let mut found = Vec::new();
    for file in
        source::all().iter().filter(|file| THINKING.iter().any(|room| file.path.starts_with(room)))
    {
        for (number, line) in file.code_without_tests() {
            for word in DOING.iter().filter(|word| line.contains(*word)) {
                found.push(format!("{}:{number} says {word}", file.path));
            }
        }
    }
    complaints("a thinking room holds no I/O, no clock, no randomness, no async", found);
}

#[test]
fn every_tool_has_one_owner() {
    let mut found = Vec::new();
    let elsewhere = ["fuzz/", "tests/it/tidy.rs"];
    for file in source::all()
        .iter()
        .filter(|file| !elsewhere.iter().any(|place| file.path.starts_with(place)))
    {
        for (number, line) in file.code() {
            for (tool, rooms) in OWNERS {
                if says(line, tool) && !rooms.iter().any(|room| file.path.starts_with(room)) {
                    found.push(format!(
                        "{}:{number} uses {tool}, which belongs to {}",
                        file.path,
                        rooms.join(", ")
                    ));
                }
            }
        }
    }
    complaints("one owner per tool", found);
}

#[test]
fn only_the_room_that_authenticates_makes_peers() {
    let mut found = Vec::new();
    let may = |path: &str| {
        path.ends_with("/testing.rs")
            || ["controller/src/api/peer.rs", "controller/src/service/caller.rs"].contains(&path)
    };
    let files = source::all();
    for file in files.iter().filter(|file| file.path.starts_with("controller/")) {
        for (number, line) in file.code() {
            if line.contains("made_by_peer") && !may(&file.path) {
                found.push(format!("{}:{number}", file.path));
            }
        }
    }
    complaints("who calls is told by a handshake and the books", found);
}

/// Whether a line uses a crate: its name as a path's first segment.
fn says(line: &str, tool: &str) -> bool {
    let starts = |place: usize| {
        let before = line[..place].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '.' || c == '"')
    };
    line.match_indices(tool).any(|(place, _)| {
        let rest = &line[place + tool.len()..];
        starts(place) && rest.starts_with("::")
    })
}

#[test]
fn rooms_only_use_the_rooms_below_them() {
    let mut found = Vec::new();
    for file in source::all() {
        let Some(inner) = file.path.strip_prefix("agent/src/") else { continue };
        let room = inner.split(['/', '.']).next().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else { continue };
        for (number, line) in file.code_without_tests() {
            for (place, _) in line.match_indices("crate::") {
                let rest = &line[place + 7..];
                let used = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default();
                let is_room = !used.is_empty()
                    && used != room
                    && used.starts_with(|c: char| c.is_lowercase());
                if is_room && !allowed.contains(&used) {
                    found.push(format!("{}:{number}: {room} may not use {used}", file.path));
                }
            }
        }
    }
    complaints("nothing on the one-way street turns round", found);
}

#[test]
fn crates_only_use_the_crates_below_them() {
    let arrows: [(&str, &[&str]); 5] = [
        ("proto", &[]),
        ("certs", &["proto"]),
        ("agent", &["proto", "certs"]),
        ("controller", &["proto", "certs"]),
        ("tests", &["proto", "certs", "agent", "controller"]),
    ];
    let crates = ["proto", "certs", "agent", "controller", "tests"];
    for (name, allowed) in arrows {
        let manifest = source::read(&format!("{name}/Cargo.toml"));
        for other in crates.iter().filter(|other| **other != name && !allowed.contains(other)) {
            let uses = manifest.lines().any(|line| {
                line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} "))
            });
            assert!(!uses, "{name} may not depend on {other}");
        }
    }
}

#[test]
fn no_test_is_skipped_or_sleeps() {
    let mut found = Vec::new();
    for file in source::all().iter().filter(|file| !file.path.ends_with("it/tidy.rs")) {
        let in_tests: Vec<_> = file.code_without_tests().map(|(number, _)| number).collect();
        for (number, line) in file.code() {
            let is_test = file.path.starts_with("tests/it/") || !in_tests.contains(&number);
            if line.contains("#[ignore") || (is_test && line.contains("sleep(")) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    complaints("tests wait for conditions, and all of them run", found);
}

#[test]
fn every_dependency_has_its_reason() {
    let architecture = source::read("ARCHITECTURE.md");
    let manifest = source::read("Cargo.toml");
    let table = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("the table");
    let names =
        table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim());
    let missing: Vec<_> = names
        .filter(|name| !["proto", "certs", "agent", "controller"].contains(name))
        .filter(|name| !architecture.contains(&format!("`{name}`")))
        .map(str::to_owned)
        .collect();
    complaints("ARCHITECTURE.md says why for every dependency; it is silent about", missing);
}

#[test]
fn the_rules_catch_what_they_forbid() {
    let text = "use reqwest::Client;\n// reqwest::Client\nlet x = my_reqwest::y();\n".to_owned();
    let file = Source { path: "agent/src/facts/x.rs".to_owned(), text };
    let hits: Vec<_> =
        file.code().filter(|(_, line)| says(line, "reqwest")).map(|(number, _)| number).collect();
    assert_eq!(hits, [1]);
    let text =
        "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { std::fs::read(\"x\"); } }\n".to_owned();
    let file = Source { path: "agent/src/facts/x.rs".to_owned(), text };
    assert!(!file.code_without_tests().any(|(_, line)| line.contains("std::fs")));
    assert!(file.code().any(|(_, line)| line.contains("std::fs")));
}
