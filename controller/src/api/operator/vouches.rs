//! Attestations and waivers.

use proto::wire::v1;
use proto::wire::v1::vouch::What;
use tonic::Status;

use super::{malformed, maybe_site, site, status};
use crate::service::{OperatorPeer, Service};
use crate::store::vouches::{Statement, Vouch};

pub async fn attest(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::AttestRequest,
) -> Result<v1::Vouch, Status> {
    let said = ask.attestation.ok_or_else(|| malformed("the attestation is missing"))?;
    let said = said.try_into().map_err(malformed)?;
    service.attest(who, &site(&ask.site)?, said).await.map(wire).map_err(status)
}

pub async fn waive(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::WaiveRequest,
) -> Result<v1::Vouch, Status> {
    let said = ask.waiver.ok_or_else(|| malformed("the waiver is missing"))?;
    let said = said.try_into().map_err(malformed)?;
    service.waive(who, &site(&ask.site)?, said).await.map(wire).map_err(status)
}

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListVouchesRequest,
) -> Result<v1::ListVouchesReply, Status> {
    let vouches = service.vouches(maybe_site(&ask.site)?.as_ref()).await.map_err(status)?;
    Ok(v1::ListVouchesReply { vouches: vouches.into_iter().map(wire).collect() })
}

pub async fn withdraw(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::WithdrawRequest,
) -> Result<v1::Empty, Status> {
    service.withdraw(who, &ask.id).await.map_err(status)?;
    Ok(v1::Empty {})
}

fn wire(vouch: Vouch) -> v1::Vouch {
    let what = match &vouch.what {
        Statement::Attestation(said) => What::Attestation(said.into()),
        Statement::Waiver(said) => What::Waiver(said.into()),
    };
    v1::Vouch {
        id: vouch.id,
        site: vouch.site.to_string(),
        what: Some(what),
        entered_by: vouch.entered_by,
        entered_at: vouch.entered_at.unix(),
    }
}
