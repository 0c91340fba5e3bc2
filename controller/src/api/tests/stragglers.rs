//! Agents that slept through a turnover, or through a renewal of the issuing authority.

use certs::mutual::Trusting;
use certs::seal::Work;
use certs::{Key, RootPin, request};
use proto::Secret;
use proto::wire::v1;
use proto::wire::v1::enrollment_client::EnrollmentClient;

use super::recovery::{recover, recover_by};
use crate::api::testing::{Line, Member, World, organisation, status};
use crate::service::caller::Source;
use crate::service::found::{prepare_authority, renew_issuing};
use crate::service::turnover::Step;
use crate::store::Told;

const DAY: i64 = 86_400;

async fn log_in(world: &World) {
    let source = Source(world.running.address.ip());
    let csr = request::make(&Key::generate().unwrap()).unwrap();
    world.service.log_in(source, &world.ticket.secret, &csr).await.unwrap();
}

/// Prepares a turnover; with the old root's passphrase or without.
async fn prepare(world: &World, old: Option<&str>) -> RootPin {
    log_in(world).await;
    let (data, now) = (&world.service.settings.data, world.service.now());
    let old = old.map(Secret::new);
    let new = prepare_authority(data, Secret::new("other"), old, Work::Little, now).await.unwrap();
    world.service.turn_over(&world.kim(), Step::Prepare).await.unwrap();
    let csr = request::make(&Key::generate().unwrap()).unwrap();
    world.service.renew_operator(&world.kim(), &csr).await.unwrap();
    new
}

/// Activates and retires, without whoever was offline for an hour, in the week that it takes.
async fn go_through(world: &mut World, new: RootPin) {
    world.clock.forward(3600);
    let activate = Step::Activate { leave_behind_after: 3600 };
    world.service.turn_over(&world.kim(), activate).await.unwrap();
    world.clock.forward(7 * DAY);
    world.service.turn_over(&world.kim(), Step::Retire).await.unwrap();
    world.pin = new;
    while world.dial(None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// Where the port presents what leads to what that agent trusts.
async fn reached(world: &World, member: &Member) -> std::io::Result<()> {
    let trusting = Trusting::Bundle(member.trust.clone());
    world.dial_as(organisation(), trusting, None).await.map(drop)
}

#[tokio::test]
async fn an_agent_that_lapsed_under_a_retired_authority_and_knows_the_new_root_comes_back() {
    let mut world = World::start().await;
    let mut member = world.member("harbour").await;
    let new = prepare(&world, None).await;
    // It has heard of the new root, and went to sleep before its certificate was renewed under it.
    let books = world.service.agent(&member.id).await.unwrap().agent;
    let told = Told { trust_generation: 2, ..books.told };
    let mut intake = world.service.store.intake().await.unwrap();
    intake.agent_told(&member.id, &told).await.unwrap();
    intake.commit().await.unwrap();
    member.trust = world.service.authorities.now().trust.clone();
    go_through(&mut world, new).await;
    world.clock.forward(90 * DAY);

    reached(&world, &member).await.unwrap();
    assert!(world.dial(Some(&member.identity)).await.is_err());
    let back = recover(&world, &member, &Key::generate().unwrap(), &member.state).await.unwrap();
    assert_eq!((back.id.clone(), back.state.sequence), (member.id, 2));
    assert_eq!(RootPin::of(&back.trust.roots[0]), Some(new));
    let mut line = Line::open(&mut world.agent(&back).await).await;
    line.tell(status()).await;
    line.next().await;
}

#[tokio::test]
async fn an_agent_that_never_heard_of_the_new_root_is_led_to_it_over_the_bridge() {
    let mut world = World::start().await;
    let member = world.member("harbour").await;
    let new = prepare(&world, Some("secret")).await;
    go_through(&mut world, new).await;
    world.clock.forward(90 * DAY);
    assert!(!member.trust.holds(new));

    let trusting = Trusting::Bundle(member.trust.clone());
    let stream = world.dial_as(organisation(), trusting, None).await.unwrap();
    let client = EnrollmentClient::new(World::channel_over(stream).await);
    let key = Key::generate().unwrap();
    let back = recover_by(client, &member, &key, &member.state).await.unwrap();
    assert!(back.trust.holds(new) && back.trust.generation > member.trust.generation);
    world.dial(Some(&back.identity)).await.unwrap();
    // It lasts as long as what it leads to.
    world.clock.forward(300 * DAY);
    assert!(reached(&world, &member).await.is_err());
}

#[tokio::test]
async fn without_a_bridge_an_agent_that_was_left_behind_stays_away() {
    let mut world = World::start().await;
    let member = world.member("harbour").await;
    let new = prepare(&world, None).await;
    go_through(&mut world, new).await;
    assert!(reached(&world, &member).await.is_err());
}

#[tokio::test]
async fn a_wrong_passphrase_prepares_and_renews_nothing() {
    let world = World::start().await;
    let (data, now) = (&world.service.settings.data, world.service.now());
    let (new, old) = (Secret::new("other"), Some(Secret::new("wrong")));
    assert!(prepare_authority(data, new, old, Work::Little, now).await.is_err());
    assert!(renew_issuing(data, Secret::new("wrong"), now).await.is_err());
    let mut left = std::fs::read_dir(data.join("authority")).unwrap();
    assert!(left.all(|one| one.unwrap().file_type().unwrap().is_file()));
}

#[tokio::test]
async fn the_issuing_authority_is_renewed_and_nobody_notices() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    log_in(&world).await;
    let mut client = world.agent(&member).await;
    let mut line = Line::open(&mut client).await;
    line.tell(told()).await;
    line.next().await;
    let (data, before) = (&world.service.settings.data, world.service.authorities.now());
    assert!(world.service.turn_over(&world.kim(), Step::Renew).await.is_err(), "none lies ready");
    renew_issuing(data, Secret::new("secret"), world.service.now()).await.unwrap();
    let renewed = world.service.turn_over(&world.kim(), Step::Renew).await.unwrap();
    let after = world.service.authorities.now();
    assert_ne!(after.issuing.certificate(), before.issuing.certificate());
    assert_eq!((renewed.trust_generation, &after.trust), (1, &before.trust));
    assert_eq!(world.deeds("issuing_renewed").await.len(), 1);
    assert!(world.service.turn_over(&world.kim(), Step::Renew).await.is_err(), "once");

    let presents = async || {
        let stream = world.dial(None).await.unwrap();
        stream.get_ref().get_ref().1.peer_certificates().unwrap()[1].clone()
    };
    while presents().await != *after.issuing.certificate() {
        tokio::task::yield_now().await;
    }
    // The old certificate is good, a new one comes from the new authority, and the line never broke.
    world.dial(Some(&member.identity)).await.unwrap();
    world.member("depot").await;
    let depot = world.service.agents(None).await.unwrap();
    assert!(depot.iter().any(|one| one.online), "{depot:?}");
    world.clock.forward(30 * DAY);
    let back = recover(&world, &member, &Key::generate().unwrap(), &member.state).await.unwrap();
    assert_eq!(back.identity.chain()[1], *after.issuing.certificate());
    world.dial(Some(&back.identity)).await.unwrap();
}

fn told() -> v1::AgentStatus {
    v1::AgentStatus { trust_generation: 1, ..status() }
}
