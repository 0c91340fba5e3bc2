//! What the rounds need to change credentials: where they stand, where they are kept, and who does it. And what a device
//! is logged in to with, which is the vault's word as soon as the vault has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use certs::Pin;
use proto::{DeviceName, Organisation, Policy, Secret, SecretId, SiteName, Timestamp};

use crate::config::{LoginSource, SiteDevice, SiteSource};
use crate::device::Target;
use crate::device::mobotix::Dialects;
use crate::inventory::Mark;
use crate::rotate::hands::{Desk, Device, Maker, Recovery};
use crate::rotation::attempts::Limit;
use crate::store::journal::{Entry, Journal};
use crate::store::subject::{Kind, Subject};
use crate::store::vault::{Vault, VaultError};

/// What differs between kinds of devices, and between an agent, a box without a controller, and a test.
pub trait Tools: Send + Sync {
    /// Whose devices, and which site's.
    fn site(&self) -> (Organisation, SiteName);

    /// Whom secrets are sealed to; nothing is changed while nobody is known.
    fn recovery(&self) -> Option<Arc<Recovery>>;

    /// Who hands sealed copies to the controller.
    fn desk(&self) -> Box<dyn Desk>;

    /// Who changes that credential on a device. `target` tells how to reach it and, for what is no password, whom to log
    /// in as; a password's own log-ins are told with each call.
    ///
    /// # Errors
    /// Why nobody can, in words.
    fn device(
        &self,
        kind: &Kind,
        target: Target,
        dialects: &Arc<Dialects>,
        policy: &Policy,
    ) -> Result<Box<dyn Device>, String>;

    /// Who makes a device's next certificate; `jitter` is from -1 to 1 and moves when it is due.
    ///
    /// # Errors
    /// Why nobody can, in words.
    fn certificates(&self, device: &SiteDevice, jitter: f64) -> Result<Box<dyn Maker>, String>;

    /// Certificates are wanted for these devices, so that somebody who may sign them can be asked for.
    fn certify(&self, devices: &[SiteDevice]);

    /// Whoever signs the certificates that are made here, in PEM; none while nobody may.
    fn authorities(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a device presents that serves this certificate, as [`Tools::certificates`] makes it; nothing if the text is
    /// none.
    fn pin(&self, certificate: &Secret) -> Option<Pin>;
}

/// See the module.
pub struct Keyring {
    /// Where credentials stand.
    pub journal: Journal,
    /// Where they are kept, or why they cannot be had.
    pub vault: Result<Vault, String>,
    /// Who does it.
    pub tools: Arc<dyn Tools>,
}

/// What the journal says of one credential of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::rounds) enum Claim {
    /// Nothing: it is the site file's.
    #[default]
    None,
    /// The device takes this one.
    Held(Subject, SecretId),
    /// Nobody knows which one the device takes.
    Doubt,
}

/// What the journal says of a device.
#[derive(Clone, Debug, Default)]
pub(in crate::rounds) struct Claims {
    pub password: Claim,
    pub certificate: Claim,
}

/// What a device is logged in to with.
#[derive(Debug, Default)]
pub(in crate::rounds) enum Access {
    /// What the site file says.
    #[default]
    SiteFile,
    /// The vault's password, or the vault's certificate, or both.
    Vault { password: Option<(Secret, SecretId)>, pin: Option<Pin> },
    /// Nobody logs in: it is not known with what.
    Doubt,
}

/// The subject of the password that a device is logged in to with, where somebody logs in over the network.
pub(in crate::rounds) fn password_of(device: &SiteDevice) -> Option<Subject> {
    let SiteSource::Live { login: Some(LoginSource { user, .. }), .. } = &device.source else {
        return None;
    };
    let kind = Kind::Password { account: user.clone() };
    Some(Subject { device: Some(device.name.clone()), kind })
}

/// The subject of a device's certificate, where it speaks TLS.
pub(in crate::rounds) fn certificate_of(device: &SiteDevice) -> Option<Subject> {
    let SiteSource::Live { address, .. } = &device.source else { return None };
    let subject = Subject { device: Some(device.name.clone()), kind: Kind::Certificate };
    address.tls.then_some(subject)
}

