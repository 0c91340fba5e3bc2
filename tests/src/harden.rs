//! A neglected site of pretend cameras, hardened by the real `palisade-agent plan` and `apply`: how long that takes, and
//! how much of it the reboots are that nobody can spare a camera. It judges no figure.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use crate::daemon::find;
use crate::devices::mobotix::{Camera, Line, Spec, configs, dialect};
use crate::world::{secret_file, text};

/// Product lines, as they come in a site that grew over the years.
const LINES: [Line; 5] = [Line::P3, Line::Mx6, Line::P3, Line::Mx6, Line::Mobotix7];
/// What is enforced: everything that the pretend cameras' dialects can change and that needs no network of its own.
const ENFORCED: [&str; 7] = ["C06", "C07", "C08", "C09", "C10", "C13", "C14"];

/// The site.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many cameras.
    pub cameras: u16,
    /// What each round trip costs.
    pub latency: Duration,
    /// How long a camera is away when it reboots. A real one takes two minutes.
    pub reboot: Duration,
    /// How many cameras are in change at once.
    pub at_once: u16,
}

/// What it came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Wall time of `plan`.
    pub plan: Duration,
    /// Wall time of `apply`.
    pub apply: Duration,
    /// Reboots of all cameras together.
    pub reboots: u64,
    /// How long all cameras together showed no picture, by their own count.
    pub dark: Duration,
    /// The same as the agent saw and reported it.
    pub seen_dark: Duration,
    /// What `plan` found to change afterwards, in devices.
    pub left: usize,
    /// Requests to write that a second `apply` of the same plan sent.
    pub written_again: u64,
    /// Log-ins that any camera refused.
    pub failed_logins: u64,
}

impl Figures {
    /// `plan` and `apply` against the reboots alone, so many at once. 1 is what cannot be beaten.
    pub fn ratio(&self, size: &Size) -> f64 {
        let alone = size.reboot.as_secs_f64() * self.reboots as f64 / f64::from(size.at_once);
        (self.plan + self.apply).as_secs_f64() / alone
    }
}

/// A site of cameras that somebody screwed to walls and forgot.
struct Site {
    folder: TempDir,
    cameras: Vec<Camera>,
}

impl Site {
    async fn start(size: &Size) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        secret_file(&folder.path().join("pw"), configs::FACTORY_PASSWORD)?;
        fs::create_dir(folder.path().join("kept"))?;
        let mut site = String::from("policy = \"policy.toml\"\ndialects = [");
        for (line, name) in [(Line::P3, "p3"), (Line::Mx6, "mx6"), (Line::Mobotix7, "m7")] {
            fs::write(folder.path().join(format!("{name}.toml")), dialect::learned(line))?;
            site.push_str(&format!("\"{name}.toml\", "));
        }
        site.push_str("]\n");
        let mut cameras = Vec::new();
        for (number, line) in (1..=size.cameras).zip(LINES.into_iter().cycle()) {
            let camera = Camera::start(spec(number, line, size)).await?;
            let at = camera.https_address().context("a camera has no address")?;
            site.push_str(&format!(
                "[[devices]]\nname = \"cam-{number:03}\"\nkind = \"mobotix\"\naddress = \"https://{at}\"\n\
                 user = \"admin\"\npassword_file = \"pw\"\npin = \"{}\"\n",
                camera.pin()
            ));
            cameras.push(camera);
        }
        site.push_str("[[devices]]\nname = \"vms\"\nkind = \"vms\"\naddresses = [\"127.0.0.9\"]\n");
        site.push_str(
            "[[devices]]\nname = \"nas\"\nkind = \"nas\"\naddresses = [\"127.0.0.20\"]\n",
        );
        fs::write(folder.path().join("site.toml"), site)?;
        fs::write(folder.path().join("policy.toml"), policy(size))?;
        Ok(Self { folder, cameras })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sum(&self, count: impl Fn(&Camera) -> u64) -> u64 {
        self.cameras.iter().map(count).sum()
    }

    fn dark(&self) -> Duration {
        self.cameras.iter().map(|camera| camera.counts().dark).sum()
    }

    /// Draws the plan, and gives it with the time that took.
    async fn plan(&self, agent: &Path) -> anyhow::Result<(Value, Duration)> {
        let (site, plan) = (self.path("site.toml"), self.path("plan.json"));
        let words = ["plan", "--inventory", text(&site)?, "--output", text(&plan)?];
        let (_, took) = self.run(agent, &words).await?;
        Ok((serde_json::from_slice(&fs::read(plan)?)?, took))
    }

