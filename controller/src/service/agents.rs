//! Agents as operators see them, and what an operator or the agent itself may change of one.

use certs::{Name, TrustBundle, request};
use proto::{AgentId, SiteName, Timestamp};
use rustls::pki_types::CertificateDer;

use super::caller::{AgentPeer, OperatorPeer};
use super::enrollment::failed;
use super::{Refusal, Service};
use crate::store::{Agent, Deed, Standing};

/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// An agent and how it is doing now.
#[derive(Clone, Debug)]
pub struct AgentView {
    /// What the books say, with what a live agent told last.
    pub agent: Agent,
    /// Whether its stream is open.
    pub online: bool,
}

/// A new certificate.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// It, then its issuing authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Whom to trust from now on.
    pub trust: TrustBundle,
    /// Our clock.
    pub time: Timestamp,
}

impl Service {
    /// A new certificate for the same agent.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a request that proves nothing.
    pub async fn renew_agent(&self, peer: &AgentPeer, request: &[u8]) -> Result<Renewed, Refusal> {
        let request = request::verify(request)
            .map_err(|error| Refusal::Invalid(format!("the certificate request: {error}")))?;
        let (now, standing) = (self.now(), self.authorities.now());
        let name = Name::Agent(self.organisation.clone(), peer.id.clone());
        let life = self.settings.certificate_life;
        let issued = standing.issuing.issue(&name, &request, now, life).map_err(failed)?;
        let mut change = self.store.change().await?;
        change.certificate_ends(&peer.id, issued.not_after).await?;
        let deed = Deed {
            time: now,
            actor: name.to_string(),
            deed: "certificate_renewed",
            subject: peer.id.to_string(),
            detail: format!("serial {} until {}", issued.serial, issued.not_after),
        };
        change.commit(deed).await?;
        let chain = issued.chain.into_iter().take(2).collect();
        Ok(Renewed { chain, trust: standing.trust.clone(), time: now })
    }

    /// Every agent, or those that serve or served one site.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn agents(&self, site: Option<&SiteName>) -> Result<Vec<AgentView>, Refusal> {
        let agents = self.store.agents(site).await?;
        Ok(agents.into_iter().map(|agent| self.view(agent)).collect())
    }

    /// One agent.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn agent(&self, id: &AgentId) -> Result<AgentView, Refusal> {
        let agent = self.store.agent(id).await?;
        agent.map(|agent| self.view(agent)).ok_or_else(|| no_agent(id))
    }

    fn view(&self, mut agent: Agent) -> AgentView {
        let told = self.live.told(&agent.id, &agent.site, self.now());
        let online = told.is_some();
        agent.told = told.unwrap_or(agent.told);
        AgentView { agent, online }
    }

    /// Lets an agent in never again, and cuts it off at once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Conflict`] if it is not welcome anyway.
    pub async fn revoke_agent(
        &self,
        by: &OperatorPeer,
        id: &AgentId,
        reason: &str,
    ) -> Result<(), Refusal> {
        reasonable(reason)?;
        let agent = self.store.agent(id).await?.ok_or_else(|| no_agent(id))?;
        let mut change = self.store.change().await?;
        let mut revoked = false;
        for from in [Standing::Active, Standing::Locked] {
            revoked |= change.set_standing(id, (from, Standing::Revoked), reason).await?;
        }
        if !revoked {
            return Err(Refusal::Conflict(format!("{id} is {} already", agent.standing.as_str())));
        }
        change.commit(self.deed(by, "agent_revoked", &agent, reason)).await?;
        self.standings.set_agent(id.clone(), agent.site, Standing::Revoked);
        Ok(())
    }

    /// Lets an agent back in that was locked as a possible clone.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Conflict`] if it is not locked.
    pub async fn unlock_agent(
        &self,
        by: &OperatorPeer,
        id: &AgentId,
        reason: &str,
    ) -> Result<(), Refusal> {
        reasonable(reason)?;
        let agent = self.store.agent(id).await?.ok_or_else(|| no_agent(id))?;
        let mut change = self.store.change().await?;
        if !change.set_standing(id, (Standing::Locked, Standing::Active), reason).await? {
            return Err(Refusal::Conflict(format!("{id} is not locked")));
        }
        change.commit(self.deed(by, "agent_unlocked", &agent, reason)).await?;
        self.standings.set_agent(id.clone(), agent.site, Standing::Active);
        Ok(())
    }

    fn deed(&self, by: &OperatorPeer, deed: &'static str, agent: &Agent, reason: &str) -> Deed {
        Deed {
            time: self.now(),
            actor: by.actor(&self.organisation),
            deed,
            subject: agent.id.to_string(),
            detail: format!("{}: {reason}", agent.site),
        }
    }
}

fn no_agent(id: &AgentId) -> Refusal {
    Refusal::NotFound(format!("there is no agent {id}"))
}

fn reasonable(reason: &str) -> Result<(), Refusal> {
    let is_harmful = reason.chars().any(proto::text::is_harmful);
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON || is_harmful {
        return Err(Refusal::Invalid(format!(
            "a reason is wanted: 1 to {MAX_REASON} printable characters"
        )));
    }
    Ok(())
}
