//! The agent beside it against a fleet of pretend cameras. It judges no figure, but gives none at all where an audit was
//! not complete.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tests::fleet::{Transport, fleet};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::{mebibytes, row, tell};

/// How often the agent's peak memory is read. The kernel keeps the peak; only growth after the last look is missed.
const LOOK: Duration = Duration::from_millis(2);
/// Measures that every device is judged by.
const FINDINGS: usize = 32;

/// One way to audit the site.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    transport: Transport,
    at_once: u32,
}

const CASES: [Case; 6] = [
    Case { name: "http_5", transport: Transport::Http, at_once: 5 },
    Case { name: "http_50", transport: Transport::Http, at_once: 50 },
    Case { name: "http_200", transport: Transport::Http, at_once: 200 },
    Case { name: "https_5", transport: Transport::Https, at_once: 5 },
    Case { name: "https_50", transport: Transport::Https, at_once: 50 },
    Case { name: "https_200", transport: Transport::Https, at_once: 200 },
];

/// The site to audit.
#[derive(Clone, Copy)]
struct Site {
    cameras: u16,
    latency: Duration,
}

/// What one audit came to.
struct Run {
    wall: Duration,
    limit: Duration,
    rss_kib: u64,
    audited: usize,
    most_open: u64,
    /// Of the camera that needed the most, and of the one that needed the fewest.
    round_trips: (u64, u64),
}

impl Run {
    fn ratio(&self) -> f64 {
        self.wall.as_secs_f64() / self.limit.as_secs_f64()
    }
}

/// Prints the figures.
///
/// # Errors
/// An audit that was not complete.
pub async fn run(quick: bool, runs: u32, only: &[String]) -> anyhow::Result<()> {
    let agent = std::env::current_exe()?.with_file_name("palisade-agent");
    ensure!(agent.is_file(), "{} is missing; build the workspace first", agent.display());
    if quick { count(&agent).await } else { measure(&agent, runs, only).await }
}

/// Prints what the cameras counted in a short audit over each transport.
async fn count(agent: &Path) -> anyhow::Result<()> {
    let site = Site { cameras: 20, latency: Duration::from_millis(2) };
    for case in [CASES[0], CASES[3]] {
        let run = audit(agent, site, case).await.with_context(|| case.name)?;
        let transport = if case.transport == Transport::Http { "http" } else { "https" };
        row(&format!("audited_{transport}"), run.audited)?;
        row(&format!("open_per_camera_{transport}"), run.most_open)?;
        row(&format!("round_trips_per_camera_{transport}"), run.round_trips.0)?;
    }
    Ok(())
}

async fn measure(agent: &Path, runs: u32, only: &[String]) -> anyhow::Result<()> {
    let site = Site { cameras: 200, latency: Duration::from_millis(20) };
    tell(&format!(
        "{} cameras, {} ms a round trip; ratio = wall time of the agent / (round trips of all cameras x latency / at \
         once); best of {runs} runs, memory and connections of the worst",
        site.cameras,
        site.latency.as_millis(),
    ));
    let (mut rss_kib, mut most_open) = (0, 0);
    for case in
        CASES.into_iter().filter(|case| only.is_empty() || only.iter().any(|one| one == case.name))
    {
        let mut best = f64::INFINITY;
        for _ in 0..runs {
            let run = audit(agent, site, case).await.with_context(|| case.name)?;
            tell(&format!(
                "{}: wall {:.3} s, limit {:.3} s, ratio {:.3}, {:.1} MiB, {} round trips per camera, {} open",
                case.name,
                run.wall.as_secs_f64(),
                run.limit.as_secs_f64(),
                run.ratio(),
                mebibytes(run.rss_kib),
                span(run.round_trips),
                run.most_open,
            ));
            best = best.min(run.ratio());
            rss_kib = rss_kib.max(run.rss_kib);
            most_open = most_open.max(run.most_open);
        }
        row(&format!("ratio_{}", case.name), format_args!("{best:.3}"))?;
    }
    row("rss_mib", format_args!("{:.1}", mebibytes(rss_kib)))?;
    row("open_per_camera", most_open)
}

/// Audits a fleet of its own, so that no run finds the log that an earlier one left in the cameras.
async fn audit(agent: &Path, site: Site, case: Case) -> anyhow::Result<Run> {
    let fleet = fleet(site.cameras, site.latency, case.transport)
        .await
        .context("starting the cameras failed")?;
    let (output, errors) = (fleet.folder().join("report.json"), fleet.folder().join("errors"));
    let begun = Instant::now();
    let agent = Command::new(agent)
        .args([
            "audit",
            "--format",
            "json",
            "--concurrency",
            &case.at_once.to_string(),
            "--inventory",
        ])
        .arg(fleet.site_file())
        .arg("--output")
        .arg(&output)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&errors)?)
        .kill_on_drop(true)
        .spawn()
        .context("starting the agent failed")?;
    let (code, wall, rss_kib) = watch(agent, begun).await?;
    let audited = check(code, &output, site).inspect_err(|_| {
        tell(&std::fs::read_to_string(&errors).unwrap_or_default());
    })?;
    let counts: Vec<_> = fleet.cameras().iter().map(|camera| camera.counts().round_trips).collect();
    let round_trips =
        (counts.iter().copied().max().unwrap_or(0), counts.iter().copied().min().unwrap_or(0));
    Ok(Run {
        wall,
        limit: fleet.limit(site.latency, case.at_once),
        rss_kib,
        audited,
        most_open: fleet.counts().most_open,
        round_trips,
    })
}

/// Waits for the agent to end: its exit code, its wall time, and its peak memory in KiB. What the kernel says of a
/// child that has ended would not do: until the child's program begins, it counts the memory of its parent.
async fn watch(mut agent: Child, begun: Instant) -> anyhow::Result<(Option<i32>, Duration, u64)> {
    let status = format!("/proc/{}/status", agent.id().context("the agent has no process")?);
    let (mut peak, mut look) = (0, tokio::time::interval(LOOK));
    loop {
        tokio::select! {
            ended = agent.wait() => return Ok((ended?.code(), begun.elapsed(), peak)),
            _ = look.tick() => peak = peak.max(peak_memory(&status).unwrap_or(0)),
        }
    }
}

/// `None` before the program begins and after it ended.
fn peak_memory(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// How many devices were audited.
///
/// # Errors
/// A report that does not tell of every device, its configuration and all its findings.
fn check(code: Option<i32>, report: &Path, site: Site) -> anyhow::Result<usize> {
    ensure!(
        matches!(code, Some(0 | 1)),
        "the agent could not audit the site: it ended with {code:?}"
    );
    let text = std::fs::read(report).context("the agent wrote no report")?;
    let report: Value = serde_json::from_slice(&text).context("the report is no JSON")?;
    let devices = report["devices"].as_array().context("the report lists no devices")?;
    ensure!(
        devices.len() == usize::from(site.cameras),
        "the report tells of {} devices, the site has {}",
        devices.len(),
        site.cameras
    );
    for device in devices {
        let name = &device["device"]["name"];
        ensure!(device["failure"].is_null(), "{name} was not audited: {}", device["failure"]);
        let findings = device["findings"].as_array().map_or(0, Vec::len);
        ensure!(findings == FINDINGS, "{name} has {findings} findings");
        // Only the configuration tells it.
        ensure!(
            device["device"]["firmware"].is_string(),
            "the configuration of {name} was not read"
        );
    }
    Ok(devices.len())
}

fn span((most, fewest): (u64, u64)) -> String {
    if most == fewest { most.to_string() } else { format!("{fewest} to {most}") }
}
