//! The life of credentials in the rounds: the site file's password is taken over into the vault when policy turns
//! rotation on; due ones are changed, one turn at a time, by the machine of `rotation`; where each stands is told.
//!
//! From its adoption on, a device is logged in to with the vault's password, whatever the site file says, and while it is
//! in doubt which one it takes, nobody logs in but the machine. A visit and a turn are never at one device at the same
//! time, and they share what the device may count as failed log-ins.
//!
//! Refuses to begin anything while the time is unknown, while nobody is known whom secrets are sealed to, and over plain
//! HTTP: TLS comes before passwords. Where the journal or the vault cannot be read, the devices concerned are left alone.

mod adopt;
mod anew;
mod backed;
mod beside;
pub mod choice;
mod finish;
mod forget;
mod keyring;
mod ordered;
mod orders;
mod tell;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use proto::wire::rotation::{CredentialKind, RotationState};
use proto::{DeviceName, Timestamp};
use tokio::task::JoinSet;

use self::choice::{Aim, Standing};
use self::orders::Orders;
use self::turn::Turn;
use super::Rounds;
use super::outlet::Deed;
use crate::config::SiteDevice;
use crate::rotation::Rotation;
use crate::rotation::attempts::Limit;
use crate::rotation::due::Patience;
use crate::store::journal::{Entry, JournalError, Read};
use crate::store::subject::{Kind, Subject};

pub(super) use adopt::Adoptable;
pub use beside::{Held, NotHeld, held};
pub(super) use keyring::{Access, Claims, marked, password_of};
pub use keyring::{Keyring, Tools};
pub(super) use turn::Turned;

/// Turns under way end within this, once the agent is told to stop.
const FAREWELL: Duration = Duration::from_secs(8);
/// Where orders are kept on the shelf.
const ORDERS: &str = "rotate-orders";
/// The wall clock went its own way if it differs from the other by more than this, in seconds.
const JUMP: i64 = 60;

/// Where the credentials of a site's devices stand, and what is under way.
#[derive(Default)]
pub(super) struct Credentials {
    entries: BTreeMap<Subject, Entry>,
    /// What each device took when all was last well.
    lives: BTreeMap<Subject, proto::SecretId>,
    /// Devices whose journal cannot be read.
    shut: BTreeSet<DeviceName>,
    /// Whether that is so for all.
    all_shut: bool,
    /// Why nothing can be changed.
    broken: Option<String>,
    troubles: BTreeMap<Subject, String>,
    pub(super) turns: JoinSet<Turned>,
    turning: BTreeMap<tokio::task::Id, Subject>,
    rests: BTreeMap<DeviceName, Rest>,
    backed: backed::Backed,
    orders: Orders,
    /// Orders to forget that wait for their device to be free.
    forgets: Vec<forget::Waiting>,
    told: BTreeMap<(DeviceName, CredentialKind), RotationState>,
    /// Generation of the recovery recipients that everything was looked through for.
    sealed_for: Option<u64>,
    /// Both clocks, when they were last compared.
    paced: Option<(Timestamp, u64)>,
    counts: BTreeMap<&'static str, u64>,
}

/// A device is left in peace.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    /// In seconds of the monotonic clock.
    until: u64,
    /// Turns in a row that got nowhere.
    failures: u32,
}

impl Credentials {
    /// What the journal says of a device.
    pub(super) fn claims(&self, device: &SiteDevice) -> Claims {
        if self.all_shut || self.shut.contains(&device.name) {
            return Claims::doubtful();
        }
        Claims::of(device, &self.entries)
    }

    /// When something is to be done next, in seconds of the monotonic clock; upkeep does what may wait for a minute.
    pub(super) fn wake(&self, now: u64) -> Option<u64> {
        self.rests.values().map(|rest| rest.until).filter(|until| *until > now).min()
    }

    /// Whether a turn is under way.
    pub(super) fn is_changing(&self) -> bool {
        !self.turning.is_empty()
    }

    /// When a credential of a device was last replaced.
    pub(super) fn last_changed(&self, name: &DeviceName) -> Option<Timestamp> {
        let own = |entry: &&Entry| entry.subject.device.as_ref() == Some(name);
        self.entries.values().filter(own).filter_map(|entry| entry.changed).max()
    }

    /// What turns came to since the start, by a word.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.clone()
    }

    /// Why nothing can be changed.
    pub(super) fn error(&self) -> Option<String> {
        let shut: Vec<_> = self.shut.iter().map(DeviceName::as_str).collect();
        let shut = (!shut.is_empty())
            .then(|| format!("the journal of {} cannot be read", shut.join(", ")));
        self.broken.clone().or(shut)
    }

    /// Where a credential of a device stands, if anything is known of it, and whether it is in a turn.
    pub(super) fn entry(&self, device: &DeviceName, kind: &Kind) -> Option<(&Entry, bool)> {
        let is_it = |entry: &&Entry| {
            entry.subject.device.as_ref() == Some(device) && entry.subject.kind == *kind
        };
        let entry = self.entries.values().find(is_it)?;
        Some((entry, self.turning.values().any(|it| *it == entry.subject)))
    }

    fn enter(&mut self, entry: Entry) {
        if let Rotation::Settled { live, .. } = &entry.rotation {
            self.lives.insert(entry.subject.clone(), live.credential);
        }
        self.entries.insert(entry.subject.clone(), entry);
    }
}

