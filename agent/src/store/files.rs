//! Small files that must survive a power cut: the identity, the time floor, the audit head, counters.
//!
//! A file `x` is two files, `x.0` and `x.1`, each a whole generation that describes itself: magic, version, generation,
//! length, SHA-256, content. A write goes to `x.new`, is synced, takes the place of the *older* generation by a rename,
//! and the folder is synced; the newest generation is never touched, so that one sound generation is there at any
//! moment, and after the write has returned it is the new one. A read takes the newest sound generation and says if the
//! other one is damaged.
//!
//! All calls block. Refuses content over the file's cap, and never follows a name out of its folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use certs::random::digest;
use zeroize::Zeroizing;

use super::error::StoreError;

const MAGIC: &[u8; 8] = b"PALISADE";
const VERSION: u8 = 1;
/// Magic, version, generation, length, digest.
const HEADER: usize = 8 + 1 + 8 + 8 + 32;
/// What the digest covers besides the content.
const COVERED: usize = 8 + 1 + 8 + 8;

/// One durable file. Clones share the lock that keeps writers apart.
#[derive(Clone, Debug)]
pub struct DurableFile {
    folder: PathBuf,
    name: &'static str,
    most: usize,
    writing: Arc<Mutex<()>>,
}

/// What a durable file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The bytes, as they were given to [`DurableFile::write`]; wiped when dropped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// How often the file was written.
    pub generation: u64,
    /// The other generation, if it is there and not readable. This one may then be one write behind: report it.
    pub damaged: Option<PathBuf>,
}

enum Slot {
    Absent,
    Damaged,
    Sound { generation: u64, bytes: Zeroizing<Vec<u8>> },
}

impl Slot {
    fn generation(&self) -> Option<u64> {
        match self {
            Self::Absent | Self::Damaged => None,
            Self::Sound { generation, .. } => Some(*generation),
        }
    }
}

impl DurableFile {
    /// The file `name` in `folder`, with at most `most` bytes of content. Nothing is touched yet.
    pub fn new(folder: &Path, name: &'static str, most: usize) -> Self {
        Self { folder: folder.to_owned(), name, most, writing: Arc::default() }
    }

    /// The newest sound generation; `None` if the file was never written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there are generations and none is sound; otherwise what the system refused.
    pub fn read(&self) -> Result<Option<Content>, StoreError> {
        let (first, second) = (self.slot(0)?, self.slot(1)?);
        let (newer, other, other_path) = if first.generation() >= second.generation() {
            (first, second, self.path(1))
        } else {
            (second, first, self.path(0))
        };
        match (newer, other) {
            (Slot::Sound { generation, bytes }, other) => {
                let damaged = matches!(other, Slot::Damaged).then_some(other_path);
                Ok(Some(Content { bytes, generation, damaged }))
            }
            (Slot::Absent, Slot::Absent) => Ok(None),
            (Slot::Absent | Slot::Damaged, _) => {
                Err(StoreError::Damaged(self.folder.join(self.name)))
            }
        }
    }

