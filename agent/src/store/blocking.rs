//! The store for callers that may block: the cache, the outbox and the audit chain on the disk, or in memory while the
//! disk will not do. No call ends in an error because of the disk: it is kept in memory then, and the answer says so.
//! Nothing that a crash may lose is called kept.

use std::collections::BTreeMap;

use certs::audit::ChainHead;

use super::cache::{CacheError, Desired, Drawer, LONGEST_NAME};
use super::chain::{Chain, Draft};
use super::condition::{Condition, Kept, Notice, Pushed};
use super::entry::{Batch, Dropped, HandedIn, Kind, NewEntry, Waiting};
use super::error::{StoreError, Trouble};
use super::options::{LONGEST_DESIRED, LONGEST_DRAFT, LONGEST_ENTRY, Options};
use super::outbox::Mark;
use super::parts::Parts;
use super::shelf::Shelf;

/// How often an operation is tried: as it is, on the mended store, in memory.
const TRIES: usize = 3;
/// How many notices wait to be told.
const MOST_NOTICES: usize = 64;

/// Drafts that have no number yet.
#[derive(Debug)]
struct Held {
    drafts: Vec<Draft>,
    /// Where they were about to be put when the disk failed: they may be there.
    perhaps: Option<Mark>,
}

/// The store. One per folder; a second one gets [`StoreError::InUse`].
#[derive(Debug)]
pub struct BlockingStore {
    options: Options,
    parts: Parts,
    degraded: Option<Trouble>,
    held: Vec<Held>,
    refused: u64,
    /// What the outbox on the disk had dropped when it was last seen.
    dropped_on_disk: Dropped,
    notices: Vec<Notice>,
}

