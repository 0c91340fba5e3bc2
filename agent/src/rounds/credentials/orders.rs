//! Orders to replace credentials, as they are under way. Pure but for the one who waits.
//!
//! They outlive a restart, so that an order that is told again, because its end was never heard of, does not have
//! everything replaced twice. One is done when each device that it meant takes another credential than it did.

use std::collections::{BTreeMap, BTreeSet};

use proto::wire::policy::OrderId;
use proto::wire::rotation::{CredentialKind, Rotate, RotateReason};
use proto::{DeviceName, Policy, SecretId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::choice;
use crate::rotation::Rotation;
use crate::store::journal::Entry;
use crate::store::subject::Subject;

/// Most orders that are remembered.
const MOST: usize = 256;

/// The orders.
#[derive(Debug, Default)]
pub(in crate::rounds) struct Orders(Vec<Order>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: String,
    at: Timestamp,
    expires_at: Timestamp,
    what: CredentialKind,
    reason: RotateReason,
    /// Whether it named its devices.
    named: bool,
    left: BTreeMap<DeviceName, Left>,
    #[serde(skip)]
    waiting: Vec<oneshot::Sender<()>>,
}

/// A device that an order meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Left {
    /// Nothing was asked of it yet.
    Fresh,
    /// Nothing is known of its credential; somebody is to look at it.
    Looking,
    /// It is to take another one than this.
    Took(SecretId),
}

/// What an order wants of a credential now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rounds) enum Want {
    /// It is due.
    Hurry(Entry),
    /// The device is to be looked at, so that its credential is known.
    Look(DeviceName),
}

impl Orders {
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("orders are JSON")
    }

    /// Takes an order for these devices; `false` if it is known, or there are too many. Whoever waits is told either way.
    pub fn take(
        &mut self,
        (id, at, expires_at): (&OrderId, Timestamp, Timestamp),
        order: &Rotate,
        devices: impl IntoIterator<Item = DeviceName>,
        done: oneshot::Sender<()>,
    ) -> bool {
        if let Some(known) = self.0.iter_mut().find(|one| one.id == id.as_str()) {
            known.waiting.push(done);
            return false;
        }
        if self.0.len() >= MOST {
            return false;
        }
        self.0.push(Order {
            id: id.to_string(),
            at,
            expires_at,
            what: order.what,
            reason: order.reason,
            named: !order.devices.is_empty(),
            left: devices.into_iter().map(|device| (device, Left::Fresh)).collect(),
            waiting: vec![done],
        });
        true
    }

    /// Whether an order that is under way names the device.
    pub fn names(&self, device: &DeviceName) -> bool {
        self.0.iter().any(|order| order.named && order.left.contains_key(device))
    }

    /// What the orders want now of credentials that stand so and are not in a turn; and whether what is kept of orders changed.
    pub fn wants<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry> + Clone,
        in_turn: &BTreeSet<&Subject>,
        policy: &Policy,
    ) -> (Vec<Want>, bool) {
        let (mut wants, mut changed) = (Vec::new(), false);
        for order in &mut self.0 {
            let why = choice::why(order.reason);
            let due = choice::ordered_due(why, order.at, policy);
            for (device, left) in &mut order.left {
                let entry = entries.clone().find(|entry| {
                    entry.subject.device.as_ref() == Some(device)
                        && choice::ordered_as(&entry.subject.kind) == Some(order.what)
                });
                match (entry, *left) {
                    // What is said of it is out of date.
                    (Some(entry), _) if in_turn.contains(&entry.subject) => {}
                    (None, Left::Fresh) => {
                        *left = Left::Looking;
                        changed = true;
                        wants.push(Want::Look(device.clone()));
                    }
                    (None, Left::Looking | Left::Took(_)) => {}
                    (Some(entry), Left::Fresh | Left::Looking) => {
                        let took = entry.rotation.change().map_or_else(
                            || entry.rotation.trusted().copied(),
                            |change| Some(change.live.credential),
                        );
                        let Some(took) = took else { continue };
                        *left = Left::Took(took);
                        changed = true;
                        if let Rotation::Settled { .. } = entry.rotation {
                            let rotation = entry.rotation.clone().hurry(due);
                            wants.push(Want::Hurry(Entry { rotation, why, ..entry.clone() }));
                        }
                    }
                    (Some(_), Left::Took(_)) => {}
                }
            }
        }
        (wants, changed)
    }

    /// Drops what is done or over, and devices that the site does not list any more; whether anything was.
    pub fn settle<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry> + Clone,
        is_listed: impl Fn(&DeviceName) -> bool,
        now: Timestamp,
    ) -> bool {
        let mut changed = false;
        for order in &mut self.0 {
            let count = order.left.len();
            order.left.retain(|device, left| {
                let is_done = entries.clone().any(|entry| {
                    entry.subject.device.as_ref() == Some(device)
                        && choice::ordered_as(&entry.subject.kind) == Some(order.what)
                        && match (&entry.rotation, *left) {
                            (Rotation::Settled { live, .. }, Left::Took(took)) => {
                                live.credential != took
                            }
                            _ => false,
                        }
                });
                is_listed(device) && !is_done
            });
            changed |= order.left.len() != count;
            if order.left.is_empty() {
                // Who ordered may have gone.
                for done in order.waiting.drain(..) {
                    let _ = done.send(());
                }
            }
        }
        // One that is done is remembered until nobody tells it again.
        let count = self.0.len();
        self.0.retain(|order| now < order.expires_at);
        changed || self.0.len() != count
    }
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
