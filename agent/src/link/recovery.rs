//! Takes in whom secrets are sealed to, and hands it on to whoever seals them.

use std::sync::Arc;

use certs::DeviceIssuer;
use proto::wire::v1;
use tokio::sync::watch;

use super::Link;
use super::deed::Deed;
use crate::custody::recipients::{Recipients, Verdict, judge};
use crate::custody::{Custody, CustodyError};
use crate::rotate::hands::Recovery;
use crate::store::{StoreError, pooled};

/// What was kept from before. What cannot be read is told and sent again by the controller, or asked for again.
pub(super) async fn remembered(
    custody: &Custody,
) -> Result<(Option<Recipients>, Option<DeviceIssuer>), StoreError> {
    let custody = custody.clone();
    let (recipients, issuer) = pooled(move || Ok((custody.recipients(), custody.issuer()))).await?;
    Ok((readable(recipients), readable(issuer)))
}

fn readable<T>(kept: Result<Option<T>, CustodyError>) -> Option<T> {
    kept.unwrap_or_else(|error| {
        tracing::error!(%error, "the controller is asked for it again");
        None
    })
}

/// The recipients as whoever seals to them wants them.
pub(super) fn shared(recipients: &Recipients) -> Arc<Recovery> {
    let (generation, quorum) = (recipients.generation, recipients.quorum.clone());
    Arc::new(Recovery { generation, quorum })
}

impl Link {
    /// Whom secrets are sealed to, as it changes; nobody while the controller has never said.
    pub fn recovery(&self) -> watch::Receiver<Option<Arc<Recovery>>> {
        self.recovery.subscribe()
    }

    /// Takes over recipients that a trusted root has signed, and that are newer than those that are held.
    pub(super) async fn take_recovery(&self, wire: v1::RecoveryRecipients) {
        let member = self.member.borrow().clone();
        let offered = wire.generation;
        let verdict = {
            let held = self.held();
            judge(wire, held.recipients.as_ref(), &member.organisation, &member.trust)
        };
        let recipients = match verdict {
            Ok(Verdict::AsHeld) => return,
            Ok(Verdict::New(recipients)) => recipients,
            Err(why) => {
                tracing::error!(generation = offered, %why, "recovery recipients were refused; those from before stay in force");
                let detail = format!("generation {offered}: {why}");
                self.record_once(Deed::RecoveryRefused, detail).await;
                return;
            }
        };
        let (custody, kept) = (self.custody.clone(), recipients.clone());
        // Not in force before it is on the disk: after a restart an older one would be taken for new.
        let written = pooled(move || Ok(custody.keep_recipients(&kept))).await;
        if let Err(error) = written.map_err(CustodyError::from).and_then(|written| written) {
            tracing::error!(generation = offered, %error, "recovery recipients cannot be kept; the controller sends them again");
            return;
        }
        let recovery = shared(&recipients);
        let people: Vec<_> = recipients.quorum.recipients().collect();
        let detail = format!(
            "generation {offered}: any {} of {}",
            recipients.quorum.threshold(),
            people.join(" ")
        );
        self.held().recipients = Some(recipients);
        self.recovery.send_replace(Some(recovery));
        tracing::info!(generation = offered, "recovery recipients are in force");
        self.record(Deed::RecoveryTaken, &detail).await;
        self.news.notify_one();
    }
}
