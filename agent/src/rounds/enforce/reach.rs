//! How a device is reached to be changed: by its entry in the site file, logged in to as a visit would, held to the
//! certificate that it was seen with, and within its log-in budget. One that refused us is left alone, and so is one of
//! which it is in doubt what it takes.

use std::net::IpAddr;
use std::sync::Arc;

use certs::{Clock as _, Pin};
use proto::finding::Attestation;

use crate::clock::AgentClock;
use crate::config::{SiteDevice, SiteSource};
use crate::device::{Limits, Target, Trials};
use crate::inventory::{Leave, Logins, Mark, Occasion};
use crate::rounds::credentials::{Access, Claims, Keyring, password_of};
use crate::rounds::errand::{self, Built, Entry};
use crate::rounds::loaded::Loaded;
use crate::rounds::yardstick::Yardstick;
use crate::store::subject::Subject;
use crate::visit::{Terms, Way};

/// What there is to know before a device is reached.
pub(super) struct Reach {
    pub device: SiteDevice,
    pub site: Arc<Loaded>,
    pub yardstick: Arc<Yardstick>,
    pub claims: Claims,
    pub keyring: Option<Arc<Keyring>>,
    pub limits: Limits,
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    pub logins: Logins,
    pub accepted: Option<Pin>,
    pub occasion: Occasion,
    pub clock: Arc<AgentClock>,
}

/// A device that may be reached.
pub(super) struct Reached {
    pub target: Target,
    pub attestations: Vec<Attestation>,
    pub vms_addresses: Vec<IpAddr>,
    /// What its log-in stands for.
    pub mark: Mark,
    /// The password that it is logged in to with, where that is the vault's.
    pub vaulted: Option<Subject>,
    keyring: Option<Arc<Keyring>>,
}

impl Reach {
    /// Reads the password and asks the budgets; a log-in with the vault's password counts as failed from then on, until
    /// [`Reached::admitted`]. Nobody is asked on the network.
    ///
    /// # Errors
    /// Why it may not be reached, as a clause.
    pub async fn reached(&self) -> Result<Reached, String> {
        let built = self.build().await;
        let now = self.clock.now();
        let call = built.call?;
        let refused = || "it refused our log-in before".to_owned();
        match (built.access, self.logins.leave(&built.mark, self.occasion, now)) {
            (Entry::Doubt, _) => {
                return Err("its password is being replaced, or cannot be had".to_owned());
            }
            (_, Leave::Refused | Leave::Spent) => return Err(refused()),
            (Entry::SiteFile | Entry::Vault, Leave::Granted) => {}
        }
        let Way::Live(target) = call.way else {
            return Err("only a camera on the network can be changed".to_owned());
        };
        let mut target = *target;
        if target.login.is_none() {
            return Err("the site file names no log-in for it".to_owned());
        }
        target.seen_before = self.accepted.filter(|_| target.address.tls);
        let mut attestations = call.attestations;
        attestations.extend(self.yardstick.attestations_for(&self.device.name));
        let keyring = self.keyring.clone().filter(|_| built.access == Entry::Vault);
        if let Some(keyring) = keyring.clone() {
            let name = self.device.name.clone();
            let asked = tokio::task::spawn_blocking(move || keyring.may_log_in(&name, now)).await;
            if !asked.unwrap_or_default() {
                return Err(refused());
            }
        }
        Ok(Reached {
            vaulted: keyring.as_ref().and_then(|_| password_of(&self.device)),
            target,
            attestations,
            vms_addresses: call.vms_addresses,
            mark: built.mark,
            keyring,
        })
    }

    async fn build(&self) -> Built {
        let (device, site) = (self.device.clone(), self.site.clone());
        let (yardstick, environment) = (self.yardstick.clone(), self.environment.clone());
        let (claims, keyring, limits) = (self.claims.clone(), self.keyring.clone(), self.limits);
        // Password files and their dates are on disk, and so is the vault.
        let build = move || {
            let access = keyring.map_or(Access::SiteFile, |keyring| keyring.access(&claims));
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            errand::build(&device, &terms, access, |name| environment(name))
        };
        let built = tokio::task::spawn_blocking(build).await;
        built.unwrap_or_else(|_| Built::failed("preparing it failed"))
    }
}

impl Reached {
    /// The device did not refuse the log-in.
    pub async fn admitted(&self) {
        let Some(keyring) = self.keyring.clone() else { return };
        let name = self.target.name.clone();
        // Should this fail, the log-in counts as failed, which is on the safe side.
        let _ = tokio::task::spawn_blocking(move || keyring.admitted(&name)).await;
    }

    /// The same device, asked nothing that may cost a failed log-in.
    pub fn sparing(&self) -> Target {
        Target { trials: Trials::Spared, ..self.target.clone() }
    }
}

/// Whether a device can be changed at all.
pub(super) fn is_changeable(device: &SiteDevice) -> bool {
    matches!(&device.source, SiteSource::Live { login: Some(_), .. })
}
