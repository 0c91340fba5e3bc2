//! Where credentials stand.

use proto::wire::v1;
use tonic::Status;

use super::{maybe_site, status};
use crate::service::{OperatorPeer, Service};
use crate::store::rotations::Rotation;

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListRotationsRequest,
) -> Result<v1::ListRotationsReply, Status> {
    let rows = service.rotations(maybe_site(&ask.site)?.as_ref()).await.map_err(status)?;
    Ok(v1::ListRotationsReply { rows: rows.iter().map(wire).collect() })
}

fn wire(row: &Rotation) -> v1::RotationRow {
    v1::RotationRow {
        site: row.site.to_string(),
        state: Some(v1::RotationState::from(&row.state)),
        told_at: row.told_at.unix(),
    }
}
