//! How a device is reached to be changed: by its entry in the site file, held to the certificate that it was seen with,
//! and within its log-in budget. One that refused us is left alone.

use std::net::IpAddr;
use std::sync::Arc;

use certs::{Clock as _, Pin};
use proto::finding::Attestation;

use crate::clock::AgentClock;
use crate::config::{PasswordSource, SiteDevice, SiteSource, read};
use crate::device::{Limits, Target, Trials};
use crate::inventory::{Leave, Logins, Mark, Occasion};
use crate::rounds::loaded::{Loaded, mark};
use crate::rounds::yardstick::Yardstick;
use crate::visit::{self, Terms, Way};

/// What there is to know before a device is reached.
pub(super) struct Reach {
    pub device: SiteDevice,
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
}

impl Reach {
    /// Reads the password and asks the budget. Nobody is asked on the network.
    ///
    /// # Errors
    /// Why it may not be reached, as a clause.
    pub async fn reached(&self) -> Result<Reached, String> {
        let (device, site) = (self.device.clone(), self.site.clone());
        let (yardstick, environment) = (self.yardstick.clone(), self.environment.clone());
        let limits = self.limits;
        // Password files and their dates are on disk.
        let build = move || {
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            let fetch = |source: &PasswordSource| read::password(source, |name| environment(name));
            let mark = mark(&device, &yardstick.policy);
            (mark, visit::call(&device, &terms, fetch).map_err(|why| why.to_string()))
        };
        let built = tokio::task::spawn_blocking(build).await;
        let (mark, call) = built.map_err(|_| "preparing it failed".to_owned())?;
        let mut call = call?;
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
        Ok(Reached { target, attestations, vms_addresses: call.vms_addresses, mark })
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
