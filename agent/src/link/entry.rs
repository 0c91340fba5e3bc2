//! What waits in the outbox, as bytes: an entry of the wire without its number, which it gets when it is uploaded.

use certs::audit::{ChainHead, Record};
use prost::Message as _;
use proto::Timestamp;
use proto::wire::v1;
use proto::wire::v1::entry::What;

use crate::store::Entry;

/// An audit record with its place in the chain.
pub fn audit(record: &Record, head: &ChainHead) -> Vec<u8> {
    let what = What::Audit(v1::AuditRecord {
        number: record.number,
        deed: record.deed.clone(),
        subject: record.subject.clone(),
        detail: record.detail.clone(),
        time: record.time.unix(),
        hash: head.hash.to_vec(),
    });
    bytes(what, record.time)
}

/// Something about a device.
pub fn bytes(what: What, time: Timestamp) -> Vec<u8> {
    v1::Entry { sequence: 0, time: time.unix(), what: Some(what) }.encode_to_vec()
}

/// An entry as it is uploaded. What cannot be read, which no writer of ours makes, goes as a mere number, so that the
/// controller's count goes on and the outbox is not stuck.
pub(super) fn numbered(entry: &Entry) -> v1::Entry {
    let mut wire = v1::Entry::decode(entry.bytes.as_slice()).unwrap_or_else(|_| {
        tracing::error!(sequence = entry.sequence, "an entry of the outbox cannot be read");
        v1::Entry { time: entry.time.unix(), ..v1::Entry::default() }
    });
    wire.sequence = entry.sequence;
    wire
}
