use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use certs::Clock as _;
use proto::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;
use crate::api::{self, Bounds, ServeError, start};
use crate::config::{Config, Limits};
use crate::service::meters::{Handshake, Question, Reply};
use crate::service::testing::{DAY, NOW, World, report};

async fn ask(path: &Path, line: &str) -> String {
    let asked = async {
        let mut stream = UnixStream::connect(path).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: controller\r\n\r\n");
        // Whoever says too much may be cut off.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    };
    timeout(Duration::from_secs(30), asked).await.expect("nobody answered")
}

/// The metrics' lines, by what stands before the number.
async fn metrics(path: &Path) -> BTreeMap<String, f64> {
    let text = ask(path, "GET /metrics").await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("# EOF\n"), "{text}");
    let lines = text.split("\r\n\r\n").nth(1).unwrap().lines();
    let numbers = lines.filter(|line| !line.starts_with('#'));
    let number = |line: &str| {
        let (name, number) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), number.parse().unwrap())
    };
    numbers.map(number).collect()
}

async fn health(path: &Path) -> (String, Value) {
    let text = ask(path, "GET /health").await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

async fn serving(world: &World) -> (std::path::PathBuf, CancellationToken, JoinHandle<()>) {
    let path = world.data.join("palisade.sock");
    let (socket, stop) = (Socket::open(&path).await.unwrap(), CancellationToken::new());
    let served = tokio::spawn(serve(socket, world.service.clone(), stop.clone()));
    (path, stop, served)
}

#[tokio::test]
async fn health_is_ready_while_the_port_is_open_and_not_before_or_after() {
    let world = World::new().await;
    let (path, stop, served) = serving(&world).await;
    let (status, told) = health(&path).await;
    assert!(status.contains("503") && told["ready"] == false, "{status} {told}");
    assert_eq!(
        (&told["database"], &told["certificate_seconds_left"]),
        (&true.into(), &Value::Null)
    );
    let bounds = Bounds::new(&Limits::default());
    let port = start(world.service.clone(), ([127, 0, 0, 1], 0).into(), bounds).await.unwrap();
    let (status, told) = health(&path).await;
    assert!(status.contains("200") && told["ready"] == true, "{status} {told}");
    assert_eq!(told["certificate_seconds_left"], 7 * DAY);
    assert_eq!((&told["organisation"], &told["port"]), (&"acme".into(), &true.into()));
    port.stop().await;
    let (status, told) = health(&path).await;
    assert!(status.contains("503") && told["port"] == false, "{status} {told}");
    assert_eq!(told["database"], false, "its files are closed");
    stop.cancel();
    served.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn the_numbers_are_those_of_the_books_and_of_what_happened() {
    let world = World::new().await;
    let (path, ..) = serving(&world).await;
    for site in ["harbour", "depot"] {
        world.add_site(site).await;
    }
    let (agent, ..) = world.join("harbour").await;
    let (gone, ..) = world.join("depot").await;
    world.service.revoke_agent(&world.kim, &gone.id, "stolen").await.unwrap();
    world.report(&agent, 1, report("yard", Vec::new())).await;
    world.records(&agent, 3).await;
    // The agent's clock is an hour slow, and its oldest record waits for two hours.
    world.service.store.tamper("UPDATE agents SET outbox_records = 4, outbox_oldest = 1800000000 - 10800, clock_offset = -3600 WHERE standing = 'active'").await;
    let meters = &world.service.meters;
    meters.shaken(Handshake::Late);
    meters.replied(Question::Enroll, Reply::Refused);
    meters.replied(Question::Enroll, Reply::Refused);
    let told = metrics(&path).await;
    for (name, number) in [
        ("palisade_agents{state=\"online\"}", 0),
        ("palisade_agents{state=\"offline\"}", 1),
        ("palisade_agents{state=\"revoked\"}", 1),
        ("palisade_agents{state=\"locked\"}", 0),
        ("palisade_connected_agents", 0),
        ("palisade_connections", 0),
        ("palisade_outbox_oldest_seconds", 7200),
        ("palisade_reports_total", 2),
        ("palisade_report_entries_total", 4),
        ("palisade_handshakes_total{outcome=\"late\"}", 1),
        ("palisade_handshakes_total{outcome=\"agent\"}", 0),
        ("palisade_strangers_questions_total{question=\"enroll\",reply=\"refused\"}", 2),
        ("palisade_certificate_seconds_left{of=\"issuing\"}", 365 * DAY),
        ("palisade_certificate_seconds_left{of=\"root\"}", 3653 * DAY),
        ("palisade_audit_log_records", world.deeds().await.len() as i64),
    ] {
        assert_eq!(told.get(name), Some(&(number as f64)), "{name}: {told:#?}");
    }
    assert!(told["palisade_database_bytes"] > 4096.0);
    assert!(!told.contains_key("palisade_last_backup_timestamp_seconds"));
    let text = ask(&path, "GET /metrics").await;
    assert!(!text.contains("harbour") && !text.contains(agent.id.as_str()), "{text}");
}

#[tokio::test]
async fn the_last_backup_is_one_that_was_handed_over_whole_or_recorded() {
    use futures::StreamExt as _;

    const NAME: &str = "palisade_last_backup_timestamp_seconds";
    let world = World::new().await;
    let (path, ..) = serving(&world).await;
    drop(world.service.backup(&world.kim).await.unwrap());
    world.clock.forward(60);
    // The turn of the one that was not taken has to end.
    let mut pieces = loop {
        match world.service.backup(&world.kim).await {
            Ok(pieces) => break pieces,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    while let Some(piece) = pieces.next().await {
        piece.unwrap();
    }
    assert_eq!(metrics(&path).await[NAME], (NOW + 60) as f64);
    let again =
        crate::service::testing::serve(world.data.clone(), world.clock.clone(), &world.opener);
    assert_eq!(again.await.meters.last_backup(), Some(Timestamp::from_unix(NOW + 60)));
    assert_eq!(world.clock.now().unix(), NOW + 60);
}

#[tokio::test]
async fn nothing_but_two_questions_is_answered() {
    let world = World::new().await;
    let (path, ..) = serving(&world).await;
    for (line, status) in [
        ("GET /", "404"),
        ("GET /health/../metrics", "404"),
        ("POST /health", "405"),
        ("DELETE /metrics", "405"),
        ("nonsense", "400"),
    ] {
        let answer = ask(&path, line).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{line}: {answer}");
    }
    let long = ask(&path, &format!("GET /{}", "x".repeat(64 << 10))).await;
    assert!(!long.contains(" 200 "), "{long}");
    let (status, _) = health(&path).await;
    assert!(status.contains("503"), "{status}");
}

#[tokio::test]
async fn the_controller_answers_where_its_settings_say_until_it_is_stopped() {
    let world = World::new().await;
    world.service.store.close().await;
    let mut config = Config::default();
    config.server.data.clone_from(&world.data);
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.socket = "run/ctl.sock".into();
    let (path, stop) = (config.socket(), CancellationToken::new());
    let serving = tokio::spawn(api::serve(config.clone(), world.clock.clone(), stop.clone()));
    let answered = async {
        while !path.exists() || !health(&path).await.0.contains("200") {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), answered).await.expect("it is not ready");
    let again = api::serve(config, world.clock.clone(), CancellationToken::new()).await;
    assert!(matches!(again, Err(ServeError::Socket(SocketError::Taken(_)))), "{again:?}");
    assert!(health(&path).await.0.contains("200"));
    stop.cancel();
    serving.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn without_a_controller_in_it_the_data_folder_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.data = folder.path().join("data");
    let clock = World::new().await.clock;
    let refused = api::serve(config, clock, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(refused, ServeError::Open(..)), "{refused}");
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn a_socket_that_was_left_is_replaced_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("palisade.sock");
    // Left by a run that was killed: the file stays, and nobody listens.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let socket = Socket::open(&path).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let taken = Socket::open(&path).await.unwrap_err();
    assert!(matches!(&taken, SocketError::Taken(_)), "{taken}");
    // Somebody else's took its place: it stays when ours goes.
    fs::remove_file(&path).unwrap();
    let other = Socket::open(&path).await.unwrap();
    drop(socket);
    assert!(path.exists());
    drop(other);
    assert!(!path.exists());
    fs::write(&path, "a text").unwrap();
    let foreign = Socket::open(&path).await.unwrap_err();
    assert!(matches!(&foreign, SocketError::Foreign(_)), "{foreign}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a text");
    let link = folder.path().join("link.sock");
    symlink(&path, &link).unwrap();
    assert!(matches!(Socket::open(&link).await.unwrap_err(), SocketError::Foreign(_)));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // A folder that is not there is made for its owner alone.
    let inner = folder.path().join("run/palisade.sock");
    let socket = Socket::open(&inner).await.unwrap();
    let mode = fs::metadata(folder.path().join("run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(socket);
}
