//! Devices and findings.

use std::sync::Arc;

use futures::StreamExt as _;
use prost::Message as _;
use proto::wire::finding::{About, Sign};
use proto::wire::v1;
use proto::{Measure, Verdict};
use tonic::Status;

use super::{Pieces, malformed, maybe_site, status};
use crate::service::{OperatorPeer, Service};
use crate::store::devices::Device;
use crate::store::findings::{Filter, FindingRow};

/// Most measures and signs that a filter names.
const MAX_ABOUT: usize = 100;
/// Largest answer, in encoded bytes; what is beyond it is left out and said to be more.
const MAX_BYTES: usize = 48 << 20;

pub async fn devices(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListDevicesRequest,
) -> Result<v1::ListDevicesReply, Status> {
    let devices = service.devices(maybe_site(&ask.site)?.as_ref()).await.map_err(status)?;
    Ok(v1::ListDevicesReply { devices: devices.into_iter().map(device).collect() })
}

pub async fn list(
    service: &Service,
    _: &OperatorPeer,
    ask: v1::ListFindingsRequest,
) -> Result<v1::ListFindingsReply, Status> {
    let limit = ask.limit;
    let found = service.findings(&filter(ask)?, limit).await.map_err(status)?;
    let (mut rows, mut bytes, mut more) = (Vec::new(), 0, found.more);
    for row in &found.rows {
        let row = wire(row);
        bytes += row.encoded_len();
        if bytes > MAX_BYTES {
            more = true;
            break;
        }
        rows.push(row);
    }
    Ok(v1::ListFindingsReply { rows, more })
}

pub async fn watch(
    service: &Arc<Service>,
    ask: v1::ListFindingsRequest,
) -> Result<Pieces<v1::FindingRow>, Status> {
    let rows = service.watch_findings(filter(ask)?).await.map_err(status)?;
    Ok(Box::pin(rows.map(|row| row.map(|row| wire(&row)).map_err(status))))
}

fn filter(ask: v1::ListFindingsRequest) -> Result<Filter, Status> {
    if ask.about.len() > MAX_ABOUT || ask.judgments.len() > MAX_ABOUT {
        return Err(malformed("the filter names too much"));
    }
    let device = (!ask.device.is_empty()).then(|| ask.device.parse());
    Ok(Filter {
        site: maybe_site(&ask.site)?,
        device: device.transpose().map_err(malformed)?,
        about: ask.about.iter().map(|word| about(word)).collect::<Result<_, _>>()?,
        judgments: ask.judgments.into_iter().map(judgment).collect::<Result<_, _>>()?,
        ignored: ask.ignored,
    })
}

fn about(word: &str) -> Result<About, Status> {
    let sign = Sign::ALL.into_iter().find(|sign| sign.as_str() == word);
    match sign {
        Some(sign) => Ok(About::Sign(sign)),
        None => word.parse::<Measure>().map(About::Measure).map_err(malformed),
    }
}

fn judgment(number: i32) -> Result<Verdict, Status> {
    let unknown = || malformed("a verdict that this version does not know");
    let wire = v1::Verdict::try_from(number).map_err(|_| unknown())?;
    Verdict::try_from(wire).map_err(malformed)
}

fn wire(row: &FindingRow) -> v1::FindingRow {
    v1::FindingRow {
        site: row.site.to_string(),
        device: row.device.to_string(),
        observed_at: row.observed_at.unix(),
        finding: Some(v1::Finding::from(&row.found)),
    }
}

fn device(device: Device) -> v1::DeviceView {
    let report = v1::DeviceReport::from(&device.report);
    v1::DeviceView {
        site: device.site.to_string(),
        device: report.device,
        kind: report.kind,
        address: report.address,
        product: report.product,
        model: report.model,
        firmware: report.firmware,
        serial: report.serial,
        pin: report.pin,
        observed_at: report.observed_at,
        failure: report.failure,
        met: device.met,
        unmet: device.unmet,
        unknown: device.unknown,
    }
}
