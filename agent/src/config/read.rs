//! The one place that opens settings files. It decides nothing; every read is bounded, and every error names the file.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use proto::text::{MAX_TOML, printable};
use proto::{Policy, Secret};
use zeroize::Zeroizing;

use super::{PasswordSource, SiteFile, policy as policy_file};
use crate::firmware::Advisories;

/// A larger certificate file is refused, in bytes.
const MAX_CERTIFICATE: usize = 64 << 10;
/// A larger exported configuration is refused, in bytes.
const MAX_CONFIGURATION: usize = 8 << 20;
/// A larger password file is refused, in bytes.
const MAX_PASSWORD: usize = 1 << 10;
/// A larger advisory is not read to its end, in bytes; [`Advisories::load`] has the same bound.
const MAX_ADVISORY: usize = 16 << 20;
/// A folder of advisories with more files is refused.
const MAX_FILES: usize = 10_000;
/// A folder of advisories with more in them altogether is refused, in bytes.
const MAX_FOLDER: usize = 512 << 20;
/// Folders within a folder of advisories are read this deep: providers sort by year and label.
const MAX_DEPTH: u32 = 4;

/// Why a file could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {what} {path}: {why}")]
pub struct ReadError {
    what: &'static str,
    path: String,
    why: String,
}

impl ReadError {
    fn new(what: &'static str, path: &Path, why: impl Into<String>) -> Self {
        Self { what, path: printable(&path.display().to_string(), 300), why: why.into() }
    }
}

/// Reads a site file; relative paths in it are relative to its folder.
///
/// # Errors
/// A file that cannot be read, is larger than 1 MiB or is no site file.
pub fn site(path: &Path) -> Result<SiteFile, ReadError> {
    let what = "the site file";
    let text = text(what, path, MAX_TOML)?;
    SiteFile::parse(&text, folder(path))
        .map_err(|error| ReadError::new(what, path, error.to_string()))
}

/// Reads a policy file and the certificate files that it names, relative to its folder.
///
/// # Errors
/// A file that cannot be read, is too large (1 MiB, certificates 64 KiB) or is no policy.
pub fn policy(path: &Path) -> Result<Policy, ReadError> {
    let what = "the policy";
    let text = text(what, path, MAX_TOML)?;
    let authority =
        |path: &Path| self::text("certificate", path, MAX_CERTIFICATE).map_err(|error| error.why);
    policy_file::parse(&text, folder(path), authority)
        .map_err(|why| ReadError::new(what, path, why))
}

/// Reads a dialect or any other settings file in TOML, up to 1 MiB.
///
/// # Errors
/// A file that cannot be read, is too large or is not UTF-8.
pub fn settings(what: &'static str, path: &Path) -> Result<String, ReadError> {
    text(what, path, MAX_TOML)
}

