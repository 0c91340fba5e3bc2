use std::time::Duration;

use certs::hierarchy::Root;
use certs::identity::Identity;
use certs::mutual::Trusting;
use certs::{Clock as _, Key, Name, request};
use proto::Organisation;
use proto::wire::v1;
use proto::wire::v1::agent_client::AgentClient;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tonic::Code as Grpc;

use crate::api::Bounds;
use crate::api::testing::{Applicant, Line, World, bounds, organisation, soon, status};

#[tokio::test]
async fn certificates_of_others_and_of_other_times_are_refused() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let other: Organisation = "other".parse().unwrap();
    let theirs = Root::make(&organisation(), world.clock.now()).unwrap();
    let theirs = theirs.issuing(&organisation(), world.clock.now()).unwrap();
    let ours = world.service.authorities.now().issuing.clone();
    let issue = |issuing: &certs::hierarchy::Issuing, name: Name| {
        let key = Key::generate().unwrap();
        let request = request::verify(&request::make(&key).unwrap()).unwrap();
        let issued = issuing.issue(&name, &request, world.clock.now(), 3600).unwrap();
        Identity::new(issued.chain, key).unwrap()
    };
    let agent = |organisation: &Organisation, id: &str| {
        Name::Agent(organisation.clone(), id.parse().unwrap())
    };
    let acme = organisation();
    for (identity, alert) in [
        (issue(&theirs, agent(&acme, member.id.as_str())), "DecryptError"),
        (issue(&ours, agent(&other, member.id.as_str())), "BadCertificate"),
        (issue(&ours, agent(&acme, "00ff")), "CertificateRevoked"),
        (
            issue(&ours, Name::Operator(acme.clone(), "robin".parse().unwrap())),
            "CertificateRevoked",
        ),
        (issue(&ours, Name::Controller(acme.clone())), ""),
    ] {
        let refused = world.dial(Some(&identity)).await.unwrap_err();
        assert!(refused.to_string().contains(alert), "{alert}: {refused}");
    }
    // What the agent was given to trust holds the controller as the first contact's pin did.
    let trusting = Trusting::Bundle(member.trust.clone());
    world.dial_as(acme.clone(), trusting.clone(), Some(&member.identity)).await.unwrap();
    world.clock.forward(7 * 86_400 + 1);
    // The controller's own has ended as well, and is renewed meanwhile.
    soon(async { while world.dial(None).await.is_err() {} }).await;
    let refused = world.dial_as(acme, trusting, Some(&member.identity)).await.unwrap_err();
    assert!(refused.to_string().contains("CertificateExpired"), "{refused}");
}

#[tokio::test]
async fn whoever_dials_learns_nothing_without_the_right_root() {
    let world = World::start().await;
    let other = Root::make(&organisation(), world.clock.now()).unwrap();
    let refused = world.dial_as(organisation(), Trusting::Pin(other.pin()), None).await;
    assert!(refused.unwrap_err().to_string().contains("UnknownIssuer"));
}

#[tokio::test]
async fn a_stranger_may_only_enrol() {
    let world = World::start().await;
    let mut client = AgentClient::new(world.channel(None).await);
    let renewing = v1::RenewRequest { certificate_request: Vec::new() };
    let refused = client.renew(renewing).await.unwrap_err();
    assert_eq!(refused.code(), Grpc::Unauthenticated);
    let report =
        v1::ReportRequest { epoch: "e".to_owned(), entries: Vec::new(), takes_refusals: true };
    let refused = client.report(report).await.unwrap_err();
    assert_eq!(refused.code(), Grpc::Unauthenticated);
    let nothing = tokio_stream::empty::<v1::AgentStatus>();
    assert_eq!(client.watch(nothing).await.unwrap_err().code(), Grpc::Unauthenticated);
}

