use std::path::Path;

use certs::seal::Work;
use certs::{Key, RootPin, request};
use proto::{AgentId, Secret, SiteName, Timestamp};

use crate::service::found::{FoundError, open, prepare_authority};
use crate::service::testing::{DAY, NOW, World, site, source};
use crate::service::turnover::{Phase, Step};
use crate::service::{AgentPeer, Refusal, Service};
use crate::store::Told;

const ACTIVATE: Step = Step::Activate { leave_behind_after: 0 };

fn csr() -> Vec<u8> {
    request::make(&Key::generate().unwrap()).unwrap()
}

async fn prepare(data: &Path) -> Result<RootPin, FoundError> {
    let now = Timestamp::from_unix(NOW);
    prepare_authority(data, Secret::new("another passphrase"), None, Work::Little, now).await
}

/// A controller whose administrator has logged in.
async fn world() -> World {
    let world = World::new().await;
    world.service.log_in(source(), &world.ticket.secret, &csr()).await.unwrap();
    world
}

/// The agent tells that it holds this bundle, now.
async fn acknowledge(service: &Service, agent: &AgentId, generation: u64) {
    let books = service.store.agent(agent).await.unwrap().unwrap();
    let told = Told { trust_generation: generation, last_seen: Some(service.now()), ..books.told };
    let mut intake = service.store.intake().await.unwrap();
    intake.agent_told(agent, &told).await.unwrap();
    intake.commit().await.unwrap();
}

fn precondition<T: std::fmt::Debug>(refused: Result<T, Refusal>, says: &str) {
    match refused {
        Err(Refusal::Precondition(text)) if text.contains(says) => {}
        other => panic!("{says:?} was expected: {other:?}"),
    }
}

fn issuing_root(service: &Service) -> Option<RootPin> {
    RootPin::of(service.authorities.now().issuing.root())
}

async fn certificate(service: &Service, agent: &AgentPeer) -> Vec<u8> {
    service.renew_agent(agent, &csr()).await.unwrap().chain[1].to_vec()
}

#[tokio::test]
async fn a_turnover_goes_through_with_everybody_on_board() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    acknowledge(service, &agent.id, 1).await;
    let old = issuing_root(service);
    precondition(service.turn_over(kim, Step::Prepare).await, "palisade authority prepare");
    let new = prepare(&world.data).await.unwrap();
    assert!(matches!(prepare(&world.data).await, Err(FoundError::AlreadyPrepared)));

    let changes = service.authorities.changes();
    let prepared = service.turn_over(kim, Step::Prepare).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!((prepared.phase, prepared.trust_generation), (Phase::Prepared, 2));
    assert_eq!(prepared.stragglers[0].agent.id, agent.id);
    let standing = service.authorities.now();
    assert_eq!((standing.accepted.len(), standing.trust.roots.len()), (2, 2));
    assert_eq!(issuing_root(service), old);

    precondition(service.turn_over(kim, ACTIVATE).await, agent.id.as_str());
    acknowledge(service, &agent.id, 2).await;
    precondition(service.turn_over(kim, ACTIVATE).await, "your own client");
    service.renew_operator(kim, &csr()).await.unwrap();
    let active = service.turn_over(kim, ACTIVATE).await.unwrap();
    assert_eq!((active.phase, active.trust_generation), (Phase::Activated, 2));
    assert_eq!(issuing_root(service), Some(new));
    let authority = service.authorities.now().issuing.certificate().to_vec();
    assert_eq!(certificate(service, &agent).await, authority);

    precondition(service.turn_over(kim, Step::Retire).await, "wait for it");
    world.clock.forward(7 * DAY);
    let retired = service.turn_over(kim, Step::Retire).await.unwrap();
    assert_eq!((retired.phase, retired.trust_generation), (Phase::Settled, 3));
    let standing = service.authorities.now();
    assert_eq!((standing.accepted.len(), standing.past.len()), (1, 1));
    assert_eq!(certs::trust::spki(&standing.accepted[0]).unwrap(), standing.issuing.key().spki());

    let deeds = world.deeds().await;
    let turned: Vec<_> = deeds.iter().filter(|deed| deed.starts_with("turnover")).collect();
    assert_eq!(turned, ["turnover_prepared", "turnover_activated", "turnover_retired"]);
    service.store.close().await;
    let (_, _, reopened) = open(&world.data).await.unwrap();
    assert_eq!(reopened.now().trust, standing.trust);
    assert_eq!(reopened.now().past, standing.past);
    assert!(!world.data.join("authority/next").exists());
}

#[tokio::test]
async fn whoever_was_offline_for_long_may_be_left_behind_and_is_listed() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    acknowledge(service, &agent.id, 1).await;
    prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    service.renew_operator(kim, &csr()).await.unwrap();
    let leave = Step::Activate { leave_behind_after: 3600 };
    world.clock.forward(3599);
    precondition(service.turn_over(kim, leave).await, agent.id.as_str());
    world.clock.forward(1);
    let active = service.turn_over(kim, leave).await.unwrap();
    assert_eq!(active.stragglers.len(), 1);
}

