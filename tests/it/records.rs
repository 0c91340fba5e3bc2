//! A site's past, with real programs and pretend cameras: backups of configurations that only recovery keys open, and an
//! attack that shows in two cameras' logs.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use certs::escrow::open_file;
use certs::seal::Opener;
use certs::ticket::Ticket;
use proto::{SealedCopy, Secret};
use serde_json::Value;
use tests::devices::mobotix::{Camera, Line, Outcome, Spec, configs};
use tests::world::{Controller, SiteBox, palisade, run as run_program, secret_file, text};

/// No story takes so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// A password that stands in clear in the pretend camera's configuration.
const PLANTED: &str = "Pftp-Gannet+Cobalt4";

async fn run(folder: &Path, words: &str) -> String {
    let home = folder.join("kim");
    let words: Vec<_> = words.split(' ').chain(["--home", text(&home).unwrap()]).collect();
    palisade(words, folder).await.unwrap()
}

async fn json(folder: &Path, words: &str) -> Vec<Value> {
    serde_json::from_str(&run(folder, &format!("{words} --format json")).await).unwrap()
}

/// A hardened camera that takes HTTP, with a password in its configuration and a light that is on or off.
async fn camera(name: &str, light: &str, port: Option<SocketAddr>) -> Camera {
    let config = configs::hardened(Line::P3, "10.20.0.21".parse().unwrap());
    let mut config = String::from_utf8(config.to_vec()).unwrap();
    let own =
        format!("SECTION storytest\nFTP_PASS={PLANTED}\nLIGHT={light}\nENDSECTION storytest\n");
    let at = config.find("SECTION ").unwrap();
    config.insert_str(at, &own);
    let config = Some(config.into_bytes());
    let http_port = Some(port.map_or(0, |at| at.port()));
    let spec = Spec::new(Line::P3, name);
    let ip = port.map_or(spec.ip, |at| at.ip());
    Camera::start(Spec { config, ip, http_port, https_port: None, ..spec }).await.unwrap()
}

/// An organisation that seals to any two of three people, and a site with these cameras.
async fn begin(folder: &Path, cameras: &[(&str, &Camera)], policy: &str) -> (Controller, SiteBox) {
    let controller = Controller::found(folder, &[]).await.unwrap();
    let mut people = String::new();
    for person in ["one", "two", "three"] {
        people.push_str(&run(folder, &format!("recovery key --out {person}.key")).await);
    }
    fs::write(folder.join("people"), &people).unwrap();
    fs::write(folder.join("policy.toml"), policy).unwrap();
    run(folder, "login --code-file first.code").await;
    set_recovery(folder).await;
    run(folder, "policy apply policy.toml").await;
    run(folder, "site add harbour --token-file harbour.token").await;
    let mut site = String::from("name = \"Harbour\"\n");
    secret_file(&folder.join("camera.pw"), configs::AUDITOR.1).unwrap();
    for (name, camera) in cameras {
        let _ = write!(
            site,
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"http://{}\"\n\
             user = \"{}\"\npassword_file = \"camera.pw\"\n",
            camera.http_address().unwrap(),
            configs::AUDITOR.0
        );
    }
    let site_file = folder.join("site.toml");
    fs::write(&site_file, site).unwrap();
    let token = fs::read_to_string(folder.join("harbour.token")).unwrap();
    let ticket = Ticket::parse(&token).unwrap();
    let agent = SiteBox::join(folder, &ticket, &site_file).await.unwrap();
    (controller, agent)
}

async fn set_recovery(folder: &Path) {
    let config = "--config controller/palisade.toml --passphrase-file passphrase";
    run(folder, &format!("recovery set --recipients-file people --threshold 2 {config}")).await;
}

/// Has the site visited until its backups are as wanted.
async fn backups(folder: &Path, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let visited = async {
        loop {
            run(folder, "agent order visit harbour --wait 60s").await;
            let listed = json(folder, "device backups harbour yard").await;
            if wanted(&listed) {
                return listed;
            }
        }
    };
    tokio::time::timeout(PATIENCE, visited).await.expect("the backups")
}

