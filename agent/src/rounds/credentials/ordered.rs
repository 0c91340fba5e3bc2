//! What operators order: taken in, heard at every turn, kept over restarts.

use std::collections::BTreeSet;

use certs::Clock as _;
use proto::Timestamp;
use proto::wire::policy::OrderId;
use proto::wire::rotation::{CredentialKind, Rotate};
use tokio::sync::oneshot;

use super::ORDERS;
use super::keyring::{self, Keyring};
use super::orders::Want;
use crate::rounds::Rounds;
use crate::rounds::outlet::Deed;
use crate::store::subject::Subject;

impl Rounds {
    /// Begins an order to replace credentials.
    pub(in crate::rounds) async fn take_rotate_order(
        &mut self,
        id: OrderId,
        expires_at: Timestamp,
        order: Rotate,
        done: oneshot::Sender<()>,
    ) {
        let now = self.supplies.clock.now();
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        if expires_at < now || self.supplies.keyring.is_none() {
            return;
        }
        let (what, reason) = (order.what.as_str(), order.reason.as_str());
        let (is_on, _) = order.what.switch(&yardstick.policy.rotation);
        if !is_on {
            let detail = format!("order {id}: the policy's [rotation] does not switch {what}s on");
            self.audit(Deed::RotationFailed, "", &detail).await;
            return;
        }
        let meant = site.file.devices.iter().filter(|device| match order.what {
            CredentialKind::Certificate => keyring::certificate_of(device).is_some(),
            CredentialKind::Password
            | CredentialKind::RecordingKey
            | CredentialKind::MessageKey => keyring::password_of(device).is_some(),
        });
        let meant = meant.map(|device| device.name.clone());
        let meant = meant.filter(|name| order.devices.is_empty() || order.devices.contains(name));
        let meant: Vec<_> = meant.collect();
        if meant.is_empty() {
            let detail = format!("order {id}: no such device has a {what} that is replaced");
            self.audit(Deed::RotationFailed, "", &detail).await;
            return;
        }
        if self.credentials.orders.take((&id, now, expires_at), &order, meant, done) {
            let detail = format!("order {id}: {what}, {reason}");
            self.audit(Deed::RotationOrdered, "", &detail).await;
        }
    }

    /// Does what the orders under way want of credentials as they stand now.
    pub(super) async fn hear_orders(&mut self, keyring: &Keyring) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        let held = &mut self.credentials;
        let now = self.supplies.clock.now();
        let settled = held.orders.settle(held.entries.values(), |device| site.lists(device), now);
        let busy: BTreeSet<&Subject> = held.turning.values().collect();
        let (wants, changed) = held.orders.wants(held.entries.values(), &busy, &yardstick.policy);
        for want in wants {
            match want {
                Want::Look(device) => drop(self.schedule.order(&device)),
                Want::Hurry(entry) => {
                    if let Some(device) = &entry.subject.device {
                        self.credentials.rests.remove(device);
                    }
                    self.record(keyring, entry).await;
                }
            }
        }
        // Last, so that what is kept as asked for was.
        if settled || changed {
            let bytes = self.credentials.orders.to_bytes();
            self.put(ORDERS, Some(bytes)).await;
        }
    }
}
