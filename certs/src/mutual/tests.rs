//! Whole handshakes in memory: who gets in, who does not, and what the other side is told.

use std::sync::Arc;

use proto::{AgentId, OperatorName, Organisation, Timestamp};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    AlertDescription, CertificateError, ClientConnection, Connection, Error, HandshakeKind,
    NamedGroup, ServerConnection,
};

use super::*;
use crate::clock::{Clock, SharedClock};
use crate::hierarchy::{DeviceNames, Issuing, LEAF_LIFE, Root};
use crate::identity::Identity;
use crate::key::Key;
use crate::name::{Name, server_name};
use crate::peer::VerifiedPeer;
use crate::request;
use crate::trust::TrustBundle;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0)
    }
}

fn at(time: i64) -> SharedClock {
    Arc::new(At(time))
}

/// Admits everybody but the one with this short name.
#[derive(Debug)]
struct AllBut(&'static str);

impl Gate for AllBut {
    fn admits(&self, peer: &VerifiedPeer) -> bool {
        peer.name.short() != self.0
    }
}

struct World {
    organisation: Organisation,
    root: Root,
    issuing: Issuing,
}

impl World {
    fn new(organisation: &str) -> Self {
        let organisation: Organisation = organisation.parse().unwrap();
        let now = Timestamp::from_unix(NOW - DAY);
        let root = Root::make(&organisation, now).unwrap();
        let issuing = root.issuing(&organisation, now).unwrap();
        Self { organisation, root, issuing }
    }

    fn identity(&self, name: Name, now: i64) -> Identity {
        let key = Key::generate().unwrap();
        let wanted = request::verify(&request::make(&key).unwrap()).unwrap();
        let issued =
            self.issuing.issue(&name, &wanted, Timestamp::from_unix(now), LEAF_LIFE).unwrap();
        Identity::new(issued.chain, key).unwrap()
    }

    fn agent(&self, now: i64) -> Identity {
        self.identity(Name::Agent(self.organisation.clone(), "00ff".parse().unwrap()), now)
    }

    fn controller(&self, now: i64) -> Identity {
        self.identity(Name::Controller(self.organisation.clone()), now)
    }

    fn bundle(&self) -> Trusting {
        let roots = vec![self.root.certificate().to_vec()];
        Trusting::Bundle(TrustBundle::new(1, roots).unwrap())
    }

    fn pin(&self) -> Trusting {
        Trusting::Pin(self.root.pin())
    }
}

/// How a handshake ended for each side.
struct Ended {
    client: Result<ClientConnection, Error>,
    server: Result<ServerConnection, Error>,
}

struct Case<'a> {
    server: &'a World,
    serves: Identity,
    dials: Option<Identity>,
    trusting: Trusting,
    dialled: &'a World,
    server_time: i64,
    lifetimes: Lifetimes,
    shut_out: &'static str,
    bridge: Option<CertificateDer<'static>>,
}

impl<'a> Case<'a> {
    fn of(world: &'a World) -> Self {
        Self {
            server: world,
            serves: world.controller(NOW),
            dials: Some(world.agent(NOW)),
            trusting: world.bundle(),
            dialled: world,
            server_time: NOW,
            lifetimes: Lifetimes::Judged(at(NOW)),
            shut_out: "",
            bridge: None,
        }
    }

    fn run(self) -> Ended {
        let issuers = [self.server.issuing.certificate().clone()];
        let gate = Arc::new(AllBut(self.shut_out));
        let presented = (&self.serves, self.bridge.as_ref());
        let server =
            bridged_server_config(presented, &issuers, gate, at(self.server_time)).unwrap();
        let organisation = &self.dialled.organisation;
        let client =
            client_config(organisation, &self.trusting, self.dials.as_ref(), self.lifetimes)
                .unwrap();
        let name = ServerName::try_from(server_name(organisation)).unwrap();
        shake(ClientConnection::new(client, name).unwrap(), ServerConnection::new(server).unwrap())
    }

    /// What the client is told, and that the server did not let it in.
    fn server_refuses(self) -> AlertDescription {
        let ended = self.run();
        assert!(ended.server.is_err(), "the server let it in");
        match ended.client {
            Err(Error::AlertReceived(alert)) => alert,
            other => panic!("the client was told nothing: {other:?}"),
        }
    }

    fn client_refuses(self) -> CertificateError {
        match self.run().client {
            Err(Error::InvalidCertificate(reason)) => reason,
            other => panic!("the client went on: {other:?}"),
        }
    }
}

fn shake(client: ClientConnection, server: ServerConnection) -> Ended {
    let (mut client, mut server) = (Connection::from(client), Connection::from(server));
    let (mut client_error, mut server_error) = (None, None);
    for _ in 0..10 {
        step(&mut client, &mut server, &mut server_error);
        step(&mut server, &mut client, &mut client_error);
    }
    let client = match (client, client_error) {
        (_, Some(error)) => Err(error),
        (Connection::Client(client), None) => Ok(client),
        _ => unreachable!(),
    };
    let server = match (server, server_error) {
        (_, Some(error)) => Err(error),
        (Connection::Server(server), None) => Ok(server),
        _ => unreachable!(),
    };
    Ended { client, server }
}

