use std::collections::BTreeMap;

use certs::device_issuer::Host;
use certs::escrow::Quorum;
use certs::hierarchy::{DEVICE_ISSUER_LIFE, DeviceNames};
use certs::{DeviceIssuer, Key, request};
use proto::Timestamp;
use proto::wire::v1;

use super::issuer::{BadAnswer, Hosts, Step};
use super::recipients::{BadRecipients, Recipients, Verdict, judge};
use super::*;
use crate::identity::testing::{Acme, START};

const ALICE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const BOB: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds)
}

fn offered(acme: &Acme, generation: u64, people: &[&str]) -> v1::RecoveryRecipients {
    let recipients: Vec<_> = people.iter().map(ToString::to_string).collect();
    let quorum = Quorum::new(1, &recipients).unwrap();
    let signature = quorum.sign(&acme.organisation, generation, acme.root.key()).unwrap();
    v1::RecoveryRecipients { generation, threshold: 1, recipients, signature }
}

fn judged(
    acme: &Acme,
    offered: v1::RecoveryRecipients,
    held: Option<&Recipients>,
) -> Result<Verdict, BadRecipients> {
    judge(offered, held, &acme.organisation, &acme.trust())
}

fn taken(acme: &Acme, offered: v1::RecoveryRecipients) -> Recipients {
    match judged(acme, offered, None) {
        Ok(Verdict::New(recipients)) => recipients,
        other => panic!("{other:?}"),
    }
}

#[test]
fn recipients_are_believed_only_as_a_trusted_root_signed_them() {
    let (acme, other) = (Acme::new(), Acme::new());
    assert_eq!(taken(&acme, offered(&acme, 3, &[ALICE])).generation, 3);
    let bad: [fn(&mut v1::RecoveryRecipients); 6] = [
        |offer| offer.generation += 1,
        |offer| offer.threshold = 2,
        |offer| offer.recipients.push(BOB.to_owned()),
        |offer| offer.recipients = vec!["age1nobody".to_owned()],
        |offer| offer.recipients.clear(),
        |offer| offer.signature.clear(),
    ];
    for (place, spoil) in bad.into_iter().enumerate() {
        let mut offer = offered(&acme, 3, &[ALICE]);
        spoil(&mut offer);
        assert!(judged(&acme, offer, None).is_err(), "{place}");
    }
    let strangers = judged(&acme, offered(&other, 3, &[ALICE]), None);
    assert!(matches!(strangers, Err(BadRecipients::NotSigned)));
    let none = judged(&acme, offered(&acme, 0, &[ALICE]), None);
    assert!(matches!(none, Err(BadRecipients::NotSigned)));
}

#[test]
fn recipients_never_go_back_and_a_generation_is_never_another() {
    let acme = Acme::new();
    let held = taken(&acme, offered(&acme, 3, &[ALICE]));
    let judged = |generation, people: &[&str]| {
        judged(&acme, offered(&acme, generation, people), Some(&held))
    };
    assert!(matches!(judged(3, &[ALICE]), Ok(Verdict::AsHeld)));
    assert!(matches!(judged(4, &[BOB]), Ok(Verdict::New(_))));
    assert!(matches!(judged(2, &[BOB]), Err(BadRecipients::Older(2, 3))));
    assert!(matches!(judged(3, &[ALICE, BOB]), Err(BadRecipients::Changed(3))));
}

#[test]
fn what_the_first_version_stored_of_recipients_decodes_for_ever() {
    let golden = format!(
        "\u{1}{{\"generation\":3,\"threshold\":1,\"recipients\":[\"{ALICE}\",\"{BOB}\"],\"signature\":\"AQID\"}}"
    );
    let read: Recipients = stored::decode(golden.as_bytes()).unwrap();
    assert_eq!((read.generation, read.quorum.threshold()), (3, 1));
    assert_eq!(read.quorum.recipients().collect::<Vec<_>>(), [ALICE, BOB]);
    assert_eq!(stored::encode(&read).unwrap(), golden.as_bytes());
    let broken = golden.replace(BOB, ALICE);
    assert!(stored::decode::<Recipients>(broken.as_bytes()).is_err());
}

#[test]
fn either_generation_of_the_files_may_be_damaged() {
    let (acme, data) = (Acme::new(), tempfile::tempdir().unwrap());
    let custody = Custody::within(data.path());
    assert!(custody.recipients().unwrap().is_none() && custody.issuer().unwrap().is_none());
    for generation in [3, 4] {
        let recipients = taken(&acme, offered(&acme, generation, &[ALICE]));
        custody.keep_recipients(&recipients).unwrap();
    }
    let issuer = fresh(&acme, &["192.0.2.0/24"], 0);
    custody.keep_issuer(&issuer).unwrap();
    custody.keep_issuer(&issuer).unwrap();
    let folder = data.path().join("custody");
    for number in ["0", "1"] {
        for file in ["recipients", "device-issuer"] {
            let path = folder.join(format!("{file}.{number}"));
            let sound = std::fs::read(&path).unwrap();
            std::fs::write(&path, b"rubbish").unwrap();
            let generation = custody.recipients().unwrap().unwrap().generation;
            assert!((3..=4).contains(&generation));
            assert_eq!(custody.issuer().unwrap().unwrap().serial(), issuer.serial());
            std::fs::write(&path, sound).unwrap();
        }
    }
    let read = custody.issuer().unwrap().unwrap();
    assert_eq!((read.chain(), read.key().hash()), (issuer.chain(), issuer.key().hash()));
}

