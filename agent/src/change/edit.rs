//! What a change comes to on one device: the lines before and after, what it takes to come into force, and how its
//! effect shows. Made by a driver, shown by a plan, compared before anything is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// SHA-256 of something whose change matters, as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no digest; want 64 hex digits")]
pub struct BadDigest;

/// What a change comes to on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The lines that are taken out, put in or replaced, in the order of the file. Secrets in them are hidden.
    pub lines: Vec<LineEdit>,
    /// When it comes into force.
    pub takes: Takes,
    /// How its effect shows.
    pub shows: Shows,
    /// Of the lines as they are, secrets included: the same change to the same lines gives the same digest.
    pub digest: Digest,
}

/// One line of a device's configuration, before and after. Secrets are hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineEdit {
    /// The section it stands in.
    pub section: String,
    /// As it stands; none if the line is new.
    pub before: Option<String>,
    /// As it is to stand; none if the line goes.
    pub after: Option<String>,
}

/// When a change comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// When the running processes are told.
    Update,
    /// At the next reboot.
    Reboot,
}

/// How the effect of a change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// In what the device does: that proves a name or value that was only inferred.
    Behaviour,
    /// Only in the setting itself.
    Setting,
}

/// Why a change cannot be made on a device, as a clause for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untranslated {
    /// What the firmware calls it, or how it writes it, is not known, or only inferred where nothing would prove it.
    /// The clause says how to learn it.
    #[error("{0}")]
    Unknown(String),
    /// It makes no sense on this device as it stands.
    #[error("{0}")]
    Impossible(String),
    /// The lines stand already as the change would have them.
    #[error("the configuration says so already")]
    Standing,
}

/// The lines that differ, as they may be shown: `section: line`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differences {
    /// Lines that the second does not have.
    pub gone: Vec<String>,
    /// Lines that the first does not have.
    pub new: Vec<String>,
}

impl Differences {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(certs::random::digest(bytes))
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&certs::random::hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bytes = certs::random::unhex(text).ok_or(BadDigest)?;
        bytes.try_into().map(Self).map_err(|_| BadDigest)
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
