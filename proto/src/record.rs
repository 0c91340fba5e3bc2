//! What is kept of a site's past: backups of configurations, and what its cameras' logs showed together.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DeviceName, SealedCopy, SecretId, Timestamp};

/// The name of a backup: 16 bytes drawn at random, written as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId(pub [u8; 16]);

/// The text is not the name of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a backup has 32 lower-case hex digits")]
pub struct BadBackupId;

impl fmt::Display for BackupId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        SecretId(self.0).fmt(out)
    }
}

impl fmt::Debug for BackupId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BackupId({self})")
    }
}

impl FromStr for BackupId {
    type Err = BadBackupId;

    fn from_str(text: &str) -> Result<Self, BadBackupId> {
        text.parse().map(|SecretId(bytes)| Self(bytes)).map_err(|_| BadBackupId)
    }
}

impl TryFrom<String> for BackupId {
    type Error = BadBackupId;

    fn try_from(text: String) -> Result<Self, BadBackupId> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.to_string()
    }
}

/// Why a backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupReason {
    /// Its time had come.
    Schedule,
    /// Something was about to be changed.
    Change,
    /// A person asked for it.
    Asked,
}

impl BackupReason {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Change => "change",
            Self::Asked => "asked",
        }
    }
}

/// What is told of a backup to whoever may not read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationBackup {
    /// Of which device.
    pub device: DeviceName,
    /// Its name.
    pub id: BackupId,
    /// When the configuration was read.
    pub made_at: Timestamp,
    /// Why.
    pub reason: BackupReason,
    /// The device's product line; may be empty.
    pub product: String,
    /// The device's firmware as it writes it; may be empty.
    pub firmware: String,
    /// SHA-256 over what of the configuration does not change by itself.
    pub digest: [u8; 32],
    /// Of the configuration, in bytes.
    pub size: u32,
    /// The copy for the recovery recipients; none where there are no such people, or where it is too large to travel.
    pub sealed: Option<SealedBackup>,
    /// The backup before it.
    pub previous: Option<BackupId>,
    /// What changed since, in lines that begin with `-` or `+`; secrets are hidden.
    pub changes: Vec<String>,
    /// Whether more changed than is told.
    pub more_changes: bool,
}

/// A backup that recovery keys alone open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBackup {
    /// Of the recovery recipients.
    pub generation: u64,
    /// An age file.
    pub body: Vec<u8>,
    /// The age identity that opens it, sealed once for each group of recipients that is enough.
    pub keys: Vec<SealedCopy>,
}

/// What logs may show together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Many failed log-ins, or failed log-ins at several cameras, from one address in a short time.
    BruteForce,
    /// An address that nobody named.
    UnknownSource,
    /// Somebody was let in when nobody should be.
    OutOfHours,
}

impl EventKind {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BruteForce => "brute_force",
            Self::UnknownSource => "unknown_source",
            Self::OutOfHours => "out_of_hours",
        }
    }
}

/// Something that the web server logs of a site's cameras show together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteEvent {
    /// What it is.
    pub kind: EventKind,
    /// The address it came from.
    pub source: IpAddr,
    /// Where it was seen.
    pub devices: Vec<DeviceName>,
    /// How often, as far as the logs tell.
    pub count: u32,
    /// When it was first seen, by the agent's clock.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
    /// Names of users who were let in. What somebody typed who was not is never among them.
    pub users: Vec<String>,
}