fn chain(acme: &Acme, key: &Key, networks: &[&str], now: i64) -> Vec<Vec<u8>> {
    let request = request::verify(&request::make(key).unwrap()).unwrap();
    let networks = networks.iter().map(|net| net.parse().unwrap()).collect();
    let may_name = DeviceNames { names: Vec::new(), networks };
    let (site, issuing) = ("harbour".parse().unwrap(), &acme.issuing);
    let issued = issuing.device_issuer(&acme.organisation, &site, &may_name, &request, at(now));
    issued.unwrap().chain.iter().map(|one| one.to_vec()).collect()
}

fn fresh(acme: &Acme, networks: &[&str], now: i64) -> DeviceIssuer {
    let key = Key::generate().unwrap();
    let given = chain(acme, &key, networks, now);
    let trust = acme.trust();
    issuer::judge(given, key, (None, &Hosts::new()), &trust, at(now)).unwrap()
}

fn hosts(addresses: &[&str]) -> Hosts {
    let host = |(place, address): (usize, &&str)| {
        (format!("camera-{place}").parse().unwrap(), Host::of(address))
    };
    addresses.iter().enumerate().map(host).collect::<BTreeMap<_, _>>()
}

#[test]
fn an_issuer_that_may_name_none_of_our_devices_or_fewer_than_before_is_refused() {
    let acme = Acme::new();
    let two = hosts(&["192.0.2.9", "198.51.100.9"]);
    let asked = |networks: &[&str], held: Option<&DeviceIssuer>| {
        let key = Key::generate().unwrap();
        let given = chain(&acme, &key, networks, 0);
        issuer::judge(given, key, (held, &two), &acme.trust(), at(0))
    };
    assert!(matches!(asked(&["203.0.113.0/24"], None), Err(BadAnswer::CoversNothing(_))));
    let one = asked(&["192.0.2.0/24"], None).unwrap();
    assert_eq!(issuer::not_covered(&one, &two).len(), 1);
    let both = asked(&["192.0.2.0/24", "198.51.100.0/24"], Some(&one)).unwrap();
    assert!(issuer::not_covered(&both, &two).is_empty());
    let less = asked(&["192.0.2.0/24"], Some(&both));
    assert!(matches!(less, Err(BadAnswer::CoversLess(device)) if device == "camera-1"));
}

#[test]
fn an_answer_for_another_key_from_another_root_or_over_soon_is_refused() {
    let (acme, other) = (Acme::new(), Acme::new());
    let devices = hosts(&["192.0.2.9"]);
    let key = || Key::generate().unwrap();
    let judge = |given, key, now| {
        issuer::judge(given, key, (None, &devices), &acme.trust(), at(now)).unwrap_err()
    };
    let ours = chain(&acme, &key(), &["192.0.2.0/24"], 0);
    assert!(judge(ours, key(), 0).to_string().contains("another key"));
    let stranger = key();
    let theirs = chain(&other, &stranger, &["192.0.2.0/24"], 0);
    assert!(judge(theirs, stranger, 0).to_string().contains("trusted root"));
    let late = key();
    let ours = chain(&acme, &late, &["192.0.2.0/24"], 0);
    let error = judge(ours, late, DEVICE_ISSUER_LIFE - 3600);
    assert!(matches!(error, BadAnswer::EndsSoon(_)), "{error}");
    let nothing = judge(Vec::new(), key(), 0);
    assert!(matches!(nothing, BadAnswer::Issuer(_)));
}

#[test]
fn another_issuer_is_asked_for_at_half_life_and_when_one_leaves_a_device_out() {
    let (acme, none) = (Acme::new(), Hosts::new());
    let held = fresh(&acme, &["192.0.2.0/24"], 0);
    let (ours, more) = (hosts(&["192.0.2.9"]), hosts(&["192.0.2.9", "198.51.100.9"]));
    let trust = acme.trust();
    let step = |hosts: &Hosts, asked: Option<i64>, now: i64| {
        issuer::step(Some(&held), (hosts, &trust), asked.map(at), 0.0, at(now))
    };
    assert_eq!(issuer::step(None, (&none, &trust), None, 0.0, at(0)), Step::Rest);
    assert_eq!(issuer::step(None, (&ours, &trust), None, 0.0, at(0)), Step::Ask);
    let half = DEVICE_ISSUER_LIFE / 2 - 300;
    assert_eq!(step(&ours, None, 0), Step::Wait(at(half)));
    assert_eq!(step(&ours, Some(0), half), Step::Ask);
    assert_eq!(step(&more, None, 0), Step::Ask);
    assert_eq!(step(&more, Some(0), 10), Step::Wait(at(86_400)));
    assert_eq!(step(&more, Some(0), 86_400), Step::Ask);
    let others = Acme::new().trust();
    assert_eq!(issuer::step(Some(&held), (&ours, &others), None, 0.0, at(0)), Step::Ask);
}
