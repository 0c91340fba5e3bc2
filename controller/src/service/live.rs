//! The agents that are connected now: one line per site. What is to be said over a line is kept as the latest of each
//! kind, never in a queue: a slow agent holds up nobody and costs no memory, and what it reads is never out of date.
//!
//! What agents tell of themselves is kept here, and written to the books many at a time ([`super::background`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use certs::TrustBundle;
use certs::audit::ChainHead;
use proto::wire::halt::Halt;
use proto::wire::policy::{Order, OrderId};
use proto::{AgentId, SiteName, Timestamp};

use crate::store::recipients::Recipients;
use crate::store::{DesiredState, Told};

/// What an agent tells of itself.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Generation of the desired state it holds; 0 for none.
    pub generation: u64,
    /// SHA-256 of that state as it was received.
    pub digest: Option<[u8; 32]>,
    /// Generation of the trust bundle it holds.
    pub trust_generation: u64,
    /// Generation of the recovery recipients it holds; 0 for none.
    pub recovery_generation: u64,
    /// Its clock.
    pub time: Timestamp,
    /// Whether it believes its clock.
    pub time_known: bool,
    /// Records waiting in its outbox.
    pub outbox_records: u64,
    /// Time of the oldest of them.
    pub outbox_oldest: Option<Timestamp>,
    /// Orders it has done.
    pub orders_done: Vec<OrderId>,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// Our audit log's head as it knows it.
    pub witnessed: ChainHead,
    /// Why it changes nothing unattended, if that is halted.
    pub halted: Option<Halt>,
}

/// What an agent is told.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Our clock.
    pub time: Timestamp,
    /// What its site should be, unless it holds that.
    pub desired: Option<Arc<DesiredState>>,
    /// Whom to trust, unless it holds that.
    pub trust: Option<TrustBundle>,
    /// Whom to seal secrets to, unless it holds that.
    pub recovery: Option<Arc<Recipients>>,
    /// Everything that is ordered and not done.
    pub orders: Vec<Order>,
    /// Our audit log's head.
    pub audit_head: ChainHead,
    /// It shall come back on a new connection after a random part of so many seconds; 0 to stay.
    pub leave_within: u32,
    /// Where we are, the preferred first; empty to say nothing of it.
    pub addresses: Vec<String>,
}

/// Everybody who is connected.
#[derive(Debug, Default)]
pub struct Live {
    lines: Mutex<HashMap<SiteName, Arc<Line>>>,
    /// What is not in the books yet.
    unwritten: Mutex<HashMap<AgentId, Told>>,
    head: Mutex<ChainHead>,
}

/// The open stream of one agent.
#[derive(Debug)]
pub struct Line {
    /// Whose.
    pub agent: AgentId,
    /// The site it serves.
    pub site: SiteName,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub told: Option<Told>,
    /// SHA-256 of the desired state that it holds.
    pub digest: Option<[u8; 32]>,
    /// Generation of the desired state that was last put on this line.
    pub pushed: u64,
    /// Its site's generation was raised above what it holds.
    pub raised: bool,
    /// What should be is being fetched: nothing is said before it is here, for silence about it means that nothing
    /// changed.
    pub awaits: bool,
    pub desired: Option<Arc<DesiredState>>,
    pub trust: bool,
    pub recovery: bool,
    /// Generation of the recovery recipients that it holds.
    pub recovery_held: u64,
    leave_within: u32,
    /// Something is to be said.
    due: bool,
    is_over: bool,
    said: Option<(Timestamp, ChainHead)>,
    waker: Option<Waker>,
}

impl State {
    /// Whether anything was said on this line yet.
    pub(super) fn has_spoken(&self) -> bool {
        self.said.is_some()
    }
}

/// What a line's agent lacks of what everybody is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wants {
    pub trust: bool,
    pub recovery: bool,
}

/// What is said besides the desired state.
#[derive(Debug)]
pub(super) struct Rest {
    pub trust: Option<TrustBundle>,
    pub recovery: Option<Arc<Recipients>>,
    pub orders: Vec<Order>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    fn new(agent: AgentId, site: SiteName) -> Self {
        Self { agent, site, state: Mutex::default() }
    }

