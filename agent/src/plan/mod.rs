//! Plans: what is to be done to which device, in which order, and what it may break. Pure.
//!
//! A plan proposes only what the policy says to enforce, and only what a driver can write and prove. Everything else
//! that is not met becomes a task: for a person, for rotation, or to be learned. It refuses whatever could lock this
//! agent, the workstations or the storage out; [`violations`] says the rules once more, and is asked again before
//! anything is done.

mod draw;
mod drift;
mod harm;
mod rollout;
mod safety;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proto::policy::ChangeRules;
use proto::{DeviceName, Disruption, LockoutRisk, Measure, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::{Change, Credential, Digest, Edit, Risk};

pub use draw::{Rotates, Subject, Translate, draw};
pub use drift::{Drift, between, drift};
pub use rollout::{Ended, Next, Rollout};
pub use safety::violations;
pub use text::write;

/// What is to be done to the devices of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format: [`Plan::FORMAT`].
    pub palisade_plan: u32,
    /// The version of the agent that made it.
    pub agent: String,
    /// When it was made, by the agent's clock.
    pub made_at: Timestamp,
    /// The site file that says how the devices are reached.
    pub inventory: Option<String>,
    /// How the devices are taken up.
    pub roll_out: RollOut,
    /// In the order of the site file.
    pub devices: Vec<DevicePlan>,
    /// Devices that could not be looked at, and why.
    pub failed: Vec<Failed>,
    /// Over everything above.
    pub digest: Digest,
}

/// How the devices are taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollOut {
    /// Devices in change at the same time, at most.
    pub at_once: u16,
    /// Devices that go first, one after the other.
    pub canary: Vec<DeviceName>,
    /// For each device that shares a place with others: its places. One device of a place is in change at most.
    pub places: BTreeMap<DeviceName, BTreeSet<String>>,
}

/// A device that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// Which.
    pub device: DeviceName,
    /// Why.
    pub why: String,
}

/// What is to be done to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevicePlan {
    /// Which.
    pub device: DeviceName,
    /// Where it was reached.
    pub address: String,
    /// Product line, such as `MOBOTIX P3`.
    pub product: Option<String>,
    /// Firmware as the device writes it.
    pub firmware: Option<String>,
    /// The certificate it presented, as `sha256:` and 64 hex digits; it is held to it.
    pub pin: Option<String>,
    /// The account that we log in as, which no step touches.
    pub user: Option<String>,
    /// Over the configuration that the plan was made for: it is refused on any other.
    pub configuration: Digest,
    /// Addresses that must always get in: ours, the workstations', the storage's.
    pub must_admit: BTreeSet<IpAddr>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// What is left to others.
    pub tasks: Vec<Task>,
}

/// One change, with what it may break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From 1, in the order they are made.
    pub number: u32,
    /// The measure it cures.
    pub measure: Measure,
    /// The change.
    pub change: Change,
    /// The same in words.
    pub words: String,
    /// The lines, and how the effect shows.
    pub edit: Edit,
    /// What it may break.
    pub harm: Harm,
    /// How it is undone.
    pub undo: String,
    /// From when on it is not undone by a reboot.
    pub point_of_no_return: String,
}

/// What a step may break, as far as it can be foreseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harm {
    /// In one word.
    pub risk: Risk,
    /// What it costs the camera's users at worst.
    pub disruption: Disruption,
    /// How easily it locks us out.
    pub lockout_risk: LockoutRisk,
    /// Whether the device reboots for it. One reboot serves all steps that need one.
    pub reboot: bool,
    /// Seconds without video that it may cost.
    pub video_s: u32,
    /// Who else may feel it, as clauses.
    pub others: Vec<String>,
    /// What brings the device back if it cuts us off, as a clause; none if it cannot.
    pub way_back: Option<String>,
}

/// Something that is left to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The measure it is for.
    pub measure: Measure,
    /// Whose it is.
    pub kind: TaskKind,
    /// What is to be done, as a sentence.
    pub words: String,
    /// How it is confirmed, as a sentence.
    pub confirm: String,
}

