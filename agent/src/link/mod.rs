//! The line to the controller: the only room that speaks gRPC. The agent dials out, nothing listens on the site's
//! network, and both sides treat the other as hostile: every message and list has a bound, every call a time.
//!
//! Four tasks go on for ever: one holds a line with its Watch stream (`hold`), one uploads what waits in the outbox
//! (`upload`), one renews the certificate (`renew`), one the site's device issuer (`issuer`). They share a [`Link`]. It decides nothing about devices; what
//! it brings is checked before anybody else sees it.

mod addresses;
pub mod backoff;
mod deed;
pub mod desk;
pub mod dial;
pub mod enroll;
pub mod entry;
pub mod fault;
mod hold;
mod issuer;
pub mod line;
mod lookup;
mod reach;
mod receipts;
mod recover;
mod recovery;
mod renew;
mod renew_hands;
pub mod reply;
mod standing;
mod take;
mod tell;
mod upload;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certs::DeviceIssuer;
use certs::audit::ChainHead;
use proto::wire::halt::Halt;
use proto::wire::policy::{Desired, Order, OrderId};
use proto::{DeviceName, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::AgentClock;
use crate::custody::Custody;
use crate::custody::issuer::Hosts;
use crate::custody::recipients::Recipients;
use crate::identity::{Folder, IdentityError, Member};
use crate::rotate::hands::Recovery;
use crate::store::{Store, StoreError};
use enroll::on_disk;
use line::Line;

pub use standing::{Standing, State};

/// So many devices may be asked for again at a time.
const MAX_WANTED: usize = 2000;

/// How long the link waits for what. Tests are in more of a hurry.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest first wait after a failure; doubled with each.
    pub first: Duration,
    /// The longest wait after failures.
    pub cap: Duration,
    /// The longest wait after the controller said that this agent is not welcome.
    pub unwelcome: Duration,
    /// What is not urgent is uploaded so often.
    pub upload: Duration,
    /// What is not urgent of the status is told at most so often.
    pub tell: Duration,
    /// How often an agent that is not enrolled looks whether it is by now.
    pub look: Duration,
}

impl Pace {
    /// How an agent behaves: gentle to a controller with thousands of them, and to a line that is paid by volume.
    pub const USUAL: Self = Self {
        first: Duration::from_secs(5),
        cap: Duration::from_secs(300),
        unwelcome: Duration::from_secs(3600),
        upload: Duration::from_secs(3600),
        tell: Duration::from_secs(3600),
        look: Duration::from_secs(2),
    };
}

/// What the tasks share, and where the rest of the agent meets them.
#[derive(Debug)]
pub struct Link {
    folder: Arc<Folder>,
    clock: Arc<AgentClock>,
    store: Store,
    pace: Pace,
    started_at: Timestamp,
    member: watch::Sender<Arc<Member>>,
    standing: watch::Sender<Standing>,
    line: watch::Sender<Option<Line>>,
    desired: watch::Sender<Option<Arc<Desired>>>,
    orders: watch::Sender<Vec<Order>>,
    held: Mutex<Held>,
    /// Something of the status changed that the controller waits for.
    news: Notify,
    /// Something that waits should be uploaded soon.
    urgent: Notify,
    /// How often the outbox has run empty.
    drains: watch::Sender<u64>,
    /// An operator wants the certificate renewed now.
    hurry: watch::Sender<Option<OrderId>>,
    /// Devices whose whole report is wanted.
    wanted: Notify,
    /// Who changes the identity's files holds this.
    papers: tokio::sync::Mutex<()>,
    custody: Custody,
    recovery: watch::Sender<Option<Arc<Recovery>>>,
    issuer: watch::Sender<Option<Arc<DeviceIssuer>>>,
    /// The devices that the issuer is for.
    hosts: watch::Sender<Arc<Hosts>>,
    /// How many records in escrow were committed in this run.
    receipts: watch::Sender<u64>,
}

/// What is remembered between messages.
#[derive(Debug, Default)]
struct Held {
    generation: u64,
    digest: Vec<u8>,
    /// Orders that are done and that the controller has not stopped listing.
    done: BTreeSet<OrderId>,
    /// The controller's audit head: the longest that was seen.
    witnessed: ChainHead,
    wanted: BTreeSet<DeviceName>,
    /// Whom secrets are sealed to.
    recipients: Option<Recipients>,
    /// What was entered into the audit log last, of what may come again and again.
    recorded: BTreeMap<deed::Deed, String>,
    /// Records in escrow that the controller does not keep.
    refused: receipts::Refused,
    /// Why nothing is changed unattended, if it is halted.
    halted: Option<Halt>,
}

