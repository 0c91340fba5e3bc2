use proto::SecretId;

use super::renewal::{Papers, Plan, RULES, Work, name};
use super::testing::{Acme, START, faulty};
use super::*;
use crate::rotation::{self as machine, Effect, Outcome, Pace, Rotation};

fn folder() -> (tempfile::TempDir, Folder) {
    let data = tempfile::tempdir().unwrap();
    let folder = Folder::within(data.path());
    (data, folder)
}

fn damage(data: &tempfile::TempDir, file: &str) {
    std::fs::write(data.path().join("identity").join(file), b"\0\0\0").unwrap();
}

#[test]
fn a_member_reads_back_whole() {
    let (_data, folder) = folder();
    assert!(folder.member().unwrap().is_none());
    let member = Acme::new().member();
    folder.keep_member(&member).unwrap();
    let again = folder.member().unwrap().unwrap();
    assert_eq!(again.identity.chain(), member.identity.chain());
    assert_eq!(again.identity.key().hash(), member.identity.key().hash());
    assert_eq!(again.recovery.hash(), member.recovery.hash());
    assert_eq!((again.trust, again.join), (member.trust, member.join));
    assert_eq!((again.site, again.addresses), (member.site, member.addresses));
}

#[test]
fn a_damaged_generation_falls_back_to_the_other_one() {
    let (data, folder) = folder();
    let acme = Acme::new();
    let (first, second) = (acme.member(), acme.member());
    folder.keep_member(&first).unwrap();
    folder.keep_member(&second).unwrap();
    let serial = || folder.member().unwrap().unwrap().identity.serial().to_owned();
    assert_eq!(serial(), second.identity.serial());
    damage(&data, "member.1");
    assert_eq!(serial(), first.identity.serial());
    damage(&data, "member.0");
    assert!(matches!(folder.member(), Err(IdentityError::Store(StoreError::Damaged(_)))));
}

#[test]
fn what_was_only_begun_is_given_up_when_it_cannot_be_read() {
    let (data, folder) = folder();
    folder.keep_next(Some(&Next::fresh().unwrap())).unwrap();
    folder.keep_applicant(Some(&Applicant::fresh([1; 32]).unwrap())).unwrap();
    assert!(folder.next().unwrap().is_some() && folder.applicant().unwrap().is_some());
    damage(&data, "next.0");
    damage(&data, "applicant.0");
    assert!(folder.next().unwrap().is_none() && folder.applicant().unwrap().is_none());
    folder.keep_next(None).unwrap();
    assert!(folder.next().unwrap().is_none());
}

#[test]
fn a_file_that_says_something_impossible_is_refused_without_being_quoted() {
    let member = Acme::new().member();
    let text = String::from_utf8(stored::write_member(&member).to_vec()).unwrap();
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"agent\":\"00ff\"", "\"agent\":\"00fe\""),
        ("\"jitter\":0.0", "\"jitter\":2.0"),
        ("[\"127.0.0.1:1\"]", "[]"),
        ("\"site\":\"harbour\"", "\"site\":\"Harbour!\""),
        ("\"key\":\"", "\"key\":\"!"),
        ("\"organisation\"", "\"organization\""),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = stored::read_member(text.replacen(from, to, 1).as_bytes()).unwrap_err().0;
        assert!(!wrong.contains('"') && !wrong.contains("MIG"), "{wrong}");
    }
    stored::read_member(text.as_bytes()).unwrap();
}

#[test]
fn nothing_of_a_key_is_shown() {
    let member = Acme::new().member();
    let shown = format!("{member:?}");
    let text = String::from_utf8(stored::write_member(&member).to_vec()).unwrap();
    let key = text.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!shown.contains(key) && !shown.contains("MIG"));
    let bytes = format!("{:?}", member.identity.key().pkcs8());
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])));
}

#[test]
fn a_bundle_never_goes_back() {
    let acme = Acme::new();
    let member = acme.member();
    let older = TrustBundle { generation: 0, ..acme.trust() };
    assert_eq!(member.clone().trusting(older).trust.generation, 1);
    let newer = TrustBundle { generation: 2, ..acme.trust() };
    assert_eq!(member.trusting(newer).trust.generation, 2);
}

