use std::sync::Mutex;

use proto::wire::v1::{EnrollReply, Pending};
use tonic::Status;

use super::super::fake::{Fake, hook};
use super::super::testing::Stands;
use super::*;
use crate::identity::testing::{Acme, START};

struct SiteBox {
    _data: tempfile::TempDir,
    folder: Arc<Folder>,
    application: Application,
    clock: SharedClock,
    heard: Vec<Word>,
}

/// A box that knows the controller's root and comes with a ticket, or without.
fn site_box(fake: &Fake, address: &str, token: Option<&str>) -> SiteBox {
    let data = tempfile::tempdir().unwrap();
    let folder = Arc::new(Folder::within(data.path()));
    let application = Application {
        organisation: fake.acme.organisation.clone(),
        addresses: vec![address.to_owned()],
        pin: fake.acme.root.pin(),
        token: token.map(Secret::new),
        purpose: [1; 32],
        host: "pi".to_owned(),
        pace: (Duration::from_millis(1), Duration::from_millis(1)),
    };
    SiteBox { _data: data, folder, application, clock: Arc::new(Stands(START)), heard: Vec::new() }
}

impl SiteBox {
    async fn enroll(&mut self) -> Result<Member, EnrollFault> {
        let heard = &mut self.heard;
        let mut tell = |word| heard.push(word);
        let member = ask(&self.folder, &self.application, &self.clock, &mut tell).await?;
        Ok(keep(&self.folder, member).await?)
    }
}

fn joined(joined: v1::Joined) -> EnrollReply {
    EnrollReply { outcome: Some(Outcome::Joined(joined)) }
}

fn answers(fake: &Arc<Fake>, change: impl Fn(&mut v1::Joined) + Send + 'static) {
    let own = Arc::downgrade(fake);
    hook(&fake.enroll, move |request: v1::EnrollRequest| {
        let fake = own.upgrade().unwrap();
        let mut answer = fake.joined(&request.certificate_request, 1, START);
        change(&mut answer);
        Ok(joined(answer))
    });
}

#[tokio::test]
async fn a_ticket_makes_a_box_a_member_and_leaves_no_keys_behind() {
    let fake = Fake::new(Acme::new());
    answers(&fake, |_| {});
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    let member = one.enroll().await.unwrap();
    assert_eq!((member.site.as_str(), member.agent.as_str()), ("harbour", "00ff"));
    let kept = one.folder.member().unwrap().unwrap();
    assert_eq!(kept.identity.chain(), member.identity.chain());
    assert!(one.folder.applicant().unwrap().is_none() && one.heard.is_empty());
    for generation in ["applicant.0", "applicant.1"] {
        let bytes = std::fs::read(one._data.path().join("identity").join(generation)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("key"), "{generation}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_keys() {
    let fake = Fake::new(Acme::new());
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let (own, notes) = (Arc::downgrade(&fake), seen.clone());
    hook(&fake.enroll, move |request: v1::EnrollRequest| {
        let verified = certs::request::verify(&request.certificate_request).unwrap();
        certs::key::verify(
            &request.recovery_key,
            &binding_message(&request.certificate_request),
            &request.recovery_proof,
        )
        .unwrap();
        let mut seen = notes.lock().unwrap();
        seen.push((verified.hash(), request.recovery_key.clone(), request.token_secret));
        if seen.len() < 3 {
            return Err(Status::unavailable("the reply was lost"));
        }
        Ok(joined(own.upgrade().unwrap().joined(&request.certificate_request, 1, START)))
    });
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    one.enroll().await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|it| *it == seen[0] && it.2 == "secret") && seen.len() == 3);
    assert_eq!(one.heard.len(), 2);
}

#[tokio::test]
async fn another_run_with_the_same_ticket_uses_the_same_keys_and_another_ticket_does_not() {
    let fake = Fake::new(Acme::new());
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    hook(&fake.enroll, |_| Err(Status::permission_denied("not good\u{1b}[2J")));
    let keys = |one: &SiteBox| one.folder.applicant().unwrap().unwrap().key.hash();
    let fault = one.enroll().await.unwrap_err();
    assert!(matches!(fault, EnrollFault::Call(CallFault::Refused(_))), "{fault}");
    assert!(!fault.to_string().contains('\u{1b}'), "{fault}");
    let first = keys(&one);
    one.enroll().await.unwrap_err();
    assert_eq!(keys(&one), first);
    one.application.purpose = [2; 32];
    one.enroll().await.unwrap_err();
    assert_ne!(keys(&one), first);
}

#[tokio::test]
async fn a_box_without_a_ticket_shows_its_code_once_and_waits_until_it_is_approved() {
    let fake = Fake::new(Acme::new());
    let (own, asked) = (Arc::downgrade(&fake), Arc::new(Mutex::new(Vec::new())));
    let notes = asked.clone();
    hook(&fake.enroll, move |request: v1::EnrollRequest| {
        assert_eq!(request.token_secret, "");
        let key = certs::request::verify(&request.certificate_request).unwrap().hash();
        notes.lock().unwrap().push(key);
        if notes.lock().unwrap().len() < 4 {
            return Ok(pending(START + 900));
        }
        Ok(joined(own.upgrade().unwrap().joined(&request.certificate_request, 1, START)))
    });
    let mut one = site_box(&fake, &fake.serve().await, None);
    one.enroll().await.unwrap();
    let code = Code::of(asked.lock().unwrap()[0]);
    assert_eq!(one.heard, [Word::Approve(code, Timestamp::from_unix(START + 900))]);
}

