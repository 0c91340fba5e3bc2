//! What a rotation is about: one credential of one device, or of the site. Its name is its folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proto::{DeviceName, SecretKind};
use serde::{Deserialize, Serialize};

/// The folder of what belongs to no device; no device can have that name.
const SITE: &str = "_site";
/// Longest name of an account that is kept, in bytes.
pub const LONGEST_ACCOUNT: usize = 64;

/// One credential that is rotated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Whose; `None` for the site's.
    pub device: Option<DeviceName>,
    /// What it is.
    pub kind: Kind,
}

/// What a credential is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The password of an account.
    Password {
        /// The account's name on the device.
        account: String,
    },
    /// A device's certificate and key.
    Certificate,
    /// The key of the messages between cameras, on one of them.
    MessageKey,
    /// The key of recordings, on one camera. Old ones are kept for ever, so that old recordings can be played.
    RecordingKey,
    /// The agent's own certificate and key.
    AgentIdentity,
}

impl Subject {
    /// Its folder within the one of all rotations. Different subjects have different ones.
    pub fn folder(&self, all: &Path) -> PathBuf {
        device_folder(self.device.as_ref(), all).join(self.kind.folder())
    }

    /// As what it goes into escrow.
    pub fn secret_kind(&self) -> SecretKind {
        match self.kind {
            Kind::Password { .. } => SecretKind::DevicePassword,
            Kind::Certificate | Kind::AgentIdentity => SecretKind::DeviceCertificate,
            Kind::MessageKey => SecretKind::MessageKey,
            Kind::RecordingKey => SecretKind::RecordingKey,
        }
    }

    /// The account; empty if it is of none.
    pub fn account(&self) -> &str {
        match &self.kind {
            Kind::Password { account } => account,
            Kind::Certificate | Kind::MessageKey | Kind::RecordingKey | Kind::AgentIdentity => "",
        }
    }
}

/// The folder of what is known about one device.
pub(super) fn device_folder(device: Option<&DeviceName>, all: &Path) -> PathBuf {
    all.join(device.map_or(SITE, DeviceName::as_str))
}

/// Whose folder it is: `Some(None)` is the site's; `None` if it is none of ours.
pub(super) fn device_of(folder: &Path) -> Option<Option<DeviceName>> {
    match folder.file_name()?.to_str()? {
        SITE => Some(None),
        name => Some(Some(name.parse().ok()?)),
    }
}

impl Kind {
    /// An account may have any name, so it is written in hex digits.
    fn folder(&self) -> String {
        match self {
            Self::Password { account } => {
                account.bytes().fold("password-".to_owned(), |mut name, byte| {
                    let _ = write!(name, "{byte:02x}");
                    name
                })
            }
            Self::Certificate => "certificate".to_owned(),
            Self::MessageKey => "message-key".to_owned(),
            Self::RecordingKey => "recording-key".to_owned(),
            Self::AgentIdentity => "identity".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder() {
        let account = "../../etc".to_owned();
        let device = Some("cam:1".parse().unwrap());
        let subject = Subject { device, kind: Kind::Password { account } };
        let folder = subject.folder(Path::new("all"));
        assert_eq!(folder, Path::new("all/cam:1/password-2e2e2f2e2e2f657463"));
        assert_eq!(device_of(folder.parent().unwrap()), Some(subject.device));
        assert_eq!(device_of(&device_folder(None, Path::new("all"))), Some(None));
        assert_eq!(device_of(Path::new("all/a b")), None);
    }
}
