//! People who steer sites.

use std::collections::BTreeSet;

use certs::Identity;
use certs::seal::Work;
use certs::trust::RootPin;
use certs::{Key, request};
use proto::wire::v1;
use proto::wire::v1::TurnoverStep;
use proto::wire::v1::operator_client::OperatorClient;
use proto::{Role, Secret};
use rustls::pki_types::CertificateDer;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::api::testing::{Line, World, status};
use crate::service::found::prepare_authority;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_person_logs_in_with_a_code_and_steers() {
    let world = World::start().await;
    let kim = world.log_in(&world.ticket.secret).await;
    let mut client = world.operator(&kim).await;
    let me = client.who_am_i(v1::WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!((me.operator.as_str(), me.role()), ("kim", v1::Role::Administrator));
    let ask = v1::AddSiteRequest { name: "harbour".to_owned(), title: String::new() };
    client.add_site(ask).await.unwrap();
    let ask = v1::CreateTokenRequest { site: "harbour".to_owned(), life: 0 };
    let token = client.create_token(ask).await.unwrap().into_inner();
    assert_eq!(token.root_pin, world.pin.0);
    let ask = v1::LogInRequest {
        code_secret: world.ticket.secret.expose().to_owned(),
        certificate_request: request::make(&Key::generate().unwrap()).unwrap(),
    };
    let refused = world.stranger().await.log_in(ask).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_agent_may_not_ask_what_operators_ask_nor_the_other_way_round() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut client = world.operator(&member.identity).await;
    let refused = client.list_sites(v1::ListSitesRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = client.backup(v1::BackupRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let kim = world.log_in(&world.ticket.secret).await;
    let mut client = v1::agent_client::AgentClient::new(world.channel(Some(&kim)).await);
    let refused = client.report(v1::ReportRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut client = OperatorClient::new(world.channel(None).await);
    let refused = client.list_sites(v1::ListSitesRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn somebody_who_is_removed_while_watching_is_cut_off() {
    let world = World::start().await;
    let kim = world.kim();
    let robin = "robin".parse().unwrap();
    let handout = world.service.add_operator(&kim, &robin, Role::Viewer).await.unwrap();
    let identity = world.log_in(&handout.secret).await;
    let mut client = world.operator(&identity).await;
    let watching = client.watch_findings(v1::ListFindingsRequest::default()).await.unwrap();
    let mut rows = watching.into_inner();
    world.service.remove_operator(&kim, &robin).await.unwrap();
    assert!(rows.message().await.is_err(), "the stream ends in an error, not quietly");
    assert!(world.dial(Some(&identity)).await.is_err());
}

/// Asks for a step of a turnover.
async fn step(
    client: &mut OperatorClient<Channel>,
    step: TurnoverStep,
) -> Result<v1::TurnoverReply, Status> {
    let ask = v1::TurnoverRequest { step: step.into(), leave_behind_after: 0 };
    client.turnover(ask).await.map(tonic::Response::into_inner)
}

async fn renewed(client: &mut OperatorClient<Channel>) -> Identity {
    let key = Key::generate().unwrap();
    let certificate_request = request::make(&key).unwrap();
    let reply = client.renew_operator(v1::RenewRequest { certificate_request }).await.unwrap();
    let chain = reply.into_inner().chain.into_iter().map(CertificateDer::from);
    Identity::new(chain.collect(), key).unwrap()
}

#[tokio::test]
async fn a_turnover_goes_through_while_an_agent_stays_on_its_line() {
    let mut world = World::start().await;
    let kim = world.log_in(&world.ticket.secret).await;
    let member = world.member("harbour").await;
    let mut client = world.operator(&kim).await;
    let mut agents = world.agent(&member).await;
    let mut line = Line::open(&mut agents).await;
    line.tell(status()).await;
    line.next().await;

    let (data, now) = (&world.service.settings.data, world.service.now());
    let new = prepare_authority(data, Secret::new("other"), None, Work::Little, now).await.unwrap();
    let prepared = step(&mut client, TurnoverStep::Prepare).await.unwrap();
    assert_eq!((prepared.phase.as_str(), prepared.stragglers.len()), ("prepared", 1));
    let told = loop {
        if let Some(trust) = line.next().await.trust {
            break trust;
        }
    };
    assert_eq!((told.generation, told.roots.len()), (2, 2));
    let refused = step(&mut client, TurnoverStep::Activate).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    line.tell(v1::AgentStatus { trust_generation: 2, ..status() }).await;
    let mut behind = BTreeSet::from([0]);
    while !behind.is_empty() {
        let stands = step(&mut client, TurnoverStep::Status).await.unwrap();
        behind = stands.stragglers.iter().enumerate().map(|(at, _)| at).collect();
        tokio::task::yield_now().await;
    }
    let kim = renewed(&mut client).await;
    let active = step(&mut client, TurnoverStep::Activate).await.unwrap();
    assert_eq!(active.phase, "activated");

    // The port presents a certificate under the new root as soon as it has heard of it.
    let old = std::mem::replace(&mut world.pin, new);
    while world.dial(Some(&member.identity)).await.is_err() {
        tokio::task::yield_now().await;
    }
    world.pin = old;
    assert!(world.dial(None).await.is_err(), "nothing leads to the old root any more");
    world.pin = new;
    // Certificates of both authorities are taken, and the line never broke.
    let mut client = world.operator(&kim).await;
    step(&mut client, TurnoverStep::Status).await.unwrap();
    line.tell(v1::AgentStatus { trust_generation: 2, generation: 1, ..status() }).await;
    let agent = world.service.agents(None).await.unwrap();
    assert!(agent[0].online);

    let refused = step(&mut client, TurnoverStep::Retire).await.unwrap_err();
    assert!(refused.message().contains("live until"), "{refused}");
    let kim = renewed(&mut client).await;
    world.clock.forward(7 * DAY - 700);
    let mut client = world.operator(&kim).await;
    let kim = renewed(&mut client).await;
    world.clock.forward(701);
    let mut client = world.operator(&kim).await;
    let retired = step(&mut client, TurnoverStep::Retire).await.unwrap();
    assert_eq!((retired.phase.as_str(), retired.trust_generation), ("settled", 3));
    assert_eq!(RootPin::of(&kim.chain()[2]), Some(new));
}
