//! Where a password may come from, and where it never goes.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::cli::{FAILED, USAGE};

/// Nothing listens there, so that an audit that starts ends at once and with 2.
const NOBODY: &str = "https://127.0.0.1:1";
const PASSWORD: &str = "hunter2-Tr0ub";

#[track_caller]
fn keeps_the_secret(answer: &Answer) {
    assert!(!answer.out.contains(PASSWORD) && !answer.err.contains(PASSWORD), "{answer:?}");
}

#[test]
fn a_password_is_never_an_argument() {
    let world = World::new();
    let glued = format!("--password={PASSWORD}");
    let in_address = format!("https://admin:{PASSWORD}@127.0.0.1");
    let bare = format!("admin:{PASSWORD}@127.0.0.1");
    let in_user = format!("admin:{PASSWORD}");
    for arguments in [
        &["audit", NOBODY, "--user", "kim", "--password", PASSWORD][..],
        &["audit", NOBODY, "--user", "kim", &glued],
        &["audit", &in_address],
        &["audit", &bare],
        &["audit", NOBODY, "--user", &in_user],
    ] {
        let answer = world.run(arguments);
        refused(&answer, USAGE, &["every user of this machine"]);
        keeps_the_secret(&answer);
    }
}

#[test]
fn without_a_terminal_the_message_says_how_to_give_one() {
    let world = World::new();
    let answer = world.run(&["audit", NOBODY, "--user", "kim"]);
    refused(&answer, USAGE, &["kim", "--password-file", "PALISADE_PASSWORD"]);
}

#[test]
fn an_empty_answer_or_variable_is_no_password() {
    let mut world = World::new();
    world.variables.insert("PALISADE_PASSWORD", "");
    assert_eq!(world.run(&["audit", NOBODY, "--user", "kim"]).code, USAGE);
    world.terminals.input = true;
    refused(&world.run(&["audit", NOBODY, "--user", "kim"]), USAGE, &["empty"]);
}

#[test]
fn it_comes_from_the_environment_a_file_or_the_terminal() {
    let mut world = World::new();
    world.secret("password", format!("{PASSWORD}\r\n"));
    let from_file = world.run(&["audit", NOBODY, "--user", "kim", "--password-file", "@password"]);
    world.variables.insert("PALISADE_PASSWORD", PASSWORD);
    let from_variable = world.run(&["audit", NOBODY, "--user", "kim"]);
    world.variables.clear();
    world.terminals.input = true;
    world.types = PASSWORD;
    let from_person = world.run(&["audit", NOBODY, "--user", "kim"]);
    for answer in [from_file, from_variable, from_person] {
        assert_eq!(answer.code, FAILED, "the audit started: {answer:?}");
        keeps_the_secret(&answer);
    }
}

#[test]
fn a_password_file_holds_a_password_that_others_cannot_read() {
    let world = World::new();
    let run = || world.run(&["audit", NOBODY, "--user", "kim", "--password-file", "@password"]);
    for (content, word) in
        [(&b""[..], "empty"), (b"\n", "empty"), (b"\xff\xfe", "UTF-8"), (&[b'x'; 5000], "bytes")]
    {
        world.secret("password", content);
        refused(&run(), USAGE, &["password", word]);
    }
    let path = world.secret("password", PASSWORD);
    assert_eq!(run().code, FAILED, "the audit started");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&run(), USAGE, &["chmod 600"]);
}

#[test]
fn a_sites_passwords_are_had_before_any_device_is_touched() {
    let mut world = World::new();
    let camera = |name: &str, port: u16| {
        format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"https://127.0.0.1:{port}\"\n\
             user = \"kim\"\npassword_env = \"SITE_PASSWORD\"\n"
        )
    };
    world.write("site.toml", camera("one", 1) + &camera("two", 2));
    let answer = world.run(&["audit", "--inventory", "@site.toml"]);
    refused(&answer, USAGE, &["device one", "SITE_PASSWORD", "not set"]);
    world.variables.insert("SITE_PASSWORD", PASSWORD);
    let answer = world.run(&["audit", "--inventory", "@site.toml"]);
    assert_eq!(answer.code, FAILED);
    keeps_the_secret(&answer);
}
