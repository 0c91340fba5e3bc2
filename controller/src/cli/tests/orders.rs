//! What changes something: what the controller is asked, and what comes out.

use certs::ticket::{Ticket, TicketKind};
use proto::wire::v1;

use super::*;
use crate::cli::{BAD, FAILED, GOOD, USAGE};

fn token(pretend: &Pretend) -> v1::CreateTokenReply {
    v1::CreateTokenReply {
        id: "aa".to_owned(),
        secret: "hush-hush".to_owned(),
        expires_at: PRESENT + 3600,
        root_pin: pretend.pin().0.to_vec(),
        addresses: vec!["controller.example.org:7443".to_owned()],
    }
}

#[test]
fn a_site_comes_with_a_token_in_a_file_of_its_owner() {
    let (world, pretend) = World::logged_in();
    pretend.answers("add_site", v1::Site::default());
    pretend.answers("create_token", token(&pretend));
    let add = ["site", "add", "harbour", "--token-file", "@harbour.token", "--life", "2h"];
    let answer = world.run(&add);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    assert!(!answer.err.contains("hush"), "{answer:?}");
    world.is_private("harbour.token");
    let ticket = Ticket::parse(&world.read("harbour.token")).unwrap();
    assert_eq!((ticket.kind, ticket.secret.expose()), (TicketKind::Agent, "hush-hush"));
    assert_eq!((ticket.organisation.as_str(), ticket.pin), ("acme", pretend.pin()));
    assert!(pretend.asked().concat().contains("life: 7200"));
    // A file that is there already is found before anything is asked.
    refused(&world.run(&add), USAGE, &["harbour.token", "already"]);
    assert_eq!(pretend.asked(), Vec::<String>::new());
}

#[test]
fn a_token_goes_to_standard_output_only_if_asked_for() {
    let (mut world, pretend) = World::logged_in();
    pretend.answers("create_token", token(&pretend));
    refused(&world.run(&["token", "create", "harbour"]), USAGE, &["--token-file"]);
    let piped = world.run(&["token", "create", "harbour", "--token-file", "-"]);
    assert_eq!(Ticket::parse(&piped.out).unwrap().secret.expose(), "hush-hush");
    world.terminals.output = true;
    assert!(Ticket::parse(&world.run(&["token", "create", "harbour"]).out).is_ok());
    let odd = v1::CreateTokenReply { root_pin: vec![1], ..token(&pretend) };
    pretend.answers("create_token", odd);
    refused(&world.run(&["token", "create", "harbour"]), FAILED, &["makes no sense"]);
}

#[test]
fn a_person_gets_a_code_that_leads_to_the_controller() {
    let (world, pretend) = World::logged_in();
    let code = v1::LogInCode {
        operator: "sam".to_owned(),
        secret: "one-time".to_owned(),
        expires_at: PRESENT + 3600,
        root_pin: pretend.pin().0.to_vec(),
        addresses: vec![pretend.address()],
    };
    pretend.answers("add_operator", code.clone());
    pretend.answers("renew_code", code);
    let add = ["operator", "add", "sam", "--role", "viewer", "--code-file", "@sam.code"];
    assert_eq!(world.run(&add).code, GOOD);
    assert!(pretend.asked().concat().contains("role: Viewer"));
    world.is_private("sam.code");
    let login = ["login", "--code-file", "@sam.code", "--home", "@sam"];
    assert_eq!(world.run(&login).code, GOOD);
    assert_eq!(world.run(&["operator", "code", "sam", "--code-file", "@again.code"]).code, GOOD);
}

#[test]
fn an_order_that_is_not_done_in_time_ends_with_2() {
    let (world, pretend) = World::logged_in();
    pretend.answers("send_order", v1::SendOrderReply { id: "cc".to_owned(), done: true });
    let visit = ["agent", "order", "visit", "harbour", "yard", "gate"];
    assert_eq!(world.run(&visit).code, GOOD);
    let asked = pretend.asked().concat();
    assert!(asked.contains("[\"yard\", \"gate\"]") && asked.contains("wait: 60"), "{asked}");
    pretend.answers("send_order", v1::SendOrderReply { id: "cc".to_owned(), done: false });
    refused(&world.run(&visit), FAILED, &["cc", "not done it within 1m"]);
    assert_eq!(world.run(&["agent", "order", "renew", "harbour", "--wait", "0s"]).code, GOOD);
}

