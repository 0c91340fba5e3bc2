//! What the desk makes of what the rounds leave on it.

use certs::audit::ChainHead;
use certs::random::digest;
use proto::wire::v1;

use super::*;
use crate::link::fake::read_entry;
use crate::rounds::{Deed, Entry, Outlet as _, Shelf as _};
use crate::store::Batch;

async fn desk(place: &Place) -> (Desk, Store) {
    let (data, member) = (place.data.path(), Acme::new().member());
    let store = Store::open(Options::new(data.to_owned(), entry::audit)).await.unwrap();
    let system: SharedClock = Arc::new(certs::SystemClock);
    let floor = proto::Timestamp::from_unix(0);
    let clock = Arc::new(AgentClock::new(system, monotonic(), floor));
    let folder = Arc::new(Folder::within(data));
    let kept = (ChainHead::default(), Custody::within(data));
    let link = Link::new(folder, member, clock.clone(), store.clone(), kept, HASTE).await;
    (Desk::new(store.clone(), link.unwrap(), clock), store)
}

fn report() -> v1::DeviceReport {
    v1::DeviceReport { device: "yard".to_owned(), ..v1::DeviceReport::default() }
}

fn unchanged() -> Entry {
    let short = v1::DeviceUnchanged { device: "yard".to_owned(), ..v1::DeviceUnchanged::default() };
    Entry::Unchanged { short, whole: Box::new(report()) }
}

async fn batch(store: &Store) -> Batch {
    store.batch(256, 1 << 20).await.unwrap().unwrap()
}

/// Of the entries that wait, whether each is a whole report.
async fn whole(store: &Store) -> Vec<bool> {
    let entries = batch(store).await.entries;
    let what = |bytes: &[u8]| read_entry(bytes).what.unwrap();
    let is_whole = |bytes: &[u8]| matches!(what(bytes), v1::entry::What::Device(_));
    entries.iter().map(|entry| is_whole(&entry.bytes)).collect()
}

async fn commit(store: &Store) {
    let batch = batch(store).await;
    store.committed(batch.epoch, batch.entries.last().unwrap().sequence).await.unwrap();
}

#[tokio::test]
async fn a_short_entry_never_replaces_a_whole_report_that_still_waits() {
    let place = Place::new();
    {
        let (desk, store) = desk(&place).await;
        desk.report(Entry::Whole(Box::new(report()))).await.unwrap();
        desk.report(unchanged()).await.unwrap();
        assert_eq!(whole(&store).await, [true]);
        commit(&store).await;
        for _ in 0..2 {
            desk.report(unchanged()).await.unwrap();
            assert_eq!(whole(&store).await, [false]);
        }
        store.close().await;
    }
    // After a restart nobody knows what waits, until nothing does.
    let (desk, store) = desk(&place).await;
    desk.report(unchanged()).await.unwrap();
    assert_eq!(whole(&store).await, [true]);
    commit(&store).await;
    desk.report(unchanged()).await.unwrap();
    assert_eq!(whole(&store).await, [false]);
}

#[tokio::test]
async fn an_audit_record_is_the_agents_own_and_fits_into_its_chain() {
    let place = Place::new();
    let (desk, store) = desk(&place).await;
    desk.audit(Deed::DeviceFailed, "yard", "no answer").await.unwrap();
    let bytes = batch(&store).await.entries.remove(0).bytes;
    let Some(v1::entry::What::Audit(sent)) = read_entry(&bytes).what else {
        panic!("an audit record");
    };
    let record = certs::audit::Record {
        number: sent.number,
        time: proto::Timestamp::from_unix(sent.time),
        actor: "palisade://acme/agent/00ff".to_owned(),
        deed: sent.deed,
        subject: sent.subject,
        detail: sent.detail,
    };
    assert_eq!(ChainHead::default().extended(&record).hash, sent.hash[..]);
}

#[tokio::test]
async fn large_things_read_back_and_shrink_and_go() {
    let place = Place::new();
    let (desk, store) = desk(&place).await;
    let large: Vec<u8> = (0..1_500_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    for size in [0, 1, 204_800, 204_801, 1_500_000, 300_000, 10] {
        desk.put("kept/yard", Some(large[..size].to_vec())).await.unwrap();
        let back = desk.fetch("kept/yard").await.unwrap_or_default();
        assert_eq!(digest(&back), digest(&large[..size]), "{size}");
    }
    assert!(desk.put("kept/yard", Some(vec![0; 20 << 20])).await.is_err());
    assert_eq!(desk.fetch("kept/yard").await.unwrap().len(), 10, "what was there stays");
    desk.put("kept/yard", None).await.unwrap();
    assert_eq!(desk.fetch("kept/yard").await, None);
    let left = store.all(crate::store::Drawer::Reports).await.unwrap();
    assert!(left.is_empty());
}
