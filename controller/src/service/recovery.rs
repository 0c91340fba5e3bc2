//! The way back for an agent whose certificate has lapsed: it answers a challenge with the recovery key that was bound
//! when it joined, and shows the number of its last join.
//!
//! A number that was used before comes from a copy of the box, or from the box that was copied: neither is let in until
//! an operator decides which is which. Only the holder of the recovery key can bring that about. An agent that did not
//! get its reply asks again with the same key, and is told the same again; so it keeps that key until it is answered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use certs::join_state::{JoinState, recovery_message};
use certs::request::{self, VerifiedRequest};
use certs::{key, random, trust};
use proto::{AgentId, Timestamp};

use super::caller::Source;
use super::enrollment::{Joined, failed, word};
use super::{Refusal, Service};
use crate::store::agents::Recovery;
use crate::store::{Agent, Deed, Standing};

/// How long a challenge is good, in seconds.
const CHALLENGE_LIFE: i64 = 60;
/// Challenges that may be open at a time.
const MOST: usize = 4096;

/// What an agent comes back with.
#[derive(Debug)]
pub struct ComingBack {
    /// Who it says it is.
    pub agent: AgentId,
    /// The challenge.
    pub nonce: Vec<u8>,
    /// PKCS #10 (DER).
    pub request: Vec<u8>,
    /// Of its last join.
    pub state: JoinState,
    /// By the recovery key over [`recovery_message`].
    pub proof: Vec<u8>,
    /// Its version.
    pub version: String,
}

/// Challenges that wait for their answer.
#[derive(Debug, Default)]
pub struct Challenges(Mutex<HashMap<[u8; 32], (AgentId, Timestamp)>>);

impl Challenges {
    /// Remembers a challenge until a minute has passed; `false` if too many are open.
    fn put(&self, nonce: [u8; 32], agent: AgentId, now: Timestamp) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            open.retain(|_, (_, ends)| now < *ends);
        }
        let has_room = open.len() < MOST;
        if has_room {
            let ends = Timestamp::from_unix(now.unix().saturating_add(CHALLENGE_LIFE));
            open.insert(nonce, (agent, ends));
        }
        has_room
    }

    /// Whether this challenge was given to that agent lately. Whatever the answer, it is used up.
    fn take(&self, nonce: &[u8], agent: &AgentId, now: Timestamp) -> bool {
        let Ok(nonce) = <[u8; 32]>::try_from(nonce) else { return false };
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&nonce);
        given.is_some_and(|(whose, ends)| whose == *agent && now < ends)
    }
}

impl Service {
    /// A challenge for an agent: 32 random bytes, good once and for a minute. Whether there is such an agent is not told.
    ///
    /// # Errors
    /// [`Refusal::Exhausted`] if too many are open.
    pub async fn challenge(&self, agent: &AgentId) -> Result<[u8; 32], Refusal> {
        let nonce = random::bytes::<32>().map_err(failed)?;
        // Strangers' names take no room.
        if self.store.agent(agent).await?.is_some()
            && !self.challenges.put(nonce, agent.clone(), self.now())
        {
            return Err(Refusal::Exhausted(60));
        }
        Ok(nonce)
    }

    /// Lets an agent back in that proves to be itself.
    ///
    /// # Errors
    /// [`Refusal::Denied`] in the same words for whatever does not fit; [`Refusal::Precondition`] for an agent that
    /// proved to be itself and is locked or was locked just now.
    pub async fn recover(&self, source: Source, back: ComingBack) -> Result<Joined, Refusal> {
        word(&back.version, "version")?;
        let request = request::verify(&back.request)
            .map_err(|error| Refusal::Invalid(format!("the certificate request: {error}")))?;
        if !self.challenges.take(&back.nonce, &back.agent, self.now()) {
            return Err(refused());
        }
        let agent = self.store.agent(&back.agent).await?.ok_or_else(refused)?;
        let message = recovery_message(&back.nonce, &back.agent, &back.request, &back.state);
        if key::verify(&agent.recovery_key, &message, &back.proof).is_err()
            || back.state.agent != back.agent
            || !self.signed_by_us(&back.state)
        {
            tracing::warn!(agent = %back.agent, source = %source.0, "a recovery proved nothing");
            return Err(refused());
        }
        match agent.standing {
            Standing::Active => {}
            Standing::Locked => return Err(locked()),
            Standing::Revoked | Standing::Replaced => return Err(refused()),
        }
        let (shown, known) = (back.state.sequence, agent.join_sequence);
        let is_same = agent.recovered_key == Some(request.hash().0);
        if shown >= known {
            // More than we know: the books were restored from a backup, and the signature is ours.
            self.let_back(source, &agent, &request, shown).await
        } else if shown + 1 == known && is_same {
            let made = self.make_certificate(agent.id, &agent.site, &request, known, self.now())?;
            Ok(self.joined(made.answer))
        } else {
            self.lock(source, &agent, shown).await?;
            Err(locked())
        }
    }

    async fn let_back(
        &self,
        source: Source,
        agent: &Agent,
        request: &VerifiedRequest,
        shown: u64,
    ) -> Result<Joined, Refusal> {
        let to = shown.checked_add(1).ok_or_else(refused)?;
        let made = self.make_certificate(agent.id.clone(), &agent.site, request, to, self.now())?;
        let mut change = self.store.change().await?;
        let recovery = Recovery {
            from: agent.join_sequence,
            to,
            key: request.hash().0,
            certificate_ends: made.ends,
        };
        if !change.recover_agent(&agent.id, recovery).await? {
            // Somebody else came back with the same number at the same moment.
            return Err(Refusal::Conflict("another recovery is going on; try again".to_owned()));
        }
        let deed = Deed {
            time: self.now(),
            actor: source.0.to_string(),
            deed: "agent_recovered",
            subject: agent.id.to_string(),
            detail: format!("{}: join {to}, recovery {}", agent.site, agent.recoveries + 1),
        };
        change.commit(deed).await?;
        Ok(self.joined(made.answer))
    }

    async fn lock(&self, source: Source, agent: &Agent, shown: u64) -> Result<(), Refusal> {
        let reason = format!("join {shown} was shown after join {}", agent.join_sequence);
        let mut change = self.store.change().await?;
        if !change.set_standing(&agent.id, (Standing::Active, Standing::Locked), &reason).await? {
            return Ok(());
        }
        let deed = Deed {
            time: self.now(),
            actor: source.0.to_string(),
            deed: "agent_locked",
            subject: agent.id.to_string(),
            detail: format!("{}: {reason}; one of the boxes is a copy", agent.site),
        };
        change.commit(deed).await?;
        self.standings.set_agent(agent.id.clone(), agent.site.clone(), Standing::Locked);
        tracing::error!(agent = %agent.id, site = %agent.site, "two boxes claim to be one agent");
        Ok(())
    }

    fn signed_by_us(&self, state: &JoinState) -> bool {
        let standing = self.authorities.now();
        let spki = |issuer: &[u8]| trust::spki(issuer);
        standing
            .accepted
            .iter()
            .chain(&standing.past)
            .filter_map(|issuer| spki(issuer))
            .any(|spki| state.verify(&spki).is_ok())
    }
}

fn refused() -> Refusal {
    Refusal::Denied("the recovery was not accepted; enrol the box anew".to_owned())
}

fn locked() -> Refusal {
    Refusal::Precondition(
        "two boxes claim to be this agent; an operator has to decide with palisade agent unlock or site replace"
            .to_owned(),
    )
}