impl BlockingStore {
    /// Opens the store in its folder, whatever lies there; in memory if the disk will not do.
    ///
    /// # Errors
    /// [`StoreError::InUse`] and [`StoreError::NoRandomness`] alone.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let mut store = Self {
            parts: Parts::in_memory(&options)?,
            options,
            degraded: Some(Trouble::Failing),
            held: Vec::new(),
            refused: 0,
            dropped_on_disk: Dropped::default(),
            notices: Vec::new(),
        };
        store.mend()?;
        store.notices.retain(|notice| *notice != Notice::BackOnDisk);
        match store.degraded {
            Some(Trouble::InUse) => Err(StoreError::InUse(store.options.folder.clone())),
            Some(trouble) => {
                store.tell(Notice::WentToMemory(trouble));
                Ok(store)
            }
            None => Ok(store),
        }
    }

    /// Goes back to the disk, if it will do again, with all that was gathered in memory. Does nothing when all is
    /// well; call it every minute or so.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn mend(&mut self) -> Result<(), StoreError> {
        if self.degraded.is_none() {
            return Ok(());
        }
        match Parts::on_disk(&self.options)? {
            Ok((parts, notices)) => {
                notices.into_iter().for_each(|notice| self.tell(notice));
                self.move_to(parts)
            }
            Err(trouble) => {
                self.degraded = Some(trouble);
                Ok(())
            }
        }
    }

    fn move_to(&mut self, mut disk: Parts) -> Result<(), StoreError> {
        let was_kept =
            |held: &Held| held.perhaps.as_ref().is_some_and(|perhaps| disk.outbox.holds(perhaps));
        self.held.retain(|held| !was_kept(held));
        if let Err(trouble) = disk.adopt(&self.parts)? {
            disk.shelf.close();
            self.degraded = Some(trouble);
            return Ok(());
        }
        (self.parts, self.degraded) = (disk, None);
        self.tell(Notice::BackOnDisk);
        let drafts: Vec<_> =
            std::mem::take(&mut self.held).into_iter().flat_map(|held| held.drafts).collect();
        if !drafts.is_empty() {
            self.audit(drafts)?;
        }
        Ok(())
    }

    /// Goes on from memory, or from the mended disk if the files were damaged and this is the first round.
    fn fail(&mut self, trouble: Trouble, round: usize) -> Result<(), StoreError> {
        let mut memory = Parts::in_memory(&self.options)?;
        memory.cache.adopt(&mut memory.shelf, &self.parts.shelf).unwrap_or(());
        self.dropped_on_disk = self.parts.outbox.dropped();
        std::mem::replace(&mut self.parts, memory).shelf.close();
        self.degraded = Some(trouble);
        if trouble == Trouble::Damaged && round == 0 {
            self.mend()?;
        }
        self.degraded.map(Notice::WentToMemory).into_iter().for_each(|notice| self.tell(notice));
        Ok(())
    }

    /// Does the work where the store is, and where it goes to when that fails.
    fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Parts) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        for round in 0..TRIES {
            match work(&mut self.parts) {
                Ok(done) => return Ok(done),
                Err(trouble) => self.fail(trouble, round)?,
            }
        }
        // Memory has no troubles, so this is not reached.
        Err(StoreError::Damaged(self.options.folder.clone()))
    }

    /// Lets one entry wait. See [`BlockingStore::push_all`].
    ///
    /// # Errors
    /// As there.
    pub fn push(&mut self, entry: NewEntry) -> Result<Pushed, StoreError> {
        self.push_all(vec![entry])
    }

    /// Lets entries wait for upload: all or none, with one sync. When this returns [`Kept::OnDisk`], they are there
    /// after a power cut, until they are committed, replaced by newer status, or over the bounds.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; [`StoreError::NoRandomness`].
    pub fn push_all(&mut self, entries: Vec<NewEntry>) -> Result<Pushed, StoreError> {
        for entry in &entries {
            fits("an outbox entry", entry.bytes.len(), LONGEST_ENTRY)?;
            fits("an outbox entry's key", entry.key.len(), LONGEST_NAME)?;
        }
        let mut mark: Option<Mark> = None;
        let sequences = self.attempt(|parts| {
            // A change that ended in an error may have been kept all the same.
            if let Some(mark) = mark.as_ref().filter(|mark| parts.outbox.holds(mark)) {
                return Ok(mark.sequences());
            }
            mark = Some(parts.outbox.mark(entries.len()));
            parts.outbox.push_all(&mut parts.shelf, &entries, Vec::new())
        })?;
        Ok(Pushed { sequences, kept: self.kept() })
    }

    /// Lets an escrow wait for upload, unless it waits already, or was committed: then a receipt of its key is there.
    ///
    /// # Errors
    /// As [`BlockingStore::push_all`].
    pub fn hand_in(&mut self, entry: NewEntry) -> Result<HandedIn, StoreError> {
        if self.get(Drawer::Receipts, &entry.key)?.is_some() {
            return Ok(HandedIn::Committed);
        }
        if self.parts.outbox.waits(&entry.key) {
            return Ok(HandedIn::Waits);
        }
        if !self.parts.outbox.has_room_for(&entry) {
            return Ok(HandedIn::NoRoom);
        }
        self.push(NewEntry { kind: Kind::Escrow, ..entry }).map(|_| HandedIn::Waits)
    }

    /// Adds records to the audit chain and lets them wait for upload: all or none. While the store is in memory they
    /// are held, and get their numbers when the disk will do again.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; [`StoreError::NoRandomness`].
    pub fn audit(&mut self, drafts: Vec<Draft>) -> Result<Kept, StoreError> {
        for draft in &drafts {
            fits("an audit record", draft.size(), LONGEST_DRAFT)?;
        }
        if drafts.is_empty() {
            return Ok(self.kept());
        }
        let mut perhaps = None;
        for round in 0..TRIES {
            if self.degraded.is_some() {
                break;
            }
            if perhaps.as_ref().is_some_and(|mark| self.parts.outbox.holds(mark)) {
                return Ok(Kept::OnDisk);
            }
            perhaps = Some(self.parts.outbox.mark(drafts.len()));
            match self.parts.audit(&drafts, self.options.encode) {
                Ok(()) => return Ok(Kept::OnDisk),
                Err(trouble) => self.fail(trouble, round)?,
            }
        }
        self.hold(Held { drafts, perhaps });
        Ok(Kept::InMemory)
    }

    fn hold(&mut self, held: Held) {
        let all = self.held.iter().chain([&held]).flat_map(|held| &held.drafts);
        let (records, bytes) =
            all.fold((0, 0), |(records, bytes), draft| (records + 1, bytes + draft.size()));
        if records > self.options.held.0 || bytes > self.options.held.1 {
            self.refused += held.drafts.len() as u64;
        } else {
            self.held.push(held);
        }
    }

    /// The entries to upload next, in order: of one epoch, at most so many with at most so many bytes, but always one
    /// if one waits. `None` if none waits. Asked again, it gives the same again, until they are committed.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn batch(&mut self, entries: usize, bytes: usize) -> Result<Option<Batch>, StoreError> {
        self.attempt(|parts| parts.outbox.batch(&mut parts.shelf, entries, bytes))
    }

    /// Removes what the controller has committed, durably. What was not handed out by [`BlockingStore::batch`] since
    /// the store was opened stays.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn committed(&mut self, epoch: &str, up_to: u64) -> Result<(), StoreError> {
        self.attempt(|parts| parts.outbox.committed(&mut parts.shelf, epoch, up_to))
    }

    /// How much waits. While the store is in memory, what waits on the disk is not seen.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn waiting(&mut self) -> Result<Waiting, StoreError> {
        self.attempt(|parts| parts.outbox.waiting(&parts.shelf))
    }

    /// Remembers the desired state as it was received.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::CacheFull`], [`StoreError::NoRandomness`].
    pub fn keep_desired(&mut self, bytes: &[u8]) -> Result<Kept, StoreError> {
        fits("the desired state", bytes.len(), LONGEST_DESIRED)?;
        let done =
            self.attempt(|parts| unfull(parts.cache.keep_desired(&mut parts.shelf, bytes)))?;
        done.map(|()| self.kept())
    }

    /// The desired state that was last remembered.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn desired(&mut self) -> Result<Option<Desired>, StoreError> {
        self.attempt(|parts| parts.cache.desired(&parts.shelf))
    }

    /// Remembers things by their names: all or none, with one sync.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::CacheFull`], [`StoreError::NoRandomness`].
    pub fn keep_all(
        &mut self,
        drawer: Drawer,
        things: Vec<(String, Vec<u8>)>,
    ) -> Result<Kept, StoreError> {
        for (name, bytes) in &things {
            fits("a cached thing", bytes.len(), LONGEST_ENTRY)?;
            fits("a cached thing's name", name.len(), LONGEST_NAME)?;
        }
        let done =
            self.attempt(|parts| unfull(parts.cache.keep_all(&mut parts.shelf, drawer, &things)))?;
        done.map(|()| self.kept())
    }

    /// One thing by its name.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn get(&mut self, drawer: Drawer, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.attempt(|parts| parts.cache.get(&parts.shelf, drawer, name))
    }

    /// All things of a drawer, by name.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn all(&mut self, drawer: Drawer) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        self.attempt(|parts| parts.cache.all(&parts.shelf, drawer))
    }

    /// Forgets a thing.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`] alone.
    pub fn forget(&mut self, drawer: Drawer, name: &str) -> Result<(), StoreError> {
        self.attempt(|parts| parts.cache.forget(&mut parts.shelf, drawer, name))
    }

    /// The audit chain's head; `None` while the store is in memory.
    pub fn head(&self) -> Option<ChainHead> {
        self.parts.chain.as_ref().map(Chain::head)
    }

    /// How the store does.
    pub fn condition(&self) -> Condition {
        let here = self.parts.outbox.dropped();
        let dropped = match self.degraded {
            Some(_) => here.and(self.dropped_on_disk),
            None => here,
        };
        Condition {
            degraded: self.degraded,
            real_syncs: self.parts.real_syncs,
            dropped,
            refused: self.refused,
            held: self.held.iter().map(|held| held.drafts.len() as u64).sum(),
            cache_damaged: self.parts.cache.damaged,
        }
    }

    /// What somebody should hear of, since the last time this was asked.
    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn tell(&mut self, notice: Notice) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(notice);
        }
    }

    fn kept(&self) -> Kept {
        self.degraded.map_or(Kept::OnDisk, |_| Kept::InMemory)
    }
}

impl Drop for BlockingStore {
    fn drop(&mut self) {
        std::mem::replace(&mut self.parts.shelf, Shelf::in_memory()).close();
    }
}

fn fits(what: &'static str, bytes: usize, most: usize) -> Result<(), StoreError> {
    if bytes > most { Err(StoreError::TooLarge { what, bytes, most }) } else { Ok(()) }
}

/// A full cache is the caller's to hear of, and no trouble of the disk.
fn unfull(kept: Result<(), CacheError>) -> Result<Result<(), StoreError>, Trouble> {
    match kept {
        Ok(()) => Ok(Ok(())),
        Err(CacheError::Full) => Ok(Err(StoreError::CacheFull)),
        Err(CacheError::Disk(trouble)) => Err(trouble),
    }
}

#[cfg(test)]
#[path = "blocking_tests.rs"]
mod tests;