/// Whose a task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskKind {
    /// A person's, at the camera or in the policy.
    Person,
    /// To be learned: what the firmware calls it is not known well enough.
    Learn,
    /// Rotation's, which is told of it once the steps are proven.
    Rotate {
        /// What is replaced.
        credential: Credential,
        /// The window it is due in, counted from 1, which is the one of the steps. Certificate and password never share
        /// one, and the certificate comes first.
        window: u32,
    },
}

/// Who must get in, whatever an access list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The workstations'.
    pub vms: BTreeSet<IpAddr>,
    /// The storage's.
    pub nas: BTreeSet<IpAddr>,
}

/// Why a plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// It is none.
    #[error("it is no plan that this agent made: {0}")]
    Unreadable(String),
    /// It is of another version.
    #[error("its format is {0} and this agent reads {known}; plan again", known = Plan::FORMAT)]
    OtherFormat(u32),
    /// It was changed since it was made.
    #[error("it was changed since it was made (its digest does not fit); plan again")]
    Changed,
}

impl Plan {
    /// The version of this format.
    pub const FORMAT: u32 = 1;

    /// Puts a plan together.
    pub fn new(
        made_at: Timestamp,
        rules: &ChangeRules,
        inventory: Option<String>,
        devices: Vec<DevicePlan>,
        failed: Vec<Failed>,
    ) -> Self {
        let places = devices.iter().map(|it| {
            let places = rules.places(&it.device).into_iter().map(str::to_owned).collect();
            (it.device.clone(), places)
        });
        let places = places.filter(|(_, places): &(_, BTreeSet<String>)| !places.is_empty());
        let roll_out = RollOut {
            at_once: rules.at_once,
            canary: rules.canary.clone(),
            places: places.collect(),
        };
        let mut plan = Self {
            palisade_plan: Self::FORMAT,
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            made_at,
            inventory,
            roll_out,
            devices,
            failed,
            digest: Digest::of(b""),
        };
        plan.digest = plan.reckon();
        plan
    }

    /// Reads a plan and checks that nobody changed it.
    ///
    /// # Errors
    /// See [`BadPlan`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadPlan> {
        #[derive(Deserialize)]
        struct Head {
            palisade_plan: u32,
        }
        let unreadable = |error: serde_json::Error| BadPlan::Unreadable(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
        if head.palisade_plan != Self::FORMAT {
            return Err(BadPlan::OtherFormat(head.palisade_plan));
        }
        let plan: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        if plan.digest == plan.reckon() { Ok(plan) } else { Err(BadPlan::Changed) }
    }

    fn reckon(&self) -> Digest {
        let bare = Self { digest: Digest::of(b""), ..self.clone() };
        let bytes = serde_json::to_vec(&bare).expect("a plan holds nothing that JSON cannot");
        Digest::of(&bytes)
    }

    /// How many steps there are on all devices.
    pub fn steps(&self) -> usize {
        self.devices.iter().map(|device| device.steps.len()).sum()
    }
}

impl DevicePlan {
    /// The changes, in order.
    pub fn changes(&self) -> Vec<Change> {
        self.steps.iter().map(|step| step.change.clone()).collect()
    }

    /// The credentials that rotation replaces once the steps are proven, each with its measure and its window.
    pub fn rotations(&self) -> impl Iterator<Item = (Measure, &Credential, u32)> {
        self.tasks.iter().filter_map(|task| match &task.kind {
            TaskKind::Rotate { credential, window } => Some((task.measure, credential, *window)),
            TaskKind::Person | TaskKind::Learn => None,
        })
    }

    /// Whether carrying it out does anything.
    pub fn is_work(&self) -> bool {
        !self.steps.is_empty() || self.rotations().next().is_some()
    }

    /// Whether a step needs a reboot.
    pub fn reboots(&self) -> bool {
        self.steps.iter().any(|step| step.harm.reboot)
    }

    /// Seconds without video that all of it may cost: one reboot serves all steps.
    pub fn video_s(&self) -> u32 {
        let gaps = self.steps.iter().filter(|step| !step.harm.reboot).map(|step| step.harm.video_s);
        let reboot =
            self.steps.iter().filter(|step| step.harm.reboot).map(|step| step.harm.video_s);
        gaps.sum::<u32>().saturating_add(reboot.max().unwrap_or_default())
    }
}
