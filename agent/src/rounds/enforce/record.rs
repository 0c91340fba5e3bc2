//! What of unattended changes outlives a restart: whether they are halted, which device was tried in which window, and
//! which one was being changed. And which device is due. Pure.

use std::collections::{BTreeMap, BTreeSet};

use proto::{DeviceName, Measure, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Digest;

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
    /// What was changed.
    pub class: Class,
    /// What is not tried again in this window: it was not cured, or cannot be.
    pub left: BTreeSet<Measure>,
}

/// Classes of change, of which one device sees one in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Settings.
    Settings,
    /// Its certificate.
    Certificate,
    /// A password or a key.
    Password,
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

    /// Whether a device may see this class of change in the window that ends then.
    pub fn may(&self, device: &DeviceName, class: Class, until: Timestamp) -> bool {
        self.tried.get(device).is_none_or(|it| it.until != until || it.class == class)
    }

    /// Notes that a device saw a class of change in a window, and what is not to be tried again in it.
    pub fn note(
        &mut self,
        device: &DeviceName,
        class: Class,
        until: Timestamp,
        left: BTreeSet<Measure>,
    ) {
        let same = self.tried.get(device).filter(|it| it.until == until);
        let mut left = left;
        left.extend(same.into_iter().flat_map(|it| &it.left));
        self.tried.insert(device.clone(), Tried { until, class, left });
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
            let fresh = unmet.iter().any(|it| tried.is_none_or(|tried| !tried.left.contains(it)));
            fresh && self.may(name, Class::Settings, until)
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
        record.note(&yard, Class::Settings, tonight, measures(&["C13"]));
        record.note(&yard, Class::Settings, tonight, measures(&["C14"]));
        assert!(record.due(&unmet(&["C13", "C14"]), tonight).is_empty());
        assert_eq!(record.due(&unmet(&["C13"]), tomorrow).len(), 1);
        assert_eq!(record.due(&unmet(&["C13", "C09"]), tonight).len(), 1, "changed back meanwhile");
    }

    #[test]
    fn a_device_sees_one_class_of_change_in_a_window() {
        let (tonight, tomorrow) = (Timestamp::from_unix(100_000), Timestamp::from_unix(186_400));
        let yard: DeviceName = "yard".parse().unwrap();
        let mut record = Record::default();
        record.note(&yard, Class::Certificate, tonight, BTreeSet::new());
        assert!(!record.may(&yard, Class::Settings, tonight));
        assert!(!record.may(&yard, Class::Password, tonight));
        assert!(record.may(&yard, Class::Settings, tomorrow));
        let unmet = BTreeMap::from([(yard, measures(&["C09"]))]);
        assert!(record.due(&unmet, tonight).is_empty());
        let read = Record::from_bytes(&record.to_bytes());
        assert_eq!(read, Some(record));
    }
}
