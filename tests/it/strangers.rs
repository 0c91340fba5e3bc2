//! Who is not who they should be, or says what nobody should say, to a real controller.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use certs::hierarchy::{LEAF_LIFE, Root};
use certs::{Clock as _, Identity, Key, Name, SystemClock, request};
use prost::Message as _;
use proto::wire::v1;
use proto::wire::v1::agent_client::AgentClient;
use proto::wire::v1::operator_client::OperatorClient;
use tests::herd::dial::{channel, enrolled, tls};
use tests::herd::operator::Desk;
use tests::herd::stand::{Stand, Tally};
use tests::herd::{Pass, enroll, raw};
use tests::world::Controller;
use tokio::net::{TcpSocket, TcpStream};
use tonic::Code;
use tonic::transport::Channel;

struct World {
    controller: Controller,
    desk: Desk,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let controller = Controller::found(folder.path(), &[]).await.unwrap();
        let desk = controller.desk().await.unwrap();
        Self { controller, desk, _folder: folder }
    }

    async fn agent(&mut self, site: &str) -> Pass {
        self.desk.add_site(site).await.unwrap();
        let ticket = self.desk.token(site).await.unwrap();
        enroll(&self.controller.place, &ticket).await.unwrap()
    }

    async fn channel(&self, pass: &Pass) -> Channel {
        channel(self.controller.place.clone(), pass.tls.clone()).await.unwrap()
    }

    async fn devices(&mut self, site: &str) -> Vec<String> {
        let asked = v1::ListDevicesRequest { site: site.to_owned() };
        let reply = self.desk.client.list_devices(asked).await.unwrap().into_inner();
        reply
            .devices
            .into_iter()
            .map(|device| format!("{}/{}", device.site, device.device))
            .collect()
    }
}

fn report(device: v1::DeviceReport) -> v1::ReportRequest {
    let what = Some(v1::entry::What::Device(device));
    let entry = v1::Entry { sequence: 1, time: SystemClock.now().unix(), what };
    v1::ReportRequest {
        epoch: certs::random::id().unwrap(),
        entries: vec![entry],
        takes_refusals: true,
    }
}

fn camera(name: &str) -> v1::DeviceReport {
    v1::DeviceReport {
        device: name.to_owned(),
        kind: v1::DeviceKind::Mobotix.into(),
        address: "https://10.1.2.3".to_owned(),
        observed_at: SystemClock.now().unix(),
        ..v1::DeviceReport::default()
    }
}

#[tokio::test]
async fn an_agent_reaches_its_own_site_and_no_operators_method() {
    let mut world = World::new().await;
    let (harbour, tower) = (world.agent("harbour").await, world.agent("tower").await);
    let mut agent = AgentClient::new(world.channel(&harbour).await);
    agent.report(report(camera("gate"))).await.unwrap();
    // A device of the same name at another site is another device.
    let mut other = AgentClient::new(world.channel(&tower).await);
    other.report(report(camera("gate"))).await.unwrap();
    assert_eq!(world.devices("harbour").await, ["harbour/gate"]);
    assert_eq!(world.devices("tower").await, ["tower/gate"]);

    let mut steering = OperatorClient::new(world.channel(&harbour).await);
    let refused = steering.list_sites(v1::ListSitesRequest {}).await.unwrap_err();
    assert!(matches!(refused.code(), Code::PermissionDenied | Code::Unauthenticated), "{refused}");
    let name = v1::AddSiteRequest { name: "mine".to_owned(), title: String::new() };
    let refused = steering.add_site(name).await.unwrap_err();
    assert!(matches!(refused.code(), Code::PermissionDenied | Code::Unauthenticated), "{refused}");
}

