//! The socket's file. One that a run left which ended badly is replaced; one on which somebody answers, and any other kind
//! of file, is not ours to remove.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// The socket's owner and group may ask.
const MODE: u32 = 0o660;
/// The folder of the socket, if it has to be made, is its owner's alone.
const FOLDER_MODE: u32 = 0o700;
/// How long to wait when the system gives no connection, as when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);
/// Somebody who does not answer by then is there all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why there is no local socket. See `server.socket` in the settings.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another controller has it.
    #[error("somebody answers on the local socket {}; is the controller running already?", .0.display())]
    Taken(PathBuf),
    /// Something else lies there.
    #[error("{} is no socket; move it away, or name another server.socket in the settings", .0.display())]
    Foreign(PathBuf),
    /// The system refused.
    #[error("the local socket {} cannot be opened; see server.socket in the settings", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// An open socket. Its file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, so that one that took its place stays.
    file: (u64, u64),
}

impl Socket {
    /// Opens it.
    ///
    /// # Errors
    /// [`SocketError`].
    pub async fn open(path: &Path) -> Result<Self, SocketError> {
        let failed = |error| SocketError::Io(path.to_owned(), error);
        let is_left = match timeout(PATIENCE, UnixStream::connect(path)).await {
            Ok(Ok(_)) | Err(_) => return Err(SocketError::Taken(path.to_owned())),
            Ok(Err(error)) => match error.kind() {
                ErrorKind::NotFound => false,
                // Nobody listens there any more, or it is no socket at all.
                ErrorKind::ConnectionRefused => true,
                // Its line of callers is full.
                ErrorKind::WouldBlock => return Err(SocketError::Taken(path.to_owned())),
                _ => return Err(failed(error)),
            },
        };
        let file = path.to_owned();
        let bound = tokio::task::spawn_blocking(move || bind(&file, is_left)).await;
        let (listener, file) =
            bound.map_err(io::Error::other).map_err(failed)?.map_err(|error| {
                match error.kind() {
                    ErrorKind::AlreadyExists => SocketError::Foreign(path.to_owned()),
                    _ => failed(error),
                }
            })?;
        let listener = UnixListener::from_std(listener).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), file })
    }

    /// The next caller.
    pub(super) async fn next(&self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((caller, _)) => return caller,
                Err(error) => {
                    tracing::warn!(%error, "a caller of the local socket could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn bind(path: &Path, is_left: bool) -> io::Result<(net::UnixListener, (u64, u64))> {
    if is_left {
        if !fs::symlink_metadata(path)?.file_type().is_socket() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::remove_file(path)?;
    } else if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new().mode(FOLDER_MODE).create(folder)?;
    }
    let listener = net::UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    listener.set_nonblocking(true)?;
    Ok((listener, identity(path)?))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Drop for Socket {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            // Whoever finds one on which nobody answers replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
