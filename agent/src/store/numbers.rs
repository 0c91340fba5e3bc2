//! Sequence numbers that are given once. sled cannot be the only one to know which is next: over a damaged file it may
//! open in an earlier state and say nothing. So a durable file holds the epoch and a ceiling below which all numbers
//! count as given; it is raised by many at a time, and a store that is opened begins at the ceiling. Gaps are allowed.

use super::error::{StoreError, Trouble};
use super::files::DurableFile;
use super::open::place_trouble;

/// How many numbers one write of the file reserves.
const RESERVED: u64 = 4096;
/// The longest content: the ceiling and the epoch's name.
pub(super) const MOST_BYTES: usize = 8 + 256;

#[derive(Debug)]
pub(super) struct Numbers {
    /// `None` in memory, which knows no restart.
    file: Option<DurableFile>,
    epoch: String,
    ceiling: u64,
}

impl Numbers {
    pub(super) fn in_memory() -> Self {
        Self { file: None, epoch: String::new(), ceiling: 0 }
    }

    /// What the file says. If it is lost, no epoch can go on.
    pub(super) fn load(file: DurableFile) -> Result<Self, Trouble> {
        let content = match file.read() {
            Ok(content) => content,
            Err(StoreError::Damaged(_)) => None,
            Err(other) => return Err(place_trouble(&other)),
        };
        let said = content.and_then(|content| {
            let (ceiling, epoch) = content.bytes.split_first_chunk()?;
            Some((u64::from_be_bytes(*ceiling), String::from_utf8(epoch.to_vec()).ok()?))
        });
        let (ceiling, epoch) = said.unwrap_or_default();
        Ok(Self { file: Some(file), epoch, ceiling })
    }

    /// Those of another epoch, whose numbers below `next` were given. The file is written when one is needed.
    pub(super) fn of(self, epoch: &str, next: u64) -> Self {
        Self { file: self.file, epoch: epoch.to_owned(), ceiling: next }
    }

    /// The first number of the epoch that was surely never given; `None` if nothing is known of it.
    pub(super) fn first_free(&self, epoch: &str, at_least: u64) -> Option<u64> {
        (self.epoch == epoch).then_some(self.ceiling.max(at_least))
    }

    /// Makes sure that all numbers of the epoch below `end` may be given.
    pub(super) fn reserve(&mut self, epoch: &str, end: u64) -> Result<(), Trouble> {
        let Some(file) = &self.file else { return Ok(()) };
        if self.epoch == epoch && end <= self.ceiling {
            return Ok(());
        }
        let ceiling = end.saturating_add(RESERVED);
        let content = [&ceiling.to_be_bytes(), epoch.as_bytes()].concat();
        file.write(&content).map_err(|error| place_trouble(&error))?;
        (self.epoch, self.ceiling) = (epoch.to_owned(), ceiling);
        Ok(())
    }
}
