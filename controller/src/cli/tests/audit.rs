//! `palisade audit verify` on exports and database files: it finds what was changed, removed, put elsewhere or cut off.

use certs::audit::{ChainHead, Record};
use certs::random::hex;

use super::*;
use crate::cli::{BAD, GOOD, USAGE};
use crate::store::{Deed, Store};

/// An export of that many records, and its head as `LENGTH:HEX`.
fn export(count: u64) -> (Vec<String>, String) {
    let mut head = ChainHead::default();
    let line = |number| {
        let record = Record {
            number,
            time: Timestamp::from_unix(1_795_500_000 + i64::try_from(number).unwrap()),
            actor: "palisade://acme/operator/kim".to_owned(),
            deed: "site_added".to_owned(),
            subject: format!("site-{number}"),
            detail: "quay \u{1b} 3".to_owned(),
        };
        head = head.extended(&record);
        let mut json = serde_json::to_value(&record).unwrap();
        json["hash"] = hex(&head.hash).into();
        json.to_string()
    };
    let lines = (1..=count).map(line).collect();
    (lines, format!("{count}:{}", hex(&head.hash)))
}

fn verify(world: &World, lines: &[String], more: &[&str]) -> Answer {
    world.write("audit.jsonl", lines.join("\n") + "\n");
    world.run(&[&["audit", "verify", "@audit.jsonl"], more].concat())
}

#[track_caller]
fn broken(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.code, BAD, "{answer:?}");
    assert!(answer.out.starts_with("broken: "), "{answer:?}");
    for word in words {
        assert!(answer.out.contains(word), "{word:?} is not in {answer:?}");
    }
}

#[test]
fn a_whole_log_is_intact_and_shows_its_head() {
    let world = World::new();
    let (lines, head) = export(12);
    let answer = verify(&world, &lines, &[]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    assert!(answer.out.contains(&format!("12 records, head {head}")), "{answer:?}");
    assert!(answer.err.contains("--head"), "without a witness the end is not proven: {answer:?}");
    let answer = verify(&world, &lines, &["--head", &head]);
    assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{answer:?}");
    let json = verify(&world, &lines, &["--head", &head, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["intact"], &json["records"]), (&true.into(), &12.into()));
    assert_eq!((&json["head"], &json["fault"]), (&head.into(), &serde_json::Value::Null));
}

#[test]
fn a_changed_record_is_found_whatever_was_changed() {
    let world = World::new();
    let (lines, _) = export(9);
    for (from, to) in [
        ("operator/kim", "operator/sam"),
        ("site_added", "site_removed"),
        ("site-5", "site-6"),
        ("quay", "dock"),
        ("\"time\":\"2026", "\"time\":\"2025"),
    ] {
        let mut changed = lines.clone();
        changed[4] = changed[4].replace(from, to);
        assert_ne!(changed, lines, "{from}");
        broken(&verify(&world, &changed, &[]), &["record 5", "changed"]);
    }
}

#[test]
fn a_removed_a_swapped_and_a_doubled_record_are_found() {
    let world = World::new();
    let (lines, _) = export(9);
    let mut removed = lines.clone();
    removed.remove(3);
    broken(&verify(&world, &removed, &[]), &["record 4 was expected", "record 5"]);
    let mut first = lines.clone();
    first.remove(0);
    broken(&verify(&world, &first, &[]), &["record 1 was expected"]);
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    broken(&verify(&world, &swapped, &[]), &["record 4 was expected"]);
    let mut doubled = lines.clone();
    doubled.insert(3, lines[3].clone());
    broken(&verify(&world, &doubled, &[]), &["record 5 was expected", "record 4"]);
    // Renumbered, so that the gap does not show by the numbers.
    let mut renumbered = lines.clone();
    renumbered.remove(3);
    for (at, line) in renumbered.iter_mut().enumerate().skip(3) {
        *line = line.replace(&format!("\"number\":{}", at + 2), &format!("\"number\":{}", at + 1));
    }
    broken(&verify(&world, &renumbered, &[]), &["record 4", "changed"]);
}

#[test]
fn a_cut_end_is_found_against_a_head_that_was_kept() {
    let world = World::new();
    let (lines, head) = export(9);
    assert_eq!(verify(&world, &lines[..7], &[]).code, GOOD);
    broken(&verify(&world, &lines[..7], &["--head", &head]), &["record 7", "record 9", "cut off"]);
    let (_, early) = export(4);
    assert_eq!(verify(&world, &lines, &["--head", &early, "--head", &head]).code, GOOD);
    // A log written anew fits together and is not the one that was seen.
    let anew: Vec<_> = lines.iter().take(2).cloned().collect();
    let forged = format!("2:{}", "ab".repeat(32));
    broken(&verify(&world, &anew, &["--head", &forged]), &["written anew", "--head"]);
}

#[test]
fn a_line_that_breaks_off_is_damage_and_another_file_is_a_mistake() {
    let world = World::new();
    let (mut lines, _) = export(5);
    let half = lines[4].len() / 2;
    lines[4].truncate(half);
    broken(&verify(&world, &lines, &[]), &["line 5"]);
    for wrong in ["hello", "{}", "[1]", "{\"number\":1}"] {
        let answer = verify(&world, &[wrong.to_owned()], &[]);
        refused(&answer, USAGE, &["audit.jsonl", "line 1"]);
    }
    world.write("long", "x".repeat(2 << 20));
    refused(&world.run(&["audit", "verify", "@long"]), USAGE, &["too long"]);
    refused(&world.run(&["audit", "verify", "@none"]), USAGE, &["none"]);
}

/// Runs something with a store and closes it.
fn with_store(world: &World, what: impl AsyncFnOnce(&Store)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&world.path("palisade.db")).await.unwrap();
        what(&store).await;
        store.close().await;
    });
}

