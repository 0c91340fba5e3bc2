//! What is asked for wrongly ends with 3, and says what to write instead.

use clap::CommandFactory;

use super::*;
use crate::cli::arguments::Arguments;
use crate::cli::{GOOD, USAGE};

/// Every command that does something, with the words that lead to it.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        for inner in command.get_subcommands().filter(|it| it.get_name() != "help") {
            let words = [words, &[inner.get_name().to_owned()]].concat();
            found.push(words.clone());
            walk(inner, &words, found);
        }
    }
    let mut found = Vec::new();
    walk(&Arguments::command(), &[], &mut found);
    found
}

#[test]
fn help_and_version_are_results() {
    let world = World::new();
    for arguments in [&["--help"][..], &["--version"], &["site", "--help"], &["help", "policy"]] {
        let answer = world.run(arguments);
        assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{arguments:?}");
        assert!(answer.out.contains("palisade"), "{answer:?}");
    }
}

#[test]
fn every_command_shows_an_example_of_itself() {
    let world = World::new();
    let commands = commands();
    assert!(commands.len() > 50, "{}", commands.len());
    for command in commands {
        let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let answer = world.run(&words);
        let example = format!("palisade {}", command.join(" "));
        let (_, examples) = answer.out.split_once("Example").unwrap_or_default();
        assert!(examples.contains(&example), "{example}: {}", answer.out);
    }
}

/// A line that is wrapped cannot be copied.
#[test]
fn no_line_of_an_example_is_wrapped() {
    fn check(command: &clap::Command) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in text.lines() {
            assert!(line.len() <= 98, "{}: {line}", command.get_name());
        }
        command.get_subcommands().for_each(check);
    }
    check(&Arguments::command());
}

