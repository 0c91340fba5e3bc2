//! What stands around the rounds in these tests.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use certs::Clock;
use proto::wire::rotation::{CredentialKind, RotateReason};
use proto::wire::v1;
use tokio::sync::Notify;

use super::super::credentials::Tools;
use super::super::*;
use super::store::Store;
use crate::clock::AgentClock;
use crate::device::{Fault, Identity};
use crate::discovery::{Prober, WebProber};
use crate::facts::{CameraFacts, Facts, WebLogSummary};
use crate::store::journal::Journal;
use crate::store::vault::Vault;

/// The floor on disk, which is also what the clock begins with.
pub const FLOOR: i64 = 1_800_000_000;
/// No condition takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

type Script = Box<dyn FnMut(&Target) -> Result<(Identity, Facts), Fault> + Send>;

/// What devices do, and what was done to them, by `host`.
#[derive(Default)]
struct Device {
    script: Option<Script>,
    visits: usize,
    logins: usize,
}

static DEVICES: Mutex<BTreeMap<String, Device>> = Mutex::new(BTreeMap::new());

fn devices() -> MutexGuard<'static, BTreeMap<String, Device>> {
    DEVICES.lock().unwrap()
}

struct Scripted(Target);

#[async_trait]
impl Driver for Scripted {
    async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
        let mut devices = devices();
        let device = devices.entry(self.0.address.host.clone()).or_default();
        device.visits += 1;
        device.logins += usize::from(self.0.login.is_some());
        device.script.as_mut().map_or_else(|| Ok(camera()), |script| script(&self.0))
    }

    async fn read_log(&mut self) -> Result<WebLogSummary, Fault> {
        let mut devices = devices();
        let device = devices.entry(self.0.address.host.clone()).or_default();
        device.logins += usize::from(self.0.login.is_some());
        let seen = device.script.as_mut().map_or_else(|| Ok(camera()), |it| it(&self.0))?;
        let Facts::Camera(camera) = seen.1 else { return Ok(WebLogSummary::default()) };
        Ok(camera.web_log.seen().cloned().unwrap_or_default())
    }
}

fn open(target: Target, _: Arc<Dialects>) -> Box<dyn Driver> {
    Box::new(Scripted(target))
}

/// A camera of which little is known.
pub fn camera() -> (Identity, Facts) {
    let identity = Identity { product: Some("MOBOTIX P3".to_owned()), ..Identity::default() };
    (identity, Facts::Camera(Box::new(CameraFacts::unread("it is a test"))))
}

/// The same, with a certificate.
pub fn with_pin(pin: certs::Pin) -> (Identity, Facts) {
    let (identity, facts) = camera();
    (Identity { pin: Some(pin), ..identity }, facts)
}

pub fn refused() -> Fault {
    Fault::Refused("the camera refused it".to_owned())
}

pub fn unreachable() -> Fault {
    Fault::Unreachable("nothing answered".to_owned())
}

/// A site of these cameras, whose hosts begin with the world's name; `more` stands in each entry.
pub fn site_file(world: &str, names: &[&str], more: &str) -> String {
    let device = |name: &&str| {
        format!(
            "[[devices]]\nname = '{name}'\nkind = 'mobotix'\naddress = 'https://{world}-{name}'\n\
             user = 'audit'\npassword_file = '{name}.pw'\n{more}"
        )
    };
    names.iter().map(device).collect()
}

#[derive(Debug)]
struct Hand {
    seconds: AtomicI64,
    moved: Notify,
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.seconds.load(Ordering::SeqCst))
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.moved.notified())
    }
}

/// A folder with a site file, a clock, devices and a store, which outlive the rounds.
pub struct World {
    name: &'static str,
    folder: tempfile::TempDir,
    hand: Arc<Hand>,
    mono: Arc<AtomicU64>,
    pub store: Arc<Store>,
    pub prober: Option<Arc<dyn Prober>>,
    /// Changes credentials, if there is any.
    pub tools: Option<Arc<dyn Tools>>,
    running: Option<Running>,
}

/// What belongs to one run.
struct Running {
    handle: Handle,
    clock: Arc<AgentClock>,
    desired: watch::Sender<Option<Arc<Desired>>>,
}

