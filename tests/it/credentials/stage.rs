//! The stage of these stories: an agent's data folder, a controller's desk, and a camera.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::device::mobotix::Dialects;
use agent::device::mobotix::credential::{self, LogKeeper, Password, Patience, Reboots};
use agent::device::{Address, BasicInClear, Limits, Login, Target, Trials};
use agent::rotate::devices::Devices;
use agent::rotate::hands::{
    About, Desk, Device, HandedOver, IsUsed, Maker, Passwords, Recovery, VaultHands,
};
use agent::rotate::{Ended, Job, Turned, turn};
use agent::rotation::attempts::Limit;
use agent::rotation::due::Why;
use agent::rotation::{Escrow, Proof, Rotation, Rules, Second};
use agent::store::journal::{Entry, Journal};
use agent::store::subject::{Kind, Subject};
use agent::store::vault::{Role, Vault};
use async_trait::async_trait;
use certs::Clock as _;
use certs::escrow::Quorum;
use certs::seal::Opener;
use proto::policy::{PasswordRules, WebPorts};
use proto::{DeviceName, EscrowRecord, Secret, SecretId, Timestamp};
use tests::devices::mobotix::{Camera, Fault, Faults, Line, Spec, configs};
use tests::manual_clock::ManualClock;

/// The second administrator of the stories.
pub const SECOND: &str = "palisade-2";
/// No story may fail more log-ins than this within the hour that a camera counts them: its least threshold is 5, and we
/// stay two below.
const MOST_FAILED: u64 = 3;
/// Turns after which a story that has not ended is one that never will.
const MOST_TURNS: usize = 30;

/// The controller's desk and the shelf for logs: they remember what they were handed.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    records: Arc<Mutex<BTreeMap<SecretId, EscrowRecord>>>,
    logs: Arc<Mutex<Vec<Vec<u8>>>>,
}

#[async_trait]
impl Desk for Shelf {
    async fn hand_over(&mut self, record: EscrowRecord) -> HandedOver {
        self.records.lock().unwrap().insert(record.id, record);
        HandedOver::Committed
    }
}

#[async_trait]
impl LogKeeper for Shelf {
    async fn keep(&self, _: &DeviceName, log: Vec<u8>) -> Result<(), String> {
        self.logs.lock().unwrap().push(log);
        Ok(())
    }
}

/// An agent's data folder with one credential in it, and what is around it.
pub struct Stage {
    folder: tempfile::TempDir,
    pub subject: Subject,
    pub clock: ManualClock,
    pub shelf: Shelf,
    pub key: Opener,
    pub rules: Rules,
    recovery: Arc<Recovery>,
    /// How many log-ins had failed at which time.
    failed: Mutex<Vec<(Timestamp, u64)>>,
}

