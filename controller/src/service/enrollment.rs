//! How a box becomes a site's agent: with a one-time token, or by asking without one until an operator approves it.
//!
//! Of everything a box sends only two keys count, each proven to be its own. A token that is unknown, used, expired or
//! taken back is refused in the same words; which it was stands in the audit log, if it was a real one. Of made-up
//! secrets no record is kept: strangers shall not be able to make the log grow.

use certs::join_state::{JoinState, binding_message};
use certs::request::{self, VerifiedRequest};
use certs::ticket::secret_hash;
use certs::{Name, TrustBundle, key, random};
use proto::text::is_harmful;
use proto::{AgentId, Organisation, Secret, SiteName, Timestamp};

use super::caller::Source;
use super::{Refusal, Service};
use crate::store::agents::{NewAgent, Place};
use crate::store::tokens::Token;
use crate::store::{Answer, Change, Deed, Standing};

/// Longest name of a machine and longest version, in characters.
const MAX_WORD: usize = 64;

/// What a box asks with.
#[derive(Debug)]
pub struct Asking {
    /// PKCS #10 (DER).
    pub request: Vec<u8>,
    /// SubjectPublicKeyInfo of the recovery key (DER).
    pub recovery_key: Vec<u8>,
    /// By the recovery key over the request.
    pub recovery_proof: Vec<u8>,
    /// The agent's version.
    pub version: String,
    /// What the machine calls itself.
    pub host: String,
}

/// The same, once it was verified.
#[derive(Debug)]
pub(super) struct Applicant {
    pub request: VerifiedRequest,
    pub recovery_key: Vec<u8>,
    pub version: String,
    pub host: String,
}

/// What a box is told that is an agent now.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Whose.
    pub organisation: Organisation,
    /// Who, where, with which certificate.
    pub answer: Answer,
    /// Whom to trust from now on.
    pub trust: TrustBundle,
    /// Our clock.
    pub time: Timestamp,
}

/// A certificate and join state, not yet in the books.
#[derive(Debug)]
pub(super) struct Made {
    pub answer: Answer,
    pub ends: Timestamp,
}

impl Service {
    /// Makes a box a site's agent by a token.
    ///
    /// # Errors
    /// [`Refusal::Denied`] for every token that is not open to this key, [`Refusal::Invalid`] for keys that prove
    /// nothing, [`Refusal::Precondition`] if the site has an agent.
    pub async fn enroll(
        &self,
        source: Source,
        secret: &Secret,
        asking: Asking,
    ) -> Result<Joined, Refusal> {
        let applicant = verified(asking)?;
        let Some(token) = self.store.token_of(secret_hash(secret)).await? else {
            tracing::warn!(source = %source.0, "somebody came with a token that never was");
            return Err(refused());
        };
        let is_open =
            token.used.is_none() && token.revoked_at.is_none() && self.now() < token.expires_at;
        if is_open && let Some(joined) = self.use_token(source, &token, &applicant).await? {
            return Ok(joined);
        }
        // It may have been used a moment ago, by the same key in another call.
        let Some(token) = self.store.token_of(secret_hash(secret)).await? else {
            return Err(refused());
        };
        self.answer_again(source, &token, &applicant).await
    }

    async fn use_token(
        &self,
        source: Source,
        token: &Token,
        applicant: &Applicant,
    ) -> Result<Option<Joined>, Refusal> {
        let now = self.now();
        let made = self.make_agent(&token.site, &applicant.request, now)?;
        let mut change = self.store.change().await?;
        if !change.use_token(&token.id, applicant.request.hash().0, &made.answer, now).await? {
            return Ok(None);
        }
        let before = match change.place(&token.site).await? {
            Place::NoSite | Place::Free => None,
            Place::Taken(_) if !token.replaces => return Err(occupied(&token.site)),
            Place::Taken(before) => {
                replace(&mut change, &before, &made.answer.agent).await?;
                Some(before)
            }
        };
        let detail = format!(
            "joined {} with token {} from {}{}",
            token.site,
            token.id,
            source.0,
            before.as_ref().map_or(String::new(), |before| format!(" in the place of {before}"))
        );
        self.take_in(change, made, applicant, Taken { actor: source.0.to_string(), detail, before })
            .await
            .map(Some)
    }

    /// The same key gets the same answer again, for its reply may have been lost. Everybody else learns nothing.
    async fn answer_again(
        &self,
        source: Source,
        token: &Token,
        applicant: &Applicant,
    ) -> Result<Joined, Refusal> {
        let why = match &token.used {
            Some(used) if used.key == applicant.request.hash().0 => {
                let answer = self.store.token_answer(&token.id).await?;
                if let Some(answer) = answer.filter(|_| self.standings.agent(&used.agent).is_some())
                {
                    return Ok(self.joined(answer));
                }
                "its agent is not welcome any more"
            }
            Some(_) => "it was used by another key",
            None if token.revoked_at.is_some() => "it was taken back",
            None => "it has expired",
        };
        let deed = Deed {
            time: self.now(),
            actor: source.0.to_string(),
            deed: "enrollment_refused",
            subject: token.site.to_string(),
            detail: format!("token {}: {why}", token.id),
        };
        self.store.change().await?.commit(deed).await?;
        Err(refused())
    }

