//! What the organisation's trust rests on: its audit log, its authority, its backups.

use std::sync::Arc;

use certs::RootPin;
use futures::StreamExt as _;
use proto::Timestamp;
use proto::wire::v1;
use proto::wire::v1::TurnoverStep;
use tonic::Status;

use super::agents;
use super::{Pieces, malformed, status};
use crate::service::turnover::Step;
use crate::service::{Keeper, OperatorPeer, Refusal, Service};

pub async fn audit_log(
    service: &Arc<Service>,
    ask: v1::ReadAuditLogRequest,
) -> Result<Pieces<v1::AuditLogRecord>, Status> {
    let keeper = match ask.agent.as_str() {
        "" => Keeper::Controller,
        id => Keeper::Agent(id.parse().map_err(malformed)?),
    };
    let records = service.audit_log(keeper, ask.from).await.map_err(status)?;
    Ok(Box::pin(records.map(|taken| {
        let (record, hash) = taken.map_err(status)?;
        Ok(v1::AuditLogRecord {
            number: record.number,
            time: record.time.unix(),
            actor: record.actor,
            deed: record.deed,
            subject: record.subject,
            detail: record.detail,
            hash,
        })
    })))
}

/// The step that is asked for; `None` to say where it stands.
pub fn step(ask: &v1::TurnoverRequest) -> Result<Option<Step>, Status> {
    let leave_behind_after = ask.leave_behind_after;
    match TurnoverStep::try_from(ask.step) {
        Ok(TurnoverStep::Status) => Ok(None),
        Ok(TurnoverStep::Prepare) => Ok(Some(Step::Prepare)),
        Ok(TurnoverStep::Activate) => Ok(Some(Step::Activate { leave_behind_after })),
        Ok(TurnoverStep::Retire) => Ok(Some(Step::Retire)),
        Ok(TurnoverStep::RollBack) => Ok(Some(Step::RollBack)),
        Ok(TurnoverStep::Renew) => Ok(Some(Step::Renew)),
        Ok(TurnoverStep::Unspecified) => Err(malformed("the step is missing")),
        Err(_) => Err(malformed("a step that this version does not know")),
    }
}

pub async fn turn_over(
    service: &Service,
    who: &OperatorPeer,
    step: Option<Step>,
) -> Result<v1::TurnoverReply, Status> {
    let stands = match step {
        None => service.turnover_status().await,
        Some(step) => service.turn_over(who, step).await,
    };
    let stands = stands.map_err(status)?;
    Ok(v1::TurnoverReply {
        phase: stands.phase.as_str().to_owned(),
        trust_generation: stands.trust_generation,
        stragglers: stands.stragglers.iter().map(agents::view).collect(),
        roots: stands.roots.iter().map(root).collect(),
        issuing_ends: stands.issuing_ends.unix(),
    })
}

fn root((pin, ends): &(RootPin, Timestamp)) -> v1::TrustedRoot {
    v1::TrustedRoot { pin: pin.0.to_vec(), ends: ends.unix() }
}

pub async fn backup(
    service: &Service,
    who: &OperatorPeer,
) -> Result<Pieces<v1::BackupChunk>, Status> {
    let pieces = service.backup(who).await.map_err(status)?;
    Ok(Box::pin(pieces.map(|chunk| {
        let failed = |error| status(Refusal::Failed(Box::new(error)));
        chunk.map(|data| v1::BackupChunk { data }).map_err(failed)
    })))
}
