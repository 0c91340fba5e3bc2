use std::sync::Arc;

use certs::{Key, Name, request};
use proto::{Role, Secret};

use crate::service::Refusal;
use crate::service::testing::{DAY, World, name, organisation, somebody, source};

fn csr() -> Vec<u8> {
    request::make(&Key::generate().unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_makes_one_client_and_the_same_key_gets_the_same_answer() {
    let world = World::new().await;
    let (code, mine) = (&world.ticket.secret, csr());
    let first = world.service.log_in(source(), code, &mine).await.unwrap();
    let again = world.service.log_in(source(), code, &mine).await.unwrap();
    assert_eq!(first.chain, again.chain);
    assert_eq!(first.operator, name("kim"));
    let read = certs::peer::read(&first.chain).unwrap();
    assert_eq!(read.name, Name::Operator(organisation(), name("kim")));
    let refused = world.service.log_in(source(), code, &csr()).await.unwrap_err();
    let unknown = Secret::new("0".repeat(40));
    let other = world.service.log_in(source(), &unknown, &csr()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Denied(_)));
    assert_eq!(refused.to_string(), other.to_string(), "a stranger learns nothing by trying");
    let deeds = world.deeds().await;
    assert_eq!(deeds, ["organisation_founded", "operator_logged_in"]);
}

#[tokio::test]
async fn of_many_who_bring_one_code_at_once_exactly_one_gets_in() {
    let world = World::new().await;
    let (service, code) = (&world.service, &world.ticket.secret);
    let tries = (0..20).map(|_| async { service.log_in(source(), code, &csr()).await.is_ok() });
    let won = futures::future::join_all(tries).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}

#[tokio::test]
async fn one_client_that_tries_twice_at_once_gets_one_answer() {
    let world = World::new().await;
    let (service, code, mine) = (&world.service, &world.ticket.secret, Arc::new(csr()));
    let tries =
        (0..8).map(|_| async { service.log_in(source(), code, &mine).await.unwrap().chain });
    let chains = futures::future::join_all(tries).await;
    assert!(chains.iter().all(|chain| *chain == chains[0]));
}

#[tokio::test]
async fn a_code_is_over_after_its_time_and_when_another_is_given() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let old = service.add_operator(kim, &name("robin"), Role::Viewer).await.unwrap();
    let new = service.renew_code(kim, &name("robin")).await.unwrap();
    assert!(service.log_in(source(), &old.secret, &csr()).await.is_err());
    service.log_in(source(), &new.secret, &csr()).await.unwrap();
    let late = service.renew_code(kim, &name("robin")).await.unwrap();
    world.clock.forward(DAY);
    assert!(service.log_in(source(), &late.secret, &csr()).await.is_err());
    assert!(matches!(service.renew_code(kim, &name("nobody")).await, Err(Refusal::NotFound(_))));
}

#[tokio::test]
async fn what_is_no_request_leaves_the_code_good() {
    let world = World::new().await;
    let code = &world.ticket.secret;
    let refused = world.service.log_in(source(), code, b"what?").await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))));
    world.service.log_in(source(), code, &csr()).await.unwrap();
}

#[tokio::test]
async fn somebody_who_was_removed_is_out_at_once_and_their_name_rests() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let handout = service.add_operator(kim, &name("robin"), Role::Operator).await.unwrap();
    service.log_in(source(), &handout.secret, &csr()).await.unwrap();
    let spare = service.renew_code(kim, &name("robin")).await.unwrap();
    let standing = service.standings.operator(&name("robin")).unwrap();
    service.remove_operator(kim, &name("robin")).await.unwrap();
    assert!(standing.kill.is_cancelled());
    assert!(service.standings.operator(&name("robin")).is_none());
    assert!(service.log_in(source(), &spare.secret, &csr()).await.is_err());
    let robin = somebody("robin", Role::Operator);
    let refused = service.renew_operator(&robin, &csr()).await;
    assert!(matches!(refused, Err(Refusal::Denied(_))));
    let refused = service.add_operator(kim, &name("robin"), Role::Operator).await;
    assert!(matches!(refused, Err(Refusal::Conflict(_))), "an old certificate lives");
    world.clock.forward(7 * DAY);
    service.add_operator(kim, &name("robin"), Role::Viewer).await.unwrap();
    assert_eq!(service.standings.operator(&name("robin")).unwrap().role, Role::Viewer);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    service.add_operator(kim, &name("robin"), Role::Operator).await.unwrap();
    let refused = service.remove_operator(kim, &name("kim")).await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))));
    service.add_operator(kim, &name("sam"), Role::Administrator).await.unwrap();
    service.remove_operator(kim, &name("kim")).await.unwrap();
    let refused = service.remove_operator(kim, &name("sam")).await;
    assert!(matches!(refused, Err(Refusal::Precondition(_))));
    let left: Vec<_> = service.operators().await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(left, [name("robin"), name("sam")]);
}

#[tokio::test]
async fn renewing_moves_the_end_and_leaves_one_record() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    service.log_in(source(), &world.ticket.secret, &csr()).await.unwrap();
    world.clock.forward(3 * DAY);
    let renewed = service.renew_operator(kim, &csr()).await.unwrap();
    let end = certs::peer::read(&renewed.chain).unwrap().not_after;
    let books = service.store.operator(&name("kim")).await.unwrap().unwrap();
    assert_eq!((books.certificate_ends, books.trust_generation), (end, 1));
    assert_eq!(world.deeds().await.last().unwrap(), "operator_certificate_renewed");
}