/// Carries bytes from one side to the other, and keeps the first error of the one that reads.
fn step(from: &mut Connection, to: &mut Connection, error: &mut Option<Error>) {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = &*bytes;
    while !rest.is_empty() && to.read_tls(&mut rest).is_ok_and(|read| read > 0) {
        if let Err(trouble) = to.process_new_packets() {
            error.get_or_insert(trouble);
        }
    }
}

#[test]
fn both_sides_see_each_other_over_the_hybrid_group_and_nothing_is_resumed() {
    let world = World::new("acme");
    for trusting in [world.bundle(), world.pin()] {
        let ended = Case { trusting, ..Case::of(&world) }.run();
        let (client, server) = (ended.client.unwrap(), ended.server.unwrap());
        assert!(!client.is_handshaking() && !server.is_handshaking());
        let group = server.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
        assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(client.tls13_tickets_received(), 0);
        let seen = crate::peer::read(server.peer_certificates().unwrap()).unwrap();
        assert_eq!(seen.name.to_string(), "palisade://acme/agent/00ff");
        // The client sends its own certificate and nothing more.
        assert_eq!(server.peer_certificates().unwrap().len(), 1);
    }
}

#[test]
fn somebody_without_a_certificate_is_nobody_but_may_speak() {
    let world = World::new("acme");
    let ended = Case { dials: None, ..Case::of(&world) }.run();
    assert!(ended.client.is_ok());
    assert!(ended.server.unwrap().peer_certificates().is_none());
}

#[test]
fn an_operator_gets_in_and_a_controller_does_not() {
    let world = World::new("acme");
    let kim: OperatorName = "kim".parse().unwrap();
    let kim = world.identity(Name::Operator(world.organisation.clone(), kim), NOW);
    assert!(Case { dials: Some(kim), ..Case::of(&world) }.run().server.is_ok());
    let alert = Case { dials: Some(world.controller(NOW)), ..Case::of(&world) }.server_refuses();
    assert_eq!(alert, AlertDescription::UnsupportedCertificate);
}

#[test]
fn an_agent_is_no_controller() {
    let world = World::new("acme");
    let refusal = Case { serves: world.agent(NOW), ..Case::of(&world) }.client_refuses();
    assert!(matches!(refusal, CertificateError::InvalidPurpose), "{refusal:?}");
}

#[test]
fn another_organisations_people_are_strangers() {
    let (ours, theirs) = (World::new("acme"), World::new("acme"));
    let alert = Case { dials: Some(theirs.agent(NOW)), ..Case::of(&ours) }.server_refuses();
    assert!(matches!(alert, AlertDescription::UnknownCA | AlertDescription::DecryptError));
    for trusting in [ours.bundle(), ours.pin()] {
        let refusal =
            Case { server: &theirs, serves: theirs.controller(NOW), trusting, ..Case::of(&ours) }
                .client_refuses();
        let expected = [CertificateError::UnknownIssuer, CertificateError::BadSignature];
        assert!(expected.contains(&refusal), "{refusal:?}");
    }
}

#[test]
fn a_controller_of_another_name_is_refused() {
    let (acme, other) = (World::new("acme"), World::new("other"));
    let refusal = Case {
        server: &other,
        serves: other.controller(NOW),
        trusting: other.bundle(),
        ..Case::of(&acme)
    }
    .client_refuses();
    assert_eq!(refusal, CertificateError::NotValidForName);
}

#[test]
fn what_is_over_or_has_not_begun_is_refused_on_both_sides() {
    let world = World::new("acme");
    let late = NOW + LEAF_LIFE + 1;
    let alert = Case { server_time: late, ..Case::of(&world) }.server_refuses();
    assert_eq!(alert, AlertDescription::CertificateExpired);
    let early = Case { dials: Some(world.agent(NOW + DAY)), ..Case::of(&world) }.server_refuses();
    assert_eq!(early, AlertDescription::CertificateExpired);
    let refusal =
        Case { lifetimes: Lifetimes::Judged(at(late)), ..Case::of(&world) }.client_refuses();
    assert_eq!(refusal, CertificateError::Expired);
    let refusal = Case { serves: world.controller(NOW + DAY), ..Case::of(&world) }.client_refuses();
    assert_eq!(refusal, CertificateError::NotValidYet);
}

