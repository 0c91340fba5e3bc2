//! The agent as a service: builds store, identity, link and rounds, runs them, and answers about them on a local socket,
//! also before the box is enrolled and when its disk or its line is broken.
//!
//! It decides nothing about devices and nothing about trust. Everything runs on one thread, with two more for what
//! blocks; told to stop, it takes its time in a fixed order: no more visits, then what waits is uploaded, then goodbye,
//! then the store is closed.

mod archive;
mod board;
mod desk;
mod errands;
mod keeper;
pub mod local;
mod metrics;
mod socket;
pub mod status;
mod systemd;
mod tools;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certs::SharedClock;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::{AgentClock, Monotonic, monotonic};
use crate::custody::Custody;
use crate::device::{self, Limits};
use crate::discovery::Survey;
use crate::identity::{Folder, IdentityError, Member};
use crate::link::{Link, Pace, entry};
use crate::rounds::backups::Archive;
use crate::rounds::credentials::Keyring;
use crate::rounds::{Rounds, Supplies};
use crate::store::backups::Backups;
use crate::store::{Options, Store, StoreError, make_private_folder, pooled};
use archive::{BeforeChange, Sealed};
use board::{Board, Phase};
use desk::Desk;
use keeper::Keeper;
use upkeep::Remembered;

pub use socket::SocketError;
pub use status::Status;

/// Visits under way end within this, once the agent is told to stop.
const BREAK_OFF: Duration = Duration::from_secs(10);
/// Everything ends within this, once the visits have.
const FAREWELL: Duration = Duration::from_secs(10);

/// Where things are, and how they are to be.
pub struct Settings {
    /// The agent's data: `identity/`, `durable/` and `cache/` are in it.
    pub data: PathBuf,
    /// The local status socket.
    pub socket: PathBuf,
    /// The site file.
    pub site: PathBuf,
    /// Looks an environment variable up: a site file may name one for a password.
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// How long the link waits for what.
    pub pace: Pace,
    /// The site file is to be read again.
    pub reload: Arc<Notify>,
}

/// Why the agent could not be started. Once it runs, nothing but the wish to stop ends it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The data folder cannot be used, or another agent uses it.
    #[error("the agent's data cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The status socket cannot be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// Runs until told to stop.
///
/// # Errors
/// [`ServiceError`], at the start alone.
pub async fn run(
    settings: Settings,
    system: SharedClock,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    run_by(settings, (system, monotonic()), stop).await
}

/// The same by a monotonic clock that is handed in, for whoever lets time pass by hand.
///
/// # Errors
/// As [`run`].
pub async fn run_by(
    settings: Settings,
    (system, monotonic): (SharedClock, Monotonic),
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let data = settings.data.clone();
    let remembered = pooled(move || {
        make_private_folder(&data)?;
        Remembered::read(&data)
    })
    .await?;
    let clock = Arc::new(AgentClock::new(system, monotonic, remembered.floor));
    let store = Store::open(Options::new(settings.data.clone(), entry::audit)).await?;
    let board = Board::new(clock.clone(), store.clone());
    let socket = socket::open(&settings.socket).await?;
    systemd::ready();
    let over = CancellationToken::new();
    let serving = async {
        serve(&settings, &board, remembered, &stop).await;
        over.cancel();
    };
    tokio::join!(
        serving,
        socket.serve(&board, &over),
        systemd::watch(&board, &over),
        upkeep::mend(&board, &over),
    );
    upkeep::keep_floor(&board, &settings.data).await;
    store.close().await;
    Ok(())
}

/// Waits until the box is enrolled, and serves its site from then on.
async fn serve(
    settings: &Settings,
    board: &Arc<Board>,
    remembered: Remembered,
    stop: &CancellationToken,
) {
    let folder = Arc::new(Folder::within(&settings.data));
    let member = tokio::select! {
        member = enrolled(&folder, board, settings.pace.look) => member,
        () = stop.cancelled() => return systemd::stopping(),
    };
    let parts = (board.clock.clone(), board.store.clone());
    let link = match Link::new(
        folder,
        member,
        parts.0,
        parts.1,
        (remembered.witnessed, Custody::within(&settings.data)),
        settings.pace,
    )
    .await
    {
        Ok(link) => link,
        // The store was closed under us: the agent ends.
        Err(error) => return tracing::error!(%error, "the agent cannot serve"),
    };
    // Apart, since its room would stand in every future around it.
    Box::pin(work(settings, board, &link, stop)).await;
    let keep = upkeep::keep_witnessed(link.witnessed(), &settings.data);
    let _ = timeout(FAREWELL, keep).await;
}

