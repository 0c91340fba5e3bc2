//! Plans.

use std::time::Duration;

use proto::Timestamp;
use proto::wire::v1;
use tonic::Status;

use super::{malformed, maybe_site, status};
use crate::service::plans::PlanState;
use crate::service::{OperatorPeer, Service};
use crate::store::plans::Plan;

pub async fn list(
    service: &Service,
    ask: v1::ListPlansRequest,
) -> Result<v1::ListPlansReply, Status> {
    let plans = service.plans(maybe_site(&ask.site)?.as_ref()).await.map_err(status)?;
    let now = service.now();
    Ok(v1::ListPlansReply { plans: plans.into_iter().map(|plan| view(plan, now)).collect() })
}

pub async fn show(service: &Service, ask: v1::ShowPlanRequest) -> Result<v1::ShownPlan, Status> {
    let wait = Duration::from_secs(u64::from(ask.wait));
    let shown = service.show_plan(&ask.id, wait).await.map_err(status)?;
    Ok(v1::ShownPlan {
        view: Some(view(shown.plan, service.now())),
        parts: shown.parts,
        results: shown.results,
    })
}

pub async fn apply(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::ApplyPlanRequest,
) -> Result<v1::SendOrderReply, Status> {
    let id = ask.id.parse().map_err(malformed)?;
    let digest = ask.digest.try_into().map_err(|_| malformed("the digest has 32 bytes"))?;
    let given = service.apply_plan(who, &id, digest).await.map_err(status)?;
    Ok(v1::SendOrderReply { id: given.id.to_string(), done: given.is_done })
}

fn view(plan: Plan, now: Timestamp) -> v1::PlanView {
    let state = match plan.state(now) {
        PlanState::Waiting => v1::PlanState::Waiting,
        PlanState::Ready => v1::PlanState::Ready,
        PlanState::Expired => v1::PlanState::Expired,
        PlanState::Applying => v1::PlanState::Applying,
        PlanState::Done => v1::PlanState::Done,
        PlanState::Failed => v1::PlanState::Failed,
    };
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let mut view = v1::PlanView {
        id: plan.id.to_string(),
        site: plan.site.to_string(),
        state: state.into(),
        ordered_by: plan.ordered_by,
        ..v1::PlanView::default()
    };
    if let Some(made) = plan.made {
        view.made_at = made.at.unix();
        view.expires_at = made.expires_at.unix();
        view.digest = made.digest.to_vec();
        (view.devices, view.steps) = (small(made.devices), small(made.steps));
    }
    if let Some((by, at)) = plan.applied {
        (view.applied_by, view.applied_at) = (by, at.unix());
    }
    view
}
