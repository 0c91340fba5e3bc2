//! What is kept of one device between looks: the last look that worked, and the failure since. Pure.

use proto::finding::Attestation;
use proto::{Finding, Timestamp};
use serde::{Deserialize, Serialize};

use super::yardstick::Yardstick;
use crate::config::SiteFile;
use crate::facts::{Failure, Observation};
use crate::measures;
use crate::site::Site;

/// Larger ones are not kept, in bytes: no camera's facts have so many unless somebody fills its log.
pub const MAX_BYTES: usize = 2 << 20;

/// What is kept of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    version: u32,
    /// The last look. Where it failed, it names the device and holds no facts.
    pub last: Observation,
    /// The last look that worked, where that is not the last one.
    pub seen: Option<Observation>,
}

impl Kept {
    const VERSION: u32 = 1;

    /// A look, and what was kept before it.
    pub fn after(look: Observation, before: Option<Self>) -> Self {
        let seen = match &look.outcome {
            Ok(_) => None,
            Err(_) => before.and_then(Self::into_seen),
        };
        Self { version: Self::VERSION, last: look, seen }
    }

    fn into_seen(self) -> Option<Observation> {
        if self.last.outcome.is_ok() { Some(self.last) } else { self.seen }
    }

    /// Reads what [`Kept::to_bytes`] made; nothing if it is of another version or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        (read.version == Self::VERSION).then_some(read)
    }

    /// As bytes to keep; nothing if they are too many.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let bytes = serde_json::to_vec(self).expect("facts are JSON");
        (bytes.len() <= MAX_BYTES).then_some(bytes)
    }

    /// The last look that worked.
    pub fn seen(&self) -> Option<&Observation> {
        if self.last.outcome.is_ok() { Some(&self.last) } else { self.seen.as_ref() }
    }

    /// Why the last look failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.last.outcome.as_ref().err()
    }

    /// What was found at the last look that worked, and when that was, judged by today's yardstick at that time.
    pub fn judge(
        &self,
        site: &SiteFile,
        yardstick: &Yardstick,
    ) -> (Vec<Finding>, Option<Timestamp>) {
        let Some(Observation { device, observed_at, outcome: Ok(facts), .. }) = self.seen() else {
            return (Vec::new(), None);
        };
        let mut attestations: Vec<Attestation> = site.attestations_for(&device.name);
        attestations.extend(yardstick.attestations_for(&device.name));
        let surroundings = Site {
            policy: &yardstick.policy,
            advisories: &yardstick.advisories,
            device: &device.name,
            now: *observed_at,
            attestations: &attestations,
            vms_addresses: &site.vms_addresses(),
        };
        (measures::assess(facts, &surroundings), Some(*observed_at))
    }
}