    /// Changes what is to be said; when `change` answers `true`, it is said.
    pub(super) fn update(&self, change: impl FnOnce(&mut State) -> bool) {
        let waker = {
            let mut state = lock(&self.state);
            if !change(&mut state) {
                return;
            }
            state.due = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Looks at it without saying anything.
    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    fn end(&self) {
        self.update(|state| {
            state.is_over = true;
            true
        });
    }

    /// What is to be said next, once there is something; `None` at the line's end.
    pub(super) fn poll(
        &self,
        context: &mut Context<'_>,
        (now, head): (Timestamp, ChainHead),
        rest: impl FnOnce(Wants) -> Rest,
    ) -> Poll<Option<Instruction>> {
        let mut state = lock(&self.state);
        if state.is_over {
            return Poll::Ready(None);
        }
        // Nothing is said before the agent has told what it holds.
        if !state.due || state.awaits || state.told.is_none() {
            let is_known = state.waker.as_ref().is_some_and(|one| one.will_wake(context.waker()));
            if !is_known {
                state.waker = Some(context.waker().clone());
            }
            return Poll::Pending;
        }
        state.due = false;
        state.said = Some((now, head));
        let desired = state.desired.take();
        let leave_within = std::mem::take(&mut state.leave_within);
        let wants = Wants {
            trust: std::mem::take(&mut state.trust),
            recovery: std::mem::take(&mut state.recovery),
        };
        drop(state);
        let Rest { trust, recovery, orders } = rest(wants);
        Poll::Ready(Some(Instruction {
            time: now,
            desired,
            trust,
            recovery,
            orders,
            audit_head: head,
            leave_within,
            addresses: Vec::new(),
        }))
    }
}

impl Live {
    /// Opens a line; an older one of the same site ends.
    pub(super) fn open(&self, agent: AgentId, site: SiteName) -> Arc<Line> {
        let line = Arc::new(Line::new(agent, site.clone()));
        if let Some(older) = lock(&self.lines).insert(site, line.clone()) {
            older.end();
        }
        line
    }

    /// A line's stream is gone.
    pub(super) fn close(&self, line: &Arc<Line>, now: Timestamp) {
        {
            let mut lines = lock(&self.lines);
            if lines.get(&line.site).is_some_and(|open| Arc::ptr_eq(open, line)) {
                lines.remove(&line.site);
            }
        }
        if let Some(told) = line.look(|state| state.told.clone()) {
            self.note(&line.agent, Told { last_seen: Some(now), ..told });
        }
    }

    /// The site's line.
    pub(super) fn line(&self, site: &SiteName) -> Option<Arc<Line>> {
        lock(&self.lines).get(site).cloned()
    }

    /// Every line.
    pub(super) fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.lines).values().cloned().collect()
    }

    /// How many agents are connected.
    pub fn count(&self) -> usize {
        lock(&self.lines).len()
    }

    /// What an agent told, if it is connected now.
    pub(super) fn told(&self, agent: &AgentId, site: &SiteName, now: Timestamp) -> Option<Told> {
        let line = self.line(site).filter(|line| line.agent == *agent)?;
        let told = line.look(|state| state.told.clone());
        told.map(|told| Told { last_seen: Some(now), ..told })
    }

    /// Keeps what an agent told until it is written.
    pub(super) fn note(&self, agent: &AgentId, told: Told) {
        lock(&self.unwritten).insert(agent.clone(), told);
    }

    /// What is to be written.
    pub(super) fn take_unwritten(&self) -> HashMap<AgentId, Told> {
        std::mem::take(&mut *lock(&self.unwritten))
    }

    /// Gives back what could not be written; what was told meanwhile counts more.
    pub(super) fn put_back(&self, unwritten: impl IntoIterator<Item = (AgentId, Told)>) {
        let mut kept = lock(&self.unwritten);
        for (agent, told) in unwritten {
            kept.entry(agent).or_insert(told);
        }
    }

    /// Our audit log's head, as it was a moment ago.
    pub fn head(&self) -> ChainHead {
        *lock(&self.head)
    }

    /// Our audit log has grown.
    pub(super) fn set_head(&self, head: ChainHead) {
        *lock(&self.head) = head;
    }

    /// Tells those who heard nothing for `silence` seconds how far our audit log is, if it has grown since.
    pub(super) fn spread_head(&self, now: Timestamp, silence: i64) {
        let head = self.head();
        for line in self.lines() {
            line.update(|state| {
                state.said.is_some_and(|(at, said)| {
                    said.length < head.length && now.seconds_since(at) >= silence
                })
            });
        }
    }

    /// Those who are connected are seen now.
    pub(super) fn note_seen(&self, now: Timestamp) {
        for line in self.lines() {
            if let Some(told) = line.look(|state| state.told.clone()) {
                self.note(&line.agent, Told { last_seen: Some(now), ..told });
            }
        }
    }

    /// Asks everybody to come back on a new connection, spread over so many seconds.
    pub fn leave(&self, within: u32) {
        for line in self.lines() {
            line.update(|state| {
                state.leave_within = within;
                true
            });
        }
    }

    /// Whether somebody has not been told what they are to be told.
    pub fn is_speaking(&self) -> bool {
        self.lines().iter().any(|line| line.look(|state| state.due && state.told.is_some()))
    }

    /// Ends every line.
    pub fn end(&self) {
        for line in self.lines() {
            line.end();
        }
    }
}
