//! Whether the controller can do its work, as one JSON object.

use serde::Serialize;

use crate::service::Service;
use crate::service::vitals::Health;

#[derive(Serialize)]
struct Told<'a> {
    /// Agents and operators are let in, and what they say can be kept.
    ready: bool,
    port: bool,
    database: bool,
    certificate_seconds_left: Option<i64>,
    authority_seconds_left: i64,
    organisation: &'a str,
    version: &'a str,
    time: proto::Timestamp,
}

/// The object, on one line.
pub(super) fn text(service: &Service, health: Health) -> String {
    let told = Told {
        ready: health.is_ready(),
        port: health.port,
        database: health.database,
        certificate_seconds_left: health.certificate,
        authority_seconds_left: health.authority,
        organisation: service.organisation.as_str(),
        version: env!("CARGO_PKG_VERSION"),
        time: service.now(),
    };
    serde_json::to_string(&told).expect("plain fields always become JSON") + "\n"
}
