//! The Watch stream: what is told, and what is taken in.

use certs::random::digest;
use prost::Message as _;
use proto::wire::policy::OrderId;

use super::*;

fn desired(generation: u64) -> v1::DesiredState {
    v1::DesiredState { generation, ..v1::DesiredState::default() }
}

#[tokio::test]
async fn what_should_be_is_kept_told_and_never_goes_back() {
    let mut rig = Rig::start().await;
    rig.go();
    let mut stream = rig.stream().await;
    let first = stream.status().await;
    assert_eq!((first.generation, first.trust_generation, first.time_known), (0, 1, true));
    assert!(first.desired_digest.is_empty());
    for (sent, held) in [(3, 3), (4, 4)] {
        let instruction = v1::Instruction { desired: Some(desired(sent)), ..nothing(START) };
        stream.say(instruction).await;
        let status = stream.status().await;
        assert_eq!(status.generation, held);
        assert_eq!(status.desired_digest, digest(&desired(held).encode_to_vec()));
    }
    // An older one, and one that cannot be read; the order after them shows that they were taken in.
    let broken = v1::DesiredState { policy: "?".to_owned(), ..desired(5) };
    for refused in [desired(3), broken] {
        stream.say(v1::Instruction { desired: Some(refused), ..nothing(START) }).await;
    }
    stream.say(v1::Instruction { orders: vec![visit('a')], ..nothing(START) }).await;
    wait(rig.link.orders(), |orders| orders.len() == 1).await;
    assert_eq!(rig.link.generation(), 4);
    let kept = rig.store.desired().await.unwrap().unwrap();
    assert_eq!(kept.bytes, desired(4).encode_to_vec());
    assert_eq!(rig.link.desired().borrow().as_ref().unwrap().generation, 4);
}

fn visit(letter: char) -> v1::Order {
    let what = Some(v1::order::What::Visit(v1::VisitOrder::default()));
    v1::Order { id: letter.to_string().repeat(32), expires_at: START + 600, what }
}

#[tokio::test]
async fn an_order_is_handed_on_and_told_done_until_it_is_listed_no_more() {
    let mut rig = Rig::start().await;
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    let list = |orders| v1::Instruction { orders, ..nothing(START) };
    stream.say(list(vec![visit('a'), visit('b')])).await;
    let orders = wait(rig.link.orders(), |orders| orders.len() == 2).await;
    rig.link.done(orders[0].id.clone());
    assert_eq!(stream.status().await.orders_done, [orders[0].id.to_string()]);
    stream.say(list(vec![visit('a'), visit('b')])).await;
    let left: Vec<OrderId> = wait(rig.link.orders(), |orders| orders.len() == 1)
        .await
        .into_iter()
        .map(|order| order.id)
        .collect();
    assert_eq!(left, [orders[1].id.clone()]);
    stream.say(list(vec![visit('b')])).await;
    assert!(stream.status().await.orders_done.is_empty());
}

#[tokio::test]
async fn a_newer_bundle_is_kept_and_one_that_disowns_the_controller_is_not() {
    let mut rig = Rig::start().await;
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    let stranger = Acme::new().root.certificate().to_vec();
    let foreign = v1::TrustBundle { generation: 7, roots: vec![stranger.clone()] };
    let mut wider = rig.fake.trust(5);
    wider.roots.push(stranger);
    for trust in [rig.fake.trust(0), foreign, wider] {
        stream.say(v1::Instruction { trust: Some(trust), ..nothing(START) }).await;
    }
    assert_eq!(stream.status().await.trust_generation, 5);
    let kept = rig.folder.member().unwrap().unwrap();
    assert_eq!((kept.trust.generation, kept.trust.roots.len()), (5, 2));
}

#[tokio::test]
async fn where_the_controller_says_it_is_is_kept_and_dialled_from_then_on() {
    let mut rig = Rig::start().await;
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    let known = rig.folder.member().unwrap().unwrap().addresses;
    let say = |addresses: &[&str]| v1::Instruction {
        addresses: addresses.iter().map(ToString::to_string).collect(),
        ..nothing(START)
    };
    let moved = rig.fake.serve().await;
    stream.say(say(&["nowhere"])).await;
    stream.say(say(&["a:1"; 9])).await;
    stream.say(say(&[&moved])).await;
    stream.say(say(&[])).await;
    wait(rig.link.member(), |member| member.addresses.len() == 2).await;
    let kept = rig.folder.member().unwrap().unwrap().addresses;
    assert_eq!(kept, [moved, known[0].clone()]);
}

