//! Files: read within a limit, written whole or not at all. It refuses what is no file (a directory, a device, a pipe
//! that nobody may ever write to) and never holds more of a file than its limit.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::stop::Stop;

/// An exported configuration has at most this many bytes; real ones have some tens of thousands.
pub const MAX_CONFIGURATION: u64 = 8 << 20;
/// A file of saved facts has at most this many bytes: some hundred cameras.
pub const MAX_FACTS: u64 = 64 << 20;

/// Why a file was not read. The message is a clause behind the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It may not be read.
    #[error("this user may not read it")]
    Forbidden,
    /// It is no file, or larger than it may be, or reading it failed.
    #[error("{0}")]
    Other(String),
}

/// Opens a file that may have at most `most` bytes; reading more of it than that ends in an error.
///
/// # Errors
/// See [`ReadFault`].
pub fn open(path: &Path, most: u64) -> Result<Capped<File>, ReadFault> {
    // Looked at before it is opened: opening a pipe waits for a writer, and opening a device may act on it.
    let metadata = fs::metadata(path).map_err(fault)?;
    let kind = metadata.file_type();
    let other = |text: &str| Err(ReadFault::Other(text.to_owned()));
    if kind.is_dir() {
        return other("it is a directory");
    }
    if kind.is_fifo() && !is_open_already(path) {
        return other("it is a pipe; write - to read from standard input");
    }
    if !kind.is_file() && !kind.is_fifo() && !is_open_already(path) {
        return other("it is a device or socket, not a file");
    }
    if metadata.len() > most {
        return Err(too_large(most, &format!("{} bytes", metadata.len())));
    }
    Ok(Capped { inner: File::open(path).map_err(fault)?, left: most, most })
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// See [`ReadFault`].
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadFault> {
    slurp(open(path, most)?)
}

/// Reads at most `most` bytes of a stream to its end.
///
/// # Errors
/// A stream that fails, or holds more.
pub fn read_stream(stream: &mut dyn Read, most: u64) -> Result<Vec<u8>, ReadFault> {
    slurp(Capped { inner: stream, left: most, most })
}

fn slurp<R: Read>(mut stream: Capped<R>) -> Result<Vec<u8>, ReadFault> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

/// `<(command)` in a shell names a pipe that is already open, so that opening it waits for nobody.
fn is_open_already(path: &Path) -> bool {
    let stdin = path == Path::new("/dev/stdin");
    stdin || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn fault(error: io::Error) -> ReadFault {
    match error.kind() {
        ErrorKind::NotFound => ReadFault::Missing,
        ErrorKind::PermissionDenied => ReadFault::Forbidden,
        _ => ReadFault::Other(error.to_string()),
    }
}

fn too_large(most: u64, has: &str) -> ReadFault {
    let (size, unit) = if most >= 1 << 20 { (most >> 20, "MiB") } else { (most >> 10, "KiB") };
    ReadFault::Other(format!("it has {has}, and such a file has at most {size} {unit}"))
}

/// A reader that fails once more than its limit was read, rather than ending early as if that were all.
#[derive(Debug)]
pub struct Capped<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => Err(io::Error::other(too_large(self.most, "more").to_string())),
        }
    }
}

/// Whom a written file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the user's umask, or the file that stood there before, lets read it.
    AsUsual,
    /// The user alone.
    OwnerOnly,
}

/// A place where a file may be written: found fit before the work starts, so that no audit is lost to a typing error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the file is to stand, links followed.
    path: PathBuf,
    /// Whether it is a terminal, pipe or device, which is written to and never replaced.
    special: bool,
}

impl Place {
    /// Checks that a file can be written there.
    ///
    /// # Errors
    /// A directory, a parent that is missing or may not be written to.
    pub fn check(path: &Path) -> Result<Self, Stop> {
        let bad = |why: String| Stop::Usage(format!("cannot write {}: {why}", path.display()));
        let followed = follow(path).map_err(|error| bad(plain(&error)))?;
        match fs::metadata(&followed) {
            Ok(metadata) if metadata.is_dir() => return Err(bad("it is a directory".to_owned())),
            Ok(metadata) if !metadata.is_file() => {
                return Ok(Self { path: followed, special: true });
            }
            Ok(_) | Err(_) => {}
        }
        let place = Self { path: followed, special: false };
        let probe = tempfile::Builder::new().prefix(".palisade-").tempfile_in(place.parent());
        match probe {
            Ok(_) => Ok(place),
            Err(error) => Err(bad(format!(
                "its directory {} takes no file: {}",
                place.parent().display(),
                plain(&error)
            ))),
        }
    }

    /// Whether writing here would replace the file at `other`.
    pub fn is(&self, other: &Path) -> bool {
        !self.special && follow(other).is_ok_and(|other| other == self.path)
    }

    /// Writes the file: a new one beside it, synced, then renamed over it, so that nobody ever reads half of it.
    /// Gives the number of bytes.
    ///
    /// # Errors
    /// Whatever went wrong; the file that stood there before is as it was.
    pub fn write(
        &self,
        readers: Readers,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<u64, Stop> {
        let result =
            if self.special { self.write_through(fill) } else { self.replace(readers, fill) };
        result.map_err(|error| {
            Stop::Failed(format!("cannot write {}: {}", self.path.display(), plain(&error)))
        })
    }

    fn replace(
        &self,
        readers: Readers,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".palisade-");
        let before = fs::metadata(&self.path).ok().map(|metadata| metadata.permissions());
        // What the umask takes away from 0666 is taken away here too; without asking, a temporary file is 0600.
        if readers == Readers::AsUsual {
            builder.permissions(Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(self.parent())?;
        if let (Readers::AsUsual, Some(before)) = (readers, before) {
            file.as_file().set_permissions(before)?;
        }
        let mut buffered = BufWriter::new(file.as_file());
        fill(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        file.persist(&self.path).map_err(|error| error.error)?;
        // Some file systems cannot sync a directory; then the file is whole all the same, old or new.
        let _ = File::open(self.parent()).and_then(|directory| directory.sync_all());
        Ok(bytes)
    }

    fn write_through(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut file = BufWriter::new(OpenOptions::new().write(true).open(&self.path)?);
        fill(&mut file)?;
        file.flush()?;
        Ok(0)
    }

    fn parent(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

/// The absolute path with every link followed, so that a link stays a link and what it leads to is replaced.
fn follow(path: &Path) -> io::Result<PathBuf> {
    if let Ok(whole) = fs::canonicalize(path) {
        return Ok(whole);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    Ok(fs::canonicalize(parent.unwrap_or(Path::new(".")))?.join(name))
}

/// The system's words without the name of the temporary file, which means nothing to anybody.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such directory".to_owned(),
        ErrorKind::PermissionDenied => "this user may not write there".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code).to_string(),
            None => error.to_string(),
        },
    }
}
