//! Forgets where a credential stands, because an operator ordered it: the device was reset by a person and takes the site
//! file's log-in again, so that adoption begins anew. Nothing of the secrets goes: they stay in the vault as far as it
//! keeps old ones, and in escrow.
//!
//! Refuses what is settled, and what is being replaced or in doubt unless the order says so: the device may take it yet.

use certs::Clock as _;
use proto::Timestamp;
use proto::wire::policy::OrderId;
use proto::wire::rotation::{CredentialKind, Forget};
use tokio::sync::oneshot;

use super::{choice, tell};
use crate::rotation::attempts::Limit;
use crate::rounds::Rounds;
use crate::rounds::outlet::Deed;
use crate::store::journal::JournalError;

/// Most orders that wait for somebody to leave their device.
const MOST_WAITING: usize = 64;

/// An order that waits for somebody to leave its device.
#[derive(Debug)]
pub(super) struct Waiting {
    id: OrderId,
    expires_at: Timestamp,
    order: Forget,
    done: oneshot::Sender<()>,
}

/// Why it is not forgotten.
enum Refused {
    /// Somebody is at the device: it is tried again once they are not.
    Busy,
    /// For good.
    Because(&'static str),
}

impl Rounds {
    /// Takes an order in. `done` is told once it was carried out or refused; the audit log says which.
    pub(in crate::rounds) async fn take_forget_order(
        &mut self,
        (id, expires_at): (OrderId, Timestamp),
        order: Forget,
        done: oneshot::Sender<()>,
    ) {
        if self.credentials.forgets.len() >= MOST_WAITING {
            return;
        }
        self.credentials.forgets.push(Waiting { id, expires_at, order, done });
        self.hear_forget_orders().await;
    }

    /// Carries out what was ordered as far as nobody is at the device.
    pub(super) async fn hear_forget_orders(&mut self) {
        let now = self.supplies.clock.now();
        for waiting in std::mem::take(&mut self.credentials.forgets) {
            let Waiting { id, order, .. } = &waiting;
            let (device, what) = (order.device.as_str(), order.what.as_str());
            match self.forget_credential(order).await {
                Ok(()) => {
                    let detail = format!("order {id}: {what}: {}", order.reason);
                    self.audit(Deed::CredentialForgotten, device, &detail).await;
                }
                Err(Refused::Busy) if now < waiting.expires_at => {
                    self.credentials.forgets.push(waiting);
                    continue;
                }
                Err(Refused::Busy) => continue,
                Err(Refused::Because(why)) => {
                    let detail = format!("order {id}: the {what} is not forgotten: {why}");
                    self.audit(Deed::RotationFailed, device, &detail).await;
                }
            }
            // Who ordered may have gone.
            let _ = waiting.done.send(());
        }
    }

    async fn forget_credential(&mut self, order: &Forget) -> Result<(), Refused> {
        let device = &order.device;
        let keyring =
            self.supplies.keyring.clone().ok_or(Refused::Because("nothing is rotated here"))?;
        let entry = self.credentials.entries.values().find(|entry| {
            entry.subject.device.as_ref() == Some(device)
                && choice::ordered_as(&entry.subject.kind) == Some(order.what)
        });
        let entry = entry.ok_or(Refused::Because("nothing is known of it"))?;
        if let Some(why) = order.refused(tell::standing(&entry.rotation)) {
            return Err(Refused::Because(why));
        }
        let subject = entry.subject.clone();
        // Neither a turn nor a visit is at it, and none begins meanwhile.
        let taken = self.devices.take(Some(device)).ok_or(Refused::Busy)?;
        let (journal, of, now) =
            (keyring.journal.clone(), subject.clone(), self.supplies.clock.now());
        let forgotten = tokio::task::spawn_blocking(move || {
            journal.forget(&of)?;
            let attempts = journal.attempts(of.device.as_ref(), now)?;
            Ok::<_, JournalError>(attempts.free_at(&Limit::default(), now) <= now)
        });
        let is_free = match forgotten.await {
            Ok(Ok(is_free)) => is_free,
            Ok(Err(error)) => {
                tracing::error!(%error, %device, "a credential is not forgotten");
                return Err(Refused::Because("the journal would not"));
            }
            Err(_) => return Err(Refused::Because("the journal failed")),
        };
        let held = &mut self.credentials;
        held.entries.remove(&subject);
        held.lives.remove(&subject);
        held.troubles.remove(&subject);
        held.rests.remove(device);
        held.told.remove(&(device.clone(), order.what));
        if order.what == CredentialKind::Password {
            let logins = &mut self.inventory.entry(device).logins;
            // A person says that it was reset: the day's refusals were of the device that it was before. Should they be
            // mistaken, this is one log-in more, and the device's own count has room for it; otherwise the day passes.
            if is_free {
                logins.admitted()
            } else {
                logins.pardon()
            }
            self.unsaved = true;
            self.save().await;
        }
        drop(taken);
        self.schedule.order(device);
        Ok(())
    }
}
