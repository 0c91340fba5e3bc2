//! The agent's disk. Two kinds of things lie there. What must never be lost is in durable files ([`DurableFile`]):
//! small, synced, in two generations. What can be fetched or observed again, and what waits to be uploaded, is in sled
//! ([`Store`]): pleasant to have, and rebuilt if it is beyond use. Never is a secret in sled.
//!
//! The state of the disk does not stop the agent. Full, read-only, damaged or foreign: the store goes on from memory,
//! bounded, says so ([`Condition`], [`Notice`]), and comes back by itself.
//!
//! Everything blocks, so the asynchronous [`Store`] does its work on the runtime's pool for that, one thing at a time.
//! Nobody outside this room knows sled.

pub mod backups;
mod blocking;
mod cache;
mod chain;
mod condition;
mod entry;
mod error;
mod files;
mod index;
pub mod journal;
mod numbers;
mod open;
mod options;
mod outbox;
mod parts;
mod record;
mod shelf;
pub mod subject;
pub mod sync_range;
pub mod vault;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use certs::audit::ChainHead;

pub use blocking::BlockingStore;
pub use cache::{Desired, Drawer};
pub use chain::{Draft, Encode};
pub use condition::{Condition, Kept, Notice, Pushed};
pub use entry::{Batch, Bounds, Dropped, Entry, HandedIn, Kind, NewEntry, Waiting};
pub use error::{StoreError, Trouble};
pub use files::{Content, DurableFile, make_private_folder};
pub use open::Healing;
pub use options::{LONGEST_DESIRED, LONGEST_DRAFT, LONGEST_ENTRY, Options};

/// The store for asynchronous callers: each call is one of [`BlockingStore`]'s, done on the blocking pool. Clones are
/// the same store. It is closed when the last clone is dropped, or by [`Store::close`].
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Mutex<Option<BlockingStore>>>,
}

impl Store {
    /// See [`BlockingStore::open`].
    ///
    /// # Errors
    /// As there.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let store = pooled(move || BlockingStore::open(options)).await?;
        Ok(Self { inner: Arc::new(Mutex::new(Some(store))) })
    }

    /// Any work on the store, done on the blocking pool while nobody else uses it.
    ///
    /// # Errors
    /// [`StoreError::Closed`], and whatever the work ends in.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut BlockingStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        pooled(move || {
            // A panic in the middle of a call has left nothing half done: sled's are caught, and changes are atomic.
            let mut store = inner.lock().unwrap_or_else(PoisonError::into_inner);
            store.as_mut().ok_or(StoreError::Closed).and_then(work)
        })
        .await
    }

    /// See [`BlockingStore::push_all`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn push_all(&self, entries: Vec<NewEntry>) -> Result<Pushed, StoreError> {
        self.with(move |store| store.push_all(entries)).await
    }

    /// See [`BlockingStore::hand_in`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn hand_in(&self, entry: NewEntry) -> Result<HandedIn, StoreError> {
        self.with(move |store| store.hand_in(entry)).await
    }

    /// See [`BlockingStore::audit`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn audit(&self, drafts: Vec<Draft>) -> Result<Kept, StoreError> {
        self.with(move |store| store.audit(drafts)).await
    }

    /// See [`BlockingStore::batch`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn batch(&self, entries: usize, bytes: usize) -> Result<Option<Batch>, StoreError> {
        self.with(move |store| store.batch(entries, bytes)).await
    }

    /// See [`BlockingStore::committed`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn committed(&self, epoch: String, up_to: u64) -> Result<(), StoreError> {
        self.with(move |store| store.committed(&epoch, up_to)).await
    }

    /// See [`BlockingStore::waiting`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn waiting(&self) -> Result<Waiting, StoreError> {
        self.with(BlockingStore::waiting).await
    }

    /// See [`BlockingStore::keep_desired`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn keep_desired(&self, bytes: Vec<u8>) -> Result<Kept, StoreError> {
        self.with(move |store| store.keep_desired(&bytes)).await
    }

    /// See [`BlockingStore::desired`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn desired(&self) -> Result<Option<Desired>, StoreError> {
        self.with(BlockingStore::desired).await
    }

    /// See [`BlockingStore::keep_all`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn keep_all(
        &self,
        drawer: Drawer,
        things: Vec<(String, Vec<u8>)>,
    ) -> Result<Kept, StoreError> {
        self.with(move |store| store.keep_all(drawer, things)).await
    }

    /// See [`BlockingStore::get`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn get(&self, drawer: Drawer, name: String) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(move |store| store.get(drawer, &name)).await
    }

    /// See [`BlockingStore::all`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn all(&self, drawer: Drawer) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        self.with(move |store| store.all(drawer)).await
    }

    /// See [`BlockingStore::forget`].
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn forget(&self, drawer: Drawer, name: String) -> Result<(), StoreError> {
        self.with(move |store| store.forget(drawer, &name)).await
    }

    /// See [`BlockingStore::mend`]; gives the condition after it, and what somebody should hear of.
    ///
    /// # Errors
    /// As there, and [`StoreError::Closed`].
    pub async fn mend(&self) -> Result<(Condition, Vec<Notice>), StoreError> {
        self.with(|store| {
            store.mend()?;
            Ok((store.condition(), store.notices()))
        })
        .await
    }

    /// See [`BlockingStore::head`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn head(&self) -> Result<Option<ChainHead>, StoreError> {
        self.with(|store| Ok(store.head())).await
    }

    /// Syncs and closes it, within some seconds. All clones answer [`StoreError::Closed`] from now on.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        let closing = pooled(move || {
            drop(inner.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        });
        // A pool that takes no more work has no store that is open either, once its last task is over.
        let _ = closing.await;
    }
}

/// Does what blocks on the runtime's pool for that.
///
/// # Errors
/// [`StoreError::Closed`] if the runtime ends; otherwise what the work ends in.
pub async fn pooled<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => Err(StoreError::Closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clones_are_one_store_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let options =
            || Options::new(folder.path().to_owned(), |record, _| vec![record.number as u8]);
        let store = Store::open(options()).await.unwrap();
        let time = proto::Timestamp::from_unix(1);
        let entry =
            |byte| NewEntry { kind: Kind::Audit, key: String::new(), bytes: vec![byte], time };
        let (one, two) = (store.clone(), store.clone());
        let pushed = tokio::join!(one.push_all(vec![entry(1)]), two.push_all(vec![entry(2)]));
        assert_ne!(pushed.0.unwrap().sequences, pushed.1.unwrap().sequences);
        assert_eq!(store.waiting().await.unwrap().records, 2);
        assert!(matches!(Store::open(options()).await, Err(StoreError::InUse(_))));
        store.close().await;
        assert!(matches!(one.waiting().await, Err(StoreError::Closed)));
        let again = Store::open(options()).await.unwrap();
        assert_eq!(again.waiting().await.unwrap().records, 2);
    }
}
