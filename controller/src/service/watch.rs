//! One agent's stream: what it tells is compared with what should be, and what differs is put on its line.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::Service;
use super::caller::AgentPeer;
use super::live::{Instruction, Line, Rest, Status, Wants};
use crate::store::Told;

/// An agent's open stream. Dropping it closes the line.
#[derive(Debug)]
pub struct Watch {
    service: Arc<Service>,
    line: Arc<Line>,
}

impl Service {
    /// Opens an agent's line; an older one of the same agent ends.
    pub fn watch(self: &Arc<Self>, peer: &AgentPeer) -> Watch {
        let line = self.live.open(peer.id.clone(), peer.site.clone());
        Watch { service: self.clone(), line }
    }

    /// Asks every agent that is connected to come back on a new connection, spread over so many seconds.
    pub fn leave_within(&self, seconds: u32) {
        self.live.leave(seconds);
    }

    /// Everybody is to trust another bundle: those who are connected are told at once.
    pub fn trust_changed(&self) {
        let generation = self.authorities.now().trust.generation;
        for line in self.live.lines() {
            line.update(|state| {
                let lacks =
                    state.told.as_ref().is_some_and(|told| told.trust_generation < generation);
                state.trust |= lacks;
                lacks
            });
        }
    }
}

impl Watch {
    /// Takes what the agent tells.
    pub fn told(&self, status: Status) {
        let (service, line) = (&self.service, &self.line);
        let now = service.now();
        service.orders.done(&line.site, &status.orders_done, now);
        let trust_generation = service.authorities.now().trust.generation;
        let recovery = (status.recovery_generation, service.recipients_generation());
        let told = Told {
            version: status.version,
            last_seen: Some(now),
            generation: status.generation,
            trust_generation: status.trust_generation,
            outbox_records: status.outbox_records,
            outbox_oldest: status.outbox_oldest,
            clock_offset: status.time.seconds_since(now),
            time_known: status.time_known,
            started_at: status.started_at,
            witnessed: status.witnessed,
            halted: status.halted,
        };
        service.live.note(&line.agent, told.clone());
        line.update(|state| {
            let is_first = state.told.is_none();
            let lacks_trust = is_first && told.trust_generation < trust_generation;
            state.trust |= lacks_trust;
            // One that holds a higher generation than ours would refuse ours: the books were restored.
            state.recovery |= is_first && recovery.0 < recovery.1;
            state.recovery_held = recovery.0;
            state.told = Some(told);
            state.digest = status.digest;
            // The first word comes at once, but not before what should be is at hand.
            let is_current = service.desired.is_held(&line.site, state);
            if !is_current {
                state.awaits = true;
                service.desired.want(&line.site);
            }
            is_current && is_first
        });
    }

    /// What the agent is to be told next, once there is something; `None` when a newer stream took over.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Instruction>> {
        let service = &self.service;
        let now = service.now();
        let rest = |wants: Wants| Rest {
            trust: wants.trust.then(|| service.authorities.now().trust.clone()),
            recovery: wants.recovery.then(|| service.recipients.load_full()).flatten(),
            orders: service.orders.outstanding(&self.line.site, now),
        };
        let is_first = self.line.look(|state| !state.has_spoken());
        let said = self.line.poll(context, (now, service.live.head()), rest);
        let addresses = || if is_first { service.settings.addresses.clone() } else { Vec::new() };
        said.map(|said| said.map(|said| Instruction { addresses: addresses(), ..said }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.service.live.close(&self.line, self.service.now());
    }
}
