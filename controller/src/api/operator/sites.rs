//! Sites.

use std::collections::BTreeMap;

use proto::wire::v1;
use tonic::Status;

use super::agents;
use super::{site, status};
use crate::service::agents::AgentView;
use crate::service::{OperatorPeer, Service};
use crate::store::Standing;
use crate::store::sites::Site;

pub async fn add(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::AddSiteRequest,
) -> Result<v1::Site, Status> {
    let added = service.add_site(who, &site(&ask.name)?, &ask.title).await.map_err(status)?;
    Ok(wire(&added, None))
}

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    _: v1::ListSitesRequest,
) -> Result<v1::ListSitesReply, Status> {
    let sites = service.sites().await.map_err(status)?;
    let mut agents = BTreeMap::new();
    for view in service.agents(None).await.map_err(status)? {
        // Of each site the newest comes first; the one that holds the place counts before it.
        let holds = matches!(view.agent.standing, Standing::Active | Standing::Locked);
        let place = agents.entry(view.agent.site.clone());
        place
            .and_modify(|known: &mut AgentView| {
                if holds {
                    *known = view.clone();
                }
            })
            .or_insert(view);
    }
    let sites = sites.iter().map(|site| wire(site, agents.get(&site.name)));
    Ok(v1::ListSitesReply { sites: sites.collect() })
}

pub async fn remove(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RemoveSiteRequest,
) -> Result<v1::Empty, Status> {
    service.remove_site(who, &site(&ask.name)?).await.map_err(status)?;
    Ok(v1::Empty {})
}

fn wire(site: &Site, agent: Option<&AgentView>) -> v1::Site {
    let state = agent.map_or(v1::AgentState::Unspecified, agents::state);
    v1::Site {
        name: site.name.to_string(),
        title: site.title.clone(),
        created_at: site.created_at.unix(),
        generation: site.generation,
        agent_id: agent.map_or_else(String::new, |view| view.agent.id.to_string()),
        agent_state: state.into(),
        devices: site.devices,
        unmet: site.unmet,
        unknown: site.unknown,
        halted: agent.and_then(|view| view.agent.told.halted.as_ref()).map(Into::into),
    }
}
