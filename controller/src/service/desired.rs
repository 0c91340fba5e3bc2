//! What sites should be, on its way to their agents. What each site's state is called (generation and digest) is kept in
//! memory, so that an agent that holds it already costs no question to the database; states themselves are read for all
//! who lack them at once, by one task, so that an older one never overtakes a newer.
//!
//! An agent never takes a lower generation than the one it holds. If it holds more than the books know, they were
//! restored from a backup: the site's generation is raised above it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use proto::SiteName;
use tokio::sync::Notify;

use super::live::{State, lock};
use super::{Refusal, Service};
use crate::store::desired::Sites;
use crate::store::{Deed, DesiredState};

/// No site's generation is raised above what it could reach in an honest life.
const HIGHEST: u64 = 1 << 40;

/// Lines that are given something to say before others get their turn.
const AT_A_TIME: usize = 32;

/// See the module.
#[derive(Debug, Default)]
pub struct Desired {
    marks: Mutex<HashMap<SiteName, Mark>>,
    wanted: Mutex<HashSet<SiteName>>,
    wake: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    generation: u64,
    digest: [u8; 32],
}

impl Desired {
    /// Whether an agent holds what its site should be, or it is on its way on this line.
    pub(super) fn is_held(&self, site: &SiteName, state: &State) -> bool {
        let Some(mark) = lock(&self.marks).get(site).copied() else { return false };
        mark.is_held(state)
    }

    /// Somebody lacks this site's state.
    pub(super) fn want(&self, site: &SiteName) {
        lock(&self.wanted).insert(site.clone());
        self.wake.notify_one();
    }

    /// Ends when somebody lacks something.
    pub(super) async fn wanted(&self) {
        self.wake.notified().await;
    }
}

impl Mark {
    fn is_held(self, state: &State) -> bool {
        let Some(told) = &state.told else { return false };
        let same_digest = state.digest.is_none_or(|digest| digest == self.digest);
        state.pushed >= self.generation || (told.generation == self.generation && same_digest)
    }

    /// Whether an agent holds something that this state could not replace.
    fn is_outrun_by(self, state: &State) -> bool {
        state.told.as_ref().is_some_and(|told| told.generation >= self.generation)
            && !self.is_held(state)
    }
}

impl Service {
    /// What these sites should be has changed: their agents are sent it, at once if they are connected.
    pub fn desired_changed(&self, sites: &[SiteName]) {
        lock(&self.desired.wanted).extend(sites.iter().cloned());
        self.desired.wake.notify_one();
    }

    /// Learns what every site's state is called.
    pub(super) async fn load_desired(&self) -> Result<(), Refusal> {
        let states = self.store.desired_states(Sites::All).await?;
        *lock(&self.desired.marks) =
            states.iter().map(|(site, state)| (site.clone(), mark(state))).collect();
        Ok(())
    }

    /// Sends every wanted state to whoever lacks it. For one task alone.
    ///
    /// # Errors
    /// [`Refusal::Failed`]; what was wanted is still wanted then.
    pub(super) async fn send_wanted(&self) -> Result<(), Refusal> {
        let wanted = std::mem::take(&mut *lock(&self.desired.wanted));
        if wanted.is_empty() {
            return Ok(());
        }
        let sent = self.send_states(&wanted).await;
        if sent.is_err() {
            lock(&self.desired.wanted).extend(wanted);
        }
        sent
    }

    async fn send_states(&self, sites: &HashSet<SiteName>) -> Result<(), Refusal> {
        let mut states = self.store.desired_states(Sites::Only(sites)).await?;
        let outrun = self.outrun(&states);
        if !outrun.is_empty() {
            for (site, generation) in &outrun {
                self.raise(site, *generation).await?;
            }
            states = self.store.desired_states(Sites::Only(sites)).await?;
        }
        let gone = sites.iter().filter(|site| !states.contains_key(*site));
        {
            let mut marks = lock(&self.desired.marks);
            for site in gone {
                marks.remove(site);
            }
            marks.extend(states.iter().map(|(site, state)| (site.clone(), mark(state))));
        }
        for (count, (site, state)) in states.into_iter().enumerate() {
            // A few at a time: what thousands are sent is not all in memory at once.
            if count % AT_A_TIME == AT_A_TIME - 1 {
                tokio::task::yield_now().await;
            }
            let Some(line) = self.live.line(&site) else { continue };
            let (mark, state) = (mark(&state), Arc::new(state));
            line.update(|told| {
                let lacks = told.told.is_some() && !mark.is_held(told);
                if lacks {
                    told.pushed = mark.generation;
                    told.desired = Some(state);
                }
                // Whoever waits is told, even if it lacks nothing any more.
                std::mem::take(&mut told.awaits) || lacks
            });
        }
        Ok(())
    }

    /// The sites whose agents hold what the books know nothing of, each with the generation to go above. Once a line.
    fn outrun(&self, states: &HashMap<SiteName, DesiredState>) -> Vec<(SiteName, u64)> {
        let mut outrun = Vec::new();
        for (site, state) in states {
            let Some(line) = self.live.line(site) else { continue };
            line.update(|told| {
                if !told.raised && mark(state).is_outrun_by(told) {
                    told.raised = true;
                    outrun.extend(told.told.as_ref().map(|told| (site.clone(), told.generation)));
                }
                false
            });
        }
        outrun.retain(|(_, generation)| *generation < HIGHEST);
        outrun
    }

    async fn raise(&self, site: &SiteName, above: u64) -> Result<(), Refusal> {
        let mut change = self.store.change().await?;
        change.raise_generation(site, above + 1).await?;
        let deed = Deed {
            time: self.now(),
            actor: certs::Name::Controller(self.organisation.clone()).to_string(),
            deed: "generation_raised",
            subject: site.to_string(),
            detail: format!("its agent holds generation {above}, which these books do not know"),
        };
        change.commit(deed).await?;
        Ok(())
    }
}

fn mark(state: &DesiredState) -> Mark {
    Mark { generation: state.generation, digest: state.digest }
}
