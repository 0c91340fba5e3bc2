//! Every key of the settings does what it says. `server.data`, `server.listen` and `server.socket` are tried where the
//! controller is served by its settings (`local`), those of `log` in `cli/serve.rs`, `limits.handshakes` and
//! `limits.enrollments_per_minute` beside what they hold off.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use proto::Role;
use proto::wire::v1;
use tokio::net::TcpStream;
use tonic::Code as Grpc;

use crate::api::testing::{World, bounds, site, soon};
use crate::api::{Bounds, ServeError, open};
use crate::config::{Config, Limits, Span};
use crate::service::approval::Asked;
use crate::service::testing::{DAY, NOW, World as Founded, asking, name, report, source};
use crate::service::{Refusal, Service};

/// What was founded, opened by settings in which something is set.
async fn opened(set: impl FnOnce(&mut Config)) -> Founded {
    let mut founded = Founded::new().await;
    let mut config = Config::default();
    config.server.data.clone_from(&founded.data);
    config.server.addresses = vec!["controller.example.org:7443".parse().unwrap()];
    set(&mut config);
    let service: Arc<Service> = open(&config, founded.clock.clone()).await.unwrap();
    service.load().await.unwrap();
    founded.service = service;
    founded
}

#[tokio::test]
async fn lives_and_addresses_are_those_of_the_settings() {
    let founded = opened(|config| {
        config.lives.token = Span::minutes(11);
        config.lives.code = Span::minutes(12);
        config.lives.pending = Span::minutes(13);
        config.lives.certificate = Span::hours(14);
    })
    .await;
    let (service, kim) = (&founded.service, &founded.kim);
    founded.add_site("harbour").await;
    let token = service.create_token(kim, &site("harbour"), 0).await.unwrap();
    assert_eq!(token.expires_at.unix(), NOW + 11 * 60);
    assert_eq!(token.addresses, ["controller.example.org:7443"]);
    let robin = service.add_operator(kim, &name("robin"), Role::Viewer).await.unwrap();
    assert_eq!(robin.expires_at.unix(), NOW + 12 * 60);
    let asked = service.ask_approval(source(), asking().0).await.unwrap();
    let Asked::Waiting { expires_at, .. } = asked else { panic!("{asked:?}") };
    assert_eq!(expires_at.unix(), NOW + 13 * 60);
    founded.join_with("harbour", &token.secret).await;
    let ends = service.agents(None).await.unwrap()[0].agent.certificate_ends;
    assert_eq!(ends.unix(), NOW + 14 * 3600);
    let robins = service.log_in(source(), &robin.secret, &asking().0.request).await.unwrap();
    let (_, ends) = certs::trust::lifetime(&robins.chain[0]).unwrap();
    assert_eq!(ends.unix(), NOW + 14 * 3600);
    let limits = Bounds::new(&Limits::default());
    let port = crate::api::start(service.clone(), ([127, 0, 0, 1], 0).into(), limits).await;
    assert_eq!(service.health().await.certificate, Some(14 * 3600));
    port.unwrap().stop().await;
}

#[tokio::test]
async fn what_agents_reported_is_kept_as_long_as_the_settings_say() {
    let founded = opened(|config| {
        config.keep.findings = Span::days(2);
        config.keep.agent_audit = Span::days(40);
    })
    .await;
    founded.add_site("harbour").await;
    let (agent, ..) = founded.join("harbour").await;
    founded.records(&agent, 3).await;
    founded.report(&agent, 1, report("yard", Vec::new())).await;
    let (devices, records) = ("SELECT COUNT(*) FROM devices", "SELECT COUNT(*) FROM agent_audit");
    for (days, left) in [(2, (1, 3)), (1, (0, 3)), (37, (0, 3)), (1, (0, 0))] {
        founded.clock.forward(days * DAY);
        founded.service.forget_old().await.unwrap();
        let store = &founded.service.store;
        assert_eq!((store.number(devices).await, store.number(records).await), left, "{days}");
    }
}

#[tokio::test]
async fn a_backup_is_sealed_to_the_recipients_of_the_settings() {
    let opener = certs::seal::Opener::generate();
    let text = opener.recipient().to_string();
    let founded = opened(|config| config.backup.recipients = vec![text]).await;
    let pieces = founded.service.backup(&founded.kim).await.unwrap();
    let sealed: Vec<u8> = pieces.map(|piece| piece.unwrap()).concat().await;
    let mut archive = Vec::new();
    let mut plain = certs::seal::opening(&*sealed, &opener).unwrap();
    std::io::Read::read_to_end(&mut plain, &mut archive).unwrap();
    let mut config = Config::default();
    config.backup.recipients = vec!["age1nobody".to_owned()];
    let refused = open(&config, founded.clock.clone()).await.unwrap_err();
    assert!(matches!(refused, ServeError::BadRecipient(_)), "{refused}");
}

#[tokio::test]
async fn only_so_many_wait_for_approval() {
    let founded = opened(|config| config.limits.pending = 2).await;
    for _ in 0..2 {
        founded.service.ask_approval(source(), asking().0).await.unwrap();
    }
    let third = founded.service.ask_approval(source(), asking().0).await;
    assert!(matches!(third, Err(Refusal::Exhausted(_))), "{third:?}");
}

#[test]
fn the_ports_bounds_are_those_of_the_settings() {
    let bounds = Bounds::new(&Limits {
        connections: 101,
        handshakes: 40,
        handshake_time: Span::seconds(3),
        enrollments_per_minute: 17,
        message_bytes: 1_200_000,
        ..Limits::default()
    });
    assert_eq!((bounds.connections, bounds.handshakes, bounds.message), (101, 40, 1_200_000));
    assert_eq!(bounds.handshake_time, Duration::from_secs(3));
    assert_eq!((bounds.enrollments_per_minute, bounds.handshakes_per_source), (17, 10));
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_bound_half_open_ones_among_them() {
    let world = World::with(Bounds { connections: 2, ..bounds() }).await;
    let first = world.dial(None).await.unwrap();
    let half_open = TcpStream::connect(world.running.address).await.unwrap();
    assert!(world.dial(None).await.is_err());
    assert_eq!(world.service.meters.handshakes(crate::service::meters::Handshake::Crowded), 1);
    drop(half_open);
    soon(async { while world.dial(None).await.is_err() {} }).await;
    drop(first);
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_bound_and_no_larger() {
    let world = World::with(Bounds { message: 100_000, ..bounds() }).await;
    let member = world.member("harbour").await;
    let mut client = world.agent(&member).await;
    let mut report = async |size: usize| {
        let report = v1::ReportRequest {
            epoch: "e".repeat(size),
            entries: Vec::new(),
            takes_refusals: true,
        };
        client.report(report).await.unwrap_err().code()
    };
    assert_eq!(report(99_000).await, Grpc::InvalidArgument, "read, and not liked");
    assert_eq!(report(101_000).await, Grpc::OutOfRange);
}
