//! What the agent itself has of a device: its backups.

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// What the agent knows of its own backups of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBackup {
    /// When the newest was made.
    pub made_at: Timestamp,
    /// When the camera's configuration was last found to be as it is there.
    pub looked_at: Timestamp,
    /// How the copy away from the site is doing.
    pub copy: BackupCopy,
}

/// How the copy of a backup away from the site is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupCopy {
    /// Sealed to the recovery recipients, on its way to the controller or there.
    Sealed,
    /// There is nobody to seal it to.
    NoRecipients,
    /// It is larger than what is sent.
    TooLarge,
}
