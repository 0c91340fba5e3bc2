//! The rounds: an enrolled agent's visits to its site's devices, for ever. One task owns the schedule, the inventory and
//! what the site file says; visits run beside it, as many at once as the site allows.
//!
//! It decides nothing about devices: measures judge, the schedule and the log-in budget say when and how a visit is paid,
//! and `rotation` says what is done about credentials. But for their journal it knows neither controller nor store: what
//! it finds goes through [`Outlet`], what it keeps onto [`Shelf`]. While the time is unknown it visits nobody, because
//! each look is judged at its time. A controller that is out of reach changes nothing here.

pub mod backups;
mod carry;
mod coarse;
pub mod credentials;
mod enforce;
mod errand;
mod kept;
mod loaded;
mod logs;
mod lookout;
mod orders;
mod outlet;
mod progress;
mod tell;
mod upkeep;
mod visits;
pub mod wire;
mod yardstick;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use proto::wire::policy::{Desired, Order, OrderId, Work};
use proto::wire::rotation::Rotate;
use proto::{DeviceName, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::credentials::{Credentials, Keyring, Turned};
use self::enforce::{Enforcement, Happened};
use self::errand::Paid;
use self::loaded::Loaded;
use self::logs::Logs;
use self::lookout::{Looked, Watch};
use self::upkeep::Search;
use self::yardstick::Yardstick;
use crate::apply::Keeper;
use crate::clock::AgentClock;
use crate::device::mobotix::Dialects;
use crate::device::{Driver, Limits, Target};
use crate::discovery::Survey;
use crate::facts::VmsFacts;
use crate::inventory::Inventory;
use crate::rotate::devices::Devices;
use crate::schedule::Schedule;

pub use outlet::{Deed, Entry, NotStored, Outlet, Shelf, Told};
pub use progress::Progress;

/// Wishes that may wait.
const MOST_WISHES: usize = 64;
/// Orders that may be under way.
const MOST_ORDERS: usize = 256;

/// What the rounds need.
pub struct Supplies {
    /// The site file.
    pub site: PathBuf,
    /// The agent's clock.
    pub clock: Arc<AgentClock>,
    /// Takes what is for the controller.
    pub outlet: Arc<dyn Outlet>,
    /// Keeps what can be observed again.
    pub shelf: Arc<dyn Shelf>,
    /// Keeps backups of configurations; none where there is no vault to seal them to.
    pub archive: Option<Arc<dyn backups::Archive>>,
    /// Keeps what a change would lose: configurations as they were, and web logs.
    pub keeper: Arc<dyn Keeper>,
    /// What the controller wants the site to be; the latest counts.
    pub desired: watch::Receiver<Option<Arc<Desired>>>,
    /// Looks an environment variable up: a site file may name one for a password.
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// Opens a device on the network.
    pub open: fn(Target, Arc<Dialects>) -> Box<dyn Driver>,
    /// How long and how much a device may take of us.
    pub limits: Limits,
    /// Looks for cameras that no site file names.
    pub survey: Survey,
    /// What credentials are changed with; without it they are the site file's for ever.
    pub keyring: Option<Arc<Keyring>>,
    /// Only these devices of the site file; all of them if none is named.
    pub only: BTreeSet<DeviceName>,
    /// A fresh random number from -1 to 1.
    pub draw: fn() -> f64,
}

/// A random number from -1 to 1; 0 if the system gives none, which only costs the spread.
pub fn draw() -> f64 {
    let number = certs::random::bytes::<4>().map_or(i32::MAX / 2, i32::from_le_bytes);
    f64::from(number) / f64::from(i32::MAX)
}

/// The rounds have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent is stopping")]
pub struct Ended;

/// Tells the rounds what somebody wishes.
#[derive(Clone, Debug)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    progress: watch::Receiver<Progress>,
}

enum Wish {
    Visit {
        id: OrderId,
        expires_at: Timestamp,
        devices: Vec<DeviceName>,
        done: oneshot::Sender<()>,
    },
    Rotate {
        id: OrderId,
        expires_at: Timestamp,
        order: Rotate,
        done: oneshot::Sender<()>,
    },
    CarryOut {
        order: Order,
        done: oneshot::Sender<()>,
    },
    Resend(Vec<DeviceName>),
    Reload,
}

