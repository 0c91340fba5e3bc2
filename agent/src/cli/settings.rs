//! Settings files: the site, its policy, its advisories, its passwords. A password never stands in a site file.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use certs::Pin;
use proto::finding::Attestation;
use proto::{DeviceName, Policy, Secret};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::files;
use super::rooms;
use crate::device::{Address, BasicInClear};
use crate::facts::Kind;
use crate::firmware::Advisories;

/// A larger password file is refused, in bytes.
const MAX_PASSWORD: u64 = 1 << 10;
/// A larger advisory is refused, in bytes.
const MAX_ADVISORY: u64 = 16 << 20;

/// Why a file could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {what} {path}: {why}")]
pub struct ReadError {
    what: &'static str,
    path: String,
    why: String,
}

impl ReadError {
    fn new(what: &'static str, path: &Path, why: impl ToString) -> Self {
        Self { what, path: path.display().to_string(), why: why.to_string() }
    }
}

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
    /// How many devices are looked at at once.
    pub concurrency: usize,
    /// At least one; no two have the same name.
    pub devices: Vec<SiteDevice>,
    /// What people vouch for.
    pub attestations: Vec<Attestation>,
}

/// One device of a site file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDevice {
    /// Its name.
    pub name: DeviceName,
    /// What it is.
    pub kind: Kind,
    /// How it is looked at.
    pub source: SiteSource,
    /// Where a workstation or storage is.
    pub addresses: Vec<IpAddr>,
}

/// How a device is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteSource {
    /// Over the network.
    Live {
        /// Where it listens.
        address: Address,
        /// Whom to log in as.
        login: Option<LoginSource>,
        /// The certificate it must present.
        pin: Option<Pin>,
    },
    /// By the configuration it exported.
    File(PathBuf),
    /// Not at all.
    Declared,
}

/// Whom to log in as, and where the password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSource {
    /// The account.
    pub user: String,
    /// Where its password is kept.
    pub password: PasswordSource,
    /// Whether the password may cross the network readable.
    pub basic_in_clear: BasicInClear,
}

/// Where a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

