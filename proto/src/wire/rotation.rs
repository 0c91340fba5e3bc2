//! Orders to replace credentials and where each credential stands, between the wire and checked words.

use serde::{Deserialize, Serialize};

use super::malformed::{self, Malformed};
use super::policy::{devices, names};
use super::v1;
use super::words::word;
use crate::policy::RotationRules;
use crate::{DeviceName, SecretId, Timestamp};

/// Longest name of an account, in bytes.
const MAX_ACCOUNT: usize = 64;
/// Longest text about what is in the way, in bytes.
pub const MAX_TROUBLE: usize = 512;

/// What is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// The password of the account that the agent logs in with.
    Password,
    /// The certificate that the device presents, with its key.
    Certificate,
    /// The key of recordings, shared by the site's cameras.
    RecordingKey,
    /// The key of the messages between the site's cameras.
    MessageKey,
}

/// Why somebody wants it replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateReason {
    /// They say so.
    Command,
    /// Somebody who knew it left.
    PersonLeft,
    /// It was shown to somebody.
    SecretShown,
    /// A backup that holds it, or a form of it, got out.
    BackupExposed,
    /// The device is in another place.
    DeviceMoved,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The device takes it.
    Settled,
    /// The next one is made, and the device has not been touched.
    Prepared,
    /// The next one is being put in.
    Changing,
    /// The device may take either, and is being asked.
    InDoubt,
    /// The device takes nothing that is known.
    Stranded,
}

impl CredentialKind {
    /// Whether policy has it replaced, and the key under `[rotation]` that says so.
    pub fn switch(self, rules: &RotationRules) -> (bool, &'static str) {
        match self {
            Self::Password => (rules.passwords, "passwords"),
            Self::Certificate => (rules.certificates, "certificates"),
            Self::RecordingKey => (rules.recording_keys, "recording_keys"),
            Self::MessageKey => (rules.message_keys, "message_keys"),
        }
    }

    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Certificate => "certificate",
            Self::RecordingKey => "recording_key",
            Self::MessageKey => "message_key",
        }
    }
}

impl RotateReason {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::PersonLeft => "person_left",
            Self::SecretShown => "secret_shown",
            Self::BackupExposed => "backup_exposed",
            Self::DeviceMoved => "device_moved",
        }
    }
}

impl Standing {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Prepared => "prepared",
            Self::Changing => "changing",
            Self::InDoubt => "in_doubt",
            Self::Stranded => "stranded",
        }
    }
}

/// An order to replace credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// Of these devices; of all of the site's if none is named.
    pub devices: Vec<DeviceName>,
    /// Which.
    pub what: CredentialKind,
    /// Why.
    pub reason: RotateReason,
}

/// An order to forget where a credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forget {
    /// Whose.
    pub device: DeviceName,
    /// Which.
    pub what: CredentialKind,
    /// Also one that is being replaced or in doubt.
    pub even_unsettled: bool,
    /// Why, for the audit log.
    pub reason: String,
}

impl Forget {
    /// Why a credential that stands so is not forgotten; nothing if it may be.
    pub fn refused(&self, standing: Standing) -> Option<&'static str> {
        match standing {
            Standing::Stranded => None,
            Standing::Settled => Some("it is settled: the device takes it"),
            Standing::Prepared | Standing::Changing | Standing::InDoubt if self.even_unsettled => {
                None
            }
            Standing::Prepared | Standing::Changing | Standing::InDoubt => {
                Some("it is being replaced or in doubt, and the device may take it yet")
            }
        }
    }
}

impl From<&Forget> for v1::ForgetOrder {
    fn from(forget: &Forget) -> Self {
        Self {
            device: forget.device.to_string(),
            what: v1::CredentialKind::from(forget.what).into(),
            even_unsettled: forget.even_unsettled,
            reason: forget.reason.clone(),
        }
    }
}

impl TryFrom<v1::ForgetOrder> for Forget {
    type Error = Malformed;

    fn try_from(order: v1::ForgetOrder) -> Result<Self, Malformed> {
        Ok(Self {
            device: malformed::device(order.device)?,
            what: word::<v1::CredentialKind, _>(order.what, "kind of credential")?,
            even_unsettled: order.even_unsettled,
            reason: malformed::words(order.reason, "reason", MAX_TROUBLE)?,
        })
    }
}

/// Where one credential of a device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationState {
    /// Whose.
    pub device: DeviceName,
    /// Which.
    pub kind: CredentialKind,
    /// Of a password; empty otherwise.
    pub account: String,
    /// Where it stands.
    pub standing: Standing,
    /// The name in escrow of the one that the device takes; nothing while that is in doubt.
    pub secret: Option<SecretId>,
    /// When it is due for replacement; nothing while it is being replaced.
    pub due: Option<Timestamp>,
    /// When it was put in, if by the agent.
    pub since: Option<Timestamp>,
    /// Why it is not getting on; empty if it is.
    pub trouble: String,
}

impl From<&Rotate> for v1::RotateOrder {
    fn from(rotate: &Rotate) -> Self {
        Self {
            devices: names(&rotate.devices),
            what: v1::CredentialKind::from(rotate.what).into(),
            reason: v1::RotateReason::from(rotate.reason).into(),
        }
    }
}

