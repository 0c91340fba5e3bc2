//! From a plan to rotation: what a plan says of credentials is asked here, and what it hands over is made due here, each
//! in its window, through what the journal knows of a credential and nothing else. It replaces nothing itself.
//!
//! What was handed over is written down before anybody is told of it, and is given up if a week after it was due still
//! nothing is known of the credential. By the policy alone, only what nobody has replaced yet is handed over: a measure
//! that is not met although the credential is ours is not cured by another one of the same kind.

use std::sync::Arc;

use certs::Clock as _;
use proto::wire::rotation::CredentialKind;
use proto::{DeviceName, Policy, Timestamp};

use super::record::Handed;
use super::work::Due;
use crate::apply::{Rotates, by_hand, out_of_reach};
use crate::change::Credential;
use crate::device::Target;
use crate::device::mobotix::Dialects;
use crate::device::mobotix::credential::is_taught;
use crate::device::mobotix::dialect::SettingName;
use crate::rotation::Rotation;
use crate::rotation::due::{Door, Why, opening, span};
use crate::rounds::Rounds;
use crate::rounds::credentials::{Keyring, choice};
use crate::rounds::outlet::Deed;
use crate::store::journal::Entry;
use crate::store::subject::Kind;

/// Seconds after which what was handed over is given up, counted from when it was due.
const GIVEN_UP: i64 = 7 * 86_400;
/// Credentials of one device that may wait to be made due.
const MOST_HANDED: usize = 16;

/// What a site's agent rotates.
struct SiteRotations {
    keyring: Option<Arc<Keyring>>,
    policy: Arc<Policy>,
    dialects: Arc<Dialects>,
}

impl Rotates for SiteRotations {
    fn rotates(
        &self,
        credential: &Credential,
        target: &Target,
        product: Option<&str>,
    ) -> Result<(), String> {
        if let Some(why) = out_of_reach(credential, target, product) {
            return Err(why);
        }
        let kind = kind(credential);
        let what = choice::ordered_as(&kind).ok_or("nobody replaces it")?;
        let (is_on, switch) = what.switch(&self.policy.rotation);
        if !is_on {
            return Err(format!(
                "the policy does not switch it on; say {switch} = true under [rotation], and plan again"
            ));
        }
        match what {
            CredentialKind::RecordingKey => {
                is_taught(&self.dialects, product, SettingName::RecordingKey)?
            }
            CredentialKind::MessageKey => {
                is_taught(&self.dialects, product, SettingName::MessageKey)?
            }
            CredentialKind::Password | CredentialKind::Certificate => {}
        }
        let keyring = self.keyring.as_ref().ok_or("this agent keeps no vault")?;
        keyring.vault.as_ref().map_err(|why| format!("the vault cannot be used: {why}"))?;
        if keyring.tools.recovery().is_none() {
            return Err("nobody is known whom secrets are sealed to; name recovery recipients at the controller \
                        (palisade recovery set), and plan again"
                .to_owned());
        }
        let driver = keyring.tools.device(&kind, target.clone(), &self.dialects, &self.policy);
        driver.map(drop).map_err(|why| format!("{why}; {}", by_hand(credential)))
    }
}

/// How the vault calls it.
fn kind(credential: &Credential) -> Kind {
    match credential {
        Credential::Certificate => Kind::Certificate,
        Credential::RecordingKey => Kind::RecordingKey,
        Credential::MessageKey => Kind::MessageKey,
        Credential::Password { account, .. } => Kind::Password { account: account.clone() },
    }
}

/// What is said of credentials whose plan did not end well.
pub(super) fn withheld(due: &[Due]) -> Vec<String> {
    let each = due.iter().map(|(measure, credential, _)| {
        format!("{measure}: {credential}: not ordered, since the changes did not end as planned; plan again")
    });
    each.collect()
}

impl Rounds {
    /// What this site's agent rotates, for plans; nothing while site or policy are not known.
    pub(super) fn rotations(&self) -> Option<Arc<dyn Rotates>> {
        let (site, yardstick) = (self.site.as_ref()?, self.yardstick.as_ref()?);
        Some(Arc::new(SiteRotations {
            keyring: self.supplies.keyring.clone(),
            policy: Arc::new(yardstick.policy.clone()),
            dialects: site.dialects.clone(),
        }))
    }

