//! What a site file asks to look at.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use proto::{DeviceName, Policy, Secret};

use super::{Order, equipment, limits, patience};
use crate::cli::arguments::Audit;
use crate::cli::console::Console;
use crate::cli::files;
use crate::cli::inputs;
use crate::cli::stop::Stop;
use crate::config::read as settings;
use crate::config::{LoginSource, PasswordSource, SiteDevice, SiteFile, SiteSource};
use crate::device::{Fault, Login, Target};
use crate::facts::Kind;
use crate::visit::{Call, Way};

/// Reads and asks for everything an audit of a site needs.
///
/// # Errors
/// A site file, or what it names, that is wrong or missing.
pub(super) fn order(
    site: SiteFile,
    arguments: &Audit,
    console: &mut Console<'_>,
) -> Result<Order, Stop> {
    let policy = arguments.yardstick.policy.as_ref().or(site.policy.as_ref());
    let policy = inputs::policy(policy.map(PathBuf::as_path))?;
    let advisories = arguments.yardstick.advisories.as_ref().or(site.advisories.as_ref());
    let advisories = inputs::advisories(advisories.map(PathBuf::as_path), console)?;
    let dialects: Vec<_> = site.dialects.iter().chain(&arguments.dialect).cloned().collect();
    let concurrency = arguments.concurrency.map_or(site.concurrency, usize::from);
    let equipment = equipment(&dialects, concurrency)?;
    let devices = chosen(&site, &arguments.only)?;
    let unpinned =
        devices.iter().filter(|it| matches!(it.source, SiteSource::Live { pin: None, .. }));
    let unpinned = unpinned.map(|it| it.name.clone()).collect();
    let mut calls = Vec::with_capacity(devices.len());
    let mut passwords = Vec::new();
    for device in devices {
        let common = Common { site: &site, arguments, policy: &policy };
        let (address, way) = way(device, &common, &mut passwords, console)?;
        calls.push(Call {
            name: device.name.clone(),
            address,
            way,
            limit: patience(arguments),
            attestations: site.attestations_for(&device.name),
            vms_addresses: site.vms_addresses(),
        });
    }
    Ok(Order { site: site.name, single: false, calls, unpinned, policy, advisories, equipment })
}

/// What the ways to a site's devices have in common.
struct Common<'a> {
    site: &'a SiteFile,
    arguments: &'a Audit,
    policy: &'a Policy,
}

fn chosen<'a>(site: &'a SiteFile, only: &[DeviceName]) -> Result<Vec<&'a SiteDevice>, Stop> {
    let known = |name: &DeviceName| site.devices.iter().any(|device| device.name == *name);
    if let Some(stranger) = only.iter().find(|name| !known(name)) {
        return Err(Stop::Usage(format!("--only {stranger}: the site file names no such device")));
    }
    Ok(site.devices.iter().filter(|it| only.is_empty() || only.contains(&it.name)).collect())
}

/// The passwords read so far: many devices of a site may share one.
type Passwords<'a> = Vec<(&'a PasswordSource, Secret)>;

/// Where the device is, as it is shown, and how it is looked at.
fn way<'a>(
    device: &'a SiteDevice,
    common: &Common<'_>,
    passwords: &mut Passwords<'a>,
    console: &Console<'_>,
) -> Result<(String, Way), Stop> {
    match &device.source {
        SiteSource::Live { address, login, pin } => {
            let login = login.as_ref().map(|it| self::login(it, &device.name, passwords, console));
            let target = Target {
                name: device.name.clone(),
                address: address.clone(),
                login: login.transpose()?,
                pin: *pin,
                web_ports: common.policy.web_ports,
                password_rules: common.policy.passwords.clone(),
                limits: limits(common.arguments),
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
                Kind::Vms => Way::Workstation(workstation_addresses(device, common)),
                Kind::Nas => Way::Storage,
                Kind::Mobotix => {
                    let name = &device.name;
                    return Err(Stop::Usage(format!("camera {name} has neither address nor file")));
                }
            };
            Ok((shown.join(", "), way))
        }
    }
}

fn login<'a>(
    login: &'a LoginSource,
    device: &DeviceName,
    passwords: &mut Passwords<'a>,
    console: &Console<'_>,
) -> Result<Login, Stop> {
    let LoginSource { user, password: source, basic_in_clear } = login;
    let known = passwords.iter().find(|(known, _)| *known == source);
    let password = match known.map(|(_, secret)| secret.clone()) {
        Some(secret) => secret,
        None => {
            let variable = |name: &str| console.set_variable(name)?.into_string().ok();
            let secret = settings::password(source, variable)
                .map_err(|error| Stop::Usage(format!("device {device}: {error}")))?;
            passwords.push((source, secret.clone()));
            secret
        }
    };
    Ok(Login { user: user.clone(), password, basic_in_clear: *basic_in_clear })
}

/// Runs where it may block. A file that is not there tells nothing of the camera, not even that it is out of reach.
fn configuration(path: &Path) -> Result<Vec<u8>, Fault> {
    files::read(path, files::MAX_CONFIGURATION)
        .map_err(|fault| Fault::Nonsense(format!("cannot read {}: {fault}", path.display())))
}

/// Its own addresses, and those of the policy that no other workstation claims.
fn workstation_addresses(device: &SiteDevice, common: &Common<'_>) -> Vec<IpAddr> {
    let claimed = common.site.vms_addresses();
    let stated = common.policy.networks.vms.iter();
    let unclaimed = stated.filter(|address| !claimed.contains(address));
    device.addresses.iter().chain(unclaimed).copied().collect()
}
