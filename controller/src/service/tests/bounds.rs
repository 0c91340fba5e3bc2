//! A site that has all that is kept of it: what does not fit is refused by itself, and a person hears of it once.

use proto::wire::rotation::{CredentialKind, RotationState, Standing};
use proto::{EscrowRecord, SealedCopy, SecretId, SecretKind, Timestamp};

use crate::service::bounds::MAX_SECRETS;
use crate::service::prune::Prune;
use crate::service::reports::{Acknowledged, Entry, Item, Upload};
use crate::service::testing::{NOW, World, device, report};
use crate::service::{AgentPeer, Refusal};
use crate::store::escrow::Wanted;

fn record(id: u8, generation: u64) -> EscrowRecord {
    EscrowRecord {
        id: SecretId([id; 16]),
        device: Some(device("yard")),
        kind: SecretKind::DevicePassword,
        account: "admin".to_owned(),
        made_at: Timestamp::from_unix(NOW),
        recipients_generation: generation,
        copies: vec![SealedCopy {
            layers: vec![vec!["age1a".to_owned()]],
            sealed: vec![id; 40 + 10 * generation as usize],
        }],
    }
}

fn secret(id: u8) -> Item {
    Item::Escrow(Box::new(record(id, 1)))
}

fn seen(name: &str) -> Item {
    Item::Device(Box::new(report(name, Vec::new())))
}

async fn upload(
    world: &World,
    peer: &AgentPeer,
    first: u64,
    items: Vec<Item>,
    takes_refusals: bool,
) -> Result<Acknowledged, Refusal> {
    let entries = (first..).zip(items).map(|(sequence, item)| Entry { sequence, item }).collect();
    let upload = Upload { epoch: "e".to_owned(), entries, takes_refusals };
    world.service.take_report(peer, upload).await
}

async fn told(world: &World) -> Vec<String> {
    let records = world.service.store.audit_records(1, 1000).await.unwrap();
    let told = records.into_iter().filter(|(one, _)| one.deed == "site_filling");
    told.map(|(one, _)| one.detail).collect()
}

async fn harbour() -> (World, AgentPeer) {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    (world, agent)
}

#[tokio::test]
async fn a_full_escrow_refuses_the_one_record_and_takes_everything_else() {
    let (world, agent) = harbour().await;
    world.service.store.fill_escrow("harbour", i64::try_from(MAX_SECRETS).unwrap() - 1).await;
    let items = vec![secret(1), seen("gate"), secret(2), seen("yard")];
    let answer = upload(&world, &agent, 1, items, true).await.unwrap();
    assert_eq!((answer.committed, answer.refused), (4, vec![3]));
    let devices = world.service.store.devices(None).await.unwrap();
    assert_eq!(devices.len(), 2, "what came with it is here");
    // The answer was lost, and it is all sent again: what is not here is still not acknowledged.
    let items = vec![secret(1), seen("gate"), secret(2), seen("yard")];
    let again = upload(&world, &agent, 1, items, true).await.unwrap();
    assert_eq!((again.committed, again.refused), (4, vec![3]));
    // Nor does another try change anything, and nobody is told twice.
    let answer = upload(&world, &agent, 5, vec![secret(2), secret(1)], true).await.unwrap();
    assert_eq!((answer.committed, answer.refused), (6, vec![5]));
    let told = told(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("one more was refused"), "{told:?}");
}

