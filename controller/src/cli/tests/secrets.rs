//! Secrets come from files that only their owner reads, from the environment or from the terminal, and go nowhere else.

use super::*;
use crate::cli::{FAILED, USAGE};

const INIT: [&str; 7] =
    ["init", "acme", "--data", "@data", "--address", "127.0.0.1:7443", "--operator"];

fn init(world: &World, more: &[&str]) -> Answer {
    world.run(&[&INIT[..], &["kim"], more].concat())
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let world = World::new();
    for arguments in [
        &["init", "acme", "--passphrase", "hush-hush-hush"][..],
        &["login", "--code", "hush-hush-hush"],
        &["login", "--code=hush-hush-hush"],
        &["site", "add", "harbour", "--token", "hush-hush-hush"],
    ] {
        let answer = world.run(arguments);
        refused(&answer, USAGE, &["never an argument", "-file"]);
        assert!(!answer.err.contains("hush"), "{answer:?}");
    }
}

#[test]
fn a_passphrase_needs_a_source_and_a_length() {
    let mut world = World::new();
    refused(
        &init(&world, &["--code-file", "@c"]),
        USAGE,
        &["--passphrase-file", "PALISADE_PASSPHRASE"],
    );
    world.write("open", "a long passphrase\n");
    let open = init(&world, &["--code-file", "@c", "--passphrase-file", "@open"]);
    refused(&open, USAGE, &["open", "can be read by others", "chmod 600"]);
    world.secret("short", "short\n");
    let short = init(&world, &["--code-file", "@c", "--passphrase-file", "@short"]);
    refused(&short, USAGE, &["shorter than 12"]);
    world.secret("empty", "\nsecond line\n");
    let empty = init(&world, &["--code-file", "@c", "--passphrase-file", "@empty"]);
    refused(&empty, USAGE, &["empty line"]);
    world.variables.insert("PALISADE_PASSPHRASE", "short".to_owned());
    refused(&init(&world, &["--code-file", "@c"]), USAGE, &["shorter than 12"]);
    assert!(!world.path("data").exists() && !world.path("c").exists());
}

#[test]
fn a_code_is_not_shown_in_a_pipe_unasked() {
    let world = World::new();
    refused(&init(&world, &[]), USAGE, &["no terminal to show a secret on", "--code-file"]);
    world.write("there", "");
    refused(&init(&world, &["--code-file", "@there"]), USAGE, &["there", "already"]);
    refused(&init(&world, &["--code-file", "@no/such"]), USAGE, &["no such file or directory"]);
}

#[test]
fn a_data_folder_that_holds_anything_is_not_touched() {
    let world = World::new();
    fs::create_dir(world.path("data")).unwrap();
    world.write("data/keep", "me");
    world.secret("key", "AGE-SECRET-KEY-1\n");
    refused(&init(&world, &["--code-file", "@c"]), USAGE, &["data", "not empty"]);
    let restore = [
        "restore",
        "@b.age",
        "--identity",
        "@key",
        "--data",
        "@data",
        "--address",
        "127.0.0.1:7443",
    ];
    refused(&world.run(&restore), USAGE, &["data", "not empty"]);
    assert_eq!(fs::read_to_string(world.path("data/keep")).unwrap(), "me");
}

#[test]
fn a_code_that_is_none_is_told_from_a_damaged_one_and_a_token() {
    let mut world = World::new();
    let login = ["login", "--code-file", "@code"];
    world.secret("code", "hello\n");
    refused(&world.run(&login), USAGE, &["no ticket"]);
    world.secret("code", "palisade1.operator.abc.00000000\n");
    refused(&world.run(&login), USAGE, &["damaged or cut off"]);
    let ticket = certs::ticket::Ticket {
        kind: certs::ticket::TicketKind::Agent,
        organisation: "acme".parse().unwrap(),
        addresses: vec!["127.0.0.1:1".to_owned()],
        pin: certs::trust::RootPin([7; 32]),
        secret: proto::Secret::new("hush-hush"),
    };
    world.secret("code", ticket.to_text().expose());
    refused(&world.run(&login), USAGE, &["palisade-agent enroll"]);
    let ticket = certs::ticket::Ticket { kind: certs::ticket::TicketKind::Operator, ..ticket };
    world.secret("code", ticket.to_text().expose());
    refused(&world.run(&login), FAILED, &["not reached", "127.0.0.1:1"]);
    // The same from the other two sources.
    refused(&world.run(&["login"]), USAGE, &["no terminal", "PALISADE_CODE"]);
    world.variables.insert("PALISADE_CODE", ticket.to_text().expose().to_owned());
    refused(&world.run(&["login"]), FAILED, &["not reached"]);
    world.variables.remove("PALISADE_CODE");
    world.terminals.input = true;
    world.types = "hello";
    refused(&world.run(&["login"]), USAGE, &["no ticket"]);
}

#[test]
fn a_certificate_that_others_can_read_is_not_used() {
    let world = World::new();
    fs::create_dir_all(world.path("home/.config/palisade")).unwrap();
    world.write("home/.config/palisade/operator.json", "{}");
    refused(&world.run(&["whoami"]), USAGE, &["can be read by others", "chmod 600"]);
    world.secret("home/.config/palisade/operator.json", "{}");
    refused(&world.run(&["whoami"]), FAILED, &["damaged", "log in again"]);
    refused(&world.run(&["login"]), USAGE, &["logged in here", "--replace"]);
}
