//! The world of one batch: controller, recovery key, site, agent and cameras.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use certs::ticket::Ticket;
use serde_json::Value;
use tokio::time::Instant;

use super::What;
use super::later::Failed;
use crate::clocks::MachineClock;
use crate::devices::mobotix::{Camera, Line, Spec, configs};
use crate::world::{Controller, SiteBox, palisade, run, secret_file, text, until};

/// Product lines, as they come in a site that grew over the years.
const LINES: [Line; 5] = [Line::P3, Line::Mx6, Line::P3, Line::Mx6, Line::Mobotix7];
/// By how much the cameras' clocks are wrong, in seconds: some right, some a day or hours off, some in 1970.
const OFFSETS: [i64; 4] = [0, 86_400, -5 * 3600, -1_795_000_000];
/// How long a pretend camera is away when it reboots.
const REBOOT: Duration = Duration::from_millis(300);
/// The agent has heard of its policy within this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Cameras that may be in change at once.
const AT_ONCE: u16 = 8;

/// The world of one batch.
pub struct Site {
    /// Where everything lies.
    pub folder: PathBuf,
    /// The controller.
    pub controller: Controller,
    /// The site's agent.
    pub agent: SiteBox,
    /// The clock of the agent's machine.
    pub clock: MachineClock,
    /// The clock of the controller's machine, and of the operator's.
    pub office: MachineClock,
    /// `cam-001` and so on.
    pub cameras: Vec<(String, Camera)>,
}

/// Where each device's credential stands: its state, and the name of the secret that it takes.
pub type Standings = BTreeMap<String, (String, String)>;

impl Site {
    /// Makes all of it, with rotations switched on.
    pub async fn found(folder: &Path, what: What, cameras: u16) -> anyhow::Result<Self> {
        let controller = Controller::found(folder, &[]).await?;
        let cameras = start(what, cameras).await?;
        write(folder, what, &cameras)?;
        let run = |words: &'static str| palisade(words.split(' '), folder);
        run("login --code-file first.code").await?;
        let recipient = run("recovery key --out recovery.key").await?;
        let recipient = recipient.trim();
        let words = ["recovery", "set", "--recipient", recipient, "--threshold", "1"];
        let config = ["--config", "controller/palisade.toml", "--passphrase-file", "passphrase"];
        palisade(words.into_iter().chain(config), folder).await?;
        run("site add harbour --token-file harbour.token").await?;
        run("policy apply policy.toml --site harbour").await?;
        let ticket = Ticket::parse(fs::read_to_string(folder.join("harbour.token"))?.trim())?;
        let office = MachineClock::new(folder, "office")?;
        let mut agent = SiteBox::enroll(folder, &ticket, &folder.join("site.toml")).await?;
        let clock = MachineClock::new(folder, "agent")?;
        agent.goes_by(&clock);
        agent.start().await?;
        let has_policy = async || {
            let status = agent.status().await.ok()?;
            (status["rounds"]["generation"].as_u64()? > 0).then_some(())
        };
        until(PATIENCE, has_policy).await.context("the agent was never told the policy")?;
        // Its first visits came before the policy, the next would in a minute: a start begins with visits.
        agent.stop().await?;
        agent.start().await?;
        Ok(Self { folder: folder.to_owned(), controller, agent, clock, office, cameras })
    }

    /// The agent and the controller, by the ids of their processes.
    pub fn processes(&self) -> [u32; 2] {
        [&*self.agent, &*self.controller].map(|it| it.daemon().id().unwrap_or_default())
    }

    /// Failed log-ins of each camera so far.
    pub fn failed(&self) -> Failed {
        let counted = |camera: &Camera| camera.counts().failed_logins;
        self.cameras.iter().map(|(name, camera)| (name.clone(), counted(camera))).collect()
    }

