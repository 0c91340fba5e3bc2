//! A record of the log as it is listed and exported: the same fields, one JSON object a line.

use certs::audit::Record;
use certs::random::{hex, unhex};
use proto::Timestamp;
use proto::wire::v1;
use serde::{Deserialize, Serialize};

use crate::cli::stop::Stop;
use crate::cli::table::Row;
use crate::cli::words::nonsense;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRow {
    /// Place in the chain, from 1.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub deed: String,
    /// To what.
    pub subject: String,
    /// The rest.
    pub detail: String,
    /// SHA-256 over the hash before and this record, in hex.
    pub hash: String,
}

impl TryFrom<v1::AuditLogRecord> for AuditRow {
    type Error = Stop;

    fn try_from(record: v1::AuditLogRecord) -> Result<Self, Stop> {
        if record.hash.len() != 32 {
            return Err(nonsense("an audit record with a hash of the wrong length"));
        }
        let hash = hex(&record.hash);
        let v1::AuditLogRecord { number, time, actor, deed, subject, detail, .. } = record;
        let time = Timestamp::from_unix(time);
        Ok(Self { number, time, actor, deed, subject, detail, hash })
    }
}

impl AuditRow {
    /// Of a record and the hash beside it.
    pub fn new(record: Record, hash: &[u8]) -> Self {
        let Record { number, time, actor, deed, subject, detail } = record;
        Self { number, time, actor, deed, subject, detail, hash: hex(hash) }
    }

    /// The record and the hash beside it; `None` for a hash that is no hex.
    pub fn apart(self) -> Option<(Record, Vec<u8>)> {
        let hash = unhex(&self.hash)?;
        let Self { number, time, actor, deed, subject, detail, .. } = self;
        Some((Record { number, time, actor, deed, subject, detail }, hash))
    }
}

impl Row for AuditRow {
    const TITLES: &'static [&'static str] =
        &["NUMBER", "TIME", "ACTOR", "DEED", "SUBJECT", "DETAIL"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.time.to_string(),
            self.actor.clone(),
            self.deed.clone(),
            self.subject.clone(),
            self.detail.clone(),
        ]
    }
}
