//! What operators order about changes: to make a plan, to carry one out, to go on after a halt. The plan that is carried
//! out is the one that lies here, by its name and digest; what the controller was shown of it is never read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use certs::Clock as _;
use proto::wire::policy::{Application, Order, OrderId, Work as Wish};
use proto::{DeviceName, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::reach::is_changeable;
use super::wire::{self, Head};
use super::work::{Drawing, Wanted};
use super::{MOST_WAITING, Running};
use crate::inventory::Occasion;
use crate::plan::{DevicePlan, Failed, Plan};
use crate::rounds::Rounds;
use crate::rounds::outlet::{Deed, Told};

/// A plan is good for so long, in seconds.
const PLAN_LIFE: i64 = 86_400;
/// Plans that are kept; the oldest goes for a new one.
const MOST_PLANS: usize = 16;

/// An order that waits for a roll-out to end.
pub(super) struct Waiting {
    id: OrderId,
    expires_at: Timestamp,
    wanted: Application,
    done: oneshot::Sender<()>,
}

/// A plan that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptPlan {
    id: String,
    expires_at: Timestamp,
}

impl Rounds {
    /// Begins what an operator ordered. `done` is told when it has come to its end, well or not; an order that is over
    /// is dropped.
    pub(in crate::rounds) async fn take_change_order(
        &mut self,
        order: Order,
        done: oneshot::Sender<()>,
    ) {
        let Order { id, expires_at, what } = order;
        if self.supplies.clock.now() >= expires_at {
            return;
        }
        match what {
            Wish::Plan(devices) => self.draw(id, &devices, done),
            Wish::Apply(wanted) => {
                let waiting = Waiting { id, expires_at, wanted, done };
                self.enforcement.waiting.push_back(waiting);
                // An unattended roll-out makes way once its devices in change are done.
                if let Some(running) =
                    self.enforcement.running.as_ref().filter(|it| it.ordered.is_none())
                {
                    running.close.cancel();
                }
                if self.enforcement.waiting.len() > MOST_WAITING
                    && let Some(last) = self.enforcement.waiting.pop_back()
                {
                    self.refuse(last, "too many orders wait here; try again later").await;
                }
                if self.enforcement.running.is_none() {
                    self.next_waiting().await;
                }
            }
            Wish::Resume => {
                self.resume(&format!("order {id}")).await;
                let _ = done.send(());
                self.enforce().await;
            }
            // Others take these.
            Wish::Visit(_) | Wish::Renew | Wish::Rotate(_) | Wish::Forget(_) => {}
        }
    }

    /// Looks at devices and draws their plan.
    fn draw(&mut self, order: OrderId, devices: &[DeviceName], done: oneshot::Sender<()>) {
        let (Some(site), Some(shop)) = (self.site.clone(), self.workshop()) else { return };
        let all = site.file.devices.iter();
        let wanted = all.filter(|it| match devices {
            [] => is_changeable(it),
            named => named.contains(&it.name),
        });
        let (mut reaches, mut failed) = (Vec::new(), Vec::new());
        for device in wanted {
            match self.reach(&device.name, Occasion::Order) {
                Some(reach) => reaches.push(reach),
                None => failed.push(fail(&device.name, "nothing is known of it yet")),
            }
        }
        let unknown = devices.iter().filter(|name| !site.lists(name));
        failed.extend(unknown.map(|name| fail(name, "the site file names no such device")));
        let drawing = Drawing {
            order,
            reaches,
            failed,
            at_once: site.file.concurrency,
            shop,
            devices: self.devices.clone(),
            clock: self.supplies.clock.clone(),
            events: self.enforcement.sender.clone(),
            done,
        };
        self.enforcement.tasks.spawn(drawing.run());
    }

    /// Keeps a plan and shows it.
    pub(super) async fn drawn(&mut self, order: &OrderId, plan: &Plan, done: oneshot::Sender<()>) {
        let expires_at = Timestamp::from_unix(plan.made_at.unix().saturating_add(PLAN_LIFE));
        let bytes = serde_json::to_vec(plan).expect("a plan is JSON");
        if let Err(error) = self.supplies.shelf.put(&key(order), Some(bytes)).await {
            tracing::error!("a plan cannot be kept, and so not be carried out: {error}");
            return;
        }
        let mut kept = self.kept_plans().await;
        kept.retain(|it| it.id != order.as_str());
        kept.push(KeptPlan { id: order.to_string(), expires_at });
        let over = kept.len().saturating_sub(MOST_PLANS);
        for old in kept.drain(..over).collect::<Vec<_>>() {
            self.put(&format!("plan/{}", old.id), None).await;
        }
        self.keep_plans(&kept).await;
        let detail = format!("{order}: {} changes on {} devices", plan.steps(), plan.devices.len());
        self.audit(Deed::PlanMade, "", &detail).await;
        let head = Head { id: order.as_str(), expires_at, unattended: false };
        for part in wire::parts(plan, head) {
            self.tell_plan(Told::Part(Box::new(part))).await;
        }
        let _ = done.send(());
    }

