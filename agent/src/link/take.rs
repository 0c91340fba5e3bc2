//! What the controller says on the stream, taken in: what should be, whom to trust, what to do, what time it is. What is
//! older than what is held is refused, and what makes no sense is refused whole.

use std::sync::Arc;
use std::time::Duration;

use certs::audit::ChainHead;
use certs::random::digest;
use prost::Message as _;
use proto::wire::policy::{Desired, MAX_ORDERS, Order, Work};
use proto::wire::v1;

use super::deed::Deed;
use super::dial::DialFault;
use super::reply::newer_trust;
use super::{Held, Link};
use crate::store::{Store, StoreError};

/// A controller may send its agents away for at most so long, in seconds.
const LONGEST_LEAVE: u32 = 3600;

/// What was remembered of the desired state.
pub(super) async fn remembered(store: &Store) -> Result<(Option<Arc<Desired>>, Held), StoreError> {
    let Some(kept) = store.desired().await? else { return Ok((None, Held::default())) };
    let read = v1::DesiredState::decode(kept.bytes.as_slice()).ok();
    match read.and_then(|wire| Desired::try_from(wire).ok()) {
        Some(desired) => {
            let held = Held {
                generation: desired.generation,
                digest: kept.digest.to_vec(),
                ..Held::default()
            };
            Ok((Some(Arc::new(desired)), held))
        }
        None => {
            tracing::warn!(
                "the desired state that was kept cannot be read; the controller sends it again"
            );
            Ok((None, Held::default()))
        }
    }
}

impl Link {
    /// Takes one message in. Gives the time after which to come back on a new line, if it says so.
    pub(super) async fn take(&self, message: v1::Instruction) -> Option<Duration> {
        if let Some(head) = message.audit_head {
            self.witness(&head).await;
        }
        if let Some(trust) = message.trust {
            self.take_trust(trust).await;
        }
        self.take_addresses(message.addresses).await;
        if let Some(recovery) = message.recovery {
            self.take_recovery(recovery).await;
        }
        if let Some(desired) = message.desired {
            self.take_desired(desired).await;
        }
        self.take_orders(message.orders);
        match message.leave_within.min(LONGEST_LEAVE) {
            0 => None,
            seconds => Some(Duration::from_secs(seconds.into())),
        }
    }

    async fn take_desired(&self, wire: v1::DesiredState) {
        let (generation, held) = (wire.generation, self.held().generation);
        if generation < held {
            tracing::warn!(generation, held, "an older desired state was refused");
            return;
        }
        let bytes = wire.encode_to_vec();
        let digest = digest(&bytes);
        if generation == held && self.held().digest == digest {
            return;
        }
        let desired = match Desired::try_from(wire) {
            Ok(desired) => desired,
            Err(why) => {
                tracing::error!(generation, %why, "a desired state was refused; the one before stays in force");
                let detail = format!("generation {generation}: {why}");
                self.record_once(Deed::DesiredRefused, detail).await;
                return;
            }
        };
        if let Err(error) = self.store.keep_desired(bytes).await {
            tracing::error!(generation, %error, "the desired state cannot be kept; it holds until the agent ends");
        }
        {
            let mut held = self.held();
            (held.generation, held.digest) = (generation, digest.to_vec());
        }
        tracing::info!(generation, "a desired state is in force");
        self.desired.send_replace(Some(Arc::new(desired)));
        self.news.notify_one();
    }

    /// A bundle is proven as an identity is: a controller that it disowns would never be reached again.
    async fn take_trust(&self, wire: v1::TrustBundle) {
        let member = self.member.borrow().clone();
        let trust = match newer_trust(wire, &member) {
            Ok(Some(trust)) => trust,
            Ok(None) => return,
            Err(why) => {
                tracing::error!(%why, "a trust bundle was refused");
                return;
            }
        };
        let generation = trust.generation;
        let candidate = member.as_ref().clone().trusting(trust.clone());
        if let Err(DialFault::Untrusted(why)) =
            self.reach(&candidate, Some(&candidate.identity)).await
        {
            tracing::error!(
                generation,
                why,
                "a trust bundle that disowns its own controller was refused"
            );
            self.record_once(Deed::TrustRefused, format!("generation {generation}")).await;
            return;
        }
        let _alone = self.papers.lock().await;
        match self.become_member(|member| member.clone().trusting(trust)).await {
            Ok(()) => {
                tracing::info!(generation, "a trust bundle is in force");
                self.record(Deed::TrustTaken, &format!("generation {generation}")).await;
            }
            Err(error) => tracing::error!(generation, %error, "a trust bundle cannot be kept"),
        }
    }

    fn take_orders(&self, wire: Vec<v1::Order>) {
        let mut visits = Vec::new();
        let mut listed = std::collections::BTreeSet::new();
        for order in wire.into_iter().take(MAX_ORDERS) {
            match Order::try_from(order) {
                Ok(order) => {
                    listed.insert(order.id.clone());
                    match order.what {
                        Work::Visit(_)
                        | Work::Rotate(_)
                        | Work::Plan(_)
                        | Work::Apply(_)
                        | Work::Forget(_)
                        | Work::Resume => visits.push(order),
                        Work::Renew => self.order_renewal(order),
                    }
                }
                Err(why) => tracing::error!(%why, "an order was refused"),
            }
        }
        let mut held = self.held();
        held.done.retain(|order| listed.contains(order));
        let is_left = |order: &Order| !held.done.contains(&order.id);
        visits.retain(is_left);
        drop(held);
        self.orders.send_if_modified(|orders| {
            let is_new = *orders != visits;
            *orders = visits;
            is_new
        });
    }

    fn order_renewal(&self, order: Order) {
        let is_done = self.held().done.contains(&order.id);
        let is_over = certs::Clock::now(&*self.clock) >= order.expires_at;
        if !is_done && !is_over {
            self.hurry.send_replace(Some(order.id));
        }
    }

    /// Remembers the longest head of the controller's audit log, and says so if the log was cut or written anew.
    async fn witness(&self, head: &v1::ChainHead) {
        let Ok(hash) = <[u8; 32]>::try_from(head.hash.as_slice()) else { return };
        let head = ChainHead { length: head.length, hash };
        let kept = self.held().witnessed;
        if head.length > kept.length {
            self.held().witnessed = head;
            return;
        }
        if head == kept {
            return;
        }
        let (seen, told) = (kept.length, head.length);
        tracing::error!(
            seen,
            told,
            "the controller's audit log is not the one that this agent has seen: it was cut, or written anew"
        );
        let detail = format!("record {seen} was seen, {told} is told");
        self.record_once(Deed::LogDiffers, detail).await;
    }
}
