//! The people who steer sites.

use proto::wire::v1;
use proto::{OperatorName, Role};
use tonic::Status;

use super::super::agent_wire::trust;
use super::{malformed, status};
use crate::service::tokens::Handout;
use crate::service::{OperatorPeer, Service};

pub async fn who_am_i(
    service: &Service,
    who: &OperatorPeer,
    _: v1::WhoAmIRequest,
) -> Result<v1::WhoAmIReply, Status> {
    let me = service.who_am_i(who);
    Ok(v1::WhoAmIReply {
        organisation: service.organisation.to_string(),
        operator: me.name.to_string(),
        role: role_of(me.role).into(),
        certificate_ends: me.certificate_ends.unix(),
        controller_version: env!("CARGO_PKG_VERSION").to_owned(),
        controller_time: service.now().unix(),
        trust_generation: service.authorities.now().trust.generation,
    })
}

pub async fn renew(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RenewRequest,
) -> Result<v1::RenewReply, Status> {
    let renewed = service.renew_operator(who, &ask.certificate_request).await.map_err(status)?;
    Ok(v1::RenewReply {
        chain: renewed.chain.iter().map(|one| one.to_vec()).collect(),
        trust: Some(trust(&renewed.trust)),
        controller_time: service.now().unix(),
    })
}

pub async fn add(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::AddOperatorRequest,
) -> Result<v1::LogInCode, Status> {
    let role = role(ask.role)?;
    let made = service.add_operator(who, &name(&ask.name)?, role).await;
    made.map(code).map_err(status)
}

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    _: v1::ListOperatorsRequest,
) -> Result<v1::ListOperatorsReply, Status> {
    let operators = service.operators().await.map_err(status)?;
    let operators = operators.into_iter().map(|one| v1::OperatorView {
        name: one.name.to_string(),
        role: role_of(one.role).into(),
        created_at: one.created_at.unix(),
        last_seen: one.last_seen.unix(),
        certificate_ends: one.certificate_ends.unix(),
    });
    Ok(v1::ListOperatorsReply { operators: operators.collect() })
}

pub async fn renew_code(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RenewCodeRequest,
) -> Result<v1::LogInCode, Status> {
    service.renew_code(who, &name(&ask.name)?).await.map(code).map_err(status)
}

pub async fn remove(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RemoveOperatorRequest,
) -> Result<v1::Empty, Status> {
    service.remove_operator(who, &name(&ask.name)?).await.map_err(status)?;
    Ok(v1::Empty {})
}

fn name(text: &str) -> Result<OperatorName, Status> {
    text.parse().map_err(malformed)
}

fn role(number: i32) -> Result<Role, Status> {
    match v1::Role::try_from(number) {
        Ok(v1::Role::Viewer) => Ok(Role::Viewer),
        Ok(v1::Role::Operator) => Ok(Role::Operator),
        Ok(v1::Role::Administrator) => Ok(Role::Administrator),
        Ok(v1::Role::Unspecified) => Err(malformed("the role is missing")),
        Err(_) => Err(malformed("a role that this version does not know")),
    }
}

fn role_of(role: Role) -> v1::Role {
    match role {
        Role::Viewer => v1::Role::Viewer,
        Role::Operator => v1::Role::Operator,
        Role::Administrator => v1::Role::Administrator,
    }
}

fn code(made: Handout) -> v1::LogInCode {
    v1::LogInCode {
        operator: made.id,
        secret: made.secret.expose().to_owned(),
        expires_at: made.expires_at.unix(),
        root_pin: made.pin.0.to_vec(),
        addresses: made.addresses,
    }
}
