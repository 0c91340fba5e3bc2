//! How a device is reached to be changed: by its entry in the site file, held to the certificate that it was seen with,
//! and within its log-in budget. One that refused us is left alone.

use std::net::IpAddr;
use std::sync::Arc;

use certs::{Clock as _, Pin};
use proto::finding::Attestation;

use super::work::Event;
use crate::clock::AgentClock;
use crate::config::{SiteDevice, SiteSource};
use crate::device::{Limits, Target, Trials};
use crate::inventory::{Leave, Logins, Mark, Occasion};
use crate::rounds::credentials::{Access, Keyring, password_of};
use crate::rounds::errand::{self, Built, Entry};
use crate::rounds::loaded::Loaded;
use crate::rounds::yardstick::Yardstick;
use crate::store::subject::Subject;
use crate::visit::{Terms, Way};

/// What there is to know before a device is reached.
pub(super) struct Reach {
    pub device: SiteDevice,
    pub keyring: Option<Arc<Keyring>>,
    pub site: Arc<Loaded>,
    pub yardstick: Arc<Yardstick>,
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
    /// The password that it is logged in to with.
    password: Option<Subject>,
    /// Where the log-in counts as failed until the device has let us in.
    counted: Option<Arc<Keyring>>,
}

impl Reached {
    /// What the rounds hear when the device refused the log-in.
    pub fn refused(&self, why: String) -> Event {
        let vaulted = self.password.clone().filter(|_| self.counted.is_some());
        Event::Refused { device: self.target.name.clone(), mark: self.mark, vaulted, why }
    }

    /// The device let us in.
    pub async fn admitted(&self) {
        let Some(keyring) = self.counted.clone() else { return };
        let name = self.target.name.clone();
        // Should this fail, the log-in counts as failed, which is on the safe side.
        let _ = tokio::task::spawn_blocking(move || keyring.admitted(&name)).await;
    }
}

impl Reach {
    /// Reads the password and asks the budget. Nobody is asked on the network.
    ///
    /// # Errors
    /// Why it may not be reached, as a clause.
    pub async fn reached(&self) -> Result<Reached, String> {
        let (device, site) = (self.device.clone(), self.site.clone());
        let (yardstick, environment) = (self.yardstick.clone(), self.environment.clone());
        let (limits, keyring) = (self.limits, self.keyring.clone());
        // Password files and their dates are on disk, and so are journal and vault.
        let build = move || {
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            let access = keyring.map_or(Access::SiteFile, |it| it.access(&it.claims_now(&device)));
            errand::build(&device, &terms, access, |name| environment(name))
        };
        let built = tokio::task::spawn_blocking(build).await;
        let built = built.unwrap_or_else(|_| Built::failed("preparing it failed"));
        let Built { mark, call, access, .. } = built;
        let mut call = call?;
        if access == Entry::Doubt {
            return Err("it is in doubt which password it takes, or which certificate it presents"
                .to_owned());
        }
        match self.logins.leave(&mark, self.occasion, self.clock.now()) {
            Leave::Granted => {}
            Leave::Refused | Leave::Spent => return Err("it refused our log-in before".to_owned()),
        }
        let Way::Live(target) = std::mem::replace(&mut call.way, Way::Storage) else {
            return Err("only a camera on the network can be changed".to_owned());
        };
        let mut target = *target;
        if target.login.is_none() {
            return Err("the site file names no log-in for it".to_owned());
        }
        target.seen_before = self.accepted.filter(|_| target.address.tls);
        let mut attestations = call.attestations;
        attestations.extend(self.yardstick.attestations_for(&self.device.name));
        let counted = self.keyring.clone().filter(|_| access == Entry::Vault);
        if let Some(keyring) = counted.clone() {
            let (name, now) = (self.device.name.clone(), self.clock.now());
            let asked = tokio::task::spawn_blocking(move || keyring.may_log_in(&name, now)).await;
            if !asked.unwrap_or_default() {
                return Err("so many log-ins may have failed there that none is made for a while"
                    .to_owned());
            }
        }
        let vms_addresses = call.vms_addresses;
        let password = password_of(&self.device);
        Ok(Reached { target, attestations, vms_addresses, mark, password, counted })
    }
}

/// The same device, asked nothing that may cost a failed log-in.
pub(super) fn sparing(target: &Target) -> Target {
    Target { trials: Trials::Spared, ..target.clone() }
}

/// Whether a device can be changed at all.
pub(super) fn is_changeable(device: &SiteDevice) -> bool {
    matches!(&device.source, SiteSource::Live { login: Some(_), .. })
}
