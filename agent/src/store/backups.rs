//! Backups of configurations: one durable file each, sealed at rest to the vault's key, with an index per device.
//!
//! A configuration holds passwords, so nothing of one is ever written in clear. One that is as the last backup makes no
//! new one; that it was looked at is noted. How many are kept, and in how many bytes, is bounded; the newest always
//! stays. A backup that was sealed to a lost key cannot be opened, and is said to be so, never guessed at. All calls block.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use certs::random::{self, NoRandomness};
use certs::seal::{self, Opener, SealError};
use proto::record::{BackupId, BackupReason};
use proto::stored::{self, Stored, StoredError};
use proto::{DeviceName, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::files::DurableFile;
use super::subject::device_folder;

/// Largest configuration that is kept, in bytes.
pub const LARGEST: usize = 1 << 20;
/// Sealed bytes of one device's backups together.
const MOST_BYTES: usize = 8 << 20;
/// Largest index, in bytes: fifty backups take a quarter of it.
const INDEX: usize = 64 << 10;

/// Why a backup is not made or not opened.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The disk would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A device's index is not readable.
    #[error("the list of backups in {} is not readable; move the folder away to begin anew", path.display())]
    Unreadable {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        source: StoredError,
    },
    /// A configuration beyond the bound, or none.
    #[error("a configuration of 1 byte to {LARGEST} bytes is backed up")]
    Size,
    /// There is none of that name.
    #[error("there is no backup {0} here; see the list of backups")]
    Missing(BackupId),
    /// It does not open.
    #[error(
        "backup {0} does not open with the vault's key; the copy at the controller opens with the recovery keys"
    )]
    WrongKey(BackupId),
    /// Sealing failed.
    #[error("cannot seal a backup")]
    Seal(#[source] SealError),
    /// The system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What is known of a backup without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its name.
    pub id: BackupId,
    /// When the configuration was read.
    pub made_at: Timestamp,
    /// Why.
    pub reason: BackupReason,
    /// The device's product line; may be empty.
    pub product: String,
    /// The device's firmware as it writes it; may be empty.
    pub firmware: String,
    /// SHA-256 over what of the configuration does not change by itself.
    #[serde(with = "proto::stored::bytes")]
    pub digest: Vec<u8>,
    /// Of the configuration, in bytes.
    pub size: u32,
    /// Of the sealed file, in bytes.
    sealed_size: u32,
    /// What was left for the controller; none while nothing was.
    pub told: Option<Told>,
}

/// What was left for the controller of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Of the recovery recipients at that time; 0 for none.
    pub generation: u64,
    /// Whether a copy sealed to them was left.
    pub sealed: bool,
}

/// A device's backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The oldest first.
    pub backups: Vec<Head>,
    /// When the configuration was last compared with the newest backup, and was as it is there.
    pub looked_at: Option<Timestamp>,
}

impl Stored for History {
    const WHAT: &'static str = "a list of backups";
    const VERSION: u8 = 1;
}

impl History {
    /// The newest.
    pub fn newest(&self) -> Option<&Head> {
        self.backups.last()
    }
}

/// A configuration to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a> {
    /// As the device showed it.
    pub bytes: &'a [u8],
    /// See [`Head::digest`].
    pub digest: [u8; 32],
    /// See [`Head::product`].
    pub product: &'a str,
    /// See [`Head::firmware`].
    pub firmware: &'a str,
    /// Why.
    pub reason: BackupReason,
    /// The present.
    pub now: Timestamp,
    /// Backups that stay, this one included.
    pub keep: usize,
}

/// Every device's backups. Clones are the same ones.
#[derive(Clone, Debug)]
pub struct Backups {
    folder: PathBuf,
    key: Arc<Opener>,
    writing: Arc<Mutex<()>>,
}

impl Backups {
    /// The backups in the agent's data folder, sealed to the vault's key. Nothing is touched yet.
    pub fn new(data: &Path, key: Arc<Opener>) -> Self {
        Self { folder: data.join("backups"), key, writing: Arc::default() }
    }

