//! Agents, and boxes that wait for approval.

use certs::audit::ChainHead;
use proto::wire::v1;
use proto::{AgentId, Timestamp};
use tonic::Status;

use super::{malformed, maybe_site, site, status};
use crate::service::agents::AgentView;
use crate::service::{OperatorPeer, Service};
use crate::store::Standing;

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListAgentsRequest,
) -> Result<v1::ListAgentsReply, Status> {
    let site = maybe_site(&ask.site)?;
    if let Some(site) = &site {
        service.known_site(site).await.map_err(status)?;
    }
    let agents = service.agents(site.as_ref()).await.map_err(status)?;
    Ok(v1::ListAgentsReply { agents: agents.iter().map(view).collect() })
}

pub async fn approve(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::ApproveAgentRequest,
) -> Result<v1::AgentView, Status> {
    let joined = service.approve_agent(who, &ask.code, &site(&ask.site)?).await.map_err(status)?;
    let agent = service.agent(&joined.answer.agent).await.map_err(status)?;
    Ok(view(&agent))
}

pub async fn pending(
    service: &Service,
    _: &OperatorPeer,
    _: v1::ListPendingRequest,
) -> Result<v1::ListPendingReply, Status> {
    let waiting = service.pending_agents().await.map_err(status)?;
    let pending = waiting.into_iter().map(|one| v1::PendingView {
        host: one.host,
        source: one.source,
        asked_at: one.asked_at.unix(),
        expires_at: one.expires_at.unix(),
    });
    Ok(v1::ListPendingReply { pending: pending.collect() })
}

pub async fn revoke(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RevokeAgentRequest,
) -> Result<v1::Empty, Status> {
    service.revoke_agent(who, &id(&ask.id)?, &ask.reason).await.map_err(status)?;
    Ok(v1::Empty {})
}

pub async fn unlock(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::UnlockAgentRequest,
) -> Result<v1::Empty, Status> {
    service.unlock_agent(who, &id(&ask.id)?, &ask.reason).await.map_err(status)?;
    Ok(v1::Empty {})
}

fn id(text: &str) -> Result<AgentId, Status> {
    text.parse().map_err(malformed)
}

/// Whether it is there.
pub fn state(view: &AgentView) -> v1::AgentState {
    match view.agent.standing {
        Standing::Active if view.online => v1::AgentState::Online,
        Standing::Active => v1::AgentState::Offline,
        Standing::Locked => v1::AgentState::Locked,
        Standing::Revoked => v1::AgentState::Revoked,
        Standing::Replaced => v1::AgentState::Replaced,
    }
}

fn head(head: ChainHead) -> v1::ChainHead {
    let hash = if head.length == 0 { Vec::new() } else { head.hash.to_vec() };
    v1::ChainHead { length: head.length, hash }
}

/// An agent as operators see it.
pub fn view(view: &AgentView) -> v1::AgentView {
    let seconds = |time: Option<Timestamp>| time.map_or(0, Timestamp::unix);
    let (agent, told) = (&view.agent, &view.agent.told);
    v1::AgentView {
        id: agent.id.to_string(),
        site: agent.site.to_string(),
        state: state(view).into(),
        version: told.version.clone(),
        host: agent.host.clone(),
        enrolled_at: agent.enrolled_at.unix(),
        last_seen: seconds(told.last_seen),
        certificate_ends: agent.certificate_ends.unix(),
        generation: told.generation,
        trust_generation: told.trust_generation,
        outbox_records: told.outbox_records,
        outbox_oldest: seconds(told.outbox_oldest),
        clock_offset: told.clock_offset,
        time_known: told.time_known,
        recoveries: agent.recoveries,
        started_at: seconds(told.started_at),
        witnessed: Some(head(told.witnessed)),
        reported: Some(head(agent.reported)),
        halted: told.halted.as_ref().map(Into::into),
    }
}
