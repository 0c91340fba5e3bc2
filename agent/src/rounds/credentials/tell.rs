//! Where each credential stands, for the controller and for the people at the box. Told when it changes, and once after
//! every start; never a secret.

use proto::text::printable;
use proto::wire::rotation::{CredentialKind, MAX_TROUBLE, RotationState, Standing};

use super::choice;
use crate::rotation::Rotation;
use crate::rounds::Rounds;
use crate::store::journal::Entry;
use crate::store::subject::{Kind, Subject};

/// What a credential is, in words.
pub(super) fn words(subject: &Subject) -> String {
    match &subject.kind {
        Kind::Password { account } => format!("password of {account}"),
        Kind::Certificate => "certificate".to_owned(),
        Kind::MessageKey => "message key".to_owned(),
        Kind::RecordingKey => "recording key".to_owned(),
        Kind::AgentIdentity => "the agent's certificate".to_owned(),
    }
}

/// Where it stands.
pub(super) fn standing(rotation: &Rotation<proto::SecretId>) -> Standing {
    match rotation {
        Rotation::Settled { .. } => Standing::Settled,
        Rotation::Minted(_) | Rotation::Escrowed(_) => Standing::Prepared,
        Rotation::Raised(_)
        | Rotation::Leaving(_)
        | Rotation::Unsaved(_)
        | Rotation::Lowered(_)
        | Rotation::Saved(_) => Standing::Changing,
        Rotation::Raising(_)
        | Rotation::InDoubt(..)
        | Rotation::Rescuing(_)
        | Rotation::Returning(_)
        | Rotation::Rebooted(_) => Standing::InDoubt,
        Rotation::Stranded { .. } => Standing::Stranded,
    }
}

fn state(entry: &Entry, trouble: &str) -> Option<RotationState> {
    let kind: CredentialKind = choice::ordered_as(&entry.subject.kind)?;
    let mut trouble = printable(trouble, MAX_TROUBLE);
    while trouble.len() > MAX_TROUBLE {
        trouble.pop();
    }
    Some(RotationState {
        device: entry.subject.device.clone()?,
        kind,
        account: entry.subject.account().to_owned(),
        standing: standing(&entry.rotation),
        secret: entry.rotation.trusted().copied(),
        due: entry.rotation.due_at(),
        since: entry.changed,
        trouble,
    })
}

impl Rounds {
    /// Where the credentials of the site's devices stand.
    pub(in crate::rounds) fn credential_states(&self) -> Vec<RotationState> {
        let unsealed = self.supplies.keyring.as_ref().is_some_and(|keyring| {
            keyring.tools.recovery().is_none() && self.supplies.clock.is_known()
        });
        let held = &self.credentials;
        let listed = held.entries.values().filter(|entry| {
            let device = entry.subject.device.as_ref();
            device.is_some_and(|device| self.site.as_ref().is_some_and(|it| it.lists(device)))
        });
        let each = listed.filter_map(|entry| {
            let trouble = held.troubles.get(&entry.subject).map_or("", String::as_str);
            let trouble = match trouble {
                "" if unsealed => "no recovery recipients are known, so it is not changed",
                trouble => trouble,
            };
            state(entry, trouble)
        });
        each.collect()
    }

    /// Tells where each stands, as far as it was not told.
    pub(in crate::rounds) async fn tell_credentials(&mut self) {
        for state in self.credential_states() {
            let key = (state.device.clone(), state.kind);
            if self.credentials.told.get(&key) == Some(&state) {
                continue;
            }
            match self.supplies.outlet.rotated(state.clone()).await {
                Ok(()) => drop(self.credentials.told.insert(key, state)),
                Err(error) => {
                    let device = state.device.as_str();
                    tracing::warn!(device, "where a credential stands is told later: {error}");
                }
            }
        }
    }
}
