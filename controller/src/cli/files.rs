//! Files: read within a limit, written whole or not at all. It refuses what is no file, and never holds more of a file
//! than its limit. Secrets are read from a file that only its owner may read, and written to one.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use proto::Secret;
use zeroize::Zeroizing;

use super::console::Console;
use super::stop::Stop;

/// A file with one secret has at most so many bytes.
const MAX_SECRET: u64 = 16 << 10;

/// Opens a file of at most `most` bytes. `what` names it in errors, such as `the policy`.
///
/// # Errors
/// What is missing, forbidden, no file, or too large.
pub fn open(what: &str, path: &Path, most: u64) -> Result<File, Stop> {
    let shown = path.display();
    let bad = |why: &str| Stop::Usage(format!("cannot read {what} {shown}: {why}"));
    // Looked at before it is opened: opening a pipe waits for a writer, and opening a device may act on it.
    let metadata = fs::metadata(path).map_err(|error| bad(&plain(&error)))?;
    let through_shell = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    if metadata.is_dir() {
        return Err(bad("it is a directory"));
    }
    if !metadata.is_file() && !through_shell {
        return Err(bad(
            "it is no file; write - to read from standard input where that is possible",
        ));
    }
    if metadata.len() > most {
        let size = metadata.len();
        return Err(bad(&format!("it has {size} bytes, and at most {most} are read")));
    }
    File::open(path).map_err(|error| bad(&plain(&error)))
}

/// Reads a whole text file of at most `most` bytes; `-` is standard input.
///
/// # Errors
/// As [`open`], and what is not UTF-8.
pub fn text(what: &str, path: &Path, most: u64, console: &mut Console<'_>) -> Result<String, Stop> {
    let bytes = if path == Path::new("-") {
        slurp(what, "standard input", console.input, most)?
    } else {
        slurp(what, &path.display().to_string(), &mut open(what, path, most)?, most)?
    };
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Stop::Usage(format!("cannot read {what} {}: it is not UTF-8", path.display())))
}

/// Reads a secret: the first line of a file that only its owner may read, or of standard input for `-`.
///
/// # Errors
/// As [`open`]; a file that others may read; an empty line.
pub fn secret(what: &str, path: &Path, console: &mut Console<'_>) -> Result<Secret, Stop> {
    let bytes = if path == Path::new("-") {
        slurp(what, "standard input", console.input, MAX_SECRET)?
    } else {
        let mut file = open(what, path, MAX_SECRET)?;
        private(what, path, &file)?;
        slurp(what, &path.display().to_string(), &mut file, MAX_SECRET)?
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Stop::Usage(format!("{what} {} is not UTF-8", path.display())))?;
    let line = text.lines().next().unwrap_or_default().trim_end();
    if line.is_empty() {
        return Err(Stop::Usage(format!("{what} {} begins with an empty line", path.display())));
    }
    Ok(Secret::new(line))
}

/// Reads a whole file that only its owner may read.
///
/// # Errors
/// As [`open`]; a file that others may read.
pub fn whole_secret(what: &str, path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut file = open(what, path, most)?;
    private(what, path, &file)?;
    slurp(what, &path.display().to_string(), &mut file, most)
}

fn private(what: &str, path: &Path, file: &File) -> Result<(), Stop> {
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file && mode & 0o077 != 0 {
        let shown = path.display();
        let text = format!("{what} {shown} can be read by others; run chmod 600 on it");
        return Err(Stop::Usage(text));
    }
    Ok(())
}

fn slurp(
    what: &str,
    name: &str,
    stream: &mut dyn Read,
    most: u64,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut bytes = Zeroizing::new(Vec::new());
    stream
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Stop::Failed(format!("cannot read {what} {name}: {}", plain(&error))))?;
    if bytes.len() as u64 > most {
        let text = format!("cannot read {what} {name}: it has more than {most} bytes");
        return Err(Stop::Usage(text));
    }
    Ok(bytes)
}

/// Whom a written file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the user's umask lets.
    AsUsual,
    /// The user alone.
    OwnerOnly,
}

/// A file that will be written: its folder was found fit before the work began.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    readers: Readers,
}

impl Place {
    /// Checks that a new file can be written there; what stands there already is never written over.
    ///
    /// # Errors
    /// A file that exists, a folder that is missing or takes no file.
    pub fn new_file(path: &Path, readers: Readers) -> Result<Self, Stop> {
        let bad = |why: &str| Stop::Usage(format!("cannot write {}: {why}", path.display()));
        if path.file_name().is_none() {
            return Err(bad("it names no file"));
        }
        if fs::symlink_metadata(path).is_ok() {
            return Err(bad("it is there already; move it away or name another file"));
        }
        let place = Self { path: path.to_owned(), readers };
        place.temporary().map_err(|error| bad(&plain(&error)))?;
        Ok(place)
    }

    /// Checks that a file can be written there, over the one that may stand there.
    ///
    /// # Errors
    /// A folder that is missing or takes no file.
    pub fn any_file(path: &Path, readers: Readers) -> Result<Self, Stop> {
        let place = Self { path: path.to_owned(), readers };
        let bad = |why: &str| Stop::Usage(format!("cannot write {}: {why}", path.display()));
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(bad("it is no file"));
        }
        place.temporary().map_err(|error| bad(&plain(&error)))?;
        Ok(place)
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new file beside the place, which becomes the file with [`Place::put`].
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn begin(&self) -> Result<tempfile::NamedTempFile, Stop> {
        self.temporary().map_err(|error| self.fault(&error))
    }

    /// Puts what was written into its place: synced, then renamed, so that nobody ever reads half of it.
    ///
    /// # Errors
    /// Whatever went wrong; what stood there before is as it was.
    pub fn put(&self, file: tempfile::NamedTempFile) -> Result<(), Stop> {
        let parent = self.parent().to_owned();
        file.as_file().sync_all().map_err(|error| self.fault(&error))?;
        file.persist(&self.path).map_err(|error| self.fault(&error.error))?;
        // Some file systems cannot sync a folder; then the file is whole all the same, old or new.
        let _ = File::open(parent).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// As [`Place::put`].
    pub fn write(&self, bytes: &[u8]) -> Result<(), Stop> {
        let mut file = self.begin()?;
        file.write_all(bytes).map_err(|error| self.fault(&error))?;
        self.put(file)
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".palisade-");
        // What the umask takes away from 0666 is taken away here too; without asking, a temporary file is 0600.
        if self.readers == Readers::AsUsual {
            builder.permissions(Permissions::from_mode(0o666));
        }
        builder.tempfile_in(self.parent())
    }

    /// What went wrong with this file, for a person.
    pub fn fault(&self, error: &io::Error) -> Stop {
        Stop::Failed(format!("cannot write {}: {}", self.path.display(), plain(error)))
    }

    fn parent(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

/// Makes a folder that only its owner may enter, and what leads to it.
///
/// # Errors
/// Whatever the system says.
pub fn private_folder(path: &Path) -> Result<(), Stop> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Stop::Failed(format!("cannot make the folder {}: {}", path.display(), plain(&error)))
    })
}

/// The system's words without the name of a temporary file, which means nothing to anybody.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "this user may not".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code).to_string(),
            None => error.to_string(),
        },
    }
}