    /// Begins the next order to carry a plan out.
    pub(super) async fn next_waiting(&mut self) {
        while self.enforcement.running.is_none()
            && let Some(waiting) = self.enforcement.waiting.pop_front()
        {
            match self.fit_plan(&waiting).await {
                Ok(plan) => self.carry_plan_out(waiting, plan).await,
                Err(why) => self.refuse(waiting, &why).await,
            }
        }
    }

    async fn refuse(&mut self, waiting: Waiting, why: &str) {
        let plan = waiting.wanted.plan.as_str();
        self.audit(Deed::ApplyRefused, "", &format!("plan {plan}: {why}")).await;
        let over = wire::over(plan, None, &[], Some(why));
        self.tell_plan(Told::Applied(Box::new(over))).await;
        let _ = waiting.done.send(());
    }

    /// The plan that is meant, if it may be carried out. It is taken off the shelf for that: no plan is carried out twice.
    async fn fit_plan(&mut self, waiting: &Waiting) -> Result<Plan, String> {
        let Waiting { expires_at, wanted, .. } = waiting;
        let now = self.supplies.clock.now();
        if now >= *expires_at {
            return Err("the order came too late".to_owned());
        }
        let mut kept = self.kept_plans().await;
        let place = kept.iter().position(|it| it.id == wanted.plan.as_str());
        let place = place.ok_or(
            "this agent keeps no such plan: it was carried out before, or another box made it; plan again",
        )?;
        let expires_at = kept.remove(place).expires_at;
        let bytes = self.supplies.shelf.fetch(&key(&wanted.plan)).await;
        let bytes = bytes.ok_or("the plan was lost from this agent's disk; plan again")?;
        let plan = Plan::parse(&bytes).map_err(|why| why.to_string())?;
        let changed = plan.devices.iter().filter(|device| device.is_work());
        let changed: Vec<&DeviceName> = changed.map(|device| &device.device).collect();
        if *plan.digest.as_bytes() != wanted.digest
            || changed != wanted.devices.iter().collect::<Vec<_>>()
        {
            return Err("it is not the plan that this agent made".to_owned());
        }
        if now >= expires_at {
            return Err(format!("the plan was good until {expires_at}; plan again"));
        }
        self.keep_plans(&kept).await;
        self.put(&key(&wanted.plan), None).await;
        Ok(plan)
    }

    async fn carry_plan_out(&mut self, waiting: Waiting, plan: Plan) {
        let Waiting { id, wanted, done, .. } = waiting;
        let detail =
            format!("order {id}: plan {} on {} devices", wanted.plan, wanted.devices.len());
        self.audit(Deed::ApplyOrdered, "", &detail).await;
        let mut reaches = BTreeMap::new();
        for name in &wanted.devices {
            if let Some(reach) = self.reach(name, Occasion::Order) {
                reaches.insert(name.clone(), reach);
            }
        }
        let ordered = Some((wanted.plan.clone(), done));
        let running = Running { close: CancellationToken::new(), ordered, until: None };
        let plans: BTreeMap<DeviceName, DevicePlan> =
            plan.devices.into_iter().map(|it| (it.device.clone(), it)).collect();
        let planned = Wanted::Planned { id: wanted.plan, plans: Arc::new(plans) };
        self.start(reaches, plan.roll_out, planned, running);
    }

    async fn kept_plans(&self) -> Vec<KeptPlan> {
        let bytes = self.supplies.shelf.fetch("plans").await;
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    async fn keep_plans(&self, kept: &[KeptPlan]) {
        let bytes = serde_json::to_vec(kept).expect("names are JSON");
        self.put("plans", Some(bytes)).await;
    }
}

fn key(plan: &OrderId) -> String {
    format!("plan/{plan}")
}

fn fail(device: &DeviceName, why: &str) -> Failed {
    Failed { device: device.clone(), why: why.to_owned() }
}