impl Link {
    /// The link of an enrolled agent. `witnessed` is the controller's audit head from before, `custody` what the agent
    /// was entrusted with.
    ///
    /// # Errors
    /// The store's, if the desired state cannot be read from it.
    pub async fn new(
        folder: Arc<Folder>,
        member: Member,
        clock: Arc<AgentClock>,
        store: Store,
        (witnessed, custody): (ChainHead, Custody),
        pace: Pace,
    ) -> Result<Arc<Self>, StoreError> {
        let started_at = certs::Clock::now(&*clock);
        let (desired, held) = take::remembered(&store).await?;
        let (recipients, issuer) = recovery::remembered(&custody).await?;
        let recovery = recipients.as_ref().map(recovery::shared);
        let held = Held { witnessed, recipients, ..held };
        Ok(Arc::new(Self {
            folder,
            clock,
            store,
            pace,
            started_at,
            member: watch::Sender::new(Arc::new(member)),
            standing: watch::Sender::new(Standing::new(started_at)),
            line: watch::Sender::new(None),
            desired: watch::Sender::new(desired),
            orders: watch::Sender::new(Vec::new()),
            held: Mutex::new(held),
            news: Notify::new(),
            urgent: Notify::new(),
            drains: watch::Sender::new(0),
            hurry: watch::Sender::new(None),
            wanted: Notify::new(),
            papers: tokio::sync::Mutex::new(()),
            custody,
            recovery: watch::Sender::new(recovery),
            issuer: watch::Sender::new(issuer.map(Arc::new)),
            hosts: watch::Sender::new(Arc::default()),
            receipts: watch::Sender::new(0),
        }))
    }

    /// Holds the line, uploads and renews until told to stop. Then what waits is uploaded as far as that takes seconds,
    /// and the line ends last.
    pub async fn run(self: &Arc<Self>, stop: &CancellationToken) {
        let over = CancellationToken::new();
        let work = async {
            tokio::join!(self.upload(stop), self.renew(stop), self.renew_issuer(stop));
            over.cancel();
        };
        tokio::join!(self.hold(&over), work);
    }

    /// Who this box is, as it changes.
    pub fn member(&self) -> watch::Receiver<Arc<Member>> {
        self.member.subscribe()
    }

    /// How the link does, as it changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// What the site should be; nothing while the controller has never said.
    pub fn desired(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.desired.subscribe()
    }

    /// The orders about devices that are outstanding, as the controller lists them. The same order is listed until
    /// [`Link::done`] has been heard there.
    pub fn orders(&self) -> watch::Receiver<Vec<Order>> {
        self.orders.subscribe()
    }

    /// The order was carried out; the controller is told at once.
    pub fn done(&self, order: OrderId) {
        self.held().done.insert(order);
        self.news.notify_one();
    }

    /// Something entered the outbox that should not wait for its turn.
    pub fn hasten(&self) {
        self.urgent.notify_one();
    }

    /// Changes whenever everything that waited was uploaded.
    pub fn drains(&self) -> watch::Receiver<u64> {
        self.drains.subscribe()
    }

    /// Waits until the controller asks for whole reports, and gives the devices.
    pub async fn wanted(&self) -> BTreeSet<DeviceName> {
        loop {
            let wanted = std::mem::take(&mut self.held().wanted);
            if !wanted.is_empty() {
                return wanted;
            }
            self.wanted.notified().await;
        }
    }

    /// Whether unattended changes are halted; the controller is told at once.
    pub fn halted(&self, halt: Option<Halt>) {
        let before = std::mem::replace(&mut self.held().halted, halt.clone());
        if before != halt {
            self.news.notify_one();
        }
    }

    /// The controller's audit head, to be kept for the next run.
    pub fn witnessed(&self) -> ChainHead {
        self.held().witnessed
    }

    /// The generation of the desired state that is held; 0 for none.
    pub fn generation(&self) -> u64 {
        self.held().generation
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change of it is whole, so nothing is left half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self, devices: impl IntoIterator<Item = DeviceName>) {
        let mut held = self.held();
        held.wanted.extend(devices);
        while held.wanted.len() > MAX_WANTED {
            held.wanted.pop_last();
        }
        drop(held);
        self.wanted.notify_one();
    }

    /// From now on the box is what `change` makes of it: on disk first, then for everybody.
    async fn become_member(
        &self,
        change: impl FnOnce(&Member) -> Member,
    ) -> Result<(), IdentityError> {
        let member = Arc::new(change(&self.member.borrow()));
        let (folder, kept) = (self.folder.clone(), member.clone());
        on_disk(move || folder.keep_member(&kept)).await?;
        self.member.send_replace(member);
        self.news.notify_one();
        Ok(())
    }
}

/// Four random bytes. Without randomness the middle is taken: then nothing secret can be done anyway.
fn dice() -> [u8; 4] {
    certs::random::bytes().unwrap_or([0x80, 0, 0, 0])
}

#[cfg(test)]
pub(crate) mod tests;
