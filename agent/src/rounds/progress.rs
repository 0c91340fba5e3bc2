//! How the rounds are going, for whoever asks.

use std::collections::BTreeMap;

use proto::wire::halt::Halt;
use proto::wire::rotation::RotationState;
use proto::{DeviceName, Timestamp};

use super::Rounds;

/// How it is going.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The site's name, if its file gives one.
    pub site: Option<String>,
    /// Devices of the site.
    pub devices: usize,
    /// Those whose last visit failed.
    pub failing: usize,
    /// Cameras on the site's networks that no site file names.
    pub strangers: usize,
    /// Each device's next visit in seconds of the monotonic clock, nothing while it is being visited; and how many visits
    /// to it failed in a row.
    pub turns: BTreeMap<DeviceName, (Option<u64>, u32)>,
    /// How visits ended since the start, by a word: `seen`, or why not.
    pub ended: BTreeMap<&'static str, u64>,
    /// Visits under way.
    pub under_way: usize,
    /// When a visit last ended, by the agent's clock.
    pub last_visit: Option<Timestamp>,
    /// Generation of the desired state in force; 0 for none.
    pub generation: u64,
    /// Why nobody is visited: the time is unknown.
    pub waits_for_time: bool,
    /// Why the site file on disk is not in force.
    pub site_error: Option<String>,
    /// Why the desired state held is not in force.
    pub policy_error: Option<String>,
    /// Why networks cannot be searched.
    pub search_error: Option<String>,
    /// Where credentials stand.
    pub credentials: Vec<RotationState>,
    /// What turns at credentials came to since the start, by a word.
    pub turned: BTreeMap<&'static str, u64>,
    /// Why no credential can be changed.
    pub credentials_error: Option<String>,
    /// Why nothing is changed unattended, if it is halted.
    pub halted: Option<Halt>,
}

impl Rounds {
    /// Shows how it is going, if that changed.
    pub(super) fn show_progress(&mut self) {
        let now = Progress {
            site: self.site.as_ref().and_then(|site| site.file.name.clone()),
            devices: self.site.as_ref().map_or(0, |site| site.file.devices.len()),
            failing: self.schedule.failing(),
            strangers: self.inventory.strangers().count(),
            turns: self
                .schedule
                .turns()
                .map(|(name, due, failures)| (name.clone(), (due, failures)))
                .collect(),
            ended: self.ended.clone(),
            under_way: self.visits.len(),
            last_visit: self.last_visit,
            generation: self.yardstick.as_ref().map_or(0, |yardstick| yardstick.generation),
            waits_for_time: !self.supplies.clock.is_known(),
            site_error: self.errors.site.clone(),
            policy_error: self.errors.policy.clone(),
            search_error: self.errors.search.clone(),
            credentials: self.credential_states(),
            turned: self.credentials.counts(),
            credentials_error: self.credentials.error(),
            halted: self.enforcement.halted(),
        };
        self.progress.send_if_modified(|shown| {
            let changed = *shown != now;
            *shown = now;
            changed
        });
    }
}
