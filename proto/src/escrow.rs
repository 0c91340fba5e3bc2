//! What is kept of a secret outside the site: which one it is, and copies that only recovery keys open.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DeviceName, Timestamp};

/// The name of a secret: 16 bytes drawn at random, written as 32 hex digits. It tells nothing of the secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretId(pub [u8; 16]);

/// The text is not the name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a secret has 32 lower-case hex digits")]
pub struct BadSecretId;

impl fmt::Display for SecretId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretId({self})")
    }
}

impl FromStr for SecretId {
    type Err = BadSecretId;

    fn from_str(text: &str) -> Result<Self, BadSecretId> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(BadSecretId),
        };
        let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| BadSecretId)?;
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(id))
    }
}

impl TryFrom<String> for SecretId {
    type Error = BadSecretId;

    fn try_from(text: String) -> Result<Self, BadSecretId> {
        text.parse()
    }
}

impl From<SecretId> for String {
    fn from(id: SecretId) -> Self {
        id.to_string()
    }
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A password of an account on a device.
    DevicePassword,
    /// The password of an administrator that stands only during a change.
    SecondAdministrator,
    /// A device's certificate and key.
    DeviceCertificate,
    /// The key of the messages between cameras.
    MessageKey,
    /// The key of recordings.
    RecordingKey,
}

impl SecretKind {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DevicePassword => "device_password",
            Self::SecondAdministrator => "second_administrator",
            Self::DeviceCertificate => "device_certificate",
            Self::MessageKey => "message_key",
            Self::RecordingKey => "recording_key",
        }
    }
}

/// A secret in escrow. It can be opened with recovery keys alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscrowRecord {
    /// Which secret.
    pub id: SecretId,
    /// Whose; `None` if the whole site shares it.
    pub device: Option<DeviceName>,
    /// What it is for.
    pub kind: SecretKind,
    /// The account on the device; empty if it is of none.
    pub account: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Which recovery recipients it is sealed to.
    pub recipients_generation: u64,
    /// Any one of them is enough.
    pub copies: Vec<SealedCopy>,
}

/// age files within age files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCopy {
    /// Who opens each layer, the outermost first: any one of its recipients.
    pub layers: Vec<Vec<String>>,
    /// The outermost age file.
    #[serde(with = "crate::stored::bytes")]
    pub sealed: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_nonsense_does_not() {
        let id = SecretId(std::array::from_fn(|at| at as u8 * 17));
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "00", &"g".repeat(32), &"A".repeat(32), &"é".repeat(16)] {
            assert!(bad.parse::<SecretId>().is_err(), "{bad}");
        }
    }
}
