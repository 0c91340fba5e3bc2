use crate::service::Refusal;
use crate::service::testing::{World, site};
use crate::store::desired::Sites;
use crate::store::policies::Scope;

const STRICT: &str = "[stances]\nC07 = \"enforce\"\n";

#[tokio::test]
async fn a_policy_is_rolled_back_by_applying_an_older_text_anew() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let all = Scope::Organisation;
    let first = service.apply_policy(kim, &all, "", "begin", 0).await.unwrap();
    let second = service.apply_policy(kim, &all, STRICT, "strict", first.version).await.unwrap();
    let older = service.policy_version(&all, first.version).await.unwrap();
    let third = service.apply_policy(kim, &all, &older.text, "back", second.version).await.unwrap();
    assert_eq!([first.version, second.version, third.version], [1, 2, 3]);
    assert_eq!(service.policy_in_force(&all).await.unwrap().text, "");
    let history = service.policy_history(&all).await.unwrap();
    let comments: Vec<_> = history.iter().map(|one| one.comment.as_str()).collect();
    assert_eq!(comments, ["back", "strict", "begin"]);
    assert!(history.iter().all(|one| one.text.is_empty() && one.by == "kim"));
}

#[tokio::test]
async fn two_who_edit_the_same_version_do_not_overwrite_each_other() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let all = Scope::Organisation;
    service.apply_policy(kim, &all, "", "", 0).await.unwrap();
    service.apply_policy(kim, &all, STRICT, "", 1).await.unwrap();
    let before = world.deeds().await.len();
    let refused = service.apply_policy(kim, &all, "", "", 1).await;
    assert!(matches!(refused, Err(Refusal::Conflict(_))));
    assert_eq!(world.deeds().await.len(), before);
    assert_eq!(service.policy_in_force(&all).await.unwrap().version, 2);
}

#[tokio::test]
async fn only_the_sites_that_a_policy_concerns_get_a_new_generation() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    world.add_site("depot").await;
    let own = Scope::Site(site("harbour"));
    service.apply_policy(kim, &own, STRICT, "", 0).await.unwrap();
    service.apply_policy(kim, &Scope::Organisation, "", "", 0).await.unwrap();
    let generations: Vec<_> = service
        .sites()
        .await
        .unwrap()
        .into_iter()
        .map(|site| (site.name.to_string(), site.generation))
        .collect();
    assert_eq!(generations, [("depot".to_owned(), 2), ("harbour".to_owned(), 2)]);
    assert_eq!(service.policy_in_force(&own).await.unwrap().text, STRICT);
    let depot = Scope::Site(site("depot"));
    assert_eq!(service.policy_in_force(&depot).await.unwrap().scope, Scope::Organisation);
    let refused = service.policy_version(&depot, 1).await;
    assert!(matches!(refused, Err(Refusal::NotFound(_))), "another site's text is not shown");
}

#[tokio::test]
async fn what_is_no_policy_is_refused_with_its_reason() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let all = Scope::Organisation;
    let refused = service.apply_policy(kim, &all, "[stance]\n", "", 0).await.unwrap_err();
    assert!(refused.to_string().contains("did you mean `stances`"), "{refused}");
    let large = format!("#{}", "x".repeat(1 << 20));
    let refused = service.apply_policy(kim, &all, &large, "", 0).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))));
    let refused = service.apply_policy(kim, &Scope::Site(site("nowhere")), "", "", 0).await;
    assert!(matches!(refused, Err(Refusal::NotFound(_))));
}

#[tokio::test]
async fn an_agent_that_holds_an_older_generation_is_a_straggler_until_it_is_revoked() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let rollout = service.policy_rollout().await.unwrap();
    assert_eq!((rollout.current, rollout.stragglers.len()), (0, 1));
    service.revoke_agent(kim, &agent.id, "sold").await.unwrap();
    let rollout = service.policy_rollout().await.unwrap();
    assert_eq!((rollout.current, rollout.stragglers.len()), (0, 0));
}

#[tokio::test]
async fn where_a_sites_own_policy_is_dropped_the_organisations_holds_from_then_on() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    world.add_site("depot").await;
    let own = Scope::Site(site("harbour"));
    let refused = service.drop_policy(kim, &site("harbour"), "").await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))), "it has none: {refused:?}");
    assert!(matches!(service.drop_policy(kim, &site("quay"), "").await, Err(Refusal::NotFound(_))));
    service.apply_policy(kim, &own, STRICT, "", 0).await.unwrap();
    service.apply_policy(kim, &Scope::Organisation, "# all", "", 0).await.unwrap();
    let states = async || {
        let states = service.store.desired_states(Sites::All).await.unwrap();
        ["harbour", "depot"].map(|name| {
            let state = &states[&site(name)];
            (state.generation, state.policy.to_string())
        })
    };
    let all = || "# all".to_owned();
    assert_eq!(states().await, [(2, STRICT.to_owned()), (2, all())]);
    let holds = service.drop_policy(kim, &site("harbour"), "as the others").await.unwrap();
    assert_eq!((holds.scope, holds.text), (Scope::Organisation, all()));
    assert_eq!(states().await, [(3, all()), (2, all())], "its agent hears of it");
    assert!(matches!(
        service.drop_policy(kim, &site("harbour"), "").await,
        Err(Refusal::Precondition(_))
    ));
    assert_eq!(world.deeds().await.last().unwrap(), "policy_dropped");
    let history = service.policy_history(&own).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.is_drop(), one.comment.as_str())).collect();
    assert_eq!(told, [(true, "as the others"), (false, "")]);

    // From then on it follows the organisation, until it gets one of its own again.
    service.apply_policy(kim, &Scope::Organisation, "# new", "", 0).await.unwrap();
    assert_eq!(states().await.map(|(generation, _)| generation), [4, 3]);
    service.apply_policy(kim, &own, STRICT, "", 0).await.unwrap();
    assert_eq!(states().await[0], (5, STRICT.to_owned()));
    // What stands for it in the books is no policy.
    assert!(service.apply_policy(kim, &own, "!", "", 0).await.is_err());
}
