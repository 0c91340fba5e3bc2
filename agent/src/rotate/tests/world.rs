//! A camera with memory, flash and a count of failed log-ins, a controller, a clock, and whoever makes them fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use certs::Clock;
use certs::seal::Opener;
use proto::{EscrowRecord, Secret, SecretId, Timestamp};
use tokio::sync::Notify;

use super::super::LogsIn;
use super::super::hands::{Desk, Device, HandedOver, Login, Trouble};
use crate::device::Fault;
use crate::rotation::Effect;

pub const THRESHOLD: u32 = 5;
pub const WINDOW: i64 = 3600;

/// What goes wrong, as often as so many in a thousand calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    pub killed_before: u32,
    pub killed_after: u32,
    pub reply_lost: u32,
    pub late: u32,
    pub not_sent: u32,
    pub reboot: u32,
    pub controller_away: u32,
}

/// What a camera lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    pub main: String,
    pub second: Option<String>,
}

/// A request.
#[derive(Clone, Debug)]
enum Request {
    Raise(String),
    Install(String),
    Lower,
    Save,
    Probe,
    Reboot,
}

/// Everything outside the agent.
#[derive(Debug)]
pub struct World {
    pub memory: Accounts,
    pub flash: Accounts,
    failures: Vec<i64>,
    pub most_failures: usize,
    pub late: Option<(String, Late)>,
    pub controller: BTreeMap<SecretId, EscrowRecord>,
    /// Seconds by the camera's own clock.
    pub time: i64,
    /// How far the agent's clock is off.
    pub skew: i64,
    pub odds: Odds,
    state: u64,
    pub calls: u64,
    pub kills: u64,
    pub rejects: bool,
    /// These odds at this call only.
    pub trap: Option<(u64, Odds)>,
}

#[derive(Clone, Debug)]
pub struct Late(Request);

/// The world, shared.
#[derive(Clone, Debug)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    pub killed: Arc<Notify>,
}

