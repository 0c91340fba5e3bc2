//! The site file and all that it names, as read from disk. Blocking: called where that is allowed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use proto::Policy;

use crate::config::read::{self, ReadError};
use crate::config::{PasswordSource, SiteDevice, SiteFile, SiteSource};
use crate::device::mobotix::Dialects;
use crate::firmware::Advisories;
use crate::inventory::Mark;

/// A site, ready to be visited.
#[derive(Debug)]
pub struct Loaded {
    /// The site file.
    pub file: SiteFile,
    /// The policy that it names, or the default one.
    pub policy: Policy,
    /// What vendors say.
    pub advisories: Arc<Advisories>,
    /// What firmware calls its settings.
    pub dialects: Arc<Dialects>,
}

/// Why a site cannot be visited.
#[derive(Debug, thiserror::Error)]
pub enum NotLoaded {
    /// The site file, or a file that it names, cannot be read or is wrong.
    #[error("{0}")]
    File(#[from] ReadError),
    /// A dialect is wrong.
    #[error("reading the dialect {0}: {1}")]
    Dialect(String, String),
    /// An advisory is wrong. A firmware that it condemns would be judged current without it.
    #[error("{0}")]
    Advisory(String),
}

/// Reads a site file and what it names.
///
/// # Errors
/// See [`NotLoaded`]. A site is taken whole or not at all.
pub fn load(path: &Path) -> Result<Loaded, NotLoaded> {
    let file = read::site(path)?;
    let policy = match &file.policy {
        Some(path) => read::policy(path)?,
        None => Policy::default(),
    };
    let mut advisories = Advisories::builtin();
    if let Some(folder) = &file.advisories {
        let read = read::advisories(folder, &mut advisories)?;
        if let Some(first) = read.refused.into_iter().next() {
            return Err(NotLoaded::Advisory(first));
        }
    }
    let mut dialects = Dialects::builtin();
    for path in &file.dialects {
        let text = read::settings("the dialect", path)?;
        let wrong = |why| NotLoaded::Dialect(path.display().to_string(), why);
        dialects.add(&text).map_err(|why| wrong(why.to_string()))?;
    }
    let (advisories, dialects) = (Arc::new(advisories), Arc::new(dialects));
    Ok(Loaded { file, policy, advisories, dialects })
}

/// When the site file, and the files that it names, were last written, in a form that only tells "as before" from
/// "otherwise". Files in the folder of advisories count by the folder's own date.
pub fn stamp(path: &Path, file: Option<&SiteFile>) -> Vec<Option<(u64, u64)>> {
    let named = file.into_iter().flat_map(|file| {
        file.policy.iter().chain(&file.advisories).chain(&file.dialects).map(PathBuf::as_path)
    });
    std::iter::once(path).chain(named).map(written).collect()
}

/// When a file was written, in nanoseconds, and how long it is.
fn written(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), metadata.len()))
}

/// What a log-in to the device is tried with: its entry, its password file's date, and the policy. The password itself
/// is not in it, since the mark is stored.
pub fn mark(device: &SiteDevice, policy: &Policy) -> Mark {
    let password = match &device.source {
        SiteSource::Live { login: Some(login), .. } => match &login.password {
            PasswordSource::File(path) => written(path),
            PasswordSource::Environment(_) => None,
        },
        SiteSource::Live { login: None, .. } | SiteSource::File(_) | SiteSource::Declared => None,
    };
    let policy = serde_json::to_vec(policy).expect("a policy is JSON");
    let text = format!("{device:?} {password:?}");
    let digest = certs::random::digest(&[text.as_bytes(), &policy].concat());
    let mut mark = Mark::default();
    mark.copy_from_slice(&digest[..16]);
    mark
}