/// What came of reading a folder of advisories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvisoryFolder {
    /// Files that say something about MOBOTIX camera firmware.
    pub used: usize,
    /// Files that are about something else.
    pub passed_over: usize,
    /// Files that were refused: each a message naming the file and the place.
    pub refused: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    policy: Option<PathBuf>,
    advisories: Option<PathBuf>,
    #[serde(default)]
    dialects: Vec<PathBuf>,
    concurrency: Option<usize>,
    #[serde(default)]
    devices: Vec<WrittenDevice>,
    #[serde(default)]
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDevice {
    name: DeviceName,
    kind: Kind,
    address: Option<String>,
    file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    pin: Option<Pin>,
    #[serde(default)]
    basic_in_clear: bool,
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

impl SiteFile {
    /// What people vouch for about a device.
    pub fn attestations_for(&self, device: &DeviceName) -> Vec<Attestation> {
        let concerns = |it: &&Attestation| it.devices.is_empty() || it.devices.contains(device);
        self.attestations.iter().filter(concerns).cloned().collect()
    }

    /// The addresses that the site's video management workstations log in from.
    pub fn vms_addresses(&self) -> Vec<IpAddr> {
        let workstations = self.devices.iter().filter(|it| it.kind == Kind::Vms);
        workstations.flat_map(|it| it.addresses.iter().copied()).collect()
    }
}

/// Reads a site file; relative paths in it are relative to its folder.
///
/// # Errors
/// A file that cannot be read, or is no site file.
pub fn site(path: &Path) -> Result<SiteFile, ReadError> {
    let what = "the site file";
    let text = settings(what, path)?;
    let refuse = |why: String| ReadError::new(what, path, why);
    let written: Written =
        proto::text::parse_toml(&text).map_err(|error| refuse(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut devices: Vec<SiteDevice> = Vec::new();
    for entry in written.devices {
        let name = entry.name.clone();
        if devices.iter().any(|other| other.name == name) {
            return Err(refuse(format!("device {name}: two devices have this name")));
        }
        let device = entry.check(folder);
        devices.push(device.map_err(|why| refuse(format!("device {name}: {why}")))?);
    }
    if devices.is_empty() {
        return Err(refuse("it names no device, so there is nothing to audit".to_owned()));
    }
    Ok(SiteFile {
        name: written.name,
        policy: written.policy.map(|path| folder.join(path)),
        advisories: written.advisories.map(|path| folder.join(path)),
        dialects: written.dialects.into_iter().map(|path| folder.join(path)).collect(),
        concurrency: written.concurrency.unwrap_or(8).clamp(1, 256),
        devices,
        attestations: written.attestations,
    })
}

impl WrittenDevice {
    fn check(self, folder: &Path) -> Result<SiteDevice, String> {
        let source = match (self.kind, &self.address, &self.file) {
            (Kind::Vms | Kind::Nas, _, _) => SiteSource::Declared,
            (Kind::Mobotix, Some(address), None) => {
                let address = rooms::address(address)?;
                SiteSource::Live { address, login: self.login(folder)?, pin: self.pin }
            }
            (Kind::Mobotix, None, Some(file)) => SiteSource::File(folder.join(file)),
            (Kind::Mobotix, _, _) => return Err("a camera has an address or a file".to_owned()),
        };
        Ok(SiteDevice { name: self.name, kind: self.kind, source, addresses: self.addresses })
    }

    fn login(&self, folder: &Path) -> Result<Option<LoginSource>, String> {
        let Some(user) = self.user.clone() else { return Ok(None) };
        let password = match (&self.password_file, &self.password_env) {
            (Some(file), None) => PasswordSource::File(folder.join(file)),
            (None, Some(name)) => PasswordSource::Environment(name.clone()),
            _ => return Err("a user needs password_file or password_env".to_owned()),
        };
        let basic_in_clear =
            if self.basic_in_clear { BasicInClear::Allowed } else { BasicInClear::Never };
        Ok(Some(LoginSource { user, password, basic_in_clear }))
    }
}

/// Reads a policy file.
///
/// # Errors
/// A file that cannot be read, or is no policy.
pub fn policy(path: &Path) -> Result<Policy, ReadError> {
    let what = "the policy";
    let text = settings(what, path)?;
    Policy::from_toml(&text).map_err(|error| ReadError::new(what, path, error))
}

/// Reads a dialect or any other settings file in TOML, up to 1 MiB.
///
/// # Errors
/// A file that cannot be read, is too large or is not UTF-8.
pub fn settings(what: &'static str, path: &Path) -> Result<String, ReadError> {
    let bytes = files::read(path, proto::text::MAX_TOML as u64)
        .map_err(|fault| ReadError::new(what, path, fault))?;
    let not_text = |_| ReadError::new(what, path, "it is not UTF-8 text");
    String::from_utf8(bytes).map_err(not_text)
}

/// Adds every `.json` file in a folder to `advisories`, sorted by path.
///
/// # Errors
/// A folder that cannot be listed.
pub fn advisories(path: &Path, advisories: &mut Advisories) -> Result<AdvisoryFolder, ReadError> {
    let refuse = |error: std::io::Error| ReadError::new("the folder of advisories", path, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(refuse)? {
        paths.push(entry.map_err(refuse)?.path());
    }
    paths.sort();
    let mut out = AdvisoryFolder::default();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "json")) {
        let loaded = files::read(path, MAX_ADVISORY)
            .map_err(|fault| ReadError::new("advisory", path, fault).to_string())
            .and_then(|bytes| rooms::load_advisory(advisories, &path.to_string_lossy(), &bytes));
        match loaded {
            Ok(0) => out.passed_over += 1,
            Ok(_) => out.used += 1,
            Err(why) => out.refused.push(why),
        }
    }
    Ok(out)
}

/// Fetches a password. `environment` looks a variable up.
///
/// # Errors
/// No such variable or file, or an empty password.
pub fn password(
    source: &PasswordSource,
    environment: impl FnOnce(&str) -> Option<String>,
) -> Result<Secret, ReadError> {
    match source {
        PasswordSource::File(path) => password_file(path),
        PasswordSource::Environment(name) => {
            let what = "the password from the environment variable";
            let found = environment(name).filter(|text| !text.is_empty()).map(Secret::new);
            found.ok_or_else(|| ReadError::new(what, Path::new(name), "it is not set"))
        }
    }
}

/// Reads a password from the first line of a file.
///
/// # Errors
/// A file that cannot be read, is empty, or may be read by others than its owner.
pub fn password_file(path: &Path) -> Result<Secret, ReadError> {
    let refuse = |why: &str| ReadError::new("the password file", path, why);
    let bytes = files::read(path, MAX_PASSWORD).map_err(|fault| refuse(&fault.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    let open = fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o077 != 0);
    if open {
        return Err(refuse("others than its owner may read or change it; run: chmod 600"));
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| refuse("its first line is not UTF-8"))?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() { Err(refuse("its first line is empty")) } else { Ok(Secret::new(line)) }
}
