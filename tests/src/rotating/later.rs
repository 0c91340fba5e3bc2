//! Hours later: for cameras whose rotation is not at an end when everything that befalls anybody is over. The agent leaves
//! a camera alone for ten minutes up to six hours that refused it. Nobody waits for that here: the clocks of agent and
//! controller are set ahead, and a start forgets the rest.
//!
//! One that may have counted as many failed log-ins as we allow stays as it is: a start by a clock that was set ahead
//! frees none of them before an hour has really passed, and that is what is tried here as well.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::site::{Site, Standings};
use crate::clocks::Shows;

/// The longest that the agent leaves a camera alone is six hours; in seconds.
const HOURS: i64 = 7 * 3600;

/// Failed log-ins of each camera so far, by its name.
pub type Failed = BTreeMap<String, u64>;

/// Tells what the agent's log says of these cameras: why they are not at an end.
///
/// # Errors
/// When the log cannot be read.
pub fn story_of(site: &Site, undone: &Standings, tell: &dyn Fn(&str)) -> std::io::Result<()> {
    let log = site.agent.daemon().log()?;
    for (device, (state, _)) in undone {
        tell(&format!("{device} is not at an end yet: {state}"));
        let about = format!("device=\"{device}\"");
        log.lines().filter(|line| line.contains(&about)).for_each(tell);
    }
    Ok(())
}

/// Lets the hours pass, and waits until every rotation is at an end. Gives the failed log-ins that cameras had counted
/// before, and count no more.
///
/// # Errors
/// When a program does not start again.
pub async fn hours_later(
    site: &mut Site,
    before: &Standings,
    settle: Duration,
) -> anyhow::Result<Failed> {
    site.agent.stop().await?;
    site.controller.stop().await?;
    let failed = site.failed();
    site.cameras.iter().for_each(|(_, camera)| camera.log_ins_lapse());
    for clock in [&site.clock, &site.office] {
        clock.set(Shows::Off(HOURS))?;
    }
    site.controller.goes_by(&site.office);
    site.controller.start().await?;
    site.agent.start().await?;
    // Whatever of it is not at an end by then is counted.
    let _ = site.until_changed(before, Instant::now() + settle).await;
    Ok(failed)
}