/// Reads a configuration that a camera exported, up to 8 MiB; real ones have some tens of thousands of bytes.
///
/// # Errors
/// A file that cannot be read or is too large.
pub fn configuration(path: &Path) -> Result<Vec<u8>, ReadError> {
    bytes("the configuration", path, MAX_CONFIGURATION)
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

/// Adds every `.json` file in a folder, and in folders within it, to `advisories`, sorted by path. A refused file does
/// not keep the others out; the caller tells the person.
///
/// # Errors
/// A folder that cannot be listed, or with more than 10,000 such files or 512 MiB in them.
pub fn advisories(path: &Path, advisories: &mut Advisories) -> Result<AdvisoryFolder, ReadError> {
    let mut files = Vec::new();
    list(path, MAX_DEPTH, &mut files)?;
    files.sort();
    let mut out = AdvisoryFolder::default();
    let mut total = 0usize;
    for file in files {
        let name = file.strip_prefix(path).unwrap_or(&file).display().to_string();
        let loaded = match bytes("advisory", &file, MAX_ADVISORY) {
            Ok(bytes) => {
                total = total.saturating_add(bytes.len());
                advisories.load(&name, &bytes).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if total > MAX_FOLDER {
            let why = format!("the files have more than {} MiB altogether", MAX_FOLDER >> 20);
            return Err(ReadError::new("the folder of advisories", path, why));
        }
        match loaded {
            Ok(0) => out.passed_over += 1,
            Ok(_) => out.used += 1,
            Err(message) => out.refused.push(message),
        }
    }
    Ok(out)
}

/// Fetches a password. `environment` looks a variable up; a file's first line counts, without its line end.
///
/// # Errors
/// No such variable or file, an empty password, a file larger than 1 KiB, not UTF-8, or, on Unix, readable by others
/// than its owner. The message never holds the password.
pub fn password(
    source: &PasswordSource,
    environment: impl FnOnce(&str) -> Option<String>,
) -> Result<Secret, ReadError> {
    match source {
        PasswordSource::File(path) => password_file(path),
        PasswordSource::Environment(name) => {
            let path = Path::new(name);
            let refuse =
                |why: &str| ReadError::new("the password from the environment variable", path, why);
            match environment(name) {
                None => Err(refuse("it is not set, or not UTF-8; set it for this program")),
                Some(text) if text.is_empty() => Err(refuse("it is empty")),
                Some(text) => Ok(Secret::new(text)),
            }
        }
    }
}

/// Reads a password from the first line of a file; see [`password`].
///
/// # Errors
/// See [`password`].
pub fn password_file(path: &Path) -> Result<Secret, ReadError> {
    let what = "the password file";
    let refuse = |why: String| ReadError::new(what, path, why);
    let mut file = open(what, path)?;
    let metadata = file.metadata().map_err(|error| refuse(error.to_string()))?;
    if is_open_to_others(&metadata) {
        let shown = printable(&path.display().to_string(), 300);
        return Err(refuse(format!(
            "others than its owner may read or change it; run: chmod 600 '{shown}'"
        )));
    }
    // A fixed buffer: one that grows would leave copies of the password behind.
    let mut buffer = Zeroizing::new([0u8; MAX_PASSWORD + 1]);
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refuse(error.to_string())),
        }
    }
    if length > MAX_PASSWORD {
        return Err(refuse(format!(
            "it is larger than {MAX_PASSWORD} bytes; only the password belongs into it"
        )));
    }
    let content = buffer.get(..length).unwrap_or_default();
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text =
        std::str::from_utf8(line).map_err(|_| refuse("its first line is not UTF-8".to_owned()))?;
    if text.is_empty() {
        Err(refuse("its first line is empty".to_owned()))
    } else {
        Ok(Secret::new(text))
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// Elsewhere the rights of others cannot be told from the file's mode.
#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn list(path: &Path, depth: u32, files: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    let what = "the folder of advisories";
    let refuse = |why: String| ReadError::new(what, path, why);
    for entry in std::fs::read_dir(path).map_err(|error| refuse(error.to_string()))? {
        let entry = entry.map_err(|error| refuse(error.to_string()))?;
        let kind = entry.file_type().map_err(|error| refuse(error.to_string()))?;
        let inner = entry.path();
        // A link to a folder is not followed: it may lead in a circle.
        if kind.is_dir() {
            let depth = depth
                .checked_sub(1)
                .ok_or_else(|| refuse(format!("folders nest more than {MAX_DEPTH} deep")))?;
            list(&inner, depth, files)?;
        } else if inner.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
        {
            files.push(inner);
            if files.len() > MAX_FILES {
                return Err(refuse(format!("there are more than {MAX_FILES} files")));
            }
        }
    }
    Ok(())
}

/// Opens a plain file; a pipe or device might never end, or never begin.
fn open(what: &'static str, path: &Path) -> Result<File, ReadError> {
    let refuse = |why: String| ReadError::new(what, path, why);
    let metadata = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if !metadata.is_file() {
        return Err(refuse("it is no plain file".to_owned()));
    }
    File::open(path).map_err(|error| refuse(error.to_string()))
}

fn bytes(what: &'static str, path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let refuse = |why: String| ReadError::new(what, path, why);
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    open(what, path)?
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|error| refuse(error.to_string()))?;
    if out.len() > most { Err(refuse(format!("it is larger than {most} bytes"))) } else { Ok(out) }
}

fn text(what: &'static str, path: &Path, most: usize) -> Result<String, ReadError> {
    let bytes = bytes(what, path, most)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ReadError::new(what, path, format!("it is not UTF-8 text: byte {at} begins no character"))
    })?;
    match text.strip_prefix('\u{feff}') {
        Some(behind_mark) => Ok(behind_mark.to_owned()),
        None => Ok(text),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
