//! Becoming an operator, staying one, and ceasing to be one.

use super::*;
use crate::cli::{FAILED, GOOD, USAGE};

const DAY: i64 = 86_400;
const FILE: &str = "home/.config/palisade/operator.json";

fn whoami() -> proto::wire::v1::WhoAmIReply {
    proto::wire::v1::WhoAmIReply {
        organisation: "acme".to_owned(),
        operator: "kim".to_owned(),
        role: proto::wire::v1::Role::Administrator.into(),
        certificate_ends: PRESENT + 7 * DAY,
        controller_version: "0.1.0".to_owned(),
        controller_time: PRESENT - 3,
        trust_generation: 1,
    }
}

#[test]
fn a_code_makes_an_operator_of_this_machine_and_logout_ends_it() {
    let (world, pretend) = World::logged_in();
    world.is_private(FILE);
    pretend.answers("who_am_i", whoami());
    let answer = world.run(&["whoami"]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    for word in ["kim of acme", "administrator", "version 0.1.0", "in 7d", "3 s ahead"] {
        assert!(answer.out.contains(word), "{word}: {answer:?}");
    }
    let json = world.run(&["whoami", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["role"], &json["clock_offset"]), (&"administrator".into(), &3.into()));
    assert_eq!(world.run(&["logout"]).code, GOOD);
    assert!(!world.path(FILE).exists());
    refused(&world.run(&["whoami"]), USAGE, &["nobody is logged in"]);
}

#[test]
fn the_code_is_asked_for_once_and_stands_in_no_output() {
    let world = World::new();
    let pretend = Pretend::start(world.clock.clone());
    world.secret("code", pretend.code().to_text().expose());
    let answer = world.run(&["login", "--code-file", "@code", "--home", "@elsewhere"]);
    assert_eq!((answer.code, answer.out.as_str()), (GOOD, ""), "{answer:?}");
    assert!(answer.err.contains("palisade://acme/operator/kim"), "{answer:?}");
    assert!(!answer.err.contains("one-time"), "{answer:?}");
    assert_eq!(pretend.asked(), ["log_in \"one-time\""]);
    world.is_private("elsewhere/operator.json");
    let again = world.run(&["login", "--code-file", "@code", "--home", "@elsewhere"]);
    refused(&again, USAGE, &["operator/kim is logged in here", "--replace"]);
    let replaced =
        world.run(&["login", "--code-file", "@code", "--home", "@elsewhere", "--replace"]);
    assert_eq!(replaced.code, GOOD);
}

#[test]
fn a_certificate_is_renewed_once_half_its_life_is_over() {
    let (world, pretend) = World::logged_in();
    pretend.answers("who_am_i", whoami());
    let first = world.read(FILE);
    world.pass(3 * DAY);
    assert_eq!(world.run(&["whoami"]).code, GOOD);
    assert!(!pretend.asked().concat().contains("renew_operator"));
    assert_eq!(world.read(FILE), first);
    world.pass(DAY);
    let answer = world.run(&["whoami"]);
    assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{answer:?}");
    assert!(pretend.asked().concat().contains("renew_operator"));
    assert_ne!(world.read(FILE), first);
    world.is_private(FILE);
    // Ten days after the log-in, the first certificate would be over.
    world.pass(3 * DAY + DAY / 4);
    assert_eq!(world.run(&["whoami"]).code, GOOD);
}

#[test]
fn new_roots_are_learned_at_once() {
    let (world, pretend) = World::logged_in();
    pretend.answers("who_am_i", proto::wire::v1::WhoAmIReply { trust_generation: 2, ..whoami() });
    pretend.trusts(2);
    assert_eq!(world.run(&["whoami"]).code, GOOD);
    assert!(pretend.asked().concat().contains("renew_operator"));
    let kept: serde_json::Value = serde_json::from_str(&world.read(FILE)).unwrap();
    assert_eq!(kept["trust_generation"], 2);
    assert_eq!(world.run(&["whoami"]).code, GOOD);
    assert!(!pretend.asked().concat().contains("renew_operator"));
    // Older roots are never taken, whoever says so.
    pretend.trusts(1);
    world.pass(4 * DAY);
    let answer = world.run(&["whoami"]);
    assert!(answer.code == GOOD && answer.err.contains("older roots"), "{answer:?}");
}

#[test]
fn a_renewal_elsewhere_does_not_change_where_the_controller_is() {
    let (world, pretend) = World::logged_in();
    pretend.answers("who_am_i", whoami());
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.pass(4 * DAY);
    let both = ["whoami", "--controller", &dead.to_string(), "--controller", &pretend.address()];
    assert_eq!(world.run(&both).code, GOOD);
    assert!(pretend.asked().concat().contains("renew_operator"));
    let kept: serde_json::Value = serde_json::from_str(&world.read(FILE)).unwrap();
    assert_eq!(kept["addresses"], serde_json::json!([pretend.address()]));
}

#[test]
fn a_renewal_that_fails_is_told_and_the_command_goes_on() {
    let (world, pretend) = World::logged_in();
    pretend.answers("who_am_i", whoami());
    pretend.refuses("renew_operator", 13, "no");
    let first = world.read(FILE);
    world.pass(4 * DAY);
    let answer = world.run(&["whoami"]);
    assert_eq!(answer.code, GOOD, "{answer:?}");
    assert!(answer.err.contains("not renewed"), "{answer:?}");
    assert_eq!(world.read(FILE), first);
}

#[test]
fn a_certificate_that_is_over_says_how_to_get_another() {
    let (world, pretend) = World::logged_in();
    world.pass(8 * DAY);
    refused(&world.run(&["whoami"]), FAILED, &["ended at", "palisade operator code kim"]);
    assert_eq!(pretend.asked(), Vec::<String>::new());
}

#[test]
fn whoever_was_removed_is_told_so() {
    let (world, pretend) = World::logged_in();
    pretend.revoke();
    refused(&world.run(&["whoami"]), FAILED, &["does not take this certificate", "removed"]);
}

#[test]
fn whoever_is_not_the_controller_is_not_spoken_to() {
    let (world, pretend) = World::logged_in();
    let other = Pretend::start(world.clock.clone());
    other.answers("who_am_i", whoami());
    let answer = world.run(&["whoami", "--controller", &other.address()]);
    refused(&answer, FAILED, &["not your controller", "no root that you trust"]);
    // The code of one leads to the other.
    let mut code = pretend.code();
    code.addresses = vec![other.address()];
    world.secret("code", code.to_text().expose());
    let answer = world.run(&["login", "--code-file", "@code", "--replace"]);
    refused(&answer, FAILED, &["not your controller"]);
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[test]
fn an_address_that_is_dead_is_passed_over() {
    let (world, pretend) = World::logged_in();
    pretend.answers("who_am_i", whoami());
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = dead.to_string();
    let both = ["whoami", "--controller", &dead, "--controller", &pretend.address()];
    assert_eq!(world.run(&both).code, GOOD);
    let one = world.run(&["whoami", "--controller", &dead]);
    refused(&one, FAILED, &["not reached", &dead]);
}

#[test]
fn a_controller_that_speaks_something_else_is_no_controller() {
    let (world, _pretend) = World::logged_in();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let talker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let answer = world.run(&["whoami", "--controller", &address]);
    refused(&answer, FAILED, &["not your controller", "TLS"]);
    talker.join().unwrap();
}
