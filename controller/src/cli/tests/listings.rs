//! Listings from a controller: tables for people, JSON for scripts, and what makes no sense refused.

use proto::text::is_harmful;
use proto::wire::v1;
use serde_json::Value;

use super::*;
use crate::cli::{BAD, FAILED, GOOD, USAGE};

const NASTY: &str = "x\u{1b}[2J\n\u{202e}";

fn site() -> v1::Site {
    v1::Site {
        name: "harbour".to_owned(),
        title: NASTY.to_owned(),
        created_at: PRESENT - 60,
        generation: 7,
        agent_id: "0f3a".to_owned(),
        agent_state: v1::AgentState::Online.into(),
        devices: 3,
        unmet: 2,
        unknown: 1,
        halted: None,
    }
}

fn agent(id: &str) -> v1::AgentView {
    v1::AgentView {
        id: id.to_owned(),
        site: "harbour".to_owned(),
        state: v1::AgentState::Online.into(),
        version: "0.1.0".to_owned(),
        host: NASTY.to_owned(),
        enrolled_at: PRESENT - 1000,
        last_seen: PRESENT - 20,
        certificate_ends: PRESENT + 500_000,
        outbox_records: 4,
        outbox_oldest: PRESENT - 7200,
        clock_offset: -2,
        time_known: true,
        ..v1::AgentView::default()
    }
}

fn device() -> v1::DeviceView {
    v1::DeviceView {
        site: "harbour".to_owned(),
        device: "yard".to_owned(),
        kind: v1::DeviceKind::Mobotix.into(),
        model: NASTY.to_owned(),
        firmware: "MX-V5".to_owned(),
        observed_at: PRESENT - 300,
        failure: Some(v1::Failure {
            class: v1::FailureClass::Unreachable.into(),
            message: NASTY.to_owned(),
        }),
        unmet: 2,
        ..v1::DeviceView::default()
    }
}

fn finding(judgment: v1::Verdict, waived: bool) -> v1::FindingRow {
    let finding = v1::Finding {
        about: Some(v1::finding::About::Sign(v1::Sign::NewDevice.into())),
        judgment: judgment.into(),
        waived,
        stance: v1::Stance::Report.into(),
        proof: v1::Proof::Observed.into(),
        disruption: v1::Disruption::None.into(),
        lockout_risk: v1::LockoutRisk::None.into(),
        observed: NASTY.to_owned(),
        ..v1::Finding::default()
    };
    let (site, device) = ("harbour".to_owned(), "yard".to_owned());
    v1::FindingRow { site, device, observed_at: PRESENT - 5, finding: Some(finding) }
}

/// Lays out an answer for every listing.
fn lay_out(pretend: &Pretend) {
    pretend.answers("list_sites", v1::ListSitesReply { sites: vec![site()] });
    pretend.answers("list_agents", v1::ListAgentsReply { agents: vec![agent("0f3a")] });
    let pending = v1::PendingView {
        host: NASTY.to_owned(),
        source: "192.0.2.7".to_owned(),
        asked_at: PRESENT - 9,
        expires_at: PRESENT + 3000,
    };
    pretend.answers("list_pending", v1::ListPendingReply { pending: vec![pending] });
    let token = v1::TokenView {
        id: "aa".to_owned(),
        site: "harbour".to_owned(),
        state: v1::TokenState::Open.into(),
        created_at: PRESENT - 9,
        expires_at: PRESENT + 3000,
        created_by: NASTY.to_owned(),
        agent_id: String::new(),
    };
    pretend.answers("list_tokens", v1::ListTokensReply { tokens: vec![token] });
    pretend.answers("list_devices", v1::ListDevicesReply { devices: vec![device()] });
    let rows = vec![finding(v1::Verdict::Unmet, false)];
    pretend.answers("list_findings", v1::ListFindingsReply { rows, more: false });
    let version = v1::PolicyVersion {
        version: 3,
        by: "kim".to_owned(),
        applied_at: PRESENT - 9,
        comment: NASTY.to_owned(),
        ..v1::PolicyVersion::default()
    };
    pretend.answers("policy_history", v1::PolicyHistoryReply { versions: vec![version] });
    let waiver = v1::Waiver {
        measure: "C15".to_owned(),
        reason: NASTY.to_owned(),
        owner: "Kim".to_owned(),
        expires: "2027-01-01".to_owned(),
        ..v1::Waiver::default()
    };
    let vouch = v1::Vouch {
        id: "bb".to_owned(),
        site: "harbour".to_owned(),
        what: Some(v1::vouch::What::Waiver(waiver)),
        entered_by: "kim".to_owned(),
        entered_at: PRESENT - 9,
    };
    pretend.answers("list_vouches", v1::ListVouchesReply { vouches: vec![vouch] });
    let operator = v1::OperatorView {
        name: "kim".to_owned(),
        role: v1::Role::Administrator.into(),
        created_at: PRESENT - 9,
        last_seen: 0,
        certificate_ends: PRESENT + 9000,
    };
    pretend.answers("list_operators", v1::ListOperatorsReply { operators: vec![operator] });
    let stragglers = vec![agent("0f3a")];
    pretend.answers("policy_rollout", v1::PolicyRolloutReply { current: 4, stragglers });
}

