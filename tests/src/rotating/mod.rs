//! Rotations that go wrong: a real controller, a real agent and a site of pretend cameras over TLS, whose passwords or
//! certificates are ordered to be replaced while agent and controller are killed or crash, cameras lose power, answers
//! are lost, requests come late, and the clocks of cameras and of the agent's machine are wrong. Afterwards the books are opened: what every camera takes, now and after a reboot, must be in
//! the agent's vault and in escrow, and no camera may have seen as many failed log-ins as would lock somebody out.

pub mod crashes;
mod later;
mod mishap;
mod reckon;
pub mod search;
mod site;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::offline::dice::Dice;
use later::{Failed, hours_later};
use site::Site;

/// Which credential is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The password that the agent logs in with.
    Password,
    /// The certificate that the camera presents.
    Certificate,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which credential.
    pub what: What,
    /// Rotations, each of one camera that was never in one before.
    pub trials: u32,
    /// Cameras of one site, which are rotated at the same time. Each batch has a world of its own.
    pub cameras: u16,
    /// What befalls whom follows from it, but not when exactly.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rotations that were ordered.
    pub trials: u32,
    /// Cameras that take, now or after a reboot, nothing that the agent's vault holds, or another one than it is certain of.
    pub lost: u32,
    /// Cameras that counted as many failed log-ins as lock somebody out.
    pub lockouts: u32,
    /// Cameras that take, now or after a reboot, nothing that is in escrow.
    pub unescrowed: u32,
    /// Cameras whose rotation came to its end only hours later, when the agent asked again: it leaves one alone that refused
    /// it. The hours are not waited for, the clocks are set.
    pub waited: u32,
    /// Cameras whose rotation was not at an end when the books were opened: log-ins may have failed, and the agent makes no
    /// more of them for an hour, which no clock that is set ahead shortens.
    pub unsettled: u32,
    /// Cameras that take another credential than before.
    pub replaced: u32,
    /// Files and processes that showed a secret in clear, and crashes of which the memory was written down.
    pub leaked: u32,
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "trials: {}", self.trials)?;
        writeln!(out, "lost: {}", self.lost)?;
        writeln!(out, "lockouts: {}", self.lockouts)?;
        writeln!(out, "unescrowed: {}", self.unescrowed)?;
        writeln!(out, "waited: {}", self.waited)?;
        writeln!(out, "unsettled: {}", self.unsettled)?;
        writeln!(out, "replaced: {}", self.replaced)?;
        write!(out, "leaked: {}", self.leaked)
    }
}

/// Files that are meant to hold secrets.
const MEANT: [&str; 2] = ["pw", "recovery.key"];
/// How long a batch may take to come to rest, once nothing befalls anybody any more.
const SETTLE: Duration = Duration::from_secs(150);

/// Makes the trials, and tells what went wrong in them as it goes wrong.
///
/// # Errors
/// When anything but what is counted goes wrong.
pub async fn rotating(plan: &Plan, tell: &dyn Fn(&str)) -> anyhow::Result<Tally> {
    crashes::allow_cores()?;
    let mut tally = Tally::default();
    for batch in 0.. {
        let left = plan.trials - tally.trials;
        if left == 0 {
            break;
        }
        let cameras = u16::try_from(left).unwrap_or(u16::MAX).min(plan.cameras);
        let folder = tempfile::tempdir()?;
        let seed = plan.seed.wrapping_add(batch);
        let done = trial(folder.path(), plan.what, cameras, seed, &mut tally, tell).await;
        done.with_context(|| format!("the batch of seed {seed}"))?;
        tell(&format!("{} of {} trials", tally.trials, plan.trials));
    }
    Ok(tally)
}

/// One site, rotated once.
async fn trial(
    folder: &Path,
    what: What,
    cameras: u16,
    seed: u64,
    tally: &mut Tally,
    tell: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed);
    let mut site = Site::found(folder, what, cameras).await?;
    let before = site.until_settled(SETTLE).await?;
    anyhow::ensure!(before.len() == site.cameras.len(), "not every camera's credential is known");
    site.order(what).await?;
    tally.leaked += mishap::befall(&mut site, &mut dice, tell).await?;
    let mut earlier = Failed::new();
    if site.until_changed(&before, Instant::now() + SETTLE).await.is_err() {
        let undone = site.undone(&before).await?;
        later::story_of(&site, &undone, tell)?;
        earlier = hours_later(&mut site, &before, SETTLE).await?;
        let done = undone.len().saturating_sub(site.undone(&before).await?.len());
        tally.waited += u32::try_from(done)?;
    }
    let (secrets, processes) = (site.secrets().await?, site.processes());
    let found = search::leaks(folder, &processes, &secrets, &MEANT)?;
    found.iter().for_each(|path| tell(&format!("a secret in clear: {}", path.display())));
    tally.leaked += u32::try_from(found.len())?;
    site.agent.stop().await?;
    reckon::reckon(&site, what, &before, &earlier, tally, tell).await?;
    site.controller.stop().await
}