#[tokio::test]
async fn a_revoked_agent_holds_nobody_up_and_an_open_token_does() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    service.renew_operator(kim, &csr()).await.unwrap();
    service.revoke_agent(kim, &agent.id, "sold").await.unwrap();
    let token = service.create_token(kim, &site("harbour"), 0).await.unwrap();
    precondition(service.turn_over(kim, ACTIVATE).await, "1 open tokens");
    service.revoke_token(kim, &token.id).await.unwrap();
    service.turn_over(kim, ACTIVATE).await.unwrap();
}

#[tokio::test]
async fn every_step_but_the_last_can_be_undone() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let old = issuing_root(service);
    prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    acknowledge(service, &agent.id, 2).await;
    service.renew_operator(kim, &csr()).await.unwrap();
    service.turn_over(kim, ACTIVATE).await.unwrap();
    let under_new = certificate(service, &agent).await;

    let back = service.turn_over(kim, Step::RollBack).await.unwrap();
    assert_eq!((back.phase, issuing_root(service)), (Phase::Prepared, old));
    let standing = service.authorities.now();
    assert!(standing.accepted.iter().any(|one| **one == *under_new), "nobody is cut off");
    precondition(service.turn_over(kim, Step::RollBack).await, "wait for it");
    world.clock.forward(7 * DAY);
    let settled = service.turn_over(kim, Step::RollBack).await.unwrap();
    assert_eq!((settled.phase, settled.trust_generation), (Phase::Settled, 3));
    assert_eq!(service.authorities.now().accepted.len(), 1);
    precondition(service.turn_over(kim, Step::RollBack).await, "nothing is under way");
    assert!(!world.data.join("authority/next").exists());
    prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
}

#[tokio::test]
async fn what_is_prepared_for_somebody_else_is_not_taken_over() {
    let (world, other) = (world().await, World::new().await);
    prepare(&world.data).await.unwrap();
    let next = world.data.join("authority/next");
    for file in ["root.crt", "issuing.crt", "issuing.key"] {
        let theirs = world.data.join("authority").join(file);
        std::fs::write(next.join(file), std::fs::read(theirs).unwrap()).unwrap();
    }
    precondition(world.service.turn_over(&world.kim, Step::Prepare).await, "the old one");
    let foreign = std::fs::read(other.data.join("authority/root.crt")).unwrap();
    std::fs::write(next.join("root.crt"), foreign).unwrap();
    let refused = world.service.turn_over(&world.kim, Step::Prepare).await;
    assert!(matches!(refused, Err(Refusal::Failed(_))), "its issuer did not sign it");
}

/// A crash between any two moves of the last step: the next start finishes it.
#[tokio::test]
async fn a_retirement_that_a_crash_cut_short_is_finished_at_the_next_start() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    let new = prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    service.renew_operator(kim, &csr()).await.unwrap();
    service.turn_over(kim, ACTIVATE).await.unwrap();
    world.clock.forward(7 * DAY);
    let before = world.data.with_file_name("before");
    copy(&world.data, &before);
    service.turn_over(kim, Step::Retire).await.unwrap();
    service.store.close().await;
    let path = |name: &str| world.data.join(name);
    let old = || before.join("authority");
    let moves: [&dyn Fn(); 4] = [
        // Only the database knows.
        &|| copy(&old(), &path("authority")),
        &|| {
            copy(&old(), &path("authority"));
            std::fs::rename(path("authority/next"), path("authority.arriving")).unwrap();
        },
        &|| {
            copy(&old(), &path("authority.leaving"));
            std::fs::rename(path("authority.leaving/next"), path("authority.arriving")).unwrap();
        },
        &|| {
            copy(&old().join("next"), &path("authority"));
            copy(&old(), &path("authority.leaving"));
        },
    ];
    for (number, crash) in moves.iter().enumerate() {
        for name in ["authority", "authority.arriving", "authority.leaving"] {
            let _ = std::fs::remove_dir_all(path(name));
        }
        crash();
        let (store, _, authorities) = open(&world.data).await.unwrap();
        let root = authorities.now().issuing.root().clone();
        assert_eq!(RootPin::of(&root), Some(new), "{number}");
        assert!(!path("authority.arriving").exists() && !path("authority.leaving").exists());
        store.close().await;
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn join_states_of_a_retired_authority_still_count() {
    let world = world().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, joined, _) = world.join("harbour").await;
    prepare(&world.data).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    acknowledge(service, &agent.id, 2).await;
    service.renew_operator(kim, &csr()).await.unwrap();
    service.turn_over(kim, ACTIVATE).await.unwrap();
    world.clock.forward(7 * DAY);
    service.turn_over(kim, Step::Retire).await.unwrap();
    let past = &service.authorities.now().past;
    let spki = certs::trust::spki(&past[0]).unwrap();
    joined.answer.state.verify(&spki).unwrap();
    let _: SiteName = joined.answer.site;
}