/// A whole folder, searched for the planted password; how many files there were.
fn search(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files += search(&path);
        } else if kind.is_file() {
            files += 1;
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes());
            assert!(!found, "{} holds the password", path.display());
        }
    }
    files
}

#[tokio::test]
async fn a_backup_survives_the_site_and_nobody_but_recovery_keys_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = camera("yard", "on", None).await;
    let at = first.http_address().unwrap();
    let (mut controller, mut agent) = begin(folder, &[("yard", &first)], "").await;
    let sealed = |rows: &[Value], count: usize, generation: u64| {
        rows.len() == count && rows[0]["recipients_generation"] == generation
    };
    backups(folder, |rows| sealed(rows, 1, 1)).await;
    let words = "findings --site harbour --device yard --about C22";
    assert_eq!(json(folder, words).await[0]["judgment"], "met");

    // Somebody changes the camera. Nothing is due; new recipients are, and with them the change comes to light.
    first.stop().await;
    let second = camera("yard", "off", Some(at)).await;
    set_recovery(folder).await;
    let rows = backups(folder, |rows| sealed(rows, 2, 2)).await;
    assert_eq!(rows[0]["previous"], rows[1]["id"]);
    let diff = run(folder, "device diff harbour yard").await;
    assert!(diff.contains("- storytest: LIGHT=on\n+ storytest: LIGHT=off\n"), "{diff}");
    let local = ["backup", "list", "--data", text(&agent.data).unwrap(), "--format", "json"];
    let local = run_program("palisade-agent", local, folder, &[]).await.unwrap();
    let local: Vec<Value> = serde_json::from_str(&local).unwrap();
    assert_eq!(local.len(), 2);

    run(folder, "device fetch-backup harbour yard --output yard.age").await;
    agent.kill().await.unwrap();
    controller.kill().await.unwrap();
    assert!(search(folder) > 20);
    let key = |name: &str| {
        let text = fs::read_to_string(folder.join(format!("{name}.key"))).unwrap();
        Opener::parse(&Secret::new(text)).unwrap()
    };
    let body = fs::read(folder.join("yard.age")).unwrap();
    let copies: Vec<SealedCopy> = (1..=3)
        .map(|number| SealedCopy {
            layers: vec![vec![String::new()]; 2],
            sealed: fs::read(folder.join(format!("yard.age.key{number}"))).unwrap(),
        })
        .collect();
    let open = |keys: &[Opener]| copies.iter().find_map(|copy| open_file(&body, copy, keys).ok());
    assert!(open(&[key("two")]).is_none(), "one alone opens nothing");
    let opened = open(&[key("one"), key("three")]).expect("two of three");
    assert!(String::from_utf8_lossy(&opened).contains(PLANTED));
    drop(second);
}

#[tokio::test]
async fn an_address_that_fails_at_two_cameras_is_told_within_a_minute_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (yard, gate) = (camera("yard", "on", None).await, camera("gate", "on", None).await);
    let policy = "[watch]\non = true\nevery_s = 15\n";
    let (_controller, _agent) = begin(folder, &[("yard", &yard), ("gate", &gate)], policy).await;
    run(folder, "agent order visit harbour --wait 60s").await;
    assert_eq!(json(folder, "events harbour").await, [Value::Null; 0]);

    let attacker: IpAddr = "203.0.113.77".parse().unwrap();
    for camera in [&yard, &gate] {
        camera.somebody_came(attacker, "root", Outcome::Failed);
    }
    let told = async {
        loop {
            let events = json(folder, "events harbour").await;
            if !events.is_empty() {
                return events;
            }
        }
    };
    let events = tokio::time::timeout(Duration::from_secs(60), told).await.expect("a minute");
    assert_eq!(
        (&events[0]["kind"], &events[0]["source"]),
        (&"brute_force".into(), &"203.0.113.77".into())
    );
    assert_eq!(events[0]["devices"], serde_json::json!(["gate", "yard"]));
    // What goes on is no other event, whoever looks.
    yard.somebody_came(attacker, "root", Outcome::Failed);
    run(folder, "agent order visit harbour --wait 60s").await;
    assert_eq!(json(folder, "events").await.len(), 1);
    let log = run(folder, "audit log --agent harbour").await;
    assert_eq!(log.matches("event_seen").count(), 1, "{log}");
}
