//! The journal of rotations: where each credential stands, and how many log-ins a device may have counted as failed.
//! Small durable files, one per credential, so that damage to one takes no other along.
//!
//! Write-ahead is kept by type: whoever performs an effect wants a [`Durable`] one, and only [`Journal::commit`] makes
//! it, after the state in which it is performed, and the log-in it may cost, are on the disk.
//!
//! Holds no secret, only their names; the secrets are in the [`super::vault`], written before the journal names them.
//! All calls block.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use proto::stored::{self, Stored, StoredError};
use proto::{DeviceName, SecretId, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files::DurableFile;
use super::subject::{Subject, device_folder, device_of};
use crate::rotation::attempts::{Attempts, Limit};
use crate::rotation::due::Why;
use crate::rotation::{Effect, Rotation};

/// Largest entry, in bytes: the state of one credential is less than two thousand.
const LARGEST: usize = 16 << 10;
/// Most devices, and most credentials of one device, that are looked for.
const MOST: usize = 10_000;

/// Proof that the journal holds the state in which this was chosen. Only [`Journal::commit`] makes one.
#[derive(Debug)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// What may be done now.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Where one credential stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Which.
    pub subject: Subject,
    /// Where it stands.
    pub rotation: Rotation<SecretId>,
    /// Why it is due, or why its change was begun.
    pub why: Why,
    /// When it was last changed; `None` if never by us.
    pub changed: Option<Timestamp>,
}

impl Stored for Entry {
    const WHAT: &'static str = "a journal entry";
    const VERSION: u8 = 1;
}

/// The log-ins of a device that may have failed.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logins {
    attempts: Attempts,
}

impl Stored for Logins {
    const WHAT: &'static str = "a count of log-ins";
    const VERSION: u8 = 1;
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is there is not readable; nothing is done with that device before somebody has looked.
    #[error("{} is not readable; its devices are left alone until it is restored", path.display())]
    Unreadable {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        source: StoredError,
    },
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The entry. If the other generation is damaged it may be one write behind, which the machine allows for.
    pub entry: Entry,
    /// The generation that is damaged, to be reported.
    pub damaged: Option<PathBuf>,
}

/// The log-in that an effect may cost.
#[derive(Clone, Copy, Debug)]
pub enum Cost<'a> {
    /// None: it asks nobody to let us in.
    Nothing,
    /// One, on this device, which blocks us at this limit.
    Login(&'a Limit, Timestamp),
}

/// The journal. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Held while a count of log-ins is changed: a turn may charge one while the clock's jump moves all of them.
    counting: Arc<Mutex<()>>,
}

impl Journal {
    /// The journal in the agent's data folder. Nothing is touched yet.
    pub fn new(data: &Path) -> Self {
        Self::within(data.join("rotations"))
    }

    /// The journal in a folder of its own. Nothing is touched yet.
    pub fn within(folder: PathBuf) -> Self {
        Self { folder, counting: Arc::default() }
    }

    /// The folder of one credential; the vault keeps its secrets there too.
    pub(super) fn folder_of(&self, subject: &Subject) -> PathBuf {
        subject.folder(&self.folder)
    }

    /// Every credential that stands in the journal, in order of their names, and what could not be read.
    ///
    /// # Errors
    /// What the system refused.
    pub fn all(&self) -> Result<(Vec<Read>, Vec<JournalError>), JournalError> {
        let (mut found, mut troubles) = (Vec::new(), Vec::new());
        for device in folders(&self.folder)? {
            for credential in folders(&device)? {
                match read(&credential) {
                    Ok(Some(read)) => found.push(read),
                    Ok(None) => {}
                    Err(error) => troubles.push(error),
                }
            }
        }
        found.sort_by(|one, other| one.entry.subject.cmp(&other.entry.subject));
        Ok((found, troubles))
    }

