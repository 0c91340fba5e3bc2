//! What waits to be uploaded. An entry's place is (epoch, sequence): an epoch is the random name of one life of the
//! outbox, a sequence number grows within it for ever, and no place is ever given twice, whatever is cut or rebuilt. So
//! the controller can tell an upload that it has already from a new one.
//!
//! Audit entries are all kept. A status entry takes the place of the waiting one of the same key, since only the latest
//! counts. Bounds: bytes for all, age for status. The oldest status goes first; audit only when what is left is over the
//! bound, and then it is counted. Age does not touch audit: a clock that jumps must not be able to empty a log. Escrow is
//! never dropped: whoever hands it in is told when half of the room is taken up by it, and keeps it elsewhere.
//!
//! Entries that were gathered in memory while the disk would not do come after what is on the disk, under the epoch
//! that they had; so several epochs may wait, and a batch is of one of them, the oldest.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::entry::{Batch, Bounds, Dropped, NewEntry, Waiting, entry_read, entry_written};
use super::error::Trouble;
use super::index::{Index, Place};
use super::numbers::Numbers;
use super::shelf::{Edit, Found, Shelf};

const STATE_KEY: &[u8] = b"mn";

/// Places that entries were about to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    epoch: String,
    first: u64,
    entries: u64,
}

impl Mark {
    /// Their sequence numbers.
    pub(super) fn sequences(&self) -> Vec<u64> {
        (self.first..self.first + self.entries).collect()
    }
}

/// After an error it must be loaded anew, from wherever that is then.
#[derive(Debug)]
pub(super) struct Outbox {
    bounds: Bounds,
    /// Names of epochs by their order.
    epochs: BTreeMap<u32, String>,
    index: Index,
    numbers: Numbers,
    /// The last place that was handed out for upload.
    handed: Option<Place>,
}

impl Outbox {
    /// Finds what waits. `fresh` names the epoch if there is none to go on with.
    pub(super) fn load(
        shelf: &mut Shelf,
        fresh: &str,
        bounds: Bounds,
        numbers: Numbers,
    ) -> Result<Self, Trouble> {
        let mut epochs = names_of_epochs(shelf)?;
        let state = match shelf.get(STATE_KEY)? {
            Some(Found::Sound(bytes)) => Index::parsed(&bytes),
            Some(Found::Damaged) | None => None,
        };
        let (known, dropped) = state.unwrap_or((Place::FIRST, Dropped::default()));
        let mut index = Index::new(known, dropped);
        let mut edits = recount(&mut index, shelf)?;
        let name = epochs.get(&known.epoch).filter(|_| state.is_some());
        match name.and_then(|name| numbers.first_free(name, known.sequence)) {
            Some(sequence) => index.next.sequence = sequence,
            None => {
                // Numbers may have been given out that nothing here tells of, so a new life begins.
                let last = index.epochs_in_use().into_iter().chain(epochs.keys().copied()).max();
                let epoch = last.map_or(0, |last| last + 1);
                index.next = Place { epoch, sequence: 1 };
                edits.push(Edit::Put(epoch_key(epoch), fresh.as_bytes().to_vec()));
                epochs.insert(epoch, fresh.to_owned());
            }
        }
        for orphan in index.epochs_in_use() {
            // Entries whose epoch's name is lost get a new one: better twice at the controller than never.
            epochs.entry(orphan).or_insert_with(|| {
                let name = format!("{fresh}-{orphan}");
                edits.push(Edit::Put(epoch_key(orphan), name.clone().into_bytes()));
                name
            });
        }
        edits.push(Edit::Put(STATE_KEY.to_vec(), index.written()));
        shelf.apply(&edits)?;
        Ok(Self { bounds, epochs, index, numbers, handed: None })
    }

