//! Brings a backup back into an empty data folder. What is brought back is checked before it counts: the database is
//! whole, its audit log one chain, the authority the one it names. What was a secret to be used once is revoked, because
//! it may have been used since; generations jump ahead, because agents refuse to go back.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use certs::Name;
use certs::seal::{self, Opener, SealError};
use proto::{Organisation, Timestamp};

use super::archive::{ArchiveError, Reader};
use super::backup::{MANIFEST, Manifest};
use super::folder::{AUTHORITY, DATABASE, FolderError, Staging, failed, make_folder, sync_folder};
use super::found::{self, OpenError};
use crate::store::{Deed, Store, StoreError};

/// Most files in a backup.
const MAX_FILES: usize = 200;
/// Largest file but the database, in bytes.
const MAX_SMALL: u64 = 64 << 10;
/// How far generations jump: more changes than anybody makes between two backups.
const JUMP: u64 = 10_000;

/// Why nothing was restored. Nothing half-restored stays behind.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is something in the folder, or it cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It is sealed to somebody else, or was altered.
    #[error("the backup could not be opened")]
    Sealed(#[from] SealError),
    /// What is inside is no archive, or is cut off.
    #[error("the backup is damaged")]
    Archive(#[from] ArchiveError),
    /// It is an archive, and no backup.
    #[error("this is no backup of a controller: {0}")]
    NoBackup(&'static str),
    /// The database in it is damaged, or a newer version's.
    #[error("the database in the backup cannot be used")]
    Store(#[from] StoreError),
    /// The authority in it does not fit the database.
    #[error("the authority in the backup cannot be used")]
    Authority(#[from] OpenError),
    /// The work was stopped.
    #[error("the work was stopped")]
    Stopped(#[source] io::Error),
}

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Whose controller it is.
    pub organisation: Organisation,
    /// When the backup was taken. What was revoked or removed since then is back: look through it.
    pub taken_at: Timestamp,
    /// How many records the audit log had then.
    pub audit_length: u64,
    /// How many tokens and codes were revoked, because they may have been used since.
    pub revoked: u64,
}

/// Restores a backup into a folder that holds nothing yet.
///
/// # Errors
/// [`RestoreError`]; the folder is as it was then.
pub async fn restore(
    backup: impl Read + Send + 'static,
    opener: Opener,
    data: &Path,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let data = data.to_owned();
    let work = move || {
        let staging = Staging::begin(&data)?;
        let manifest = unpack(backup, &opener, staging.path())?;
        Ok::<_, RestoreError>((staging, manifest))
    };
    let (staging, manifest) = blocking(work).await??;
    let store = Store::open(&staging.path().join(DATABASE)).await?;
    let settled = settle(&store, staging.path(), &manifest, now).await;
    store.close().await;
    let (organisation, revoked) = settled?;
    blocking(move || staging.publish()).await??;
    let (taken_at, audit_length) = (manifest.taken_at, manifest.audit_length);
    Ok(Restored { organisation, taken_at, audit_length, revoked })
}

/// Checks what was unpacked, and makes it fit for the world as it is now.
async fn settle(
    store: &Store,
    folder: &Path,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(Organisation, u64), RestoreError> {
    let head = store.verify().await?;
    let opened = found::read(store, folder).await?;
    let (organisation, _) = opened.ok_or(RestoreError::NoBackup("its database is empty"))?;
    if organisation.as_str() != manifest.organisation || head.length < manifest.audit_length {
        return Err(RestoreError::NoBackup("its parts do not belong together"));
    }
    let mut change = store.change().await?;
    let revoked = change.revoke_every_ticket(now).await?;
    change.jump_generations(JUMP).await?;
    let detail = format!(
        "from a backup of {} with {} records; revoked {revoked} tokens and codes",
        manifest.taken_at, manifest.audit_length
    );
    let actor = Name::Controller(organisation.clone()).to_string();
    let subject = organisation.to_string();
    change.commit(Deed { time: now, actor, deed: "restored", subject, detail }).await?;
    Ok((organisation, revoked))
}

fn unpack(backup: impl Read, opener: &Opener, into: &Path) -> Result<Manifest, RestoreError> {
    let mut archive = Reader::new(seal::opening(backup, opener)?);
    let (mut manifest, mut database) = (None, false);
    for count in 0.. {
        let Some((name, size)) = archive.next_file()? else { break };
        if count == MAX_FILES || (name != DATABASE && size > MAX_SMALL) {
            return Err(RestoreError::NoBackup("it holds too much"));
        }
        if name == MANIFEST {
            let mut text = Vec::new();
            archive.read_to_end(&mut text).map_err(ArchiveError::Io)?;
            let read: Option<Manifest> = serde_json::from_slice(&text).ok();
            manifest = read.filter(|manifest| manifest.format == 1);
            if manifest.is_none() {
                return Err(RestoreError::NoBackup(
                    "it is of a form that this version does not know",
                ));
            }
        } else {
            let to = place(&name, into)?;
            copy(&mut archive, &to)?;
            database |= name == DATABASE;
        }
    }
    for folder in [AUTHORITY.to_owned(), format!("{AUTHORITY}/next"), format!("{AUTHORITY}/past")] {
        let folder = into.join(folder);
        if folder.exists() {
            sync_folder(&folder)?;
        }
    }
    match manifest {
        Some(manifest) if database => Ok(manifest),
        Some(_) => Err(RestoreError::NoBackup("there is no database in it")),
        None => Err(RestoreError::NoBackup("it does not say what it is")),
    }
}

/// Where a file of a backup belongs; its folder is made. The archive has refused names that lead elsewhere.
fn place(name: &str, into: &Path) -> Result<PathBuf, RestoreError> {
    let parts: Vec<&str> = name.split('/').collect();
    let folder = match parts[..] {
        [DATABASE] => return Ok(into.join(DATABASE)),
        [AUTHORITY, _] => into.join(AUTHORITY),
        [AUTHORITY, inner @ ("next" | "past"), _] => into.join(AUTHORITY).join(inner),
        _ => return Err(RestoreError::NoBackup("it holds files that do not belong in one")),
    };
    let mut missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
    missing.reverse();
    missing.into_iter().try_for_each(make_folder)?;
    Ok(into.join(name))
}

fn copy(archive: &mut impl Read, to: &Path) -> Result<(), RestoreError> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let mut file: File = open.map_err(failed("written", to))?;
    io::copy(archive, &mut file).map_err(ArchiveError::Io)?;
    file.sync_all().map_err(failed("synced", to))?;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RestoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RestoreError::Stopped(io::Error::other(error)))
}
