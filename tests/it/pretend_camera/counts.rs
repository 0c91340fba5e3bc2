//! What it counts, on which the bench relies.

use std::time::Duration;

use tests::devices::mobotix::{Line, Spec, TlsVersions};

use super::client::Client;
use super::{factory, start};

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_after_the_other_is_one_at_once() {
    let camera = factory().await;
    for _ in 0..100 {
        let mut client = Client::http(camera.http_address()).await;
        client.fetch("/robots.txt", None).await;
        drop(client);
    }
    for _ in 0..20 {
        let mut client = Client::https(camera.https_address()).await;
        client.fetch("/robots.txt", None).await;
        client.close().await;
    }
    let counts = camera.counts();
    assert_eq!((counts.connections, counts.most_open), (120, 1));
    assert_eq!(counts.requests, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_connections_are_counted_together() {
    let camera = factory().await;
    let mut first = Client::http(camera.http_address()).await;
    first.fetch("/robots.txt", None).await;
    let mut second = Client::https(camera.https_address()).await;
    second.fetch("/robots.txt", None).await;
    drop(first);
    let mut third = Client::http(camera.http_address()).await;
    third.fetch("/robots.txt", None).await;
    assert_eq!(camera.counts().most_open, 2);
}

#[tokio::test]
async fn every_round_trip_is_imposed_and_counted() {
    let latency = Duration::from_millis(2);
    for (tls, handshake) in [(TlsVersions::Both, 1), (TlsVersions::Only12, 2)] {
        let camera = start(Spec { latency, tls, ..Spec::new(Line::P3, "yard") }).await;
        let mut client = Client::https(camera.https_address()).await;
        client.fetch("/robots.txt", None).await;
        client.fetch("/robots.txt", None).await;
        let counts = camera.counts();
        assert_eq!(counts.round_trips, 1 + handshake + 2, "{tls:?}");
        assert!(counts.delayed >= latency * u32::try_from(counts.round_trips).unwrap());
    }
}