    /// Keeps the entries, with whatever is to be changed beside them; gives their sequence numbers.
    pub(super) fn push_all(
        &mut self,
        shelf: &mut Shelf,
        entries: &[NewEntry],
        beside: Vec<Edit>,
    ) -> Result<Vec<u64>, Trouble> {
        let epoch = self.epochs.get(&self.index.next.epoch).map_or("", String::as_str);
        self.numbers.reserve(epoch, self.index.next.sequence + entries.len() as u64)?;
        let mut edits = beside;
        let mut sequences = Vec::with_capacity(entries.len());
        for entry in entries {
            let place = self.index.next;
            self.index.next.sequence += 1;
            sequences.push(place.sequence);
            let card = entry.card();
            edits.push(Edit::Put(place.key(), entry_written(entry)));
            edits.extend(self.index.add(place, &card).map(|older| Edit::Remove(older.key())));
        }
        let newest = entries.iter().map(|entry| entry.time.unix()).max().unwrap_or(i64::MIN);
        let gone =
            self.index.bound(self.bounds.bytes, newest.saturating_sub(self.bounds.status_age));
        edits.extend(gone.into_iter().map(|place| Edit::Remove(place.key())));
        edits.push(Edit::Put(STATE_KEY.to_vec(), self.index.written()));
        shelf.apply(&edits)?;
        Ok(sequences)
    }