/// Goes the rounds and holds the line until told to stop: then the visits end first, and the line last.
async fn work(settings: &Settings, board: &Arc<Board>, link: &Arc<Link>, stop: &CancellationToken) {
    let keeper = Keeper::new(&settings.data, board.clock.clone());
    let keyring = tools::keyring(&settings.data, link, keeper, board.clock.clone()).await;
    let (rounds, handle) = Rounds::new(supplies(settings, board, link, keyring));
    board.serve(link.clone(), handle.clone());
    link.note_start().await;
    let (no_visits, no_line) = (CancellationToken::new(), CancellationToken::new());
    let ending = async {
        stop.cancelled().await;
        systemd::stopping();
        board.enter(Phase::Stopping);
        no_visits.cancel();
    };
    let visiting = async {
        // On the heap, as below: together they would fill a small stack.
        let rounds = Box::pin(rounds.run(no_visits.clone()));
        if within(rounds, &no_visits, BREAK_OFF).await.is_none() {
            tracing::warn!("visits under way did not end in time");
        }
        no_line.cancel();
    };
    tokio::join!(
        ending,
        visiting,
        within(Box::pin(link.run(&no_line)), &no_line, FAREWELL),
        errands::run(link, &handle, &settings.reload, &no_line),
        upkeep::remember(board, link, &settings.data, &no_line),
    );
}

/// Does the work; once it was told to stop, it has that long to end.
async fn within<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
    most: Duration,
) -> Option<T> {
    let bound = async {
        stop.cancelled().await;
        sleep(most).await;
    };
    tokio::select! {
        done = work => Some(done),
        () = bound => None,
    }
}

fn supplies(
    settings: &Settings,
    board: &Arc<Board>,
    link: &Arc<Link>,
    keyring: Arc<Keyring>,
) -> Supplies {
    let desk = Arc::new(Desk::new(board.store.clone(), link.clone(), board.clock.clone()));
    // What the vault seals is kept; without a vault nothing is.
    let vault = keyring.vault.as_ref().ok();
    let archive = vault.map(|vault| {
        let backups = Backups::new(&settings.data, vault.key());
        let (desk, clock, recipients) = (desk.clone(), board.clock.clone(), link.recovery());
        Arc::new(Sealed { backups, desk, clock, recipients }) as Arc<dyn Archive>
    });
    let keeper = Keeper::new(&settings.data, board.clock.clone());
    Supplies {
        site: settings.site.clone(),
        clock: board.clock.clone(),
        outlet: desk.clone(),
        shelf: desk,
        archive: archive.clone(),
        keeper: Arc::new(BeforeChange { keeper, archive, desired: link.desired() }),
        desired: link.desired(),
        environment: settings.environment.clone(),
        open: device::open,
        limits: Limits::default(),
        survey: Survey::of_this_machine(),
        draw: crate::rounds::draw,
        keyring: Some(keyring),
        only: std::collections::BTreeSet::new(),
    }
}

/// Waits for an identity. One that cannot be read is told, and waited for as well: somebody may restore it.
async fn enrolled(folder: &Arc<Folder>, board: &Arc<Board>, look: Duration) -> Member {
    loop {
        let reading = folder.clone();
        let read: Result<_, IdentityError> = match pooled(move || Ok(reading.member())).await {
            Ok(read) => read,
            Err(error) => Err(error.into()),
        };
        match read {
            Ok(Some(member)) => return member,
            Ok(None) => board.enter(Phase::Unenrolled),
            Err(error) => board.enter(Phase::Damaged(words(&error))),
        }
        sleep(look).await;
    }
}

/// An error with what lies beneath it, in one line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        text.push_str(": ");
        text.push_str(&error.to_string());
        beneath = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