#[test]
fn the_database_file_verifies_and_is_not_written_to() {
    let world = World::new();
    with_store(&world, async |store| {
        for number in 0..2500 {
            let change = store.change().await.unwrap();
            let deed = Deed {
                time: Timestamp::from_unix(1_795_500_000),
                actor: "palisade://acme/operator/kim".to_owned(),
                deed: "site_added",
                subject: format!("site-{number}"),
                detail: String::new(),
            };
            change.commit(deed).await.unwrap();
        }
    });
    let before = fs::read(world.path("palisade.db")).unwrap();
    let answer = world.run(&["audit", "verify", "@palisade.db"]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    assert!(answer.out.contains("2500 records"), "{answer:?}");
    assert_eq!(fs::read(world.path("palisade.db")).unwrap(), before);
    for beside in ["palisade.db-wal", "palisade.db-shm"] {
        assert!(!world.path(beside).exists(), "{beside}");
    }
}

#[test]
fn the_database_verifies_while_somebody_serves_it() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(async {
        let store = Store::open(&world.path("palisade.db")).await.unwrap();
        let deed = Deed {
            time: Timestamp::from_unix(PRESENT),
            actor: "palisade://acme/operator/kim".to_owned(),
            deed: "site_added",
            subject: "harbour".to_owned(),
            detail: String::new(),
        };
        store.change().await.unwrap().commit(deed).await.unwrap();
        store
    });
    // The record stands only in the log of latest writes yet.
    assert!(world.path("palisade.db-wal").exists());
    let answer = world.run(&["audit", "verify", "@palisade.db"]);
    assert!(answer.code == GOOD && answer.out.contains("1 record,"), "{answer:?}");
    runtime.block_on(store.close());
}

#[test]
fn an_agents_records_verify_in_the_database_file() {
    use crate::service::testing::World as Founded;

    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (founded, id) = runtime.block_on(async {
        let founded = Founded::new().await;
        founded.add_site("harbour").await;
        let (agent, ..) = founded.join("harbour").await;
        founded.records(&agent, 1200).await;
        founded.service.store.close().await;
        (founded, agent.id.to_string())
    });
    let path = founded.data.join("palisade.db");
    let verify =
        |agent: &str| world.run(&["audit", "verify", path.to_str().unwrap(), "--agent", agent]);
    for agent in ["harbour", &id[..8]] {
        let answer = verify(agent);
        assert!(answer.code == GOOD && answer.out.contains("1200 records"), "{answer:?}");
        assert_eq!(answer.err, "", "the controller has seen its head");
    }
    refused(&verify("quay"), USAGE, &["no agent"]);
    let tamper = |statement: &'static str| {
        runtime.block_on(async {
            let store = Store::open(&path).await.unwrap();
            store.tamper(statement).await;
            store.close().await;
        });
    };
    tamper("DELETE FROM agent_audit WHERE number > 1190");
    broken(&verify("harbour"), &["record 1190", "record 1200", "the controller", "cut off"]);
    tamper("UPDATE agent_audit SET subject = 'gate' WHERE number = 1101");
    broken(&verify("harbour"), &["record 1101", "changed"]);
}
