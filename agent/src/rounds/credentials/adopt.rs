//! Adoption: what the site file's log-in was just proven with becomes the vault's. It goes into escrow first and is due
//! in the next window, since nobody knows how old it is.
//!
//! A key that the cameras share is taken over where none is set, and only so: one that somebody set is not ours, and
//! recordings may hang on it. A person keeps it and makes it empty in the camera's own page first.

use certs::{Clock as _, Pin};
use proto::{DeviceName, Policy, Secret, SecretId, Timestamp};

use super::choice;
use super::keyring::{self, Keyring};
use crate::config::{SiteDevice, SiteSource};
use crate::device::mobotix::credential::none_set;
use crate::facts::{Confidence, Facts, FailureClass, KeyState, Kind as DeviceKind};
use crate::rotation::Rotation;
use crate::rotation::due::Why;
use crate::rounds::Rounds;
use crate::rounds::errand::{Manner, Paid};
use crate::rounds::outlet::Deed;
use crate::store::journal::Entry;
use crate::store::subject::{Kind, Subject};
use crate::store::vault::Role;

/// Seconds in a day.
const DAY: i64 = 86_400;

/// A password of the site file that a visit logs in with, if policy wants it changed.
#[derive(Debug)]
pub(in crate::rounds) struct Adoptable(Secret);

impl Adoptable {
    /// The password that a look logs in with, if it may be adopted.
    pub fn of(device: &SiteDevice, policy: &Policy, password: Option<&Secret>) -> Option<Self> {
        let SiteSource::Live { address, .. } = &device.source else { return None };
        // TLS comes before passwords: whoever listens would read the new one.
        let may = device.kind == DeviceKind::Mobotix && address.tls && policy.rotation.passwords;
        password.filter(|_| may).map(|password| Self(password.clone()))
    }
}

impl Rounds {
    /// Takes over what a visit has proven, or has the machine find out what a refusal means.
    pub(in crate::rounds) async fn adopt_from(&mut self, paid: &mut Paid) {
        let Manner::AsListed { .. } = paid.manner else { return };
        let name = paid.name.clone();
        match &paid.look.outcome {
            Ok(facts) => {
                let empty = empty_keys(facts);
                let pin = paid.look.device.pin.as_ref().and_then(|pin| pin.parse().ok());
                self.adopt(&name, paid.adoptable.take(), pin).await;
                self.adopt_keys(&name, empty).await;
            }
            Err(failure) if failure.class == FailureClass::Refused && paid.vaulted => {
                // Another certificate is another device's, and says nothing about this one's password.
                let is_another = self.inventory.known(&name).is_some_and(|it| it.is_another());
                let site = self.site.clone();
                let device = site
                    .as_ref()
                    .and_then(|site| site.file.devices.iter().find(|device| device.name == name));
                if let Some(subject) = device.and_then(keyring::password_of).filter(|_| !is_another)
                {
                    self.doubt(&subject).await;
                }
            }
            Err(_) => {}
        }
    }

    async fn adopt(&mut self, name: &DeviceName, password: Option<Adoptable>, pin: Option<Pin>) {
        let (Some(keyring), Some(site), Some(yardstick)) =
            (self.supplies.keyring.clone(), self.site.clone(), self.yardstick.clone())
        else {
            return;
        };
        let Some(device) = site.file.devices.iter().find(|device| device.name == *name) else {
            return;
        };
        let policy = &yardstick.policy;
        if let Some(Adoptable(password)) = password
            && let Some(subject) = keyring::password_of(device)
        {
            self.take_over(&keyring, policy, subject, password).await;
        }
        if let Some(pin) = pin.filter(|_| policy.rotation.certificates)
            && device.kind == DeviceKind::Mobotix
            && let Some(subject) = keyring::certificate_of(device)
        {
            // Nobody has its key; what is kept tells which one it is.
            self.take_over(&keyring, policy, subject, Secret::new(pin.to_string())).await;
        }
    }

    /// Takes over keys of which none is set, if policy wants them changed.
    async fn adopt_keys(&mut self, name: &DeviceName, empty: Vec<Kind>) {
        let (Some(keyring), Some(site), Some(yardstick)) =
            (self.supplies.keyring.clone(), self.site.clone(), self.yardstick.clone())
        else {
            return;
        };
        let device = site.file.devices.iter().find(|device| device.name == *name);
        // Whoever listens would read the new one.
        let may = device.is_some_and(|device| {
            let is_private =
                matches!(&device.source, SiteSource::Live { address, .. } if address.tls);
            is_private && keyring::password_of(device).is_some()
        });
        for kind in empty.into_iter().filter(|_| may) {
            if choice::is_wanted(&kind, &yardstick.policy) {
                let subject = Subject { device: Some(name.clone()), kind };
                self.take_over(&keyring, &yardstick.policy, subject, none_set()).await;
            }
        }
    }

    async fn take_over(
        &mut self,
        keyring: &std::sync::Arc<Keyring>,
        policy: &Policy,
        subject: Subject,
        secret: Secret,
    ) {
        if self.credentials.entries.contains_key(&subject) || self.credentials.broken.is_some() {
            return;
        }
        let now = self.supplies.clock.now();
        let life = i64::from(policy.rotation.password_days) * DAY;
        let due = choice::adopted_due(&choice::windows(policy), life, now);
        let (keyring, of) = (keyring.clone(), subject.clone());
        let work = move || kept(&keyring, of, secret, now, due);
        let kept = tokio::task::spawn_blocking(work).await;
        match kept.unwrap_or_else(|_| Err("keeping it failed".to_owned())) {
            Ok(entry) => {
                let device = subject.device.as_ref().map_or("", DeviceName::as_str);
                let detail = super::tell::words(&subject);
                self.audit(Deed::CredentialAdopted, device, &detail).await;
                self.credentials.enter(entry);
            }
            Err(why) => tracing::error!(why, "a credential cannot be taken over into the vault"),
        }
    }
}

/// The keys of which a camera surely has none. What is only inferred is not written, and so not taken over.
fn empty_keys(facts: &Facts) -> Vec<Kind> {
    let Facts::Camera(camera) = facts else { return Vec::new() };
    let recordings = camera.recording_key.seen().map(|key| (Some(key.value), key.confidence));
    let messages = camera.messages.seen().map(|it| (it.value.key, it.confidence));
    let each = [(Kind::RecordingKey, recordings), (Kind::MessageKey, messages)];
    let is_empty = |(kind, seen): (Kind, Option<(Option<KeyState>, Confidence)>)| match seen {
        Some((Some(KeyState::Empty), Confidence::Observed | Confidence::Documented)) => Some(kind),
        _ => None,
    };
    each.into_iter().filter_map(is_empty).collect()
}

/// First the secret, then who names it.
fn kept(
    keyring: &Keyring,
    subject: Subject,
    secret: Secret,
    now: Timestamp,
    due: Timestamp,
) -> Result<Entry, String> {
    let vault = keyring.vault.as_ref().map_err(Clone::clone)?;
    let kept = vault.keep(&subject, &[(Role::Main, secret)], now);
    let kept = kept.map_err(|error| error.to_string())?;
    let id: SecretId = *kept.first().ok_or("the vault named nothing")?;
    let rotation = Rotation::adopt(id, due);
    let entry = Entry { subject, rotation, why: Why::Schedule, changed: None };
    keyring.journal.record(&entry).map_err(|error| error.to_string())?;
    Ok(entry)
}
