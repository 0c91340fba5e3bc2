//! What the five NAS measures read. No driver for storage exists yet, so each is unreadable until a person vouches.

use serde::{Deserialize, Serialize};

use super::{EvidenceBook, Fact};

/// What is known of network attached storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NasFacts {
    /// Whether the administrator's password is strong and not the factory one (N02).
    pub strong_admin_password: Fact<bool>,
    /// Whether cameras use an account that can reach only their share (N03).
    pub limited_device_account: Fact<bool>,
    /// Whether every volume with footage is encrypted (N04).
    pub encrypted_volumes: Fact<bool>,
    /// Whether the RAID level survives a failed disk (N05).
    pub redundant_raid: Fact<bool>,
    /// What the facts rest on.
    pub evidence: EvidenceBook,
}

impl NasFacts {
    /// Storage of which nothing was read, for the same reason throughout.
    pub fn unread(reason: &str) -> Self {
        Self {
            strong_admin_password: Fact::unreadable(reason),
            limited_device_account: Fact::unreadable(reason),
            encrypted_volumes: Fact::unreadable(reason),
            redundant_raid: Fact::unreadable(reason),
            evidence: EvidenceBook::default(),
        }
    }
}