    /// Runs `palisade` as the operator does.
    async fn run<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
        let clock = self.office.variables();
        let clock: Vec<_> = clock.iter().map(|(name, value)| (&**name, &**value)).collect();
        run("palisade", words, &self.folder, &clock).await
    }

    /// Has every camera's credential replaced.
    pub async fn order(&self, what: What) -> anyhow::Result<()> {
        let kind = match what {
            What::Password => "password",
            What::Certificate => "certificate",
        };
        let words = ["rotate", "harbour", "--what", kind, "--reason", "command", "--wait", "0s"];
        // What it ends with tells whether it was done already.
        let ended = self.run(words).await;
        ended.map(drop).or_else(|error| {
            let not_yet = error.to_string().contains("ended with exit status: 1");
            if not_yet { Ok(()) } else { Err(error) }
        })
    }

    /// Where credentials stand, as the controller was told.
    pub async fn standings(&self) -> anyhow::Result<Standings> {
        let out = self.run(["rotations", "harbour", "--format", "json"]).await?;
        let rows: Vec<Value> = serde_json::from_str(&out)?;
        let word = |row: &Value, key: &str| {
            row[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {row}"))
        };
        let rows = rows.iter();
        rows.map(|row| Ok((word(row, "device")?, (word(row, "state")?, word(row, "secret")?))))
            .collect()
    }

    /// Waits until every camera has a credential that is settled.
    ///
    /// # Errors
    /// When that takes longer.
    pub async fn until_settled(&self, most: Duration) -> anyhow::Result<Standings> {
        let deadline = Instant::now() + most;
        self.until(deadline, |standings| {
            standings.len() == self.cameras.len() && standings.values().all(is_settled)
        })
        .await
    }

    /// Waits until every camera takes another credential than before.
    ///
    /// # Errors
    /// When that takes longer.
    pub async fn until_changed(
        &self,
        before: &Standings,
        deadline: Instant,
    ) -> anyhow::Result<Standings> {
        self.until(deadline, |standings| {
            standings.iter().all(|(device, now)| is_done(device, now, before))
        })
        .await
    }

    /// The cameras that do not take another credential than before, as the controller was told.
    pub async fn undone(&self, before: &Standings) -> anyhow::Result<Standings> {
        let mut now = self.standings().await?;
        now.retain(|device, now| !is_done(device, now, before));
        Ok(now)
    }

    async fn until(
        &self,
        deadline: Instant,
        done: impl Fn(&Standings) -> bool,
    ) -> anyhow::Result<Standings> {
        loop {
            // The controller may be away at the moment.
            let now = self.standings().await;
            match now {
                Ok(standings) if done(&standings) => return Ok(standings),
                _ if Instant::now() < deadline => {}
                Ok(standings) => bail!("it came to {standings:?}"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Every secret of this world that anybody could leak: those in escrow, the cameras' first one, the recovery key.
    pub async fn secrets(&self) -> anyhow::Result<Vec<String>> {
        let mut all: Vec<_> = self.escrow().await?.into_iter().map(|(.., secret)| secret).collect();
        all.push(configs::AUDITOR.1.to_owned());
        let key = fs::read_to_string(self.folder.join("recovery.key"))?;
        all.extend(key.lines().filter(|line| line.starts_with("AGE-SECRET")).map(str::to_owned));
        Ok(all)
    }

    /// What is in escrow, opened with the recovery key alone: each secret with its device and name.
    pub async fn escrow(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let run = |words: &'static str| self.run(words.split(' '));
        // A kit is never overwritten.
        let _ = fs::remove_file(self.folder.join("kit.json"));
        run("secret export harbour --out kit.json --reason drill").await?;
        let out = run("secret open kit.json --key recovery.key --format json").await?;
        let rows: Vec<Value> = serde_json::from_str(&out)?;
        let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let rows = rows.iter();
        Ok(rows.map(|row| (word(row, "device"), word(row, "id"), word(row, "secret"))).collect())
    }
}

fn is_done(device: &str, now: &(String, String), before: &Standings) -> bool {
    is_settled(now) && before.get(device).is_some_and(|then| then.1 != now.1)
}

fn is_settled(standing: &(String, String)) -> bool {
    standing.0 == "settled" && !standing.1.is_empty()
}

async fn start(what: What, count: u16) -> anyhow::Result<Vec<(String, Camera)>> {
    let mut cameras = Vec::new();
    for (number, line) in (1..=count).zip(LINES.into_iter().cycle()) {
        // Only that line is known to take a certificate from us.
        let line = if what == What::Certificate { Line::Mobotix7 } else { line };
        let name = format!("cam-{number:03}");
        let [high, low] = number.to_be_bytes();
        let serial = IpAddr::V4(Ipv4Addr::new(10, 1, high, low));
        let config = String::from_utf8(configs::hardened(line, serial))?;
        // The least that a camera can be set to.
        let strict = config.replace("IDS_HTTP_THRESHOLD=7", "IDS_HTTP_THRESHOLD=5");
        let spec = Spec::new(line, &name);
        let clock_offset_s = OFFSETS[usize::from(number) % OFFSETS.len()];
        let config = Some(strict.into_bytes());
        let spec = Spec { config, reboot_time: REBOOT, clock_offset_s, ..spec };
        cameras.push((name, Camera::start(spec).await?));
    }
    Ok(cameras)
}

/// The site file, its password, and the policy.
fn write(folder: &Path, what: What, cameras: &[(String, Camera)]) -> anyhow::Result<()> {
    secret_file(&folder.join("pw"), configs::AUDITOR.1)?;
    let mut site = String::from("visit_minutes = 1\n");
    for (name, camera) in cameras {
        let at = camera.https_address().context("a camera has no address")?;
        site.push_str(&format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"https://{at}\"\nuser = \"{}\"\n\
             password_file = \"{}\"\npin = \"{}\"\n",
            configs::AUDITOR.0,
            text(&folder.join("pw"))?,
            camera.pin(),
        ));
    }
    fs::write(folder.join("site.toml"), site)?;
    let switch = match what {
        What::Password => "passwords",
        What::Certificate => "certificates",
    };
    let policy = format!("[rotation]\n{switch} = true\n[change]\nat_once = {AT_ONCE}\n");
    Ok(fs::write(folder.join("policy.toml"), policy)?)
}
