//! Changing devices: by the policy alone, within its windows, and by an operator's plan. One roll-out at a time; each
//! device is taken for itself, so that no visit and no rotation is at it meanwhile.
//!
//! What goes wrong halts everything unattended, for good: until an operator orders to go on, or the policy is another
//! one. A device that was left in the middle of a change, because the agent ended, counts as that. It refuses to change
//! anything while the time is unknown, outside windows without an operator's order, and on a device whose configuration
//! is not the one that was planned for.

mod drift;
mod events;
mod handover;
mod orders;
mod proven;
mod reach;
mod record;
mod wire;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use proto::wire::policy::OrderId;
use proto::{DeviceName, Finding, Measure, Verdict};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::orders::Waiting;
use self::proven::enforced;
use self::reach::{Reach, is_changeable};
use self::record::{Halt, Record};
use self::work::{Event, Wanted, Work};
use super::Rounds;
use super::outlet::{Deed, Told};
use crate::apply::{Patience, Workshop};
use crate::change::Digest;
use crate::inventory::Occasion;
use crate::plan::{RollOut, Surroundings};

/// Events that may wait.
const MOST_EVENTS: usize = 64;
/// Orders that may wait for a roll-out to end.
const MOST_WAITING: usize = 16;
/// How long is waited for a device that somebody else is at, before it is planned for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What the rounds know of changes.
pub(super) struct Enforcement {
    record: Record,
    /// What is enforced and not met, of each camera that was looked at since the start.
    unmet: BTreeMap<DeviceName, BTreeSet<Measure>>,
    /// What was changed back, of each device.
    signs: BTreeMap<DeviceName, proto::wire::finding::Found>,
    running: Option<Running>,
    /// Operators' plans that wait for the roll-out under way to end.
    waiting: VecDeque<Waiting>,
    /// Devices that are to be begun as soon as there is room: no more than a roll-out takes up at once.
    held: VecDeque<Event>,
    /// Roll-outs and drawings.
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
}

/// A roll-out under way.
struct Running {
    close: CancellationToken,
    /// Of an operator's plan: its name, and who waits for it.
    ordered: Option<(OrderId, tokio::sync::oneshot::Sender<()>)>,
    /// When the window ends, of one without.
    until: Option<proto::Timestamp>,
}

impl Default for Enforcement {
    fn default() -> Self {
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        Self {
            record: Record::default(),
            unmet: BTreeMap::new(),
            signs: BTreeMap::new(),
            running: None,
            waiting: VecDeque::new(),
            held: VecDeque::new(),
            tasks: JoinSet::new(),
            sender,
            events,
        }
    }
}

