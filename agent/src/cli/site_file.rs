//! The site file, as the commands need it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use certs::Pin;
use proto::DeviceName;
use proto::finding::Attestation;
use serde::Deserialize;

use super::files;
use super::stop::Stop;
use crate::facts::Kind;

/// Everything a site file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFile {
    /// The site's name.
    pub name: Option<String>,
    /// Its policy file.
    pub policy: Option<PathBuf>,
    /// Its directory of advisories.
    pub advisories: Option<PathBuf>,
    /// Its dialect files.
    #[serde(default)]
    pub dialects: Vec<PathBuf>,
    /// How many devices are looked at at the same time.
    pub concurrency: Option<u16>,
    /// Its devices.
    #[serde(default)]
    pub devices: Vec<Entry>,
    /// What people vouch for.
    #[serde(default)]
    pub attestations: Vec<Attestation>,
}

/// One device of a site file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub name: DeviceName,
    /// What it is.
    pub kind: Kind,
    /// Where it listens.
    pub address: Option<String>,
    /// The configuration it exported.
    pub file: Option<PathBuf>,
    /// Whom to log in as.
    pub user: Option<String>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password.
    pub password_env: Option<String>,
    /// The certificate it must present.
    pub pin: Option<Pin>,
    /// Whether the password may cross the network readable.
    #[serde(default)]
    pub basic_in_clear: bool,
    /// A workstation's addresses.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// Reads a site file; the paths in it start at its own directory.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn load(path: &Path) -> Result<SiteFile, Stop> {
    let text = files::settings(path, "site file")?;
    let wrong = |why: String| Stop::Usage(format!("the site file {}: {why}", path.display()));
    let mut site: SiteFile =
        proto::text::parse_toml(&text).map_err(|error| wrong(error.to_string()))?;
    let base = path.parent().unwrap_or(Path::new(""));
    let here = |path: &mut PathBuf| *path = base.join(&*path);
    site.policy.iter_mut().chain(&mut site.advisories).chain(&mut site.dialects).for_each(here);
    for entry in &mut site.devices {
        entry.file.iter_mut().chain(&mut entry.password_file).for_each(here);
    }
    let mut names: Vec<_> = site.devices.iter().map(|entry| &entry.name).collect();
    names.sort();
    match names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())) {
        Some(Some(twice)) => Err(wrong(format!("two devices are called {twice}"))),
        Some(None) | None => Ok(site),
    }
}