    /// Keeps a configuration durably, unless it is as the newest backup; gives the new backup.
    ///
    /// # Errors
    /// [`BackupError`]; nothing new is kept then.
    pub fn keep(
        &self,
        device: &DeviceName,
        fresh: &Fresh<'_>,
    ) -> Result<Option<Head>, BackupError> {
        if !(1..=LARGEST).contains(&fresh.bytes.len()) {
            return Err(BackupError::Size);
        }
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut history = self.history(device)?;
        history.looked_at = Some(fresh.now);
        let same = |head: &Head| head.digest == fresh.digest && head.firmware == fresh.firmware;
        if history.newest().is_some_and(same) {
            self.write(device, &history)?;
            return Ok(None);
        }
        let id = BackupId(random::bytes()?);
        let sealed = self.seal(fresh.bytes).map_err(BackupError::Seal)?;
        let head = Head {
            id,
            made_at: fresh.now,
            reason: fresh.reason,
            product: fresh.product.to_owned(),
            firmware: fresh.firmware.to_owned(),
            digest: fresh.digest.to_vec(),
            size: small(fresh.bytes.len()),
            sealed_size: small(sealed.len()),
            told: None,
        };
        // The file before the list: what is listed is there.
        self.file(device, id).write(&sealed)?;
        history.backups.push(head.clone());
        trim(&mut history.backups, fresh.keep);
        self.write(device, &history)?;
        self.sweep(device, &history);
        Ok(Some(head))
    }

    /// A device's backups; none if it has none.
    ///
    /// # Errors
    /// [`BackupError::Store`], [`BackupError::Unreadable`].
    pub fn history(&self, device: &DeviceName) -> Result<History, BackupError> {
        let Some(content) = self.index(device).read()? else { return Ok(History::default()) };
        let path = device_folder(Some(device), &self.folder);
        stored::decode(&content.bytes).map_err(|source| BackupError::Unreadable { path, source })
    }

    /// Devices of which there are backups, by name.
    ///
    /// # Errors
    /// What the system refused.
    pub fn devices(&self) -> Result<Vec<DeviceName>, BackupError> {
        let failed = |error| StoreError::io(&self.folder, error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error).into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().and_then(|name| name.parse().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// A configuration.
    ///
    /// # Errors
    /// [`BackupError::Missing`], [`BackupError::WrongKey`], [`BackupError::Store`].
    pub fn open(
        &self,
        device: &DeviceName,
        id: BackupId,
    ) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let content = self.file(device, id).read()?.ok_or(BackupError::Missing(id))?;
        let wrong = |_| BackupError::WrongKey(id);
        let reader = seal::opening(content.bytes.as_slice(), &self.key).map_err(wrong)?;
        // As large as it may be, so that the buffer never moves and leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(content.bytes.len()));
        let read = reader.take(LARGEST as u64).read_to_end(&mut bytes);
        read.map_err(|_| BackupError::WrongKey(id))?;
        Ok(bytes)
    }

    /// Notes durably what was left for the controller of a backup.
    ///
    /// # Errors
    /// [`BackupError::Missing`], and the others.
    pub fn note_told(
        &self,
        device: &DeviceName,
        id: BackupId,
        told: Told,
    ) -> Result<(), BackupError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut history = self.history(device)?;
        let head = history.backups.iter_mut().find(|head| head.id == id);
        head.ok_or(BackupError::Missing(id))?.told = Some(told);
        self.write(device, &history)
    }

    fn write(&self, device: &DeviceName, history: &History) -> Result<(), BackupError> {
        let path = device_folder(Some(device), &self.folder);
        let bytes =
            stored::encode(history).map_err(|source| BackupError::Unreadable { path, source })?;
        self.index(device).write(&bytes)?;
        Ok(())
    }

    fn index(&self, device: &DeviceName) -> DurableFile {
        DurableFile::new(&device_folder(Some(device), &self.folder), "backups", INDEX)
    }

    fn file(&self, device: &DeviceName, id: BackupId) -> DurableFile {
        let folder = device_folder(Some(device), &self.folder).join(id.to_string());
        DurableFile::new(&folder, "configuration", 2 * LARGEST)
    }

    fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut writer = seal::sealing(&[self.key.recipient()], Vec::new())?;
        writer.write_all(bytes)?;
        Ok(writer.finish()?)
    }

    /// Removes the files of backups that are not listed. One that cannot be removed now is tried again next time.
    fn sweep(&self, device: &DeviceName, history: &History) {
        let folder = device_folder(Some(device), &self.folder);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<BackupId>().ok());
            let Some(id) = id else { continue };
            if !history.backups.iter().any(|head| head.id == id) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Drops the oldest beyond the count and the bytes; the newest stays.
fn trim(backups: &mut Vec<Head>, keep: usize) {
    let bytes =
        |backups: &[Head]| -> usize { backups.iter().map(|head| head.sealed_size as usize).sum() };
    while backups.len() > 1 && (backups.len() > keep || bytes(backups) > MOST_BYTES) {
        backups.remove(0);
    }
}

fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "backups_tests.rs"]
mod tests;
