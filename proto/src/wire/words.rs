//! Words of closed lists, between the wire and ours: one for one, and no number that this version does not know.

use serde::{Deserialize, Serialize};

use super::malformed::{Malformed, one_for_one};
use super::rotation::{CredentialKind, RotateReason, Standing};
use super::v1;
use crate::record::{BackupReason, EventKind};
use crate::{Disruption, LockoutRisk, Proof, SecretKind, Stance, Verdict};

/// What kind of device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A MOBOTIX camera.
    Mobotix,
    /// A video management workstation.
    Vms,
    /// Network attached storage.
    Nas,
    /// Seen on the network, and in no site file.
    Stranger,
}

/// Why a device could not be looked at, classed by what may be concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No answer, or not in time.
    Unreachable,
    /// It answered and would not let us in.
    Refused,
    /// It understood and would not do it.
    Rejected,
    /// It, or the agent, cannot do this.
    Unsupported,
    /// What it answered makes no sense.
    Nonsense,
}

/// What the inventory shows, beside the 32 measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// On the network, and in no site file.
    NewDevice,
    /// In the site file, and not answering for a long time.
    GoneDevice,
    /// Presents another certificate than before.
    ChangedCertificate,
    /// Somebody changed back what the policy enforces.
    DriftFound,
}

impl DeviceKind {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobotix => "mobotix",
            Self::Vms => "vms",
            Self::Nas => "nas",
            Self::Stranger => "stranger",
        }
    }
}

impl FailureClass {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Nonsense => "nonsense",
        }
    }
}

impl Sign {
    /// Every sign.
    pub const ALL: [Self; 4] =
        [Self::NewDevice, Self::GoneDevice, Self::ChangedCertificate, Self::DriftFound];

    /// The word in tables and files, where a measure has its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::GoneDevice => "gone_device",
            Self::ChangedCertificate => "changed_certificate",
            Self::DriftFound => "drift_found",
        }
    }
}

one_for_one! {
    "verdict" Verdict { Met, Unmet, NotApplicable, Unknown, Attested }
    "stance" Stance { Ignore, Report, Enforce }
    "proof" Proof { Observed, Partial, Attested }
    "disruption" Disruption { None, VideoGap, Reboot, LinkLoss }
    "lock-out risk" LockoutRisk { None, Recoverable, Severe }
    "device kind" DeviceKind { Mobotix, Vms, Nas, Stranger }
    "failure class" FailureClass { Unreachable, Refused, Rejected, Unsupported, Nonsense }
    "kind of secret" SecretKind {
        DevicePassword, SecondAdministrator, DeviceCertificate, MessageKey, RecordingKey,
    }
    "reason of a backup" BackupReason { Schedule, Change, Asked }
    "kind of event" EventKind { BruteForce, UnknownSource, OutOfHours }
    "kind of credential" CredentialKind { Password, Certificate, RecordingKey, MessageKey }
    "reason" RotateReason { Command, PersonLeft, SecretShown, BackupExposed, DeviceMoved }
    "standing" Standing { Settled, Prepared, Changing, InDoubt, Stranded }
    "sign" Sign { NewDevice, GoneDevice, ChangedCertificate, DriftFound }
}

/// A number of the wire as a word of ours.
pub(super) fn word<Wire, Word>(number: i32, field: &'static str) -> Result<Word, Malformed>
where
    Wire: TryFrom<i32>,
    Word: TryFrom<Wire, Error = Malformed>,
{
    Wire::try_from(number).map_err(|_| Malformed::Unknown(field)).and_then(Word::try_from)
}
