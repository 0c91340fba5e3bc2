//! Secrets in escrow: which there are, and their sealed copies.

use std::sync::Arc;

use futures::StreamExt as _;
use proto::wire::v1;
use proto::{DeviceName, Timestamp};
use tonic::Status;

use super::{Pieces, malformed, maybe_site, site, status};
use crate::service::bounds::Fill;
use crate::service::prune::Prune;
use crate::service::{OperatorPeer, Service};
use crate::store::escrow::{Held, Wanted};

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListSecretsRequest,
) -> Result<v1::ListSecretsReply, Status> {
    let wanted = Wanted {
        site: maybe_site(&ask.site)?,
        device: maybe_device(ask.device)?.map(Some),
        history: ask.history,
    };
    let (held, more) = service.secrets(&wanted).await.map_err(status)?;
    let fills = service.escrow_fills(wanted.site.as_ref()).await.map_err(status)?;
    let fills = fills.iter().map(fill).collect();
    Ok(v1::ListSecretsReply { secrets: held.into_iter().map(view).collect(), more, fills })
}

pub async fn prune(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::PruneSecretsRequest,
) -> Result<v1::PruneSecretsReply, Status> {
    let before = (ask.before != 0).then(|| Timestamp::from_unix(ask.before));
    let prune = Prune { site: site(&ask.site)?, keep: ask.keep, before, reason: ask.reason };
    let pruned = service.prune_secrets(who, &prune).await.map_err(status)?;
    Ok(v1::PruneSecretsReply {
        removed: pruned.removed,
        spared: pruned.spared.iter().map(ToString::to_string).collect(),
        fill: Some(fill(&pruned.fill)),
    })
}

fn fill(fill: &Fill) -> v1::EscrowFill {
    v1::EscrowFill {
        site: fill.site.to_string(),
        secrets: fill.secrets,
        bytes: fill.bytes,
        percent: u32::try_from(fill.percent()).unwrap_or(u32::MAX),
        high: fill.is_high(),
    }
}

pub async fn show(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::ShowSecretsRequest,
) -> Result<v1::ShowSecretsReply, Status> {
    let (site, device) = (site(&ask.site)?, maybe_device(ask.device)?);
    let shown = service.show_secrets(who, (&site, device.as_ref()), ask.history, &ask.reason);
    let shown = shown.await.map_err(status)?;
    let records = shown.records.iter().map(v1::EscrowRecord::from).collect();
    let rotate_at = shown.rotate_at.map_or(0, |at| at.unix());
    Ok(v1::ShowSecretsReply { records, rotate_at })
}

pub async fn export(
    service: &Arc<Service>,
    who: &OperatorPeer,
    ask: v1::ExportSecretsRequest,
) -> Result<Pieces<v1::ExportedSecret>, Status> {
    let site = maybe_site(&ask.site)?;
    let all = service.export_secrets(who, site, &ask.reason).await.map_err(status)?;
    Ok(Box::pin(all.map(|taken| {
        let (site, record) = taken.map_err(status)?;
        Ok(v1::ExportedSecret { site: site.to_string(), record: Some((&record).into()) })
    })))
}

fn maybe_device(text: String) -> Result<Option<DeviceName>, Status> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(malformed) }
}

fn view(held: Held) -> v1::SecretView {
    v1::SecretView {
        site: held.site.to_string(),
        secret_id: held.id.0.to_vec(),
        device: held.device.map_or(String::new(), |device| device.to_string()),
        kind: v1::SecretKind::from(held.kind).into(),
        account: held.account,
        made_at: held.made_at.unix(),
        recipients_generation: held.recipients_generation,
        copies: held.copies,
        shown_at: held.shown_at.map_or(0, |at| at.unix()),
        exported_at: held.exported_at.map_or(0, |at| at.unix()),
        latest: held.is_latest,
    }
}
