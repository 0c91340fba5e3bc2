//! Measures the agent against a fleet of pretend cameras. Prints one `name: value` row a line and asserts nothing.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tests::fleet::{Transport, fleet};
use tokio::time::Instant;

/// Measures the agent against pretend cameras.
#[derive(Parser)]
enum Bench {
    /// Times `AGENT audit --inventory SITE ARGS…` and compares with the physical limit.
    Audit {
        /// How many cameras.
        #[arg(long, default_value_t = 200)]
        cameras: u16,
        /// What each round trip costs, in milliseconds.
        #[arg(long, default_value_t = 20)]
        latency: u64,
        /// How many cameras the agent looks at at once, for the limit; tell the agent the same in ARGS.
        #[arg(long, default_value_t = 5)]
        at_once: u32,
        /// Reach the cameras over TLS.
        #[arg(long)]
        tls: bool,
        /// The agent to time.
        agent: PathBuf,
        /// Further arguments for it.
        #[arg(last = true)]
        args: Vec<OsString>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Bench::Audit { cameras, latency, at_once, tls, agent, args } = Bench::parse();
    let latency = Duration::from_millis(latency);
    let transport = if tls { Transport::Https } else { Transport::Http };
    let fleet = fleet(cameras, latency, transport).await.context("starting the cameras failed")?;
    let begun = Instant::now();
    let status = tokio::process::Command::new(&agent)
        .args(["audit".as_ref(), "--inventory".as_ref(), fleet.site_file().as_os_str()])
        .args(args)
        .stdout(std::process::Stdio::null())
        .status()
        .await
        .with_context(|| format!("running {} failed", agent.display()))?;
    let (wall, limit, counts) = (begun.elapsed(), fleet.limit(latency, at_once), fleet.counts());
    let mut out = std::io::stdout().lock();
    writeln!(out, "exit: {}", status.code().unwrap_or(-1))?;
    writeln!(out, "wall_s: {:.3}", wall.as_secs_f64())?;
    writeln!(out, "limit_s: {:.3}", limit.as_secs_f64())?;
    writeln!(out, "ratio: {:.3}", wall.as_secs_f64() / limit.as_secs_f64())?;
    writeln!(out, "open_per_camera: {}", counts.most_open)?;
    writeln!(out, "connections: {}", counts.connections)?;
    writeln!(out, "requests: {}", counts.requests)?;
    writeln!(out, "round_trips: {}", counts.round_trips)?;
    writeln!(out, "failed_logins: {}", counts.failed_logins)?;
    Ok(())
}