/// A renewal over the disk, as the link has it turn by turn, with a controller that always grants.
fn renew(folder: &Folder, acme: &Acme, now: Timestamp) -> Result<(), IdentityError> {
    let pace = Pace { due: now, retry: now, again: now };
    let mut journal = None;
    for _ in 0..20 {
        let (member, next) = (folder.member()?.expect("it is enrolled"), folder.next()?);
        let papers = Papers::of(&member, next.as_ref(), now);
        if papers.is_over() {
            folder.keep_next(None)?;
            continue;
        }
        let rotation = papers.standing(journal.take(), member.renew_at());
        let machine::Next::Do { state, effect } = rotation.next(&RULES, now) else { return Ok(()) };
        let outcome = match papers.plan(&effect) {
            Plan::Known(outcome) => outcome,
            Plan::Do(work) => done(work, folder, acme, now)?,
        };
        journal = Some(state.learn(&effect, outcome, &RULES, &pace));
    }
    panic!("a renewal comes to an end");
}

fn done(
    work: Work,
    folder: &Folder,
    acme: &Acme,
    now: Timestamp,
) -> Result<Outcome<SecretId>, IdentityError> {
    match work {
        Work::MakeKey => {
            let next = Next::fresh()?;
            folder.keep_next(Some(&next))?;
            return Ok(Outcome::Minted { next: name(&next.key), second: None });
        }
        Work::Ask => {
            let next = folder.next()?.expect("there is one");
            let granted = Some(acme.granted(&next.key, now));
            folder.keep_next(Some(&Next { granted, ..next }))?;
        }
        Work::Connect => {}
        Work::Become => {
            let granted = folder.next()?.and_then(|next| next.granted).expect("it was given");
            let member = folder.member()?.expect("it is enrolled");
            folder.keep_member(&member.renewed(granted.identity, granted.trust))?;
            folder.keep_next(None)?;
        }
        Work::Forget => folder.keep_next(None)?,
    }
    Ok(Outcome::Done)
}

#[test]
fn a_crash_at_any_write_of_a_renewal_leaves_a_usable_identity_and_the_rest_is_done_afterwards() {
    let acme = Acme::new();
    let due = Timestamp::from_unix(START + 4 * 86_400);
    let mut crashes = 0;
    for fails in 0.. {
        let (data, folder) = folder();
        let before = acme.member();
        folder.keep_member(&before).unwrap();
        let crashed = renew(&faulty(data.path(), fails), &acme, due).is_err();
        let now = folder.member().unwrap().expect("somebody");
        assert_eq!(now.name(), before.name());
        certs::mutual::leads(now.identity.chain(), &now.trust, due).unwrap();
        renew(&folder, &acme, due).unwrap();
        let after = folder.member().unwrap().unwrap();
        assert_ne!(after.identity.key().hash(), before.identity.key().hash());
        assert!(after.renew_at() > due && folder.next().unwrap().is_none());
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert_eq!(crashes, 10, "five writes, each with a crash before and after it");
}

#[test]
fn a_key_whose_certificate_lapsed_before_it_was_proven_is_certified_again() {
    let acme = Acme::new();
    let member = acme.member();
    let key = Arc::new(Key::generate().unwrap());
    let next = Next { granted: Some(acme.granted(&key, acme.now)), key };
    let in_doubt = |papers: Papers<SecretId>| {
        let Rotation::Minted(change) = papers.standing(None, acme.now) else { panic!() };
        let journal = Some(Rotation::InDoubt(change, machine::Ask::Next));
        papers.standing(journal, acme.now).next(&RULES, acme.now)
    };
    let effect = |seconds| {
        let now = Timestamp::from_unix(START + seconds);
        match in_doubt(Papers::of(&member, Some(&next), now)) {
            machine::Next::Do { effect, .. } => effect,
            sleep @ machine::Next::Sleep { .. } => panic!("{sleep:?}"),
        }
    };
    assert_eq!(effect(86_400), Effect::Probe(name(&next.key)));
    assert_eq!(effect(8 * 86_400), Effect::Escrow(name(&next.key)));
}
