//! Small things that have to be done now and then: the time that has passed for certain, the controller's audit head,
//! the store's health.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use certs::audit::ChainHead;
use proto::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::words;
use crate::link::Link;
use crate::store::{DurableFile, Healing, Notice, StoreError, pooled};

/// How often the store is looked after, and the floor.
const EVERY: Duration = Duration::from_secs(60);
/// How often the controller's audit head is written, if it moved.
const WITNESS_EVERY: Duration = Duration::from_secs(3600);
const FLOOR_BYTES: usize = 8;
const HEAD_BYTES: usize = 8 + 32;

/// What an earlier run left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    /// A time that has passed for certain.
    pub floor: Timestamp,
    /// The controller's audit head.
    pub witnessed: ChainHead,
}

impl Remembered {
    /// Blocks. What is damaged counts as never written: the floor is then where it was at the beginning, and the head
    /// is taken from the controller again.
    pub fn read(data: &Path) -> Result<Self, StoreError> {
        let floor = read(&floor_file(data))?.and_then(|bytes| bytes.try_into().ok());
        let head = read(&head_file(data))?.and_then(|bytes| head(&bytes));
        Ok(Self {
            floor: Timestamp::from_unix(floor.map_or(0, i64::from_be_bytes)),
            witnessed: head.unwrap_or_default(),
        })
    }
}

fn read(file: &DurableFile) -> Result<Option<Vec<u8>>, StoreError> {
    match file.read() {
        Ok(content) => Ok(content.map(|content| content.bytes.to_vec())),
        Err(StoreError::Damaged(path)) => {
            tracing::error!(path = %path.display(), "a file cannot be read, and is written anew");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn head(bytes: &[u8]) -> Option<ChainHead> {
    let (length, hash) = bytes.split_first_chunk()?;
    Some(ChainHead { length: u64::from_be_bytes(*length), hash: hash.try_into().ok()? })
}

fn floor_file(data: &Path) -> DurableFile {
    DurableFile::new(&data.join("durable"), "time-floor", FLOOR_BYTES)
}

fn head_file(data: &Path) -> DurableFile {
    DurableFile::new(&data.join("durable"), "witnessed", HEAD_BYTES)
}

/// Brings the store back to the disk when that will do again, and says what happened to it.
pub(super) async fn mend(board: &Arc<Board>, stop: &CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        match board.store.mend().await {
            Ok((_, notices)) => notices.iter().for_each(tell),
            Err(error) => tracing::error!(error = words(&error), "the store cannot be mended"),
        }
    }
}

fn tell(notice: &Notice) {
    match notice {
        Notice::Healed(healing @ Healing::SetAside(_)) => {
            tracing::error!(what = healing.words(), "the store was made anew");
        }
        Notice::Healed(healing) => tracing::warn!(what = healing.words(), "the store was healed"),
        Notice::DamagedFile(path) => tracing::error!(path = %path.display(), "a file was damaged"),
        Notice::OutboxWentBack => tracing::error!("what waited in the outbox may be lost"),
        Notice::WentToMemory(why) => {
            tracing::error!(
                why = why.word(),
                "the disk will not do; the store goes on from memory"
            );
        }
        Notice::BackOnDisk => tracing::info!("the store is on the disk again"),
    }
}

/// Writes the floor and the controller's audit head now and then.
pub(super) async fn remember(
    board: &Arc<Board>,
    link: &Arc<Link>,
    data: &Path,
    stop: &CancellationToken,
) {
    let (mut ticks, mut heads) = (interval(EVERY), interval(WITNESS_EVERY));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heads.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept = link.witnessed();
    loop {
        // Before the look at the floor: what moves it in between is heard.
        let moved = board.clock.moved();
        if board.clock.floor_due().is_some() {
            keep_floor(board, data).await;
        }
        tokio::select! {
            _ = ticks.tick() => {}
            () = moved => {}
            _ = heads.tick() => {
                let head = link.witnessed();
                if head != kept {
                    keep_witnessed(head, data).await;
                    kept = head;
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Writes the time that has passed for certain.
pub(super) async fn keep_floor(board: &Arc<Board>, data: &Path) {
    let (floor, file) = (board.clock.floor(), floor_file(data));
    match pooled(move || file.write(&floor.unix().to_be_bytes())).await {
        Ok(_) => board.clock.floor_written(floor),
        Err(error) => tracing::warn!(error = words(&error), "the time cannot be kept"),
    }
}

/// Writes the controller's audit head.
pub(super) async fn keep_witnessed(head: ChainHead, data: &Path) {
    let file = head_file(data);
    let bytes = [head.length.to_be_bytes().as_slice(), &head.hash].concat();
    if let Err(error) = pooled(move || file.write(&bytes)).await {
        tracing::warn!(error = words(&error), "the controller's audit head cannot be kept");
    }
}
