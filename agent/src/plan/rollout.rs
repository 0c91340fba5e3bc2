//! Which device is taken up next: canaries alone and first, then at most so many at once, one per place, and none
//! after something went wrong. Pure; whoever acts asks it.

use std::collections::{BTreeSet, VecDeque};

use proto::DeviceName;

use super::RollOut;

/// The state of a roll-out.
#[derive(Clone, Debug)]
pub struct Rollout {
    canaries: VecDeque<DeviceName>,
    waiting: VecDeque<DeviceName>,
    running: BTreeSet<DeviceName>,
    rules: RollOut,
    halted: Option<String>,
    closed: bool,
    /// Whether what runs is a canary, beside which nothing runs.
    canary_runs: bool,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take this device up.
    Start(DeviceName),
    /// Wait until one of those that run has ended.
    Wait,
    /// Nothing runs and nothing is left, or these could not be taken up any more.
    Over {
        /// Devices that were not taken up.
        left: Vec<DeviceName>,
    },
}

/// How a device ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As planned.
    Well,
    /// Not as planned, or with more harm than the policy bears: why, as a clause. Nothing more is taken up.
    Badly(String),
}

impl Rollout {
    /// A roll-out over these devices, in this order. Of the canaries that the rules name, those among the devices count.
    pub fn new(devices: impl IntoIterator<Item = DeviceName>, rules: RollOut) -> Self {
        let devices: Vec<DeviceName> = devices.into_iter().collect();
        let is_canary = |device: &&DeviceName| rules.canary.contains(device);
        Self {
            canaries: devices.iter().filter(is_canary).cloned().collect(),
            waiting: devices.iter().filter(|device| !is_canary(device)).cloned().collect(),
            running: BTreeSet::new(),
            rules,
            halted: None,
            closed: false,
            canary_runs: false,
        }
    }

    /// What to do now. A device that is to be started counts as running from then on.
    #[must_use]
    pub fn decide(&mut self) -> Next {
        if self.halted.is_none()
            && !self.closed
            && let Some(device) = self.candidate()
        {
            self.running.insert(device.clone());
            return Next::Start(device);
        }
        if !self.running.is_empty() {
            return Next::Wait;
        }
        Next::Over { left: self.canaries.drain(..).chain(self.waiting.drain(..)).collect() }
    }

    /// A device has ended.
    pub fn ended(&mut self, device: &DeviceName, how: Ended) {
        self.running.remove(device);
        self.canary_runs = false;
        if let Ended::Badly(why) = how {
            self.halted.get_or_insert(format!("{device}: {why}"));
        }
    }

    /// Nothing more is taken up, though nothing went wrong: the window ends.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Why nothing more is taken up, if something went wrong.
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    fn candidate(&mut self) -> Option<DeviceName> {
        if self.canary_runs {
            return None;
        }
        if let Some(canary) = self.canaries.pop_front() {
            self.canary_runs = true;
            return Some(canary);
        }
        if self.running.len() >= usize::from(self.rules.at_once.max(1)) {
            return None;
        }
        let place = self.waiting.iter().position(|device| self.is_free(device))?;
        self.waiting.remove(place)
    }

    /// Whether nothing that looks at the same place is in change.
    fn is_free(&self, device: &DeviceName) -> bool {
        let Some(places) = self.rules.places.get(device) else { return true };
        let shared = |other: &DeviceName| {
            self.rules.places.get(other).is_some_and(|theirs| !places.is_disjoint(theirs))
        };
        !self.running.iter().any(shared)
    }
}