#[tokio::test]
async fn a_box_that_starts_in_1970_learns_the_time_before_it_judges() {
    let mut rig = Rig::start_at(Times { controller: START + 86_400, agent: 7 }).await;
    assert!(!rig.clock.is_known());
    rig.go();
    let mut stream = rig.stream().await;
    assert!(!stream.status().await.time_known);
    assert!(stream.status().await.time_known);
    assert_eq!(certs::Clock::now(&*rig.clock).unix(), START + 86_400);
}

#[tokio::test]
async fn a_clock_far_ahead_is_doubted_and_set_right() {
    let ahead = START + 3000 * 86_400;
    let mut rig = Rig::start_at(Times { controller: START, agent: ahead }).await;
    // By that clock, the agent's own certificate has lapsed too; a challenge tells the time first.
    hook(&rig.fake.challenge, |_| {
        Ok(v1::ChallengeReply { nonce: vec![1; 32], controller_time: START })
    });
    let (recovered, recoveries) = tokio::sync::watch::channel(0);
    hook(&rig.fake.recover, move |_| {
        recovered.send_modify(|count| *count += 1);
        Err(Status::unavailable("it is counted"))
    });
    rig.go();
    rig.stream().await.status().await;
    assert_eq!(certs::Clock::now(&*rig.clock).unix(), START);
    assert_eq!(*recoveries.borrow(), 0, "a recovery for nothing");
}

#[tokio::test]
async fn a_time_at_which_the_controllers_own_certificate_is_not_good_is_not_believed() {
    let rig = Rig::start_at(Times { controller: START, agent: 7 }).await;
    hook(&rig.fake.watch, |_| {
        let (instructions, outgoing) = mpsc::channel(8);
        instructions.try_send(Ok(nothing(START + 30 * 86_400))).unwrap();
        Ok(outgoing)
    });
    rig.go();
    rig.until(State::Untrusted).await;
    assert!(!rig.clock.is_known());
}

#[tokio::test]
async fn a_broken_stream_and_one_that_was_sent_away_come_back() {
    let mut rig = Rig::start().await;
    rig.go();
    drop(rig.stream().await);
    let stream = rig.stream().await;
    stream.instructions.send(Err(Status::unavailable("restarting"))).await.unwrap();
    let stream = rig.stream().await;
    stream.say(v1::Instruction { leave_within: 1, ..nothing(START) }).await;
    rig.stream().await.status().await;
}

#[tokio::test]
async fn a_revoked_agent_says_so_and_comes_back_when_it_is_welcome_again() {
    let mut rig = Rig::start().await;
    rig.fake.door.store(false, std::sync::atomic::Ordering::SeqCst);
    rig.go();
    let standing = rig.until(State::Refused).await;
    assert!(standing.trouble.unwrap().contains("revoked"));
    rig.fake.door.store(true, std::sync::atomic::Ordering::SeqCst);
    rig.stream().await.status().await;
    rig.until(State::Online).await;
}

#[tokio::test]
async fn a_cut_audit_log_of_the_controller_is_not_witnessed() {
    let mut rig = Rig::start().await;
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    let head = |length, byte| Some(v1::ChainHead { length, hash: vec![byte; 32] });
    for (length, byte) in [(5, 1), (9, 2), (7, 3), (9, 4)] {
        stream.say(v1::Instruction { audit_head: head(length, byte), ..nothing(START) }).await;
    }
    stream.say(v1::Instruction { desired: Some(desired(1)), ..nothing(START) }).await;
    let witnessed = stream.status().await.witnessed.unwrap();
    assert_eq!((witnessed.length, witnessed.hash), (9, vec![2; 32]));
}

#[tokio::test]
async fn told_to_stop_the_stream_ends_in_order() {
    let mut rig = Rig::start().await;
    let running = rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    rig.stop.cancel();
    assert_eq!(stream.statuses.recv().await, None);
    drop(stream);
    running.await.unwrap();
}