impl Enforcement {
    /// What happened next. Never ends.
    pub(super) async fn happened(&mut self) -> Happened {
        match self.events.recv().await {
            Some(event) => Happened(event),
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Devices whose settings are being changed.
    pub(super) fn in_change(&self) -> BTreeSet<DeviceName> {
        self.record.under_way.keys().cloned().collect()
    }

    /// Why nothing is changed unattended, if it is halted.
    pub(super) fn halted(&self) -> Option<proto::wire::halt::Halt> {
        let halt = self.record.halted.as_ref()?;
        Some(proto::wire::halt::Halt::new(&halt.why, halt.at))
    }

    /// The sign about what was changed back on a device.
    pub(super) fn sign(&self, name: &DeviceName) -> Option<proto::wire::finding::Found> {
        self.signs.get(name).cloned()
    }
}

/// Something happened to a change.
pub(super) struct Happened(Event);

impl Rounds {
    /// Takes up what was known when the agent last ended.
    pub(super) async fn begin_enforcement(&mut self) {
        let Some(bytes) = self.supplies.shelf.fetch("enforce").await else { return };
        let Some(record) = Record::from_bytes(&bytes) else {
            tracing::error!("what was known of unattended changes cannot be read; they begin anew");
            return;
        };
        self.enforcement.record = record;
        let left = std::mem::take(&mut self.enforcement.record.under_way);
        for (device, plan) in left {
            let why = "the agent ended while it changed it; look at it before anything else";
            self.audit(Deed::ChangeInterrupted, device.as_str(), why).await;
            self.halt(&format!("{device}: {why}")).await;
            let over = wire::over(&plan, Some(&format!("{device}: {why}")), &[], None);
            self.tell_plan(Told::Applied(Box::new(over))).await;
        }
    }

    /// Notes what of a device is enforced and not met; nothing is changed on one that the last look did not reach.
    pub(super) fn judged(&mut self, name: &DeviceName, findings: &[Finding], is_seen: bool) {
        let unmet = if is_seen { enforced(findings, Verdict::Unmet) } else { BTreeSet::new() };
        self.enforcement.unmet.insert(name.clone(), unmet);
    }

    /// Begins a roll-out, if a window is open and something is to be done.
    pub(super) async fn enforce(&mut self) {
        self.lift_halt().await;
        let now = self.supplies.clock.now();
        let is_idle = self.enforcement.running.is_none() && self.enforcement.waiting.is_empty();
        if !is_idle || self.enforcement.record.halted.is_some() || !self.supplies.clock.is_known() {
            return;
        }
        let Some(yardstick) = self.yardstick.clone() else { return };
        let Some(until) = yardstick.policy.change.open_until(now) else { return };
        if !self.supplies.only.is_empty() || self.credentials.is_changing() {
            return;
        }
        let rules = &yardstick.policy.change;
        let due = self.enforcement.record.due(&self.enforcement.unmet, until);
        // One class of change per device and window.
        let rotated = |name: &DeviceName| {
            let changed = self.credentials.last_changed(name);
            changed.is_some_and(|at| rules.open_until(at) == Some(until))
        };
        let reaches: BTreeMap<_, _> = due
            .iter()
            .filter(|name| !rotated(name))
            .filter_map(|name| Some((name.clone(), self.reach(name, Occasion::Turn)?)))
            .filter(|(_, reach)| is_changeable(&reach.device))
            .collect();
        if reaches.is_empty() {
            return;
        }
        let rules = roll_out(rules, reaches.keys());
        let running =
            Running { close: CancellationToken::new(), ordered: None, until: Some(until) };
        self.start(reaches, rules, Wanted::Fresh { until }, running);
    }

    fn start(
        &mut self,
        reaches: BTreeMap<DeviceName, Reach>,
        rules: RollOut,
        wanted: Wanted,
        running: Running,
    ) {
        let Some(shop) = self.workshop() else { return };
        let site = self.site.iter().flat_map(|site| &site.file.devices);
        let order = site.map(|device| device.name.clone()).filter(|it| reaches.contains_key(it));
        let work = Work {
            order: order.collect(),
            reaches,
            rules,
            wanted,
            shop,
            devices: self.devices.clone(),
            clock: self.supplies.clock.clone(),
            close: running.close.clone(),
            events: self.enforcement.sender.clone(),
        };
        self.enforcement.tasks.spawn(work.run());
        self.enforcement.running = Some(running);
    }

    /// How a device of the site is reached.
    fn reach(&self, name: &DeviceName, occasion: Occasion) -> Option<Reach> {
        let (site, yardstick) = (self.site.clone()?, self.yardstick.clone()?);
        let device = site.file.devices.iter().find(|device| device.name == *name)?.clone();
        let known = self.inventory.known(name);
        Some(Reach {
            device,
            keyring: self.supplies.keyring.clone(),
            site,
            yardstick,
            limits: self.supplies.limits,
            environment: self.supplies.environment.clone(),
            logins: known.map(|known| known.logins.clone()).unwrap_or_default(),
            accepted: known.and_then(|known| known.accepted()),
            occasion,
            clock: self.supplies.clock.clone(),
        })
    }

    /// Whether a credential of a device may be replaced now, as far as its settings say: not in the window in which they
    /// were changed, and not while others' are.
    pub(super) fn may_rotate(&self, name: &DeviceName) -> bool {
        let now = self.supplies.clock.now();
        let rules = self.yardstick.as_ref().map(|it| &it.policy.change);
        let until = rules.and_then(|rules| rules.open_until(now));
        let was_changed = |until| self.enforcement.record.was_changed(name, until);
        self.enforcement.running.is_none() && !until.is_some_and(was_changed)
    }

    fn workshop(&self) -> Option<Arc<Workshop>> {
        let (site, yardstick) = (self.site.clone()?, self.yardstick.clone()?);
        let networks = &yardstick.policy.networks;
        let storage = site.file.storage_addresses();
        Some(Arc::new(Workshop {
            open: self.supplies.open,
            dialects: site.dialects.clone(),
            policy: Arc::new(yardstick.policy.clone()),
            advisories: yardstick.advisories.clone(),
            surroundings: Surroundings {
                vms: site.file.vms_addresses().into_iter().chain(networks.vms.clone()).collect(),
                nas: storage.chain(networks.nas.iter().copied()).collect(),
            },
            keeper: self.supplies.keeper.clone(),
            rotates: self.rotations()?,
            patience: Patience::of(&yardstick.policy),
            clock: self.supplies.clock.clone(),
        }))
    }

    /// Halts everything unattended.
    async fn halt(&mut self, why: &str) {
        let Some(policy) = self.policy_digest() else {
            return self.halt_by(why, Digest::of(b"")).await;
        };
        self.halt_by(why, policy).await;
    }

    async fn halt_by(&mut self, why: &str, policy: Digest) {
        let halt = Halt { why: why.to_owned(), at: self.supplies.clock.now(), policy };
        tracing::error!("nothing is changed unattended any more: {why}");
        self.enforcement.record.halted.get_or_insert(halt);
        self.save_enforcement().await;
        self.audit(Deed::RolloutHalted, "", why).await;
    }

    /// A halt holds under the policy that it came to pass under.
    async fn lift_halt(&mut self) {
        let (Some(halt), Some(policy)) =
            (self.enforcement.record.halted.clone(), self.policy_digest())
        else {
            return;
        };
        // One that was entered before any policy was known takes the first that is.
        if halt.policy == Digest::of(b"") {
            self.enforcement.record.halted = Some(Halt { policy, ..halt });
            self.save_enforcement().await;
        } else if halt.policy != policy {
            self.resume("the policy changed").await;
        }
    }

    async fn resume(&mut self, why: &str) {
        if self.enforcement.record.halted.take().is_some() {
            // Whoever says go on wants what went wrong tried again.
            self.enforcement.record.tried.values_mut().for_each(|it| it.left.clear());
            self.save_enforcement().await;
            self.audit(Deed::RolloutResumed, "", why).await;
        }
    }

    fn policy_digest(&self) -> Option<Digest> {
        Some(self.yardstick.as_ref()?.stated)
    }

    async fn save_enforcement(&self) {
        let bytes = self.enforcement.record.to_bytes();
        self.put("enforce", Some(bytes)).await;
    }

    async fn tell_plan(&self, told: Told) {
        if let Err(error) = self.supplies.outlet.plan(told).await {
            tracing::error!("the controller will not see all of a plan: {error}");
        }
    }

    /// Takes no device up any more, and waits for those in change.
    pub(super) async fn end_enforcement(&mut self) {
        if let Some(running) = &self.enforcement.running {
            running.close.cancel();
        }
        while self.enforcement.running.is_some() {
            let Happened(event) = self.enforcement.happened().await;
            self.take_event(event, false).await;
        }
        self.enforcement.tasks.abort_all();
    }
}

/// How the policy wants these devices taken up.
fn roll_out<'d>(
    rules: &proto::policy::ChangeRules,
    devices: impl Iterator<Item = &'d DeviceName>,
) -> RollOut {
    let places = devices.map(|name| {
        let places: BTreeSet<String> = rules.places(name).into_iter().map(str::to_owned).collect();
        (name.clone(), places)
    });
    RollOut {
        at_once: rules.at_once,
        canary: rules.canary.clone(),
        places: places.filter(|(_, places)| !places.is_empty()).collect(),
    }
}
