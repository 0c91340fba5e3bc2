//! Secrets in escrow at the operator's machine: listed, exported, opened with recovery keys, and where they may go.

use certs::escrow::{Quorum, Sheet, seal};
use proto::wire::v1;
use proto::{EscrowRecord, Secret, SecretId, SecretKind, Timestamp};
use serde_json::Value;

use super::*;
use crate::cli::{FAILED, GOOD, USAGE};

const PASSWORD: &str = "Pkit-Dunlin+Ochre/7";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nPcrt-Avocet\n-----END CERTIFICATE-----\n";

/// Recovery keys in files, and who they are.
fn people(world: &World, count: usize) -> Vec<String> {
    let make = |number: usize| {
        let answer = world.run(&["recovery", "key", "--out", &format!("@{number}.key")]);
        assert_eq!(answer.code, GOOD, "{answer:?}");
        answer.out.trim().to_owned()
    };
    (0..count).map(make).collect()
}

fn record(id: u8, device: &str, kind: SecretKind, secret: &str, to: &Quorum) -> EscrowRecord {
    let sheet = Sheet {
        organisation: "acme".parse().unwrap(),
        site: "harbour".parse().unwrap(),
        id: SecretId([id; 16]),
        device: Some(device.parse().unwrap()),
        kind,
        account: "admin".to_owned(),
        made_at: Timestamp::from_unix(i64::from(id) + PRESENT),
        secret: Secret::new(secret),
    };
    let copies = seal(&sheet, to).unwrap();
    let Sheet { id, device, kind, account, made_at, .. } = sheet;
    EscrowRecord { id, device, kind, account, made_at, recipients_generation: 1, copies }
}

/// An older and a newer password of one camera, and another's certificate.
fn records(to: &Quorum) -> Vec<EscrowRecord> {
    vec![
        record(1, "yard", SecretKind::DevicePassword, "Pold-Merlin", to),
        record(2, "gate", SecretKind::DeviceCertificate, PEM, to),
        record(3, "yard", SecretKind::DevicePassword, PASSWORD, to),
    ]
}