impl Rounds {
    /// Reads where everything stands.
    pub(super) async fn begin_credentials(&mut self) {
        let Some(keyring) = self.supplies.keyring.clone() else { return };
        if let Err(why) = &keyring.vault {
            tracing::error!(why, "no credential can be changed");
            self.credentials.broken = Some(why.clone());
        }
        if let Some(bytes) = self.supplies.shelf.fetch(ORDERS).await {
            self.credentials.orders = Orders::from_bytes(&bytes);
        }
        self.distrust(&keyring).await;
        let journal = keyring.journal.clone();
        match tokio::task::spawn_blocking(move || journal.all()).await {
            Ok(Ok((read, troubles))) => {
                for Read { entry, damaged } in read {
                    if let Some(path) = damaged {
                        tracing::error!(path = %path.display(), "a journal entry was damaged; the other copy is used");
                    }
                    if let Some(change) = entry.rotation.change() {
                        let live = change.live.credential;
                        self.credentials.lives.insert(entry.subject.clone(), live);
                    }
                    self.credentials.enter(entry);
                }
                troubles.iter().for_each(|error| self.shut_out(error));
            }
            Ok(Err(error)) => self.shut_all_out(&error.to_string()),
            Err(_) => self.shut_all_out("reading the journal failed"),
        }
    }

    fn shut_out(&mut self, error: &JournalError) {
        let path = match error {
            JournalError::Unreadable { path, .. } => Some(path.as_path()),
            JournalError::Store(crate::store::StoreError::Damaged(path)) => Some(path.as_path()),
            JournalError::Store(_) => None,
        };
        let device = path.and_then(device_of);
        match device {
            Some(device) => {
                tracing::error!(%error, %device, "nobody logs in to it");
                self.credentials.shut.insert(device);
            }
            None => self.shut_all_out(&error.to_string()),
        }
    }

    /// Nothing is known of any device's password, so nobody logs in anywhere.
    fn shut_all_out(&mut self, why: &str) {
        tracing::error!(why, "the journal of rotations cannot be read; nobody logs in");
        self.credentials.broken = Some(why.to_owned());
        self.credentials.all_shut = true;
    }

    /// Takes the turns that are due, as many as may be under way.
    pub(super) async fn take_turns(&mut self) {
        self.start_held().await;
        let Some(keyring) = self.supplies.keyring.clone() else { return };
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        if !self.supplies.clock.is_known() || self.credentials.broken.is_some() {
            return;
        }
        self.pace(&keyring).await;
        self.seal_anew(&keyring).await;
        if yardstick.policy.rotation.certificates {
            keyring.tools.certify(&site.file.devices);
            if let Some(more) = yardstick.trusting(keyring.tools.authorities()) {
                self.yardstick = Some(Arc::new(more));
            }
        }
        self.hear_forget_orders().await;
        self.hear_orders(&keyring).await;
        self.hear_handed(&keyring).await;
        let (now, seconds) = (self.supplies.clock.now(), self.supplies.clock.seconds());
        let sealed = keyring.tools.recovery().is_some();
        let turns = {
            let standings = self.standings(&site.file.devices, seconds);
            let also = self.enforcement.in_change();
            let picks = choice::picks(&standings, &also, &yardstick.policy, sealed, now);
            let chosen = picks.iter().map(|pick| {
                let standing = &standings[pick.device];
                (standing.device.clone(), standing.entries[pick.entry].clone(), pick.aim)
            });
            chosen.collect::<Vec<_>>()
        };
        for (name, entry, aim) in turns {
            if aim == Aim::Begin && !sealed {
                continue;
            }
            self.begin_turn(&name, entry, aim).await;
        }
        self.tell_credentials().await;
    }

    fn standings<'a>(&'a self, devices: &'a [SiteDevice], seconds: u64) -> Vec<Standing<'a>> {
        let held = &self.credentials;
        let each = devices.iter().filter(|device| !held.shut.contains(&device.name));
        let each = each.map(|device| {
            let own = |entry: &&Entry| entry.subject.device.as_ref() == Some(&device.name);
            let entries: Vec<_> = held.entries.values().filter(own).collect();
            let in_turn = held.turning.values().any(|it| it.device.as_ref() == Some(&device.name));
            let rest = held.rests.get(&device.name).map_or(0, |rest| rest.until);
            let free = !in_turn && rest <= seconds;
            let named = held.orders.names(&device.name);
            Standing { device: &device.name, entries, free, in_turn, named }
        });
        each.filter(|standing| !standing.entries.is_empty()).collect()
    }

