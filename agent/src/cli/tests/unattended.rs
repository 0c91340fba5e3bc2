//! Enrolment and status as a person meets them.

use certs::ticket::{Ticket, TicketKind, fresh_secret};

use super::super::{FAILED, USAGE};
use super::*;
use crate::identity::Folder;
use crate::identity::testing::Acme;

/// A ticket that leads nowhere.
fn ticket(kind: TicketKind) -> String {
    ticket_to(kind, "127.0.0.1:1")
}

fn ticket_to(kind: TicketKind, address: &str) -> String {
    let ticket = Ticket {
        kind,
        organisation: "acme".parse().unwrap(),
        addresses: vec![address.to_owned()],
        pin: certs::trust::RootPin([7; 32]),
        secret: fresh_secret().unwrap(),
    };
    ticket.to_text().expose().to_owned()
}

const ENROLL: [&str; 3] = ["enroll", "--data", "@data"];

fn enroll(world: &World, more: &[&str]) -> Answer {
    world.run(&[&ENROLL, more].concat())
}

#[test]
fn a_ticket_is_never_an_argument_and_is_not_repeated() {
    let (world, ticket) = (World::new(), ticket(TicketKind::Agent));
    for argument in ["--token", "--ticket", "--secret"] {
        let answer = enroll(&world, &[argument, &ticket]);
        refused(&answer, USAGE, &["never an argument", "--token-file", "PALISADE_TICKET"]);
        assert!(!answer.err.contains(&ticket), "{answer:?}");
    }
}

#[test]
fn without_a_ticket_or_a_terminal_it_is_said_where_one_can_come_from() {
    let world = World::new();
    refused(&enroll(&world, &[]), USAGE, &["no token", "--token-file", "PALISADE_TICKET"]);
    assert!(!exists(&world.path("data")));
}

#[test]
fn a_ticket_that_is_none_or_damaged_or_for_an_operator_is_refused_without_being_quoted() {
    let whole = ticket(TicketKind::Agent);
    let operator = ticket(TicketKind::Operator);
    for (text, words) in [
        ("secret-words", "no ticket"),
        (&whole[..whole.len() - 4], "ticket"),
        (operator.as_str(), "palisade login"),
    ] {
        let mut world = World::new();
        world.secret("site.token", text);
        let of_file = enroll(&world, &["--token-file", "@site.token"]);
        world.input = text.as_bytes().to_vec();
        let of_input = enroll(&world, &["--token-file", "-"]);
        world.types = Box::leak(text.to_owned().into_boxed_str());
        world.terminals.input = true;
        let asked = enroll(&world, &[]);
        world.variables.insert("PALISADE_TICKET", world.types);
        let of_environment = enroll(&world, &[]);
        for answer in [of_file, of_input, asked, of_environment] {
            refused(&answer, USAGE, &[words]);
            assert!(!answer.err.contains(text), "{answer:?}");
        }
    }
}

#[test]
fn a_token_file_that_others_may_read_is_refused() {
    let world = World::new();
    let path = world.write("site.token", ticket(TicketKind::Agent));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&enroll(&world, &["--token-file", "@site.token"]), USAGE, &["chmod 600"]);
}

#[test]
fn asking_for_approval_wants_to_know_whose_controller_it_is() {
    let world = World::new();
    let pin = "7".repeat(64);
    for arguments in [
        vec!["--controller", "controller.example:7443"],
        vec!["--controller", "controller.example:7443", "--organisation", "acme"],
        vec!["--controller", "controller.example", "--organisation", "acme", "--pin", &pin],
        vec!["--controller", "c:7443", "--organisation", "acme", "--pin", "77"],
        vec!["--organisation", "acme", "--pin", &pin],
    ] {
        let answer = enroll(&world, &arguments);
        assert_eq!((answer.code, answer.out.as_str()), (USAGE, ""), "{answer:?}");
    }
}

#[test]
fn a_box_that_is_an_agent_is_not_enrolled_again_by_accident() {
    let world = World::new();
    world.secret("site.token", ticket(TicketKind::Agent));
    let folder = Folder::within(&world.path("data"));
    folder.keep_member(&Acme::new().member()).unwrap();
    let answer = enroll(&world, &["--token-file", "@site.token"]);
    refused(&answer, USAGE, &["agent 00ff of site harbour", "--anew"]);
}

#[test]
fn enrolled_anew_in_vain_the_box_stays_who_it_was() {
    let world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Somebody, but no controller.
    let answering = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().unwrap();
        io::Write::write_all(&mut caller, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    world.secret("site.token", ticket_to(TicketKind::Agent, &address));
    let folder = Folder::within(&world.path("data"));
    folder.keep_member(&Acme::new().member()).unwrap();
    let answer = enroll(&world, &["--token-file", "@site.token", "--anew"]);
    refused(&answer, FAILED, &["not enrolled", "no controller of ours"]);
    answering.join().unwrap();
    assert!(exists(&world.path("data/cache")) && !exists(&world.path("data/former-00ff")));
    assert_eq!(folder.member().unwrap().unwrap().agent.as_str(), "00ff");
}

#[test]
fn the_status_of_an_agent_that_does_not_run_says_so() {
    let world = World::new();
    let answer = world.run(&["status", "--data", "@data"]);
    refused(&answer, FAILED, &["no agent answers", "agent.sock", "no such socket"]);
}

#[test]
fn a_log_filter_that_makes_no_sense_is_refused() {
    let mut world = World::new();
    world.variables.insert("PALISADE_LOG", "agent=loudly");
    refused(&world.run(&["run", "--data", "@data"]), USAGE, &["PALISADE_LOG"]);
}