impl Handle {
    /// Visits devices now, all of the site's if none is named. What comes back ends well when each was looked at once
    /// since, and badly when the order has expired, is under way already, or cannot be taken in.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn visit(
        &self,
        id: OrderId,
        expires_at: Timestamp,
        devices: Vec<DeviceName>,
    ) -> Result<oneshot::Receiver<()>, Ended> {
        let (done, ended) = oneshot::channel();
        let wish = Wish::Visit { id, expires_at, devices, done };
        self.wishes.send(wish).await.map_err(|_| Ended)?;
        Ok(ended)
    }

    /// Has credentials replaced. What comes back ends well when each takes another one than before, and badly when the
    /// order has expired or cannot be taken in.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn rotate(
        &self,
        id: OrderId,
        expires_at: Timestamp,
        order: Rotate,
    ) -> Result<oneshot::Receiver<()>, Ended> {
        let (done, ended) = oneshot::channel();
        let wish = Wish::Rotate { id, expires_at, order, done };
        self.wishes.send(wish).await.map_err(|_| Ended)?;
        Ok(ended)
    }

    /// Carries out an order about changes: to make a plan, to carry one out, to go on after a halt. What comes back ends
    /// well when it has come to its end, whatever that is, and badly when the order has expired.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn carry_out(&self, order: Order) -> Result<oneshot::Receiver<()>, Ended> {
        let (done, ended) = oneshot::channel();
        self.wishes.send(Wish::CarryOut { order, done }).await.map_err(|_| Ended)?;
        Ok(ended)
    }

    /// Reports these devices whole: the controller does not hold what they are compared with.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn resend(&self, devices: Vec<DeviceName>) -> Result<(), Ended> {
        self.wishes.send(Wish::Resend(devices)).await.map_err(|_| Ended)
    }

    /// Reads the site file again, and visits what has failed so far.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn reload(&self) -> Result<(), Ended> {
        self.wishes.send(Wish::Reload).await.map_err(|_| Ended)
    }

    /// How it is going, as it changes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

/// The rounds, to be run.
pub struct Rounds {
    supplies: Supplies,
    wishes: mpsc::Receiver<Wish>,
    progress: watch::Sender<Progress>,
    errors: Errors,
    site: Option<Arc<Loaded>>,
    /// When the files behind `site` were written.
    stamp: Vec<Option<(u64, u64)>>,
    yardstick: Option<Arc<Yardstick>>,
    notes: upkeep::Notes,
    schedule: Schedule,
    inventory: Inventory,
    /// Whether the inventory differs from the stored one.
    unsaved: bool,
    logs: Logs,
    watch: Watch,
    /// Serial numbers of the site's cameras.
    serials: BTreeMap<DeviceName, String>,
    /// The workstations' facts as reported last, and when.
    workstations: BTreeMap<DeviceName, (VmsFacts, u64)>,
    visits: JoinSet<Paid>,
    /// Whom the tasks of `visits` visit.
    visited: BTreeMap<tokio::task::Id, DeviceName>,
    orders: Vec<UnderWay>,
    /// Who is at which device: visits, changes and rotations alike.
    devices: Devices,
    enforcement: Enforcement,
    search: Search,
    credentials: Credentials,
    /// When upkeep is due, in seconds of the monotonic clock.
    upkeep_due: u64,
    last_visit: Option<Timestamp>,
    ended: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Errors {
    site: Option<String>,
    policy: Option<String>,
    search: Option<String>,
}

/// An order under way.
struct UnderWay {
    id: OrderId,
    left: BTreeSet<DeviceName>,
    done: oneshot::Sender<()>,
}

/// What the loop was woken by.
enum Event {
    Paid(Result<(tokio::task::Id, Box<Paid>), tokio::task::JoinError>),
    LookedAtLog(Result<Looked, tokio::task::Id>),
    Turned(Result<(tokio::task::Id, Box<Turned>), tokio::task::JoinError>),
    Wished(Wish),
    Desired,
    Searched,
    Changed(Happened),
    Time,
    Stopped,
}

impl Rounds {
    /// Rounds that have not begun, and the handle to them.
    pub fn new(mut supplies: Supplies) -> (Self, Handle) {
        let (sender, wishes) = mpsc::channel(MOST_WISHES);
        let (progress, receiver) = watch::channel(Progress::default());
        let survey = std::mem::replace(&mut supplies.survey, Survey::nowhere());
        let rounds = Self {
            supplies,
            wishes,
            progress,
            errors: Errors::default(),
            site: None,
            stamp: Vec::new(),
            yardstick: None,
            notes: upkeep::Notes::default(),
            schedule: Schedule::new(crate::schedule::INTERVAL),
            inventory: Inventory::default(),
            unsaved: false,
            logs: Logs::default(),
            watch: Watch::default(),
            serials: BTreeMap::new(),
            workstations: BTreeMap::new(),
            visits: JoinSet::new(),
            visited: BTreeMap::new(),
            orders: Vec::new(),
            devices: Devices::default(),
            enforcement: Enforcement::default(),
            search: Search::new(survey),
            credentials: Credentials::default(),
            upkeep_due: 0,
            last_visit: None,
            ended: BTreeMap::new(),
        };
        (rounds, Handle { wishes: sender, progress: receiver })
    }