#[tokio::test]
async fn an_agent_that_cannot_be_told_of_one_entry_is_refused_whole_and_never_misled() {
    let (world, agent) = harbour().await;
    world.service.store.fill_escrow("harbour", i64::try_from(MAX_SECRETS).unwrap()).await;
    let refused = upload(&world, &agent, 1, vec![seen("gate"), secret(1)], false).await;
    assert!(matches!(refused, Err(Refusal::Exhausted(_))), "{refused:?}");
    assert!(world.service.store.devices(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_person_is_told_at_four_fifths_once() {
    let (world, agent) = harbour().await;
    world.service.store.fill_escrow("harbour", 15_998).await;
    upload(&world, &agent, 1, vec![secret(1)], true).await.unwrap();
    assert!(told(&world).await.is_empty());
    upload(&world, &agent, 2, vec![secret(2)], true).await.unwrap();
    upload(&world, &agent, 3, vec![secret(3)], true).await.unwrap();
    let told = told(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("80 %") && told[0].contains("secret prune"), "{told:?}");
    let fills = world.service.escrow_fills(None).await.unwrap();
    assert_eq!((fills[0].secrets, fills[0].percent(), fills[0].is_high()), (16_001, 80, true));
}

#[tokio::test]
async fn what_is_here_is_acknowledged_also_where_there_is_no_room_and_another_of_its_name_is_not() {
    let (world, agent) = harbour().await;
    upload(&world, &agent, 1, vec![secret(1)], true).await.unwrap();
    world.service.store.fill_escrow("harbour", i64::try_from(MAX_SECRETS).unwrap()).await;
    let other = EscrowRecord { made_at: Timestamp::from_unix(NOW + 1), ..record(1, 1) };
    let items = vec![Item::Escrow(Box::new(other)), secret(1)];
    let answer = upload(&world, &agent, 2, items, true).await.unwrap();
    assert_eq!((answer.committed, answer.refused), (3, vec![2]));
}

#[tokio::test]
async fn a_site_with_all_its_devices_refuses_new_ones_and_goes_on_with_those_it_has() {
    let (world, agent) = harbour().await;
    upload(&world, &agent, 1, vec![seen("yard")], true).await.unwrap();
    world.service.store.fill_devices("harbour", 9_999).await;
    let state = |name: &str| {
        Item::Rotated(RotationState {
            device: device(name),
            kind: CredentialKind::Password,
            account: "admin".to_owned(),
            standing: Standing::Settled,
            secret: None,
            due: None,
            since: None,
            trouble: String::new(),
        })
    };
    let items = vec![seen("yard"), seen("one-more"), state("yard")];
    let answer = upload(&world, &agent, 2, items, true).await.unwrap();
    assert_eq!((answer.committed, answer.refused), (4, vec![3]));
    assert_eq!(world.service.store.devices(None).await.unwrap().len(), 10_000);
    assert_eq!(world.service.store.rotations(None).await.unwrap().len(), 1);
    let told = told(&world).await;
    assert!(told.len() == 1 && told[0].contains("devices"), "{told:?}");
    // One that is gone makes room.
    let gone = Item::Forgotten(device("yard"));
    let answer = upload(&world, &agent, 5, vec![gone, seen("one-more")], true).await.unwrap();
    assert!(answer.refused.is_empty());
}

fn settled(live: u8) -> Item {
    Item::Rotated(RotationState {
        device: device("yard"),
        kind: CredentialKind::Password,
        account: "admin".to_owned(),
        standing: Standing::Settled,
        secret: Some(SecretId([live; 16])),
        due: None,
        since: None,
        trouble: String::new(),
    })
}

#[tokio::test]
async fn an_administrator_makes_room_and_what_the_agent_is_at_stays() {
    let (world, agent) = harbour().await;
    let items = (1..=5).map(secret).chain([settled(2)]).collect();
    upload(&world, &agent, 1, items, true).await.unwrap();
    world.service.store.fill_escrow("harbour", i64::try_from(MAX_SECRETS).unwrap() - 5).await;
    assert_eq!(upload(&world, &agent, 7, vec![secret(6)], true).await.unwrap().refused, [7]);
    let prune = |keep, reason: &str| Prune {
        site: "harbour".parse().unwrap(),
        keep,
        before: None,
        reason: reason.to_owned(),
    };
    let (service, kim) = (&world.service, &world.kim);
    let silent = service.prune_secrets(kim, &prune(1, " ")).await;
    assert!(matches!(silent, Err(Refusal::Invalid(_))));
    let none = service.prune_secrets(kim, &prune(0, "room")).await;
    assert!(matches!(none, Err(Refusal::Invalid(_))));
    let pruned = service.prune_secrets(kim, &prune(1, "room")).await.unwrap();
    // Neither the newest nor the one that the camera takes; and nothing is told of where the crates' stand.
    assert_eq!((pruned.removed, pruned.fill.secrets), (3, MAX_SECRETS - 3));
    assert!(pruned.spared.is_empty(), "each of their accounts has one copy");
    let records = service.store.audit_records(1, 1000).await.unwrap();
    let (record, _) = records.into_iter().rfind(|(one, _)| one.deed == "secrets_pruned").unwrap();
    assert!(record.detail.contains("3 copies") && record.detail.ends_with("room"), "{record:?}");
    assert!(upload(&world, &agent, 8, vec![secret(6)], true).await.unwrap().refused.is_empty());
    let wanted = Wanted { device: Some(Some(device("yard"))), history: true, site: None };
    let left: Vec<_> =
        service.secrets(&wanted).await.unwrap().0.iter().map(|held| held.id.0[0]).collect();
    assert_eq!(left, [6, 5, 2]);
}
