//! What was shown is used no longer than it has to be. Whoever was shown a secret may use it for as long as the site's
//! policy says; its replacement is ordered at once, and the agent waits for that long. If a day later the device still
//! takes it, because the agent was away or the device was, it is ordered again and again.
//!
//! What policy does not let be replaced, and what no order replaces (a second administrator's password, keys that devices
//! share), is left to a person: `palisade secret list` shows when each was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use certs::Name;
use proto::policy::RotationRules;
use proto::wire::policy::Work;
use proto::wire::rotation::{CredentialKind, Rotate, RotateReason};
use proto::{DeviceName, EscrowRecord, Policy, SecretKind, SiteName, Timestamp};

use super::background::chain;
use super::sites::later;
use super::{Refusal, Service};
use crate::store::policies::Scope;

/// How long after it was shown a secret that a device still takes is overdue, in seconds.
pub const OVERDUE: i64 = 86_400;
/// How often is looked for overdue ones.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// A secret that was shown and is still in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRotation {
    /// Where.
    pub site: SiteName,
    /// On which device; `None` for what the whole site shares.
    pub device: Option<DeviceName>,
    /// What is to be replaced.
    pub kind: SecretKind,
    /// The account; empty if it is of none.
    pub account: String,
    /// When it was last shown.
    pub shown_at: Timestamp,
}

impl Service {
    /// Which secrets were shown at least [`OVERDUE`] seconds before `now` and are in use all the same: the device is known
    /// to take them, or nothing is known of that and no newer one is in escrow.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn due_rotations(&self, now: Timestamp) -> Result<Vec<DueRotation>, Refusal> {
        let shown = self.store.shown_before(later(now, -OVERDUE)).await?;
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let told = self.store.rotations(None).await?.into_iter().filter_map(|one| {
            Some(((one.site, one.state.device, one.state.kind), one.state.secret?))
        });
        let taken: BTreeMap<_, _> = told.collect();
        let due = shown.into_iter().filter_map(|held| {
            let place = held.device.clone().zip(ordered_as(held.kind));
            let place = place.map(|(device, kind)| (held.site.clone(), device, kind));
            let is_in_use = match place.and_then(|place| taken.get(&place)) {
                Some(id) => *id == held.id,
                None => held.is_latest,
            };
            let shown_at = held.shown_at.filter(|_| is_in_use)?;
            let (site, device, kind, account) = (held.site, held.device, held.kind, held.account);
            Some(DueRotation { site, device, kind, account, shown_at })
        });
        Ok(due.collect())
    }

    /// Orders that what was just shown is replaced; gives by when the site's agent will set about it. `None` where policy
    /// does not let it, or there is no agent.
    pub(super) async fn replace_shown(
        &self,
        actor: &str,
        site: &SiteName,
        records: &[EscrowRecord],
    ) -> Option<Timestamp> {
        let of =
            records.iter().filter_map(|one| Some((one.device.clone()?, ordered_as(one.kind)?)));
        let (devices, now) = (of.collect(), self.now());
        match self.order_rotation(actor, site, devices).await {
            Ok(Some(rules)) => Some(later(now, i64::from(rules.shown_grace_minutes) * 60)),
            Ok(None) => None,
            Err(error) => {
                // It was shown all the same, and is ordered again once it is overdue.
                tracing::warn!(%site, error = chain(&error), "the rotation of what was shown was not ordered");
                None
            }
        }
    }

    /// Orders what of it policy lets be replaced and is not ordered already; gives the rules if something is.
    async fn order_rotation(
        &self,
        actor: &str,
        site: &SiteName,
        what: BTreeSet<(DeviceName, CredentialKind)>,
    ) -> Result<Option<RotationRules>, Refusal> {
        let policy = self.policy_in_force(&Scope::Site(site.clone())).await?;
        let rules = Policy::from_toml(&policy.text).map_err(Refusal::failed)?.rotation;
        let mut any = false;
        for (device, what) in what {
            let (allowed, _) = what.switch(&rules);
            if !allowed {
                continue;
            }
            any = true;
            let reason = RotateReason::SecretShown;
            let work = Work::Rotate(Rotate { devices: vec![device], what, reason });
            let outstanding = self.orders.outstanding(site, self.now());
            if !outstanding.iter().any(|order| order.what == work) {
                self.give_order(actor.to_owned(), site, work).await?;
            }
        }
        Ok(any.then_some(rules))
    }

    /// Orders the replacement of what is overdue, wherever an agent is there to hear it.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn order_overdue(&self) -> Result<(), Refusal> {
        let mut sites: BTreeMap<SiteName, BTreeSet<_>> = BTreeMap::new();
        for due in self.due_rotations(self.now()).await? {
            if let (Some(device), Some(kind)) = (due.device, ordered_as(due.kind)) {
                sites.entry(due.site).or_default().insert((device, kind));
            }
        }
        let actor = Name::Controller(self.organisation.clone()).to_string();
        for (site, what) in sites {
            if self.live.line(&site).is_none() {
                continue;
            }
            if let Err(error) = self.order_rotation(&actor, &site, what).await {
                tracing::warn!(%site, error = chain(&error), "an overdue rotation was not ordered");
            }
        }
        Ok(())
    }

    pub(super) async fn watch_shown(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.order_overdue().await {
                tracing::error!(error = chain(&error), "overdue rotations could not be looked for");
            }
        }
    }
}

/// What an order calls it, if one can replace it.
fn ordered_as(kind: SecretKind) -> Option<CredentialKind> {
    match kind {
        SecretKind::DevicePassword => Some(CredentialKind::Password),
        SecretKind::DeviceCertificate => Some(CredentialKind::Certificate),
        SecretKind::MessageKey => Some(CredentialKind::MessageKey),
        SecretKind::RecordingKey => Some(CredentialKind::RecordingKey),
        SecretKind::SecondAdministrator => None,
    }
}
