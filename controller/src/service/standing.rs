//! Who is welcome, in memory: handshakes and calls are judged by it without asking the database. It holds only agents
//! that keep their site's place and operators who were not removed; nobody else is known.
//!
//! Everybody in it has a token that ends their connections: whoever loses their standing is cut off at once, and a
//! connection that was being made meanwhile finds the token cancelled or nobody of that name.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use certs::mutual::Gate;
use certs::{Name, VerifiedPeer};
use proto::{AgentId, OperatorName, Role, SiteName};
use tokio_util::sync::CancellationToken;

use crate::store::Standing;

/// See the module.
#[derive(Debug, Default)]
pub struct Standings {
    agents: RwLock<HashMap<AgentId, AgentStanding>>,
    operators: RwLock<HashMap<OperatorName, OperatorStanding>>,
}

/// An agent that keeps its site's place.
#[derive(Clone, Debug)]
pub struct AgentStanding {
    /// The site it serves.
    pub site: SiteName,
    /// Whether it is welcome: a locked one keeps its place and is not let in.
    pub standing: Standing,
    /// Ends its connections.
    pub kill: CancellationToken,
}

/// An operator.
#[derive(Clone, Debug)]
pub struct OperatorStanding {
    /// What they may do.
    pub role: Role,
    /// Ends their connections.
    pub kill: CancellationToken,
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Standings {
    /// An agent that is welcome.
    pub fn agent(&self, id: &AgentId) -> Option<AgentStanding> {
        let known = read(&self.agents).get(id).cloned();
        known.filter(|agent| agent.standing == Standing::Active)
    }

    /// An operator.
    pub fn operator(&self, name: &OperatorName) -> Option<OperatorStanding> {
        read(&self.operators).get(name).cloned()
    }

    /// Ends the connections of whoever this is, from where they stand now; `None` for somebody who is not welcome.
    pub fn kill_of(&self, name: &Name) -> Option<CancellationToken> {
        match name {
            Name::Agent(_, id) => self.agent(id).map(|agent| agent.kill),
            Name::Operator(_, operator) => self.operator(operator).map(|operator| operator.kill),
            Name::Controller(_) => None,
        }
    }

    /// Lets an agent in from now on, or only keeps its place. Its connections end if it was welcome and is not any more.
    pub fn set_agent(&self, id: AgentId, site: SiteName, standing: Standing) {
        let mut agents = write(&self.agents);
        match standing {
            Standing::Active => {
                let kill = CancellationToken::new();
                if let Some(before) = agents.insert(id, AgentStanding { site, standing, kill }) {
                    before.kill.cancel();
                }
            }
            Standing::Locked => {
                let kill = CancellationToken::new();
                kill.cancel();
                if let Some(before) = agents.insert(id, AgentStanding { site, standing, kill }) {
                    before.kill.cancel();
                }
            }
            Standing::Revoked | Standing::Replaced => {
                if let Some(before) = agents.remove(&id) {
                    before.kill.cancel();
                }
            }
        }
    }

    /// Lets an operator in from now on, or changes what they may do.
    pub fn set_operator(&self, name: OperatorName, role: Role) {
        let mut operators = write(&self.operators);
        let kill = operators.get(&name).map_or_else(CancellationToken::new, |one| one.kill.clone());
        operators.insert(name, OperatorStanding { role, kill });
    }

    /// Knows an operator no more, and ends their connections.
    pub fn remove_operator(&self, name: &OperatorName) {
        if let Some(before) = write(&self.operators).remove(name) {
            before.kill.cancel();
        }
    }

    /// How many agents keep their site's place.
    pub fn agents(&self) -> usize {
        read(&self.agents).len()
    }

    /// The agent that serves a site and is welcome.
    pub fn agent_of(&self, site: &SiteName) -> Option<AgentId> {
        let agents = read(&self.agents);
        let mut of_site = agents.iter().filter(|(_, agent)| agent.site == *site);
        of_site.find(|(_, agent)| agent.standing == Standing::Active).map(|(id, _)| id.clone())
    }
}

/// Asked in every handshake.
#[derive(Debug)]
pub struct Door(pub Arc<Standings>);

impl Gate for Door {
    fn admits(&self, peer: &VerifiedPeer) -> bool {
        self.0.kill_of(&peer.name).is_some()
    }
}
