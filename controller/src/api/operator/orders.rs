//! Orders.

use std::time::Duration;

use proto::DeviceName;
use proto::wire::policy::Work;
use proto::wire::v1;
use proto::wire::v1::send_order_request::What;
use tonic::Status;

use super::{malformed, site, status};
use crate::service::{Act, OperatorPeer, Service};

pub async fn send(
    service: &Service,
    who: &OperatorPeer,
    ask: v1::SendOrderRequest,
) -> Result<v1::SendOrderReply, Status> {
    let what = match ask.what.ok_or_else(|| malformed("the order is missing"))? {
        What::Visit(visit) => {
            let devices = visit.devices.iter().map(|name| name.parse::<DeviceName>());
            Work::Visit(devices.collect::<Result<_, _>>().map_err(malformed)?)
        }
        What::Renew(v1::RenewOrder {}) => Work::Renew,
        What::Plan(plan) => {
            let devices = plan.devices.iter().map(|name| name.parse::<DeviceName>());
            Work::Plan(devices.collect::<Result<_, _>>().map_err(malformed)?)
        }
        What::Resume(v1::ResumeOrder {}) => Work::Resume,
        What::Rotate(rotate) => Work::Rotate(rotate.try_into().map_err(malformed)?),
        What::Forget(forget) => {
            service.allow(who, Act::Forget).map_err(status)?;
            Work::Forget(forget.try_into().map_err(malformed)?)
        }
    };
    let wait = Duration::from_secs(u64::from(ask.wait));
    let given = service.send_order(who, &site(&ask.site)?, what, wait).await.map_err(status)?;
    Ok(v1::SendOrderReply { id: given.id.to_string(), done: given.is_done })
}
