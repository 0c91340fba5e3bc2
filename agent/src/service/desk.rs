//! Where the rounds leave what they found: the outbox, the audit chain and the cache, as the store keeps them and the
//! link uploads them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use certs::Clock as _;
use proto::record::SiteEvent;
use proto::wire::rotation::RotationState;
use proto::wire::v1;
use proto::wire::v1::applied_report;
use proto::wire::v1::entry::What;

use super::words;
use crate::clock::AgentClock;
use crate::link::{Link, entry};
use crate::rounds::{Deed, Entry, NotStored, Outlet, Shelf, Told};
use crate::store::{Draft, Drawer, Kind, NewEntry, Store, StoreError};

/// A cached thing is kept in parts of so many bytes.
const PART: usize = 200 << 10;
/// The most parts of one thing: 8 MiB and a little.
const PARTS: usize = 48;

/// See the module.
pub(super) struct Desk {
    store: Store,
    link: Arc<Link>,
    clock: Arc<AgentClock>,
    whole: Arc<Mutex<Whole>>,
}

/// Devices whose last whole report may still wait. A later entry of a device replaces it, so it has to be whole, too.
#[derive(Debug, Default)]
struct Whole {
    /// Since the start the outbox was not empty yet, so nothing is known of what waits.
    is_sure: bool,
    waits: BTreeSet<String>,
}

impl Desk {
    pub fn new(store: Store, link: Arc<Link>, clock: Arc<AgentClock>) -> Self {
        Self { store, link, clock, whole: Arc::default() }
    }

    /// Leaves something for the controller; of each key only the latest counts.
    pub async fn leave(&self, key: String, what: What) -> Result<(), NotStored> {
        let time = self.clock.now();
        let bytes = entry::bytes(what, time);
        let entry = NewEntry { kind: Kind::Status, key, bytes, time };
        let left = self.store.with(move |store| store.push(entry).map(drop)).await;
        left.map_err(|error| Self::not_stored(&error))?;
        self.link.hasten();
        Ok(())
    }

    fn not_stored(error: &StoreError) -> NotStored {
        tracing::error!(error = words(error), "what the rounds found could not be stored");
        NotStored
    }
}

#[async_trait]
impl Outlet for Desk {
    async fn report(&self, report: Entry) -> Result<(), NotStored> {
        let (time, whole) = (self.clock.now(), self.whole.clone());
        let is_urgent = !matches!(report, Entry::Unchanged { .. });
        let push = move |store: &mut crate::store::BlockingStore| {
            let nothing_waits = store.waiting()?.records == 0;
            let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
            if nothing_waits {
                *whole = Whole { is_sure: true, waits: BTreeSet::new() };
            }
            let device = report.device().to_owned();
            let may_wait = !whole.is_sure || whole.waits.contains(&device);
            let (what, is_whole) = match report {
                Entry::Whole(report) => (What::Device(*report), true),
                Entry::Unchanged { whole, .. } if may_wait => (What::Device(*whole), true),
                Entry::Unchanged { short, .. } => (What::Unchanged(short), false),
                Entry::Forgotten(forgotten) => (What::Forgotten(forgotten), false),
            };
            let bytes = entry::bytes(what, time);
            store.push(NewEntry { kind: Kind::Status, key: device.clone(), bytes, time })?;
            if is_whole {
                whole.waits.insert(device);
            } else {
                whole.waits.remove(&device);
            }
            Ok(())
        };
        self.store.with(push).await.map_err(|error| Self::not_stored(&error))?;
        if is_urgent {
            self.link.hasten();
        }
        Ok(())
    }

    async fn event(&self, event: &SiteEvent) -> Result<(), NotStored> {
        let SiteEvent { kind, source, last_at, .. } = event;
        let key = format!("event/{}/{source}/{}", kind.as_str(), last_at.unix());
        self.leave(key, What::Event(v1::SiteEvent::from(event))).await
    }