impl TryFrom<v1::RotateOrder> for Rotate {
    type Error = Malformed;

    fn try_from(order: v1::RotateOrder) -> Result<Self, Malformed> {
        Ok(Self {
            devices: devices(order.devices)?,
            what: word::<v1::CredentialKind, _>(order.what, "kind of credential")?,
            reason: word::<v1::RotateReason, _>(order.reason, "reason")?,
        })
    }
}

impl From<&RotationState> for v1::RotationState {
    fn from(state: &RotationState) -> Self {
        let seconds = |time: Option<Timestamp>| time.map_or(0, Timestamp::unix);
        Self {
            device: state.device.to_string(),
            kind: v1::CredentialKind::from(state.kind).into(),
            account: state.account.clone(),
            standing: v1::Standing::from(state.standing).into(),
            secret_id: state.secret.map_or_else(Vec::new, |id| id.0.to_vec()),
            due: seconds(state.due),
            since: seconds(state.since),
            trouble: state.trouble.clone(),
        }
    }
}

impl TryFrom<v1::RotationState> for RotationState {
    type Error = Malformed;

    fn try_from(state: v1::RotationState) -> Result<Self, Malformed> {
        let time = |seconds: i64, field| match seconds {
            0 => Ok(None),
            _ => malformed::time(seconds, field).map(Some),
        };
        let secret = match state.secret_id.as_slice() {
            [] => None,
            id => Some(SecretId(id.try_into().map_err(|_| Malformed::Bad("name of a secret"))?)),
        };
        Ok(Self {
            device: malformed::device(state.device)?,
            kind: word::<v1::CredentialKind, _>(state.kind, "kind of credential")?,
            account: malformed::text(state.account, "account", MAX_ACCOUNT)?,
            standing: word::<v1::Standing, _>(state.standing, "standing")?,
            secret,
            due: time(state.due, "time when it is due")?,
            since: time(state.since, "time when it was put in")?,
            trouble: malformed::text(state.trouble, "trouble", MAX_TROUBLE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> RotationState {
        RotationState {
            device: "yard".parse().unwrap(),
            kind: CredentialKind::Password,
            account: "admin2".to_owned(),
            standing: Standing::Settled,
            secret: Some(SecretId([7; 16])),
            due: Some(Timestamp::from_unix(1_800_000_000)),
            since: None,
            trouble: String::new(),
        }
    }

    #[test]
    fn only_what_is_stranded_is_forgotten_unless_somebody_says_more() {
        let forget = |even_unsettled| Forget {
            device: "yard".parse().unwrap(),
            what: CredentialKind::Password,
            even_unsettled,
            reason: "it was reset".to_owned(),
        };
        let order = forget(true);
        assert_eq!(Forget::try_from(v1::ForgetOrder::from(&order)), Ok(order.clone()));
        for standing in [Standing::Prepared, Standing::Changing, Standing::InDoubt] {
            assert!(order.refused(standing).is_none() && forget(false).refused(standing).is_some());
        }
        assert!(order.refused(Standing::Settled).is_some());
        assert!(forget(false).refused(Standing::Stranded).is_none());
        let silent = v1::ForgetOrder { reason: String::new(), ..v1::ForgetOrder::from(&order) };
        assert!(Forget::try_from(silent).is_err());
    }

    #[test]
    fn an_order_and_a_state_cross_the_wire_unchanged() {
        let order = Rotate {
            devices: vec!["yard".parse().unwrap()],
            what: CredentialKind::Certificate,
            reason: RotateReason::PersonLeft,
        };
        assert_eq!(Rotate::try_from(v1::RotateOrder::from(&order)), Ok(order));
        assert_eq!(RotationState::try_from(v1::RotationState::from(&state())), Ok(state()));
        let doubt = RotationState {
            standing: Standing::InDoubt,
            secret: None,
            due: None,
            trouble: "no answer".to_owned(),
            ..state()
        };
        assert_eq!(RotationState::try_from(v1::RotationState::from(&doubt)), Ok(doubt));
    }

    #[test]
    fn what_no_agent_would_send_is_refused() {
        let bad: [fn(&mut v1::RotationState); 8] = [
            |state| state.device = "a b".to_owned(),
            |state| state.kind = 0,
            |state| state.standing = 99,
            |state| state.secret_id = vec![1; 15],
            |state| state.due = -1,
            |state| state.account = "a".repeat(65),
            |state| state.trouble = "a\u{1b}[2J".to_owned(),
            |state| state.trouble = "a".repeat(MAX_TROUBLE + 1),
        ];
        for (place, spoil) in bad.into_iter().enumerate() {
            let mut wire = v1::RotationState::from(&state());
            spoil(&mut wire);
            assert!(RotationState::try_from(wire).is_err(), "{place}");
        }
        let order = v1::RotateOrder { devices: Vec::new(), what: 1, reason: 0 };
        assert_eq!(Rotate::try_from(order), Err(Malformed::Missing("reason")));
    }
}