#[tokio::test]
async fn somebody_without_a_certificate_may_only_ask_to_become_somebody() {
    let world = World::new().await;
    let stranger = world.desk.stranger().await.unwrap();
    let refused = AgentClient::new(stranger.clone()).report(report(camera("gate"))).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    let refused = OperatorClient::new(stranger).list_sites(v1::ListSitesRequest {}).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_certificate_of_another_organisations_root_opens_nothing() {
    let world = World::new().await;
    let organisation = world.controller.place.organisation.clone();
    let now = SystemClock.now();
    let root = Root::make(&organisation, now).unwrap();
    let issuing = root.issuing(&organisation, now).unwrap();
    let key = Key::generate().unwrap();
    let asked = request::verify(&request::make(&key).unwrap()).unwrap();
    let kim = Name::Operator(organisation.clone(), "kim".parse().unwrap());
    let forged = issuing.issue(&kim, &asked, now, LEAF_LIFE).unwrap();
    let forged = Identity::new(forged.chain, key).unwrap();
    let settings = enrolled(organisation, world.desk.trust(), &forged).unwrap();
    let refused = tls(&world.controller.place, settings).await.unwrap_err();
    assert!(refused.to_string().contains("alert"), "{refused}");
}

#[tokio::test]
async fn a_revoked_agent_loses_its_stream_and_is_told_at_the_door() {
    let mut world = World::new().await;
    let pass = world.agent("harbour").await;
    let mut agent = AgentClient::new(world.channel(&pass).await);
    let statuses = tokio_stream::iter([v1::AgentStatus::default()]);
    let open = tokio_stream::StreamExt::chain(statuses, tokio_stream::pending());
    let mut instructions = agent.watch(open).await.unwrap().into_inner();
    instructions.message().await.unwrap().unwrap();
    let reason = "stolen".to_owned();
    let order = v1::RevokeAgentRequest { id: pass.agent.clone(), reason };
    world.desk.client.revoke_agent(order).await.unwrap();
    // Ends with an error or without one; what counts is that it ends.
    while let Ok(Some(_)) = instructions.message().await {}
    let refused = tls(&world.controller.place, pass.tls.clone()).await.unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("revoked"), "{refused}");
}

#[tokio::test]
async fn what_no_agent_would_say_is_refused_and_nothing_of_it_is_kept() {
    let mut world = World::new().await;
    let pass = world.agent("harbour").await;
    let channel = world.channel(&pass).await;
    let mut agent = AgentClient::new(channel.clone()).max_encoding_message_size(64 << 20);

    let unknown_kind = v1::DeviceReport { kind: 99, ..camera("gate") };
    let nameless = v1::DeviceReport { device: "../etc".to_owned(), ..camera("gate") };
    let finding = v1::Finding { judgment: 77, ..v1::Finding::default() };
    let unknown_verdict = v1::DeviceReport { findings: vec![finding], ..camera("gate") };
    for bad in [unknown_kind, nameless, unknown_verdict] {
        let refused = agent.report(report(bad)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let long = v1::DeviceReport { model: "x".repeat(20 << 20), ..camera("gate") };
    let refused = agent.report(report(long)).await.unwrap_err();
    assert!(matches!(refused.code(), Code::OutOfRange | Code::ResourceExhausted), "{refused}");

    // Groups within groups, as deep as a message may be long: each must not cost a frame of the stack.
    let nested = Bytes::from(vec![0x0b; 500_000]);
    let refused = raw::call(&channel, "/palisade.v1.Agent/Report", nested).await.unwrap_err();
    assert_ne!(refused.code(), Code::Ok);
    let noise = Bytes::from_static(&[0xff; 64]);
    let refused = raw::call(&channel, "/palisade.v1.Agent/Report", noise).await.unwrap_err();
    assert_ne!(refused.code(), Code::Ok);

    assert!(world.devices("harbour").await.is_empty());
    // The same connection is still good for what is right.
    let right = Bytes::from(report(camera("gate")).encode_to_vec());
    raw::call(&channel, "/palisade.v1.Agent/Report", right).await.unwrap();
    assert_eq!(world.devices("harbour").await, ["harbour/gate"]);
}

#[tokio::test]
async fn thousands_of_half_open_handshakes_keep_no_agent_out() {
    let mut world = World::new().await;
    let pass = world.agent("harbour").await;
    let address = world.controller.place.address;
    let mut half_open = Vec::new();
    for _ in 0..2000 {
        half_open.push(connect_from("127.0.0.9:0", address).await);
    }
    let tally = Arc::new(Tally::default());
    let place = world.controller.place.clone();
    let stand = Stand::take_up(place, pass.tls.clone(), tally).await;
    assert!(stand.is_ok(), "{:?}", stand.err());
    assert_eq!(half_open.len(), 2000);
}

/// The controller may hang up on it at once; that is its right.
async fn connect_from(source: &str, to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(source.parse().unwrap()).unwrap();
    socket.connect(to).await.ok()
}