/// A kit in a file of that name, by way of a controller.
fn export(world: &World, pretend: &Pretend, records: &[EscrowRecord]) {
    let site = || "harbour".to_owned();
    let each =
        records.iter().map(|one| v1::ExportedSecret { site: site(), record: Some(one.into()) });
    pretend.answers("export_secrets", each.collect::<Vec<_>>());
    let answer = world.run(&["secret", "export", "--all", "--out", "@kit", "--reason", "drill"]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    world.is_private("kit");
    assert!(pretend.asked().concat().contains("reason: \"drill\""));
}

/// What an export or an opening printed as JSON.
fn secrets(json: &str) -> Vec<String> {
    let rows: Vec<Value> = serde_json::from_str(json).unwrap();
    rows.iter().map(|row| row["secret"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_listing_tells_which_secrets_there_are_and_nothing_of_what_they_are() {
    let (world, pretend) = World::logged_in();
    let view = v1::SecretView {
        site: "harbour".to_owned(),
        secret_id: vec![7; 16],
        kind: v1::SecretKind::MessageKey.into(),
        account: "x\u{1b}[2J".to_owned(),
        made_at: PRESENT - 9,
        recipients_generation: 3,
        copies: 2,
        shown_at: PRESENT - 60,
        latest: true,
        ..v1::SecretView::default()
    };
    let full = v1::EscrowFill {
        site: "harbour".to_owned(),
        secrets: 16_400,
        bytes: 12 << 20,
        percent: 82,
        high: true,
    };
    let reply =
        v1::ListSecretsReply { secrets: vec![view], more: false, fills: vec![full.clone()] };
    pretend.answers("list_secrets", reply);
    let json = world.run(&["secret", "list", "harbour", "--history", "--format", "json"]);
    let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&json.out).unwrap();
    let fields: Vec<_> = rows[0].keys().map(String::as_str).collect();
    let wanted = "account copies device exported_at id kind latest made_at recipients_generation shown_at site";
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    assert_eq!(sorted.join(" "), wanted);
    assert_eq!((rows[0]["kind"].as_str(), &rows[0]["device"]), (Some("message_key"), &Value::Null));
    let table = world.run(&["secret", "list"]);
    assert_eq!((table.code, table.out.lines().count()), (GOOD, 2), "{table:?}");
    assert!(table.out.contains("1m ago") && !table.out.contains('\u{1b}'), "{table:?}");
    assert!(pretend.asked().concat().contains("history: true"));
    let warned = "harbour: 16400 secrets and 12 MiB are in escrow, 82 %";
    assert!(table.err.contains(warned) && table.err.contains("secret prune"), "{table:?}");

    let reply =
        v1::PruneSecretsReply { removed: 9, spared: vec!["gate".to_owned()], fill: Some(full) };
    pretend.answers("prune_secrets", reply);
    let prune = ["secret", "prune", "harbour", "--keep", "8", "--reason", "no room"];
    let pruned = world.run(&prune);
    assert_eq!(pruned.code, GOOD, "{pruned:?}");
    assert!(pruned.err.contains("9 sealed copies") && pruned.err.contains("gate"), "{pruned:?}");
    assert!(pretend.asked().concat().contains("keep: 8, before: 0, reason: \"no room\""));
    assert_eq!(world.run(&["secret", "prune", "harbour", "--keep", "0"]).code, USAGE);
}

#[test]
fn a_kit_opens_with_enough_recovery_keys_and_nobody_else_there() {
    let (mut world, pretend) = World::logged_in();
    let quorum = Quorum::new(2, &people(&world, 3)).unwrap();
    export(&world, &pretend, &records(&quorum));
    assert!(!world.read("kit").contains("Pkit") && !world.read("kit").contains("Merlin"));
    pretend.revoke();
    let open = ["secret", "open", "@kit", "--format", "json", "--key", "@0.key"];
    let both = world.run(&[&open[..], &["--key", "@2.key"]].concat());
    assert_eq!(both.code, GOOD, "{both:?}");
    assert_eq!(secrets(&both.out), [PEM, PASSWORD, "Pold-Merlin"], "the newest first");
    let one = world.run(&open);
    assert_eq!((one.code, one.out.as_str()), (FAILED, "[]\n"), "{one:?}");
    assert!(one.err.contains("more recovery keys are needed: age1"), "{one:?}");
    world.terminals.output = true;
    let yard = ["secret", "open", "@kit", "--key", "@1.key", "--key", "@2.key"];
    let table = world.run(&yard);
    assert_eq!(table.code, GOOD, "{table:?}");
    assert!(table.out.contains(PASSWORD) && table.out.contains("(several lines"), "{table:?}");
    let yard = world.run(&[&yard[..], &["--device", "yard"]].concat());
    assert_eq!(yard.out.lines().count(), 3, "{yard:?}");
    assert_eq!(pretend.asked(), [""; 0]);
}

#[test]
fn secrets_go_into_no_pipe_unasked_and_into_no_file_that_others_read() {
    let (world, pretend) = World::logged_in();
    let quorum = Quorum::new(1, &people(&world, 1)).unwrap();
    export(&world, &pretend, &records(&quorum));
    let open = ["secret", "open", "@kit", "--key", "@0.key"];
    refused(&world.run(&open), USAGE, &["no terminal", "--out", "--format json"]);
    let file = world.run(&[&open[..], &["--out", "@opened"]].concat());
    assert_eq!((file.code, file.out.as_str()), (GOOD, ""), "{file:?}");
    world.is_private("opened");
    assert_eq!(secrets(&world.read("opened")).len(), 3);
    let again = world.run(&[&open[..], &["--out", "@opened"]].concat());
    refused(&again, USAGE, &["there already"]);
    let key = world.read("0.key");
    world.write("loose.key", key);
    let loose = world.run(&["secret", "open", "@kit", "--key", "@loose.key", "--out", "@x"]);
    refused(&loose, USAGE, &["loose.key", "can be read by others"]);
    refused(
        &world.run(&["secret", "open", "@0.key", "--key", "@0.key", "--out", "@x"]),
        USAGE,
        &["no kit"],
    );
}

#[test]
fn what_is_damaged_in_a_kit_is_named_and_the_rest_opens() {
    let (world, pretend) = World::logged_in();
    let quorum = Quorum::new(1, &people(&world, 1)).unwrap();
    let mut records = records(&quorum);
    let last = records[2].copies[0].sealed.len() - 1;
    records[2].copies[0].sealed[last] ^= 1;
    export(&world, &pretend, &records);
    let open = ["secret", "open", "@kit", "--key", "@0.key", "--format", "json"];
    let answer = world.run(&open);
    assert_eq!((answer.code, secrets(&answer.out).len()), (FAILED, 2), "{answer:?}");
    assert!(answer.err.contains("device_password for admin of yard"), "{answer:?}");
    assert!(answer.err.contains("damaged"), "{answer:?}");
    // Another camera's name written on it.
    let text = world.read("kit");
    world.secret("swapped", text.replace("\"device\":\"gate\"", "\"device\":\"roof\""));
    let answer = world.run(&["secret", "open", "@swapped", "--key", "@0.key", "--format", "json"]);
    assert!(answer.err.contains("another secret than is written on it"), "{answer:?}");
    world.secret("cut", &text[..text.len() / 2]);
    let answer = world.run(&["secret", "open", "@cut", "--key", "@0.key", "--format", "json"]);
    assert!(answer.code == FAILED && answer.err.contains("cut off"), "{answer:?}");
}

#[test]
fn several_people_in_several_places_open_a_kit_one_after_the_other() {
    let (world, pretend) = World::logged_in();
    let quorum = Quorum::new(2, &people(&world, 3)).unwrap();
    export(&world, &pretend, &records(&quorum));
    let wrong = world.run(&["secret", "peel", "@kit", "--key", "@2.key", "--out", "@next"]);
    assert!(wrong.code == FAILED && wrong.err.contains("nothing was peeled"), "{wrong:?}");
    assert!(!world.path("next").exists());
    let peeled = world.run(&["secret", "peel", "@kit", "--key", "@0.key", "--out", "@next"]);
    assert_eq!((peeled.code, peeled.out.as_str()), (GOOD, ""), "{peeled:?}");
    world.is_private("next");
    assert!(!world.read("next").contains("Pkit"));
    for (key, code) in [("@0.key", FAILED), ("@1.key", GOOD), ("@2.key", GOOD)] {
        let opened = world.run(&["secret", "open", "@next", "--key", key, "--format", "json"]);
        assert_eq!(opened.code, code, "{key} {opened:?}");
    }
}

#[test]
fn a_device_is_shown_with_the_reason_told_and_only_if_the_secrets_have_somewhere_to_go() {
    let (world, pretend) = World::logged_in();
    let quorum = Quorum::new(1, &people(&world, 1)).unwrap();
    let record = record(3, "yard", SecretKind::DevicePassword, PASSWORD, &quorum);
    let reply = v1::ShowSecretsReply { records: vec![(&record).into()], rotate_at: 1_900_000_000 };
    pretend.answers("show_secrets", reply);
    pretend.asked();
    let show = ["secret", "show", "harbour", "yard", "--reason", "camera is silent", "--key"];
    refused(&world.run(&[&show[..], &["@0.key"]].concat()), USAGE, &["no terminal"]);
    refused(&world.run(&[&show[..], &["@no.key", "--out", "@x"]].concat()), USAGE, &["no.key"]);
    assert_eq!(pretend.asked(), [""; 0], "nothing counts as shown that was not");
    let shown = world.run(&[&show[..], &["@0.key", "--format", "json"]].concat());
    assert_eq!((shown.code, secrets(&shown.out)), (GOOD, vec![PASSWORD.to_owned()]), "{shown:?}");
    assert!(shown.err.contains("new ones are ordered") && shown.err.contains("2030"), "{shown:?}");
    assert!(!shown.err.contains(PASSWORD));
    assert!(pretend.asked().concat().contains("reason: \"camera is silent\""));
}