impl Claims {
    pub fn of(device: &SiteDevice, entries: &BTreeMap<Subject, Entry>) -> Self {
        let claim = |subject: Option<Subject>| {
            let Some(entry) = subject.and_then(|subject| entries.get(&subject)) else {
                return Claim::None;
            };
            match entry.rotation.trusted() {
                Some(id) => Claim::Held(entry.subject.clone(), *id),
                None => Claim::Doubt,
            }
        };
        Self { password: claim(password_of(device)), certificate: claim(certificate_of(device)) }
    }

    /// Of a device whose journal cannot be read.
    pub fn doubtful() -> Self {
        Self { password: Claim::Doubt, certificate: Claim::Doubt }
    }
}

impl Keyring {
    /// What a device is logged in to with. Blocks. What the vault should have and does not give is a doubt: the site
    /// file's password is an old one then.
    pub(in crate::rounds) fn access(&self, claims: &Claims) -> Access {
        match self.vaulted(claims) {
            Ok(access) => access,
            Err(error) => {
                tracing::error!(%error, "a password cannot be had from the vault; nobody logs in");
                Access::Doubt
            }
        }
    }

    /// What the journal says of a device at this moment, for whoever keeps others off it. Blocks.
    pub(in crate::rounds) fn claims_now(&self, device: &SiteDevice) -> Claims {
        let claim = |subject: Option<Subject>| {
            let Some(subject) = subject else { return Claim::None };
            match self.journal.read(&subject) {
                Ok(None) => Claim::None,
                Ok(Some(read)) => match read.entry.rotation.trusted() {
                    Some(id) => Claim::Held(subject, *id),
                    None => Claim::Doubt,
                },
                Err(error) => {
                    tracing::error!(%error, "nobody logs in to its device");
                    Claim::Doubt
                }
            }
        };
        Claims { password: claim(password_of(device)), certificate: claim(certificate_of(device)) }
    }

    /// Whether a visit may log in to a device, and if so, counts that as failed until [`Keyring::admitted`] says
    /// otherwise. Blocks.
    pub(in crate::rounds) fn may_log_in(&self, device: &DeviceName, now: Timestamp) -> bool {
        let (limit, device) = (Limit::default(), Some(device));
        let asked = self.journal.attempts(device, now).and_then(|attempts| {
            let is_free = attempts.free_at(&limit, now) <= now;
            if is_free {
                self.journal.charge(device, &limit, now).map(|()| true)
            } else {
                Ok(false)
            }
        });
        asked.unwrap_or_else(|error| {
            tracing::error!(%error, "a log-in cannot be counted, so it is not made");
            false
        })
    }

    /// The device did not refuse the log-in that was counted last. Blocks.
    pub(in crate::rounds) fn admitted(&self, device: &DeviceName) {
        if let Err(error) = self.journal.refund(Some(device)) {
            tracing::warn!(%error, "a log-in that went well counts as failed");
        }
    }

    fn vaulted(&self, claims: &Claims) -> Result<Access, String> {
        let words = |error: VaultError| error.to_string();
        let look = |subject: &Subject, id: SecretId| {
            let vault = self.vault.as_ref().map_err(Clone::clone)?;
            vault.secret(subject, id).map_err(words)
        };
        let password = match &claims.password {
            Claim::None => None,
            Claim::Held(subject, id) => Some((look(subject, *id)?.secret, *id)),
            Claim::Doubt => return Ok(Access::Doubt),
        };
        let pin = match &claims.certificate {
            Claim::None => None,
            Claim::Held(subject, id) => {
                let unread = || "what it holds as a certificate is none".to_owned();
                let found = look(subject, *id)?.secret;
                Some(self.tools.pin(&found).ok_or_else(unread)?)
            }
            Claim::Doubt => return Ok(Access::Doubt),
        };
        match (password, pin) {
            (None, None) => Ok(Access::SiteFile),
            (password, pin) => Ok(Access::Vault { password, pin }),
        }
    }
}

/// The mark of a log-in with a secret of the vault: another secret is worth another try.
pub(in crate::rounds) fn marked(mark: Mark, id: SecretId) -> Mark {
    let digest = certs::random::digest(&[mark, id.0].concat());
    let mut marked = Mark::default();
    marked.copy_from_slice(&digest[..16]);
    marked
}
