//! How a controller begins: its organisation is founded, its authority made, its first administrator given a code; and
//! how what was founded is opened again.
//!
//! Nothing here listens. Keys are made on this machine and stay on it.

use std::io;
use std::path::{Path, PathBuf};

use certs::hierarchy::{HierarchyError, Root};
use certs::random::NoRandomness;
use certs::seal::{self, SealError, Work};
use certs::ticket::{Ticket, TicketKind, fresh_secret, secret_hash};
use certs::{Name, RootPin, trust};
use proto::{OperatorName, Organisation, Role, Secret, Timestamp};

use super::authorities::Authorities;
use super::authority_folder::{self, AuthorityFolderError};
use super::authority_renewal;
use super::folder::{DATABASE, FolderError, Staging, remove_folder};
use super::sites::later;
use super::turnover::{self, Stage};
use crate::store::meta::Counter;
use crate::store::{Deed, Store, StoreError};

/// How long the first administrator's code is good, in seconds.
const FIRST_CODE_LIFE: i64 = 86_400;
/// Fewest characters of a passphrase that is worth something.
const MIN_PASSPHRASE: usize = 12;

/// Why nothing was founded. Nothing half-made stays behind.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// There is something in the folder, or it cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder holds no authority that could be renewed.
    #[error(transparent)]
    Authority(#[from] AuthorityFolderError),
    /// Whoever guesses it has the root.
    #[error("the passphrase is shorter than {MIN_PASSPHRASE} characters")]
    WeakPassphrase,
    /// No address was given.
    #[error(
        "name at least one address, HOST:PORT, where agents and operators reach the controller"
    )]
    NoAddress,
    /// An authority is waiting to be taken over.
    #[error(
        "an authority is prepared already; turn over to it, or remove the folder authority/next"
    )]
    AlreadyPrepared,
    /// Making keys and certificates failed.
    #[error("making the authority failed")]
    Making(#[from] HierarchyError),
    /// Sealing the root's key failed.
    #[error("sealing the root's key failed")]
    Sealing(#[from] SealError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error("the work was stopped")]
    Stopped(#[source] io::Error),
}

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing was founded there.
    #[error("{0} holds no controller; palisade init makes one, palisade restore brings one back")]
    NotFounded(String),
    /// The database failed, is damaged, or is a newer version's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority cannot be used.
    #[error(transparent)]
    Authority(#[from] AuthorityFolderError),
    /// The work was stopped.
    #[error("the work was stopped")]
    Stopped(#[source] io::Error),
}

/// Founds an organisation in a folder that holds nothing yet. Gives the first administrator's ticket, good for a day.
///
/// # Errors
/// [`FoundError`]; the folder is as it was then.
pub async fn found(
    data: &Path,
    organisation: Organisation,
    addresses: Vec<String>,
    passphrase: Secret,
    work: Work,
    first_operator: OperatorName,
    now: Timestamp,
) -> Result<Ticket, FoundError> {
    check_passphrase(&passphrase, work)?;
    if addresses.is_empty() {
        return Err(FoundError::NoAddress);
    }
    let secret = fresh_secret()?;
    let (folder, of) = (data.to_owned(), organisation.clone());
    let (staging, pin) = blocking(move || {
        let staging = Staging::begin(&folder)?;
        let (root, sealed) = make_root(&of, &passphrase, work, now)?;
        let issuing = root.issuing(&of, now)?;
        let place = authority_folder::current(staging.path());
        authority_folder::save(&place, &root, &sealed, &issuing)?;
        Ok::<_, FoundError>((staging, root.pin()))
    })
    .await
    .map_err(FoundError::Stopped)??;
    let store = Store::open(&staging.path().join(DATABASE)).await?;
    let written = write(&store, &organisation, &first_operator, &secret, pin, now).await;
    // Closed first either way, so that no file of the database is open when its folder moves or goes.
    store.close().await;
    written?;
    blocking(move || staging.publish()).await.map_err(FoundError::Stopped)??;
    Ok(Ticket { kind: TicketKind::Operator, organisation, addresses, pin, secret })
}

/// The first record, with all that it says.
async fn write(
    store: &Store,
    organisation: &Organisation,
    first: &OperatorName,
    secret: &Secret,
    pin: RootPin,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut change = store.change().await?;
    change.set_organisation(organisation).await?;
    change.raise(Counter::Trust, 1).await?;
    change.set_meta(turnover::STAGE, &Stage::settled(pin).to_text()).await?;
    change.add_operator(first, Role::Administrator, now).await?;
    change.set_code(first, &secret_hash(secret), later(now, FIRST_CODE_LIFE)).await?;
    let deed = Deed {
        time: now,
        actor: Name::Controller(organisation.clone()).to_string(),
        deed: "organisation_founded",
        subject: organisation.to_string(),
        detail: format!("root {pin}, first administrator {first}"),
    };
    change.commit(deed).await.map(|_| ())
}

/// Makes a new root and issuing authority beside those in force, for a turnover. The controller may be serving; it is
/// not told: `turnover prepare` is for an administrator to ask. With the passphrase of the `old` root, that one certifies
/// the new issuing authority, so that agents which sleep through the turnover find back.
///
/// # Errors
/// [`FoundError`].
pub async fn prepare_authority(
    data: &Path,
    passphrase: Secret,
    old: Option<Secret>,
    work: Work,
    now: Timestamp,
) -> Result<RootPin, FoundError> {
    check_passphrase(&passphrase, work)?;
    let data = data.to_owned();
    let work = move || {
        let current = authority_folder::current(&data);
        let certificate = authority_folder::root(&current)?;
        let organisation = trust::organisation(&certificate).ok_or(HierarchyError::Unreadable)?;
        if authority_folder::coming(&data).exists() {
            return Err(FoundError::AlreadyPrepared);
        }
        let old = old.map(|old| authority_folder::open_root(&current, &old)).transpose()?;
        let (root, sealed) = make_root(&organisation, &passphrase, work, now)?;
        let issuing = root.issuing(&organisation, now)?;
        let bridge = old.map(|old| old.bridge(&issuing, now)).transpose()?;
        authority_folder::save_coming(&data, &root, &sealed, (&issuing, bridge.as_ref()))?;
        Ok(root.pin())
    };
    blocking(work).await.map_err(FoundError::Stopped)?
}

/// Lays a new issuing authority under the same root ready. The controller may be serving; it is not told: that is for an
/// administrator to ask. Gives its end.
///
/// # Errors
/// [`FoundError`].
pub async fn renew_issuing(
    data: &Path,
    passphrase: Secret,
    now: Timestamp,
) -> Result<Timestamp, FoundError> {
    let data = data.to_owned();
    let work = move || {
        let root = authority_folder::open_root(&authority_folder::current(&data), &passphrase)?;
        let organisation = trust::organisation(root.certificate());
        let issuing = root.issuing(&organisation.ok_or(HierarchyError::Unreadable)?, now)?;
        authority_renewal::save(&data, &issuing)?;
        Ok(issuing.not_after())
    };
    blocking(work).await.map_err(FoundError::Stopped)?
}

/// Where the database of a data folder is in which something was founded.
///
/// # Errors
/// [`OpenError::NotFounded`].
pub fn database(data: &Path) -> Result<PathBuf, OpenError> {
    let database = data.join(DATABASE);
    if database.exists() {
        return Ok(database);
    }
    Err(OpenError::NotFounded(data.display().to_string()))
}

/// Opens what was founded, and finishes what a crash left half-way.
///
/// # Errors
/// [`OpenError`].
pub async fn open(data: &Path) -> Result<(Store, Organisation, Authorities), OpenError> {
    let not_founded = || OpenError::NotFounded(data.display().to_string());
    let store = Store::open(&database(data)?).await?;
    let opened = read(&store, data).await;
    match opened {
        Ok(Some((organisation, authorities))) => Ok((store, organisation, authorities)),
        Ok(None) => {
            store.close().await;
            Err(not_founded())
        }
        Err(error) => {
            store.close().await;
            Err(error)
        }
    }
}

/// What an opened database says of its folder; `None` if nothing was founded.
pub(super) async fn read(
    store: &Store,
    data: &Path,
) -> Result<Option<(Organisation, Authorities)>, OpenError> {
    let Some(organisation) = store.organisation().await? else { return Ok(None) };
    let stage = store.meta(turnover::STAGE).await?;
    let stage = stage.as_deref().and_then(Stage::from_text);
    let stage =
        stage.ok_or_else(|| StoreError::Nonsense("no stage of the authority".to_owned()))?;
    let generation = store.counter(Counter::Trust).await?;
    let data = data.to_owned();
    let work = move || {
        authority_folder::settle(&data, stage.root)?;
        sweep(&data)?;
        turnover::standing(&data, stage, generation)
    };
    let standing = blocking(work).await.map_err(OpenError::Stopped)??;
    Ok(Some((organisation, Authorities::new(standing))))
}

/// Removes what an interrupted backup left.
fn sweep(data: &Path) -> Result<(), FolderError> {
    let failed = super::folder::failed("read", data);
    for entry in std::fs::read_dir(data).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        if entry.file_name().to_string_lossy().starts_with(super::backup::SNAPSHOT) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

fn make_root(
    organisation: &Organisation,
    passphrase: &Secret,
    work: Work,
    now: Timestamp,
) -> Result<(Root, Vec<u8>), FoundError> {
    let root = Root::make(organisation, now)?;
    let sealed = seal::with_passphrase(root.key().pkcs8(), passphrase, work)?;
    Ok((root, sealed))
}

fn check_passphrase(passphrase: &Secret, work: Work) -> Result<(), FoundError> {
    let least = match work {
        Work::Full => MIN_PASSPHRASE,
        Work::Little => 1,
    };
    if passphrase.expose().chars().count() < least {
        return Err(FoundError::WeakPassphrase);
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
