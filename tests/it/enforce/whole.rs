//! From the factory to hardened by one `palisade apply`: settings at once, certificate and password each in its window.
//! Days pass by clocks that are turned; everything else is real.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use certs::{Clock as _, SystemClock};
use proto::Secret;
use serde_json::Value;
use tempfile::TempDir;
use tests::devices::mobotix::{Camera, Line, configs, dialect};
use tests::manual_clock::ManualClock;
use tests::offline::line::Line as Wire;
use tests::offline::office::Office;
use tests::offline::site_box::SiteBox;
use tests::world::{palisade, run, secret_file, until};

use super::super::apply::neglected;
use super::scene::PATIENCE;

const LINES: [(&str, Line); 3] =
    [("gate", Line::P3), ("quay", Line::Mx6), ("yard", Line::Mobotix7)];
const SETTINGS: [&str; 7] = ["C06", "C07", "C08", "C09", "C10", "C13", "C14"];
/// There is no window, so that nothing happens but by the apply, and each day counts as one.
const POLICY: &str = "\
[accounts]
forbidden_names = []
[web_ports]
http = 9
https = 10
[networks]
allowed = ['127.0.0.0/28']
nas = ['127.0.0.20']
[change]
at_once = 2
[rotation]
passwords = true
certificates = true
";

struct World {
    folder: TempDir,
    cameras: Vec<(&'static str, Camera)>,
    agent: SiteBox,
    office: Office,
    _wire: Wire,
}

impl World {
    async fn begin() -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path();
        let now = SystemClock.now();
        let wire = Wire::open(([127, 0, 0, 1], 1).into()).await.unwrap();
        let (data, called) = (home.join("controller"), wire.address.to_string());
        let office = Office::found(&data, &called, ManualClock::at(now)).await.unwrap();
        wire.leads_to(office.place().address);
        secret_file(&home.join("first.code"), office.code.to_text().expose()).unwrap();
        secret_file(&home.join("passphrase"), "a passphrase of the tests").unwrap();
        let config = format!("[server]\ndata = '{}'\naddresses = ['{called}']\n", data.display());
        fs::write(home.join("palisade.toml"), config).unwrap();
        let mut cameras = Vec::new();
        for (name, line) in LINES {
            cameras.push((name, neglected(line, |_| ()).await));
        }
        write(home, &cameras);
        let tell = async |words: &str| palisade(words.split_whitespace(), home).await.unwrap();
        tell("login --code-file first.code").await;
        let recipient = tell("recovery key --out recovery.key").await;
        let set = format!(
            "recovery set --recipient {} --threshold 1 --config palisade.toml --passphrase-file passphrase",
            recipient.trim()
        );
        tell(&set).await;
        tell("site add harbour --token-file harbour.token").await;
        tell("policy apply policy.toml --site harbour").await;
        let agent = home.join("agent");
        let enroll = format!("enroll --token-file harbour.token --data {}", agent.display());
        run("palisade-agent", enroll.split(' '), home, &[]).await.unwrap();
        let mut agent = SiteBox::new(&agent, home.join("site.toml"), now);
        agent.start().await.unwrap();
        Self { cameras, agent, office, _wire: wire, folder }
    }

    async fn tell(&self, words: &str) -> String {
        let ended = palisade(words.split_whitespace(), self.folder.path()).await;
        ended.unwrap_or_else(|error| panic!("{error:#}"))
    }

    async fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.tell(&format!("{words} --format json")).await).unwrap()
    }

    fn pass(&self, seconds: u32) {
        self.agent.pass(seconds);
        self.office.clock.turn(seconds.into());
    }

    /// The next day begins, and a minute of it passes.
    fn next_day(&self) {
        let left = 86_400 - self.agent.wall.now().unix().rem_euclid(86_400) + 60;
        self.pass(u32::try_from(left).unwrap());
    }

    fn camera(&self, name: &str) -> &Camera {
        &self.cameras.iter().find(|(it, _)| *it == name).unwrap().1
    }

    fn keeps_factory_password(&self, name: &str) -> bool {
        self.camera(name).takes("admin", &Secret::new(configs::FACTORY_PASSWORD))
    }

    async fn plan(&self) -> (String, String) {
        let shown = self.tell("plan harbour").await;
        let plans = self.json("plans harbour").await;
        (plans[0]["id"].as_str().unwrap().to_owned(), shown)
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let came = until(PATIENCE, async || {
            // Who failed at something tries again after a while.
            self.pass(20);
            is_so().await.then_some(())
        })
        .await;
        if came.is_none() {
            let stand = self.tell("rotations harbour").await;
            panic!("{what} never came:\n{stand}\n{:?}", self.agent.status().await);
        }
    }

    /// How many credentials were replaced and are settled.
    async fn replaced(&self) -> usize {
        let rows = self.json("rotations harbour").await;
        let is_new = |row: &&Value| !row["since"].is_null() && row["state"] == "settled";
        rows.as_array().unwrap().iter().filter(is_new).count()
    }

    /// What is enforced and not met, by device.
    async fn unmet(&self) -> Vec<String> {
        let rows = self.json("findings --site harbour --judgment unmet,unknown").await;
        let rows = rows.as_array().unwrap().iter().filter(|row| row["stance"] == "enforce");
        rows.map(|row| format!("{} {}", row["device"], row["about"]).replace('"', "")).collect()
    }
}

