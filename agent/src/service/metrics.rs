//! The same numbers for machines that watch machines, in OpenMetrics. They are put together when somebody asks.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use proto::Timestamp;
use proto::wire::rotation::Standing;

use super::status::{CredentialStatus, RoundsStatus, Status};
use crate::link::State;

/// The text that a collector reads.
pub(super) fn text(status: &Status) -> String {
    let mut registry = Registry::with_prefix("palisade_agent");
    let now = status.clock.time;
    let mut gauge = |name: &str, help: &str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge("enrolled", "Whether the box is enrolled", status.identity.is_some().into());
    if let Some(identity) = &status.identity {
        let left = identity.certificate_ends.seconds_since(now);
        gauge("cert_seconds_left", "Until the certificate ends; negative once it has", left);
    }
    if let Some(link) = &status.link {
        let online = link.state == State::Online;
        let offline = if online { 0 } else { now.seconds_since(link.since).max(0) };
        gauge("online", "Whether there is a line to the controller", online.into());
        gauge("offline_seconds", "Since there is no line to the controller; 0 with one", offline);
    }
    let oldest = status.outbox.oldest.map_or(0, |oldest| now.seconds_since(oldest).max(0));
    gauge("outbox_records", "Records that wait to be uploaded", whole(status.outbox.records));
    gauge("outbox_bytes", "Bytes that wait to be uploaded", whole(status.outbox.bytes));
    gauge("outbox_oldest_seconds", "Age of the oldest record that waits", oldest);
    let dropped = status.outbox.dropped_audit + status.outbox.dropped_status;
    gauge("outbox_dropped", "Records that will never be uploaded", whole(dropped));
    gauge("clock_known", "Whether the agent believes its clock", status.clock.known.into());
    if let Some(offset) = status.clock.offset_seconds {
        gauge("clock_offset_seconds", "The machine's clock minus the controller's", offset);
    }
    gauge(
        "store_on_disk",
        "Whether the store is on the disk",
        status.store.trouble.is_none().into(),
    );
    if let Some(rounds) = &status.rounds {
        gauge("devices", "Devices of the site", whole(rounds.devices));
        gauge("devices_failing", "Devices whose last visit failed", whole(rounds.failing));
        gauge("strangers", "Cameras that no site file names", whole(rounds.strangers));
        gauge("generation", "Of the desired state in force", whole(rounds.generation));
        credentials(&rounds.credentials, now, &mut gauge);
        let since = rounds.last_visit.map(|last| now.seconds_since(last));
        if let Some(since) = since {
            gauge("last_visit_seconds", "Since a visit last ended", since);
        }
    }
    if let Some(rounds) = &status.rounds {
        counts(rounds, &mut registry);
    }
    let info: Family<[(&str, String); 1], Gauge> = Family::default();
    info.get_or_create(&[("version", status.version.clone())]).set(1);
    registry.register("version", "The agent's version", info);
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes everything");
    text
}

/// How visits and turns ended since the start.
fn counts(rounds: &RoundsStatus, registry: &mut Registry) {
    let visits: Family<[(&str, String); 1], Counter> = Family::default();
    for (outcome, count) in &rounds.visits {
        visits.get_or_create(&[("outcome", outcome.clone())]).inc_by(*count);
    }
    registry.register("visits", "Visits that ended since the start", visits);
    let turns: Family<[(&str, String); 1], Counter> = Family::default();
    for (outcome, count) in &rounds.rotations {
        turns.get_or_create(&[("outcome", outcome.clone())]).inc_by(*count);
    }
    registry.register("rotations", "Turns at credentials since the start", turns);
}

/// Where the devices' credentials stand.
fn credentials(all: &[CredentialStatus], now: Timestamp, gauge: &mut impl FnMut(&str, &str, i64)) {
    let lost = all.iter().filter(|it| it.state == Standing::Stranded).count();
    let unsettled = all.iter().filter(|it| it.state != Standing::Settled).count();
    let overdue = all.iter().filter_map(|it| it.due).map(|due| now.seconds_since(due)).max();
    gauge("credentials", "That are the agent's to replace", whole(all.len()));
    gauge("credentials_unsettled", "Those that are being replaced", whole(unsettled));
    gauge("devices_stranded", "Devices that take nothing that is known", whole(lost));
    let overdue = overdue.unwrap_or(0).max(0);
    gauge("credential_overdue_seconds", "Since the most overdue one was due", overdue);
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
