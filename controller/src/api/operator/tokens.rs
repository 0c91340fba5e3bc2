//! Enrolment tokens.

use proto::wire::v1;
use tonic::Status;

use super::{site, status};
use crate::service::tokens::Handout;
use crate::service::{OperatorPeer, Service};
use crate::store::tokens::Token;

pub async fn create(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenReply, Status> {
    let made = service.create_token(who, &site(&ask.site)?, ask.life).await;
    made.map(handed_out).map_err(status)
}

pub async fn replace(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::ReplaceSiteRequest,
) -> Result<v1::CreateTokenReply, Status> {
    let made = service.replace_site(who, &site(&ask.name)?, &ask.reason, ask.token_life).await;
    made.map(handed_out).map_err(status)
}

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    _: v1::ListTokensRequest,
) -> Result<v1::ListTokensReply, Status> {
    let (tokens, now) = (service.tokens().await.map_err(status)?, service.now());
    let view = |token: &Token| v1::TokenView {
        id: token.id.clone(),
        site: token.site.to_string(),
        state: state(token, token.expires_at <= now).into(),
        created_at: token.created_at.unix(),
        expires_at: token.expires_at.unix(),
        created_by: token.created_by.clone(),
        agent_id: token.used.as_ref().map_or_else(String::new, |used| used.agent.to_string()),
    };
    Ok(v1::ListTokensReply { tokens: tokens.iter().map(view).collect() })
}

pub async fn revoke(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::RevokeTokenRequest,
) -> Result<v1::Empty, Status> {
    service.revoke_token(who, &ask.id).await.map_err(status)?;
    Ok(v1::Empty {})
}

fn state(token: &Token, is_over: bool) -> v1::TokenState {
    match (&token.used, token.revoked_at) {
        (Some(_), _) => v1::TokenState::Used,
        (None, Some(_)) => v1::TokenState::Revoked,
        (None, None) if is_over => v1::TokenState::Expired,
        (None, None) => v1::TokenState::Open,
    }
}

fn handed_out(made: Handout) -> v1::CreateTokenReply {
    v1::CreateTokenReply {
        id: made.id,
        secret: made.secret.expose().to_owned(),
        expires_at: made.expires_at.unix(),
        root_pin: made.pin.0.to_vec(),
        addresses: made.addresses,
    }
}
