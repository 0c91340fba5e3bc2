//! A real agent at rest beside twenty cameras, as a site's box has it.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use proto::wire::v1::ListDevicesRequest;
use tests::daemon::Memory;
use tests::fleet::{Transport, fleet};
use tests::herd::operator::Desk;
use tests::world::{Controller, SiteBox};

use crate::{mebibytes, row, tell};

/// Cameras of the agent whose memory is read.
const CAMERAS: u16 = 20;

/// Prints the figures.
///
/// # Errors
/// When anything but a figure goes wrong.
pub async fn run(idle: u16) -> anyhow::Result<()> {
    let own = tempfile::tempdir()?;
    let memory = agent_at_rest(own.path(), Duration::from_secs(idle.into())).await?;
    row("agent_rss_mib", format_args!("{:.1}", mebibytes(memory.resident)))?;
    row("agent_own_mib", format_args!("{:.1}", mebibytes(memory.own)))?;
    row("agent_program_mib", format_args!("{:.1}", mebibytes(memory.program)))?;
    row("agent_peak_mib", format_args!("{:.1}", mebibytes(memory.peak)))
}

/// Memory of an agent that has looked at every camera of its site, reported it, and then rested for a while.
async fn agent_at_rest(folder: &Path, idle: Duration) -> anyhow::Result<Memory> {
    tell("one agent with twenty cameras");
    let cameras = fleet(CAMERAS, Duration::from_millis(2), Transport::Https).await?;
    let controller = Controller::found(folder, &[]).await?;
    let mut desk = controller.desk().await?;
    desk.add_site("harbour").await?;
    let ticket = desk.token("harbour").await?;
    let agent = SiteBox::join(folder, &ticket, &cameras.site_file()).await?;
    until_reported(&mut desk).await?;
    if let Some(id) = agent.daemon().id() {
        tell(&format!("resting, as process {id}"));
    }
    tokio::time::sleep(idle).await;
    Ok(agent.daemon().memory()?)
}

async fn until_reported(desk: &mut Desk) -> anyhow::Result<()> {
    for _ in 0..1200 {
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
