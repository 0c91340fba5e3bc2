//! From a device's entry in the site file to the call to pay, for audits and for an agent that runs by itself.

use std::net::IpAddr;
use std::path::Path;

use proto::{Policy, Secret};

use super::{Call, Way};
use crate::config::read::{self, ReadError};
use crate::config::{LoginSource, PasswordSource, SiteDevice, SiteFile, SiteSource};
use crate::device::{Fault, Limits, Login, Target, Trials};
use crate::facts::Kind;

/// What the calls of a site have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The site.
    pub site: &'a SiteFile,
    /// What it should be.
    pub policy: &'a Policy,
    /// How long and how much a device may take of us.
    pub limits: Limits,
}

/// Why there is no call to pay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCall {
    /// Its password cannot be had.
    #[error("device {0}: {1}")]
    Password(proto::DeviceName, #[source] ReadError),
    /// A camera that is nowhere.
    #[error("camera {0} has neither address nor file")]
    Nowhere(proto::DeviceName),
}

/// The call to a device. `password` fetches one from where it is kept.
///
/// # Errors
/// See [`NoCall`].
pub fn call(
    device: &SiteDevice,
    terms: &Terms<'_>,
    password: impl FnOnce(&PasswordSource) -> Result<Secret, ReadError>,
) -> Result<Call, NoCall> {
    let (address, way) = way(device, terms, password)?;
    Ok(Call {
        name: device.name.clone(),
        address,
        way,
        // A driver keeps its own time and knows best what took so long, so that it is given the chance to tell.
        limit: terms.limits.visit + std::time::Duration::from_secs(1),
        attestations: terms.site.attestations_for(&device.name),
        vms_addresses: terms.site.vms_addresses(),
    })
}

/// Where the device is, as it is shown, and how it is looked at.
fn way(
    device: &SiteDevice,
    terms: &Terms<'_>,
    password: impl FnOnce(&PasswordSource) -> Result<Secret, ReadError>,
) -> Result<(String, Way), NoCall> {
    match &device.source {
        SiteSource::Live { address, login, pin } => {
            let name = &device.name;
            let login = login.as_ref().map(|it| self::login(it, password)).transpose();
            let target = Target {
                name: name.clone(),
                address: address.clone(),
                login: login.map_err(|why| NoCall::Password(name.clone(), why))?,
                pin: *pin,
                seen_before: None,
                trials: Trials::Allowed,
                web_ports: terms.policy.web_ports,
                password_rules: terms.policy.passwords.clone(),
                limits: terms.limits,
            };
            Ok((address.to_string(), Way::Live(Box::new(target))))
        }
        SiteSource::File(path) => {
            let shown = path.display().to_string();
            let path = path.clone();
            Ok((shown, Way::Export(Box::new(move || configuration(&path)))))
        }
        SiteSource::Declared => {
            let shown: Vec<_> = device.addresses.iter().map(IpAddr::to_string).collect();
            let way = match device.kind {
                Kind::Vms => Way::Workstation(workstation_addresses(device, terms)),
                Kind::Nas => Way::Storage,
                Kind::Mobotix => return Err(NoCall::Nowhere(device.name.clone())),
            };
            Ok((shown.join(", "), way))
        }
    }
}

fn login(
    login: &LoginSource,
    password: impl FnOnce(&PasswordSource) -> Result<Secret, ReadError>,
) -> Result<Login, ReadError> {
    let LoginSource { user, password: source, basic_in_clear } = login;
    let password = password(source)?;
    Ok(Login { user: user.clone(), password, basic_in_clear: *basic_in_clear })
}

/// Runs where it may block. A file that is not there tells nothing of the camera, not even that it is out of reach.
fn configuration(path: &Path) -> Result<Vec<u8>, Fault> {
    read::configuration(path).map_err(|error| Fault::Nonsense(error.to_string()))
}

/// A workstation's own addresses, and those of the policy that no other workstation claims.
pub fn workstation_addresses(device: &SiteDevice, terms: &Terms<'_>) -> Vec<IpAddr> {
    let claimed = terms.site.vms_addresses();
    let stated = terms.policy.networks.vms.iter();
    let unclaimed = stated.filter(|address| !claimed.contains(address));
    device.addresses.iter().chain(unclaimed).copied().collect()
}
