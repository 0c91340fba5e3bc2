//! Who this box is: its certificate and key, whom it trusts, and what it needs to find the way back. Kept in the folder
//! `identity/` of the agent's data, each file in two generations, so that no crash leaves the box a stranger.
//!
//! `member` is who the box is. `next` is who it is about to be: the key of a renewal before the request goes out, and
//! the new certificate until it has proven itself. `applicant` holds the keys of an enrolment whose answer has not come,
//! so that a lost answer is asked for again with the same key. Nothing of this is ever in sled or in a log.

mod folder;
pub mod renewal;
mod stored;

use std::sync::Arc;

use certs::identity::BadIdentity;
use certs::join_state::JoinState;
use certs::key::KeyError;
use certs::random::{self, NoRandomness};
use certs::ticket::Ticket;
use certs::trust::{BadBundle, RootPin};
use certs::{Identity, Key, Name, TrustBundle};
use proto::{AgentId, Organisation, SiteName, Timestamp};

use crate::store::StoreError;

pub use folder::{Folder, Slot};

/// Most addresses of a controller that are kept.
pub const MAX_ADDRESSES: usize = 8;

/// Why an identity could not be read, made or kept.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The disk failed, or both generations of a file are damaged.
    #[error("the identity cannot be read or kept")]
    Store(#[from] StoreError),
    /// A file of ours that says something impossible, or is of a newer version.
    #[error("the identity file {file} makes no sense: {why}; restore it, or enrol anew")]
    Nonsense {
        /// Which of the folder's files.
        file: &'static str,
        /// What is wrong, without any of its content.
        why: String,
    },
    /// A key could not be made.
    #[error("a key could not be made")]
    Key(#[from] KeyError),
    /// No randomness.
    #[error("a key could not be made")]
    NoRandomness(#[from] NoRandomness),
}

/// An enrolled agent. Values of it are whole: every change makes a new one, which is then kept.
#[derive(Clone, Debug)]
pub struct Member {
    /// Whose cameras these are.
    pub organisation: Organisation,
    /// The one site it serves.
    pub site: SiteName,
    /// Which agent it is.
    pub agent: AgentId,
    /// Where the controller is: `host:port`, the preferred first.
    pub addresses: Vec<String>,
    /// Certificate chain and key.
    pub identity: Arc<Identity>,
    /// Proves, once the certificate has lapsed, that this is still the same box. Never changes.
    pub recovery: Arc<Key>,
    /// The roots that the controller may lead to.
    pub trust: TrustBundle,
    /// The number of the last join, signed by the controller.
    pub join: JoinState,
    /// When this box renews, drawn once: between -1 and 1 (see [`certs::renewal`]).
    pub jitter: f64,
}

impl Member {
    /// The same member with another certificate, and with the bundle that came with it unless that one is older.
    #[must_use]
    pub fn renewed(&self, identity: Arc<Identity>, trust: TrustBundle) -> Self {
        let mut member = self.clone();
        member.identity = identity;
        member.trusting(trust)
    }

    /// The same member with that bundle, unless the one it has is as new.
    #[must_use]
    pub fn trusting(mut self, trust: TrustBundle) -> Self {
        if trust.generation > self.trust.generation {
            self.trust = trust;
        }
        self
    }

    /// Its name in certificates.
    pub fn name(&self) -> Name {
        Name::Agent(self.organisation.clone(), self.agent.clone())
    }

    /// When it is to renew.
    pub fn renew_at(&self) -> Timestamp {
        certs::renewal::renew_at(self.identity.not_before(), self.identity.not_after(), self.jitter)
    }
}

/// Who the box is about to be.
#[derive(Clone, Debug)]
pub struct Next {
    /// The new key: on disk before anybody is asked to certify it.
    pub key: Arc<Key>,
    /// What was given for it, not yet proven.
    pub granted: Option<Granted>,
}

/// A new certificate.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Chain and key.
    pub identity: Arc<Identity>,
    /// The bundle that came with it.
    pub trust: TrustBundle,
}

impl Next {
    /// A new key, and nothing given for it yet.
    ///
    /// # Errors
    /// [`IdentityError::Key`].
    pub fn fresh() -> Result<Self, IdentityError> {
        Ok(Self { key: Arc::new(Key::generate()?), granted: None })
    }
}

/// The keys of an enrolment whose answer has not come yet.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// What it asks by: another ticket gets other keys.
    pub purpose: [u8; 32],
    /// To be certified.
    pub key: Arc<Key>,
    /// To be bound.
    pub recovery: Arc<Key>,
}

impl Applicant {
    /// New keys for that purpose.
    ///
    /// # Errors
    /// [`IdentityError::Key`].
    pub fn fresh(purpose: [u8; 32]) -> Result<Self, IdentityError> {
        let key = || Key::generate().map(Arc::new);
        Ok(Self { purpose, key: key()?, recovery: key()? })
    }

    /// What tells an enrolment by this ticket from others.
    pub fn by_ticket(ticket: &Ticket) -> [u8; 32] {
        let secret = certs::ticket::secret_hash(&ticket.secret);
        purpose(b"ticket", &ticket.organisation, ticket.pin, &secret)
    }

    /// What tells a request for an operator's approval from others.
    pub fn by_approval(organisation: &Organisation, pin: RootPin) -> [u8; 32] {
        purpose(b"approval", organisation, pin, &[])
    }
}

fn purpose(kind: &[u8], organisation: &Organisation, pin: RootPin, rest: &[u8]) -> [u8; 32] {
    random::digest(&[kind, b"\0", organisation.as_str().as_bytes(), b"\0", &pin.0, rest].concat())
}

impl From<BadIdentity> for stored::Wrong {
    fn from(error: BadIdentity) -> Self {
        Self(error.to_string())
    }
}

impl From<BadBundle> for stored::Wrong {
    fn from(error: BadBundle) -> Self {
        Self(error.to_string())
    }
}

impl From<KeyError> for stored::Wrong {
    fn from(error: KeyError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod explore;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
