use std::time::Duration;

use proto::wire::policy::Work;
use proto::wire::v1;
use tonic::Code as Grpc;

use crate::api::testing::{Line, START, World, site, soon, status};
use crate::service::Refusal;
use crate::store::policies::Scope;

async fn apply(world: &World, text: &str) {
    let scope = Scope::Organisation;
    world.service.apply_policy(&world.kim(), &scope, text, "", 0).await.unwrap();
}

#[tokio::test]
async fn the_first_word_is_the_whole_state_and_whoever_holds_it_is_spared() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    apply(&world, "[stances]\nC07 = \"enforce\"\n").await;
    let mut client = world.agent(&member).await;
    let mut line = Line::open(&mut client).await;
    line.tell(status()).await;
    let first = line.next().await;
    assert_eq!((first.time, first.leave_within), (START, 0));
    assert_eq!(first.trust, None);
    assert_eq!(first.addresses, world.service.settings.addresses);
    let desired = first.desired.unwrap();
    assert_eq!(desired.generation, 2);
    assert!(desired.policy.contains("C07"));
    let digest = certs::random::digest(&prost::Message::encode_to_vec(&desired)).to_vec();

    let mut again = Line::open(&mut client).await;
    let holding = v1::AgentStatus {
        generation: 2,
        desired_digest: digest.clone(),
        trust_generation: 0,
        ..status()
    };
    world.service.write_once().await.unwrap();
    again.tell(holding).await;
    let word = again.next().await;
    assert_eq!(word.desired, None);
    assert_eq!(word.trust.unwrap().generation, 1);
    assert!(word.audit_head.unwrap().length > 0);

    let mut damaged = Line::open(&mut client).await;
    let holding = v1::AgentStatus { generation: 2, desired_digest: vec![7; 32], ..status() };
    damaged.tell(holding).await;
    let desired = damaged.next().await.desired.unwrap();
    assert_eq!(desired.generation, 3, "an agent takes nothing at the generation it holds");
}

#[tokio::test]
async fn an_agent_that_knows_more_than_restored_books_is_overtaken_once() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    line.tell(v1::AgentStatus { generation: 40, ..status() }).await;
    assert_eq!(line.next().await.desired.unwrap().generation, 41);
    assert_eq!(world.deeds("generation_raised").await.len(), 1);
}

#[tokio::test]
async fn a_change_reaches_every_connected_agent() {
    let world = World::start().await;
    let mut members = Vec::new();
    for number in 0..5 {
        let member = world.member(&format!("site-{number}")).await;
        let mut line = Line::open(&mut world.agent(&member).await).await;
        line.tell(status()).await;
        assert_eq!(line.next().await.desired.unwrap().policy, "");
        members.push((member, line));
    }
    apply(&world, "# one").await;
    for (_, line) in &mut members {
        let told = line.next().await;
        assert_eq!(told.desired.unwrap().policy, "# one");
        assert!(told.addresses.is_empty(), "once is enough");
    }
}

#[tokio::test]
async fn a_newer_stream_ends_the_older_and_goes_on() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut older = Line::open(&mut world.agent(&member).await).await;
    older.tell(status()).await;
    older.next().await;
    let mut newer = Line::open(&mut world.agent(&member).await).await;
    newer.tell(status()).await;
    newer.next().await;
    older.end().await.unwrap();
    assert_eq!(world.service.live.count(), 1);
    world.service.trust_changed();
    world.service.leave_within(7);
    assert_eq!(newer.next().await.leave_within, 7);
}

#[tokio::test]
async fn a_revoked_agent_is_cut_off_while_it_is_connected() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut client = world.agent(&member).await;
    let mut line = Line::open(&mut client).await;
    line.tell(status()).await;
    line.next().await;
    world.service.revoke_agent(&world.kim(), &member.id, "stolen").await.unwrap();
    assert!(line.end().await.is_err());
    let renewing = v1::RenewRequest { certificate_request: Vec::new() };
    assert!(client.renew(renewing).await.is_err());
    let refused = world.dial(Some(&member.identity)).await.unwrap_err();
    assert!(refused.to_string().contains("CertificateRevoked"), "{refused}");
    let again = world.service.revoke_agent(&world.kim(), &member.id, "again").await;
    assert!(matches!(again, Err(Refusal::Conflict(_))));
}

#[tokio::test]
async fn an_order_goes_to_the_agent_and_its_end_comes_back() {
    let world = World::start().await;
    let (harbour, depot) = (world.member("harbour").await, world.member("depot").await);
    let mut lines = Vec::new();
    for member in [&harbour, &depot] {
        let mut line = Line::open(&mut world.agent(member).await).await;
        line.tell(status()).await;
        line.next().await;
        lines.push(line);
    }
    let [mut line, other] = <[Line; 2]>::try_from(lines).unwrap_or_else(|_| panic!());
    let service = world.service.clone();
    let kim = world.kim();
    let asked = tokio::spawn(async move {
        let wait = Duration::from_secs(60);
        service.send_order(&kim, &site("harbour"), Work::Visit(Vec::new()), wait).await
    });
    let order = line.next().await.orders.remove(0);
    // Somebody else's word counts for nothing.
    other.tell(v1::AgentStatus { orders_done: vec![order.id.clone()], ..status() }).await;
    // It is said again to whoever comes anew.
    let mut line = Line::open(&mut world.agent(&harbour).await).await;
    line.tell(status()).await;
    assert_eq!(line.next().await.orders, vec![order.clone()]);
    line.tell(v1::AgentStatus { orders_done: vec![order.id.clone()], ..status() }).await;
    let given = soon(asked).await.unwrap().unwrap();
    assert!(given.is_done && given.id.as_str() == order.id);
    world.service.write_once().await.unwrap();
    let open = "SELECT COUNT(*) FROM orders WHERE done_at IS NULL";
    assert_eq!(world.service.store.number(open).await, 0);
}

