//! What a site file asks to look at.

use std::path::PathBuf;

use proto::{DeviceName, Secret};

use super::{Order, equipment, limits};
use crate::cli::arguments::Audit;
use crate::cli::console::Console;
use crate::cli::inputs;
use crate::cli::stop::Stop;
use crate::config::read as settings;
use crate::config::{PasswordSource, SiteDevice, SiteFile, SiteSource};
use crate::rounds::credentials::{self, Held};
use crate::visit::{Terms, Way, call};

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
    let terms = Terms { site: &site, policy: &policy, limits: limits(arguments) };
    let mut passwords = Vec::new();
    let mut calls = Vec::with_capacity(devices.len());
    for device in devices {
        let held = held(device, arguments)?;
        let fetch = |source: &PasswordSource| match held.password {
            Some(password) => Ok(password),
            None => password(source, &mut passwords, console),
        };
        let mut call = call(device, &terms, fetch).map_err(inputs::usage)?;
        if let Way::Live(target) = &mut call.way {
            target.pin = held.pin.or(target.pin);
        }
        calls.push(call);
    }
    Ok(Order { site: site.name, single: false, calls, unpinned, policy, advisories, equipment })
}

/// What the agent holds of a device, if there is one to ask.
fn held(device: &SiteDevice, arguments: &Audit) -> Result<Held, Stop> {
    let Some(data) = &arguments.agent_data else { return Ok(Held::default()) };
    if !data.is_dir() {
        return Err(Stop::Usage(format!(
            "--agent-data {}: there is no such folder",
            data.display()
        )));
    }
    credentials::held(data, device).map_err(|why| Stop::Failed(why.to_string()))
}

fn chosen<'a>(site: &'a SiteFile, only: &[DeviceName]) -> Result<Vec<&'a SiteDevice>, Stop> {
    let known = |name: &DeviceName| site.devices.iter().any(|device| device.name == *name);
    if let Some(stranger) = only.iter().find(|name| !known(name)) {
        return Err(Stop::Usage(format!("--only {stranger}: the site file names no such device")));
    }
    Ok(site.devices.iter().filter(|it| only.is_empty() || only.contains(&it.name)).collect())
}

/// A password, read once: many devices of a site may share one.
fn password(
    source: &PasswordSource,
    read: &mut Vec<(PasswordSource, Secret)>,
    console: &Console<'_>,
) -> Result<Secret, settings::ReadError> {
    if let Some((_, secret)) = read.iter().find(|(known, _)| known == source) {
        return Ok(secret.clone());
    }
    let variable = |name: &str| console.set_variable(name)?.into_string().ok();
    let secret = settings::password(source, variable)?;
    read.push((source.clone(), secret.clone()));
    Ok(secret)
}
