//! What the store says of itself.

use std::path::PathBuf;

use super::entry::Dropped;
use super::error::Trouble;
use super::open::Healing;

/// Where something was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// On the disk, durably.
    OnDisk,
    /// In memory alone: it is moved to the disk when that will do again, and a crash before loses it.
    InMemory,
}

/// What came of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The entries' sequence numbers, in their order.
    pub sequences: Vec<u64>,
    /// Where they are.
    pub kept: Kept,
}

/// Something that somebody should hear of. Logged and told by whoever takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What was done to open the store.
    Healed(Healing),
    /// A durable file of the store had a damaged generation, or none that is sound.
    DamagedFile(PathBuf),
    /// The outbox is in an earlier state than it was, or made anew: what waited in it may be lost.
    OutboxWentBack,
    /// The store goes on from memory.
    WentToMemory(Trouble),
    /// The store is on the disk again.
    BackOnDisk,
}

/// How the store does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Why it is in memory; `None` while it is on the disk.
    pub degraded: Option<Trouble>,
    /// Whether what sled writes was seen to be synced for real when it was opened; false in memory.
    pub real_syncs: bool,
    /// What will never be uploaded.
    pub dropped: Dropped,
    /// Audit records that were never given a number, since the disk would not do and there was no more room.
    pub refused: u64,
    /// Audit records that wait for a number, since the disk will not do.
    pub held: u64,
    /// Cached things that were damaged.
    pub cache_damaged: u64,
}
