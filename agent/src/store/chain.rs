//! The agent's audit chain: which number and hash the next record has. Two places know: sled, atomically with the
//! records themselves, and a durable file, so that a rebuilt outbox does not give a number to two records.
//!
//! The order is: records and head into the outbox, in one change; then the head into the file; only then is the record
//! acknowledged, and nobody can upload it before, since the store is held all that time. So the file is never ahead of
//! what was in an outbox, and at most one unacknowledged change behind it: at the start the longer head is right.
//! While the disk cannot be written no numbers are given; a number that a power cut could give out twice would look
//! like a forged log.

use std::path::{Path, PathBuf};

use certs::audit::{ChainHead, Record};
use proto::Timestamp;

use super::entry::{Kind, NewEntry};
use super::error::{StoreError, Trouble};
use super::files::DurableFile;
use super::open::place_trouble;
use super::shelf::{Edit, Found, Shelf};

const HEAD_KEY: &[u8] = b"mh";
const HEAD_BYTES: usize = 8 + 32;

/// What is to be recorded; its number and hash are given when it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// When it happened.
    pub time: Timestamp,
    /// Who did it: the agent's own name.
    pub actor: String,
    /// What was done: a word of a closed list.
    pub deed: String,
    /// To what: a device, or nothing.
    pub subject: String,
    /// The rest in words. Never a secret.
    pub detail: String,
}

impl Draft {
    /// How many bytes its texts have.
    pub(super) fn size(&self) -> usize {
        self.actor.len() + self.deed.len() + self.subject.len() + self.detail.len()
    }
}

/// Makes an outbox entry of a record and the head that it makes.
pub type Encode = fn(&Record, &ChainHead) -> Vec<u8>;

#[derive(Debug)]
pub(super) struct Chain {
    head: ChainHead,
    file: DurableFile,
    /// The file could not be read, or one of its generations.
    pub damaged: Option<PathBuf>,
    /// sled has lost records that it once had.
    pub outbox_behind: bool,
}

impl Chain {
    /// Finds the head, and writes the file if it is behind.
    pub(super) fn load(folder: &Path, shelf: &Shelf) -> Result<Self, Trouble> {
        let file = DurableFile::new(folder, "audit-head", HEAD_BYTES);
        let (kept, damaged) = match file.read() {
            Ok(Some(content)) => (parsed(&content.bytes), content.damaged),
            Ok(None) => (Some(ChainHead::default()), None),
            Err(StoreError::Damaged(path)) => (None, Some(path)),
            Err(other) => return Err(place_trouble(&other)),
        };
        let listed = match shelf.get(HEAD_KEY)? {
            Some(Found::Sound(bytes)) => parsed(&bytes),
            Some(Found::Damaged) | None => None,
        };
        let (kept, listed) = (kept.unwrap_or_default(), listed.unwrap_or_default());
        let outbox_behind = listed.length < kept.length;
        let head = if listed.length > kept.length { listed } else { kept };
        let chain = Self { head, file, damaged, outbox_behind };
        if head != kept {
            chain.settle()?;
        }
        Ok(chain)
    }

    pub(super) fn head(&self) -> ChainHead {
        self.head
    }

    /// The entries for the drafts, the head after them, and the edit that keeps that head beside them.
    pub(super) fn sealed(
        &self,
        drafts: &[Draft],
        encode: Encode,
    ) -> (Vec<NewEntry>, ChainHead, Edit) {
        let mut head = self.head;
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let record = Record {
                number: head.length + 1,
                time: draft.time,
                actor: draft.actor.clone(),
                deed: draft.deed.clone(),
                subject: draft.subject.clone(),
                detail: draft.detail.clone(),
            };
            head = head.extended(&record);
            let (key, bytes) = (String::new(), encode(&record, &head));
            entries.push(NewEntry { kind: Kind::Audit, key, bytes, time: draft.time });
        }
        (entries, head, Edit::Put(HEAD_KEY.to_vec(), written(&head)))
    }

    /// Goes on from `head`, whose records are in the outbox.
    pub(super) fn advance(&mut self, head: ChainHead) -> Result<(), Trouble> {
        self.head = head;
        self.settle()
    }

    fn settle(&self) -> Result<(), Trouble> {
        self.file.write(&written(&self.head)).map(drop).map_err(|error| place_trouble(&error))
    }
}

fn written(head: &ChainHead) -> Vec<u8> {
    [head.length.to_be_bytes().as_slice(), &head.hash].concat()
}

fn parsed(bytes: &[u8]) -> Option<ChainHead> {
    let (length, hash) = bytes.split_first_chunk()?;
    Some(ChainHead { length: u64::from_be_bytes(*length), hash: hash.try_into().ok()? })
}
