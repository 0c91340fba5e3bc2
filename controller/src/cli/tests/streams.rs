//! What comes in pieces: findings that go on, the audit log, a backup.

use certs::audit::{ChainHead, Record};
use proto::wire::v1;

use super::*;
use crate::cli::{BAD, FAILED, GOOD, USAGE};

fn log(count: u64) -> Vec<v1::AuditLogRecord> {
    log_by("operator/kim", count)
}

fn log_by(who: &str, count: u64) -> Vec<v1::AuditLogRecord> {
    let mut head = ChainHead::default();
    let record = |number| {
        let record = Record {
            number,
            time: Timestamp::from_unix(PRESENT),
            actor: format!("palisade://acme/{who}"),
            deed: "site_added".to_owned(),
            subject: format!("site-{number}"),
            detail: String::new(),
        };
        head = head.extended(&record);
        let Record { number, time, actor, deed, subject, detail } = record;
        let (time, hash) = (time.unix(), head.hash.to_vec());
        v1::AuditLogRecord { number, time, actor, deed, subject, detail, hash }
    };
    (1..=count).map(record).collect()
}

#[test]
fn the_log_is_listed_exported_and_verified() {
    let (world, pretend) = World::logged_in();
    pretend.answers("read_audit_log", log(1203));
    pretend.answers("list_agents", v1::ListAgentsReply::default());
    let listed = world.run(&["audit", "log"]);
    assert_eq!((listed.code, listed.out.lines().count()), (GOOD, 1204));
    assert_eq!(listed.out.matches("NUMBER").count(), 1);
    let lines = world.run(&["audit", "log", "--format", "json"]);
    assert_eq!(lines.out.lines().count(), 1203);
    let online = world.run(&["audit", "verify"]);
    assert!(online.code == GOOD && online.out.contains("1203 records"), "{online:?}");
    let exported = world.run(&["audit", "export", "--output", "@audit.jsonl"]);
    assert_eq!((exported.code, exported.out.as_str()), (GOOD, ""), "{exported:?}");
    world.is_private("audit.jsonl");
    assert_eq!(world.read("audit.jsonl"), lines.out);
    let offline = world.run(&["audit", "verify", "@audit.jsonl"]);
    assert_eq!((offline.code, &offline.out), (GOOD, &online.out));
    // What the export says to keep is what verify takes.
    let head = exported.err.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(world.run(&["audit", "verify", "@audit.jsonl", "--head", &head]).code, GOOD);
    pretend.answers("read_audit_log", log(1202));
    assert_eq!(world.run(&["audit", "verify", "--head", &head]).code, BAD);
}