    /// Where one credential stands; `None` if it was never recorded.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(&self, subject: &Subject) -> Result<Option<Read>, JournalError> {
        read(&self.folder_of(subject))
    }

    /// Makes an entry durable.
    ///
    /// # Errors
    /// [`JournalError`]. What was there before is then still there, or this is.
    pub fn record(&self, entry: &Entry) -> Result<(), JournalError> {
        write(&self.folder_of(&entry.subject), "entry", entry)
    }

    /// Forgets where a credential stands. Its secrets stay in the vault, and the log-ins that may have failed are counted
    /// on.
    ///
    /// # Errors
    /// [`JournalError`]; it may stand there still, as it did.
    pub fn forget(&self, subject: &Subject) -> Result<(), JournalError> {
        DurableFile::new(&self.folder_of(subject), "entry", LARGEST).remove()?;
        Ok(())
    }

    /// Makes durable in which state `effect` is performed and what it may cost, and gives the proof.
    ///
    /// # Errors
    /// [`JournalError`]; the effect must not be performed then.
    pub fn commit(
        &self,
        entry: &Entry,
        effect: Effect<SecretId>,
        cost: Cost<'_>,
    ) -> Result<Durable<Effect<SecretId>>, JournalError> {
        if let Cost::Login(limit, now) = cost {
            self.change(entry.subject.device.as_ref(), |attempts| attempts.charge(limit, now))?;
        }
        self.record(entry)?;
        Ok(Durable(effect))
    }

    /// The device let us in with the log-in that was charged last.
    ///
    /// # Errors
    /// [`JournalError`]; the log-in counts as failed then.
    pub fn refund(&self, device: Option<&DeviceName>) -> Result<(), JournalError> {
        self.change(device, Attempts::refund)
    }

    /// A log-in outside a rotation is about to be made: a visit's.
    ///
    /// # Errors
    /// [`JournalError`]; the log-in must not be made then.
    pub fn charge(
        &self,
        device: Option<&DeviceName>,
        limit: &Limit,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(device, |attempts| attempts.charge(limit, now))
    }

    /// The clock was set, or this program started without knowing the time: what may have failed counts as of now.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn rebase(&self, now: Timestamp) -> Result<(), JournalError> {
        for folder in folders(&self.folder)? {
            self.change_in(&folder, |attempts| attempts.rebase(now))?;
        }
        Ok(())
    }

    /// This program starts, by a clock that nobody has vouched for; see [`Attempts::distrust`].
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn distrust(
        &self,
        limit: &Limit,
        certain: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        for folder in folders(&self.folder)? {
            self.change_in(&folder, |attempts| attempts.distrust(limit, certain, now))?;
        }
        Ok(())
    }

    /// The same as [`Journal::rebase`] for one device, by whoever keeps others off it meanwhile.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn rebase_device(
        &self,
        device: Option<&DeviceName>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(device, |attempts| attempts.rebase(now))
    }

    /// Every device of which anything is known; `None` for the site.
    ///
    /// # Errors
    /// What the system refused.
    pub fn devices(&self) -> Result<Vec<Option<DeviceName>>, JournalError> {
        Ok(folders(&self.folder)?.iter().filter_map(|folder| device_of(folder)).collect())
    }

    /// The log-ins of a device that may have failed. If the clock was set back, they count as of now.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn attempts(
        &self,
        device: Option<&DeviceName>,
        now: Timestamp,
    ) -> Result<Attempts, JournalError> {
        let folder = device_folder(device, &self.folder);
        let (mut logins, _) = logins(&folder)?;
        if logins.attempts.is_ahead(now) {
            self.change_in(&folder, |attempts| attempts.rebase(now))?;
            logins.attempts.rebase(now);
        }
        Ok(logins.attempts)
    }

    fn change(
        &self,
        device: Option<&DeviceName>,
        how: impl FnOnce(&mut Attempts),
    ) -> Result<(), JournalError> {
        self.change_in(&device_folder(device, &self.folder), how)
    }

    fn change_in(
        &self,
        folder: &Path,
        how: impl FnOnce(&mut Attempts),
    ) -> Result<(), JournalError> {
        let _counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut logins, stored) = logins(folder)?;
        how(&mut logins.attempts);
        let bytes = stored::encode(&logins).map_err(|source| unreadable(folder, source))?;
        if stored.as_deref() == Some(&bytes)
            || stored.is_none() && logins.attempts == Attempts::default()
        {
            return Ok(());
        }
        DurableFile::new(folder, "logins", LARGEST).write(&bytes)?;
        Ok(())
    }
}

/// The count, and its bytes if they are what both generations say.
fn logins(folder: &Path) -> Result<(Logins, Option<Vec<u8>>), JournalError> {
    let file = DurableFile::new(folder, "logins", LARGEST);
    let Some(content) = file.read()? else { return Ok((Logins::default(), None)) };
    let mut logins: Logins =
        stored::decode(&content.bytes).map_err(|source| unreadable(folder, source))?;
    let bytes = content.bytes.to_vec();
    if content.damaged.is_some() {
        // The damaged one may have been one further.
        logins.attempts.assume_one_more();
        return Ok((logins, None));
    }
    Ok((logins, Some(bytes)))
}

fn read(folder: &Path) -> Result<Option<Read>, JournalError> {
    let Some(content) = DurableFile::new(folder, "entry", LARGEST).read()? else {
        return Ok(None);
    };
    let entry = stored::decode(&content.bytes).map_err(|source| unreadable(folder, source))?;
    Ok(Some(Read { entry, damaged: content.damaged }))
}

/// Writes what is not there already: the card is spared, and a state that did not change is durable as it is.
fn write<T: Stored>(folder: &Path, name: &'static str, record: &T) -> Result<(), JournalError> {
    let bytes = stored::encode(record).map_err(|source| unreadable(folder, source))?;
    let file = DurableFile::new(folder, name, LARGEST);
    let there = file
        .read()?
        .is_some_and(|there| there.damaged.is_none() && there.bytes.as_slice() == bytes.as_slice());
    if !there {
        file.write(&bytes)?;
    }
    Ok(())
}

fn unreadable(folder: &Path, source: StoredError) -> JournalError {
    JournalError::Unreadable { path: folder.to_owned(), source }
}

/// The folders in a folder, if there is one, in order.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(folder, error).into()),
    };
    let mut found = Vec::new();
    for entry in entries.take(MOST) {
        let path = entry.map_err(|error| StoreError::io(folder, error))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
