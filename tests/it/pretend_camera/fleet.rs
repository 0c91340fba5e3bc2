//! The fleet that the bench starts.

use std::time::Duration;

use tests::devices::mobotix::configs;
use tests::fleet::{Transport, fleet};

use super::client::{Client, digest};

#[tokio::test]
async fn a_fleet_is_listed_in_its_site_file_and_lets_the_auditor_in() {
    let fleet = fleet(3, Duration::ZERO, Transport::Http).await.unwrap();
    let site = std::fs::read_to_string(fleet.site_file()).unwrap();
    assert_eq!(site.matches("[[devices]]").count(), 3);
    let third = fleet.cameras()[2].http_address().unwrap();
    assert!(site.contains(&format!("address = \"http://127.1.0.3:{}\"", third.port())), "{site}");
    for camera in fleet.cameras() {
        let mut client = Client::http(camera.http_address()).await;
        let refused = client.fetch("/admin/index.html", None).await;
        let challenge = refused.fields("WWW-Authenticate")[0];
        let answer = digest(challenge, "/admin/index.html", configs::AUDITOR, 1);
        let page =
            client.ask("GET", "/admin/index.html", &[("Authorization", &*answer)], b"").await;
        assert_eq!(page.unwrap().status, 200);
        assert!(camera.flash_config().len() > 40_000);
    }
    let counts = fleet.counts();
    assert_eq!((counts.most_open, counts.requests, counts.round_trips), (1, 6, 9));
    assert_eq!(fleet.limit(Duration::from_millis(20), 2), Duration::from_millis(90));
}
