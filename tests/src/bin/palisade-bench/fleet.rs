//! A real controller with a herd of agents, and a real agent at rest beside twenty cameras.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use proto::wire::v1::ListDevicesRequest;
use tests::fleet::{Transport, fleet};
use tests::herd::bench::{Figures, Size, fleet as measure};
use tests::herd::operator::Desk;
use tests::world::{Controller, SiteBox};

use crate::{mebibytes, row, tell};

/// Cameras of the agent whose memory is read.
const CAMERAS: u16 = 20;
/// Orders, one after the other.
const ORDERS: usize = 1000;
/// What a bench needs and nobody else should: thousands join from one address within a minute.
const SETTINGS: [(&str, &str); 1] = [("LIMITS_ENROLLMENTS_PER_MINUTE", "100000")];

/// Prints the figures.
///
/// # Errors
/// When anything but a figure goes wrong.
pub async fn run(agents: u16, idle: u16) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut controller = Controller::found(folder.path(), &SETTINGS).await?;
    let idle = Duration::from_secs(idle.into());
    let size = Size { agents: agents.into(), orders: ORDERS.min(usize::from(agents) * 20), idle };
    let figures = measure(&mut controller, size, &tell).await?;
    controller.stop().await?;
    let own = tempfile::tempdir()?;
    let resident = agent_at_rest(own.path()).await?;
    print(&figures, resident)
}

/// Resident memory, in KiB, of an agent that has looked at every camera of its site and reported it.
async fn agent_at_rest(folder: &Path) -> anyhow::Result<u64> {
    tell("one agent with twenty cameras");
    let cameras = fleet(CAMERAS, Duration::from_millis(2), Transport::Https).await?;
    let controller = Controller::found(folder, &[]).await?;
    let mut desk = controller.desk().await?;
    desk.add_site("harbour").await?;
    let ticket = desk.token("harbour").await?;
    let agent = SiteBox::join(folder, &ticket, &cameras.site_file()).await?;
    until_reported(&mut desk).await?;
    // What was needed for the visits is given back only at the next turn of the allocator; a stream that is quiet for a
    // while is what "at rest" means.
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(agent.daemon().resident_kib()?)
}

async fn until_reported(desk: &mut Desk) -> anyhow::Result<()> {
    for _ in 0..600 {
        let asked = ListDevicesRequest { site: "harbour".to_owned() };
        let devices = desk.client.list_devices(asked).await?.into_inner().devices;
        let seen =
            devices.iter().filter(|device| device.observed_at > 0 && device.failure.is_none());
        if seen.count() == usize::from(CAMERAS) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    ensure!(false, "the agent did not report every camera in time");
    Ok(())
}

fn print(figures: &Figures, resident: u64) -> anyhow::Result<()> {
    let Figures { agents, kib_per_agent, joins_ratio, order_p99_ms, apply_all_s, .. } = figures;
    row("agents", agents)?;
    row("kib_per_agent", format_args!("{kib_per_agent:.1}"))?;
    row("joins_ratio", format_args!("{joins_ratio:.2}"))?;
    row("joins_per_s", format_args!("{:.0}", figures.joins_per_s))?;
    row("order_p99_ms", format_args!("{order_p99_ms:.2}"))?;
    row("apply_all_s", format_args!("{apply_all_s:.2}"))?;
    row("keepalive_core_pct_10k", format_args!("{:.2}", figures.keepalive_core_pct_10k))?;
    row("storm_s", format_args!("{:.1}", figures.storm_s))?;
    row("storm_lost", figures.storm_lost)?;
    row("agent_rss_mib", format_args!("{:.1}", mebibytes(resident)))
}
