//! What of unattended changes outlives a restart: whether they are halted, which device was tried in which window, and
//! which one was being changed. And which device is due. Pure.

use std::collections::{BTreeMap, BTreeSet};

use proto::{DeviceName, Measure, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::{Credential, Digest};

/// What was last known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Nothing is changed unattended while this stands.
    pub halted: Option<Halt>,
    /// What was done in each device's last window.
    pub tried: BTreeMap<DeviceName, Tried>,
    /// Devices in change, each with the plan. One that stands here at a start was left half way.
    pub under_way: BTreeMap<DeviceName, String>,
    /// Credentials that a plan handed to rotation, until they were made due.
    #[serde(default)]
    pub handed: BTreeMap<DeviceName, Vec<Handed>>,
}

/// A credential that a plan handed to rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handed {
    /// The plan.
    pub plan: String,
    /// Which credential.
    pub credential: Credential,
    /// When it is due.
    pub due: Timestamp,
    /// It is given up if nothing is known of it by then.
    pub until: Timestamp,
}

/// Why nothing is changed unattended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Halt {
    /// What went wrong, as a clause that begins with the device.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// Of the policy in force: under another one it is tried again.
    pub policy: Digest,
}

/// What was done to a device in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tried {
    /// When the window ends.
    pub until: Timestamp,
    /// How far it came.
    pub work: Work,
    /// What is not tried again in this window: it was not cured, or cannot be.
    pub left: BTreeSet<Measure>,
}

/// How far the work on a device came. One whose settings were changed sees no other class of change in that window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// It was looked at.
    Looked,
    /// Its settings were changed, or it was tried.
    Changed,
}

impl Record {
    /// Reads what [`Record::to_bytes`] made; nothing for what is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// As bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is JSON")
    }

    /// Whether a device's settings were changed in the window that ends then.
    pub fn was_changed(&self, device: &DeviceName, until: Timestamp) -> bool {
        let tried = self.tried.get(device).filter(|it| it.until == until);
        tried.is_some_and(|it| it.work == Work::Changed)
    }

    /// Notes what was done to a device in a window, and what is not to be tried again in it.
    pub fn note(
        &mut self,
        device: &DeviceName,
        until: Timestamp,
        work: Work,
        left: BTreeSet<Measure>,
    ) {
        let mut tried = Tried { until, work, left };
        if let Some(same) = self.tried.get(device).filter(|it| it.until == until) {
            tried.work = tried.work.max(same.work);
            tried.left.extend(&same.left);
        }
        self.tried.insert(device.clone(), tried);
    }

    /// The devices to be changed in the window that ends then: those where something enforced is not met that was not
    /// tried in it. In the order of their names.
    pub fn due(
        &self,
        unmet: &BTreeMap<DeviceName, BTreeSet<Measure>>,
        until: Timestamp,
    ) -> Vec<DeviceName> {
        let wanted = |(name, unmet): &(&DeviceName, &BTreeSet<Measure>)| {
            let tried = self.tried.get(*name).filter(|it| it.until == until);
            unmet.iter().any(|it| tried.is_none_or(|tried| !tried.left.contains(it)))
        };
        unmet.iter().filter(wanted).map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(codes: &[&str]) -> BTreeSet<Measure> {
        codes.iter().map(|code| code.parse().unwrap()).collect()
    }

    #[test]
    fn what_was_not_cured_is_not_tried_again_before_the_next_window() {
        let (tonight, tomorrow) = (Timestamp::from_unix(100_000), Timestamp::from_unix(186_400));
        let yard: DeviceName = "yard".parse().unwrap();
        let unmet = |codes: &[&str]| BTreeMap::from([(yard.clone(), measures(codes))]);
        let mut record = Record::default();
        assert_eq!(record.due(&unmet(&["C09"]), tonight).len(), 1);
        assert!(record.due(&unmet(&[]), tonight).is_empty());
        record.note(&yard, tonight, Work::Changed, measures(&["C13"]));
        record.note(&yard, tonight, Work::Looked, measures(&["C14"]));
        assert!(record.due(&unmet(&["C13", "C14"]), tonight).is_empty());
        assert_eq!(record.due(&unmet(&["C13"]), tomorrow).len(), 1);
        assert_eq!(record.due(&unmet(&["C13", "C09"]), tonight).len(), 1, "changed back meanwhile");
    }

    #[test]
    fn a_device_whose_settings_were_changed_is_known_until_the_window_ends() {
        let (tonight, tomorrow) = (Timestamp::from_unix(100_000), Timestamp::from_unix(186_400));
        let yard: DeviceName = "yard".parse().unwrap();
        let mut record = Record::default();
        record.note(&yard, tonight, Work::Looked, BTreeSet::new());
        assert!(!record.was_changed(&yard, tonight), "a look is no change");
        record.note(&yard, tonight, Work::Changed, BTreeSet::new());
        record.note(&yard, tonight, Work::Looked, BTreeSet::new());
        assert!(record.was_changed(&yard, tonight) && !record.was_changed(&yard, tomorrow));
        let read = Record::from_bytes(&record.to_bytes());
        assert_eq!(read, Some(record));
    }
}
