use std::collections::BTreeSet;

use certs::approval::Code;
use proto::wire::v1;
use tonic::Code as Grpc;

use crate::api::testing::{Applicant, World, bounds, site};
use crate::service::Refusal;

#[tokio::test]
async fn a_hundred_boxes_with_one_token_make_exactly_one_agent() {
    let world = World::start().await;
    world.add_site("harbour").await;
    let secret = world.token("harbour").await.secret;
    let client = world.stranger().await;
    let tries = (0..100).map(|_| {
        let (mut client, ask) = (client.clone(), Applicant::new().ask(secret.expose()));
        tokio::spawn(async move { client.enroll(ask).await })
    });
    let mut joined = 0;
    let mut refusals = BTreeSet::new();
    for done in futures::future::join_all(tries).await {
        match done.unwrap() {
            Ok(_) => joined += 1,
            Err(status) => drop(refusals.insert(status.message().to_owned())),
        }
    }
    assert_eq!(joined, 1);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(world.service.agents(None).await.unwrap().len(), 1);
    assert_eq!(world.deeds("agent_joined").await.len(), 1);
    assert_eq!(world.deeds("enrollment_refused").await.len(), 99);
}

#[tokio::test]
async fn a_box_that_lost_its_reply_gets_the_same_answer_again() {
    let world = World::start().await;
    world.add_site("harbour").await;
    let secret = world.token("harbour").await.secret;
    let applicant = Applicant::new();
    let mut client = world.stranger().await;
    let tries = (0..8).map(|_| {
        let (mut client, ask) = (client.clone(), applicant.ask(secret.expose()));
        tokio::spawn(async move { client.enroll(ask).await.unwrap().into_inner() })
    });
    let at_once = futures::future::join_all(tries).await;
    let first = at_once[0].as_ref().unwrap().clone();
    assert!(at_once.iter().all(|reply| reply.as_ref().unwrap() == &first));
    // Even when the token's own time is over.
    world.clock.forward(2 * 3600);
    let late = client.enroll(applicant.ask(secret.expose())).await.unwrap().into_inner();
    let again = Applicant { key: key_of(&applicant), recovery: key_of(&applicant) }.joined(late);
    let first = applicant.joined(first);
    assert_eq!(first.identity.chain(), again.identity.chain());
    assert_eq!(first.state, again.state);
    assert_eq!(world.service.agents(None).await.unwrap().len(), 1);
    assert_eq!(first.site, site("harbour"));
}

#[tokio::test]
async fn tokens_that_are_not_good_are_refused_in_the_same_words() {
    let world = World::start().await;
    world.add_site("harbour").await;
    world.add_site("depot").await;
    let used = world.token("harbour").await.secret;
    let revoked = world.token("depot").await;
    let expired = world.token("depot").await.secret;
    let mut client = world.stranger().await;
    client.enroll(Applicant::new().ask(used.expose())).await.unwrap();
    world.service.revoke_token(&world.kim(), &revoked.id).await.unwrap();
    let mut words = BTreeSet::new();
    let mut refuse = async |secret: &str| {
        let status = client.enroll(Applicant::new().ask(secret)).await.unwrap_err();
        assert_eq!(status.code(), Grpc::PermissionDenied);
        words.insert(status.message().to_owned());
    };
    refuse(used.expose()).await;
    refuse(revoked.secret.expose()).await;
    refuse("0123456789").await;
    world.clock.forward(3601);
    refuse(expired.expose()).await;
    assert_eq!(words.len(), 1, "{words:?}");
    let why = world.deeds("enrollment_refused").await;
    assert_eq!(why.len(), 3, "made-up secrets leave no record: {why:?}");
    for (why, part) in why.iter().zip(["used by another key", "taken back", "expired"]) {
        assert!(why.contains(part), "{why}");
        assert!(!why.contains(used.expose()) && !why.contains(expired.expose()));
    }
}

#[tokio::test]
async fn a_second_agent_needs_a_token_that_replaces_and_ends_the_first() {
    let world = World::start().await;
    world.add_site("harbour").await;
    let (one, plain) = (world.token("harbour").await, world.token("harbour").await.secret);
    let (mut client, applicant) = (world.stranger().await, Applicant::new());
    let reply = client.enroll(applicant.ask(one.secret.expose())).await.unwrap().into_inner();
    let first = applicant.joined(reply);
    let status = client.enroll(Applicant::new().ask(plain.expose())).await.unwrap_err();
    assert_eq!(status.code(), Grpc::FailedPrecondition);
    let (kim, harbour) = (world.kim(), site("harbour"));
    let replacing = world.service.replace_site(&kim, &harbour, "water damage", 0).await;
    let replacing = replacing.unwrap().secret;
    let kill = world.service.standings.agent(&first.id).unwrap().kill;
    client.enroll(Applicant::new().ask(replacing.expose())).await.unwrap();
    assert!(kill.is_cancelled());
    assert!(world.dial(Some(&first.identity)).await.is_err());
    // The plain one was not used up by being refused.
    let token = world.service.store.tokens().await.unwrap();
    assert_eq!(token.iter().filter(|token| token.used.is_none()).count(), 1);
}

