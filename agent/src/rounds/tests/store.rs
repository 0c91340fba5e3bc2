//! A store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use proto::DeviceName;
use proto::record::SiteEvent;
use proto::wire::rotation::RotationState;
use tokio::sync::Notify;

use crate::apply::Kept;

use super::super::{Deed, Entry, NotStored, Outlet, Shelf, Told};

/// The outlet and the shelf.
#[derive(Default)]
pub struct Store {
    full: AtomicBool,
    entries: Mutex<Vec<Entry>>,
    arrived: Notify,
    events: Mutex<Vec<SiteEvent>>,
    deeds: Mutex<Vec<&'static str>>,
    states: Mutex<Vec<RotationState>>,
    shelf: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Store {
    /// Whether nothing can be stored from now on.
    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    pub fn deeds(&self) -> Vec<&'static str> {
        self.deeds.lock().unwrap().clone()
    }

    pub fn events(&self) -> Vec<SiteEvent> {
        self.events.lock().unwrap().clone()
    }

    pub fn states(&self) -> Vec<RotationState> {
        self.states.lock().unwrap().clone()
    }

    pub fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    /// Takes the first entry that fits, waiting for it.
    pub async fn take<T>(&self, fits: impl Fn(&Entry) -> Option<T>) -> T {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut entries = self.entries.lock().unwrap();
                let mut all = entries.iter().enumerate();
                if let Some((place, found)) = all.find_map(|(place, it)| Some((place, fits(it)?))) {
                    entries.remove(place);
                    return found;
                }
            }
            arrived.await;
        }
    }

    fn check(&self) -> Result<(), NotStored> {
        if self.full.load(Ordering::SeqCst) { Err(NotStored) } else { Ok(()) }
    }
}

#[async_trait]
impl Outlet for Store {
    async fn report(&self, entry: Entry) -> Result<(), NotStored> {
        self.check()?;
        self.entries.lock().unwrap().push(entry);
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn event(&self, event: &SiteEvent) -> Result<(), NotStored> {
        self.check()?;
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }

    async fn rotated(&self, state: RotationState) -> Result<(), NotStored> {
        self.check()?;
        self.states.lock().unwrap().push(state);
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn plan(&self, _: Told) -> Result<(), NotStored> {
        self.check()
    }

    async fn audit(&self, deed: Deed, _: &str, _: &str) -> Result<(), NotStored> {
        self.deeds.lock().unwrap().push(deed.as_str());
        Ok(())
    }
}

#[async_trait]
impl Shelf for Store {
    async fn fetch(&self, key: &str) -> Option<Vec<u8>> {
        self.shelf.lock().unwrap().get(key).cloned()
    }

    async fn put(&self, key: &str, bytes: Option<Vec<u8>>) -> Result<(), NotStored> {
        self.check()?;
        let mut shelf = self.shelf.lock().unwrap();
        match bytes {
            Some(bytes) => drop(shelf.insert(key.to_owned(), bytes)),
            None => drop(shelf.remove(key)),
        }
        Ok(())
    }
}

#[async_trait]
impl crate::apply::Keeper for Store {
    async fn keep(&self, _: &DeviceName, _: Kept, _: Vec<u8>) -> Result<(), String> {
        self.check().map_err(|error| error.to_string())
    }
}
