//! The whole agent in its folder, against a controller made of hooks, asked over its socket.

mod desk;

use std::path::PathBuf;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;
use crate::identity::testing::Acme;
use crate::link::fake::Fake;
use crate::link::tests::HASTE;

/// A folder with a site file, and the agent that runs on it.
struct Place {
    data: tempfile::TempDir,
    stop: CancellationToken,
}

const SITE: &str =
    "name = \"harbour\"\nvisit_minutes = 1\n[[devices]]\nname = \"nas\"\nkind = \"nas\"\n";

impl Place {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("site.toml"), SITE).unwrap();
        Self { data, stop: CancellationToken::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    fn folder(&self) -> Folder {
        Folder::within(self.data.path())
    }

    async fn run(&self) -> Result<(), ServiceError> {
        let settings = Settings {
            data: self.data.path().to_owned(),
            socket: self.path("agent.sock"),
            site: self.path("site.toml"),
            environment: Arc::new(|_| None),
            pace: HASTE,
            reload: Arc::default(),
        };
        run(settings, Arc::new(certs::SystemClock), self.stop.clone()).await
    }

    /// Runs the agent while the test does its part, and then until it has ended in order.
    async fn while_it_runs(&self, part: impl AsyncFnOnce()) {
        let acted = async {
            while UnixStream::connect(self.path("agent.sock")).await.is_err() {
                tokio::task::yield_now().await;
            }
            part().await;
            self.stop.cancel();
        };
        let (ended, ()) = tokio::join!(self.run(), acted);
        ended.unwrap();
        assert!(!self.path("agent.sock").exists());
    }

    async fn ask(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.path("agent.sock")).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        // Whoever is cut off was answered with nothing.
        let _ = stream.read_to_string(&mut reply).await;
        reply
    }

    async fn status(&self) -> Value {
        let reply = self.ask("GET /status").await;
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return status;
            }
        }
    }
}

/// A controller that lets agents in now, and has committed whatever comes.
async fn controller() -> (Arc<Fake>, crate::identity::Member) {
    let now = certs::Clock::now(&certs::SystemClock).unix();
    let fake = Fake::new(Acme::at(now));
    let address = fake.serve_at(now).await;
    fake.is_content(now);
    let member = crate::identity::Member { addresses: vec![address], ..fake.acme.member() };
    (fake, member)
}

#[tokio::test]
async fn before_it_is_enrolled_the_box_answers_and_then_it_serves() {
    let (place, (_fake, member)) = (Place::new(), controller().await);
    place
        .while_it_runs(async || {
            let status = place.until(|status| status["state"] == "unenrolled").await;
            assert!(status["identity"].is_null() && status["store"]["trouble"].is_null());
            assert!(place.ask("GET /metrics").await.contains("palisade_agent_enrolled 0\n"));
            place.folder().keep_member(&member).unwrap();
            let status = place.until(|status| status["link"]["state"] == "online").await;
            assert_eq!(status["identity"]["site"], "harbour");
            place
                .until(|status| {
                    !status["rounds"]["last_visit"].is_null() && status["outbox"]["records"] == 0
                })
                .await;
            let turn = place.status().await["rounds"]["turns"]["nas"].clone();
            assert!(!turn["next_visit"].is_null() && turn["failures"] == 0, "{turn}");
            let metrics = place.ask("GET /metrics").await;
            let visits = "visits_total{outcome=\"seen\"} 1\n";
            for line in ["enrolled 1\n", "online 1\n", "devices 1\n", visits, "# EOF\n"] {
                assert!(metrics.contains(line), "{line}: {metrics}");
            }
            let mut samples = metrics.lines().filter(|line| !line.starts_with('#'));
            let left = samples.find_map(|line| line.split_once("cert_seconds_left "));
            let left: i64 = left.unwrap().1.parse().unwrap();
            assert!((600_000..=7 * 86_400).contains(&left), "{metrics}");
        })
        .await;
}

#[tokio::test]
async fn the_time_is_on_disk_as_soon_as_the_controller_tells_another_one() {
    let told = certs::Clock::now(&certs::SystemClock).unix() - 100;
    let (place, fake) = (Place::new(), Fake::new(Acme::at(told)));
    let address = fake.serve_at(told).await;
    fake.is_content(told);
    let member = crate::identity::Member { addresses: vec![address], ..fake.acme.member() };
    place.folder().keep_member(&member).unwrap();
    place
        .while_it_runs(async || {
            let kept = async {
                while Remembered::read(place.data.path()).unwrap().floor.unix() < told {
                    place.status().await;
                }
            };
            // The next look at the clock without a reason comes after a minute.
            timeout(Duration::from_secs(40), kept).await.expect("it is kept");
        })
        .await;
}

#[tokio::test]
async fn an_identity_beyond_use_is_told_and_one_that_is_restored_is_used() {
    let (place, (_fake, member)) = (Place::new(), controller().await);
    place.folder().keep_member(&member).unwrap();
    let file = place.path("identity/member.0");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    place
        .while_it_runs(async || {
            let status = place.until(|status| status["state"] == "identity_damaged").await;
            assert!(status["trouble"].as_str().unwrap().contains("identity/member"));
            std::fs::write(&file, &whole).unwrap();
            place.until(|status| status["state"] == "serving").await;
        })
        .await;
}

#[tokio::test]
async fn without_a_controller_it_visits_and_what_it_finds_waits_for_the_next_run() {
    let place = Place::new();
    let member = Acme::at(certs::Clock::now(&certs::SystemClock).unix()).member();
    place.folder().keep_member(&member).unwrap();
    let mut waiting = 0;
    place
        .while_it_runs(async || {
            let status = place.until(|status| !status["rounds"]["last_visit"].is_null()).await;
            assert_eq!(status["link"]["state"], "offline");
            waiting = status["outbox"]["records"].as_u64().unwrap();
        })
        .await;
    assert!(waiting >= 2);
    let again = Place { data: place.data, stop: CancellationToken::new() };
    again
        .while_it_runs(async || {
            again.until(|status| status["outbox"]["records"].as_u64().unwrap() >= waiting).await;
        })
        .await;
}

#[tokio::test]
async fn only_what_is_there_can_be_asked_for_and_nothing_can_be_changed() {
    let place = Place::new();
    place
        .while_it_runs(async || {
            assert!(place.ask("GET /").await.starts_with("HTTP/1.1 404 "));
            assert!(place.ask("POST /status").await.starts_with("HTTP/1.1 405 "));
            let long = format!("GET /{}", "x".repeat(20_000));
            assert!(!place.ask(&long).await.contains("200 OK"));
        })
        .await;
}

#[tokio::test]
async fn a_second_agent_on_the_same_data_is_refused_and_leaves_the_first_ones_socket() {
    let place = Place::new();
    place
        .while_it_runs(async || {
            let refused = place.run().await.unwrap_err();
            assert!(refused.to_string().contains("another agent"), "{refused}");
            place.status().await;
        })
        .await;
}

#[tokio::test]
async fn a_socket_that_was_left_is_replaced_and_a_file_is_not() {
    let place = Place::new();
    let path = place.path("agent.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    place.while_it_runs(async || drop(place.status().await)).await;
    std::fs::write(&path, "mine").unwrap();
    let again = Place { data: place.data, stop: CancellationToken::new() };
    assert!(matches!(again.run().await, Err(ServiceError::Socket(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}