#[tokio::test]
async fn keys_that_prove_nothing_are_refused() {
    let world = World::start().await;
    world.add_site("harbour").await;
    let secret = world.token("harbour").await.secret;
    let mut client = world.stranger().await;
    let mut other_recovery = Applicant::new().ask(secret.expose());
    other_recovery.recovery_key = Applicant::new().recovery.spki().to_vec();
    let mut other_request = Applicant::new().ask(secret.expose());
    other_request.certificate_request = Applicant::new().ask("").certificate_request;
    let mut garbage = Applicant::new().ask(secret.expose());
    garbage.certificate_request = vec![0x30; 200];
    let mut loud = Applicant::new().ask(secret.expose());
    loud.host = "\u{1b}[2J".to_owned();
    for ask in [other_recovery, other_request, garbage, loud] {
        let status = client.enroll(ask).await.unwrap_err();
        assert_eq!(status.code(), Grpc::InvalidArgument, "{status:?}");
    }
    assert_eq!(world.service.agents(None).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_source_that_tries_too_often_has_to_wait() {
    let world = World::with(crate::api::Bounds { enrollments_per_minute: 3, ..bounds() }).await;
    let mut client = world.stranger().await;
    for _ in 0..3 {
        let status = client.enroll(Applicant::new().ask("wrong")).await.unwrap_err();
        assert_eq!(status.code(), Grpc::PermissionDenied);
    }
    let status = client.enroll(Applicant::new().ask("wrong")).await.unwrap_err();
    assert_eq!(status.code(), Grpc::ResourceExhausted);
    assert_eq!(status.metadata().get("retry-after").unwrap(), "60");
    let challenge = v1::ChallengeRequest { agent_id: "00ff".to_owned() };
    let status = client.challenge(challenge).await.unwrap_err();
    assert_eq!(status.code(), Grpc::ResourceExhausted);
}

#[tokio::test]
async fn an_operator_lets_a_box_in_by_the_code_it_shows() {
    let world = World::start().await;
    world.add_site("harbour").await;
    let mut client = world.stranger().await;
    let applicant = Applicant::new();
    for _ in 0..2 {
        let reply = client.enroll(applicant.ask("")).await.unwrap().into_inner();
        let Some(v1::enroll_reply::Outcome::Pending(pending)) = reply.outcome else { panic!() };
        assert_eq!(pending.expires_at, world.service.now().unix() + 3600);
    }
    assert_eq!(world.service.pending_agents().await.unwrap().len(), 1);
    let kim = world.kim();
    let harbour = site("harbour");
    let wrong = world.service.approve_agent(&kim, "0000-0000", &harbour).await;
    assert!(matches!(wrong, Err(Refusal::NotFound(_))));
    let code = Code::of(applicant.key.hash()).to_string().to_lowercase();
    let nowhere = world.service.approve_agent(&kim, &code, &site("nowhere")).await;
    assert!(matches!(nowhere, Err(Refusal::NotFound(_))));
    let approved = world.service.approve_agent(&kim, &code, &harbour).await.unwrap();
    assert!(matches!(
        world.service.approve_agent(&kim, &code, &harbour).await,
        Err(Refusal::NotFound(_))
    ));
    let reply = client.enroll(applicant.ask("")).await.unwrap().into_inner();
    let again = client.enroll(applicant.ask("")).await.unwrap().into_inner();
    assert_eq!(reply, again);
    let member = applicant.joined(reply);
    assert_eq!(member.id, approved.answer.agent);
    world.dial(Some(&member.identity)).await.unwrap();
}

#[tokio::test]
async fn few_may_wait_for_approval_and_each_is_forgotten() {
    let world = World::start().await;
    let mut client = world.stranger().await;
    for _ in 0..3 {
        client.enroll(Applicant::new().ask("")).await.unwrap();
    }
    let status = client.enroll(Applicant::new().ask("")).await.unwrap_err();
    assert_eq!(status.code(), Grpc::ResourceExhausted);
    world.clock.forward(3600);
    assert_eq!(world.service.pending_agents().await.unwrap().len(), 0);
    let mut client = world.stranger().await;
    client.enroll(Applicant::new().ask("")).await.unwrap();
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM pending").await, 1);
}

fn key_of(applicant: &Applicant) -> certs::Key {
    certs::Key::from_pkcs8(applicant.key.pkcs8()).unwrap()
}
