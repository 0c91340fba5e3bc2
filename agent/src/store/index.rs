//! What the outbox remembers of its entries, so that it need not look at them: where they are, how large, which are
//! status, and what was dropped. Thinks only; whoever changes it changes the shelf as it says.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Dropped, Kind};

/// What an entry takes besides its content, about.
const BESIDE: u64 = 64;

/// Where an entry is: the order of its epoch, then the sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub epoch: u32,
    pub sequence: u64,
}

impl Place {
    pub(super) const FIRST: Self = Self { epoch: 0, sequence: 0 };
    pub(super) const LAST: Self = Self { epoch: u32::MAX, sequence: u64::MAX };

    pub(super) fn key(self) -> Vec<u8> {
        [b"o".as_slice(), &self.epoch.to_be_bytes(), &self.sequence.to_be_bytes()].concat()
    }

    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        let (epoch, sequence) = key.strip_prefix(b"o")?.split_first_chunk()?;
        let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
        Some(Self { epoch: u32::from_be_bytes(*epoch), sequence })
    }
}

/// What one entry is to the index.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub kind: Kind,
    pub key: String,
    pub time: i64,
    /// Bytes of its content.
    pub size: usize,
}

#[derive(Debug)]
pub(super) struct Index {
    /// The place that the next entry gets.
    pub next: Place,
    sizes: BTreeMap<Place, u64>,
    /// The waiting status of a key.
    latest: BTreeMap<String, Place>,
    /// Key and time of each waiting status, the oldest place first.
    statuses: BTreeMap<Place, (String, i64)>,
    /// Where each escrow waits, by its key.
    escrows: BTreeMap<String, Place>,
    bytes: u64,
    dropped: Dropped,
}

impl Index {
    pub(super) fn new(next: Place, dropped: Dropped) -> Self {
        let (sizes, latest, statuses, escrows) = Default::default();
        Self { next, sizes, latest, statuses, escrows, bytes: 0, dropped }
    }

    /// Puts an entry in its place; gives the one of its key that it replaces.
    pub(super) fn add(&mut self, place: Place, card: &Card) -> Option<Place> {
        let size = card.size as u64 + BESIDE;
        self.sizes.insert(place, size);
        self.bytes += size;
        match card.kind {
            Kind::Audit => None,
            Kind::Status => {
                self.statuses.insert(place, (card.key.clone(), card.time));
                let older = self.latest.insert(card.key.clone(), place)?;
                self.statuses.remove(&older);
                self.subtract(older);
                Some(older)
            }
            Kind::Escrow => {
                let older = self.escrows.insert(card.key.clone(), place)?;
                self.subtract(older);
                Some(older)
            }
        }
    }

    /// Whether an escrow of that key waits.
    pub(super) fn waits(&self, key: &str) -> bool {
        self.escrows.contains_key(key)
    }

    /// Bytes of all escrow that waits, with what is kept beside it.
    pub(super) fn escrow_bytes(&self) -> u64 {
        self.escrows.values().filter_map(|place| self.sizes.get(place)).sum()
    }

    /// Takes an entry out, since it is uploaded.
    pub(super) fn remove(&mut self, place: Place) {
        self.subtract(place);
        if let Some((key, _)) = self.statuses.remove(&place) {
            self.latest.remove(&key);
        }
        self.escrows.retain(|_, there| *there != place);
    }

    /// Takes an entry out, since it is damaged.
    pub(super) fn lose(&mut self, place: Place) {
        self.remove(place);
        self.dropped.damaged += 1;
    }

    fn subtract(&mut self, place: Place) {
        self.bytes -= self.sizes.remove(&place).unwrap_or(0);
    }

    /// Drops what is over the bounds; gives what is to be removed.
    pub(super) fn bound(&mut self, most_bytes: u64, too_old: i64) -> Vec<Place> {
        let old =
            |(place, (_, time)): (&Place, &(String, i64))| (*time < too_old).then_some(*place);
        let mut gone: Vec<_> = self.statuses.iter().filter_map(old).collect();
        for place in &gone {
            self.remove(*place);
        }
        while self.bytes > most_bytes
            && let Some(place) = self.statuses.keys().next().copied()
        {
            self.remove(place);
            gone.push(place);
        }
        self.dropped.status += gone.len() as u64;
        let kept: BTreeSet<_> = self.escrows.values().copied().collect();
        while self.bytes > most_bytes
            && let Some(place) = self.sizes.keys().find(|place| !kept.contains(place)).copied()
        {
            self.remove(place);
            self.dropped.audit += 1;
            gone.push(place);
        }
        gone
    }

    pub(super) fn holds(&self, place: Place) -> bool {
        self.sizes.contains_key(&place)
    }

    pub(super) fn records(&self) -> u64 {
        self.sizes.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn dropped(&self) -> Dropped {
        self.dropped
    }

    pub(super) fn add_dropped(&mut self, more: Dropped) {
        self.dropped = self.dropped.and(more);
    }

    /// The epochs that have entries, and the one that goes on.
    pub(super) fn epochs_in_use(&self) -> BTreeSet<u32> {
        self.sizes.keys().map(|place| place.epoch).chain([self.next.epoch]).collect()
    }

    /// What cannot be found again by looking at the entries, as bytes.
    pub(super) fn written(&self) -> Vec<u8> {
        let Dropped { audit, status, damaged } = self.dropped;
        let mut out = self.next.epoch.to_be_bytes().to_vec();
        for number in [self.next.sequence, audit, status, damaged] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out
    }

    /// The next place and what was dropped, as [`Index::written`] wrote them.
    pub(super) fn parsed(bytes: &[u8]) -> Option<(Place, Dropped)> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (numbers, rest) = rest.as_chunks::<8>();
        let [sequence, audit, status, damaged] = numbers.try_into().ok()?;
        let [sequence, audit, status, damaged] =
            [sequence, audit, status, damaged].map(u64::from_be_bytes);
        let next = Place { epoch: u32::from_be_bytes(*epoch), sequence };
        rest.is_empty().then_some((next, Dropped { audit, status, damaged }))
    }
}