#[test]
fn who_does_not_know_the_time_judges_no_lifetime_but_takes_nothing_that_was_over_before() {
    let world = World::new("acme");
    let unjudged = |floor| Lifetimes::Unjudged { floor: Timestamp::from_unix(floor) };
    for floor in [0, NOW] {
        let ended = Case { lifetimes: unjudged(floor), ..Case::of(&world) }.run();
        assert!(ended.client.is_ok());
    }
    let late = unjudged(NOW + LEAF_LIFE + 1);
    let refusal = Case { lifetimes: late, ..Case::of(&world) }.client_refuses();
    assert_eq!(refusal, CertificateError::Expired);
}

#[test]
fn who_is_not_admitted_is_told_so() {
    let world = World::new("acme");
    let alert = Case { shut_out: "00ff", ..Case::of(&world) }.server_refuses();
    assert_eq!(alert, AlertDescription::CertificateRevoked);
}

/// A device issuer is in the hands of a site's agent; with it, the agent must not become anybody else.
#[test]
fn a_device_issuer_can_make_neither_operator_nor_controller() {
    let world = World::new("acme");
    let key = Key::generate().unwrap();
    let wanted = request::verify(&request::make(&key).unwrap()).unwrap();
    let may_name = DeviceNames { names: vec!["harbour.example".to_owned()], networks: vec![] };
    let issued = world
        .issuing
        .device_issuer(
            &world.organisation,
            &"harbour".parse().unwrap(),
            &may_name,
            &wanted,
            Timestamp::from_unix(NOW),
        )
        .unwrap();
    let rogue = Issuing::from_parts(issued.chain[0].clone(), issued.chain[1].clone(), key).unwrap();
    let forge = |name: Name| {
        let key = Key::generate().unwrap();
        let wanted = request::verify(&request::make(&key).unwrap()).unwrap();
        let made = rogue.issue(&name, &wanted, Timestamp::from_unix(NOW), LEAF_LIFE).unwrap();
        let chain: Vec<CertificateDer<'static>> =
            vec![made.chain[0].clone(), issued.chain[0].clone(), issued.chain[1].clone()];
        Identity::new(chain, key).unwrap()
    };
    let kim = forge(Name::Operator(world.organisation.clone(), "kim".parse().unwrap()));
    let agent: AgentId = "0100".parse().unwrap();
    let agent = forge(Name::Agent(world.organisation.clone(), agent));
    for forged in [kim, agent] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(world.root.certificate().clone()).unwrap();
        let time = Arc::new(crate::clock::TlsTime(at(NOW)));
        // An attacker's client sends the whole chain, so that the device issuer is at hand.
        let client = rustls::ClientConfig::builder_with_details(PROVIDER.clone(), time)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(forged.chain().to_vec(), forged.key().for_tls())
            .unwrap();
        let issuers = [world.issuing.certificate().clone()];
        let serves = world.controller(NOW);
        let server = server_config(&serves, &issuers, Arc::new(AllBut("")), at(NOW)).unwrap();
        let name = ServerName::try_from(server_name(&world.organisation)).unwrap();
        let ended = shake(
            ClientConnection::new(Arc::new(client), name).unwrap(),
            ServerConnection::new(server).unwrap(),
        );
        let refused = Err(AlertDescription::UnknownCA);
        let told = ended.client.map(|_| ()).map_err(|error| match error {
            Error::AlertReceived(alert) => alert,
            other => panic!("{other}"),
        });
        assert_eq!(told, refused);
    }
    let controller = forge(Name::Controller(world.organisation.clone()));
    Case { serves: controller, ..Case::of(&world) }.client_refuses();
}

#[test]
fn whoever_only_knows_the_old_root_is_led_over_a_bridge_and_by_nobody_elses() {
    let (old, new, others) = (World::new("acme"), World::new("acme"), World::new("acme"));
    let now = Timestamp::from_unix(NOW);
    let bridge = |root: &World| root.root.bridge(&new.issuing, now).unwrap();
    let straggler = |bridge, lifetimes| Case {
        dials: None,
        trusting: old.bundle(),
        bridge,
        lifetimes,
        ..Case::of(&new)
    };
    let today = || Lifetimes::Judged(at(NOW));
    assert!(straggler(Some(bridge(&old)), today()).run().client.is_ok());
    assert!(straggler(None, today()).run().client.is_err());
    assert!(straggler(Some(bridge(&others)), today()).run().client.is_err());
    let later = Lifetimes::Judged(at(NOW + 400 * DAY));
    assert!(straggler(Some(bridge(&old)), later).run().client.is_err());
    // Nobody else notices.
    let usual = Case { bridge: Some(bridge(&old)), ..Case::of(&new) };
    assert!(usual.run().client.is_ok());
    let first = Case { trusting: new.pin(), bridge: Some(bridge(&old)), ..Case::of(&new) };
    assert!(first.run().client.is_ok());
    // It certifies a key, not what another one signs.
    let forged = Case { serves: others.controller(NOW), ..straggler(Some(bridge(&old)), today()) };
    assert!(forged.run().client.is_err());
}
