use crate::service::Refusal;
use crate::service::testing::{World, finding, report, site};
use proto::{Stance, Verdict};

#[tokio::test]
async fn each_change_leaves_one_record_and_a_refused_one_leaves_none() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let before = world.deeds().await.len();
    service.add_site(kim, &site("harbour"), "  North harbour ").await.unwrap();
    assert!(matches!(service.add_site(kim, &site("harbour"), "").await, Err(Refusal::Conflict(_))));
    assert!(matches!(
        service.add_site(kim, &site("x"), "a\u{202e}b").await,
        Err(Refusal::Invalid(_))
    ));
    let token = service.create_token(kim, &site("harbour"), 0).await.unwrap();
    service.revoke_token(kim, &token.id).await.unwrap();
    assert!(matches!(service.revoke_token(kim, &token.id).await, Err(Refusal::NotFound(_))));
    service.remove_site(kim, &site("harbour")).await.unwrap();
    assert!(matches!(service.remove_site(kim, &site("harbour")).await, Err(Refusal::NotFound(_))));
    let deeds = world.deeds().await;
    let new = ["site_added", "token_created", "token_revoked", "site_removed"];
    assert_eq!(deeds[before..], new);
}

#[tokio::test]
async fn a_site_is_counted_by_what_its_agent_reported() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let findings = vec![
        finding("C07", Verdict::Unmet, Stance::Report),
        finding("C15", Verdict::Unknown, Stance::Report),
    ];
    world.report(&agent, 1, report("yard", findings)).await;
    let found = world.service.sites().await.unwrap();
    assert_eq!((found[0].devices, found[0].unmet, found[0].unknown), (1, 1, 1));
    assert_eq!(found[0].title, "harbour");
}

#[tokio::test]
async fn a_site_with_an_agent_stays_and_its_chain_outlives_it() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    world.report(&agent, 1, report("yard", Vec::new())).await;
    let refused = service.remove_site(kim, &site("harbour")).await.unwrap_err();
    assert!(matches!(refused, Refusal::Precondition(_)), "{refused}");
    service.revoke_agent(kim, &agent.id, "sold").await.unwrap();
    service.remove_site(kim, &site("harbour")).await.unwrap();
    assert!(service.devices(None).await.unwrap().is_empty());
    let records = service.store.audit_records(1, 100).await.unwrap();
    let (last, _) = records.last().unwrap();
    assert!(last.detail.contains(agent.id.as_str()), "{last:?}");
}

#[tokio::test]
async fn a_new_site_of_an_old_name_begins_above_the_old_generation() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let at = async || service.store.site(&site("harbour")).await.unwrap().unwrap().generation;
    world.add_site("harbour").await;
    assert_eq!(at().await, 1);
    let scope = crate::store::policies::Scope::Site(site("harbour"));
    service.apply_policy(kim, &scope, "", "", 0).await.unwrap();
    assert_eq!(at().await, 2);
    service.remove_site(kim, &site("harbour")).await.unwrap();
    world.add_site("harbour").await;
    assert_eq!(at().await, 3);
    assert_eq!(service.policy_in_force(&scope).await.unwrap().version, 0);
}

#[tokio::test]
async fn a_token_that_nobody_could_use_is_not_made() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let refused = service.create_token(kim, &site("harbour"), 0).await;
    assert!(matches!(refused, Err(Refusal::NotFound(_))));
    world.add_site("harbour").await;
    for life in [1, 59, 30 * 86_400 + 1] {
        let refused = service.create_token(kim, &site("harbour"), life).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{life}");
    }
    let refused = service.replace_site(kim, &site("harbour"), "burnt", 0).await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))));
    let (old, ..) = world.join("harbour").await;
    let refused = service.create_token(kim, &site("harbour"), 0).await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))));
    assert!(service.replace_site(kim, &site("harbour"), " ", 0).await.is_err());
    let handout = service.replace_site(kim, &site("harbour"), "burnt", 0).await.unwrap();
    let (new, ..) = world.join_with("harbour", &handout.secret).await;
    assert!(service.standings.agent(&old.id).is_none());
    assert!(service.standings.agent(&new.id).is_some());
}

#[tokio::test]
async fn a_token_is_found_nowhere_but_as_its_hash() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let handout = world.service.create_token(&world.kim, &site("harbour"), 0).await.unwrap();
    let copy = world.data.join("copy.db");
    world.service.store.snapshot(&copy).await.unwrap();
    let bytes = std::fs::read(copy).unwrap();
    let secret = handout.secret.expose().as_bytes();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
}
