//! One roll-out: device after device as [`Rollout`] says, each alone with whoever changes it. It decides nothing and
//! remembers nothing: what happens goes to the rounds as [`Event`]s, and no device is changed before they have written
//! down that it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use certs::{Clock as _, random};
use proto::wire::policy::OrderId;
use proto::{DeviceName, Measure, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::reach::{Reach, Reached, sparing};
use crate::apply::{self, DeviceResult, Job, Workshop, ends_too_late};
use crate::change::Credential;
use crate::clock::AgentClock;
use crate::device::Fault;
use crate::inventory::Mark;
use crate::plan::{DevicePlan, Ended, Next, Plan, RollOut, Rollout};
use crate::rotate::devices::Devices;
use crate::store::subject::Subject;

/// Why a device was not begun.
const TOO_MANY: &str = "it was not begun: for long, as many devices of the site were in change as the policy allows, or \
                        one of its place, or the agent ends";

/// What the rounds hear.
pub(super) enum Event {
    /// A device is about to be changed. It is once `go` was said.
    Planned { id: OrderId, plan: Box<Plan>, go: oneshot::Sender<()> },
    /// A device of an operator's plan is about to be changed.
    Begun { id: OrderId, device: DeviceName, go: oneshot::Sender<()> },
    /// A device refused our log-in.
    Refused { device: DeviceName, mark: Mark, vaulted: Option<Subject>, why: String },
    /// A device was not changed: there was nothing to do, or it could not be looked at.
    /// Credentials may be left for rotation.
    PassedOver { device: DeviceName, why: Option<String>, handed: Vec<Due> },
    /// A device was worked on.
    Ended { id: OrderId, result: Box<DeviceResult>, trouble: Option<String>, handed: Vec<Due> },
    /// The roll-out is over.
    Over { halted: Option<String>, left: Vec<DeviceName> },
    /// An operator's plan was drawn.
    Drawn { order: OrderId, plan: Box<Plan>, done: oneshot::Sender<()> },
}

/// A credential that a plan hands to rotation: its measure, which one, and in which window.
pub(super) type Due = (Measure, Credential, u32);

/// What is done to the devices.
#[derive(Clone)]
pub(super) enum Wanted {
    /// What a fresh look says, before the window ends.
    Fresh { until: Timestamp },
    /// What an operator's plan says.
    Planned { id: OrderId, plans: Arc<BTreeMap<DeviceName, DevicePlan>> },
}

/// A roll-out to be run.
pub(super) struct Work {
    pub reaches: BTreeMap<DeviceName, Reach>,
    pub order: Vec<DeviceName>,
    pub rules: RollOut,
    pub wanted: Wanted,
    pub shop: Arc<Workshop>,
    pub devices: Devices,
    pub clock: Arc<AgentClock>,
    pub close: CancellationToken,
    pub events: mpsc::Sender<Event>,
}

/// How one device ended.
enum How {
    Well,
    Badly(String),
    /// It could not be looked at, so that nothing was learned about the change.
    Unseen,
}

impl Work {
    /// Runs it to its end. Nothing that was begun is broken off.
    pub async fn run(mut self) {
        let mut rollout = Rollout::new(self.order.clone(), self.rules.clone());
        let mut running: JoinSet<(DeviceName, How)> = JoinSet::new();
        let mut names: BTreeMap<tokio::task::Id, DeviceName> = BTreeMap::new();
        let left = loop {
            if self.close.is_cancelled() || self.is_late() {
                rollout.close();
            }
            match rollout.decide() {
                Next::Start(name) => match self.reaches.remove(&name) {
                    Some(reach) => {
                        let task = running.spawn(self.one(reach).run());
                        names.insert(task.id(), name);
                    }
                    None => rollout.ended(&name, Ended::Well),
                },
                Next::Wait => {
                    let Some(ended) = running.join_next_with_id().await else { break Vec::new() };
                    let (name, how) = match ended {
                        Ok((_, ended)) => ended,
                        Err(error) => {
                            let Some(name) = names.remove(&error.id()) else { continue };
                            (name, How::Badly("the work failed, which is a bug".to_owned()))
                        }
                    };
                    let ended = match how {
                        How::Well => Ended::Well,
                        How::Badly(why) => Ended::Badly(why),
                        How::Unseen => {
                            if self.rules.canary.contains(&name) {
                                rollout.close();
                            }
                            Ended::Well
                        }
                    };
                    rollout.ended(&name, ended);
                }
                Next::Over { left } => break left,
            }
        };
        let halted = rollout.halted().map(str::to_owned);
        let _ = self.events.send(Event::Over { halted, left }).await;
    }

    fn is_late(&self) -> bool {
        match self.wanted {
            Wanted::Fresh { until } => self.clock.now() >= until,
            Wanted::Planned { .. } => false,
        }
    }

    fn one(&self, reach: Reach) -> One {
        One {
            reach,
            rules: self.rules.clone(),
            wanted: self.wanted.clone(),
            shop: self.shop.clone(),
            devices: self.devices.clone(),
            clock: self.clock.clone(),
            close: self.close.clone(),
            events: self.events.clone(),
        }
    }
}

/// The work on one device.
struct One {
    reach: Reach,
    rules: RollOut,
    wanted: Wanted,
    shop: Arc<Workshop>,
    devices: Devices,
    clock: Arc<AgentClock>,
    close: CancellationToken,
    events: mpsc::Sender<Event>,
}

impl One {
    async fn run(self) -> (DeviceName, How) {
        let name = self.reach.device.name.clone();
        let taken = tokio::select! {
            taken = self.devices.wait(&name) => taken,
            () = self.close.cancelled() => return (name, How::Unseen),
        };
        let how = self.work(&name).await;
        drop(taken);
        let (event, how) = how;
        if let Some(event) = event {
            let _ = self.events.send(event).await;
        }
        (name, how)
    }

    /// What is told once the device is free again, and how it ended.
    async fn work(&self, name: &DeviceName) -> (Option<Event>, How) {
        let passed = |why: Option<String>, how| {
            let device = name.clone();
            (Some(Event::PassedOver { device, why, handed: Vec::new() }), how)
        };
        if let Wanted::Planned { id, plans } = &self.wanted {
            let Some(plan) = plans.get(name) else { return passed(None, How::Well) };
            if plan.steps.is_empty() {
                // Nothing of its settings is touched: what is to be done is rotation's.
                return (Some(self.only_handed(id, plan)), How::Well);
            }
        }
        let reached = match self.reach.reached().await {
            Ok(reached) => reached,
            Err(why) => return passed(Some(why), How::Unseen),
        };
        let (id, plan) = match &self.wanted {
            Wanted::Planned { id, plans } => match plans.get(name) {
                Some(plan) => (id.clone(), plan.clone()),
                None => return passed(None, How::Well),
            },
            Wanted::Fresh { until } => match self.fresh(name, &reached, *until).await {
                Ok(planned) => planned,
                Err(ended) => return ended,
            },
        };
        if !self.may_go(&id, &plan).await {
            let told = match &self.wanted {
                Wanted::Planned { .. } => Some(self.not_begun(&id, &plan)),
                Wanted::Fresh { .. } => None,
            };
            return (told, How::Unseen);
        }
        let handed = handed(&plan);
        let job = Job {
            plan,
            target: reached.target.clone(),
            attestations: reached.attestations.clone(),
            vms_addresses: reached.vms_addresses.clone(),
        };
        let result = apply::guarded(job, (*self.shop).clone()).await;
        // Where a fresh look came first, that one was let in.
        if matches!(self.wanted, Wanted::Planned { .. }) && result.was_begun() {
            reached.admitted().await;
        }
        let trouble = result.trouble(self.shop.policy.change.most_video_lost_s);
        let how = match (&self.wanted, trouble.clone()) {
            // Somebody else was at its settings in that moment: nothing was learned about the change.
            (Wanted::Fresh { .. }, Some(_)) if !result.was_begun() => How::Unseen,
            (_, trouble) => trouble.map_or(How::Well, How::Badly),
        };
        (Some(Event::Ended { id, result: Box::new(result), trouble, handed }), how)
    }

    /// What a fresh look says is to be done before a window ends, or how the device ends without.
    async fn fresh(
        &self,
        name: &DeviceName,
        reached: &Reached,
        until: Timestamp,
    ) -> Result<(OrderId, DevicePlan), (Option<Event>, How)> {
        let passed = |why: Option<String>, handed, how| {
            (Some(Event::PassedOver { device: name.clone(), why, handed }), how)
        };
        match self.survey(reached).await {
            Ok(plan) if plan.steps.is_empty() => Err(passed(None, handed(&plan), How::Well)),
            Ok(plan) if ends_too_late(plan.video_s(), until, self.clock.now()) => {
                Err((None, How::Unseen))
            }
            Ok(plan) => match random::id().ok().and_then(|id| id.parse().ok()) {
                Some(id) => Ok((id, plan)),
                None => {
                    let why = "the system gives no random bytes".to_owned();
                    Err(passed(Some(why), Vec::new(), How::Unseen))
                }
            },
            Err(Fault::Refused(why)) => Err((Some(reached.refused(why)), How::Unseen)),
            Err(fault) => Err(passed(Some(fault.to_string()), Vec::new(), How::Unseen)),
        }
    }

    /// A device with nothing to change but credentials.
    fn only_handed(&self, id: &OrderId, plan: &DevicePlan) -> Event {
        let result = DeviceResult::untouched(plan, self.clock.now(), None);
        let (id, handed) = (id.clone(), handed(plan));
        Event::Ended { id, result: Box::new(result), trouble: None, handed }
    }

    /// A device that was not begun because too many others are in change.
    fn not_begun(&self, id: &OrderId, plan: &DevicePlan) -> Event {
        let result = DeviceResult::untouched(plan, self.clock.now(), Some(TOO_MANY));
        let trouble = Some(TOO_MANY.to_owned());
        Event::Ended { id: id.clone(), result: Box::new(result), trouble, handed: Vec::new() }
    }

    async fn survey(&self, reached: &Reached) -> Result<DevicePlan, Fault> {
        let target = sparing(&reached.target);
        let (attestations, vms) = (&reached.attestations, &reached.vms_addresses);
        let plan = apply::survey(&target, attestations, vms, &self.shop).await?;
        reached.admitted().await;
        Ok(plan)
    }

    /// Waits until the rounds have written down that this device is in change.
    async fn may_go(&self, id: &OrderId, plan: &DevicePlan) -> bool {
        let (go, gone) = oneshot::channel();
        let event = match &self.wanted {
            Wanted::Planned { .. } => {
                Event::Begun { id: id.clone(), device: plan.device.clone(), go }
            }
            Wanted::Fresh { .. } => {
                let rules = &self.shop.policy.change;
                let mut plan =
                    Plan::new(self.clock.now(), rules, None, vec![plan.clone()], Vec::new());
                plan.roll_out = self.rules.clone();
                Event::Planned { id: id.clone(), plan: Box::new(plan), go }
            }
        };
        let waited = async { self.events.send(event).await.is_ok() && gone.await.is_ok() };
        tokio::time::timeout(super::LONGEST_WAIT, waited).await.unwrap_or(false)
    }
}

/// What a plan hands to rotation.
fn handed(plan: &DevicePlan) -> Vec<Due> {
    plan.rotations().map(|(measure, it, window)| (measure, it.clone(), window)).collect()
}

/// A plan that an operator ordered: looks at each device and changes none.
pub(super) struct Drawing {
    pub order: OrderId,
    /// In the order of the site file.
    pub reaches: Vec<Reach>,
    /// Devices that cannot be planned for, and why.
    pub failed: Vec<crate::plan::Failed>,
    pub at_once: usize,
    pub shop: Arc<Workshop>,
    pub devices: Devices,
    pub clock: Arc<AgentClock>,
    pub events: mpsc::Sender<Event>,
    pub done: oneshot::Sender<()>,
}

impl Drawing {
    /// Draws it.
    pub async fn run(self) {
        use futures::StreamExt as _;
        let Self { order, reaches, mut failed, at_once, shop, devices, clock, events, done } = self;
        let looks = futures::stream::iter(reaches).map(|reach| {
            let (shop, devices, events) = (&shop, &devices, &events);
            async move {
                let name = reach.device.name.clone();
                let drawn = draw(&reach, shop, devices, events).await;
                drawn.map_err(|why| crate::plan::Failed { device: name, why })
            }
        });
        let mut plans = Vec::new();
        let drawn: Vec<_> = looks.buffered(at_once.max(1)).collect().await;
        for one in drawn {
            match one {
                Ok(plan) => plans.push(plan),
                Err(why) => failed.push(why),
            }
        }
        let plan = Plan::new(clock.now(), &shop.policy.change, None, plans, failed);
        let _ = events.send(Event::Drawn { order, plan: Box::new(plan), done }).await;
    }
}

async fn draw(
    reach: &Reach,
    shop: &Workshop,
    devices: &Devices,
    events: &mpsc::Sender<Event>,
) -> Result<DevicePlan, String> {
    let name = &reach.device.name;
    let waited = tokio::time::timeout(super::LONGEST_WAIT, devices.wait(name)).await;
    let taken = waited.map_err(|_| "somebody else has been at it for too long".to_owned())?;
    let reached = reach.reached().await?;
    let target = sparing(&reached.target);
    let drawn = apply::survey(&target, &reached.attestations, &reached.vms_addresses, shop).await;
    if drawn.is_ok() {
        reached.admitted().await;
    }
    drop(taken);
    match drawn {
        Ok(plan) => Ok(plan),
        Err(Fault::Refused(why)) => {
            let _ = events.send(reached.refused(why.clone())).await;
            Err(why)
        }
        Err(fault) => Err(fault.to_string()),
    }
}