/// Each listing, and the fields that scripts rely on.
const LISTINGS: &[(&[&str], &[&str])] = &[
    (
        &["site", "list"],
        &[
            "site",
            "title",
            "created_at",
            "generation",
            "agent",
            "agent_state",
            "devices",
            "unmet",
            "unknown",
            "halted",
        ],
    ),
    (
        &["agent", "list"],
        &[
            "agent",
            "site",
            "state",
            "version",
            "host",
            "enrolled_at",
            "last_seen",
            "certificate_ends",
            "generation",
            "trust_generation",
            "outbox_records",
            "outbox_oldest",
            "clock_offset",
            "time_known",
            "recoveries",
            "started_at",
            "halted",
        ],
    ),
    (&["agent", "pending"], &["host", "source", "asked_at", "expires_at"]),
    (
        &["token", "list"],
        &["token", "site", "state", "created_at", "created_by", "expires_at", "agent"],
    ),
    (
        &["device", "list"],
        &[
            "site",
            "device",
            "kind",
            "address",
            "product",
            "model",
            "firmware",
            "serial",
            "pin",
            "observed_at",
            "failure",
            "met",
            "unmet",
            "unknown",
        ],
    ),
    (
        &["findings"],
        &[
            "site",
            "device",
            "observed_at",
            "about",
            "judgment",
            "waived",
            "stance",
            "proof",
            "expected",
            "observed",
            "remedy",
            "disruption",
            "lockout_risk",
            "evidence",
        ],
    ),
    (&["policy", "history"], &["version", "site", "applied_at", "by", "comment", "dropped"]),
    (
        &["vouches"],
        &[
            "vouch",
            "site",
            "kind",
            "measure",
            "devices",
            "by",
            "until",
            "text",
            "entered_by",
            "entered_at",
        ],
    ),
    (&["operator", "list"], &["operator", "role", "created_at", "last_seen", "certificate_ends"]),
];

#[test]
fn every_listing_is_json_with_fixed_fields_and_a_harmless_table() {
    let (world, pretend) = World::logged_in();
    lay_out(&pretend);
    for (words, fields) in LISTINGS {
        let answer = world.run(&[*words, &["--format", "json"]].concat());
        assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{words:?} {answer:?}");
        let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&answer.out).unwrap();
        assert_eq!(rows.len(), 1, "{words:?}");
        let mut found: Vec<_> = rows[0].keys().map(String::as_str).collect();
        let mut wanted = fields.to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{words:?}");
        let table = world.run(words);
        assert_eq!((table.code, table.out.lines().count()), (GOOD, 2), "{words:?} {table:?}");
        assert!(!table.out.chars().any(|c| is_harmful(c) && c != '\n'), "{words:?} {table:?}");
        let titles = table.out.lines().next().unwrap();
        assert_eq!(titles, titles.to_uppercase(), "{words:?}");
    }
}

#[test]
fn an_empty_listing_is_an_empty_list() {
    let (world, pretend) = World::logged_in();
    pretend.answers("list_sites", v1::ListSitesReply::default());
    assert_eq!(world.run(&["site", "list", "--format", "json"]).out, "[]\n");
    assert_eq!(world.run(&["site", "list"]).out.lines().count(), 1);
}