/// The examples are what people type: each must be taken by the parser.
#[test]
fn every_example_is_a_command_line() {
    let world = World::new();
    for command in commands() {
        let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = world.run(&words).out;
        let (_, examples) = help.split_once("Example").unwrap();
        let parts: Vec<_> = examples.split("\\\n").map(str::trim_start).collect();
        // A hash is too long for a help page.
        let joined = parts.join("").replace("9f86d0...", &"9f".repeat(32));
        for line in joined.lines().filter_map(|line| line.trim().strip_prefix("palisade ")) {
            // What follows in the next column says what the line does.
            let line = line.split("   ").next().unwrap().split(" > ").next().unwrap();
            let words = std::iter::once("palisade".to_owned()).chain(split(line));
            let parsed = Arguments::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

/// Words of a shell's line, with single quotes.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_3() {
    let world = World::new();
    world.write("policy.toml", "");
    for arguments in [
        &[][..],
        &["nonsense"],
        &["site"],
        &["site", "add"],
        &["site", "add", "Harbour"],
        &["site", "add", "harbour", "--life", "2h"],
        &["site", "add", "harbour", "--token-file", "x", "--life", "soon"],
        &["site", "replace", "harbour"],
        &["token", "create", "a b"],
        &["agent", "approve", "7K3F-9QXM"],
        &["agent", "revoke", "0f"],
        &["agent", "order", "visit", "harbour", "--wait", "3m"],
        &["agent", "order", "visit", "harbour", "a b"],
        &["findings", "--about", "C99"],
        &["findings", "--judgment", "bad"],
        &["findings", "--limit", "0"],
        &["findings", "--limit", "10001"],
        &["findings", "--watch", "--check"],
        &["policy", "apply", "@policy.toml", "--expect", "3", "--force"],
        &["policy", "apply", "@policy.toml", "--timeout", "1m"],
        &["policy", "rollback", "0"],
        &["attest", "harbour", "C22", "--by", "Kim", "--until", "soon", "--evidence", "x"],
        &["attest", "harbour", "C22", "--by", " ", "--until", "2027-01-01", "--evidence", "x"],
        &["waive", "harbour", "C77", "--reason", "x", "--owner", "y", "--expires", "2027-01-01"],
        &["operator", "add", "sam"],
        &["operator", "add", "sam", "--role", "god"],
        &["audit", "verify", "--head", "12"],
        &["audit", "verify", "--head", "0:00"],
        &["audit", "log", "--from", "0"],
        &["restore", "x"],
        &["recovery", "set", "--recipient", "age1x"],
        &["recovery", "set", "--recipient", "age1x", "--threshold", "1"],
        &["secret", "show", "harbour", "yard", "--reason", "x"],
        &["secret", "export", "--out", "@kit", "--reason", "x"],
        &["secret", "export", "harbour", "--all", "--out", "@kit", "--reason", "x"],
        &["secret", "open", "@kit"],
        &["init", "acme", "--data", "@d", "--operator", "kim"],
        &["init", "ACME", "--data", "@d", "--operator", "kim", "--address", "a:1"],
        &["init", "acme", "--data", "@d", "--operator", "kim", "--address", "a"],
        &["site", "list", "--format", "xml"],
        &["site", "list", "--controller", "nowhere"],
        &["completions", "cmd"],
    ] {
        let answer = world.run(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (USAGE, ""), "{arguments:?} {answer:?}");
        assert!(answer.err.starts_with("palisade: ") || arguments.is_empty(), "{answer:?}");
        assert!(!answer.err.contains("\nerror:"), "{answer:?}");
    }
}

#[test]
fn without_a_certificate_every_question_says_how_to_get_one() {
    let world = World::new();
    for arguments in [
        &["whoami"][..],
        &["site", "list"],
        &["site", "add", "harbour"],
        &["token", "list"],
        &["agent", "list"],
        &["device", "list"],
        &["findings"],
        &["policy", "history"],
        &["vouches"],
        &["operator", "list"],
        &["audit", "log"],
        &["audit", "verify"],
        &["authority", "status"],
        &["recovery", "show"],
        &["secret", "list"],
        &["secret", "export", "--all", "--out", "@b.age", "--reason", "x"],
        &["backup", "--output", "@b.age"],
    ] {
        refused(&world.run(arguments), USAGE, &["nobody is logged in", "palisade login"]);
    }
    assert!(!world.path("b.age").exists());
}

#[test]
fn what_takes_something_away_asks_first() {
    let world = World::new();
    for arguments in [
        &["site", "remove", "harbour"][..],
        &["agent", "revoke", "0f", "--reason", "stolen"],
        &["operator", "remove", "sam"],
    ] {
        refused(&world.run(arguments), USAGE, &["no terminal to ask on", "--yes"]);
    }
    let mut world = World::new();
    world.terminals.input = true;
    world.input = b"n\n".to_vec();
    let answer = world.run(&["site", "remove", "harbour"]);
    assert!(answer.err.contains("harbour") && answer.err.contains("nothing was changed"));
    world.input = b"y\n".to_vec();
    let answer = world.run(&["site", "remove", "harbour"]);
    assert!(answer.err.contains("nobody is logged in"), "{answer:?}");
}

#[test]
fn a_day_that_is_over_is_refused_before_anybody_is_asked() {
    let world = World::new();
    let over = "2026-11-23";
    let attest = ["attest", "harbour", "C22", "--by", "K", "--until", over, "--evidence", "x"];
    refused(&world.run(&attest), USAGE, &[over, "is over"]);
    let waive = ["waive", "harbour", "C15", "--reason", "x", "--owner", "K", "--expires", over];
    refused(&world.run(&waive), USAGE, &[over, "is over"]);
}

#[test]
fn completions_know_the_nouns() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]);
        assert!(script.code == GOOD && script.out.contains("rollback"), "{shell}");
    }
}

#[test]
fn logging_out_twice_is_no_error() {
    let world = World::new();
    let answer = world.run(&["logout"]);
    assert!(answer.code == GOOD && answer.err.contains("nobody"), "{answer:?}");
}
