//! Backups: the database as it is at one moment and the files of the authority, in one tar archive, sealed to the
//! configured recipients. `age --decrypt` and `tar` open it without this program. Nothing leaves in clear.
//!
//! A root's key in it is sealed twice: to the recipients, and with its passphrase.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use certs::audit::ChainHead;
use certs::seal::{self, Recipient, SealingWriter};
use futures::Stream;
use proto::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use zeroize::Zeroizing;

use super::archive::Writer;
use super::folder::{DATABASE, FolderError, failed};
use super::{OperatorPeer, Refusal, Service, authority_folder};

/// What the folder of a snapshot begins with; one that stayed behind is removed at the next start.
pub(super) const SNAPSHOT: &str = ".snapshot-";
/// The file in a backup that says what it is.
pub(super) const MANIFEST: &str = "backup.json";
/// How much is sent at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// Chunks that may wait for a slow reader.
const WAITING: usize = 4;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Of this form.
    pub format: u32,
    /// Whose it is.
    pub organisation: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The audit log's last record then.
    pub audit_length: u64,
}

/// The pieces of a backup, as they are made. A piece that is an error ends it. Until it is dropped and its last piece is
/// made, no other backup is begun.
#[derive(Debug)]
pub struct Backup {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    _turn: Arc<OwnedSemaphorePermit>,
}

impl Stream for Backup {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

impl Service {
    /// Takes a backup; gives it in pieces as they are made. One is taken at a time.
    ///
    /// # Errors
    /// [`Refusal::Precondition`], when no recipients are configured; [`Refusal::Exhausted`], while another is taken.
    pub async fn backup(&self, who: &OperatorPeer) -> Result<Backup, Refusal> {
        let recipients = self.settings.recipients.clone();
        if recipients.is_empty() {
            return Err(Refusal::Precondition(
                "nobody could open a backup: name age recipients (backup.recipients) in the settings"
                    .to_owned(),
            ));
        }
        let turn = self.backing_up.clone().try_acquire_owned();
        let turn = Arc::new(turn.map_err(|_| Refusal::Exhausted(60))?);
        let detail = format!("sealed to {} recipients", recipients.len());
        let deed = self.deed_of(who, "backup_taken", &self.organisation, detail);
        // Its record is in it.
        let head = self.store.change().await?.commit(deed).await?;
        let content = self.content(self.manifest(head)).await?;
        let (chunks, pieces) = mpsc::channel(WAITING);
        let backup = Backup { pieces, _turn: turn.clone() };
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            if let Err(error) = write(&content, &recipients, &chunks) {
                // Whoever waits for it is gone, or hears why it ends.
                let _ = chunks.blocking_send(Err(error));
            }
        });
        Ok(backup)
    }

    fn manifest(&self, head: ChainHead) -> Manifest {
        Manifest {
            format: 1,
            organisation: self.organisation.to_string(),
            taken_at: self.now(),
            audit_length: head.length,
        }
    }

    /// Everything that goes in. No step of a turnover comes in between, so that the files are those that the database
    /// speaks of.
    async fn content(&self, manifest: Manifest) -> Result<Content, Refusal> {
        let _still = self.turning.lock().await;
        let data = self.settings.data.clone();
        let read = super::turnover::blocking(move || {
            let folder = tempfile::Builder::new().prefix(SNAPSHOT).tempdir_in(&data);
            Ok::<_, FolderError>((
                folder.map_err(failed("filled", &data))?,
                authority_folder::every_file(&data)?,
            ))
        });
        let (folder, files) = read.await?.map_err(Refusal::failed)?;
        let database = folder.path().join(DATABASE);
        self.store.snapshot(&database).await?;
        Ok(Content { manifest, files, database, _folder: folder })
    }
}

/// What goes into a backup. The copy of the database goes with this value.
struct Content {
    manifest: Manifest,
    files: Vec<(String, Zeroizing<Vec<u8>>)>,
    database: PathBuf,
    _folder: tempfile::TempDir,
}

fn write(
    content: &Content,
    recipients: &[Recipient],
    chunks: &mpsc::Sender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let out = Chunks { chunks: chunks.clone(), buffer: Vec::with_capacity(CHUNK) };
    let sealed = seal::sealing(recipients, out).map_err(io::Error::other)?;
    let mut archive = Writer::new(sealed);
    let manifest = serde_json::to_vec(&content.manifest)?;
    archive.add(MANIFEST, manifest.len() as u64, &mut &*manifest)?;
    for (name, bytes) in &content.files {
        archive.add(name, bytes.len() as u64, &mut &***bytes)?;
    }
    let mut database = File::open(&content.database)?;
    let size = database.metadata()?.len();
    archive.add(DATABASE, size, &mut database)?;
    let sealed: SealingWriter<Chunks> = archive.finish()?;
    sealed.finish()?.finish()
}

/// Sends what is written, in pieces; waits for a slow reader.
struct Chunks {
    chunks: mpsc::Sender<io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the backup");
        self.chunks.blocking_send(Ok(chunk)).map_err(gone)
    }

    fn finish(mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
