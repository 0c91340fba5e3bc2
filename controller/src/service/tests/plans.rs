use std::time::Duration;

use proto::Role;
use proto::wire::policy::{OrderId, Work};
use proto::wire::v1;

use crate::service::plans::PlanState;
use crate::service::reports::{Entry, Item, Upload};
use crate::service::testing::{NOW, World, site, somebody};
use crate::service::{AgentPeer, Refusal};

/// A world with a site and its agent, and a plan that kim ordered there.
async fn world() -> (World, AgentPeer, OrderId) {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let kim = somebody("kim", Role::Operator);
    let what = Work::Plan(Vec::new());
    let given = world.service.send_order(&kim, &site("harbour"), what, Duration::ZERO).await;
    (world, agent, given.unwrap().id)
}

/// The first of `of` parts, with one step on yard.
fn part(id: &OrderId, digest: u8, of: u32) -> v1::PlanReport {
    let step = v1::PlannedStep {
        number: 1,
        measure: "C09".to_owned(),
        risk: v1::PlanRisk::None.into(),
        ..v1::PlannedStep::default()
    };
    let device = v1::PlannedDevice {
        device: "yard".to_owned(),
        steps: vec![step],
        ..v1::PlannedDevice::default()
    };
    v1::PlanReport {
        id: id.to_string(),
        digest: vec![digest; 32],
        made_at: NOW,
        expires_at: NOW + 1000,
        of,
        devices: vec![device],
        ..v1::PlanReport::default()
    }
}

async fn tell(world: &World, agent: &AgentPeer, sequence: u64, part: v1::PlanReport) {
    let item = Item::Plan(Box::new(part.try_into().unwrap()));
    upload(world, agent, sequence, item).await;
}

async fn upload(world: &World, agent: &AgentPeer, sequence: u64, item: Item) {
    let upload = Upload {
        epoch: "plans".to_owned(),
        entries: vec![Entry { sequence, item }],
        takes_refusals: true,
    };
    world.service.take_report(agent, upload).await.unwrap();
}

async fn state(world: &World, id: &OrderId) -> PlanState {
    let shown = world.service.show_plan(id.as_str(), Duration::ZERO).await.unwrap();
    shown.plan.state(world.service.now())
}

async fn apply(world: &World, id: &OrderId, digest: u8) -> Result<(), Refusal> {
    let kim = somebody("kim", Role::Operator);
    world.service.apply_plan(&kim, id, [digest; 32]).await.map(drop)
}

fn refused(ended: Result<(), Refusal>, says: &str) {
    let Err(Refusal::Precondition(text)) = ended else { panic!("{ended:?}") };
    assert!(text.contains(says), "{text}");
}

#[tokio::test]
async fn only_a_whole_plan_is_carried_out_as_it_was_shown_and_once() {
    let (world, agent, id) = world().await;
    assert_eq!(state(&world, &id).await, PlanState::Waiting);
    refused(apply(&world, &id, 7).await, "has not come whole");
    tell(&world, &agent, 1, part(&id, 7, 2)).await;
    assert_eq!(state(&world, &id).await, PlanState::Waiting);
    let second = v1::PlanReport { number: 1, devices: Vec::new(), ..part(&id, 7, 2) };
    tell(&world, &agent, 2, second).await;
    assert_eq!(state(&world, &id).await, PlanState::Ready);

    refused(apply(&world, &id, 8).await, "is not the one that was shown");
    apply(&world, &id, 7).await.unwrap();
    assert_eq!(state(&world, &id).await, PlanState::Applying);
    refused(apply(&world, &id, 7).await, "was carried out");
    let orders = world.service.store.outstanding_orders(world.service.now()).await.unwrap();
    let sent = orders.iter().find_map(|(_, order)| match &order.what {
        Work::Apply(it) => Some((it.clone(), order.expires_at)),
        _ => None,
    });
    let (sent, expires_at) = sent.unwrap();
    assert_eq!((sent.plan, sent.digest, sent.devices.len()), (id, [7; 32], 1));
    assert_eq!(expires_at.unix(), NOW + 1000, "an order is good no longer than its plan");
}

#[tokio::test]
async fn a_plan_that_is_over_is_not_carried_out() {
    let (world, agent, id) = world().await;
    tell(&world, &agent, 1, part(&id, 7, 1)).await;
    world.clock.forward(1000);
    assert_eq!(state(&world, &id).await, PlanState::Expired);
    refused(apply(&world, &id, 7).await, "was good until");
}

#[tokio::test]
async fn no_agent_tells_of_anothers_plan_nor_tells_its_own_anew() {
    let (world, agent, id) = world().await;
    world.add_site("depot").await;
    let (other, ..) = world.join("depot").await;
    tell(&world, &other, 1, part(&id, 9, 1)).await;
    assert_eq!(state(&world, &id).await, PlanState::Waiting);
    tell(&world, &agent, 1, part(&id, 7, 1)).await;
    tell(&world, &agent, 2, part(&id, 9, 1)).await;
    let over = v1::AppliedOver { halted: "yard: it lied".to_owned(), ..Default::default() };
    let what = Some(v1::applied_report::What::Over(over));
    let over = v1::AppliedReport { plan: id.to_string(), what };
    upload(&world, &other, 2, Item::Applied(Box::new(over.try_into().unwrap()))).await;
    assert_eq!(state(&world, &id).await, PlanState::Ready);
    refused(apply(&world, &id, 9).await, "is not the one that was shown");
    let odd = world.deeds().await.into_iter().filter(|deed| deed == "agent_plan_odd");
    assert_eq!(odd.count(), 3, "and each is in the audit log");
}

#[tokio::test]
async fn a_plan_is_found_by_how_its_name_begins() {
    let (world, _, id) = world().await;
    let look = async |text: &str| world.service.show_plan(text, Duration::ZERO).await;
    assert_eq!(look(&id.as_str()[..6]).await.unwrap().plan.id, id);
    for bad in ["", "abc", "%%%%", "ABCD", &"a".repeat(33)] {
        assert!(matches!(look(bad).await, Err(Refusal::Invalid(_))), "{bad}");
    }
    assert_eq!(world.service.plans(Some(&site("harbour"))).await.unwrap().len(), 1);
}