impl Stage {
    /// With that secret in use, due now.
    pub fn adopting(kind: Kind, secret: &Secret, rules: Rules) -> Self {
        let key = Opener::generate();
        let quorum = Quorum::new(1, &[key.recipient().to_string()]).unwrap();
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            subject: Subject { device: Some("yard".parse().unwrap()), kind },
            clock: ManualClock::at(agent::clock::now()),
            shelf: Shelf::default(),
            key,
            rules,
            recovery: Arc::new(Recovery { generation: 1, quorum }),
            failed: Mutex::default(),
        };
        let now = stage.clock.now();
        let fresh = [(Role::Main, secret.clone())];
        let id = stage.vault().keep(&stage.subject, &fresh, now).unwrap()[0];
        stage.record(Rotation::adopt(id, now));
        stage
    }

    /// The factory password of `admin`, with a second administrator, and proof by a reboot.
    pub fn password() -> Self {
        let kind = Kind::Password { account: "admin".to_owned() };
        let second = Second::Stands;
        let rules = Rules { escrow: Escrow::Acknowledged, second, proof: Proof::Reboot };
        Self::adopting(kind, &Secret::new(configs::FACTORY_PASSWORD), rules)
    }

    pub fn vault(&self) -> Vault {
        Vault::open(self.folder.path()).unwrap()
    }

    pub fn journal(&self) -> Journal {
        Journal::new(self.folder.path())
    }

    pub fn entry(&self) -> Entry {
        self.journal().read(&self.subject).unwrap().unwrap().entry
    }

    fn record(&self, rotation: Rotation<SecretId>) {
        let subject = self.subject.clone();
        let entry = Entry { subject, rotation, why: Why::Command, changed: None };
        self.journal().record(&entry).unwrap();
    }

    /// From now on it is about another device, with that secret in use and due now.
    pub fn beside(&mut self, device: &str, secret: &Secret) {
        self.subject.device = Some(device.parse().unwrap());
        let (fresh, now) = ([(Role::Main, secret.clone())], self.clock.now());
        let id = self.vault().keep(&self.subject, &fresh, now).unwrap()[0];
        self.record(Rotation::adopt(id, now));
    }

    /// It is about that device, which it was about before.
    pub fn about(&mut self, device: &str) {
        self.subject.device = Some(device.parse().unwrap());
    }

    /// What the controller could open.
    pub fn escrowed(&self) -> Vec<Secret> {
        let opened = [Opener::parse(&self.key.to_text()).unwrap()];
        let records = self.shelf.records.lock().unwrap();
        let open = |record: &EscrowRecord| certs::escrow::open(&record.copies[0], &opened).unwrap();
        records.values().map(|record| open(record).secret).collect()
    }

    /// It is due again.
    pub fn hurry(&self) {
        let rotation = self.entry().rotation.hurry(self.clock.now());
        self.record(rotation);
    }

    pub fn secret(&self, id: SecretId) -> Secret {
        self.vault().secret(&self.subject, id).unwrap().secret
    }

    /// What is to be logged in with.
    pub fn trusted(&self) -> Option<Secret> {
        self.entry().rotation.trusted().map(|id| self.secret(*id))
    }

    /// Every main secret that the journal still knows.
    pub fn known(&self) -> Vec<Secret> {
        let (vault, entry) = (self.vault(), self.entry());
        let found = entry.rotation.known().into_iter().map(|held| held.credential);
        let found = found.map(|id| vault.secret(&self.subject, id).unwrap());
        found.filter(|found| found.role == Role::Main).map(|found| found.secret).collect()
    }

    /// How many log-ins may have failed according to the journal.
    pub fn charged(&self) -> usize {
        let (device, now) = (self.subject.device.clone(), self.clock.now());
        let attempts = self.journal().attempts(device.as_ref(), now).unwrap();
        attempts.count(&Limit::default(), now)
    }

    /// The logs that were kept.
    pub fn logs(&self) -> usize {
        self.shelf.logs.lock().unwrap().len()
    }

    pub fn reboots(&self) -> Reboots {
        let milliseconds = Duration::from_millis;
        let patience = Patience {
            first: milliseconds(5),
            most: milliseconds(20),
            vanish: Duration::from_secs(20),
            back: Duration::from_secs(20),
        };
        Reboots { logs: Arc::new(self.shelf.clone()), patience }
    }

    /// One turn, as one of a process that was just started.
    pub async fn turn(&self, device: &mut dyn Device, maker: &mut dyn Maker) -> Turned {
        let clock: certs::SharedClock = Arc::new(self.clock.clone());
        let job = Job { retry: 600, again: 7200, ..Job::new(self.rules, Limit::default()) };
        let (taken, mut desk) =
            (Devices::default().take(self.subject.device.as_ref()), self.shelf.clone());
        let mut hands = VaultHands {
            about: About {
                organisation: "acme".parse().unwrap(),
                site: "harbour".parse().unwrap(),
                subject: self.subject.clone(),
                recovery: Some(self.recovery.clone()),
                clock: clock.clone(),
            },
            vault: self.vault(),
            device,
            maker,
            desk: &mut desk,
        };
        turn(self.entry(), &job, &mut hands, &self.journal(), &clock, &taken.unwrap())
            .await
            .unwrap()
    }

    /// One turn at the camera's password.
    pub async fn change(&self, camera: &Camera) -> Turned {
        self.turn(&mut self.driver(camera), &mut passwords()).await
    }

    pub fn driver(&self, camera: &Camera) -> Password {
        Password::new(target(camera), dialects(), SECOND.to_owned(), self.reboots())
    }

    /// Turns, with some time between them, until the password has changed.
    pub async fn ends(&self, camera: &Camera, mut between: impl FnMut(usize)) {
        for count in 0..MOST_TURNS {
            between(count);
            let turned = self.change(camera).await;
            self.opens(camera);
            let changed = turned.entry.changed.is_some();
            if changed && matches!(turned.ended, Ended::Settled(_)) {
                return;
            }
            camera.listening().await;
            self.clock.turn(4000);
        }
        panic!("{:?}", self.entry());
    }

    /// The camera opens, now and after a reboot, with a password that the vault holds and the controller has a sealed
    /// copy of, and hardly anybody was turned away.
    pub fn opens(&self, camera: &Camera) {
        let known = self.known();
        let escrowed = self.escrowed();
        let safe = |secret: &&Secret| escrowed.iter().any(|one| one.expose() == secret.expose());
        let safe: Vec<&Secret> = known.iter().filter(safe).collect();
        assert!(safe.iter().any(|secret| camera.takes("admin", secret)), "{:?}", self.entry());
        assert!(safe.iter().any(|secret| camera.would_take("admin", secret)), "{:?}", self.entry());
        self.is_far_from_blocked(camera);
    }

    /// Few log-ins failed within the time that a camera counts them.
    pub fn is_far_from_blocked(&self, camera: &Camera) {
        let (now, failed) = (self.clock.now(), camera.counts().failed_logins);
        let mut all = self.failed.lock().unwrap();
        all.push((now, failed));
        let lapsed = |at: &Timestamp| now.seconds_since(*at) >= Limit::default().window;
        let before = all.iter().rev().find(|(at, _)| lapsed(at)).map_or(0, |(_, failed)| *failed);
        let counted = failed - before;
        assert!(counted <= MOST_FAILED, "{counted} failed log-ins: {:?}", self.entry());
    }
}

