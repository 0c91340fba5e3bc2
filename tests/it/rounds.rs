//! The agent's rounds over real cameras, hour after hour: what they cost the line, and what they cost the cameras.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::apply::{Keeper, Kept};
use agent::clock::AgentClock;
use agent::device::{self, Limits};
use agent::discovery::Survey;
use agent::rounds::{Deed, Entry, Handle, NotStored, Outlet, Rounds, Shelf, Supplies, Told};
use async_trait::async_trait;
use certs::{Clock as _, SystemClock};
use prost::Message as _;
use proto::record::SiteEvent;
use proto::wire::finding::{About, Report};
use proto::wire::rotation::RotationState;
use proto::{DeviceName, Timestamp, Verdict};
use tests::manual_clock::ManualClock;
use tests::pretend_site::PretendSite;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// No round takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Devices of the pretend site: four live cameras, a file, a workstation, a storage.
const DEVICES: usize = 7;

/// Keeps what it is given in memory.
#[derive(Default)]
struct Store {
    entries: Mutex<Vec<Entry>>,
    arrived: Notify,
    shelf: Mutex<BTreeMap<String, Vec<u8>>>,
}

#[async_trait]
impl Outlet for Store {
    async fn rotated(&self, _: RotationState) -> Result<(), NotStored> {
        Ok(())
    }

    async fn report(&self, entry: Entry) -> Result<(), NotStored> {
        self.entries.lock().unwrap().push(entry);
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn event(&self, _: &SiteEvent) -> Result<(), NotStored> {
        Ok(())
    }

    async fn plan(&self, _: Told) -> Result<(), NotStored> {
        Ok(())
    }

    async fn audit(&self, _: Deed, _: &str, _: &str) -> Result<(), NotStored> {
        Ok(())
    }
}

#[async_trait]
impl Shelf for Store {
    async fn fetch(&self, key: &str) -> Option<Vec<u8>> {
        self.shelf.lock().unwrap().get(key).cloned()
    }

    async fn put(&self, key: &str, bytes: Option<Vec<u8>>) -> Result<(), NotStored> {
        let mut shelf = self.shelf.lock().unwrap();
        match bytes {
            Some(bytes) => drop(shelf.insert(key.to_owned(), bytes)),
            None => drop(shelf.remove(key)),
        }
        Ok(())
    }
}

#[async_trait]
impl Keeper for Store {
    async fn keep(&self, _: &DeviceName, _: Kept, _: Vec<u8>) -> Result<(), String> {
        Err("nothing is changed here".to_owned())
    }
}

impl Store {
    /// Takes the entries once every device has told something.
    async fn round(&self) -> Vec<Entry> {
        let told = async {
            loop {
                let arrived = self.arrived.notified();
                {
                    let mut entries = self.entries.lock().unwrap();
                    let devices: std::collections::BTreeSet<_> =
                        entries.iter().map(Entry::device).collect();
                    if devices.len() == DEVICES {
                        return std::mem::take(&mut *entries);
                    }
                }
                arrived.await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("every device tells something")
    }
}

/// The clocks of an agent, turned together.
struct Clocks {
    wall: ManualClock,
    mono: Arc<AtomicU64>,
}

impl Clocks {
    fn pass(&self, seconds: u32) {
        self.mono.fetch_add(seconds.into(), Ordering::SeqCst);
        self.wall.turn(seconds.into());
    }
}

fn rounds(site: PathBuf, store: &Arc<Store>) -> (Rounds, Handle, Clocks) {
    let wall = ManualClock::at(SystemClock.now());
    let mono = Arc::new(AtomicU64::new(0));
    let seconds = mono.clone();
    let monotonic = Box::new(move || seconds.load(Ordering::SeqCst));
    let clock = AgentClock::new(Arc::new(wall.clone()), monotonic, Timestamp::from_unix(0));
    let (rounds, handle) = Rounds::new(Supplies {
        site,
        clock: Arc::new(clock),
        outlet: store.clone(),
        shelf: store.clone(),
        archive: None,
        keeper: store.clone(),
        desired: watch::channel(None).1,
        environment: Arc::new(|_| None),
        open: device::open,
        limits: Limits::default(),
        survey: Survey::nowhere(),
        keyring: None,
        only: BTreeSet::new(),
        draw: || -1.0,
    });
    (rounds, handle, Clocks { wall, mono })
}

/// Bytes of an entry on the wire, and whether it is a whole report.
fn size(entry: &Entry) -> (usize, bool) {
    match entry {
        Entry::Whole(report) => (report.encoded_len(), true),
        Entry::Unchanged { short, .. } => (short.encoded_len(), false),
        Entry::Forgotten(forgotten) => (forgotten.encoded_len(), true),
    }
}

/// The latest report of each device, read.
fn reports(entries: &[Entry]) -> BTreeMap<String, Report> {
    let whole = entries.iter().filter_map(|entry| match entry {
        Entry::Whole(whole) | Entry::Unchanged { whole, .. } => Some(whole),
        Entry::Forgotten(_) => None,
    });
    whole.map(|it| (it.device.clone(), Report::try_from((**it).clone()).unwrap())).collect()
}

/// What differs, in words.
fn news(before: &[Entry], after: &[Entry]) -> Vec<String> {
    let (before, mut news) = (reports(before), Vec::new());
    for (device, now) in reports(after) {
        let then = &before[&device].findings;
        for found in now.findings.iter().filter(|found| !then.contains(found)) {
            news.push(format!("{device}: {found:?}"));
        }
    }
    news
}

fn verdict(entries: &[Entry], device: &str, code: &str) -> Verdict {
    let wanted = About::Measure(code.parse().unwrap());
    reports(entries)[device].findings.iter().find(|found| found.about == wanted).unwrap().judgment
}

#[tokio::test]
async fn an_idle_site_costs_the_line_next_to_nothing_and_the_cameras_one_failed_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let site = PretendSite::start(folder.path(), SystemClock.now()).await.unwrap();
    let store = Arc::new(Store::default());
    let (rounds, _handle, clocks) = rounds(site.site_file(), &store);
    let stop = CancellationToken::new();
    let running = tokio::spawn(rounds.run(stop.clone()));

    let first = store.round().await;
    let largest = first.iter().map(|entry| size(entry).0).max().unwrap();
    assert!(largest < 16 << 10, "a whole report has {largest} bytes");
    assert_eq!(verdict(&first, "gate", "C10"), Verdict::Met);
    assert_eq!(verdict(&first, "control-room", "V04"), Verdict::Unmet);
    let failed = |site: &PretendSite| {
        site.cameras().map(|(_, camera, _)| camera.counts().failed_logins).collect::<Vec<_>>()
    };
    let after_first = failed(&site);

    let mut before = first;
    for hour in 1..=5 {
        clocks.pass(4000);
        let round = store.round().await;
        let whole = round.iter().filter(|entry| size(entry).1).count();
        assert_eq!(whole, 0, "hour {hour}: {:#?}", news(&before, &round));
        let bytes: usize = round.iter().map(|entry| size(entry).0).filter(|it| *it < 1000).sum();
        assert!(bytes <= 80 * DEVICES, "hour {hour}: {bytes} bytes");
        assert_eq!(verdict(&round, "gate", "C10"), Verdict::Met, "the answer holds");
        before = round;
    }
    assert_eq!(failed(&site), after_first, "no later visit costs a log-in");
    stop.cancel();
    running.await.unwrap();
}