    /// Devices that are in change through their credentials, and those that block their place because they are lost.
    pub(super) fn in_turns(&self) -> (BTreeSet<DeviceName>, BTreeSet<DeviceName>) {
        let Some(site) = self.site.clone() else { return Default::default() };
        let standings = self.standings(&site.file.devices, 0);
        (choice::in_change(&standings).collect(), choice::lost(&standings).collect())
    }

    async fn begin_turn(&mut self, name: &DeviceName, entry: Entry, aim: Aim) {
        let (Some(keyring), Some(site), Some(yardstick)) =
            (self.supplies.keyring.clone(), self.site.clone(), self.yardstick.clone())
        else {
            return;
        };
        let Some(device) = site.file.devices.iter().find(|device| device.name == *name).cloned()
        else {
            return;
        };
        // One class of change per device and window; what is urgent waits for nobody.
        let waits = entry.why.patience() == Patience::WaitsForAWindow;
        if aim == Aim::Begin && waits && !self.may_rotate(name) {
            return;
        }
        if aim == Aim::Begin && !self.is_backed_up(name) {
            return;
        }
        // Somebody visits it; the visit's end brings us back here.
        let Some(taken) = self.devices.take(Some(name)) else { return };
        if aim == Aim::Begin {
            let detail = format!("{}, {:?}", tell::words(&entry.subject), entry.why);
            self.audit(Deed::RotationStarted, name.as_str(), &detail).await;
        }
        let subject = entry.subject.clone();
        let turn = Turn {
            claims: self.credentials.claims(&device),
            accepted: self.inventory.known(name).and_then(|known| known.accepted()),
            entry,
            device,
            site,
            yardstick,
            limits: self.supplies.limits,
            environment: self.supplies.environment.clone(),
            keyring,
            clock: self.supplies.clock.clone(),
            jitter: (self.supplies.draw)(),
            taken,
        };
        let task = self.credentials.turns.spawn(turn.take());
        self.credentials.turning.insert(task.id(), subject);
    }

    /// The agent stops: turns under way may end, if they do so within seconds.
    pub(super) async fn end_turns(&mut self) {
        let ending = async {
            while let Some(ended) = self.credentials.turns.join_next_with_id().await {
                match ended {
                    Ok((task, turned)) => self.finish_turn(task, turned).await,
                    Err(error) => self.lost_turn(error.id()).await,
                }
            }
        };
        if tokio::time::timeout(FAREWELL, ending).await.is_err() {
            tracing::warn!(
                "turns under way did not end in time; they are taken up at the next start"
            );
        }
        self.credentials.turns.abort_all();
    }

    /// The clock may have been set while nobody looked, and no controller has spoken yet.
    async fn distrust(&mut self, keyring: &Keyring) {
        let clock = &self.supplies.clock;
        let (certain, now, seconds) = (clock.floor(), clock.now(), clock.seconds());
        let journal = keyring.journal.clone();
        let distrust = move || journal.distrust(&Limit::default(), certain, now);
        match tokio::task::spawn_blocking(distrust).await {
            Ok(Ok(())) => self.credentials.paced = Some((now, seconds)),
            Ok(Err(error)) => tracing::error!(%error, "the counts of failed log-ins are not sure"),
            Err(_) => tracing::error!("making sure of the counts of failed log-ins failed"),
        }
    }

    /// The count of failed log-ins is in time, so that a clock that was set starts it anew.
    async fn pace(&mut self, keyring: &Keyring) {
        let (now, seconds) = (self.supplies.clock.now(), self.supplies.clock.seconds());
        let jumped = self.credentials.paced.is_some_and(|(then, at)| {
            let passed = i64::try_from(seconds.saturating_sub(at)).unwrap_or(i64::MAX);
            (now.seconds_since(then).saturating_sub(passed)).abs() > JUMP
        });
        if jumped {
            let journal = keyring.journal.clone();
            let rebased = tokio::task::spawn_blocking(move || journal.rebase(now)).await;
            if !matches!(rebased, Ok(Ok(()))) {
                tracing::error!("the counts of failed log-ins could not be moved to the new time");
                return;
            }
        }
        self.credentials.paced = Some((now, seconds));
    }

    /// Makes an entry durable, and goes by it.
    pub(super) async fn record(&mut self, keyring: &Keyring, entry: Entry) {
        let (journal, written) = (keyring.journal.clone(), entry.clone());
        match tokio::task::spawn_blocking(move || journal.record(&written)).await {
            Ok(Ok(())) => self.credentials.enter(entry),
            Ok(Err(error)) => tracing::error!(%error, "where a credential stands is not kept"),
            Err(_) => tracing::error!("keeping where a credential stands failed"),
        }
    }
}

/// The device whose folder a path lies in.
fn device_of(path: &Path) -> Option<DeviceName> {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.find(|part| part == "rotations")?;
    parts.next()?.parse().ok()
}
