//! Policies.

use proto::wire::v1;
use tonic::Status;

use super::agents;
use super::{maybe_site, status};
use crate::service::{OperatorPeer, Service};
use crate::store::policies::{PolicyVersion, Scope};

pub async fn apply(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::ApplyPolicyRequest,
) -> Result<v1::PolicyVersion, Status> {
    let scope = scope(&ask.site)?;
    let applied = service
        .apply_policy(who, &scope, &ask.text, &ask.comment, ask.expected_version)
        .await
        .map_err(status)?;
    Ok(wire(applied))
}

pub async fn drop(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::DropPolicyRequest,
) -> Result<v1::PolicyVersion, Status> {
    let holds = service.drop_policy(who, &super::site(&ask.site)?, &ask.comment).await;
    holds.map(wire).map_err(status)
}

pub async fn history(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::PolicyHistoryRequest,
) -> Result<v1::PolicyHistoryReply, Status> {
    let versions = service.policy_history(&scope(&ask.site)?).await.map_err(status)?;
    Ok(v1::PolicyHistoryReply { versions: versions.into_iter().map(wire).collect() })
}

pub async fn show(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ShowPolicyRequest,
) -> Result<v1::PolicyVersion, Status> {
    let scope = scope(&ask.site)?;
    let found = match ask.version {
        0 => service.policy_in_force(&scope).await,
        version => service.policy_version(&scope, version).await,
    };
    found.map(wire).map_err(status)
}

pub async fn rollout(
    service: &Service,
    _: &OperatorPeer,
    _: v1::PolicyRolloutRequest,
) -> Result<v1::PolicyRolloutReply, Status> {
    let rollout = service.policy_rollout().await.map_err(status)?;
    let stragglers = rollout.stragglers.iter().map(agents::view).collect();
    Ok(v1::PolicyRolloutReply { current: rollout.current, stragglers })
}

fn scope(site: &str) -> Result<Scope, Status> {
    Ok(maybe_site(site)?.map_or(Scope::Organisation, Scope::Site))
}

fn wire(policy: PolicyVersion) -> v1::PolicyVersion {
    let dropped = policy.is_drop();
    v1::PolicyVersion {
        version: policy.version,
        site: policy.scope.as_str().to_owned(),
        text: if dropped { String::new() } else { policy.text },
        dropped,
        by: policy.by,
        applied_at: policy.applied_at.unix(),
        comment: policy.comment,
    }
}
