//! Hash-chained audit logs: each record's hash covers the hash before it, so that a record that is changed, removed or
//! put elsewhere breaks the chain from there on. That the end was cut off shows only against a head that somebody else
//! kept: agents witness the controller's head, and the controller the agents'.
//!
//! Pure: no storage, no clock.

use serde::{Deserialize, Serialize};

use proto::Timestamp;

use crate::random::digest;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Place in the chain, from 1.
    pub number: u64,
    /// When, by the clock of whoever keeps the log.
    pub time: Timestamp,
    /// Who: a name such as `palisade://acme/operator/kim`, or a source address for somebody without a certificate.
    pub actor: String,
    /// What was done: a word of a closed list.
    pub deed: String,
    /// To what: a site, an agent, a person, a device.
    pub subject: String,
    /// The rest in words. Never a secret.
    pub detail: String,
}

/// The last record of a chain: all that is needed to add to it, or to prove that none was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// How many records there are.
    pub length: u64,
    /// The hash of the last one; zeroes while there is none.
    pub hash: [u8; 32],
}

impl ChainHead {
    /// The head after a record was added.
    pub fn extended(&self, record: &Record) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"palisade audit 1\0");
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&record.number.to_be_bytes());
        bytes.extend_from_slice(&record.time.unix().to_be_bytes());
        for text in [&record.actor, &record.deed, &record.subject, &record.detail] {
            // Lengths, so that no two different records have the same bytes.
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Self { length: record.number, hash: digest(&bytes) }
    }
}
