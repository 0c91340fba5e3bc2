use std::path::Path;

use certs::trust;
use proto::Secret;

use crate::service::Refusal;
use crate::service::found::{open, renew_issuing};
use crate::service::testing::{DAY, World};
use crate::service::turnover::Step;

async fn lay_ready(world: &World) {
    let secret = Secret::new("correct horse battery");
    renew_issuing(&world.data, secret, world.service.now()).await.unwrap();
}

#[tokio::test]
async fn whatever_a_crash_left_half_way_the_next_start_finds_one_whole_authority() {
    let world = World::new().await;
    let old = world.service.authorities.now().issuing.certificate().clone();
    lay_ready(&world).await;
    let place = world.data.join("authority");
    let ready = place.join("renewed");
    let new = std::fs::read(ready.join("issuing.crt")).unwrap();
    world.service.store.close().await;
    let opened = async || {
        let (store, _, authorities) = open(&world.data).await.unwrap();
        store.close().await;
        authorities.now().issuing.certificate().clone()
    };
    assert_eq!(opened().await, old, "one that only lies ready does not count");
    assert!(ready.exists(), "and stays");
    std::fs::rename(ready.join("issuing.key"), place.join("issuing.key")).unwrap();
    assert_ne!(opened().await, old);
    assert_eq!(std::fs::read(place.join("issuing.crt")).unwrap(), new);
    assert!(!ready.exists());
    std::fs::create_dir(&ready).unwrap();
    opened().await;
    assert!(!ready.exists());
}

#[tokio::test]
async fn one_more_that_is_laid_ready_takes_nothing_from_a_take_over_that_was_cut_short() {
    let world = World::new().await;
    lay_ready(&world).await;
    let place = world.data.join("authority");
    let first = std::fs::read(place.join("renewed/issuing.crt")).unwrap();
    std::fs::rename(place.join("renewed/issuing.key"), place.join("issuing.key")).unwrap();
    lay_ready(&world).await;
    assert_eq!(std::fs::read(place.join("issuing.crt")).unwrap(), first);
    world.service.store.close().await;
    let (store, _, _) = open(&world.data).await.unwrap();
    store.close().await;
    assert!(place.join("renewed/issuing.key").exists(), "and the second one lies ready");
}

#[tokio::test]
async fn those_that_were_renewed_are_taken_after_a_restart_and_after_the_next_renewal() {
    let world = World::new().await;
    for count in 1..=2 {
        world.clock.forward(300 * DAY);
        lay_ready(&world).await;
        world.service.turn_over(&world.kim, Step::Renew).await.unwrap();
        assert_eq!(world.service.authorities.now().accepted.len(), 1 + count);
    }
    let now = world.service.authorities.now();
    world.service.store.close().await;
    let (_, _, reopened) = open(&world.data).await.unwrap();
    assert_eq!(reopened.now().accepted, now.accepted);
    assert!(reopened.now().past.is_empty());
    let ends = trust::lifetime(now.issuing.certificate()).unwrap().1;
    assert_eq!(ends, now.issuing.not_after());
}

#[tokio::test]
async fn while_a_turnover_is_under_way_nothing_is_renewed() {
    let world = World::new().await;
    lay_ready(&world).await;
    let (data, now) = (&world.data, world.service.now());
    let (secret, work) = (Secret::new("another passphrase"), certs::seal::Work::Little);
    crate::service::found::prepare_authority(data, secret, None, work, now).await.unwrap();
    world.service.turn_over(&world.kim, Step::Prepare).await.unwrap();
    let refused = world.service.turn_over(&world.kim, Step::Renew).await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))), "{refused:?}");
    assert!(Path::new(&world.data).join("authority/renewed").exists());
}

#[tokio::test]
async fn sixty_days_ahead_of_the_end_it_is_told() {
    let world = World::new().await;
    assert!(world.service.ending().is_empty());
    world.clock.forward(305 * DAY);
    assert!(world.service.ending()[0].contains("palisade authority renew"));
    assert_eq!(world.service.health().await.authority, 60 * DAY);
}
