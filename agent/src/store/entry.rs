//! What waits in the outbox, and how it is written down. Content is bytes: what is in them is the caller's.

use proto::Timestamp;

use super::index::{Card, Place};
use super::shelf::Found;

/// How an entry waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kept whatever comes after it.
    Audit,
    /// Only the latest of its key counts.
    Status,
    /// A secret in escrow: kept until it is committed, whatever the bounds say, since what it holds may be all that is
    /// left of a device's password. One of its key is enough.
    Escrow,
}

/// What became of an entry that is handed in once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedIn {
    /// It was committed before.
    Committed,
    /// It waits.
    Waits,
    /// So much of its kind waits that there is no room for more until some is committed.
    NoRoom,
}

/// An entry that is to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// How it waits.
    pub kind: Kind,
    /// Of what it is the status, such as a device's name, or which secret it is. Of no meaning for audit.
    pub key: String,
    /// What the caller made of it. At most 256 KiB.
    pub bytes: Vec<u8>,
    /// When it was made.
    pub time: Timestamp,
}

impl NewEntry {
    /// What the index is to know of it.
    pub(super) fn card(&self) -> Card {
        let (key, size) = (self.key.clone(), self.key.len() + self.bytes.len());
        Card { kind: self.kind, key, time: self.time.unix(), size }
    }
}

impl From<Entry> for NewEntry {
    fn from(entry: Entry) -> Self {
        let Entry { sequence: _, kind, key, bytes, time } = entry;
        Self { kind, key, bytes, time }
    }
}

/// An entry that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the epoch, from 1.
    pub sequence: u64,
    /// How it waits.
    pub kind: Kind,
    /// Of what it is the status.
    pub key: String,
    /// What the caller made of it.
    pub bytes: Vec<u8>,
    /// When it was made.
    pub time: Timestamp,
}

/// What is to be uploaded next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The epoch of all its entries.
    pub epoch: String,
    /// In the order of their sequence numbers.
    pub entries: Vec<Entry>,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Entries.
    pub records: u64,
    /// Their bytes, with what is kept beside them.
    pub bytes: u64,
    /// When the first of them was made.
    pub oldest: Option<Timestamp>,
}

/// What will never be uploaded, since the outbox was first made on this disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Audit records for which there was no room: a gap in the chain, which the controller sees. Escrow is never dropped.
    pub audit: u64,
    /// Status entries for which there was no room, or that grew too old.
    pub status: u64,
    /// Entries of either kind whose checksum was wrong.
    pub damaged: u64,
}

impl Dropped {
    /// Both together.
    pub(super) fn and(self, more: Self) -> Self {
        Self {
            audit: self.audit + more.audit,
            status: self.status + more.status,
            damaged: self.damaged + more.damaged,
        }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes, with what is kept beside the entries.
    pub bytes: u64,
    /// Seconds that a status entry may be older than the newest.
    pub status_age: i64,
}

/// Kind, time, length of the key, key, bytes.
pub(super) fn entry_written(entry: &NewEntry) -> Vec<u8> {
    let kind = match entry.kind {
        Kind::Audit => 0,
        Kind::Status => 1,
        Kind::Escrow => 2,
    };
    let mut out = vec![kind];
    out.extend_from_slice(&entry.time.unix().to_be_bytes());
    out.extend_from_slice(&(entry.key.len() as u16).to_be_bytes());
    out.extend_from_slice(entry.key.as_bytes());
    out.extend_from_slice(&entry.bytes);
    out
}

pub(super) fn entry_read(place: Place, found: Found) -> Option<Entry> {
    let Found::Sound(bytes) = found else { return None };
    let (kind, rest) = bytes.split_first()?;
    let kind = match kind {
        0 => Kind::Audit,
        1 => Kind::Status,
        2 => Kind::Escrow,
        _ => return None,
    };
    let (time, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (key, bytes) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some(Entry {
        sequence: place.sequence,
        kind,
        key: String::from_utf8(key.to_vec()).ok()?,
        bytes: bytes.to_vec(),
        time: Timestamp::from_unix(i64::from_be_bytes(*time)),
    })
}
