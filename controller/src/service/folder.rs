//! The data folder: files written so that a power cut leaves the old or the new, and a folder filled so that it ends up
//! whole or as it was.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The database.
pub const DATABASE: &str = "palisade.db";
/// The folder of certificates and keys.
pub const AUTHORITY: &str = "authority";
/// Where a folder is filled before it counts.
const MAKING: &str = ".making";
/// May lie in a data folder before there is a controller in it.
const HARMLESS: [&str; 3] = ["palisade.toml", "lost+found", MAKING];
/// Largest file of the authority that is read, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// Why a folder could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something is there already.
    #[error("{} already holds {found}; name an empty folder, or one that is not there yet", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The system refused.
    #[error("{} could not be {what}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Names file and deed in a [`FolderError`].
pub(super) fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { what, path: path.clone(), source }
}

/// Writes a file that is not there yet, readable by its owner alone, and waits until it is on disk; that its name is on
/// disk takes [`sync_folder`].
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(failed("written", path))
}

/// Reads a small file.
pub(super) fn read_small(path: &Path) -> Result<Vec<u8>, FolderError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
        }
        Ok(bytes)
    };
    read().map_err(failed("read", path))
}

/// Makes a folder that only its owner may enter.
pub(super) fn make_folder(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed("made", path))
}

/// Waits until the names in a folder are on disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), FolderError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("synced", path))
}

/// Moves a file or folder within one file system.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), FolderError> {
    fs::rename(from, to).map_err(failed("moved into its place", from))
}

/// Removes a folder with what is in it; one that is not there is removed already.
pub(super) fn remove_folder(path: &Path) -> Result<(), FolderError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("removed", path)(error))
        }
        _ => Ok(()),
    }
}

/// A data folder that is being filled. Dropped before [`Staging::publish`], it leaves the folder as it was.
#[derive(Debug)]
pub(super) struct Staging {
    data: PathBuf,
    inner: PathBuf,
    made: bool,
}

impl Staging {
    /// Begins to fill `data`, which is made if it is not there and must hold nothing else.
    pub(super) fn begin(data: &Path) -> Result<Self, FolderError> {
        let made = !data.exists();
        if made {
            fs::create_dir_all(data).map_err(failed("made", data))?;
        }
        let staging = Self { data: data.to_owned(), inner: data.join(MAKING), made };
        staging.clear()?;
        let alone = fs::Permissions::from_mode(0o700);
        fs::set_permissions(data, alone).map_err(failed("closed to others", data))?;
        make_folder(&staging.inner)?;
        Ok(staging)
    }

    /// Removes what an attempt left that a crash ended: the database is moved last, so without one nothing counts.
    fn clear(&self) -> Result<(), FolderError> {
        let (data, inner) = (&self.data, &self.inner);
        if inner.exists() && !data.join(DATABASE).exists() {
            remove_folder(&data.join(AUTHORITY))?;
            remove_folder(inner)?;
        }
        for entry in fs::read_dir(data).map_err(failed("read", data))? {
            let name = entry.map_err(failed("read", data))?.file_name();
            if !HARMLESS.iter().any(|harmless| name == *harmless) {
                let found = proto::text::printable(&name.to_string_lossy(), 80);
                return Err(FolderError::Occupied { path: data.clone(), found });
            }
        }
        Ok(())
    }

    /// The folder to fill.
    pub(super) fn path(&self) -> &Path {
        &self.inner
    }

    /// What was filled in is the data folder's from now on: the authority first, the database last.
    pub(super) fn publish(mut self) -> Result<(), FolderError> {
        let inner = self.inner.clone();
        let database = inner.join(DATABASE);
        File::open(&database)
            .and_then(|file| file.sync_all())
            .map_err(failed("synced", &database))?;
        sync_folder(&inner)?;
        let wal = format!("{DATABASE}-wal");
        for name in [AUTHORITY, wal.as_str(), DATABASE] {
            let from = inner.join(name);
            if from.exists() {
                rename(&from, &self.data.join(name))?;
                sync_folder(&self.data)?;
            }
        }
        self.made = false;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next attempt.
        let _ = fs::remove_dir_all(&self.inner);
        if self.made {
            let _ = fs::remove_dir(&self.data);
        }
    }
}
