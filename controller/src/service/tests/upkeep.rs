//! What is removed because it is kept no longer, and what is not.

use certs::audit::{ChainHead, Verifier};

use crate::service::reports::{Entry, Item, Upload};
use crate::service::testing::{DAY, World, report};

async fn deeds(world: &World) -> Vec<String> {
    let records = world.service.store.audit_records(1, 1000).await.unwrap();
    let removals = records.into_iter().filter(|(one, _)| one.deed == "old_reports_removed");
    removals.map(|(one, _)| one.detail).collect()
}

#[tokio::test]
async fn the_beginning_of_a_chain_goes_and_the_rest_verifies() {
    let world = World::new().await;
    let (service, clock) = (&world.service, &world.clock);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let all = world.records(&agent, 1100).await;
    clock.forward(399 * DAY);
    // An outbox that was rebuilt sends all of them again, and a few more.
    let more = world.records_from(&agent, all, 30).await;
    service.forget_old().await.unwrap();
    assert_eq!(deeds(&world).await, [""; 0]);
    clock.forward(2 * DAY);
    service.forget_old().await.unwrap();
    service.forget_old().await.unwrap();
    let removed = deeds(&world).await;
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert!(removed[0].contains("; 1100 audit records of 1 agents"), "{removed:?}");
    let actor = service.actor_of(&agent.id);
    let left = service.store.agent_records((&agent.id, &actor), 1, 5000).await.unwrap();
    assert_eq!((left.len(), left[0].0.number), (30, 1101));
    let first = ChainHead { length: 1101, hash: left[0].1.clone().try_into().unwrap() };
    let mut verifier = Verifier::behind(first, []);
    left[1..].iter().try_for_each(|(record, hash)| verifier.take(record, hash)).unwrap();
    assert_eq!(verifier.finish().unwrap(), more);
    // What is gone comes again from a rebuilt outbox, and is no news.
    clock.forward(DAY);
    world.records(&agent, 5).await;
    let records = service.store.audit_records(1, 1000).await.unwrap();
    assert!(records.iter().all(|(record, _)| record.deed != "agent_chain_odd"));
}

#[tokio::test]
async fn a_clock_that_was_set_back_costs_no_record_its_life() {
    let world = World::new().await;
    let (service, clock) = (&world.service, &world.clock);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let head = world.records(&agent, 3).await;
    clock.forward(-500 * DAY);
    world.records_from(&agent, head, 3).await;
    clock.forward(500 * DAY);
    service.forget_old().await.unwrap();
    // The later ones seem to be old; removing them would leave a hole, or cost the first ones their time.
    assert_eq!(service.store.number("SELECT COUNT(*) FROM agent_audit").await, 6);
    assert_eq!(deeds(&world).await, [""; 0]);
}

#[tokio::test]
async fn many_devices_go_and_those_that_are_reported_stay() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    for (first, part) in (1..).step_by(200).zip((0..1200).collect::<Vec<_>>().chunks(200)) {
        let item = |number: &u64| Item::Device(Box::new(report(&format!("d{number}"), Vec::new())));
        let entries = (first..).zip(part.iter().map(item));
        let entries = entries.map(|(sequence, item)| Entry { sequence, item }).collect();
        let upload = Upload { epoch: "e".to_owned(), entries, takes_refusals: true };
        world.service.take_report(&agent, upload).await.unwrap();
    }
    world.clock.forward(300 * DAY);
    world.report(&agent, 5000, report("d7", Vec::new())).await;
    world.clock.forward(101 * DAY);
    world.service.forget_old().await.unwrap();
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM devices").await, 1);
    let removed = deeds(&world).await;
    assert!(removed.len() == 1 && removed[0].starts_with("1199 devices"), "{removed:?}");
}
