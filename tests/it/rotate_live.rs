//! Passwords replaced by the real programs: by an operator's order at an enrolled site, and by hand on a box without a
//! controller. What opens the camera afterwards is in escrow, or in the vault, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::store::journal::Journal;
use agent::store::vault::Vault;
use certs::seal::Opener;
use certs::ticket::Ticket;
use proto::Secret;
use serde_json::Value;
use tests::devices::mobotix::{Camera, Line, Spec, configs};
use tests::world::{Controller, SiteBox, palisade, run, secret_file, until};

const PATIENCE: Duration = Duration::from_secs(60);
const ON: &str = "[rotation]\npasswords = true\n";

/// A camera over TLS, and a site file that names it.
struct Scene {
    folder: tempfile::TempDir,
    camera: Camera,
}

impl Scene {
    async fn set(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = configs::hardened(Line::P3, "10.1.2.3".parse().unwrap());
        let spec = Spec { config: Some(config), ..Spec::new(Line::P3, "yard") };
        let camera = Camera::start(spec).await.unwrap();
        let scene = Self { folder, camera };
        let password = scene.path("yard.pw");
        secret_file(&password, configs::AUDITOR.1).unwrap();
        fs::write(scene.path("policy.toml"), policy).unwrap();
        let site = format!(
            "policy = \"policy.toml\"\nvisit_minutes = 1\n[[devices]]\nname = \"yard\"\nkind = \"mobotix\"\n\
             address = \"https://{}\"\nuser = \"{}\"\npassword_file = \"yard.pw\"\npin = \"{}\"\n",
            scene.camera.https_address().unwrap(),
            configs::AUDITOR.0,
            scene.camera.pin(),
        );
        fs::write(scene.path("site.toml"), site).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn takes(&self, password: &str) -> bool {
        self.camera.takes(configs::AUDITOR.0, &Secret::new(password))
    }

    async fn palisade(&self, words: &str) -> String {
        palisade(words.split(' '), self.folder.path()).await.unwrap()
    }

    async fn agent(&self, words: &str) -> anyhow::Result<String> {
        run("palisade-agent", words.split(' '), self.folder.path(), &[]).await
    }
}

/// Everything that is in escrow, opened with the recovery key alone.
async fn escrow(scene: &Scene) -> Vec<String> {
    let _ = fs::remove_file(scene.path("kit.json"));
    scene.palisade("secret export harbour --out kit.json --reason drill").await;
    let out = scene.palisade("secret open kit.json --key recovery.key --format json").await;
    let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
    rows.iter().map(|row| row["secret"].as_str().unwrap().to_owned()).collect()
}

async fn enrolled(scene: &Scene) -> (Controller, SiteBox) {
    let folder = scene.folder.path();
    let controller = Controller::found(folder, &[]).await.unwrap();
    scene.palisade("login --code-file first.code").await;
    let recipient = scene.palisade("recovery key --out recovery.key").await;
    let recipient = recipient.trim();
    let set = ["recovery", "set", "--recipient", recipient, "--threshold", "1"];
    let config = ["--config", "controller/palisade.toml", "--passphrase-file", "passphrase"];
    palisade(set.into_iter().chain(config), folder).await.unwrap();
    scene.palisade("site add harbour --token-file harbour.token").await;
    scene.palisade("policy apply policy.toml --site harbour").await;
    let token = fs::read_to_string(scene.path("harbour.token")).unwrap();
    let ticket = Ticket::parse(token.trim()).unwrap();
    let agent = SiteBox::join(folder, &ticket, &scene.path("site.toml")).await.unwrap();
    (controller, agent)
}

#[tokio::test]
async fn an_ordered_password_opens_the_camera_the_old_one_does_not_and_a_restart_goes_on_with_it() {
    let scene = Scene::set(ON).await;
    let (_controller, mut agent) = enrolled(&scene).await;
    scene.palisade("rotate harbour yard --what password --reason person-left --wait 60s").await;
    assert!(!scene.takes(configs::AUDITOR.1), "who left still gets in");
    let opening: Vec<_> = escrow(&scene).await.into_iter().filter(|it| scene.takes(it)).collect();
    assert_eq!(opening.len(), 1, "one secret of the escrow opens the camera");

    let refused = scene.camera.counts().failed_logins;
    agent.stop().await.unwrap();
    agent.start().await.unwrap();
    scene.palisade("agent order visit harbour yard --wait 60s").await;
    assert_eq!(scene.camera.counts().failed_logins, refused, "the site file's password was tried");
    assert_eq!(scene.camera.counts().most_open, 1, "never two at one camera");
    let devices = scene.palisade("device list --site harbour --format json").await;
    let devices: Value = serde_json::from_str(&devices).unwrap();
    assert!(devices[0]["failure"].is_null(), "{devices}");

    let status = agent.status().await.unwrap();
    let credential = &status["rounds"]["credentials"][0];
    assert_eq!((&credential["device"], &credential["state"]), (&"yard".into(), &"settled".into()));
    let settled = async || {
        let rows = scene.palisade("rotations harbour --format json").await;
        let rows: Value = serde_json::from_str(&rows).unwrap();
        let row = &rows[0];
        (row["state"] == "settled" && !row["since"].is_null() && row["trouble"] == "").then_some(())
    };
    until(PATIENCE, settled).await.expect("the controller is told");
    let log = scene.palisade("audit log --format json").await;
    assert!(log.contains("rotate the password of 1 devices, person_left"), "{log}");
    assert!(!log.contains(&opening[0]));
}

#[tokio::test]
async fn what_the_policy_does_not_switch_on_is_not_done_though_somebody_orders_it() {
    let scene = Scene::set("").await;
    let (_controller, agent) = enrolled(&scene).await;
    let words = "rotate harbour yard --reason command --wait 1s".split(' ');
    let refused = palisade(words, scene.folder.path()).await.unwrap_err().to_string();
    assert!(refused.contains("has not done it"), "{refused}");
    assert!(scene.takes(configs::AUDITOR.1));
    drop(agent);
}

fn vaulted(data: &Path) -> Vec<String> {
    let (entries, _) = Journal::new(data).all().unwrap();
    let vault = Vault::open(data).unwrap();
    let live = entries
        .iter()
        .filter_map(|read| Some((read.entry.subject.clone(), *read.entry.rotation.trusted()?)));
    live.map(|(of, id)| vault.secret(&of, id).unwrap().secret.expose().to_owned()).collect()
}

#[tokio::test]
async fn by_hand_and_without_a_controller_the_vault_holds_what_opens_the_camera() {
    let scene = Scene::set(&format!("{ON}escrow = \"vault_will_do\"\n")).await;
    let recipient = Opener::generate().recipient().to_string();
    fs::write(scene.path("recovery.txt"), format!("# the safe\n{recipient}\n")).unwrap();
    let rotate = "rotate yard --site site.toml --data box --recipients recovery.txt --format json";
    let out = scene.agent(rotate).await.unwrap();
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&out["done"], &out["credentials"][0]["state"]), (&true.into(), &"settled".into()));
    let first = vaulted(&scene.path("box"));
    assert!(!scene.takes(configs::AUDITOR.1) && scene.takes(&first[0]));
    // The next one begins where this one ended, and so does whoever looks beside it.
    scene.agent(rotate).await.unwrap();
    let second = vaulted(&scene.path("box"));
    assert!(!scene.takes(&first[0]) && scene.takes(&second[0]));
    let refused = scene.camera.counts().failed_logins;
    let audit = "audit --inventory site.toml --agent-data box --format json --output report.json";
    let ended = scene.agent(audit).await;
    // It finds something unmet, which is its exit code; what counts is that it got in.
    assert!(ended.is_ok() || ended.unwrap_err().to_string().contains("exit status: 1"));
    assert_eq!(scene.camera.counts().failed_logins, refused);
    let report = fs::read_to_string(scene.path("report.json")).unwrap();
    assert!(![&first[0], &second[0]].iter().any(|secret| report.contains(secret.as_str())));
}