#[tokio::test]
async fn a_connection_ends_with_the_certificate_it_was_made_with() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    line.tell(status()).await;
    line.next().await;
    world.clock.forward(7 * 86_400);
    assert!(line.end().await.is_err());
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let world = World::with(Bounds { silence: 1, ..bounds() }).await;
    let member = world.member("harbour").await;
    let mut stream = world.dial(Some(&member.identity)).await.unwrap();
    let mut rest = Vec::new();
    // Ends when the controller closes it, in whatever way.
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_stranger_does_not_stay_for_ever() {
    let world = World::with(Bounds { stranger_life: 1, ..bounds() }).await;
    let mut stream = world.dial(None).await.unwrap();
    let _ = soon(stream.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn half_open_handshakes_of_one_source_keep_nobody_else_waiting() {
    let bounds =
        Bounds { handshakes: 3, handshakes_per_source: 2, waiting_per_source: 40, ..bounds() };
    let world = World::with(bounds).await;
    let member = world.member("harbour").await;
    let mut half_open = Vec::new();
    for _ in 0..60 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        half_open.push(socket.connect(world.running.address).await.unwrap());
    }
    for _ in 0..3 {
        world.dial(Some(&member.identity)).await.unwrap();
    }
    // Beyond its bound, the source's connections were closed at once.
    let closed = futures::future::select_all(
        half_open
            .iter_mut()
            .skip(40)
            .map(|stream| Box::pin(async move { stream.read(&mut [0; 1]).await })),
    );
    assert!(matches!(soon(closed).await.0, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_ended() {
    let world = World::with(Bounds { handshake_time: Duration::from_millis(50), ..bounds() }).await;
    let mut stream = TcpStream::connect(world.running.address).await.unwrap();
    assert!(matches!(soon(stream.read(&mut [0; 1])).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn one_source_holds_few_connections_without_a_certificate() {
    let world = World::with(Bounds { strangers_per_source: 2, ..bounds() }).await;
    let held = [world.dial(None).await.unwrap(), world.dial(None).await.unwrap()];
    assert!(world.dial(None).await.is_err());
    drop(held);
    soon(async {
        while world.running.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.dial(None).await.unwrap();
}

#[tokio::test]
async fn the_controller_renews_its_certificate_while_streams_go_on() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut line = Line::open(&mut world.agent(&member).await).await;
    line.tell(status()).await;
    line.next().await;
    let leaf = async || {
        let stream = world.dial(None).await.unwrap();
        let (_, session) = stream.get_ref().get_ref();
        session.peer_certificates().unwrap()[0].clone()
    };
    let before = leaf().await;
    world.clock.forward(7 * 86_400 * 6 / 10 + 3600);
    soon(async { while leaf().await == before {} }).await;
    world.service.leave_within(3);
    assert_eq!(line.next().await.leave_within, 3);
}

#[tokio::test]
async fn a_renewed_certificate_is_for_the_same_agent_and_the_old_connection_goes_on() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut client = world.agent(&member).await;
    let key = Key::generate().unwrap();
    let certificate_request = request::make(&key).unwrap();
    world.clock.forward(86_400);
    let renewing = v1::RenewRequest { certificate_request };
    let reply = client.renew(renewing).await.unwrap().into_inner();
    let chain = reply.chain.into_iter().map(Into::into).collect();
    let renewed = Identity::new(chain, key).unwrap();
    assert_eq!(renewed.name(), member.identity.name());
    assert!(renewed.not_after() > member.identity.not_after());
    world.dial(Some(&renewed)).await.unwrap();
    let nothing = v1::RenewRequest { certificate_request: Vec::new() };
    assert_eq!(client.renew(nothing).await.unwrap_err().code(), Grpc::InvalidArgument);
    let ends = world.service.agent(&member.id).await.unwrap().agent.certificate_ends;
    assert_eq!(ends, renewed.not_after());
}

#[tokio::test]
async fn messages_that_are_too_large_are_refused() {
    let world = World::start().await;
    let mut ask = Applicant::new().ask("x");
    ask.host = "x".repeat(20 << 10);
    let refused = world.stranger().await.enroll(ask).await.unwrap_err();
    assert_eq!(refused.code(), Grpc::OutOfRange);
    let member = world.member("harbour").await;
    let report =
        v1::ReportRequest { epoch: "e".repeat(3 << 20), entries: Vec::new(), takes_refusals: true };
    let refused = world.agent(&member).await.report(report).await.unwrap_err();
    assert_eq!(refused.code(), Grpc::OutOfRange);
}