    /// Goes the rounds until told to stop. Visits under way are broken off: they change nothing. Turns may end, if they
    /// are quick; what they leave is in the journal. Changes are brought to their end.
    pub async fn run(mut self, stop: CancellationToken) {
        self.begin().await;
        loop {
            self.pay_visits();
            self.pay_looks();
            self.take_turns().await;
            self.show_progress();
            match self.next(&stop).await {
                Event::Paid(Ok((task, paid))) => {
                    self.visited.remove(&task);
                    // Apart, as the looks: their room is taken only while they are at work.
                    Box::pin(self.finish(*paid)).await;
                }
                Event::Paid(Err(error)) => self.lost(error.id()),
                Event::LookedAtLog(looked) => Box::pin(self.finish_look(looked)).await,
                Event::Turned(Ok((task, turned))) => self.finish_turn(task, *turned).await,
                Event::Turned(Err(error)) => self.lost_turn(error.id()).await,
                Event::Wished(wish) => self.grant(wish).await,
                Event::Desired => self.take_desired().await,
                Event::Searched => self.take_search().await,
                Event::Changed(happened) => Box::pin(self.enforced(happened)).await,
                Event::Time => self.upkeep().await,
                Event::Stopped => break,
            }
        }
        self.visits.abort_all();
        self.end_turns().await;
        self.save().await;
        self.save_watch().await;
        Box::pin(self.end_enforcement()).await;
    }

    async fn next(&mut self, stop: &CancellationToken) -> Event {
        let clock = self.supplies.clock.clone();
        let moved = certs::Clock::moved(&*clock);
        let (wake, devices) = (self.next_wake(), self.devices.clone());
        tokio::select! {
            () = stop.cancelled() => Event::Stopped,
            Some(paid) = self.visits.join_next_with_id() => {
                Event::Paid(paid.map(|(task, paid)| (task, Box::new(paid))))
            }
            Some(looked) = self.watch.ended() => Event::LookedAtLog(looked),
            Some(turned) = self.credentials.turns.join_next_with_id() => {
                Event::Turned(turned.map(|(task, turned)| (task, Box::new(turned))))
            }
            Some(wish) = self.wishes.recv() => Event::Wished(wish),
            Ok(()) = self.supplies.desired.changed() => Event::Desired,
            () = self.search.ended() => Event::Searched,
            happened = self.enforcement.happened() => Event::Changed(happened),
            () = devices.freed() => Event::Time,
            () = moved => Event::Time,
            () = clock.wait_seconds(wake) => Event::Time,
        }
    }

    /// When something is to be done next, in seconds of the monotonic clock.
    fn next_wake(&self) -> u64 {
        let next = self.schedule.next_of(|name| self.devices.is_free(name));
        let visit = next.filter(|_| self.may_pay());
        let turn = self.credentials.wake(self.supplies.clock.seconds());
        [visit, turn, self.next_look()].into_iter().flatten().fold(self.upkeep_due, u64::min)
    }

    async fn grant(&mut self, wish: Wish) {
        // What should be comes before what is ordered: no order is carried out by the policy before.
        if self.supplies.desired.has_changed().unwrap_or_default() {
            Box::pin(self.take_desired()).await;
        }
        match wish {
            Wish::Visit { id, expires_at, devices, done } => {
                self.take_order(id, expires_at, devices, done).await;
            }
            Wish::Rotate { id, expires_at, order, done } => {
                self.take_rotate_order(id, expires_at, order, done).await;
            }
            Wish::CarryOut { order: Order { id, expires_at, what: Work::Forget(order) }, done } => {
                Box::pin(self.take_forget_order((id, expires_at), order, done)).await;
            }
            Wish::CarryOut { order, done } => {
                Box::pin(self.take_change_order(order, done)).await;
            }
            Wish::Resend(devices) => self.resend(&devices).await,
            Wish::Reload => {
                self.reload().await;
                self.schedule.hasten_failing(self.supplies.clock.seconds());
            }
        }
    }
}

#[cfg(test)]
mod tests;
