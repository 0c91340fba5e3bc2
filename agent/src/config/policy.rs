//! A policy file as the agent takes it: certificates may be named by file, and firmware versions must be versions.
//!
//! Pure: the files that a policy names are handed in by [`super::read::policy`].

use std::path::{Path, PathBuf};

use proto::Policy;
use proto::text::{TomlError, printable};

use crate::firmware::Version;

/// Reads a policy's text. `authority` reads a certificate file that `certificates.authorities` names; what comes back
/// holds PEM texts only.
///
/// # Errors
/// What [`Policy::from_toml`] refuses, a certificate that cannot be had, and a wanted firmware that is no version.
pub fn parse(
    text: &str,
    folder: &Path,
    mut authority: impl FnMut(&Path) -> Result<String, String>,
) -> Result<Policy, String> {
    let mut policy = Policy::from_toml(text).map_err(|error: TomlError| error.to_string())?;
    for version in &policy.firmware.minimum {
        version.parse::<Version>().map_err(|error| format!("firmware.minimum: {error}"))?;
    }
    for entry in &mut policy.certificates.authorities {
        if let Some(path) = named_file(entry) {
            let path = folder.join(path);
            *entry = authority(&path)
                .map_err(|why| format!("certificates.authorities: {}: {why}", shown(&path)))?;
        }
        check_pem(entry).map_err(|why| format!("certificates.authorities: {why}"))?;
    }
    Ok(policy)
}

/// The path, if the entry is one: it ends in `.pem` or `.crt`.
fn named_file(entry: &str) -> Option<PathBuf> {
    let path = Path::new(entry.trim());
    let extension = path.extension()?.to_str()?;
    let named = ["pem", "crt"].iter().any(|known| extension.eq_ignore_ascii_case(known));
    (named && !entry.contains("-----BEGIN")).then(|| path.to_owned())
}

fn check_pem(text: &str) -> Result<(), &'static str> {
    if text.contains("PRIVATE KEY-----") {
        return Err("a private key stands there; a policy needs the authority's certificate only");
    }
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err(
            "it holds no certificate; write its PEM text, or a path ending in .pem or .crt to a file with it",
        )
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string(), 200)
}
