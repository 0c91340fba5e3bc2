//! A controller, an agent and pretend cameras over TLS, steered by the operators' own commands.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certs::ticket::Ticket;
use certs::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use tests::devices::mobotix::{Camera, Faults, Line, configs, dialect};
use tests::world::{Controller, SiteBox, palisade, secret_file, until};

use super::super::apply::neglected;

/// Nothing takes so long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Twice all day, so that the end of a day never ends a story.
pub const OPEN: &str =
    "windows = [{ from = '00:00', to = '00:00' }, { from = '12:00', to = '12:00' }]\n";

/// See the module.
pub struct Scene {
    pub cameras: Vec<(&'static str, Camera)>,
    pub agent: SiteBox,
    _controller: Controller,
    folder: TempDir,
}

/// A window that is not open now, nor soon.
pub fn closed() -> String {
    let hour = SystemClock.now().unix() / 3600 % 24;
    let (from, to) = ((hour + 6) % 24, (hour + 7) % 24);
    format!("windows = [{{ from = '{from:02}:00', to = '{to:02}:00' }}]\n")
}

impl Scene {
    /// A site of forgotten cameras, whose policy enforces these measures. `change` are lines of `[change]`.
    pub async fn set(cameras: &[(&'static str, Faults)], enforced: &[&str], change: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path();
        let mut started = Vec::new();
        for (name, faults) in cameras {
            let camera = neglected(Line::P3, |spec| spec.faults = faults.clone()).await;
            started.push((*name, camera));
        }
        write_site(home, &started);
        let controller = Controller::found(home, &[]).await.unwrap();
        run(home, "login --code-file first.code").await;
        run(home, "site add harbour --token-file harbour.token").await;
        fs::write(home.join("policy.toml"), policy(enforced, change)).unwrap();
        run(home, "policy apply policy.toml").await;
        let ticket = Ticket::parse(&fs::read_to_string(home.join("harbour.token")).unwrap());
        let agent = SiteBox::join(home, &ticket.unwrap(), &home.join("site.toml")).await.unwrap();
        Self { cameras: started, agent, _controller: controller, folder }
    }

    pub fn camera(&self, name: &str) -> &Camera {
        &self.cameras.iter().find(|(it, _)| *it == name).unwrap().1
    }

    /// What `palisade` prints.
    pub async fn run(&self, words: &str) -> String {
        run(self.folder.path(), words).await
    }

    /// The same, read as JSON.
    pub async fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{words} --format json")).await).unwrap()
    }

    /// What `palisade` complains about.
    pub async fn refused(&self, words: &str) -> String {
        let ended = palisade(words.split_whitespace(), self.folder.path()).await;
        ended.expect_err(words).to_string()
    }

    /// Has every camera visited.
    pub async fn visit(&self) {
        self.run("agent order visit harbour --wait 90s").await;
    }

    /// Another policy, in force at the agent.
    pub async fn policy(&self, enforced: &[&str], change: &str) {
        fs::write(self.folder.path().join("policy.toml"), policy(enforced, change)).unwrap();
        self.run("policy apply policy.toml --wait --timeout 60s").await;
    }

    /// Waits until plans stand so: state and devices of each, the oldest first.
    pub async fn plans(&self, wanted: &[&str]) -> Vec<Value> {
        let look = async || {
            let mut plans = self.json("plans harbour").await;
            let plans = plans.as_array_mut().unwrap();
            plans.reverse();
            let states: Vec<&str> = plans.iter().map(|it| it["state"].as_str().unwrap()).collect();
            (states == wanted).then(|| plans.clone())
        };
        self.until("the plans", look).await
    }

    /// Waits until the agent's own audit log, as the controller has it, holds a deed; gives subject and detail.
    pub async fn deed(&self, deed: &str) -> (String, String) {
        let agents = self.json("agent list").await;
        let agent = agents[0]["agent"].as_str().unwrap().to_owned();
        let look = async || {
            let log = self.run(&format!("audit log --agent {agent} --format json")).await;
            let mut found = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let found = found.rfind(|it| it["deed"] == deed)?;
            let text = |key: &str| found[key].as_str().unwrap().to_owned();
            Some((text("subject"), text("detail")))
        };
        self.until(deed, look).await
    }

    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        match until(PATIENCE, look).await {
            Some(found) => found,
            None => panic!("{what} never came:\n{}", self.agent.daemon().log().unwrap()),
        }
    }
}

async fn run(home: &Path, words: &str) -> String {
    palisade(words.split_whitespace(), home).await.unwrap_or_else(|error| panic!("{error:#}"))
}

fn policy(enforced: &[&str], change: &str) -> String {
    let stances: String = enforced.iter().map(|code| format!("{code} = \"enforce\"\n")).collect();
    format!(
        "[stances]\n{stances}[web_ports]\nhttp = 9\nhttps = 10\n\
         [networks]\nallowed = [\"127.0.0.0/28\"]\nnas = [\"127.0.0.20\"]\n[change]\n{change}"
    )
}

fn write_site(home: &Path, cameras: &[(&'static str, Camera)]) {
    let mut text = "dialects = [\"learned.toml\"]\nvisit_minutes = 60\n".to_owned();
    for (name, camera) in cameras {
        let address = camera.https_address().unwrap();
        let _ = write!(
            text,
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"https://{address}\"\n\
             user = \"admin\"\npassword_file = \"admin.pw\"\npin = \"{}\"\n",
            camera.pin()
        );
    }
    text.push_str("[[devices]]\nname = \"nas\"\nkind = \"nas\"\naddresses = [\"127.0.0.20\"]\n");
    text.push_str("[[devices]]\nname = \"vms\"\nkind = \"vms\"\naddresses = [\"127.0.0.9\"]\n");
    secret_file(&home.join("admin.pw"), configs::FACTORY_PASSWORD).unwrap();
    let write = |name: &str, text: String| fs::write(PathBuf::from(home).join(name), text).unwrap();
    write("learned.toml", dialect::learned(Line::P3));
    write("site.toml", text);
}

/// What a camera's configuration says of crawlers, in RAM and as it is stored.
pub fn crawling(camera: &Camera) -> [bool; 2] {
    [camera.running_config(), camera.flash_config()]
        .map(|bytes| String::from_utf8_lossy(&bytes).contains("ROBOTS_TXT_MODE=forbidden"))
}