fn write(home: &Path, cameras: &[(&'static str, Camera)]) {
    let mut site = "visit_minutes = 60\ndialects = ['p3.toml', 'mx6.toml', 'm7.toml']\n".to_owned();
    for (name, camera) in cameras {
        let address = camera.https_address().unwrap();
        let _ = write!(
            site,
            "[[devices]]\nname = '{name}'\nkind = 'mobotix'\naddress = 'https://{address}'\n\
             user = 'admin'\npassword_file = 'admin.pw'\npin = '{}'\n",
            camera.pin()
        );
    }
    site.push_str("[[devices]]\nname = 'nas'\nkind = 'nas'\naddresses = ['127.0.0.20']\n");
    site.push_str("[[devices]]\nname = 'vms'\nkind = 'vms'\naddresses = ['127.0.0.9']\n");
    secret_file(&home.join("admin.pw"), configs::FACTORY_PASSWORD).unwrap();
    let stances = SETTINGS.iter().chain(&["C03", "C16"]);
    let stances: String = stances.map(|code| format!("{code} = 'enforce'\n")).collect();
    for (name, text) in [
        ("site.toml", site),
        ("policy.toml", format!("[stances]\n{stances}{POLICY}")),
        ("p3.toml", dialect::learned(Line::P3)),
        ("mx6.toml", dialect::learned(Line::Mx6)),
        ("m7.toml", dialect::learned(Line::Mobotix7)),
    ] {
        fs::write(home.join(name), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_apply_takes_each_line_from_the_factory_to_all_that_can_be_enforced() {
    let world = World::begin().await;
    world.tell("agent order visit harbour --wait 90s").await;
    let (id, shown) = world.plan().await;
    for says in [
        "C16  for rotation, window 2: Replace the certificate",
        "C03  for rotation, window 3: Replace the password of \"admin\"",
        "C16  for a person: Rotation does not replace the certificate: how a program uploads",
        "2 credentials for rotation",
    ] {
        assert!(shown.contains(says), "{says}\n{shown}");
    }
    let factory = world.camera("yard").pin();
    let done = world.tell(&format!("apply {id} --wait 3m")).await;
    assert_eq!(done.matches(": proven\n").count(), 3 * SETTINGS.len(), "{done}");
    assert_eq!(
        done.matches("the password of \"admin\": rotation ordered, due ").count(),
        3,
        "{done}"
    );
    assert_eq!(done.matches("the certificate: rotation ordered, due ").count(), 1, "{done}");
    let is_old = ["gate", "quay", "yard"].map(|name| world.keeps_factory_password(name));
    assert_eq!(is_old, [true; 3], "not in the window of the settings");

    // The next window: the passwords of those without a certificate to come, and the certificate.
    world.next_day();
    world.until("the second window", async || world.replaced().await == 3).await;
    let is_old = ["gate", "quay"].map(|name| world.keeps_factory_password(name));
    assert_eq!(is_old, [false; 2]);
    assert_ne!(world.camera("yard").pin(), factory);
    assert!(world.keeps_factory_password("yard"), "never both in one window");
    world.next_day();
    world.until("the third window", async || world.replaced().await == 4).await;
    assert!(!world.keeps_factory_password("yard"));

    for (_, camera) in &world.cameras {
        camera.reboot().await;
        camera.listening().await;
    }
    world.tell("agent order visit harbour --wait 90s").await;
    assert_eq!(world.unmet().await, ["gate C16", "quay C16"], "what a program is not known to do");

    let writes = || world.cameras.iter().map(|(_, it)| it.counts().writes).sum::<u64>();
    let before = writes();
    let (_, shown) = world.plan().await;
    assert_eq!(shown.matches("nothing to change").count(), 3, "{shown}");
    assert_eq!(writes(), before);
    for (_, camera) in &world.cameras {
        assert_eq!(
            (camera.running_config(), camera.counts().most_open),
            (camera.flash_config(), 1)
        );
    }
}
