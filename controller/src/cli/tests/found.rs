//! `palisade init` and `palisade restore` on real folders.

use certs::ticket::{Ticket, TicketKind};

use super::*;
use crate::cli::{FAILED, GOOD, USAGE};

fn init(world: &World, more: &[&str]) -> Answer {
    world.secret("passphrase", "a passphrase of the tests\n");
    let words = [
        "init",
        "acme",
        "--data",
        "@data",
        "--address",
        "127.0.0.1:7443",
        "--operator",
        "kim",
        "--code-file",
        "@kim.code",
        "--passphrase-file",
        "@passphrase",
    ];
    world.run(&[&words[..], more].concat())
}

#[test]
fn an_organisation_is_made_with_settings_that_can_be_served_and_a_code() {
    let world = World::new();
    let answer = init(&world, &[]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    assert!(answer.err.contains("palisade serve --config"), "{answer:?}");
    world.is_private("kim.code");
    let mode = fs::metadata(world.path("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else looks into the data folder");
    world.is_private("data/palisade.db");
    let ticket = Ticket::parse(&world.read("kim.code")).unwrap();
    assert_eq!((ticket.kind, ticket.organisation.as_str()), (TicketKind::Operator, "acme"));
    assert_eq!(ticket.addresses, ["127.0.0.1:7443"]);
    assert!(!answer.err.contains(ticket.secret.expose()), "{answer:?}");
    let checked = world.run(&["config", "check", "--config", "@data/palisade.toml"]);
    assert!(checked.out.contains("listen = \"0.0.0.0:7443\""), "{checked:?}");
    let verified = world.run(&["audit", "verify", "@data/palisade.db"]);
    assert!(verified.code == GOOD && verified.out.contains("1 record,"), "{verified:?}");
    // Once is enough.
    fs::remove_file(world.path("kim.code")).unwrap();
    refused(&init(&world, &[]), USAGE, &["data", "not empty"]);
    assert!(!world.path("kim.code").exists());
}

#[test]
fn an_administrator_who_is_locked_out_gets_a_code_on_the_controllers_machine() {
    let world = World::new();
    init(&world, &[]);
    world.pass(30 * 86_400);
    let recover = |more: &[&str]| {
        let words = ["operator", "recover", "--config", "@data/palisade.toml", "--code-file"];
        world.run(&[&words[..], more].concat())
    };
    let answer = recover(&["@again.code", "kim"]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    world.is_private("again.code");
    let first = Ticket::parse(&world.read("kim.code")).unwrap();
    let again = Ticket::parse(&world.read("again.code")).unwrap();
    assert_eq!((again.pin, &again.addresses), (first.pin, &first.addresses));
    assert!(!answer.err.contains(again.secret.expose()), "{answer:?}");
    refused(&recover(&["@sam.code", "sam"]), FAILED, &["sam", "--new"]);
    assert!(!world.path("sam.code").exists());
    assert_eq!(recover(&["@sam.code", "sam", "--new"]).code, GOOD);
    let verified = world.run(&["audit", "verify", "@data/palisade.db"]);
    assert!(verified.out.contains("3 records,"), "{verified:?}");
}

#[test]
fn what_cannot_be_made_whole_is_not_begun() {
    let world = World::new();
    world.write("there.toml", "");
    refused(&init(&world, &["--config", "@there.toml"]), USAGE, &["there.toml", "already"]);
    refused(&init(&world, &["--config", "@no/such.toml"]), USAGE, &["such.toml"]);
    let many = [["--address", "a:1"]; 8].concat();
    refused(&init(&world, &many), USAGE, &["server.addresses", "1 to 8"]);
    assert!(!world.path("data").exists() && !world.path("kim.code").exists());
}

#[test]
fn a_backup_that_is_none_leaves_no_folder_behind() {
    let world = World::new();
    world.write("b.age", "age-encryption.org/v1\nnot really");
    let opener = certs::seal::Opener::generate().to_text();
    world.secret("key", format!("# a comment\n{}\n", opener.expose()));
    let restore =
        ["restore", "@b.age", "--identity", "@key", "--data", "@data", "--address", "127.0.0.1:1"];
    refused(&world.run(&restore), FAILED, &["backup could not be opened"]);
    assert!(!world.path("data").exists());
    world.secret("key", "hello\n");
    refused(&world.run(&restore), USAGE, &["key", "AGE-SECRET-KEY-1"]);
    world.write("key", opener.expose());
    fs::set_permissions(world.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&world.run(&restore), USAGE, &["key", "chmod 600"]);
}
