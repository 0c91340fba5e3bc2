//! What can be fetched or observed again, but is good to have while the line is down: the desired state as it was
//! received, and of each device its inventory record and last report. Bounded in bytes; what is damaged is gone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certs::random::digest;

use super::error::Trouble;
use super::shelf::{Edit, Found, Shelf};

/// The longest name of a thing that is cached.
pub(super) const LONGEST_NAME: usize = 256;

/// A kind of cached things that are known by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawer {
    /// Devices that were seen.
    Inventory,
    /// The last report on each device.
    Reports,
    /// Escrow that the controller has committed, by its key. Without it a record is handed over again.
    Receipts,
}

impl Drawer {
    fn letter(self) -> u8 {
        match self {
            Self::Inventory => b'i',
            Self::Reports => b'r',
            Self::Receipts => b'k',
        }
    }
}

/// The desired state as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// What the controller sent.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub digest: [u8; 32],
}

const DESIRED_LETTER: u8 = b'd';

#[derive(Debug)]
pub(super) struct Cache {
    most_bytes: u64,
    sizes: BTreeMap<Vec<u8>, u64>,
    bytes: u64,
    /// Things that were damaged, since the program was started.
    pub damaged: u64,
}

impl Cache {
    pub(super) fn load(shelf: &mut Shelf, most_bytes: u64) -> Result<Self, Trouble> {
        let mut cache = Self { most_bytes, sizes: BTreeMap::new(), bytes: 0, damaged: 0 };
        let mut edits = Vec::new();
        shelf.scan(&key(0, [0; 16]), &key(u8::MAX, [u8::MAX; 16]), &mut |key, found| {
            match found {
                Found::Sound(value) => cache.weigh(key.to_vec(), value.len() as u64),
                Found::Damaged => {
                    cache.damaged += 1;
                    edits.push(Edit::Remove(key.to_vec()));
                }
            }
            ControlFlow::Continue(())
        })?;
        shelf.apply(&edits)?;
        Ok(cache)
    }

    pub(super) fn keep_desired(
        &mut self,
        shelf: &mut Shelf,
        bytes: &[u8],
    ) -> Result<(), CacheError> {
        self.keep(shelf, BTreeMap::from([(key_of(DESIRED_LETTER, ""), value("", bytes))]))
    }

    pub(super) fn desired(&self, shelf: &Shelf) -> Result<Option<Desired>, Trouble> {
        let found = self.find(shelf, &key_of(DESIRED_LETTER, ""))?;
        Ok(found.map(|(_, bytes)| Desired { digest: digest(&bytes), bytes }))
    }

    pub(super) fn keep_all(
        &mut self,
        shelf: &mut Shelf,
        drawer: Drawer,
        things: &[(String, Vec<u8>)],
    ) -> Result<(), CacheError> {
        let letter = drawer.letter();
        let pairs = things.iter().map(|(name, bytes)| (key_of(letter, name), value(name, bytes)));
        self.keep(shelf, pairs.collect())
    }

    pub(super) fn get(
        &self,
        shelf: &Shelf,
        drawer: Drawer,
        name: &str,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.find(shelf, &key_of(drawer.letter(), name))?.map(|(_, bytes)| bytes))
    }

    pub(super) fn all(
        &self,
        shelf: &Shelf,
        drawer: Drawer,
    ) -> Result<BTreeMap<String, Vec<u8>>, Trouble> {
        let (letter, mut all) = (drawer.letter(), BTreeMap::new());
        shelf.scan(&key(letter, [0; 16]), &key(letter, [u8::MAX; 16]), &mut |_, found| {
            all.extend(opened(found));
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }

    pub(super) fn forget(
        &mut self,
        shelf: &mut Shelf,
        drawer: Drawer,
        name: &str,
    ) -> Result<(), Trouble> {
        let key = key_of(drawer.letter(), name);
        self.bytes -= self.sizes.remove(&key).unwrap_or(0);
        shelf.apply(&[Edit::Remove(key)])
    }

    /// Takes over what another shelf holds, as far as it can be read and there is room.
    pub(super) fn adopt(&mut self, shelf: &mut Shelf, other: &Shelf) -> Result<(), Trouble> {
        let (mut things, mut bytes) = (BTreeMap::new(), 0);
        // What a failing disk no longer shows is lost to the cache, and is fetched or observed again.
        let _ = other.scan(&key(0, [0; 16]), &key(u8::MAX, [u8::MAX; 16]), &mut |key, found| {
            if let Found::Sound(value) = found
                && bytes + value.len() as u64 <= self.most_bytes
            {
                bytes += value.len() as u64;
                things.insert(key.to_vec(), value);
            }
            ControlFlow::Continue(())
        });
        match self.keep(shelf, things) {
            Ok(()) | Err(CacheError::Full) => Ok(()),
            Err(CacheError::Disk(trouble)) => Err(trouble),
        }
    }

    fn keep(
        &mut self,
        shelf: &mut Shelf,
        things: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Result<(), CacheError> {
        let before: u64 = things.keys().filter_map(|key| self.sizes.get(key)).sum();
        let sizes: Vec<_> =
            things.iter().map(|(key, value)| (key.clone(), value.len() as u64)).collect();
        let after: u64 = sizes.iter().map(|(_, size)| size).sum();
        if self.bytes - before + after > self.most_bytes {
            return Err(CacheError::Full);
        }
        let puts: Vec<_> = things.into_iter().map(|(key, value)| Edit::Put(key, value)).collect();
        shelf.apply(&puts).map_err(CacheError::Disk)?;
        for (key, size) in sizes {
            self.weigh(key, size);
        }
        Ok(())
    }

    fn weigh(&mut self, key: Vec<u8>, size: u64) {
        self.bytes -= self.sizes.insert(key, size).unwrap_or(0);
        self.bytes += size;
    }

    fn find(&self, shelf: &Shelf, key: &[u8]) -> Result<Option<(String, Vec<u8>)>, Trouble> {
        Ok(shelf.get(key)?.and_then(opened))
    }
}

/// Why something is not cached.
#[derive(Debug)]
pub(super) enum CacheError {
    Full,
    Disk(Trouble),
}

fn key(letter: u8, name: [u8; 16]) -> Vec<u8> {
    [b"c".as_slice(), &[letter], &name].concat()
}

/// Of one length for any name, as the shelf asks; the name itself is in the value.
fn key_of(letter: u8, name: &str) -> Vec<u8> {
    let digest = digest(name.as_bytes());
    key(letter, digest.first_chunk().copied().unwrap_or_default())
}

/// Length of the name, name, bytes.
fn value(name: &str, bytes: &[u8]) -> Vec<u8> {
    [&(name.len() as u16).to_be_bytes(), name.as_bytes(), bytes].concat()
}

fn opened(found: Found) -> Option<(String, Vec<u8>)> {
    let Found::Sound(value) = found else { return None };
    let (length, rest) = value.split_first_chunk()?;
    let (name, bytes) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((String::from_utf8(name.to_vec()).ok()?, bytes.to_vec()))
}