#[tokio::test]
async fn by_hand_it_says_what_is_missing_and_touches_nothing() {
    let scene = Scene::set("").await;
    fs::write(scene.path("recovery.txt"), "AGE-SECRET-KEY-1\n").unwrap();
    let refused = async |words: &str| scene.agent(words).await.unwrap_err().to_string();
    let base = "rotate yard --site site.toml --data box";
    assert!(refused(base).await.contains("passwords = false"));
    fs::write(scene.path("policy.toml"), ON).unwrap();
    assert!(refused(base).await.contains("vault_will_do"));
    fs::write(scene.path("policy.toml"), format!("{ON}escrow = \"vault_will_do\"\n")).unwrap();
    assert!(refused(base).await.contains("--recipients"));
    let key = refused(&format!("{base} --recipients recovery.txt")).await;
    assert!(key.contains("holds a key") && !key.contains("SECRET-KEY-1"), "{key}");
    let site = fs::read_to_string(scene.path("site.toml")).unwrap();
    let unpinned: String =
        site.lines().filter(|it| !it.starts_with("pin")).map(|it| format!("{it}\n")).collect();
    fs::write(scene.path("site.toml"), unpinned).unwrap();
    assert!(refused(base).await.contains("vouches for its certificate"));
    assert!(scene.takes(configs::AUDITOR.1));
    assert_eq!(scene.camera.counts().writes, 0);
}