impl World {
    pub fn new(name: &'static str, site: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hand = Hand { seconds: AtomicI64::new(FLOOR), moved: Notify::new() };
        let world = Self {
            name,
            folder,
            hand: Arc::new(hand),
            mono: Arc::default(),
            store: Arc::default(),
            prober: None,
            tools: None,
            running: None,
        };
        world.write("site.toml", site);
        for device in ["yard", "gate"] {
            world.write(&format!("{device}.pw"), "secret\n");
        }
        world
    }

    /// Runs the rounds from start to stop, with `story` beside them.
    pub fn run(&mut self, story: impl AsyncFnOnce(&Self)) {
        self.run_until(story, CancellationToken::cancel);
    }

    /// The same, and the program dies at the end.
    pub fn crash(&mut self, story: impl AsyncFnOnce(&Self)) {
        self.run_until(story, |_| ());
    }

    fn run_until(&mut self, story: impl AsyncFnOnce(&Self), end: impl FnOnce(&CancellationToken)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (rounds, running) = self.begin();
            self.running = Some(running);
            let stop = CancellationToken::new();
            let rounds = tokio::spawn(rounds.run(stop.clone()));
            story(self).await;
            end(&stop);
            if stop.is_cancelled() {
                rounds.await.unwrap();
            }
        });
        self.running = None;
        self.store.clear();
    }

    fn begin(&self) -> (Rounds, Running) {
        let mono = self.mono.clone();
        let monotonic = Box::new(move || mono.load(Ordering::SeqCst));
        let floor = Timestamp::from_unix(FLOOR);
        let clock = Arc::new(AgentClock::new(self.hand.clone(), monotonic, floor));
        let (desired, receiver) = watch::channel(None);
        let prober = self.prober.clone().unwrap_or_else(|| Arc::new(WebProber { ports: vec![] }));
        let supplies = Supplies {
            site: self.folder.path().join("site.toml"),
            clock: clock.clone(),
            outlet: self.store.clone(),
            shelf: self.store.clone(),
            archive: None,
            keeper: self.store.clone(),
            desired: receiver,
            environment: Arc::new(|_| None),
            open,
            limits: Limits::default(),
            survey: Survey::new(self.folder.path().join("arp"), prober),
            draw: || -1.0,
            keyring: self.tools.clone().map(|tools| {
                let data = self.folder.path().join("data");
                let vault = Vault::open(&data).map_err(|error| error.to_string());
                Arc::new(Keyring { journal: Journal::new(&data), vault, tools })
            }),
            only: std::collections::BTreeSet::new(),
        };
        let (rounds, handle) = Rounds::new(supplies);
        (rounds, Running { handle, clock, desired })
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn handle(&self) -> &Handle {
        &self.running().handle
    }

    pub fn progress(&self) -> Progress {
        self.handle().progress().borrow().clone()
    }

    pub fn write(&self, file: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.folder.path().join(file)).unwrap();
    }

    pub fn fill_disk(&self, full: bool) {
        self.store.fill(full);
    }

    pub fn script(
        &self,
        name: &str,
        script: impl FnMut(&Target) -> Result<(Identity, Facts), Fault> + Send + 'static,
    ) {
        self.device(name, |device| device.script = Some(Box::new(script)));
    }

    fn device<T>(&self, name: &str, act: impl FnOnce(&mut Device) -> T) -> T {
        act(devices().entry(format!("{}-{name}", self.name)).or_default())
    }

    pub fn visits(&self, name: &str) -> usize {
        self.device(name, |device| device.visits)
    }

    pub fn logins(&self, name: &str) -> usize {
        self.device(name, |device| device.logins)
    }

    pub fn deeds(&self) -> Vec<&'static str> {
        self.store.deeds()
    }

    /// Sets the system clock alone.
    pub fn set_system(&self, seconds: i64) {
        self.hand.seconds.store(seconds, Ordering::SeqCst);
        self.hand.moved.notify_waiters();
    }

    pub fn confirm_time(&self) {
        self.running().clock.learn(Timestamp::from_unix(FLOOR + 100_000));
    }

    /// Lets time pass, by both clocks, once the rounds are at rest.
    pub async fn pass(&self, seconds: u64) {
        self.settle().await;
        self.mono.fetch_add(seconds, Ordering::SeqCst);
        self.hand.seconds.fetch_add(i64::try_from(seconds).unwrap(), Ordering::SeqCst);
        self.hand.moved.notify_waiters();
    }

    /// Waits until no visit is under way and the rounds have nothing to do.
    pub async fn settle(&self) {
        self.until(|progress| progress.under_way == 0).await;
        // A wish is granted only when everything before it is.
        self.handle().resend(Vec::new()).await.unwrap();
        while self.handle().wishes.capacity() < MOST_WISHES {
            tokio::task::yield_now().await;
        }
        self.until(|progress| progress.under_way == 0).await;
    }

    pub async fn until(&self, wanted: impl Fn(&Progress) -> bool) {
        let mut progress = self.handle().progress();
        let waited = tokio::time::timeout(PATIENCE, progress.wait_for(|it| wanted(it))).await;
        if waited.is_err() {
            panic!("it never came to that: {:?}", self.progress());
        }
    }

    pub async fn until_logins(&self, name: &str, count: usize) {
        let reached = async {
            while self.logins(name) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the log-ins");
        self.settle().await;
    }

    pub fn desire(&self, generation: u64, policy: &str) {
        let policy_text = policy.to_owned();
        let desired = Desired { generation, policy_text, ..Desired::default() };
        self.running().desired.send_replace(Some(Arc::new(desired)));
    }

    pub async fn order(&self, id: u8, devices: &[&str]) -> Result<(), oneshot::error::RecvError> {
        self.send_order(id, devices, i64::MAX).await
    }

    pub async fn expired_order(&self, id: u8) -> Result<(), oneshot::error::RecvError> {
        self.send_order(id, &[], 9).await
    }

    pub async fn rotate(&self, id: u8, devices: &[&str]) -> oneshot::Receiver<()> {
        let devices = devices.iter().map(|name| name.parse().unwrap()).collect();
        let (what, reason) = (CredentialKind::Password, RotateReason::PersonLeft);
        let id = format!("{id:032x}").parse().unwrap();
        let until = Timestamp::from_unix(i64::MAX);
        self.handle().rotate(id, until, Rotate { devices, what, reason }).await.unwrap()
    }

    /// Where the credentials were last told to stand.
    pub fn states(&self) -> Vec<proto::wire::rotation::RotationState> {
        self.store.states()
    }

    async fn send_order(
        &self,
        id: u8,
        devices: &[&str],
        until: i64,
    ) -> Result<(), oneshot::error::RecvError> {
        let devices = devices.iter().map(|name| name.parse().unwrap()).collect();
        let id = format!("{id:032x}").parse().unwrap();
        let until = Timestamp::from_unix(until);
        let done = self.handle().visit(id, until, devices).await.unwrap();
        tokio::time::timeout(PATIENCE, done).await.expect("the order ends")
    }

    async fn entry<T>(&self, what: &str, fits: impl Fn(&Entry) -> Option<T>) -> T {
        let found = tokio::time::timeout(PATIENCE, self.store.take(fits)).await;
        found.unwrap_or_else(|_| panic!("no {what}; {:?}", self.progress()))
    }

    pub async fn whole(&self, device: &str) -> v1::DeviceReport {
        self.whole_where(device, |_| true).await
    }

    pub async fn whole_where(
        &self,
        device: &str,
        wanted: impl Fn(&v1::DeviceReport) -> bool,
    ) -> v1::DeviceReport {
        self.entry(&format!("whole report of {device}"), |entry| match entry {
            Entry::Whole(report) if report.device == device && wanted(report) => {
                Some((**report).clone())
            }
            Entry::Whole(_) | Entry::Unchanged { .. } | Entry::Forgotten(_) => None,
        })
        .await
    }

    pub async fn unchanged(&self, device: &str) -> (v1::DeviceUnchanged, v1::DeviceReport) {
        self.entry(&format!("unchanged {device}"), |entry| match entry {
            Entry::Unchanged { short, whole } if short.device == device => {
                Some((short.clone(), (**whole).clone()))
            }
            Entry::Whole(_) | Entry::Unchanged { .. } | Entry::Forgotten(_) => None,
        })
        .await
    }

    pub async fn forgotten(&self) -> String {
        self.entry("forgotten device", |entry| match entry {
            Entry::Forgotten(forgotten) => Some(forgotten.device.clone()),
            Entry::Whole(_) | Entry::Unchanged { .. } => None,
        })
        .await
    }
}