#[test]
fn what_people_answer_for_goes_over_whole_and_comes_back_as_an_id() {
    let (world, pretend) = World::logged_in();
    let attestation = v1::Attestation { measure: "C22".to_owned(), ..v1::Attestation::default() };
    let vouch = |what| v1::Vouch { id: "bb".to_owned(), what: Some(what), ..v1::Vouch::default() };
    pretend.answers("attest", vouch(v1::vouch::What::Attestation(attestation)));
    let attest = [
        "attest",
        "harbour",
        "c22",
        "--by",
        "Kim Lee",
        "--until",
        "2027-06-30",
        "--evidence",
        "restored it",
        "--device",
        "yard,gate",
    ];
    let answer = world.run(&attest);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, "bb\n"), "{answer:?}");
    let asked = pretend.asked().concat();
    for word in ["C22", "Kim Lee", "2027-06-30", "restored it", "[\"yard\", \"gate\"]"] {
        assert!(asked.contains(word), "{word}: {asked}");
    }
    pretend.answers("withdraw", v1::Empty {});
    assert_eq!(world.run(&["withdraw", "bb"]).code, GOOD);
}

fn version(version: u64, text: &str) -> v1::PolicyVersion {
    v1::PolicyVersion { version, text: text.to_owned(), ..v1::PolicyVersion::default() }
}

#[test]
fn a_policy_is_compared_line_by_line() {
    let (world, pretend) = World::logged_in();
    pretend.answers("show_policy", version(3, "[passwords]\nmin_length = 9\n"));
    world.write("policy.toml", "[passwords]\nmin_length = 12\n");
    let answer = world.run(&["policy", "diff", "@policy.toml"]);
    assert_eq!(answer.code, BAD, "{answer:?}");
    for line in ["--- in force (version 3)", "-min_length = 9", "+min_length = 12", " [passwords]"]
    {
        assert!(answer.out.lines().any(|it| it == line), "{line}: {answer:?}");
    }
    let of_site = world.run(&["policy", "diff", "@policy.toml", "--site", "harbour"]);
    assert!(of_site.out.starts_with("--- in force (version 3 of the organisation)"), "{of_site:?}");
    world.write("policy.toml", "[passwords]\nmin_length = 9\n");
    let same = world.run(&["policy", "diff", "@policy.toml"]);
    assert_eq!((same.code, same.out.as_str()), (GOOD, ""));
}

#[test]
fn a_policy_is_applied_over_the_version_that_was_seen() {
    let (world, pretend) = World::logged_in();
    pretend.answers("show_policy", version(3, ""));
    pretend.answers("apply_policy", version(4, ""));
    world.write("policy.toml", "[passwords]\nmin_length = 12\n");
    let apply = ["policy", "apply", "@policy.toml", "--comment", "longer"];
    let answer = world.run(&apply);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, "4\n"), "{answer:?}");
    for (more, expected) in [
        (&[][..], "expected_version: 3"),
        (&["--expect", "2"], "expected_version: 2"),
        (&["--force"], "expected_version: 0"),
    ] {
        pretend.asked();
        assert_eq!(world.run(&[&apply, more].concat()).code, GOOD);
        let asked = pretend.asked().concat();
        assert!(asked.contains(expected) && asked.contains("min_length = 12"), "{asked}");
    }
    // A site without a policy of its own is shown the organisation's, whose version says nothing of the site's.
    assert_eq!(world.run(&[&apply[..], &["--site", "harbour"]].concat()).code, GOOD);
    let asked = pretend.asked().concat();
    assert!(
        asked.contains("site: \"harbour\"") && asked.contains("expected_version: 0"),
        "{asked}"
    );
    pretend.answers("show_policy", version(4, "[passwords]\nmin_length = 12\n"));
    pretend.asked();
    let same = world.run(&apply);
    assert!(same.code == GOOD && same.err.contains("nothing to do"), "{same:?}");
    assert!(!pretend.asked().concat().contains("apply_policy"));
    pretend.refuses("apply_policy", 10, "version 5 is in force");
    let late = world.run(&["policy", "rollback", "4"]);
    refused(&late, FAILED, &["version 5 is in force"]);
}