fn pending(expires_at: i64) -> EnrollReply {
    EnrollReply { outcome: Some(Outcome::Pending(Pending { retry_after: 5, expires_at })) }
}

#[tokio::test]
async fn a_request_that_nobody_approved_ends() {
    let fake = Fake::new(Acme::new());
    let mut asked = 0;
    hook(&fake.enroll, move |_| {
        asked += 1;
        Ok(pending(if asked < 3 { START + 900 } else { START + 1800 }))
    });
    let mut one = site_box(&fake, &fake.serve().await, None);
    assert!(matches!(one.enroll().await, Err(EnrollFault::NotApproved)));
}

#[tokio::test]
async fn nothing_of_an_answer_that_does_not_add_up_is_kept() {
    let other = Acme::new();
    let foreign = other.root.certificate().to_vec();
    type Change = Box<dyn Fn(&mut v1::Joined) + Send>;
    let changes: Vec<Change> = vec![
        Box::new(|it| it.organisation = "other".to_owned()),
        Box::new(|it| it.agent_id = "00fe".to_owned()),
        Box::new(|it| it.agent_id = String::new()),
        Box::new(|it| it.site = "../x".to_owned()),
        Box::new(|it| it.chain.clear()),
        Box::new(|it| it.chain.truncate(1)),
        Box::new(|it| it.chain[0] = it.chain[1].clone()),
        Box::new(|it| it.chain[0].truncate(40)),
        Box::new(|it| it.trust = None),
        Box::new(move |it| it.trust.as_mut().unwrap().roots = vec![foreign.clone()]),
        Box::new(|it| it.trust.as_mut().unwrap().roots.clear()),
        Box::new(|it| it.join_state = None),
        Box::new(|it| it.join_state.as_mut().unwrap().sequence = 2),
        Box::new(|it| it.join_state.as_mut().unwrap().agent_id = "00fe".to_owned()),
        Box::new(|it| it.controller_time = START + 100 * 86_400),
    ];
    let fake = Fake::new(Acme::new());
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    for (number, change) in changes.into_iter().enumerate() {
        answers(&fake, change);
        let fault = one.enroll().await.expect_err("it does not add up");
        assert!(matches!(fault, EnrollFault::Reply(_)), "{number}: {fault}");
        assert!(one.folder.member().unwrap().is_none());
    }
    answers(&fake, |_| {});
    one.enroll().await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_key_is_refused() {
    let fake = Fake::new(Acme::new());
    let own = Arc::downgrade(&fake);
    hook(&fake.enroll, move |_: v1::EnrollRequest| {
        let key = certs::Key::generate().unwrap();
        Ok(joined(own.upgrade().unwrap().joined(&request::make(&key).unwrap(), 1, START)))
    });
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    assert!(matches!(one.enroll().await, Err(EnrollFault::Reply(_))));
}

#[tokio::test]
async fn a_controller_of_another_root_never_sees_the_secret() {
    let (fake, other) = (Fake::new(Acme::new()), Acme::new());
    hook(&fake.enroll, |_| panic!("it was asked"));
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    one.application.pin = other.root.pin();
    let fault = one.enroll().await.unwrap_err();
    assert!(matches!(fault, EnrollFault::Dial(DialFault::Untrusted(_))), "{fault}");
}

#[tokio::test]
async fn a_box_that_believes_it_is_1970_enrolls_all_the_same() {
    let fake = Fake::new(Acme::new());
    answers(&fake, |_| {});
    let mut one = site_box(&fake, &fake.serve().await, Some("secret"));
    one.clock = Arc::new(Stands(7));
    one.enroll().await.unwrap();
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_a_log_whatever_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // With a single one, whoever meets an event first on another thread would settle that nobody wants it.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _logging = tracing::subscriber::set_default(subscriber);
    let fake = Fake::new(Acme::new());
    let mut one = site_box(&fake, &fake.serve().await, Some("correct-horse-battery"));
    hook(&fake.enroll, |_| Err(Status::unavailable("not now")));
    let fault = one.enroll().await.unwrap_err();
    answers(&fake, |_| {});
    let member = one.enroll().await.unwrap();
    tracing::error!(?fault, ?member, application = ?one.application, heard = ?one.heard);
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("not now") && text.contains("h2::"), "everything is logged");
    let file = std::fs::read(one._data.path().join("identity/member.0")).unwrap();
    let file = String::from_utf8_lossy(&file).into_owned();
    let mut secrets: Vec<_> = ["\"key\":\"", "\"recovery_key\":\""]
        .map(|field| file.split(field).nth(1).unwrap().split('"').next().unwrap().to_owned())
        .into();
    secrets.push("correct-horse".to_owned());
    for secret in secrets {
        assert!(!text.contains(&secret), "a secret is in the log");
    }
    let bytes = format!("{:?}", member.identity.key().pkcs8());
    assert!(!text.contains(bytes.trim_matches(['[', ']'])));
}
