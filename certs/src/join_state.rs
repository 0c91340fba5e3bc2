//! What tells an agent from its clone, and how an agent whose certificate has lapsed proves to be itself.
//!
//! Every join gives a state with a number, signed by the controller. A recovery shows the last state and is signed by the
//! recovery key that was bound when the agent enrolled; whoever comes with a number that was already used is a copy, or
//! was copied.

use proto::{AgentId, Timestamp};

use crate::key::{self, Key, KeyError};

/// The number of an agent's last join, signed by an issuing authority's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinState {
    /// Whose.
    pub agent: AgentId,
    /// 1 at enrolment, one more at each recovery.
    pub sequence: u64,
    /// When it was given.
    pub issued_at: Timestamp,
    /// Over the fields above.
    pub signature: Vec<u8>,
}

impl JoinState {
    /// Signs a state with an issuing authority's key.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn sign(
        agent: AgentId,
        sequence: u64,
        issued_at: Timestamp,
        issuing: &Key,
    ) -> Result<Self, KeyError> {
        let signature = issuing.sign(&canonical(&agent, sequence, issued_at))?;
        Ok(Self { agent, sequence, issued_at, signature })
    }

    /// Whether the authority with this SubjectPublicKeyInfo signed it.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`], [`KeyError::WrongKind`].
    pub fn verify(&self, issuing_spki: &[u8]) -> Result<(), KeyError> {
        let message = canonical(&self.agent, self.sequence, self.issued_at);
        key::verify(issuing_spki, &message, &self.signature)
    }
}

fn canonical(agent: &AgentId, sequence: u64, issued_at: Timestamp) -> Vec<u8> {
    let (sequence, issued_at) = (sequence.to_be_bytes(), issued_at.unix().to_be_bytes());
    framed(b"palisade join state 1", &[agent.as_str().as_bytes(), &sequence, &issued_at])
}

/// What an agent's recovery key signs when it is bound: the certificate request it comes with.
pub fn binding_message(certificate_request: &[u8]) -> Vec<u8> {
    framed(b"palisade recovery key 1", &[certificate_request])
}

/// What an agent's recovery key signs to come back: the controller's challenge, who it is, what it wants, and its state.
pub fn recovery_message(
    nonce: &[u8],
    agent: &AgentId,
    certificate_request: &[u8],
    state: &JoinState,
) -> Vec<u8> {
    let sequence = state.sequence.to_be_bytes();
    let parts =
        [nonce, agent.as_str().as_bytes(), certificate_request, &sequence, &state.signature];
    framed(b"palisade recovery 1", &parts)
}

/// Lengths before parts, so that no two different messages have the same bytes.
fn framed(purpose: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut message = purpose.to_vec();
    message.push(0);
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_holds_for_its_agent_and_number_alone() {
        let issuing = Key::generate().unwrap();
        let agent: AgentId = "00ff".parse().unwrap();
        let state =
            JoinState::sign(agent, 3, Timestamp::from_unix(1_800_000_000), &issuing).unwrap();
        state.verify(issuing.spki()).unwrap();
        let forged = JoinState { sequence: 4, ..state.clone() };
        assert!(matches!(forged.verify(issuing.spki()), Err(KeyError::BadSignature)));
        let stolen = JoinState { agent: "0100".parse().unwrap(), ..state.clone() };
        assert!(matches!(stolen.verify(issuing.spki()), Err(KeyError::BadSignature)));
        let other = Key::generate().unwrap();
        assert!(matches!(state.verify(other.spki()), Err(KeyError::BadSignature)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(framed(b"x", &[b"ab", b"c"]), framed(b"x", &[b"a", b"bc"]));
    }
}