    /// The oldest entries, at most so many with at most so many bytes, but always one if one waits.
    pub(super) fn batch(
        &mut self,
        shelf: &mut Shelf,
        most_entries: usize,
        most_bytes: usize,
    ) -> Result<Option<Batch>, Trouble> {
        let (mut entries, mut damaged, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut last: Option<Place> = None;
        shelf.scan(&Place::FIRST.key(), &Place::LAST.key(), &mut |key, found| {
            let Some(place) = Place::of_key(key) else { return ControlFlow::Continue(()) };
            let Some(entry) = entry_read(place, found) else {
                damaged.push(place);
                return ControlFlow::Continue(());
            };
            let fits = bytes + entry.bytes.len() <= most_bytes && entries.len() < most_entries;
            let same = last.is_none_or(|last| last.epoch == place.epoch);
            if !(same && (fits || entries.is_empty())) {
                return ControlFlow::Break(());
            }
            bytes += entry.bytes.len();
            entries.push(entry);
            last = Some(place);
            ControlFlow::Continue(())
        })?;
        if !damaged.is_empty() {
            self.forget(shelf, &damaged, Index::lose)?;
        }
        self.handed = last.or(self.handed);
        let epoch = last.and_then(|last| self.epochs.get(&last.epoch));
        Ok(epoch.map(|epoch| Batch { epoch: epoch.clone(), entries }))
    }

    /// Removes what the controller has committed: everything of the epoch up to there that was handed out. What was
    /// never handed out stays, whatever the controller says.
    pub(super) fn committed(
        &mut self,
        shelf: &mut Shelf,
        epoch: &str,
        up_to: u64,
    ) -> Result<(), Trouble> {
        let found = self.epochs.iter().find(|(_, name)| name.as_str() == epoch);
        let (Some((&epoch, _)), Some(handed)) = (found, self.handed) else { return Ok(()) };
        let last = Place { epoch, sequence: up_to }.min(handed);
        if last.epoch != epoch {
            return Ok(());
        }
        let mut done = Vec::new();
        shelf.scan(&Place { epoch, sequence: 0 }.key(), &last.key(), &mut |key, _| {
            done.extend(Place::of_key(key));
            ControlFlow::Continue(())
        })?;
        self.forget(shelf, &done, Index::remove)
    }

    fn forget(
        &mut self,
        shelf: &mut Shelf,
        places: &[Place],
        how: fn(&mut Index, Place),
    ) -> Result<(), Trouble> {
        places.iter().for_each(|place| how(&mut self.index, *place));
        let mut edits: Vec<_> = places.iter().map(|place| Edit::Remove(place.key())).collect();
        let in_use = self.index.epochs_in_use();
        let over = self.epochs.keys().filter(|epoch| !in_use.contains(epoch));
        edits.extend(over.map(|epoch| Edit::Remove(epoch_key(*epoch))));
        edits.push(Edit::Put(STATE_KEY.to_vec(), self.index.written()));
        shelf.apply(&edits)?;
        self.epochs.retain(|epoch, _| in_use.contains(epoch));
        Ok(())
    }

    /// Takes over what waits in another outbox, which was in memory, after all that waits here.
    pub(super) fn adopt(
        &mut self,
        shelf: &mut Shelf,
        other: &Self,
        other_shelf: &Shelf,
        fresh: &str,
    ) -> Result<(), Trouble> {
        if other.index.records() == 0 {
            return Ok(());
        }
        let Some(name) = other.epochs.get(&other.index.next.epoch) else { return Ok(()) };
        // It is there already if an earlier try was kept although it ended in an error.
        let there = self.epochs.iter().find(|(_, known)| *known == name).map(|(epoch, _)| *epoch);
        let epoch = there.unwrap_or(self.index.next.epoch + 1);
        let mut edits = vec![Edit::Put(epoch_key(epoch), name.clone().into_bytes())];
        other_shelf.scan(&Place::FIRST.key(), &Place::LAST.key(), &mut |key, found| {
            if let (Some(place), Found::Sound(bytes)) = (Place::of_key(key), found) {
                edits.push(Edit::Put(Place { epoch, ..place }.key(), bytes));
            }
            ControlFlow::Continue(())
        })?;
        self.index.next = self.index.next.max(Place { epoch, ..other.index.next });
        self.index.add_dropped(other.index.dropped());
        edits.push(Edit::Put(STATE_KEY.to_vec(), self.index.written()));
        shelf.apply(&edits)?;
        let numbers = std::mem::replace(&mut self.numbers, Numbers::in_memory());
        // Until its numbers are reserved, which the first push does, no restart goes on with this epoch.
        let numbers = numbers.of(name, self.index.next.sequence);
        *self = Self::load(shelf, fresh, self.bounds, numbers)?;
        Ok(())
    }

    /// Whether an escrow of that key waits.
    pub(super) fn waits(&self, key: &str) -> bool {
        self.index.waits(key)
    }

    /// Whether one more escrow may wait.
    pub(super) fn has_room_for(&self, entry: &NewEntry) -> bool {
        self.index.escrow_bytes() + entry.card().size as u64 <= self.bounds.bytes / 2
    }

    /// Where so many entries, at least one, would be put now.
    pub(super) fn mark(&self, entries: usize) -> Mark {
        let Place { epoch, sequence } = self.index.next;
        let epoch = self.epochs.get(&epoch).cloned().unwrap_or_default();
        Mark { epoch, first: sequence, entries: entries as u64 }
    }

    /// Whether the entries were put there.
    pub(super) fn holds(&self, mark: &Mark) -> bool {
        // The last of them is not replaced by another of them, and all were put or none.
        let sequence = mark.first + mark.entries.saturating_sub(1);
        let mut epochs = self.epochs.iter().filter(|(_, name)| **name == mark.epoch);
        epochs.any(|(epoch, _)| self.index.holds(Place { epoch: *epoch, sequence }))
    }

    pub(super) fn waiting(&self, shelf: &Shelf) -> Result<Waiting, Trouble> {
        let mut oldest = None;
        shelf.scan(&Place::FIRST.key(), &Place::LAST.key(), &mut |key, found| {
            oldest = Place::of_key(key).and_then(|place| entry_read(place, found));
            if oldest.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let (records, bytes) = (self.index.records(), self.index.bytes());
        Ok(Waiting { records, bytes, oldest: oldest.map(|entry| entry.time) })
    }

    pub(super) fn dropped(&self) -> Dropped {
        self.index.dropped()
    }
}

fn names_of_epochs(shelf: &Shelf) -> Result<BTreeMap<u32, String>, Trouble> {
    let mut epochs = BTreeMap::new();
    shelf.scan(&epoch_key(0), &epoch_key(u32::MAX), &mut |key, found| {
        if let (Some(order), Found::Sound(name)) = (epoch_order(key), found) {
            epochs.extend(String::from_utf8(name).ok().map(|name| (order, name)));
        }
        ControlFlow::Continue(())
    })?;
    Ok(epochs)
}

/// Looks at every entry, and says what must go: what is damaged, and status that later status replaced.
fn recount(index: &mut Index, shelf: &Shelf) -> Result<Vec<Edit>, Trouble> {
    let mut edits = Vec::new();
    shelf.scan(&Place::FIRST.key(), &Place::LAST.key(), &mut |key, found| {
        let Some(place) = Place::of_key(key) else { return ControlFlow::Continue(()) };
        match entry_read(place, found) {
            Some(entry) => {
                let card = NewEntry::from(entry).card();
                edits.extend(index.add(place, &card).map(|older| Edit::Remove(older.key())));
            }
            None => {
                index.lose(place);
                edits.push(Edit::Remove(place.key()));
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(edits)
}

fn epoch_key(order: u32) -> Vec<u8> {
    [b"e".as_slice(), &order.to_be_bytes()].concat()
}

fn epoch_order(key: &[u8]) -> Option<u32> {
    key.strip_prefix(b"e")?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
