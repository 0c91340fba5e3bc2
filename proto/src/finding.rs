//! What a judgment says about one device at one time, as it is reported, stored and shown.

use serde::{Deserialize, Serialize};

use crate::{Day, DeviceName, Measure, Proof, Stance};

/// The conclusion, in one word. In a report the field is called `judgment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was seen is what the measure wants.
    Met,
    /// What was seen is not what the measure wants. A waiver never changes this word.
    Unmet,
    /// The measure does not concern this device.
    NotApplicable,
    /// It could not be seen; the finding's `observed` says why. Never counted as met.
    Unknown,
    /// A named person vouches for it, until a date.
    Attested,
}

impl Verdict {
    /// Every verdict, the ones that need attention first.
    pub const ALL: [Self; 5] =
        [Self::Unmet, Self::Unknown, Self::Attested, Self::Met, Self::NotApplicable];

    /// The word used in files and on the wire: `met`, `unmet`, `not_applicable`, `unknown`, `attested`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::NotApplicable => "not_applicable",
            Self::Unknown => "unknown",
            Self::Attested => "attested",
        }
    }
}

/// What carrying out the remedy costs the device's users, at worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Nobody notices.
    None,
    /// Seconds without video or recording.
    VideoGap,
    /// The device restarts: minutes without video.
    Reboot,
    /// The network link may be lost.
    LinkLoss,
}

/// How easily the remedy, done wrong, locks its own administrator out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockoutRisk {
    /// It cannot.
    None,
    /// It can, and a reboot or another account brings the way back.
    Recoverable,
    /// It can, and the way back may be the device's maker.
    Severe,
}

/// One piece of what a judgment rests on. Secrets are taken out before it is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was seen, such as `configuration line 12` or `GET /robots.txt`.
    pub source: String,
    /// What stood there, redacted.
    pub text: String,
}

/// An unmet measure that somebody accepts, with reason, owner and end. The verdict stays `unmet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The measure that is accepted as unmet.
    pub measure: Measure,
    /// The devices it holds for; empty means all.
    #[serde(default)]
    pub devices: Vec<DeviceName>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day it holds.
    pub expires: Day,
}

/// A named person vouches for a measure until a date; after it the measure is unknown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The measure vouched for.
    pub measure: Measure,
    /// The devices it holds for; empty means all.
    #[serde(default)]
    pub devices: Vec<DeviceName>,
    /// Who vouches.
    pub by: String,
    /// The last day it holds.
    pub until: Day,
    /// What the person looked at.
    pub evidence: String,
}

/// A judgment about one device at one time, as reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which of the 32.
    pub measure: Measure,
    /// The wanted state in words.
    pub title: String,
    /// The conclusion.
    pub judgment: Verdict,
    /// Whether a waiver in force accepts this unmet measure.
    pub waived: bool,
    /// That waiver.
    pub waiver: Option<Waiver>,
    /// What the policy wants done about the measure.
    pub stance: Stance,
    /// How far the conclusion is proven.
    pub proof: Proof,
    /// What was expected.
    pub expected: String,
    /// What was observed; for `unknown`, why it could not be.
    pub observed: String,
    /// Why the measure matters.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
    /// What the remedy costs at worst.
    pub disruption: Disruption,
    /// Whether the remedy can lock its administrator out.
    pub lockout_risk: LockoutRisk,
    /// What the conclusion rests on.
    pub evidence: Vec<Evidence>,
}