#[test]
fn an_agents_records_are_listed_exported_and_verified() {
    let (world, pretend) = World::logged_in();
    let id = "0f3a".repeat(8);
    let agent =
        v1::AgentView { id: id.clone(), site: "harbour".to_owned(), ..v1::AgentView::default() };
    pretend.answers("list_agents", v1::ListAgentsReply { agents: vec![agent] });
    let whole = log_by(&format!("agent/{id}"), 1203);
    // The oldest are kept no longer.
    pretend.answers("read_audit_log", whole[600..].to_vec());
    let listed = world.run(&["audit", "log", "--agent", "0f3a"]);
    assert_eq!((listed.code, listed.out.lines().count()), (GOOD, 604));
    assert_eq!(listed.out.matches("NUMBER").count(), 1);
    let asked = pretend.asked();
    assert!(asked.iter().any(|ask| ask.contains(&format!("agent: {id:?}"))), "{asked:?}");
    let args = ["audit", "export", "--agent", "harbour", "--output", "@audit.jsonl"];
    let exported = world.run(&args);
    assert!(exported.code == GOOD && exported.err.contains("603 records"), "{exported:?}");
    let head = exported.err.trim_end().rsplit(' ').next().unwrap();
    for place in [&[][..], &["@audit.jsonl"]] {
        let verify = |more: &[&str]| world.run(&[&["audit", "verify"], place, more].concat());
        let answer = verify(&["--agent", "0f3a", "--head", head]);
        assert!(answer.code == GOOD && answer.out.contains("603 records"), "{answer:?}");
        assert!(answer.err.contains("begins with record 601"), "{answer:?}");
        let json = verify(&["--agent", "0f3a", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((&json["first"], &json["records"]), (&601.into(), &603.into()));
        // The controller's own log is kept from the first record on.
        assert_eq!(verify(&[]).code, BAD);
    }
    let other = world.run(&["audit", "verify", "@audit.jsonl", "--agent", "77"]);
    assert!(other.code == BAD && other.out.contains("not by agent 77"), "{other:?}");
    let mut changed = whole[600..].to_vec();
    changed[9].detail.push('x');
    pretend.answers("read_audit_log", changed);
    let answer = world.run(&["audit", "verify", "--agent", "harbour"]);
    assert!(answer.code == BAD && answer.out.contains("record 610"), "{answer:?}");
    refused(&world.run(&["audit", "log", "--agent", "quay"]), USAGE, &["no agent"]);
}

#[test]
fn a_log_that_was_cut_is_found_out_by_what_its_agents_have_seen() {
    let (world, pretend) = World::logged_in();
    let head = |records: &[v1::AuditLogRecord]| {
        let last = records.last().unwrap();
        Some(v1::ChainHead { length: last.number, hash: last.hash.clone() })
    };
    let whole = log(9);
    let silent = v1::AgentView { id: "77".to_owned(), ..v1::AgentView::default() };
    let seen = v1::AgentView {
        id: "0f3a".to_owned(),
        witnessed: head(&whole[..8]),
        reported: head(&log_by("agent/0f3a", 5)),
        ..v1::AgentView::default()
    };
    pretend.answers("list_agents", v1::ListAgentsReply { agents: vec![silent, seen] });
    let online = |records: &[v1::AuditLogRecord], more: &[&str]| {
        pretend.answers("read_audit_log", records.to_vec());
        world.run(&[&["audit", "verify"], more].concat())
    };
    let answer = online(&whole, &[]);
    assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "an agent has seen its end");
    let cut = online(&whole[..6], &[]);
    assert!(cut.code == BAD && cut.out.contains("agent 0f3a"), "{cut:?}");
    assert!(cut.out.contains("record 6") && cut.out.contains("cut off"), "{cut:?}");
    let of_agent = |count| log_by("agent/0f3a", count);
    assert_eq!(online(&of_agent(5), &["--agent", "0f3a"]).code, GOOD);
    let cut = online(&of_agent(4), &["--agent", "0f3a"]);
    assert!(cut.code == BAD && cut.out.contains("the controller"), "{cut:?}");
    // None is kept any more.
    assert_eq!(online(&[], &["--agent", "0f3a"]).code, GOOD);
}

#[test]
fn a_controller_that_sends_a_forged_log_is_found_out() {
    let (world, pretend) = World::logged_in();
    pretend.answers("list_agents", v1::ListAgentsReply::default());
    let mut forged = log(9);
    forged[4].subject = "elsewhere".to_owned();
    pretend.answers("read_audit_log", forged);
    let answer = world.run(&["audit", "verify", "--format", "json"]);
    assert!(answer.code == BAD && answer.out.contains("record 5"), "{answer:?}");
    pretend.answers("read_audit_log", vec![v1::AuditLogRecord::default()]);
    refused(&world.run(&["audit", "verify"]), FAILED, &["makes no sense"]);
}

#[test]
fn findings_go_on_until_the_controller_ends_them() {
    let (world, pretend) = World::logged_in();
    let finding = v1::Finding {
        about: Some(v1::finding::About::Measure("C07".to_owned())),
        judgment: v1::Verdict::Unmet.into(),
        stance: v1::Stance::Report.into(),
        proof: v1::Proof::Observed.into(),
        disruption: v1::Disruption::None.into(),
        lockout_risk: v1::LockoutRisk::None.into(),
        observed: "a\nb\u{1b}".to_owned(),
        ..v1::Finding::default()
    };
    let (site, device) = ("harbour".to_owned(), "yard".to_owned());
    let row = v1::FindingRow { site, device, observed_at: PRESENT, finding: Some(finding) };
    pretend.answers("watch_findings", vec![row.clone(), row]);
    let answer = world.run(&["findings", "--watch"]);
    assert_eq!((answer.code, answer.out.lines().count()), (FAILED, 3), "{answer:?}");
    assert!(answer.err.contains("ended the stream"), "{answer:?}");
    assert!(!answer.out.contains('\u{1b}'), "{answer:?}");
    let json = world.run(&["findings", "--watch", "--format", "json"]);
    for line in json.out.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["about"], "C07");
    }
    assert_eq!(json.out.lines().count(), 2);
}

fn chunks(parts: &[&[u8]]) -> Vec<v1::BackupChunk> {
    parts.iter().map(|part| v1::BackupChunk { data: part.to_vec() }).collect()
}

#[test]
fn a_backup_is_a_file_of_its_owner_or_no_file() {
    let (world, pretend) = World::logged_in();
    pretend.answers("backup", chunks(&[b"age-encr", b"yption.org/v1\n", b"sealed"]));
    let answer = world.run(&["backup", "--output", "@b.age"]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    assert_eq!(world.read("b.age"), "age-encryption.org/v1\nsealed");
    world.is_private("b.age");
    for parts in [&[&b"SQLite format 3"[..]][..], &[]] {
        pretend.answers("backup", chunks(parts));
        refused(&world.run(&["backup", "--output", "@c.age"]), FAILED, &["no sealed backup"]);
    }
    pretend.refuses("backup", 9, "no recipients are configured");
    refused(&world.run(&["backup", "--output", "@c.age"]), FAILED, &["no recipients"]);
    let left = fs::read_dir(world.folder.path()).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|it| !it.to_string_lossy().contains(".palisade-")), "{left:?}");
    assert!(!world.path("c.age").exists());
}
