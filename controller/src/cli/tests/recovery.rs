//! Recovery keys, and recipients signed where the root's key is.

use certs::Key;
use certs::escrow::Quorum;
use certs::seal::{Opener, Work, with_passphrase};
use proto::Secret;
use proto::wire::v1;

use super::*;
use crate::cli::{GOOD, USAGE};

const PASSPHRASE: &str = "hush-hush-hush-hush";

/// A root's key, sealed in a file.
fn root(world: &World) -> Key {
    let key = Key::generate().unwrap();
    let sealed = with_passphrase(key.pkcs8(), &Secret::new(PASSPHRASE), Work::Little).unwrap();
    world.write("root.key.age", sealed);
    world.secret("passphrase", PASSPHRASE);
    key
}

#[test]
fn a_recovery_key_goes_to_a_private_file_and_its_recipient_to_the_screen() {
    let world = World::new();
    let answer = world.run(&["recovery", "key", "--out", "@kims.key"]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    world.is_private("kims.key");
    let text = world.read("kims.key");
    let key = Opener::parse(&Secret::new(text.as_str())).unwrap();
    assert_eq!(answer.out, format!("{}\n", key.recipient()));
    assert!(text.contains(answer.out.trim()));
    assert!(!format!("{answer:?}").contains("SECRET-KEY"));
    let again = world.run(&["recovery", "key", "--out", "@kims.key"]);
    refused(&again, USAGE, &["kims.key", "there already"]);
    assert_eq!(world.read("kims.key"), text);
}

#[test]
fn recipients_are_signed_here_and_whoever_is_left_out_is_named() {
    let (world, pretend) = World::logged_in();
    let root = root(&world);
    let names: Vec<_> = (0..3).map(|_| Opener::generate().recipient().to_string()).collect();
    world.write("people", format!("# who\n{} # kim\n\n{}\n", names[0], names[1]));
    let before = v1::RecoveryRecipients {
        generation: 3,
        threshold: 1,
        recipients: vec![names[0].clone(), names[2].clone()],
        signature: vec![1],
    };
    let view = |held| v1::RecoveryView {
        recipients: Some(held),
        set_by: "kim".to_owned(),
        set_at: PRESENT,
        next_generation: 4,
        sealed_to_earlier: 7,
    };
    pretend.answers("show_recovery", view(before.clone()));
    let after = v1::RecoveryRecipients {
        generation: 4,
        threshold: 2,
        recipients: names[..2].to_vec(),
        signature: vec![2],
    };
    pretend.answers("set_recovery", view(after));
    let set = ["recovery", "set", "--recipients-file", "@people", "--threshold", "2"];
    let with = ["--root-key", "@root.key.age", "--passphrase-file", "@passphrase"];
    let answer = world.run(&[&set[..], &with].concat());
    assert_eq!(answer.code, GOOD, "{answer:?}");
    assert!(answer.out.contains("2 of 2") && answer.out.contains(&names[1]), "{answer:?}");
    assert!(
        answer.out.contains("7 secrets") && answer.err.contains("the earlier keys"),
        "{answer:?}"
    );
    assert!(answer.err.contains(&names[2]) && answer.err.contains("still opens"), "{answer:?}");
    let asked = pretend.asked();
    let asked = asked.iter().find(|one| one.starts_with("set_recovery")).unwrap();
    let digits = asked.split("signature: [").nth(1).unwrap().split(']').next().unwrap();
    let signature: Vec<u8> = digits.split(", ").map(|digit| digit.parse().unwrap()).collect();
    let quorum = Quorum::new(2, &names[..2]).unwrap();
    quorum.verify(&"acme".parse().unwrap(), 4, &signature, root.spki()).unwrap();
    assert!(!format!("{answer:?}{asked}").contains(PASSPHRASE));
}

#[test]
fn nothing_is_signed_without_the_passphrase_or_for_people_who_cannot_come_together() {
    let (world, pretend) = World::logged_in();
    root(&world);
    pretend.answers("show_recovery", v1::RecoveryView { next_generation: 1, ..Default::default() });
    let name = Opener::generate().recipient().to_string();
    let with = ["--root-key", "@root.key.age", "--passphrase-file"];
    let set = |threshold: &'static str, file: &'static str| {
        let words = ["recovery", "set", "--recipient", &name, "--threshold", threshold];
        world.run(&[&words[..], &with, &[file]].concat())
    };
    world.secret("wrong", "battery staple correct");
    refused(&set("1", "@wrong"), USAGE, &["root's key", "wrong passphrase"]);
    refused(&set("2", "@passphrase"), USAGE, &["come together"]);
    let twice = ["recovery", "set", "--recipient", &name, "--recipient", &name, "--threshold", "1"];
    refused(&world.run(&[&twice[..], &with, &["@passphrase"]].concat()), USAGE, &["different"]);
    assert!(!pretend.asked().concat().contains("set_recovery"));
    let none = world.run(&["recovery", "show"]);
    assert!(none.code == GOOD && none.err.contains("no recovery recipients"), "{none:?}");
}