#[test]
fn waiting_for_a_policy_ends_when_all_hold_it_or_names_those_who_do_not() {
    let (world, pretend) = World::logged_in();
    pretend.answers("show_policy", version(3, ""));
    pretend.answers("apply_policy", version(4, ""));
    world.write("policy.toml", "[passwords]\nmin_length = 12\n");
    let straggler = |state: v1::AgentState| v1::AgentView {
        id: "0f3a".to_owned(),
        site: "harbour".to_owned(),
        state: state.into(),
        ..v1::AgentView::default()
    };
    let rollout = |stragglers| v1::PolicyRolloutReply { current: 9, stragglers };
    pretend.answers("policy_rollout", rollout(vec![straggler(v1::AgentState::Offline)]));
    let apply = ["policy", "apply", "@policy.toml", "--wait", "--timeout", "0s"];
    let answer = world.run(&apply);
    assert!(answer.code == GOOD && answer.err.contains("1 offline"), "{answer:?}");
    pretend.answers("policy_rollout", rollout(vec![straggler(v1::AgentState::Online)]));
    let answer = world.run(&apply);
    assert!(answer.code == FAILED && answer.out.contains("harbour"), "{answer:?}");
    let listed = world.run(&["policy", "rollout"]);
    assert!(listed.code == BAD && listed.out.contains("0f3a"), "{listed:?}");
    pretend.answers("policy_rollout", rollout(vec![]));
    assert_eq!(world.run(&apply).code, GOOD);
    assert_eq!(world.run(&["policy", "rollout"]).code, GOOD);
}

#[test]
fn a_sites_own_policy_is_dropped_and_that_is_no_version_to_go_back_to() {
    let (world, pretend) = World::logged_in();
    pretend.answers("drop_policy", version(7, "# all"));
    let answer = world.run(&["policy", "drop", "harbour", "--comment", "as the others"]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    assert!(answer.err.contains("version 7 of the organisation holds"), "{answer:?}");
    assert!(pretend.asked().concat().contains("comment: \"as the others\""));
    let end = v1::PolicyVersion { site: "harbour".to_owned(), dropped: true, ..version(9, "") };
    pretend.answers("show_policy", end.clone());
    let answer = world.run(&["policy", "rollback", "9", "--site", "harbour"]);
    refused(&answer, USAGE, &["policy drop"]);
    pretend.answers("policy_history", v1::PolicyHistoryReply { versions: vec![end] });
    let listed = world.run(&["policy", "history", "--site", "harbour"]);
    assert!(listed.out.contains("dropped"), "{listed:?}");
}

#[test]
fn a_turnover_is_told_with_those_who_are_behind() {
    let (world, pretend) = World::logged_in();
    let root = v1::TrustedRoot { pin: vec![0xab; 32], ends: PRESENT + 900 * 86_400 };
    let reply = v1::TurnoverReply {
        phase: "prepared".to_owned(),
        trust_generation: 2,
        stragglers: vec![],
        roots: vec![root],
        issuing_ends: PRESENT + 60 * 86_400,
    };
    pretend.answers("turnover", reply.clone());
    let shown = world.run(&["authority", "show"]);
    assert!(shown.out.contains(&format!("{} until 20", "ab".repeat(32))), "{shown:?}");
    assert!(shown.err.contains("authority renew"), "{shown:?}");
    let later = v1::TurnoverReply { issuing_ends: PRESENT + 61 * 86_400, ..reply.clone() };
    pretend.answers("turnover", later);
    assert_eq!(world.run(&["authority", "show"]).err, "");
    pretend.asked();
    pretend.answers("turnover", reply);
    let answer = world.run(&["authority", "activate", "--leave-behind-after", "90d"]);
    assert!(answer.code == GOOD && answer.out.contains("prepared"), "{answer:?}");
    assert!(pretend.asked().concat().contains("leave_behind_after: 7776000"));
    for (word, step) in [("status", "Status"), ("retire", "Retire"), ("rollback", "RollBack")] {
        assert_eq!(world.run(&["authority", word]).code, GOOD);
        assert!(pretend.asked().concat().contains(&format!("step: {step}")), "{word}");
    }
}