    /// Hands the credentials of a device to rotation, each for its window; gives what is to be said of each. Without
    /// the name of a plan that somebody ordered it is the policy's doing.
    pub(super) async fn hand_over(
        &mut self,
        plan: &str,
        device: &DeviceName,
        due: &[Due],
    ) -> Vec<String> {
        let Some(yardstick) = self.yardstick.clone() else { return Vec::new() };
        let windows = choice::windows(&yardstick.policy);
        let (now, unattended) = (self.supplies.clock.now(), self.is_unattended());
        // Steps that were done outside windows, by a person's word, use none of them up.
        let outside = span(&windows, now).door == Door::Shut;
        let none_used = outside && due.iter().all(|(.., window)| *window > 1);
        let mut told = Vec::new();
        for (measure, credential, window) in due {
            let known = self.credentials.entry(device, &kind(credential)).map(|(entry, _)| entry);
            let is_ours = known.is_some_and(|it| it.changed.is_some() || it.why != Why::Schedule);
            if unattended && is_ours {
                continue;
            }
            let at = opening(&windows, window - u32::from(none_used), now);
            let sooner = known.and_then(|entry| entry.rotation.due_at());
            let at = sooner.map_or(at, |sooner| at.min(sooner.max(now)));
            let handed = self.enforcement.record.handed.entry(device.clone()).or_default();
            if handed.iter().any(|it| it.credential == *credential) {
                if !unattended {
                    told.push(format!("{measure}: {credential}: rotation was ordered before"));
                }
                continue;
            }
            if handed.len() >= MOST_HANDED {
                continue;
            }
            handed.push(Handed {
                plan: plan.to_owned(),
                credential: credential.clone(),
                due: at,
                until: Timestamp::from_unix(at.unix().saturating_add(GIVEN_UP)),
            });
            told.push(format!("{measure}: {credential}: rotation ordered, due {at}"));
        }
        if !told.is_empty() {
            self.save_enforcement().await;
            let by = if plan.is_empty() { "the policy".to_owned() } else { format!("plan {plan}") };
            let detail = format!("{by}: {}", told.join("; "));
            self.audit(Deed::RotationOrdered, device.as_str(), &detail).await;
            // Its credentials are known once it was looked at.
            self.schedule.order(device);
        }
        told
    }

    fn is_unattended(&self) -> bool {
        self.enforcement.running.as_ref().is_none_or(|running| running.ordered.is_none())
    }

    /// Makes due what was handed over, as soon as the journal knows the credential.
    pub(in crate::rounds) async fn hear_handed(&mut self, keyring: &Keyring) {
        if self.enforcement.record.handed.is_empty() {
            return;
        }
        let now = self.supplies.clock.now();
        let before = std::mem::take(&mut self.enforcement.record.handed);
        let count = |all: &std::collections::BTreeMap<DeviceName, Vec<Handed>>| {
            all.values().map(Vec::len).sum::<usize>()
        };
        let were = count(&before);
        for (device, all) in before {
            let is_listed = self.site.as_ref().is_some_and(|site| site.lists(&device));
            for one in all {
                if is_listed && self.hear_one(keyring, &device, &one, now).await == Heard::Later {
                    self.enforcement.record.handed.entry(device.clone()).or_default().push(one);
                }
            }
        }
        if count(&self.enforcement.record.handed) != were {
            self.save_enforcement().await;
        }
    }

    async fn hear_one(
        &mut self,
        keyring: &Keyring,
        device: &DeviceName,
        handed: &Handed,
        now: Timestamp,
    ) -> Heard {
        let Some((entry, in_turn)) = self.credentials.entry(device, &kind(&handed.credential))
        else {
            if now < handed.until {
                return Heard::Later;
            }
            let detail =
                format!("{}: nothing became known of it; look at the device", handed.credential);
            self.audit(Deed::RotationFailed, device.as_str(), &detail).await;
            return Heard::Done;
        };
        match &entry.rotation {
            // What is said of it is out of date.
            _ if in_turn => Heard::Later,
            Rotation::Settled { .. } => {
                let why = if entry.why == Why::Schedule { Why::Plan } else { entry.why };
                let rotation = entry.rotation.clone().hurry(handed.due);
                let entry = Entry { rotation, why, ..entry.clone() };
                self.record(keyring, entry).await;
                Heard::Done
            }
            // It is being replaced.
            _ => Heard::Done,
        }
    }
}

/// What became of something that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// It is due, or needs to be no more.
    Done,
    /// Nothing is known of it yet.
    Later,
}