    /// Carries the plan out.
    async fn apply(&self, agent: &Path) -> anyhow::Result<(Value, Duration)> {
        let (plan, kept) = (self.path("plan.json"), self.path("kept"));
        let recipient = certs::seal::Opener::generate().recipient().to_string();
        let words = ["apply", text(&plan)?, "--keep", text(&kept)?, "--recipient", &recipient];
        let (out, took) = self.run(agent, &[&words[..], &["--format", "json"]].concat()).await?;
        Ok((serde_json::from_slice(&out)?, took))
    }

    async fn run(&self, agent: &Path, words: &[&str]) -> anyhow::Result<(Vec<u8>, Duration)> {
        let begun = Instant::now();
        let mut command = Command::new(agent);
        command.args(words).current_dir(self.folder.path()).env_clear();
        let ended = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let took = begun.elapsed();
        let complaint = String::from_utf8_lossy(&ended.stderr);
        let done = matches!(ended.status.code(), Some(0 | 1));
        ensure!(done, "{} ended with {}: {complaint}", words[0], ended.status);
        Ok((ended.stdout, took))
    }
}

fn spec(number: u16, line: Line, size: &Size) -> Spec {
    let [high, low] = number.to_be_bytes();
    let serial = IpAddr::V4(Ipv4Addr::new(10, 1, high, low));
    let config = configs::padded(&configs::neglected(line, serial), 41_000);
    let spec = Spec::new(line, &format!("cam-{number:03}"));
    Spec { config: Some(config), latency: size.latency, reboot_time: size.reboot, ..spec }
}

fn policy(size: &Size) -> String {
    let stances: String = ENFORCED.iter().map(|code| format!("{code} = \"enforce\"\n")).collect();
    format!(
        "[stances]\n{stances}[web_ports]\nhttp = 9\nhttps = 10\n[networks]\nallowed = [\"127.0.0.0/28\"]\n\
         nas = [\"127.0.0.20\"]\n[change]\nat_once = {}\n",
        size.at_once
    )
}

/// Hardens a neglected site, looks again, and carries the plan out once more.
///
/// # Errors
/// When a program cannot be run, or a step of the plan did not end well: such figures would be of something else.
pub async fn harden(size: &Size, tell: &dyn Fn(&str)) -> anyhow::Result<Figures> {
    let agent = find("palisade-agent")?;
    let site = Site::start(size).await.context("starting the cameras")?;
    tell(&format!("planning for {} cameras", size.cameras));
    let (_, plan) = site.plan(&agent).await?;
    ensure!(site.sum(|camera| camera.counts().writes) == 0, "planning wrote to a camera");
    tell("applying the plan");
    let before = site.dark();
    let (applied, apply) = site.apply(&agent).await?;
    let (reboots, seen_dark) = outcome(&applied, size)?;
    let (dark, writes) = (site.dark() - before, site.sum(|camera| camera.counts().writes));
    tell("looking again");
    site.apply(&agent).await?;
    let written_again = site.sum(|camera| camera.counts().writes) - writes;
    let (again, _) = site.plan(&agent).await?;
    let to_do = |device: &&Value| device["steps"].as_array().is_none_or(|it| !it.is_empty());
    let left = again["devices"].as_array().context("a plan of no devices")?.iter();
    Ok(Figures {
        plan,
        apply,
        reboots,
        dark,
        seen_dark,
        left: left.filter(to_do).count(),
        written_again,
        failed_logins: site.sum(|camera| camera.counts().failed_logins),
    })
}

/// Reboots that the agent asked for, and for how long it saw no picture.
fn outcome(applied: &Value, size: &Size) -> anyhow::Result<(u64, Duration)> {
    ensure!(applied["halted"].is_null(), "the roll-out halted: {}", applied["halted"]);
    let devices = applied["devices"].as_array().context("nothing was applied")?;
    ensure!(devices.len() == usize::from(size.cameras), "{} devices were changed", devices.len());
    let (mut reboots, mut dark) = (0, Duration::ZERO);
    for device in devices {
        ensure!(device["stopped"].is_null(), "{}: {}", device["device"], device["stopped"]);
        for step in device["steps"].as_array().context("a device without steps")? {
            let well = ["proven", "standing"].iter().any(|it| !step["outcome"][it].is_null());
            ensure!(well, "{}: {step}", device["device"]);
        }
        reboots += device["reboots"].as_u64().context("reboots are not told")?;
        let lost = device["video_lost_ms"].as_u64();
        dark += Duration::from_millis(lost.context("lost video is not told")?);
    }
    Ok((reboots, dark))
}
