//! What agents send and are sent, between the wire and checked words. Sizes are bounded, unknown values refused.

use certs::TrustBundle;
use certs::audit::{ChainHead, Record};
use certs::join_state::JoinState;
use prost::Message as _;
use proto::record::{ConfigurationBackup, SiteEvent};
use proto::text::is_harmful;
use proto::wire::finding::{Report, Unchanged};
use proto::wire::policy::OrderId;
use proto::wire::{Malformed, v1};
use proto::{DeviceName, EscrowRecord, Timestamp};

use crate::service::enrollment::Joined;
use crate::service::live::{Instruction, Status};
use crate::service::reports::{Entry, Item, MAX_ENTRIES, Upload};
use crate::store::DesiredState;

/// Longest version, in bytes.
const MAX_VERSION: usize = 64;
/// Most orders that are reported done at a time.
const MAX_DONE: usize = 256;
/// Largest upload, in bytes.
const MAX_UPLOAD: usize = 1 << 20;
/// Longest text of an audit record, in bytes.
const MAX_RECORD: usize = 4 << 10;

/// What an agent tells of itself.
///
/// # Errors
/// [`Malformed`].
pub fn told(status: v1::AgentStatus) -> Result<Status, Malformed> {
    if status.orders_done.len() > MAX_DONE {
        return Err(Malformed::TooLarge("orders done", MAX_DONE));
    }
    let orders_done = status.orders_done.iter().map(|id| id.parse::<OrderId>());
    let digest = match status.desired_digest.as_slice() {
        [] => None,
        digest => Some(hash(digest, "digest")?),
    };
    // Checked although nothing is done with it yet: what an agent claims has to make sense.
    head(status.audit_head, "audit head")?;
    Ok(Status {
        version: word(status.version, "version", MAX_VERSION)?,
        generation: status.generation,
        digest,
        trust_generation: status.trust_generation,
        recovery_generation: status.recovery_generation,
        time: Timestamp::from_unix(status.time),
        time_known: status.time_known,
        outbox_records: status.outbox_records,
        outbox_oldest: since(status.outbox_oldest),
        orders_done: orders_done.collect::<Result<_, _>>()?,
        started_at: since(status.started_at),
        witnessed: head(status.witnessed, "witnessed head")?,
        halted: status.halted.map(TryInto::try_into).transpose()?,
    })
}

/// An upload, by the agent of this name.
///
/// # Errors
/// [`Malformed`].
pub fn upload(request: v1::ReportRequest, actor: &str) -> Result<Upload, Malformed> {
    if request.encoded_len() > MAX_UPLOAD {
        return Err(Malformed::TooLarge("upload", MAX_UPLOAD));
    }
    if request.entries.len() > MAX_ENTRIES {
        return Err(Malformed::TooLarge("entries", MAX_ENTRIES));
    }
    let entries = request.entries.into_iter().map(|entry| self::entry(entry, actor));
    Ok(Upload {
        epoch: request.epoch,
        entries: entries.collect::<Result<_, _>>()?,
        takes_refusals: request.takes_refusals,
    })
}

fn entry(entry: v1::Entry, actor: &str) -> Result<Entry, Malformed> {
    use v1::entry::What;
    let item = match entry.what.ok_or(Malformed::Unknown("entry"))? {
        What::Audit(audit) => {
            let hash = hash(&audit.hash, "audit record's hash")?;
            Item::Audit(record(audit, actor)?, hash)
        }
        What::Device(report) => Item::Device(Box::new(Report::try_from(report)?)),
        What::Unchanged(unchanged) => Item::Unchanged(Unchanged::try_from(unchanged)?),
        What::Forgotten(forgotten) => Item::Forgotten(device(forgotten.device)?),
        What::Backup(backup) => Item::Backup(Box::new(ConfigurationBackup::try_from(backup)?)),
        What::Event(event) => Item::Event(SiteEvent::try_from(event)?),
        What::Plan(part) => Item::Plan(Box::new(part.try_into()?)),
        What::Applied(applied) => Item::Applied(Box::new(applied.try_into()?)),
        What::Escrow(record) => Item::Escrow(Box::new(EscrowRecord::try_from(record)?)),
        What::Rotated(state) => Item::Rotated(state.try_into()?),
    };
    Ok(Entry { sequence: entry.sequence, item })
}