#[tokio::test]
async fn an_order_waits_for_an_agent_that_is_away_and_is_over_after_an_hour() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let (kim, harbour) = (world.kim(), site("harbour"));
    let order = |work| world.service.send_order(&kim, &harbour, work, Duration::ZERO);
    assert!(!order(Work::Renew).await.unwrap().is_done);
    let mut client = world.agent(&member).await;
    let mut line = Line::open(&mut client).await;
    line.tell(status()).await;
    assert_eq!(line.next().await.orders.len(), 1);
    world.clock.forward(3600);
    let mut line = Line::open(&mut client).await;
    line.tell(status()).await;
    assert_eq!(line.next().await.orders.len(), 0);
    world.add_site("empty").await;
    let nobody = world.service.send_order(&kim, &site("empty"), Work::Renew, Duration::ZERO).await;
    assert!(matches!(nobody, Err(Refusal::Precondition(_))));
}

#[tokio::test]
async fn what_an_agent_tells_is_shown_at_once_and_written_soon() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    let halt = proto::wire::halt::Halt::new(
        "yard: the picture is gone",
        proto::Timestamp::from_unix(START),
    );
    let told = v1::AgentStatus {
        time: START - 90,
        outbox_records: 5,
        halted: Some((&halt).into()),
        ..status()
    };
    line.tell(told.clone()).await;
    line.next().await;
    let view = world.service.agent(&member.id).await.unwrap();
    assert!(view.online);
    assert_eq!((view.agent.told.clock_offset, view.agent.told.outbox_records), (-90, 5));
    world.service.write_once().await.unwrap();
    let kept = world.service.store.agent(&member.id).await.unwrap().unwrap();
    assert_eq!(kept.told, view.agent.told);
    assert_eq!(kept.told.halted, Some(halt));
    line.tell(v1::AgentStatus { halted: None, ..told }).await;
    while world.service.agent(&member.id).await.unwrap().agent.told.halted.is_some() {
        tokio::task::yield_now().await;
    }
    world.service.write_once().await.unwrap();
    let kept = world.service.store.agent(&member.id).await.unwrap().unwrap();
    assert_eq!(kept.told.halted, None, "an operator ordered to go on");
}

#[tokio::test]
async fn nonsense_ends_a_stream() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut client = world.agent(&member).await;
    for bad in [
        v1::AgentStatus { desired_digest: vec![1; 31], ..status() },
        v1::AgentStatus { version: "x".repeat(65), ..status() },
        v1::AgentStatus { orders_done: vec!["all".to_owned()], ..status() },
        v1::AgentStatus { orders_done: vec!["a".repeat(32); 257], ..status() },
    ] {
        let mut line = Line::open(&mut client).await;
        line.tell(bad).await;
        let status = line.end().await.unwrap_err();
        assert_eq!(status.code(), Grpc::InvalidArgument);
    }
}

#[tokio::test]
async fn agents_are_asked_to_come_back_before_the_port_closes() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    line.tell(status()).await;
    line.next().await;
    let World { running, .. } = world;
    let stopped = tokio::spawn(running.stop());
    assert_eq!(line.next().await.leave_within, 1);
    // With or without a word of farewell from the transport.
    let _ = line.end().await;
    soon(stopped).await.unwrap();
}

#[tokio::test]
async fn an_agent_that_does_not_listen_is_told_the_latest_and_not_everything() {
    const CHANGES: u64 = 40;
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    line.tell(status()).await;
    assert_eq!(line.next().await.desired.unwrap().generation, 1);
    for number in 1..=CHANGES {
        apply(&world, &format!("# {number}\n{}", "# a long line\n".repeat(4000))).await;
    }
    let newest = line.next_generation(1 + CHANGES).await;
    assert!(newest < 1 + CHANGES as usize, "{newest} words for {CHANGES} changes");
}

#[tokio::test]
async fn recovery_recipients_reach_whoever_holds_an_earlier_generation_and_nobody_else() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut client = world.agent(&member).await;
    let mut line = Line::open(&mut client).await;
    line.tell(status()).await;
    assert_eq!(line.next().await.recovery, None, "none were ever set");
    let set = |generation: u64| {
        let data = &world.service.settings.data;
        let sealed = std::fs::read(data.join("authority/root.key.age")).unwrap();
        let passphrase = proto::Secret::new("secret");
        let opened = certs::seal::open_with_passphrase(&sealed, &passphrase).unwrap();
        let root = certs::Key::from_pkcs8(&opened).unwrap();
        let recipients = vec![certs::seal::Opener::generate().recipient().to_string()];
        let quorum = certs::escrow::Quorum::new(1, &recipients).unwrap();
        let organisation = crate::api::testing::organisation();
        let signature = quorum.sign(&organisation, generation, &root).unwrap();
        crate::service::recipients::Signed { generation, threshold: 1, recipients, signature }
    };
    let first = world.service.set_recipients(&world.kim(), set(1)).await.unwrap();
    let heard = line.next().await.recovery.unwrap();
    assert_eq!((heard.generation, heard.recipients), (1, first.recipients));
    world.service.set_recipients(&world.kim(), set(2)).await.unwrap();
    assert_eq!(line.next().await.recovery.unwrap().generation, 2);
    for (held, told) in [(0, Some(2)), (1, Some(2)), (2, None), (9, None)] {
        let mut again = Line::open(&mut client).await;
        again.tell(v1::AgentStatus { recovery_generation: held, ..status() }).await;
        let heard = again.next().await.recovery.map(|heard| heard.generation);
        assert_eq!(heard, told, "{held}");
    }
}
