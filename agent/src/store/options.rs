//! How the store is to be, and what fits in it.

use std::path::PathBuf;
use std::time::Duration;

use super::chain::Encode;
use super::entry::Bounds;

/// The most bytes of one outbox entry, or of one cached thing.
pub const LONGEST_ENTRY: usize = 256 << 10;
/// The most bytes of the desired state.
pub const LONGEST_DESIRED: usize = 4 << 20;
/// The most bytes of one audit record's texts together.
pub const LONGEST_DRAFT: usize = 16 << 10;

/// How the store is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The agent's data folder: `cache/` and `durable/` are made in it.
    pub folder: PathBuf,
    /// Makes an outbox entry of an audit record.
    pub encode: Encode,
    /// How often sled looks after its files and syncs them although nothing happened.
    pub flush_every: Duration,
    /// What may wait on the disk.
    pub outbox: Bounds,
    /// What may wait in memory while the disk will not do.
    pub outbox_in_memory: Bounds,
    /// Bytes that may be cached on the disk.
    pub cache_bytes: u64,
    /// Bytes that may be cached in memory while the disk will not do.
    pub cache_bytes_in_memory: u64,
    /// Audit records, and bytes of their texts, that are held without a number while the disk will not do.
    pub held: (usize, usize),
}

impl Options {
    /// The usual bounds: 16 MiB wait and 32 MiB are cached on the disk, 1 and 4 MiB in memory; status waits for 120 days.
    pub fn new(folder: PathBuf, encode: Encode) -> Self {
        let status_age = 120 * 24 * 60 * 60;
        Self {
            folder,
            encode,
            flush_every: Duration::from_secs(60),
            outbox: Bounds { bytes: 16 << 20, status_age },
            outbox_in_memory: Bounds { bytes: 1 << 20, status_age },
            cache_bytes: 32 << 20,
            cache_bytes_in_memory: 4 << 20,
            held: (1000, 1 << 20),
        }
    }
}
