//! Records by key, on the disk (sled) or in memory, with the same words for both. The cache and the outbox are written
//! on top of it once, and go on from memory when the disk will not do.
//!
//! A change is a list of edits that is kept whole or not at all, and is durable when [`Shelf::apply`] returns. Each
//! record is cut into parts of 2 KiB, since sled puts larger nodes into files of their own that it never syncs.
//! sled may panic over damaged files; here that is an answer like any other ([`Trouble::Damaged`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::error::Trouble;
use super::record;

/// The most bytes of one part: with at most some twenty to a node, far below a quarter of a segment.
const PART: usize = 2048;
/// The longest record: parts are numbered with 16 bits.
pub(super) const LONGEST: usize = PART * 60_000;
/// How long sled may take to close. Its own close waits for ever for a thread that has panicked.
const CLOSING: Duration = Duration::from_secs(10);

/// One step of a change. Within a class of keys (the first byte) all keys have the same length.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

/// What lies under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Sound(Vec<u8>),
    Damaged,
}

#[derive(Debug)]
pub(super) enum Shelf {
    Disk(sled::Db, Hold),
    Memory(BTreeMap<Vec<u8>, Vec<u8>>),
}

impl Shelf {
    pub(super) fn in_memory() -> Self {
        Self::Memory(BTreeMap::new())
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Found>, Trouble> {
        let mut found = None;
        self.scan(key, key, &mut |_, record| {
            found = Some(record);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Shows the records from `first` to `last`, both included, in the order of their keys. Keys between them must
    /// have the same length.
    pub(super) fn scan(
        &self,
        first: &[u8],
        last: &[u8],
        visit: &mut dyn FnMut(&[u8], Found) -> ControlFlow<()>,
    ) -> Result<(), Trouble> {
        let (from, until) = (part_key(first, 0), part_key(last, u16::MAX));
        caught(|| {
            let mut whole = Whole::default();
            for part in self.range(&from, &until) {
                let (key, bytes) = part?;
                if let Some((key, record)) = whole.next(&key, &bytes)
                    && visit(&key, record).is_break()
                {
                    return Ok(());
                }
            }
            if let Some((key, record)) = whole.end() {
                let _ = visit(&key, record);
            }
            Ok(())
        })
    }

    /// Makes all the edits or none, durably. After an error either may be the case.
    pub(super) fn apply(&mut self, edits: &[Edit]) -> Result<(), Trouble> {
        let steps = self.steps(edits)?;
        if steps.is_empty() {
            return Ok(());
        }
        match self {
            Self::Disk(db, _) => caught(|| {
                let mut batch = sled::Batch::default();
                for (key, bytes) in &steps {
                    match bytes {
                        Some(bytes) => batch.insert(key.as_slice(), bytes.as_slice()),
                        None => batch.remove(key.as_slice()),
                    }
                }
                db.apply_batch(batch)?;
                db.flush().map(drop)
            }),
            Self::Memory(map) => {
                for (key, bytes) in steps {
                    match bytes {
                        Some(bytes) => drop(map.insert(key, bytes)),
                        None => drop(map.remove(&key)),
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether anything at all lies here, also what is not ours.
    pub(super) fn is_empty(&self) -> Result<bool, Trouble> {
        match self {
            Self::Disk(db, _) => caught(|| {
                let named = db.tree_names().len() > 1;
                Ok(!named && db.iter().next().transpose()?.is_none())
            }),
            Self::Memory(map) => Ok(map.is_empty()),
        }
    }

    /// Closes it, with all that was not synced yet, unless sled is beyond that.
    pub(super) fn close(self) {
        if let Self::Disk(db, hold) = self {
            hold.end(move || drop(db));
        }
    }

    /// The parts that the edits come down to: what to store, or `None` to remove.
    fn steps(&self, edits: &[Edit]) -> Result<BTreeMap<Vec<u8>, Option<Vec<u8>>>, Trouble> {
        let mut steps: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
        for edit in edits {
            let key = match edit {
                Edit::Put(key, _) | Edit::Remove(key) => key,
            };
            // Parts of a longer record before, also of one that the same change has just put.
            let (from, until) = (part_key(key, 0), part_key(key, u16::MAX));
            let there: Vec<_> = caught(|| self.range(&from, &until).collect())?;
            let earlier: Vec<_> = steps.range(from..=until).map(|(key, _)| key.clone()).collect();
            steps.extend(there.into_iter().map(|(key, _)| (key, None)));
            steps.extend(earlier.into_iter().map(|key| (key, None)));
            if let Edit::Put(key, content) = edit {
                debug_assert!(content.len() < LONGEST, "callers cap what they keep");
                let sealed = record::seal(key, content);
                let parts = sealed.chunks(PART).zip(0..).map(|(part, number)| {
                    let mut bytes = part.to_vec();
                    if number == 0 {
                        // How many parts follow, so that a missing last part shows.
                        let count = (sealed.len().div_ceil(PART) - 1) as u16;
                        bytes.splice(0..0, count.to_be_bytes());
                    }
                    (part_key(key, number), Some(bytes))
                });
                steps.extend(parts);
            }
        }
        Ok(steps)
    }

    fn range<'a>(
        &'a self,
        from: &[u8],
        until: &[u8],
    ) -> Box<dyn Iterator<Item = sled::Result<(Vec<u8>, Vec<u8>)>> + 'a> {
        match self {
            Self::Disk(db, _) => Box::new(
                db.range(from.to_vec()..=until.to_vec())
                    .map(|part| part.map(|(key, bytes)| (key.to_vec(), bytes.to_vec()))),
            ),
            Self::Memory(map) => Box::new(
                map.range(from.to_vec()..=until.to_vec())
                    .map(|(key, bytes)| Ok((key.clone(), bytes.clone()))),
            ),
        }
    }
}

/// sled's hold on its folder: a lock on its file, which its threads may keep for a moment after it was closed. Who opens
/// it in that moment would be told that it is in use.
#[derive(Debug)]
pub(super) struct Hold(Option<File>);

impl Hold {
    pub(super) fn on(folder: &Path) -> Self {
        let file = folder.join("db");
        // Whatever cannot be opened is not locked either; to open a pipe would wait for ever.
        Self(file.is_file().then(|| File::open(file).ok()).flatten())
    }

    /// Lets go of it, and waits until sled has, but not for ever: a thread of sled's that has panicked never does.
    pub(super) fn end(self, let_go: impl FnOnce() + Send + 'static) {
        let (done, ended) = mpsc::channel();
        let ending = move || {
            let _ = catch_unwind(AssertUnwindSafe(let_go));
            let _ = self.0.map(|file| file.lock());
            let _ = done.send(());
        };
        if std::thread::Builder::new().name("closing the store".to_owned()).spawn(ending).is_ok() {
            let _ = ended.recv_timeout(CLOSING);
        }
    }
}

fn part_key(key: &[u8], part: u16) -> Vec<u8> {
    [key, &part.to_be_bytes()].concat()
}

/// Puts parts together, as they come in the order of their keys.
#[derive(Default)]
struct Whole {
    key: Vec<u8>,
    bytes: Vec<u8>,
    /// Parts seen, and parts there should be; `None` once they do not fit together.
    parts: Option<(u32, u32)>,
    begun: bool,
}

impl Whole {
    /// Takes one part; gives the record before it, if this one begins another.
    fn next(&mut self, part_key: &[u8], bytes: &[u8]) -> Option<(Vec<u8>, Found)> {
        let (key, number) = part_key.split_at(part_key.len().saturating_sub(2));
        let ended = if self.begun && self.key == key { None } else { self.end() };
        let number = number.try_into().map_or(u32::MAX, |it| u32::from(u16::from_be_bytes(it)));
        if !self.begun {
            let begins = bytes.split_first_chunk().filter(|_| number == 0);
            let (count, rest) = match begins {
                Some((count, rest)) => (Some(u32::from(u16::from_be_bytes(*count))), rest),
                None => (None, bytes),
            };
            *self = Self {
                key: key.to_vec(),
                bytes: rest.to_vec(),
                parts: count.map(|count| (0, count)),
                begun: true,
            };
            return ended;
        }
        self.parts =
            self.parts.filter(|(seen, _)| seen + 1 == number).map(|(_, all)| (number, all));
        self.bytes.extend_from_slice(bytes);
        ended
    }

    fn end(&mut self) -> Option<(Vec<u8>, Found)> {
        let Self { key, bytes, parts, begun } = std::mem::take(self);
        let complete = parts.is_some_and(|(seen, all)| seen == all);
        if !begun {
            return None;
        }
        let record = complete.then(|| record::unseal(&key, &bytes)).flatten();
        Some((key, record.map_or(Found::Damaged, Found::Sound)))
    }
}

/// Does what may panic on damaged files. The panic is told on standard error by the program's hook and ends here.
pub(super) fn caught<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(sorted(&error)),
        Err(_) => Err(Trouble::Damaged),
    }
}

pub(super) fn sorted(error: &sled::Error) -> Trouble {
    match error {
        sled::Error::Io(error) => Trouble::of(error),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => Trouble::Damaged,
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
