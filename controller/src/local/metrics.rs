//! Numbers for machines that watch machines, in OpenMetrics. They are put together when somebody asks.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::service::Meters;
use crate::service::meters::{Handshake, Question, Reply};
use crate::service::vitals::Vitals;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The text that a collector reads.
pub(super) fn text(vitals: &Vitals, meters: &Meters) -> String {
    let mut registry = Registry::with_prefix("palisade");
    stands(&mut registry, vitals, meters);
    counted(&mut registry, meters);
    let version: Family<Labels<1>, Gauge> = Family::default();
    version.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
    registry.register("version", "The controller's version", version);
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes everything");
    text
}

fn stands(registry: &mut Registry, vitals: &Vitals, meters: &Meters) {
    let agents: Family<Labels<1>, Gauge> = Family::default();
    for (state, count) in &vitals.agents {
        agents.get_or_create(&[("state", *state)]).set(whole(*count));
    }
    registry.register("agents", "Agents by state", agents);
    let left: Family<Labels<1>, Gauge> = Family::default();
    for (of, seconds) in &vitals.certificates {
        left.get_or_create(&[("of", *of)]).set(*seconds);
    }
    let help = "Until the certificate ends; negative once it has";
    registry.register("certificate_seconds_left", help, left);
    let mut gauge = |name: &str, help: &str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let online = vitals.agents.get("online").copied().unwrap_or(0);
    gauge("connected_agents", "Agents with an open stream", whole(online));
    gauge("connections", "Connections that are open", whole(meters.connections()));
    gauge(
        "outbox_oldest_seconds",
        "Age of the oldest record that waits at an agent, as agents last told; 0 if none does",
        vitals.outbox_oldest,
    );
    gauge("database_bytes", "Size of the database", whole(vitals.database));
    gauge("audit_log_records", "Records of the audit log", whole(vitals.audit_records));
    let help = "How full the fullest site's escrow is; at 100 nothing new is rotated there";
    gauge("escrow_fill_percent", help, whole(vitals.escrow_percent));
    if let Some(at) = meters.last_backup() {
        let help = "When the last backup was taken, in seconds since 1970";
        gauge("last_backup_timestamp_seconds", help, at.unix());
    }
}

fn counted(registry: &mut Registry, meters: &Meters) {
    let handshakes: Family<Labels<1>, Counter> = Family::default();
    for outcome in Handshake::ALL {
        let labels = [("outcome", outcome.as_str())];
        handshakes.get_or_create(&labels).inc_by(meters.handshakes(*outcome));
    }
    registry.register("handshakes", "Connections by how their handshake ended", handshakes);
    let replies: Family<Labels<2>, Counter> = Family::default();
    for question in Question::ALL {
        for reply in Reply::ALL {
            let labels = [("question", question.as_str()), ("reply", reply.as_str())];
            replies.get_or_create(&labels).inc_by(meters.replies(*question, *reply));
        }
    }
    registry.register("strangers_questions", "What strangers asked and were answered", replies);
    let (reports, entries) = meters.reports();
    for (name, help, count) in [
        ("reports", "Uploads that were committed", reports),
        ("report_entries", "Entries of uploads that were new", entries),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(count);
        registry.register(name, help, counter);
    }
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