/// What makes passwords.
pub fn passwords() -> Passwords {
    let (limits, rules) = (credential::limits(), PasswordRules::default());
    Passwords { limits, rules, life: 90 * 24 * 3600, jitter: 0.0 }
}

/// What makes nothing.
pub struct Nothing;

#[async_trait]
impl Maker for Nothing {
    async fn make(
        &mut self,
        _: Second,
        _: &IsUsed,
    ) -> Result<(Secret, Option<Secret>), agent::device::Fault> {
        panic!("nothing was to be made");
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        now
    }
}

pub fn dialects() -> Arc<Dialects> {
    Arc::new(Dialects::builtin())
}

/// The camera over TLS, held to its certificate, as `admin`.
pub fn target(camera: &Camera) -> Target {
    let at = camera.https_address().unwrap();
    Target {
        name: "yard".parse().unwrap(),
        address: Address { tls: true, host: at.ip().to_string(), port: at.port() },
        login: Some(Login {
            user: "admin".to_owned(),
            password: Secret::new("not used"),
            basic_in_clear: BasicInClear::Never,
        }),
        pin: Some(camera.pin()),
        seen_before: None,
        trials: Trials::Allowed,
        web_ports: WebPorts { http: 9, https: 10 },
        password_rules: PasswordRules::default(),
        limits: Limits::default(),
    }
}

/// A camera as it leaves the factory.
pub async fn camera(line: Line, change: impl FnOnce(&mut Spec)) -> Camera {
    let mut spec = Spec::new(line, "yard");
    change(&mut spec);
    Camera::start(spec).await.unwrap()
}

pub fn only(fault: Fault) -> Faults {
    Faults::none().with(fault)
}
