use certs::audit::Verifier;
use certs::{Key, request};
use proto::{Role, Timestamp};

use crate::service::regain::{RegainError, Whom, regain};
use crate::service::testing::{DAY, World, name, source};

fn csr() -> Vec<u8> {
    request::make(&Key::generate().unwrap()).unwrap()
}

async fn code(world: &World, who: &str, whom: Whom) -> Result<certs::ticket::Ticket, RegainError> {
    let addresses = vec!["127.0.0.1:7443".to_owned()];
    regain(&world.data, addresses, (name(who), whom), DAY, world.service.now()).await
}

#[tokio::test]
async fn an_administrator_whose_certificate_lapsed_gets_in_again_beside_a_controller_that_serves() {
    let world = World::new().await;
    world.service.log_in(source(), &world.ticket.secret, &csr()).await.unwrap();
    world.clock.forward(30 * DAY);
    let ticket = code(&world, "kim", Whom::Known).await.unwrap();
    assert_eq!(ticket.pin, world.ticket.pin);
    let back = world.service.log_in(source(), &ticket.secret, &csr()).await.unwrap();
    assert_eq!(back.operator, name("kim"));
    assert!(world.service.log_in(source(), &ticket.secret, &csr()).await.is_err(), "good once");
    let records = world.service.store.audit_records(1, 100).await.unwrap();
    let mut verifier = Verifier::new([]);
    for (record, hash) in &records {
        verifier.take(record, hash).unwrap();
    }
    let (made, _) = records.iter().find(|(it, _)| it.deed == "administrator_recovered").unwrap();
    assert_eq!((made.actor.as_str(), made.subject.as_str()), ("palisade://acme/controller", "kim"));
    assert!(made.detail.contains("locally"), "{}", made.detail);
}

#[tokio::test]
async fn a_new_administrator_is_known_to_the_serving_controller_once_they_log_in() {
    let world = World::new().await;
    let ticket = code(&world, "sam", Whom::New).await.unwrap();
    assert!(world.service.standings.operator(&name("sam")).is_none());
    world.service.log_in(source(), &ticket.secret, &csr()).await.unwrap();
    assert_eq!(world.service.standings.operator(&name("sam")).unwrap().role, Role::Administrator);
}

#[tokio::test]
async fn nobody_else_becomes_an_administrator_by_it() {
    let world = World::new().await;
    world.service.add_operator(&world.kim, &name("vera"), Role::Viewer).await.unwrap();
    let sam = world.service.add_operator(&world.kim, &name("sam"), Role::Operator).await.unwrap();
    world.service.log_in(source(), &sam.secret, &csr()).await.unwrap();
    world.service.remove_operator(&world.kim, &name("sam")).await.unwrap();
    let before = world.deeds().await.len();
    let refused = async |who, whom| code(&world, who, whom).await.unwrap_err();
    assert!(matches!(refused("vera", Whom::Known).await, RegainError::NoAdministrator(..)));
    assert!(matches!(refused("vera", Whom::New).await, RegainError::Taken(_)));
    assert!(matches!(refused("lee", Whom::Known).await, RegainError::NotThere(_)));
    assert!(matches!(refused("sam", Whom::Known).await, RegainError::NotThere(_)));
    assert!(matches!(refused("sam", Whom::New).await, RegainError::Removed(..)));
    let nowhere = std::path::Path::new("/nowhere");
    let whom = (name("kim"), Whom::Known);
    let refused = regain(nowhere, Vec::new(), whom, DAY, Timestamp::from_unix(0)).await;
    assert!(matches!(refused, Err(RegainError::Open(_))));
    assert_eq!(world.deeds().await.len(), before, "nothing was written");
}
