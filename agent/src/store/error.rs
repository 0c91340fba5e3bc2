//! What may go wrong with the disk, by what the caller can do about it. Texts never hold content.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why something could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room, no quota, or over the largest file the system allows. What was there before is still readable.
    #[error("no room left on the disk for {}; free some, it is tried again", path.display())]
    DiskFull {
        /// The file or folder that was written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk takes no writes. What was there before is still readable.
    #[error("the disk that holds {} is read-only; look for a worn card, or mount it for writing", path.display())]
    ReadOnly {
        /// The file or folder that was written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not let this user do it.
    #[error("not allowed to use {}; give it to the agent's user", path.display())]
    Denied {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the folder.
    #[error("{} is in use; is another agent running on this folder?", .0.display())]
    InUse(PathBuf),
    /// Every generation of a durable file is damaged or foreign.
    #[error("no generation of {} is readable; restore it, or remove both files to begin anew", .0.display())]
    Damaged(PathBuf),
    /// Larger than what is allowed there.
    #[error("{what} has {bytes} bytes, {most} are allowed")]
    TooLarge {
        /// What it was.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// The cache has reached its bound.
    #[error("the cache is full; what is cached must be removed first")]
    CacheFull,
    /// Anything else the system refused.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No random name could be drawn for the outbox.
    #[error(transparent)]
    NoRandomness(#[from] certs::random::NoRandomness),
    /// The program ends, and takes no more work.
    #[error("the store is closed, since the agent ends")]
    Closed,
}

impl StoreError {
    /// Sorts what the system said about a file or folder.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match Trouble::of(&source) {
            Trouble::DiskFull => Self::DiskFull { path, source },
            Trouble::ReadOnly => Self::ReadOnly { path, source },
            Trouble::Denied => Self::Denied { path, source },
            Trouble::InUse | Trouble::Damaged | Trouble::Failing => Self::Io { path, source },
        }
    }
}

/// Why the cache and the outbox are not on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room left.
    DiskFull,
    /// The disk takes no writes.
    ReadOnly,
    /// The system does not let this user write there.
    Denied,
    /// Another process has it.
    InUse,
    /// What is there cannot be used: damaged, of somebody else, or of a newer version.
    Damaged,
    /// The disk answers with errors.
    Failing,
}

impl Trouble {
    /// A short word for status and logs, such as `disk full`.
    pub fn word(self) -> &'static str {
        match self {
            Self::DiskFull => "disk full",
            Self::ReadOnly => "disk read-only",
            Self::Denied => "not allowed to write",
            Self::InUse => "in use by another process",
            Self::Damaged => "damaged",
            Self::Failing => "disk failing",
        }
    }

    /// Sorts an error. What is wrong with the *place* must not lead to a rebuild, since the content may be sound.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::AlreadyExists
            | ErrorKind::DirectoryNotEmpty
            | ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::UnexpectedEof => Self::Damaged,
            // sled has no variant of its own for this.
            ErrorKind::Other if error.to_string().contains("could not acquire lock") => Self::InUse,
            _ => Self::Failing,
        }
    }
}