    async fn rotated(&self, state: RotationState) -> Result<(), NotStored> {
        let key = format!("{} {}", state.device, state.kind.as_str());
        self.leave(key, What::Rotated((&state).into())).await
    }

    async fn plan(&self, told: Told) -> Result<(), NotStored> {
        let time = self.clock.now();
        let (key, what) = match told {
            Told::Part(part) => (format!("plan/{}/{}", part.id, part.number), What::Plan(*part)),
            Told::Applied(report) => {
                let device = match &report.what {
                    Some(applied_report::What::Device(it)) => it.device.as_str(),
                    Some(applied_report::What::Over(_)) | None => "",
                };
                (format!("applied/{}/{device}", report.plan), What::Applied(*report))
            }
        };
        let bytes = entry::bytes(what, time);
        let push = NewEntry { kind: Kind::Status, key, bytes, time };
        let pushed = self.store.push_all(vec![push]).await;
        pushed.map_err(|error| Self::not_stored(&error))?;
        self.link.hasten();
        Ok(())
    }

    async fn audit(&self, deed: Deed, subject: &str, detail: &str) -> Result<(), NotStored> {
        let draft = Draft {
            time: self.clock.now(),
            actor: self.link.member().borrow().name().to_string(),
            deed: deed.as_str().to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        };
        self.store.audit(vec![draft]).await.map_err(|error| Self::not_stored(&error))?;
        self.link.hasten();
        Ok(())
    }
}

/// A thing may be larger than what the store takes at once, so it lies there in parts. The first begins with how many
/// there are and a digest of all, so that parts of two generations are never taken for one thing.
#[async_trait]
impl Shelf for Desk {
    async fn fetch(&self, key: &str) -> Option<Vec<u8>> {
        let key = key.to_owned();
        let read = self.store.with(move |store| {
            let Some(first) = store.get(Drawer::Reports, &part(&key, 0))? else { return Ok(None) };
            let Some((count, rest)) = first.split_first() else { return Ok(None) };
            let Some((digest, rest)) = rest.split_first_chunk::<32>() else { return Ok(None) };
            let mut whole = rest.to_vec();
            for number in 1..usize::from(*count) {
                match store.get(Drawer::Reports, &part(&key, number))? {
                    Some(bytes) => whole.extend_from_slice(&bytes),
                    None => return Ok(None),
                }
            }
            Ok((certs::random::digest(&whole) == *digest).then_some(whole))
        });
        read.await.ok().flatten()
    }

    async fn put(&self, key: &str, bytes: Option<Vec<u8>>) -> Result<(), NotStored> {
        let key = key.to_owned();
        let written = self.store.with(move |store| {
            let bytes = bytes.unwrap_or_default();
            let count = bytes.chunks(PART).len();
            if count > PARTS {
                let most = PARTS * PART;
                return Err(StoreError::TooLarge {
                    what: "a cached thing",
                    bytes: bytes.len(),
                    most,
                });
            }
            // Not forgotten in one step with what is put, but a part beyond the count is never read.
            for number in count..PARTS {
                if store.get(Drawer::Reports, &part(&key, number))?.is_none() {
                    break;
                }
                store.forget(Drawer::Reports, &part(&key, number))?;
            }
            let mut things = Vec::with_capacity(count);
            for (number, chunk) in bytes.chunks(PART).enumerate() {
                let mut stored = Vec::with_capacity(chunk.len() + 33);
                if number == 0 {
                    stored.push(u8::try_from(count).unwrap_or(u8::MAX));
                    stored.extend_from_slice(&certs::random::digest(&bytes));
                }
                stored.extend_from_slice(chunk);
                things.push((part(&key, number), stored));
            }
            if things.is_empty() {
                Ok(())
            } else {
                store.keep_all(Drawer::Reports, things).map(drop)
            }
        });
        written.await.map_err(|error| Self::not_stored(&error))
    }
}

fn part(key: &str, number: usize) -> String {
    format!("{key}/{number}")
}
