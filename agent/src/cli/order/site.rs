//! What a site file asks to look at.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use proto::{DeviceName, Policy, Secret};

use super::{Order, basic_in_clear, equipment, limits};
use crate::cli::arguments::Audit;
use crate::cli::console::Console;
use crate::cli::files::{self, ReadFault};
use crate::cli::site_file::{Entry, SiteFile};
use crate::cli::stop::Stop;
use crate::cli::{inputs, rooms};
use crate::device::{Address, Fault, Login, Target};
use crate::facts::Kind;
use crate::visit::{Call, Way};

/// How many devices are looked at at the same time, unless somebody says otherwise.
const CONCURRENCY: u16 = 16;

/// Reads and asks for everything an audit of a site needs.
///
/// # Errors
/// A site file, or what it names, that is wrong or missing.
pub(super) fn order(
    site: SiteFile,
    arguments: &Audit,
    console: &mut Console<'_>,
) -> Result<Order, Stop> {
    let policy_path = arguments.yardstick.policy.as_ref().or(site.policy.as_ref());
    let policy = inputs::policy(policy_path.map(PathBuf::as_path))?;
    let advisories = arguments.yardstick.advisories.as_ref().or(site.advisories.as_ref());
    let advisories = inputs::advisories(advisories.map(PathBuf::as_path))?;
    let dialects: Vec<_> = site.dialects.iter().chain(&arguments.dialect).cloned().collect();
    let concurrency = arguments.concurrency.or(site.concurrency).unwrap_or(CONCURRENCY);
    let equipment = equipment(&dialects, concurrency)?;
    let entries = chosen(&site, &arguments.only)?;
    let unpinned = entries.iter().filter(|entry| entry.pin.is_none());
    let unpinned = unpinned.map(|entry| entry.name.clone()).collect();
    let mut calls = Vec::with_capacity(entries.len());
    let mut common = Common { arguments, policy: &policy, passwords: BTreeMap::new() };
    for entry in entries {
        let way = way(entry, &site, &mut common, console)?;
        let vouched = site.attestations.iter().filter(|attestation| {
            attestation.devices.is_empty() || attestation.devices.contains(&entry.name)
        });
        calls.push(Call {
            name: entry.name.clone(),
            address: shown_address(entry),
            way,
            limit: limits(arguments).visit,
            attestations: vouched.cloned().collect(),
            vms_addresses: vms_addresses(&site),
        });
    }
    Ok(Order { site: site.name, single: false, calls, unpinned, policy, advisories, equipment })
}

/// What the ways to a site's devices have in common.
struct Common<'a> {
    arguments: &'a Audit,
    policy: &'a Policy,
    /// The passwords known so far, by their file; under `None` that of the devices that have none of their own.
    passwords: BTreeMap<Option<PathBuf>, Secret>,
}

fn chosen<'a>(site: &'a SiteFile, only: &[DeviceName]) -> Result<Vec<&'a Entry>, Stop> {
    if let Some(stranger) =
        only.iter().find(|name| !site.devices.iter().any(|it| it.name == **name))
    {
        return Err(Stop::Usage(format!("--only {stranger}: the site file names no such device")));
    }
    let wanted = |entry: &&Entry| only.is_empty() || only.contains(&entry.name);
    let entries: Vec<_> = site.devices.iter().filter(wanted).collect();
    if entries.is_empty() {
        return Err(Stop::Usage("the site file names no device".to_owned()));
    }
    Ok(entries)
}

fn shown_address(entry: &Entry) -> String {
    match (&entry.address, &entry.file) {
        (Some(address), _) => rooms::address(address).map_or(String::new(), |it| it.to_string()),
        (None, Some(file)) => file.display().to_string(),
        (None, None) => {
            entry.addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
        }
    }
}

fn way(
    entry: &Entry,
    site: &SiteFile,
    common: &mut Common<'_>,
    console: &mut Console<'_>,
) -> Result<Way, Stop> {
    let wrong = |why: &str| Stop::Usage(format!("the site file: device {}: {why}", entry.name));
    match (entry.kind, &entry.address, &entry.file) {
        (Kind::Mobotix, Some(address), None) => {
            let address = rooms::address(address).map_err(|why| wrong(&why))?;
            site_target(entry, address, common, console).map(|target| Way::Live(Box::new(target)))
        }
        (Kind::Mobotix, None, Some(file)) => {
            let file = file.clone();
            Ok(Way::Export(Box::new(move || configuration(&file))))
        }
        (Kind::Mobotix, _, _) => Err(wrong("a camera needs an address or a file")),
        (Kind::Vms, _, _) => {
            Ok(Way::Workstation(workstation_addresses(entry, site, common.policy)))
        }
        (Kind::Nas, _, _) => Ok(Way::Storage),
    }
}

fn site_target(
    entry: &Entry,
    address: Address,
    common: &mut Common<'_>,
    console: &mut Console<'_>,
) -> Result<Target, Stop> {
    let login = match &entry.user {
        None => None,
        Some(user) => {
            let password = site_password(entry, common, console)?;
            let basic_in_clear = basic_in_clear(entry.basic_in_clear);
            Some(Login { user: user.clone(), password, basic_in_clear })
        }
    };
    Ok(Target {
        name: entry.name.clone(),
        address,
        login,
        pin: entry.pin,
        web_ports: common.policy.web_ports,
        password_rules: common.policy.passwords.clone(),
        limits: limits(common.arguments),
    })
}

/// The device's own password; else one for all that have none of their own, asked for once.
fn site_password(
    entry: &Entry,
    common: &mut Common<'_>,
    console: &mut Console<'_>,
) -> Result<Secret, Stop> {
    if let (None, Some(variable)) = (&entry.password_file, &entry.password_env) {
        return inputs::password_variable(variable, console)?.ok_or_else(|| {
            let name = &entry.name;
            Stop::Usage(format!("the password of {name} should be in {variable}, which is not set"))
        });
    }
    if let Some(known) = common.passwords.get(&entry.password_file) {
        return Ok(known.clone());
    }
    let secret = match &entry.password_file {
        Some(path) => inputs::password_file(path, console)?,
        None => {
            let whose = format!("{} and every device without a password of its own", entry.name);
            inputs::password(common.arguments.password_file.as_deref(), &whose, console)?
        }
    };
    common.passwords.insert(entry.password_file.clone(), secret.clone());
    Ok(secret)
}

/// Runs where it may block.
fn configuration(path: &Path) -> Result<Vec<u8>, Fault> {
    files::read(path, files::MAX_CONFIGURATION).map_err(|fault| {
        let message = format!("cannot read {}: {fault}", path.display());
        match fault {
            ReadFault::Missing => Fault::Unreachable(message),
            ReadFault::Forbidden => Fault::Refused(message),
            ReadFault::Other(_) => Fault::Nonsense(message),
        }
    })
}

fn vms_addresses(site: &SiteFile) -> Vec<IpAddr> {
    let workstations = site.devices.iter().filter(|entry| entry.kind == Kind::Vms);
    workstations.flat_map(|entry| entry.addresses.iter().copied()).collect()
}

/// Its own addresses, and those of the policy that no other workstation claims.
fn workstation_addresses(entry: &Entry, site: &SiteFile, policy: &Policy) -> Vec<IpAddr> {
    let claimed = vms_addresses(site);
    let unclaimed = policy.networks.vms.iter().filter(|address| !claimed.contains(address));
    entry.addresses.iter().chain(unclaimed).copied().collect()
}
