//! The site file: which devices there are, how they are reached, and what people vouch for.
//!
//! Parsing and checking are pure; only [`read`] opens files. A site file never holds a password, only where one is
//! kept. Whatever is unclear is refused by name: an audit of half a site would look like an audit of the whole.

mod device;
pub mod policy;
pub mod read;
mod unattended;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use proto::finding::Attestation;
use proto::text::{TomlError, parse_toml, printable};
use proto::{DeviceName, Measure};
use serde::Deserialize;

use crate::facts::Kind;
pub use device::{LoginSource, PasswordSource, SiteDevice, SiteSource};
pub use unattended::{Discovery, Unattended};

/// A site, checked, with paths resolved against the site file's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFile {
    /// What people call the site.
    pub name: Option<String>,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// The folder of CSAF files.
    pub advisories: Option<PathBuf>,
    /// Dialect files, in the order written.
    pub dialects: Vec<PathBuf>,
    /// How many devices are looked at at once, 1 to 256.
    pub concurrency: usize,
    /// At least one; no two have the same name.
    pub devices: Vec<SiteDevice>,
    /// What people vouch for.
    pub attestations: Vec<Attestation>,
    /// What concerns only an agent that runs by itself.
    pub unattended: Unattended,
}

/// Why a site file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{0}")]
    Toml(#[from] TomlError),
    /// A setting of the whole site.
    #[error("{0}")]
    Site(String),
    /// A device's entry.
    #[error("device {0}: {1}")]
    Device(DeviceName, String),
    /// An attestation, counted from 1.
    #[error("attestation {0} ({1}): {2}")]
    Attestation(usize, Measure, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    policy: Option<PathBuf>,
    advisories: Option<PathBuf>,
    #[serde(default)]
    dialects: Vec<PathBuf>,
    #[serde(default = "default_concurrency")]
    concurrency: i64,
    visit_minutes: Option<u32>,
    gone_days: Option<u32>,
    discovery: Option<unattended::Written>,
    #[serde(default)]
    devices: Vec<device::Written>,
    #[serde(default)]
    attestations: Vec<Attestation>,
}

fn default_concurrency() -> i64 {
    8
}

impl SiteFile {
    /// Reads a site file's text; relative paths are relative to `folder`.
    ///
    /// # Errors
    /// See [`SiteError`]; the message names the line or the device and says what to write instead.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, SiteError> {
        let written: Written = parse_toml(text)?;
        let concurrency =
            usize::try_from(written.concurrency).ok().filter(|count| (1..=256).contains(count));
        let concurrency = concurrency.ok_or_else(|| {
            SiteError::Site(format!(
                "concurrency is {}; want 1 to 256 devices at once",
                written.concurrency
            ))
        })?;
        let empty = |path: &PathBuf| path.as_os_str().is_empty();
        let mut paths = written.policy.iter().chain(&written.advisories).chain(&written.dialects);
        if paths.any(empty) {
            return Err(SiteError::Site(
                "policy, advisories and dialects want paths; one is empty".to_owned(),
            ));
        }
        let devices = devices(written.devices, folder)?;
        check_attestations(&written.attestations, &devices)?;
        let unattended =
            Unattended::check(written.visit_minutes, written.gone_days, written.discovery)?;
        let name =
            written.name.map(|name| printable(name.trim(), 100)).filter(|name| !name.is_empty());
        Ok(Self {
            name,
            policy: written.policy.map(|path| folder.join(path)),
            advisories: written.advisories.map(|path| folder.join(path)),
            dialects: written.dialects.into_iter().map(|path| folder.join(path)).collect(),
            concurrency,
            devices,
            attestations: written.attestations,
            unattended,
        })
    }

    /// What people vouch for about a device: every attestation that names it, or names none, and is about its kind.
    pub fn attestations_for(&self, device: &DeviceName) -> Vec<Attestation> {
        let Some(kind) = self.devices.iter().find(|it| it.name == *device).map(|it| it.kind) else {
            return Vec::new();
        };
        let concerns = |it: &&Attestation| {
            kind_of(it.measure) == kind && (it.devices.is_empty() || it.devices.contains(device))
        };
        self.attestations.iter().filter(concerns).cloned().collect()
    }

    /// The addresses that the site's video management workstations log in from, in the order written, each once.
    pub fn vms_addresses(&self) -> Vec<IpAddr> {
        let mut out = Vec::new();
        for address in
            self.devices.iter().filter(|it| it.kind == Kind::Vms).flat_map(|it| &it.addresses)
        {
            if !out.contains(address) {
                out.push(*address);
            }
        }
        out
    }

    /// The addresses of the site's storage, as its file names them.
    pub fn storage_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let storage = self.devices.iter().filter(|it| it.kind == Kind::Nas);
        storage.flat_map(|it| &it.addresses).copied()
    }
}

fn devices(written: Vec<device::Written>, folder: &Path) -> Result<Vec<SiteDevice>, SiteError> {
    if written.is_empty() {
        let what =
            "it names no device, so there is nothing to audit; add a [[devices]] table for each";
        return Err(SiteError::Site(what.to_owned()));
    }
    let mut names = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    let mut out = Vec::with_capacity(written.len());
    for entry in written {
        let device = entry.check(folder)?;
        if !names.insert(device.name.clone()) {
            return Err(SiteError::Device(
                device.name,
                "two devices have this name; names must differ".to_owned(),
            ));
        }
        if let SiteSource::Live { address, .. } = &device.source {
            // Two entries for one camera would open two connections to it at once.
            let place = (address.host.to_ascii_lowercase(), address.port);
            if let Some(other) = addresses.insert(place, device.name.clone()) {
                let what = format!(
                    "{address} is the address of device {other} already; list each camera once"
                );
                return Err(SiteError::Device(device.name, what));
            }
        }
        out.push(device);
    }
    Ok(out)
}

fn check_attestations(
    attestations: &[Attestation],
    devices: &[SiteDevice],
) -> Result<(), SiteError> {
    let kinds: BTreeMap<&DeviceName, Kind> =
        devices.iter().map(|device| (&device.name, device.kind)).collect();
    for (at, attestation) in attestations.iter().enumerate() {
        let refuse = |what: String| Err(SiteError::Attestation(at + 1, attestation.measure, what));
        if attestation.by.trim().is_empty() || attestation.evidence.trim().is_empty() {
            return refuse(
                "it needs who vouches (by) and what they looked at (evidence)".to_owned(),
            );
        }
        for name in &attestation.devices {
            let Some(kind) = kinds.get(name) else {
                return refuse(format!(
                    "no device is called {name}; name one of the site's, or leave devices empty for all"
                ));
            };
            if kind_of(attestation.measure) != *kind {
                let chapter = attestation.measure.chapter();
                return refuse(format!(
                    "it is a measure of the {chapter} chapter and does not concern device {name}"
                ));
            }
        }
    }
    Ok(())
}

/// The kind of device that a measure is about.
fn kind_of(measure: Measure) -> Kind {
    match measure {
        Measure::Camera(_) => Kind::Mobotix,
        Measure::Vms(_) => Kind::Vms,
        Measure::Nas(_) => Kind::Nas,
    }
}

#[cfg(test)]
mod tests;
