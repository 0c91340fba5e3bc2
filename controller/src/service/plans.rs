//! Plans: ordered at a site, shown as its agent told them, and carried out by that agent from its own copy. Nothing that
//! is kept here is ever executed: an order to carry a plan out names it by the digest that somebody was shown.

use std::time::Duration;

use certs::random;
use proto::wire::plan::is_work;
use proto::wire::policy::{Application, OrderId, Work};
use proto::wire::v1;
use proto::{DeviceName, SiteName, Timestamp};

use super::caller::OperatorPeer;
use super::enrollment::failed;
use super::orders::Given;
use super::{Refusal, Service};
use crate::store::plans::Plan;

/// Whoever ordered a plan to be carried out, and heard nothing for so long, in seconds, need not wait any more: the order
/// is good for an hour, and the first device takes less than that.
const GIVEN_UP: i64 = 2 * 3600;
/// Most plans in one listing.
const MOST_LISTED: u32 = 500;
/// The longest that somebody may wait for a plan.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Fewest digits of a plan's name that find it.
const FEWEST_DIGITS: usize = 4;

/// How far a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// Ordered, and not all of it has come.
    Waiting,
    /// It may be carried out.
    Ready,
    /// It may not any more.
    Expired,
    /// It is being carried out.
    Applying,
    /// Everything ended as planned.
    Done,
    /// It halted, or its agent refused it.
    Failed,
}

impl Plan {
    /// How far it is.
    pub fn state(&self, now: Timestamp) -> PlanState {
        match (&self.made, self.failed, &self.applied) {
            (_, Some(true), _) => PlanState::Failed,
            (_, Some(false), _) => PlanState::Done,
            (None, None, _) => PlanState::Waiting,
            // The order was not begun while it was good: its agent was away, or was stopped.
            (Some(_), None, Some((_, at))) if !self.begun && now.seconds_since(*at) > GIVEN_UP => {
                PlanState::Expired
            }
            (Some(_), None, Some(_)) => PlanState::Applying,
            (Some(_), None, None) if self.ordered_by.is_empty() => PlanState::Applying,
            (Some(made), None, None) if now >= made.expires_at => PlanState::Expired,
            (Some(_), None, None) => PlanState::Ready,
        }
    }
}

/// A plan whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The plan.
    pub plan: Plan,
    /// What is in it.
    pub parts: Vec<v1::PlanReport>,
    /// What became of it.
    pub results: Vec<v1::AppliedReport>,
}

impl Service {
    /// Plans, the newest first, at most 500.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn plans(&self, site: Option<&SiteName>) -> Result<Vec<Plan>, Refusal> {
        Ok(self.store.plans(site, MOST_LISTED).await?)
    }

    /// A plan by its name or the beginning of it, whole. While it is being made or carried out, waits for at most `wait`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for less than four digits or more than 120 s, [`Refusal::NotFound`] without such a plan,
    /// [`Refusal::Conflict`] where several begin so.
    pub async fn show_plan(&self, beginning: &str, wait: Duration) -> Result<Shown, Refusal> {
        if wait > LONGEST_WAIT {
            return Err(Refusal::Invalid("wait: at most 120 s".to_owned()));
        }
        // First the ear, then the look: what comes in between is heard.
        let mut changes = self.plans_changed.subscribe();
        let settled = async {
            loop {
                changes.borrow_and_update();
                let plan = self.plan_named(beginning).await?;
                let moves =
                    matches!(plan.state(self.now()), PlanState::Waiting | PlanState::Applying);
                if !moves || changes.changed().await.is_err() {
                    return Ok::<_, Refusal>(plan);
                }
            }
        };
        let plan = match tokio::time::timeout(wait, settled).await {
            Ok(plan) => plan?,
            Err(_) => self.plan_named(beginning).await?,
        };
        let parts = self.store.plan_parts(&plan.id).await?;
        let results = self.store.plan_results(&plan.id).await?;
        Ok(Shown { plan, parts, results })
    }

    async fn plan_named(&self, beginning: &str) -> Result<Plan, Refusal> {
        let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if !(FEWEST_DIGITS..=32).contains(&beginning.len()) || !beginning.chars().all(is_hex) {
            return Err(Refusal::Invalid("plan: 4 to 32 hex digits are wanted".to_owned()));
        }
        let mut found = self.store.plans_named(beginning).await?;
        match (found.pop(), found.is_empty()) {
            (Some(plan), true) => Ok(plan),
            (Some(_), false) => {
                Err(Refusal::Conflict(format!("more than one plan begins with {beginning}")))
            }
            (None, _) => Err(Refusal::NotFound(format!("there is no plan {beginning}"))),
        }
    }

    /// Orders that a plan be carried out, as it was shown, by the agent that made it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] without such a plan, [`Refusal::Precondition`] if it is not ready or was shown otherwise, and
    /// as [`Self::send_order`].
    pub async fn apply_plan(
        &self,
        by: &OperatorPeer,
        id: &OrderId,
        digest: [u8; 32],
    ) -> Result<Given, Refusal> {
        let plan = self.plan_named(id.as_str()).await?;
        let refused = |text: String| Err(Refusal::Precondition(text));
        let made = match (plan.state(self.now()), plan.made) {
            (PlanState::Ready, Some(made)) => made,
            (PlanState::Waiting, _) | (_, None) => {
                return refused(format!("the plan {id} has not come whole; wait, or plan again"));
            }
            (PlanState::Expired, Some(made)) => {
                return refused(format!(
                    "the plan {id} was good until {}; plan again",
                    made.expires_at
                ));
            }
            (PlanState::Applying | PlanState::Done | PlanState::Failed, Some(_)) => {
                return refused(format!("the plan {id} was carried out, or is; plan again"));
            }
        };
        if made.digest != digest {
            return refused(format!(
                "the plan {id} is not the one that was shown; look at it again"
            ));
        }
        let parts = self.store.plan_parts(id).await?;
        let changed = parts.iter().flat_map(|part| &part.devices).filter(|it| is_work(it));
        let devices: Vec<DeviceName> =
            changed.map(|it| it.device.parse()).collect::<Result<_, _>>().map_err(failed)?;
        if devices.is_empty() {
            return refused(format!("the plan {id} changes nothing"));
        }
        let what = Work::Apply(Application { plan: id.clone(), digest, devices });
        let until = made.expires_at;
        let actor = by.actor(&self.organisation);
        let (id, _) = self.give_order_until(actor, &plan.site, (what, Some(until))).await?;
        self.plans_changed.send_modify(|count| *count = count.wrapping_add(1));
        Ok(Given { id, is_done: false })
    }

    /// A fresh name for an order.
    pub(super) fn order_id() -> Result<OrderId, Refusal> {
        random::id().map_err(failed)?.parse().map_err(failed)
    }
}