#[test]
fn one_agent_is_shown_by_its_site_or_the_beginning_of_its_id() {
    let (world, pretend) = World::logged_in();
    let mut old = agent("aaaa");
    (old.state, old.enrolled_at) = (v1::AgentState::Replaced.into(), PRESENT + 5);
    let agents =
        vec![old, agent("0f3a"), v1::AgentView { site: "quay".to_owned(), ..agent("0f77") }];
    pretend.answers("list_agents", v1::ListAgentsReply { agents });
    for name in ["harbour", "0f3", "0f3a"] {
        let answer = world.run(&["agent", "show", name]);
        assert_eq!(answer.code, GOOD, "{answer:?}");
        assert!(answer.out.contains("0f3a") && answer.out.contains("(20s ago)"), "{answer:?}");
        assert!(answer.out.contains("4 (oldest 2h)") && answer.out.contains("-2s"), "{answer:?}");
        assert!(!answer.out.contains('\u{1b}'), "{answer:?}");
    }
    refused(&world.run(&["agent", "show", "0f"]), USAGE, &["more than one agent"]);
    refused(&world.run(&["agent", "show", "none"]), USAGE, &["no agent is called none"]);
}

#[test]
fn one_device_is_shown_with_its_findings() {
    let (world, pretend) = World::logged_in();
    lay_out(&pretend);
    let answer = world.run(&["device", "show", "harbour", "yard"]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    for word in ["yard at harbour", "MX-V5", "unreachable: x", "new_device"] {
        assert!(answer.out.contains(word), "{word}: {answer:?}");
    }
    let json = world.run(&["device", "show", "harbour", "yard", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["failure"]["class"], "unreachable");
    assert_eq!(json["findings"][0]["about"], "new_device");
    refused(&world.run(&["device", "show", "harbour", "gate"]), USAGE, &["no device gate"]);
}

#[test]
fn findings_are_asked_for_as_filtered_and_a_check_tells_by_its_code() {
    let (world, pretend) = World::logged_in();
    lay_out(&pretend);
    pretend.asked();
    let filters = [
        "findings",
        "--site",
        "harbour",
        "--about",
        "c7,new_device",
        "--judgment",
        "unmet,unknown",
        "--ignored",
        "--limit",
        "5",
        "--check",
    ];
    assert_eq!(world.run(&filters).code, BAD);
    let asked = pretend.asked().concat();
    for word in [
        "\"harbour\"",
        "[\"C07\", \"new_device\"]",
        "[Unmet, Unknown]",
        "ignored: true",
        "limit: 5",
    ] {
        assert!(asked.contains(word), "{word}: {asked}");
    }
    for (row, code) in [
        (finding(v1::Verdict::Unmet, true), GOOD),
        (finding(v1::Verdict::Met, false), GOOD),
        (finding(v1::Verdict::Unknown, false), BAD),
    ] {
        pretend.answers("list_findings", v1::ListFindingsReply { rows: vec![row], more: false });
        assert_eq!(world.run(&["findings", "--check"]).code, code);
        assert_eq!(world.run(&["findings"]).code, GOOD);
    }
    pretend.answers("list_findings", v1::ListFindingsReply { rows: vec![], more: true });
    let more = world.run(&["findings", "--check"]);
    assert!(more.code == BAD && more.err.contains("more match"), "{more:?}");
}

#[test]
fn a_word_that_nobody_knows_stops_the_listing() {
    let (world, pretend) = World::logged_in();
    let odd = v1::Site { agent_state: 77, ..site() };
    pretend.answers("list_sites", v1::ListSitesReply { sites: vec![site(), odd] });
    let answer = world.run(&["site", "list"]);
    refused(&answer, FAILED, &["AgentState 77", "makes no sense"]);
}

#[test]
fn what_the_controller_refuses_has_its_exit_code() {
    let (world, pretend) = World::logged_in();
    for (grpc, code) in [
        (3, USAGE),
        (5, USAGE),
        (6, FAILED),
        (7, FAILED),
        (8, FAILED),
        (9, FAILED),
        (13, FAILED),
        (14, FAILED),
        (16, FAILED),
    ] {
        pretend.refuses("list_sites", grpc, "because\u{1b}[2J");
        let answer = world.run(&["site", "list"]);
        refused(&answer, code, &["because"]);
        assert!(!answer.err.contains('\u{1b}'), "{answer:?}");
    }
    pretend.refuses("list_sites", 12, "");
    refused(&world.run(&["site", "list"]), FAILED, &["older than this program"]);
}