    /// A new agent of a site: its name, certificate and join state. Nothing is written.
    pub(super) fn make_agent(
        &self,
        site: &SiteName,
        request: &VerifiedRequest,
        now: Timestamp,
    ) -> Result<Made, Refusal> {
        let agent: AgentId = random::id().map_err(failed)?.parse().map_err(failed)?;
        self.make_certificate(agent, site, request, 1, now)
    }

    /// A certificate and join state for an agent. Nothing is written.
    pub(super) fn make_certificate(
        &self,
        agent: AgentId,
        site: &SiteName,
        request: &VerifiedRequest,
        sequence: u64,
        now: Timestamp,
    ) -> Result<Made, Refusal> {
        let issuing = self.authorities.now().issuing.clone();
        let name = Name::Agent(self.organisation.clone(), agent.clone());
        let life = self.settings.certificate_life;
        let issued = issuing.issue(&name, request, now, life).map_err(failed)?;
        let state = JoinState::sign(agent.clone(), sequence, now, issuing.key()).map_err(failed)?;
        let chain = issued.chain.into_iter().take(2).collect();
        Ok(Made {
            answer: Answer { site: site.clone(), agent, chain, state },
            ends: issued.not_after,
        })
    }

    /// Writes a new agent down, and lets it in.
    pub(super) async fn take_in(
        &self,
        mut change: Change,
        made: Made,
        applicant: &Applicant,
        taken: Taken,
    ) -> Result<Joined, Refusal> {
        let Made { answer, ends } = made;
        let agent = NewAgent {
            id: answer.agent.clone(),
            site: answer.site.clone(),
            host: applicant.host.clone(),
            version: applicant.version.clone(),
            enrolled_at: self.now(),
            recovery_key: applicant.recovery_key.clone(),
            certificate_ends: ends,
        };
        change.add_agent(&agent).await?;
        let deed = Deed {
            time: self.now(),
            actor: taken.actor,
            deed: "agent_joined",
            subject: answer.agent.to_string(),
            detail: taken.detail,
        };
        // Before it is in the books: whoever reads there that it joined finds it welcome. Nobody has its certificate yet.
        self.standings.set_agent(answer.agent.clone(), answer.site.clone(), Standing::Active);
        if let Err(error) = change.commit(deed).await {
            self.standings.set_agent(answer.agent, answer.site, Standing::Revoked);
            return Err(error.into());
        }
        if let Some(before) = taken.before {
            self.standings.set_agent(before, answer.site.clone(), Standing::Replaced);
        }
        tracing::info!(site = %answer.site, agent = %answer.agent, "an agent joined");
        Ok(self.joined(answer))
    }

    pub(super) fn joined(&self, answer: Answer) -> Joined {
        Joined {
            organisation: self.organisation.clone(),
            answer,
            trust: self.authorities.now().trust.clone(),
            time: self.now(),
        }
    }
}

/// What the books say about a join besides the agent.
pub(super) struct Taken {
    /// Who did it.
    pub actor: String,
    /// How.
    pub detail: String,
    /// Whose place the agent takes.
    pub before: Option<AgentId>,
}

async fn replace(change: &mut Change, before: &AgentId, by: &AgentId) -> Result<(), Refusal> {
    let reason = format!("{by} took its place");
    for from in [Standing::Active, Standing::Locked] {
        if change.set_standing(before, (from, Standing::Replaced), &reason).await? {
            break;
        }
    }
    Ok(())
}

/// What a box sends, checked: sizes, both keys, words that can be shown.
pub(super) fn verified(asking: Asking) -> Result<Applicant, Refusal> {
    let request = request::verify(&asking.request)
        .map_err(|error| Refusal::Invalid(format!("the certificate request: {error}")))?;
    key::verify(&asking.recovery_key, &binding_message(&asking.request), &asking.recovery_proof)
        .map_err(|error| Refusal::Invalid(format!("the recovery key: {error}")))?;
    word(&asking.version, "version")?;
    word(&asking.host, "host")?;
    let Asking { recovery_key, version, host, .. } = asking;
    Ok(Applicant { request, recovery_key, version, host })
}

/// Refuses words that are too long or drive a terminal.
pub(super) fn word(text: &str, field: &str) -> Result<(), Refusal> {
    if text.chars().count() > MAX_WORD || text.chars().any(is_harmful) {
        return Err(Refusal::Invalid(format!(
            "{field}: at most {MAX_WORD} printable characters are taken"
        )));
    }
    Ok(())
}

pub(super) fn occupied(site: &SiteName) -> Refusal {
    Refusal::Precondition(format!(
        "{site} has an agent; let an operator make a token with palisade site replace, or revoke that agent"
    ))
}

pub(super) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Failed(Box::new(error))
}

fn refused() -> Refusal {
    Refusal::Denied("the token is not good; ask an operator for a new one".to_owned())
}
