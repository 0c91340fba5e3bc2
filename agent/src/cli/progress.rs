//! How far a site's audit has come, for a person who waits. In a pipe it is quiet.

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Terminals;
use crate::facts::Observation;

/// A bar on standard error, or nothing.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for that many devices, if there is a person to see it and more than one thing to wait for.
    pub fn new(devices: usize, terminals: Terminals) -> Self {
        if !terminals.errors || devices < 2 {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} devices, last {msg}");
        let bar = ProgressBar::new(devices as u64);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// One more is done.
    pub fn step(&self, observation: &Observation) {
        self.0.set_message(observation.device.name.to_string());
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}
