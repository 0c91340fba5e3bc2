//! Backups of configurations and events.

use std::sync::Arc;

use futures::StreamExt as _;
use proto::Timestamp;
use proto::wire::record::backup_id;
use proto::wire::v1;
use tonic::Status;

use super::{Pieces, malformed, maybe_site, site, status};
use crate::service::{OperatorPeer, Service};
use crate::store::records::EventRow;

pub async fn backups(
    service: &Service,
    ask: &v1::ListBackupsRequest,
) -> Result<v1::ListBackupsReply, Status> {
    let device = ask.device.parse().map_err(malformed)?;
    let backups = service.device_backups(&site(&ask.site)?, &device).await.map_err(status)?;
    Ok(v1::ListBackupsReply { backups })
}

pub async fn fetch(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::FetchBackupRequest,
) -> Result<v1::ConfigurationBackup, Status> {
    let device = ask.device.parse().map_err(malformed)?;
    let id = backup_id(ask.backup_id).map_err(malformed)?;
    service.fetch_backup(who, &site(&ask.site)?, &device, id).await.map_err(status)
}

pub async fn events(
    service: &Service,
    ask: &v1::ListEventsRequest,
) -> Result<v1::ListEventsReply, Status> {
    let since = Timestamp::from_unix(ask.since);
    let site = maybe_site(&ask.site)?;
    let found = service.events(site.as_ref(), since, ask.limit).await.map_err(status)?;
    let rows = found.rows.iter().map(wire).collect();
    Ok(v1::ListEventsReply { rows, more: found.more })
}

pub async fn watch(
    service: &Arc<Service>,
    ask: &v1::ListEventsRequest,
) -> Result<Pieces<v1::EventRow>, Status> {
    let since = Timestamp::from_unix(ask.since);
    let rows = service.watch_events(maybe_site(&ask.site)?, since, ask.limit).await;
    let rows = rows.map_err(status)?;
    Ok(Box::pin(rows.map(|row| row.map(|row| wire(&row)).map_err(status))))
}

fn wire(row: &EventRow) -> v1::EventRow {
    v1::EventRow { site: row.site.to_string(), event: Some(v1::SiteEvent::from(&row.event)) }
}
