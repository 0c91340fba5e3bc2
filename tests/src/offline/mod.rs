//! The line is down for ninety days. Meanwhile the site's devices change, its box is restarted, loses its plug, boots in
//! 1970 and is told wrong times, and the controller is restarted, too. Then the line is back, bad at first. Nothing may
//! be lost, nothing arrive twice, and nobody have to help.
//!
//! Days pass by clocks that are turned; everything else is real: the agent's service in a runtime of its own, its disk,
//! the controller, its database, TLS, and a port between the two that can be cut. What happens when follows from a seed.

mod devices;
pub mod dice;
pub mod line;
pub mod office;
mod reckoning;
pub mod site_box;
mod story;

use std::fmt;

use anyhow::Context as _;

/// How long the line is down, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Days without a line.
    pub days: u32,
    /// Devices of the site.
    pub devices: u32,
    /// How often each is visited, in minutes. All of them are visited in every step of a tenth more than that.
    pub visit_minutes: u32,
}

impl Plan {
    /// What is promised: ninety days, twenty devices, each visited daily.
    pub const WHOLE: Self = Self { days: 90, devices: 20, visit_minutes: 24 * 60 };
    /// The same in fewer steps.
    pub const SHORT: Self = Self { days: 90, devices: 20, visit_minutes: 3 * 24 * 60 };

    /// So many seconds pass at a time: after them every device is due, however its turns are spread.
    fn step(self) -> u32 {
        self.visit_minutes * 66 + 2
    }
}

/// What came of one outage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Audit records that the controller has not, and devices that it does not know as they are.
    pub lost: usize,
    /// Records and devices that it has twice, or that never were.
    pub doubled: usize,
    /// The agent or the controller did not come back by itself.
    pub dead: bool,
    /// What was wrong, in words.
    pub complaints: Vec<String>,
}

/// What came of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub trials: usize,
    /// What was lost in all of them.
    pub lost: usize,
    /// What was there twice.
    pub doubled: usize,
    /// In how many somebody did not come back.
    pub dead: usize,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, outcome: &Outcome) {
        self.trials += 1;
        self.lost += outcome.lost;
        self.doubled += outcome.doubled;
        self.dead += usize::from(outcome.dead);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trials, lost, doubled, dead } = self;
        write!(out, "trials: {trials}\nlost: {lost}\ndoubled: {doubled}\ndead: {dead}")
    }
}

/// One outage.
///
/// # Errors
/// When the pair cannot be set up. What happens to it afterwards is in the [`Outcome`].
pub async fn trial(seed: u64, plan: Plan) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let mut story = story::Story::begin(folder.path(), seed, plan).await.context("setting up")?;
    let lived = match story.live().await {
        Ok(()) => reckoning::reckon(&mut story).await,
        Err(error) => Err(error),
    };
    story.end().await;
    Ok(lived.unwrap_or_else(|error| Outcome {
        dead: true,
        complaints: vec![format!("{error:#}")],
        ..Outcome::default()
    }))
}
