//! What became of a plan, step by step.

use proto::{DeviceName, Measure, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Digest;
use crate::plan::{DevicePlan, Step};

/// What became of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// The version of this format.
    pub palisade_applied: u32,
    /// The plan.
    pub plan: Digest,
    /// Why the roll-out halted, if it did.
    pub halted: Option<String>,
    /// In the order in which they ended.
    pub devices: Vec<DeviceResult>,
    /// Devices that were not taken up because it halted.
    pub left: Vec<DeviceName>,
}

/// What became of one device's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceResult {
    /// Which device.
    pub device: DeviceName,
    /// When the work began, by the agent's clock.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// In the order of the plan; all of them.
    pub steps: Vec<StepResult>,
    /// Why the work ended before its end, if it did.
    pub stopped: Option<String>,
    /// Reboots that we asked for.
    pub reboots: u32,
    /// Milliseconds without a picture, as far as we saw; none if it showed none before.
    pub video_lost_ms: Option<u64>,
    /// Where it is reached from now on, if that changed.
    pub moved_to: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What was handed to rotation, and when it is due, as sentences.
    #[serde(default)]
    pub rotations: Vec<String>,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepResult {
    /// Its number in the plan.
    pub number: u32,
    /// The measure.
    pub measure: Measure,
    /// What was to be done.
    pub words: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Milliseconds without a picture that it cost, as far as we saw; none if that could not be seen.
    pub video_lost_ms: Option<u64>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A fresh look shows that the measure is met, and it is saved.
    Proven {
        /// What was seen.
        observed: String,
    },
    /// A fresh look shows the lines as they are to be, and they are saved; whether the measure is met does not show.
    Standing {
        /// Why it does not.
        why: String,
    },
    /// The lines stood already as they are to be. Nothing was done.
    Already,
    /// The device answered as if all were well, and did nothing.
    Ineffective {
        /// What a fresh look shows.
        why: String,
    },
    /// The device would not do it.
    Refused {
        /// What it said.
        why: String,
    },
    /// It was undone: the device is as it was before.
    Reverted {
        /// Why.
        why: String,
        /// What brought the device back.
        by: By,
    },
    /// We lost hold of it: it does not let us in any more, or what was changed could not be undone. It is not saved,
    /// unless `why` says so.
    CutOff {
        /// What happened, and what brings the device back.
        why: String,
    },
    /// Not tried.
    NotTried {
        /// Why.
        why: String,
    },
}

/// What brought a device back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The old lines were written back.
    WritingBack,
    /// It rebooted by itself, or somebody rebooted it: what was not saved is gone.
    ItsReboot,
}

impl Outcome {
    /// Why no other device should be taken up after this; none if there is no reason.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Proven { .. } | Self::Standing { .. } | Self::Already | Self::NotTried { .. } => {
                None
            }
            Self::Ineffective { why }
            | Self::Refused { why }
            | Self::Reverted { why, .. }
            | Self::CutOff { why } => Some(why),
        }
    }
}

impl DeviceResult {
    /// Why no other device should be taken up after this one; none if all went as planned.
    pub fn trouble(&self, most_video_lost_s: u32) -> Option<String> {
        if let Some(why) = &self.stopped {
            return Some(why.clone());
        }
        if let Some(why) = self.steps.iter().find_map(|step| step.outcome.trouble()) {
            return Some(why.to_owned());
        }
        let lost = self.video_lost_ms.unwrap_or_default() / 1000;
        (lost > u64::from(most_video_lost_s)).then(|| {
            format!("it showed no picture for {lost} s, and the policy bears {most_video_lost_s} s")
        })
    }
}

impl DeviceResult {
    /// Of a device that nothing was done to at `now`: because its plan changes no setting, or for the reason given.
    pub fn untouched(plan: &DevicePlan, now: Timestamp, stopped: Option<&str>) -> Self {
        let step = |step: &Step| StepResult {
            number: step.number,
            measure: step.measure,
            words: step.words.clone(),
            outcome: Outcome::NotTried { why: stopped.unwrap_or_default().to_owned() },
            video_lost_ms: None,
        };
        Self {
            steps: plan.steps.iter().map(step).collect(),
            stopped: stopped.map(str::to_owned),
            ..Self::blank(plan.device.clone(), now)
        }
    }

    /// Of a device whose driver failed in the middle of these steps.
    pub(super) fn failed(self, steps: Vec<StepResult>, ended: Timestamp) -> Self {
        let why = "the driver failed (this is a bug; please report it); look at the device before anything else";
        Self { ended, steps, stopped: Some(why.to_owned()), ..self }
    }

    /// Of a device whose work begins at `now`.
    pub(super) fn blank(device: DeviceName, now: Timestamp) -> Self {
        Self {
            device,
            began: now,
            ended: now,
            steps: Vec::new(),
            stopped: None,
            reboots: 0,
            video_lost_ms: None,
            moved_to: None,
            notes: Vec::new(),
            rotations: Vec::new(),
        }
    }

    /// Whether anything was tried at all. Where nothing was, the device is as it was.
    pub fn was_begun(&self) -> bool {
        // A driver that failed has told nothing.
        let untouched = |step: &StepResult| matches!(step.outcome, Outcome::NotTried { .. });
        self.steps.is_empty() || !self.steps.iter().all(untouched)
    }
}

impl Applied {
    /// The version of this format.
    pub const FORMAT: u32 = 1;
}
