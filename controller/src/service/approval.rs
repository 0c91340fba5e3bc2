//! The way round: a box without a token shows a short code, keeps asking, and an operator who stands before it types the
//! code in and says for which site it is.
//!
//! How many may wait is bounded, in all and per source, and each is forgotten after a while.

use certs::approval::Code;
use certs::request;
use proto::{SiteName, Timestamp};

use super::caller::{OperatorPeer, Source};
use super::enrollment::{Applicant, Asking, Joined, Taken, failed, occupied, verified};
use super::{Refusal, Service};
use crate::store::Deed;
use crate::store::agents::Place;
use crate::store::pending::Pending;

/// Requests of one source address that may wait at a time.
const PER_SOURCE: usize = 16;
/// How often a waiting box asks, in seconds.
const RETRY_AFTER: u32 = 5;
/// How long an approved box can fetch its answer, in seconds.
const ANSWER_LIFE: i64 = 86_400;

/// What a box without a token is told.
#[derive(Clone, Debug)]
pub enum Asked {
    /// An operator approved it.
    Joined(Box<Joined>),
    /// Nobody did yet.
    Waiting {
        /// Ask again after so many seconds.
        retry_after: u32,
        /// The request is forgotten then.
        expires_at: Timestamp,
    },
}

impl Service {
    /// Asks to become an agent without a token, or asks again.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for keys that prove nothing, [`Refusal::Exhausted`] if too many wait.
    pub async fn ask_approval(&self, source: Source, asking: Asking) -> Result<Asked, Refusal> {
        let der = asking.request.clone();
        let applicant = verified(asking)?;
        let (now, key) = (self.now(), applicant.request.hash());
        if let Some(pending) = self.store.pending_of(key.0, now).await? {
            let Some(answer) = pending.answer else { return Ok(waiting(pending.expires_at)) };
            if self.standings.agent(&answer.agent).is_none() {
                return Err(Refusal::Denied("its agent is not welcome any more".to_owned()));
            }
            return Ok(Asked::Joined(Box::new(self.joined(answer))));
        }
        let all = self.store.waiting(now).await?;
        let from_here = source.0.to_string();
        let mine = all.iter().filter(|pending| pending.source == from_here).count();
        if all.len() >= self.settings.pending_most || mine >= PER_SOURCE {
            return Err(Refusal::Exhausted(60));
        }
        let expires_at = now.unix().saturating_add(self.settings.pending_life);
        let pending = Pending {
            key: key.0,
            host: applicant.host,
            version: applicant.version,
            source: from_here.clone(),
            request: der,
            recovery_key: applicant.recovery_key,
            asked_at: now,
            expires_at: Timestamp::from_unix(expires_at),
            answer: None,
        };
        let mut change = self.store.change().await?;
        if change.add_pending(&pending, Code::of(key).hash()).await? {
            let deed = Deed {
                time: now,
                actor: from_here,
                deed: "approval_asked",
                subject: pending.host.clone(),
                detail: format!("key {key}"),
            };
            change.commit(deed).await?;
        }
        Ok(waiting(pending.expires_at))
    }

    /// The requests that nobody approved yet, the oldest first.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn pending_agents(&self) -> Result<Vec<Pending>, Refusal> {
        Ok(self.store.waiting(self.now()).await?)
    }

    /// Makes the box that shows this code a site's agent.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], [`Refusal::NotFound`], [`Refusal::Precondition`] if the site has an agent,
    /// [`Refusal::Conflict`] if somebody else approved it a moment ago.
    pub async fn approve_agent(
        &self,
        by: &OperatorPeer,
        code: &str,
        site: &SiteName,
    ) -> Result<Joined, Refusal> {
        let code: Code = code
            .parse()
            .map_err(|error: certs::approval::BadCode| Refusal::Invalid(error.to_string()))?;
        let now = self.now();
        let found = self.store.pending_with(code.hash(), now).await?;
        let pending = found.filter(|pending| pending.answer.is_none()).ok_or_else(|| {
            Refusal::NotFound("nobody waits with that code; it may have expired".to_owned())
        })?;
        let request = request::verify(&pending.request).map_err(failed)?;
        let applicant = Applicant {
            request,
            recovery_key: pending.recovery_key,
            version: pending.version,
            host: pending.host,
        };
        let made = self.make_agent(site, &applicant.request, now)?;
        let mut change = self.store.change().await?;
        match change.place(site).await? {
            Place::NoSite => return Err(Refusal::NotFound(format!("there is no site {site}"))),
            Place::Taken(_) => return Err(occupied(site)),
            Place::Free => {}
        }
        let until = Timestamp::from_unix(now.unix().saturating_add(ANSWER_LIFE));
        if !change.answer_pending(pending.key, &made.answer, until).await? {
            return Err(Refusal::Conflict("it was approved a moment ago".to_owned()));
        }
        let detail = format!("approved for {site}, asked from {}", pending.source);
        let actor = by.actor(&self.organisation);
        self.take_in(change, made, &applicant, Taken { actor, detail, before: None }).await
    }
}

fn waiting(expires_at: Timestamp) -> Asked {
    Asked::Waiting { retry_after: RETRY_AFTER, expires_at }
}
