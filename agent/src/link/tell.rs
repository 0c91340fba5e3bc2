//! What the agent says of itself on the stream: at once what the controller waits for, and seldom what merely changes.

use certs::Clock as _;
use certs::audit::ChainHead;
use proto::wire::v1;
use tokio::time::Instant;

use super::{Link, Pace};
use crate::store::StoreError;

/// Remembers what was told last on a stream.
#[derive(Debug)]
pub(super) struct Told {
    last: v1::AgentStatus,
    at: Instant,
}

impl Told {
    pub(super) fn new(status: v1::AgentStatus) -> Self {
        Self { last: status, at: Instant::now() }
    }

    /// Whether that is to be told now.
    pub(super) fn is_due(&self, status: &v1::AgentStatus, pace: &Pace) -> bool {
        let last = &self.last;
        let urgent = |status: &v1::AgentStatus| {
            let v1::AgentStatus {
                generation,
                desired_digest,
                trust_generation,
                time_known,
                orders_done,
                recovery_generation,
                halted,
                ..
            } = status.clone();
            let held = (generation, trust_generation, recovery_generation);
            (held, desired_digest, time_known, orders_done, halted)
        };
        let is_empty_again = status.outbox_records == 0 && last.outbox_records > 0;
        if urgent(status) != urgent(last) || is_empty_again {
            return true;
        }
        let rest = |status: &v1::AgentStatus| {
            (status.outbox_records, status.outbox_oldest, status.audit_head.clone())
        };
        rest(status) != rest(last) && self.at.elapsed() >= pace.tell
    }
}

impl Link {
    /// What the agent has to say of itself now.
    pub(super) async fn status(&self) -> Result<v1::AgentStatus, StoreError> {
        let (waiting, head) = (self.store.waiting().await?, self.store.head().await?);
        let trust_generation = self.member.borrow().trust.generation;
        let held = self.held();
        Ok(v1::AgentStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            generation: held.generation,
            desired_digest: held.digest.clone(),
            trust_generation,
            time: self.clock.now().unix(),
            time_known: self.clock.is_known(),
            outbox_records: waiting.records,
            outbox_oldest: waiting.oldest.map_or(0, proto::Timestamp::unix),
            orders_done: held.done.iter().map(ToString::to_string).collect(),
            started_at: self.started_at.unix(),
            audit_head: head.map(wire_head),
            witnessed: Some(wire_head(held.witnessed)),
            recovery_generation: held.recipients.as_ref().map_or(0, |held| held.generation),
            halted: held.halted.as_ref().map(Into::into),
        })
    }
}

fn wire_head(head: ChainHead) -> v1::ChainHead {
    let hash = if head.length == 0 { Vec::new() } else { head.hash.to_vec() };
    v1::ChainHead { length: head.length, hash }
}