impl Shared {
    pub fn new(password: &str, seed: u64) -> Self {
        let accounts = Accounts { main: password.to_owned(), second: None };
        let world = World {
            memory: accounts.clone(),
            flash: accounts,
            failures: Vec::new(),
            most_failures: 0,
            late: None,
            controller: BTreeMap::new(),
            time: 1_800_000_000,
            skew: 0,
            odds: Odds::default(),
            state: seed | 1,
            calls: 0,
            kills: 0,
            rejects: false,
            trap: None,
        };
        Self { world: Arc::new(Mutex::new(world)), killed: Arc::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process ends here: nothing after it happens.
    async fn die(&self) -> ! {
        self.lock().kills += 1;
        self.killed.notify_one();
        std::future::pending().await
    }

    /// One request to the camera, with all that may go wrong.
    async fn request(&self, auth: &str, request: Request) -> Result<(), Trouble> {
        let unanswered = || Err(Fault::Unreachable("no answer".to_owned()).into());
        let odds = {
            let mut world = self.lock();
            world.calls += 1;
            world.happen();
            match world.trap {
                Some((at, odds)) if at == world.calls => odds,
                _ => world.odds,
            }
        };
        if self.lock().drawn(odds.killed_before) {
            self.die().await;
        }
        if self.lock().drawn(odds.not_sent) {
            return Err(Trouble::NotSent);
        }
        if self.lock().drawn(odds.late) && self.lock().hold_back(auth, &request) {
            if self.lock().drawn(500) {
                self.die().await;
            }
            return unanswered();
        }
        let answer = self.lock().answer(auth, &request);
        if self.lock().drawn(odds.killed_after) {
            self.die().await;
        }
        if self.lock().drawn(odds.reply_lost) { unanswered() } else { answer }
    }
}

impl World {
    /// So many in a thousand times.
    pub fn drawn(&mut self, odds: u32) -> bool {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 20) % 1000 < u64::from(odds)
    }

    /// What happens between two requests.
    fn happen(&mut self) {
        if self.drawn(self.odds.reboot) {
            // What was on its way had its connection cut.
            self.late = None;
            self.memory = self.flash.clone();
        }
        if self.late.is_some() && self.drawn(500) {
            self.late_arrives();
        }
    }

    /// The request is late, unless another one is.
    fn hold_back(&mut self, auth: &str, request: &Request) -> bool {
        let free = self.late.is_none();
        if free {
            self.late = Some((auth.to_owned(), Late(request.clone())));
        }
        free
    }

    pub fn late_arrives(&mut self) {
        if let Some((auth, Late(request))) = self.late.take() {
            let _ = self.answer(&auth, &request);
        }
    }

    fn counted(&mut self) -> usize {
        let now = self.time;
        self.failures.retain(|at| now - at < WINDOW);
        self.failures.len()
    }

    fn answer(&mut self, auth: &str, request: &Request) -> Result<(), Trouble> {
        if self.counted() >= THRESHOLD as usize {
            return Err(Fault::Unreachable("blocked".to_owned()).into());
        }
        if auth != self.memory.main && self.memory.second.as_deref() != Some(auth) {
            self.failures.push(self.time);
            self.most_failures = self.most_failures.max(self.failures.len());
            return Err(Fault::Refused("not with this password".to_owned()).into());
        }
        match request {
            Request::Raise(second) => self.memory.second = Some(second.clone()),
            Request::Install(_) if self.rejects => {
                return Err(Fault::Rejected("not this one".to_owned()).into());
            }
            Request::Install(new) => self.memory.main.clone_from(new),
            Request::Lower => self.memory.second = None,
            Request::Save => self.flash = self.memory.clone(),
            Request::Reboot => {
                self.late = None;
                self.memory = self.flash.clone();
            }
            Request::Probe => {}
        }
        Ok(())
    }
}

fn text(login: &Login<'_>) -> String {
    match login {
        Login::Main(secret) | Login::Second(secret) => secret.expose().to_owned(),
    }
}

#[async_trait]
impl Device for Shared {
    async fn raise(&mut self, auth: &Secret, second: &Secret) -> Result<(), Trouble> {
        self.request(auth.expose(), Request::Raise(second.expose().to_owned())).await
    }

    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble> {
        self.request(&text(auth), Request::Install(new.expose().to_owned())).await
    }

    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble> {
        self.request(&text(with), Request::Probe).await
    }

    async fn lower(&mut self, auth: &Login<'_>, _: &Secret) -> Result<(), Trouble> {
        self.request(&text(auth), Request::Lower).await
    }

    async fn save(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        self.request(&text(auth), Request::Save).await
    }

    async fn reboot(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        self.request(&text(auth), Request::Reboot).await
    }

    fn logs_in(&self, _: &Effect<SecretId>) -> LogsIn {
        LogsIn::Yes
    }
}

#[async_trait]
impl Desk for Shared {
    async fn hand_over(&mut self, record: EscrowRecord) -> HandedOver {
        let odds = self.lock().odds;
        if self.lock().drawn(odds.killed_before) {
            self.die().await;
        }
        if self.lock().drawn(odds.controller_away) {
            return HandedOver::NotYet;
        }
        // It crosses the wire as any other.
        let wire = proto::wire::v1::EscrowRecord::from(&record);
        let record = EscrowRecord::try_from(wire).expect("our own records are well formed");
        self.lock().controller.insert(record.id, record);
        if self.lock().drawn(odds.killed_after) {
            self.die().await;
        }
        if self.lock().drawn(odds.reply_lost) { HandedOver::NotYet } else { HandedOver::Committed }
    }
}

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        let world = self.lock();
        Timestamp::from_unix(world.time + world.skew)
    }
}

/// Every password the escrow can give back with the recovery key alone.
pub fn escrowed(world: &World, key: &Opener) -> Vec<String> {
    let keys = [Opener::parse(&key.to_text()).unwrap()];
    let opened = world.controller.values().map(|record| {
        let sheet = certs::escrow::open(&record.copies[0], &keys).unwrap();
        assert_eq!((sheet.id, sheet.kind), (record.id, record.kind));
        sheet.secret.expose().to_owned()
    });
    opened.collect()
}
