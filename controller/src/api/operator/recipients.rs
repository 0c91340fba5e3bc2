//! Whom secrets are sealed to.

use proto::wire::{escrow, v1};
use tonic::Status;

use super::{malformed, status};
use crate::service::recipients::Signed;
use crate::service::{OperatorPeer, Service};

pub async fn show(
    service: &Service,
    _: &OperatorPeer,
    _: v1::ShowRecoveryRequest,
) -> Result<v1::RecoveryView, Status> {
    let (held, next_generation) = service.recipients().await.map_err(status)?;
    let (set_by, set_at) =
        held.as_ref().map_or((String::new(), 0), |held| (held.set_by.clone(), held.set_at.unix()));
    let recipients = held.as_ref().map(v1::RecoveryRecipients::from);
    let sealed_to_earlier = service.sealed_to_earlier().await.map_err(status)?;
    Ok(v1::RecoveryView { recipients, set_by, set_at, next_generation, sealed_to_earlier })
}

pub async fn set(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::SetRecoveryRequest,
) -> Result<v1::RecoveryView, Status> {
    let given = ask.recipients.ok_or_else(|| malformed("the recipients are missing"))?;
    let signed = Signed {
        generation: given.generation,
        threshold: given.threshold,
        recipients: escrow::recipients(given.recipients).map_err(malformed)?,
        signature: given.signature,
    };
    service.set_recipients(who, signed).await.map_err(status)?;
    show(service, who, v1::ShowRecoveryRequest {}).await
}
