//! What is asked for wrongly ends with 3, and says what to write instead.

use super::*;
use crate::cli::{GOOD, USAGE};

#[test]
fn help_and_version_are_results() {
    let world = World::new();
    for arguments in [&["--help"][..], &["--version"], &["audit", "--help"], &["help", "learn"]] {
        let answer = world.run(arguments);
        assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{arguments:?}");
        assert!(answer.out.contains("palisade-agent"), "{answer:?}");
    }
}

#[test]
fn every_command_shows_an_example() {
    let world = World::new();
    for command in ["audit", "judge", "explain", "measures", "learn", "completions"] {
        let answer = world.run(&[command, "--help"]);
        assert!(answer.out.contains("Example"), "{command}: {}", answer.out);
    }
    for command in [["policy", "check"], ["schema", "report"]] {
        let answer = world.run(&[command[0], command[1], "--help"]);
        assert!(answer.out.contains("Example"), "{command:?}: {}", answer.out);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_3() {
    let world = World::new();
    world.write("a.cfg", "");
    world.write("site.toml", "");
    for arguments in [
        &[][..],
        &["nonsense"],
        &["audit"],
        &["audit", "@a.cfg", "--inventory", "@site.toml"],
        &["audit", "@a.cfg", "--only", "yard"],
        &["audit", "@a.cfg", "--format", "pdf"],
        &["audit", "@a.cfg", "--timeout", "0"],
        &["audit", "@a.cfg", "--name", "a b"],
        &["audit", "@a.cfg", "--vms", "not-an-address"],
        &["audit", "--inventory", "@site.toml", "--concurrency", "0"],
        &["audit", "https://h", "--pin", "sha256:12"],
        &["audit", "https://h", "--basic-in-clear"],
        &["audit", "https://h", "--password-file", "@a.cfg"],
        &["audit", "@a.cfg", "--password-file", "@a.cfg"],
        &["audit", "@a.cfg", "--concurrency", "2"],
        &["audit", "--inventory", "@site.toml", "--user", "kim"],
        &["audit", "--inventory", "@site.toml", "--password-file", "@a.cfg"],
        &["audit", "--inventory", "@site.toml", "--basic-in-clear"],
        &["explain"],
        &["explain", "C99"],
        &["explain", "C01", "--all"],
        &["learn", "@a.cfg"],
        &["policy"],
        &["schema"],
        &["completions", "cmd"],
    ] {
        let answer = world.run(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (USAGE, ""), "{arguments:?} {answer:?}");
        assert!(answer.err.starts_with("palisade-agent: ") || arguments.len() < 2, "{answer:?}");
        assert!(!answer.err.contains("\nerror:"), "{answer:?}");
    }
}

#[test]
fn options_that_do_not_fit_the_target_are_refused() {
    let world = World::new();
    world.write("a.cfg", "x");
    refused(&world.run(&["audit", "@a.cfg", "--user", "kim"]), USAGE, &["--user", "https://HOST"]);
    let pin = format!("sha256:{}", "ab".repeat(32));
    refused(&world.run(&["audit", "@a.cfg", "--pin", &pin]), USAGE, &["--pin"]);
    refused(&world.run(&["audit", "http://192.0.2.1", "--pin", &pin]), USAGE, &["https://"]);
    refused(&world.run(&["audit", "ftp://192.0.2.1"]), USAGE, &["ftp", "https://HOST"]);
}

#[test]
fn a_site_file_that_is_wrong_says_where() {
    let world = World::new();
    let bad = |text: &str| {
        world.write("site.toml", text);
        world.run(&["audit", "--inventory", "@site.toml"])
    };
    refused(&bad("nmae = \"x\"\n"), USAGE, &["site.toml", "line 1"]);
    refused(&bad("name = \"x\"\n"), USAGE, &["device"]);
    let camera = "[[devices]]\nname = \"yard\"\nkind = \"mobotix\"\n";
    refused(&bad(camera), USAGE, &["yard", "address"]);
    let twice = format!("{camera}file = \"a\"\n{camera}file = \"b\"\n");
    refused(&bad(&twice), USAGE, &["yard"]);
    refused(&world.run(&["audit", "--inventory", "@none.toml"]), USAGE, &["none.toml"]);
}

#[test]
fn only_names_devices_of_the_site_file() {
    let world = World::new();
    site_without_cameras(&world);
    let answer = world.run(&["audit", "--inventory", "@site.toml", "--only", "yard"]);
    refused(&answer, USAGE, &["yard", "no such device"]);
    let answer =
        world.run(&["audit", "--inventory", "@site.toml", "--only", "nas,vms", "--format", "json"]);
    assert!(answer.code < 2, "{answer:?}");
    assert!(answer.out.contains("\"nas\"") && !answer.out.contains("\"broken\""), "{answer:?}");
}

#[test]
fn a_hostile_argument_cannot_drive_the_terminal() {
    let world = World::new();
    for arguments in [
        ["audit", "no\u{1b}[2Jsuch\nfile"],
        ["audit", "\u{1b}]0;title\u{7}://x"],
        ["explain", "C\u{1b}[31m"],
        ["judge", "\u{202e}gpj.exe"],
    ] {
        let answer = world.run(&arguments);
        assert!(answer.code >= 2, "{answer:?}");
        assert!(!answer.err.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{answer:?}");
    }
}

#[test]
fn the_reference_commands_tell_of_all_32() {
    let world = World::new();
    let list = world.run(&["measures"]);
    assert_eq!((list.code, list.out.lines().count()), (GOOD, 32));
    for arguments in
        [&["measures", "--format", "json"][..], &["explain", "--all", "--format", "json"]]
    {
        let answer = world.run(arguments);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&answer.out).unwrap();
        assert_eq!((answer.code, rows.len()), (GOOD, 32));
    }
    let one = world.run(&["explain", "c7"]);
    assert!(one.code == GOOD && one.out.contains("C07"), "{one:?}");
    let schema = world.run(&["schema", "report"]);
    assert!(schema.code == GOOD && serde_json::from_str::<serde_json::Value>(&schema.out).is_ok());
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]);
        assert!(script.code == GOOD && script.out.contains("save-facts"), "{shell}");
    }
}

#[test]
fn the_policy_in_force_is_a_policy_file_that_means_the_same() {
    let world = World::new();
    world.write("policy.toml", "[passwords]\nmin_length = 12\n[stances]\nC07 = \"ignore\"\n");
    let whole = world.run(&["policy", "check", "@policy.toml"]);
    assert!(whole.code == GOOD && whole.out.contains("C22 = \"report\""), "{whole:?}");
    world.write("whole.toml", &whole.out);
    assert_eq!(world.run(&["policy", "check", "@whole.toml"]).out, whole.out);
    let json = world.run(&["policy", "check", "@policy.toml", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["passwords"]["min_length"], 12);
    world.write("wrong.toml", "[pasword]\n");
    refused(&world.run(&["policy", "check", "@wrong.toml"]), USAGE, &["passwords", "wrong.toml"]);
}

#[test]
fn a_waiver_that_is_over_is_pointed_out() {
    let world = World::new();
    let waiver = "[[waivers]]\nmeasure='C15'\nreason='VMS'\nowner='Kim'\nexpires='2020-01-01'\n";
    world.write("policy.toml", waiver);
    let answer = world.run(&["policy", "check", "@policy.toml"]);
    assert!(answer.code == GOOD && answer.err.contains("C15 ended with 2020-01-01"), "{answer:?}");
}