    /// Makes `bytes` the content, durably: when this returns, a power cut cannot bring back what was before. Returns
    /// the new generation. After an error the old content is still there (or, if only the last sync failed, the new).
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or what the system refused.
    pub fn write(&self, bytes: &[u8]) -> Result<u64, StoreError> {
        if bytes.len() > self.most {
            let (what, most) = (self.name, self.most);
            return Err(StoreError::TooLarge { what, bytes: bytes.len(), most });
        }
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        make_private_folder(&self.folder)?;
        let (first, second) = (self.slot(0)?.generation(), self.slot(1)?.generation());
        // `None` is less than any generation: what is absent or damaged is written over first.
        let slot = usize::from(first > second);
        let generation = first.max(second).unwrap_or(0).saturating_add(1);
        let (new, target) = (self.folder.join(format!("{}.new", self.name)), self.path(slot));
        if target.is_dir() {
            // Not ours, and a file cannot take its place; nobody's folder is deleted for that.
            let _ = fs::rename(&target, target.with_extension(format!("{slot}.set-aside")));
        }
        let written = write_synced(&new, &framed(generation, bytes))
            .map_err(|error| StoreError::io(&new, error))
            .and_then(|()| {
                fs::rename(&new, &target).map_err(|error| StoreError::io(&target, error))
            });
        if let Err(error) = written {
            // Its room may be what the next try needs. If it cannot be removed, the next write replaces it.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        sync_folder(&self.folder)?;
        Ok(generation)
    }

    /// Takes the file away, durably. The older generation goes first, so that a power cut in between leaves the newest or
    /// nothing.
    ///
    /// # Errors
    /// What the system refused; the newest generation may be there still.
    pub fn remove(&self) -> Result<(), StoreError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = usize::from(self.slot(0)?.generation() < self.slot(1)?.generation());
        for slot in [1 - newest, newest] {
            let path = self.path(slot);
            match fs::remove_file(&path) {
                Ok(()) => sync_folder(&self.folder)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io(&path, error)),
            }
        }
        Ok(())
    }

    fn path(&self, slot: usize) -> PathBuf {
        self.folder.join(format!("{}.{slot}", self.name))
    }

    fn slot(&self, slot: usize) -> Result<Slot, StoreError> {
        let path = self.path(slot);
        let longest = HEADER + self.most;
        match read_regular(&path, longest) {
            Ok(Some(bytes)) => Ok(unframed(&bytes)),
            Ok(None) => Ok(Slot::Damaged),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Slot::Absent),
            // A bad sector is damage like any other: the other generation may be sound.
            Err(error) => match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::NotADirectory => {
                    Err(StoreError::io(&path, error))
                }
                _ => Ok(Slot::Damaged),
            },
        }
    }
}

/// Makes a folder, and its parents, that only its owner may enter, durably.
///
/// # Errors
/// What the system refused.
pub fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            if found.permissions().mode() & 0o077 != 0 {
                // The files in it are private themselves, so a folder that cannot be tightened is no reason to stop.
                let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
            }
            Ok(())
        }
        Ok(_) => Err(StoreError::io(folder, ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            if !parent.exists() {
                make_private_folder(parent)?;
            }
            let made = DirBuilder::new().mode(0o700).create(folder);
            made.map_err(|error| StoreError::io(folder, error))?;
            sync_folder(parent)
        }
        Err(error) => Err(StoreError::io(folder, error)),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::io(folder, error))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Whatever has the name is left over from a cut; a fresh file has the right owner and permissions for sure.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The bytes of a regular file; `None` for anything else, or if it is longer than `longest`.
fn read_regular(path: &Path, longest: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Asked by name first: to open a pipe would wait for a writer.
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > longest as u64 {
        return Ok(None);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(longest.min(length as usize + 1)));
    file.take(longest as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn framed(generation: u64, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(HEADER + content.len()));
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    out.extend_from_slice(&generation.to_be_bytes());
    out.extend_from_slice(&(content.len() as u64).to_be_bytes());
    let digest = checksum(&out, content);
    out.extend_from_slice(&digest);
    out.extend_from_slice(content);
    out
}

fn checksum(header: &[u8], content: &[u8]) -> [u8; 32] {
    let covered = Zeroizing::new([header, content].concat());
    digest(&covered)
}

fn unframed(bytes: &[u8]) -> Slot {
    let sound = || {
        let (header, content) = bytes.split_at_checked(HEADER)?;
        let (covered, digest) = header.split_at(COVERED);
        let number = |at: usize| covered[at..at + 8].try_into().map(u64::from_be_bytes).ok();
        let (generation, length) = (number(9)?, number(17)?);
        let right = covered.starts_with(MAGIC)
            && covered[8] == VERSION
            && length == content.len() as u64
            && checksum(covered, content) == digest;
        right.then(|| Slot::Sound { generation, bytes: Zeroizing::new(content.to_vec()) })
    };
    sound().unwrap_or(Slot::Damaged)
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
