//! Remembers which records in escrow the controller has committed, so that whoever handed one in hears of it, also when
//! the agent was started again in between. Bounded: once it is noted in the vault, nobody asks for a receipt any more.

use std::collections::BTreeMap;

use certs::Clock as _;

use super::Link;
use crate::store::{Batch, BlockingStore, Drawer, Kind, StoreError};

/// So many receipts are kept; the oldest go first.
const MOST: usize = 1000;

impl Link {
    /// Keeps a receipt of each record in escrow that was committed. Called before the outbox forgets them: after a crash
    /// in between they are uploaded again with their old numbers, which the controller knows.
    pub(super) async fn keep_receipts(
        &self,
        batch: &Batch,
        committed: u64,
    ) -> Result<(), StoreError> {
        let is_done = |entry: &&crate::store::Entry| {
            entry.kind == Kind::Escrow && entry.sequence <= committed
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
    fn the_oldest_receipts_go_first() {
        let all: BTreeMap<_, _> = [("a", 3_i64), ("b", 1), ("c", 2)]
            .map(|(name, time)| (name.to_owned(), time.to_be_bytes().to_vec()))
            .into();
        assert_eq!(oldest(&all, 1), ["b", "c"]);
        assert!(oldest(&all, 3).is_empty());
    }
}
