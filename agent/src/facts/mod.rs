//! Facts: what was read from a device, or is known to be absent or unreadable. The narrow waist between drivers,
//! which fill them in and decide nothing, and measures, which judge them and know no device.

mod backup;
mod camera;
mod cure;
mod log;
mod nas;
mod record;
mod vms;

use std::collections::BTreeMap;

use proto::Evidence;
use serde::{Deserialize, Serialize};

pub use backup::{BackupCopy, OwnBackup};
pub use camera::*;
pub use cure::NotifyProfile;
pub use log::{LogLine, SourceSummary, WebLogSummary};
pub use nas::NasFacts;
pub use record::{Device, Failure, FailureClass, Kind, Observation, Record, Source};
pub use vms::{CameraLogin, VmsFacts};

/// One thing a measure reads. A device's silence is a value: neither an error nor a `None`, and never counted as met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// Read from the device.
    Seen(T),
    /// The device is known not to have it, so that measures about it do not apply.
    Absent,
    /// It could not be read: why, and what would help, as a clause for a person.
    Unreadable(String),
}

impl<T> Fact<T> {
    /// The value, if it was seen.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// An unreadable fact, with the reason.
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self::Unreadable(reason.into())
    }

    /// The same fact about another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Seen(value) => Fact::Seen(change(value)),
            Self::Absent => Fact::Absent,
            Self::Unreadable(reason) => Fact::Unreadable(reason),
        }
    }
}

/// How sure it is what a setting means: the weakest link of its key, its value and its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Concluded from other facts. It may accuse, never acquit.
    Inferred,
    /// Seen in a real configuration, or learned on the site's own device.
    Observed,
    /// Documented by the vendor.
    Documented,
}

/// A value that a device's configuration gives, with how sure its meaning is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// What is set.
    pub value: T,
    /// How sure it is that the key and the value mean this.
    pub confidence: Confidence,
}

/// What was read from one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facts {
    /// A camera.
    Camera(Box<CameraFacts>),
    /// A video management workstation.
    Vms(VmsFacts),
    /// Network attached storage.
    Nas(NasFacts),
}

/// What each fact rests on: the name of the field, such as `public_rights`, to where it was seen and what stood there.
/// Secrets are taken out before they get here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceBook(BTreeMap<String, Vec<Evidence>>);

impl EvidenceBook {
    /// At most this many pieces are kept per fact.
    pub const MAX_PIECES: usize = 40;
    /// At most this many characters are kept per piece.
    pub const MAX_TEXT: usize = 300;

    /// Notes a piece of evidence for the fact of that name. The text is cut and made printable.
    pub fn note(&mut self, fact: &str, source: impl Into<String>, text: &str) {
        let pieces = self.0.entry(fact.to_owned()).or_default();
        if pieces.len() < Self::MAX_PIECES {
            let text = proto::text::printable(text, Self::MAX_TEXT);
            pieces.push(Evidence { source: source.into(), text });
        }
    }

    /// The evidence for the named facts, in the order of the names.
    pub fn for_facts(&self, facts: &[&str]) -> Vec<Evidence> {
        facts.iter().filter_map(|fact| self.0.get(*fact)).flatten().cloned().collect()
    }

    /// Takes over another book's evidence behind its own.
    pub fn append(&mut self, other: Self) {
        for (fact, pieces) in other.0 {
            self.0.entry(fact).or_default().extend(pieces);
        }
    }
}
