//! Remembers which records in escrow the controller has committed, so that whoever handed one in hears of it, also when
//! the agent was started again in between. Bounded: once it is noted in the vault, nobody asks for a receipt any more.
//!
//! And which it said that it does not keep: those leave the outbox as the others do, so that they hold up nothing, and
//! are handed in again after an hour, or after a restart. Until one is taken, its device is not touched.

use std::collections::BTreeMap;

use certs::Clock as _;

use super::Link;
use super::deed::Deed;
use crate::store::{Batch, BlockingStore, Drawer, Kind, StoreError};

/// So many receipts are kept; the oldest go first.
const MOST: usize = 1000;
/// A record that was refused is not handed in for so long, in seconds of the monotonic clock.
const REFUSED_FOR: u64 = 3600;

/// Records that the controller does not keep, and when it said so.
#[derive(Debug, Default)]
pub(super) struct Refused(BTreeMap<String, u64>);

impl Refused {
    /// It was refused.
    fn add(&mut self, key: String, now: u64) {
        self.0.retain(|_, at| now.saturating_sub(*at) < REFUSED_FOR);
        // One more try of the one that is let go is no harm.
        while self.0.len() >= MOST {
            self.0.pop_first();
        }
        self.0.insert(key, now);
    }

    /// Whether it was refused within the hour.
    fn holds(&self, key: &str, now: u64) -> bool {
        self.0.get(key).is_some_and(|at| now.saturating_sub(*at) < REFUSED_FOR)
    }
}

impl Link {
    /// Keeps a receipt of each record in escrow that was committed. Called before the outbox forgets them: after a crash
    /// in between they are uploaded again with their old numbers, which the controller knows.
    pub(super) async fn keep_receipts(
        &self,
        batch: &Batch,
        (committed, refused): (u64, &[u64]),
    ) -> Result<(), StoreError> {
        let is_done = |entry: &&crate::store::Entry| {
            entry.kind == Kind::Escrow
                && entry.sequence <= committed
                && !refused.contains(&entry.sequence)
        };
        let time = self.clock.now().unix().to_be_bytes().to_vec();
        let receipts: Vec<_> =
            batch.entries.iter().filter(is_done).map(|it| (it.key.clone(), time.clone())).collect();
        if receipts.is_empty() {
            return Ok(());
        }
        let count = receipts.len() as u64;
        self.store.with(move |store| keep(store, receipts)).await?;
        self.receipts.send_modify(|all| *all = all.wrapping_add(count));
        Ok(())
    }

    /// Hears which entries of a batch are not kept. What is no secret is told anew by whoever looks at it again.
    pub(super) async fn hear_refusals(&self, batch: &Batch, refused: &[u64]) {
        let is_refused = |entry: &&crate::store::Entry| refused.contains(&entry.sequence);
        let (mut secrets, mut others) = (0, 0);
        let now = self.clock.seconds();
        for entry in batch.entries.iter().filter(is_refused) {
            if entry.kind == Kind::Escrow {
                self.held().refused.add(entry.key.clone(), now);
                secrets += 1;
            } else {
                others += 1;
            }
        }
        if secrets + others == 0 {
            return;
        }
        tracing::error!(
            secrets,
            others,
            "the controller keeps no more of this site; no device is touched whose secret it does not keep"
        );
        if secrets > 0 {
            let why = "the controller keeps no more secrets of this site; nothing new is rotated";
            self.record_once(Deed::EscrowRefused, why.to_owned()).await;
            // Whoever waits for a receipt hears that there will be none.
            self.receipts.send_modify(|all| *all = all.wrapping_add(1));
        }
    }

    /// Whether the controller said within the hour that it does not keep the record of this key.
    pub(super) fn was_refused(&self, key: &str) -> bool {
        let now = self.clock.seconds();
        self.held().refused.holds(key, now)
    }
}

fn keep(store: &mut BlockingStore, receipts: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
    match store.keep_all(Drawer::Receipts, receipts) {
        Ok(_) => {}
        // Then it is handed over again, which the controller allows for.
        Err(StoreError::CacheFull) => tracing::warn!("there is no room for receipts of escrow"),
        Err(error) => return Err(error),
    }
    let all = store.all(Drawer::Receipts)?;
    for name in oldest(&all, MOST) {
        store.forget(Drawer::Receipts, &name)?;
    }
    Ok(())
}

/// The names of those that are too many, the oldest first.
fn oldest(all: &BTreeMap<String, Vec<u8>>, most: usize) -> Vec<String> {
    let mut by_age: Vec<_> = all.iter().map(|(name, time)| (time, name)).collect();
    by_age.sort();
    let too_many = by_age.len().saturating_sub(most);
    by_age.into_iter().take(too_many).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_tried_again_after_an_hour_and_takes_no_more_than_its_room() {
        let mut refused = Refused::default();
        refused.add("a".to_owned(), 10);
        assert!(refused.holds("a", 10 + REFUSED_FOR - 1) && !refused.holds("b", 10));
        assert!(!refused.holds("a", 10 + REFUSED_FOR));
        for number in 0..2 * MOST {
            refused.add(format!("b{number:04}"), 11);
        }
        assert_eq!(refused.0.len(), MOST);
    }

    #[test]
    fn the_oldest_receipts_go_first() {
        let all: BTreeMap<_, _> = [("a", 3_i64), ("b", 1), ("c", 2)]
            .map(|(name, time)| (name.to_owned(), time.to_be_bytes().to_vec()))
            .into();
        assert_eq!(oldest(&all, 1), ["b", "c"]);
        assert!(oldest(&all, 3).is_empty());
    }
}