fn record(audit: v1::AuditRecord, actor: &str) -> Result<Record, Malformed> {
    let in_range = audit.number > 0 && i64::try_from(audit.number).is_ok();
    if !in_range {
        return Err(Malformed::Bad("audit record's number"));
    }
    let time = Timestamp::from_unix(audit.time);
    if time.unix() != audit.time {
        return Err(Malformed::Bad("audit record's time"));
    }
    Ok(Record {
        number: audit.number,
        time,
        actor: actor.to_owned(),
        deed: word(audit.deed, "audit record's deed", MAX_RECORD)?,
        subject: word(audit.subject, "audit record's subject", MAX_RECORD)?,
        detail: word(audit.detail, "audit record's detail", MAX_RECORD)?,
    })
}

/// What an agent is told.
pub fn instruction(instruction: Instruction) -> v1::Instruction {
    v1::Instruction {
        time: instruction.time.unix(),
        desired: instruction.desired.map(|desired| self::desired(&desired)),
        trust: instruction.trust.map(|trust| self::trust(&trust)),
        orders: instruction.orders.iter().map(v1::Order::from).collect(),
        audit_head: Some(v1::ChainHead {
            length: instruction.audit_head.length,
            hash: match instruction.audit_head.length {
                0 => Vec::new(),
                _ => instruction.audit_head.hash.to_vec(),
            },
        }),
        leave_within: instruction.leave_within,
        addresses: instruction.addresses,
        recovery: instruction.recovery.as_deref().map(v1::RecoveryRecipients::from),
    }
}

fn desired(state: &DesiredState) -> v1::DesiredState {
    v1::DesiredState {
        generation: state.generation,
        policy: state.policy.to_string(),
        attestations: state.attestations.iter().map(v1::Attestation::from).collect(),
        waivers: state.waivers.iter().map(v1::Waiver::from).collect(),
    }
}

/// A bundle of roots.
pub fn trust(bundle: &TrustBundle) -> v1::TrustBundle {
    v1::TrustBundle {
        generation: bundle.generation,
        roots: bundle.roots.iter().map(|root| root.to_vec()).collect(),
    }
}

/// What a new or recovered agent is told.
pub fn joined(joined: Joined) -> v1::Joined {
    v1::Joined {
        organisation: joined.organisation.to_string(),
        site: joined.answer.site.to_string(),
        agent_id: joined.answer.agent.to_string(),
        chain: joined.answer.chain.iter().map(|one| one.to_vec()).collect(),
        trust: Some(trust(&joined.trust)),
        join_state: Some(v1::JoinState {
            agent_id: joined.answer.state.agent.to_string(),
            sequence: joined.answer.state.sequence,
            issued_at: joined.answer.state.issued_at.unix(),
            signature: joined.answer.state.signature,
        }),
        controller_time: joined.time.unix(),
    }
}

/// A join state that an agent shows.
///
/// # Errors
/// [`Malformed`].
pub fn join_state(state: Option<v1::JoinState>) -> Result<JoinState, Malformed> {
    let state = state.ok_or(Malformed::Missing("join state"))?;
    if state.signature.len() > 256 {
        return Err(Malformed::TooLarge("join state's signature", 256));
    }
    Ok(JoinState {
        agent: state.agent_id.parse().map_err(|_| Malformed::Bad("agent's name"))?,
        sequence: state.sequence,
        issued_at: Timestamp::from_unix(state.issued_at),
        signature: state.signature,
    })
}

fn head(head: Option<v1::ChainHead>, field: &'static str) -> Result<ChainHead, Malformed> {
    match head {
        None => Ok(ChainHead::default()),
        Some(v1::ChainHead { length: 0, .. }) => Ok(ChainHead::default()),
        Some(head) => Ok(ChainHead { length: head.length, hash: hash(&head.hash, field)? }),
    }
}

fn hash(bytes: &[u8], field: &'static str) -> Result<[u8; 32], Malformed> {
    bytes.try_into().map_err(|_| Malformed::Bad(field))
}

fn since(seconds: i64) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_unix(seconds))
}

fn device(text: String) -> Result<DeviceName, Malformed> {
    DeviceName::try_from(text).map_err(|_| Malformed::Bad("device name"))
}

fn word(text: String, field: &'static str, most: usize) -> Result<String, Malformed> {
    if text.len() > most {
        return Err(Malformed::TooLarge(field, most));
    }
    if text.chars().any(is_harmful) { Err(Malformed::Bad(field)) } else { Ok(text) }
}
