//! What the agent tells of itself to the people at the box, as JSON. Never a secret, and nothing that a stranger could
//! use: who may read it is decided by the socket's folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use certs::Clock as _;
use proto::Timestamp;
use proto::wire::rotation::{CredentialKind, RotationState, Standing as CredentialState};
use serde::{Deserialize, Serialize};

use super::board::{Board, Phase};
use crate::link::{Link, Standing};
use crate::rounds::{Handle, Progress};

/// Everything that is told. Times are RFC 3339, durations seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The form of this text.
    pub palisade_status: u32,
    /// The agent's version.
    pub version: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// `starting`, `unenrolled`, `identity_damaged`, `serving` or `stopping`.
    pub state: String,
    /// What is wrong with the identity's files.
    pub trouble: Option<String>,
    /// What time it is.
    pub clock: ClockStatus,
    /// Who the box is.
    pub identity: Option<IdentityStatus>,
    /// The line to the controller.
    pub link: Option<Standing>,
    /// What waits to be uploaded.
    pub outbox: OutboxStatus,
    /// The agent's own audit log.
    pub audit: AuditStatus,
    /// The disk.
    pub store: StoreStatus,
    /// The visits.
    pub rounds: Option<RoundsStatus>,
}

/// What time it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The agent's time; the earliest that it can be, while it is unknown.
    pub time: Timestamp,
    /// Whether it is believed.
    pub known: bool,
    /// How far the machine's clock is ahead of the controller's.
    pub offset_seconds: Option<i64>,
}

/// Who the box is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityStatus {
    /// Whose.
    pub organisation: String,
    /// The site.
    pub site: String,
    /// The agent.
    pub agent: String,
    /// When the certificate ends.
    pub certificate_ends: Timestamp,
    /// How long the certificate lasts without the controller; 0 once it has lapsed.
    pub offline_life_seconds: i64,
    /// When it is renewed.
    pub renewal_due: Timestamp,
    /// Of the roots that are trusted.
    pub trust_generation: u64,
    /// The number of the last join.
    pub join: u64,
}

/// What waits to be uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxStatus {
    /// Records.
    pub records: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// The time of the oldest.
    pub oldest: Option<Timestamp>,
    /// Audit records that will never arrive.
    pub dropped_audit: u64,
    /// Status that will never arrive.
    pub dropped_status: u64,
}

/// The agent's own audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditStatus {
    /// Records since the box was enrolled.
    pub length: u64,
    /// The last one's hash in hex; empty while there is none, or while the disk cannot be used.
    pub hash: String,
}

/// The disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Why the store goes on from memory; absent while it is on the disk.
    pub trouble: Option<String>,
    /// Whether what is written was seen to reach the disk.
    pub real_syncs: bool,
}

/// The visits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundsStatus {
    /// Devices of the site.
    pub devices: usize,
    /// Those whose last visit failed.
    pub failing: usize,
    /// Cameras on the site's networks that no site file names.
    pub strangers: usize,
    /// Visits under way.
    pub under_way: usize,
    /// When a visit last ended.
    pub last_visit: Option<Timestamp>,
    /// Of the desired state in force; 0 for none.
    pub generation: u64,
    /// Nobody is visited, because the time is unknown.
    pub waits_for_time: bool,
    /// What is wrong with the site file, the policy, the search or the vault, and why nothing is changed unattended.
    pub troubles: Vec<String>,
    /// How visits ended since the start: `seen`, or why not.
    pub visits: BTreeMap<String, u64>,
    /// The devices by name.
    pub turns: BTreeMap<String, TurnStatus>,
    /// The credentials that are the agent's to replace, by device.
    pub credentials: Vec<CredentialStatus>,
    /// What turns at credentials came to since the start: `changed`, `given_up`, `stranded`, `interrupted`.
    pub rotations: BTreeMap<String, u64>,
}

/// Where one credential stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialStatus {
    /// Whose.
    pub device: String,
    /// `password` or `certificate`.
    pub credential: CredentialKind,
    /// Of a password; empty otherwise.
    pub account: String,
    /// `settled`, `prepared`, `changing`, `in_doubt` or `stranded`.
    pub state: CredentialState,
    /// When it is due for replacement; absent while it is being replaced.
    pub due: Option<Timestamp>,
    /// When the agent replaced it last.
    pub since: Option<Timestamp>,
    /// Why it is not getting on; empty if it is.
    pub trouble: String,
}

/// One device's next visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStatus {
    /// When it is due; absent while the device is being visited.
    pub next_visit: Option<Timestamp>,
    /// How many visits failed in a row.
    pub failures: u32,
}

pub(super) async fn gather(
    board: &Board,
    phase: Phase,
    serving: Option<(Arc<Link>, Handle)>,
) -> Status {
    let now = board.clock.now();
    let (state, trouble) = match phase {
        Phase::Starting => ("starting", None),
        Phase::Unenrolled => ("unenrolled", None),
        Phase::Damaged(why) => ("identity_damaged", Some(why)),
        Phase::Serving => ("serving", None),
        Phase::Stopping => ("stopping", None),
    };
    let (outbox, audit, store) = disk(board).await;
    let link = serving.as_ref().map(|(link, _)| link);
    Status {
        palisade_status: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: board.started_at,
        state: state.to_owned(),
        trouble,
        clock: ClockStatus {
            time: now,
            known: board.clock.is_known(),
            offset_seconds: board.clock.offset(),
        },
        identity: link.map(|link| identity(link, now)),
        link: link.map(|link| link.standing().borrow().clone()),
        outbox,
        audit,
        store,
        rounds: serving.map(|(_, rounds)| progress(&rounds.progress().borrow(), board)),
    }
}

fn identity(link: &Link, now: Timestamp) -> IdentityStatus {
    let member = link.member().borrow().clone();
    let ends = member.identity.not_after();
    IdentityStatus {
        organisation: member.organisation.to_string(),
        site: member.site.to_string(),
        agent: member.agent.to_string(),
        certificate_ends: ends,
        offline_life_seconds: ends.seconds_since(now).max(0),
        renewal_due: member.renew_at(),
        trust_generation: member.trust.generation,
        join: member.join.sequence,
    }
}

async fn disk(board: &Board) -> (OutboxStatus, AuditStatus, StoreStatus) {
    let read =
        board.store.with(|store| Ok((store.waiting()?, store.head(), store.condition()))).await;
    let Ok((waiting, head, condition)) = read else {
        let store = StoreStatus { trouble: Some("closed".to_owned()), real_syncs: false };
        return (OutboxStatus::default(), AuditStatus::default(), store);
    };
    let audit = head.filter(|head| head.length > 0).map_or_else(AuditStatus::default, |head| {
        AuditStatus { length: head.length, hash: certs::random::hex(&head.hash) }
    });
    let outbox = OutboxStatus {
        records: waiting.records,
        bytes: waiting.bytes,
        oldest: waiting.oldest,
        dropped_audit: condition.dropped.audit + condition.refused,
        dropped_status: condition.dropped.status,
    };
    let trouble = condition.degraded.map(|trouble| trouble.word().to_owned());
    (outbox, audit, StoreStatus { trouble, real_syncs: condition.real_syncs })
}

fn progress(progress: &Progress, board: &Board) -> RoundsStatus {
    let (now, seconds) = (board.clock.now(), board.clock.seconds());
    let turn = |(due, failures): &(Option<u64>, u32)| TurnStatus {
        next_visit: due.map(|due| later(now, due.saturating_sub(seconds))),
        failures: *failures,
    };
    let Progress { site_error, policy_error, search_error, halted, credentials_error, .. } =
        progress.clone();
    let halted = halted
        .map(|halt| format!("nothing is changed unattended since {}: {}", halt.since, halt.why));
    let troubles = [site_error, policy_error, search_error, halted, credentials_error];
    let counted = |counts: &BTreeMap<&'static str, u64>| {
        counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    };
    RoundsStatus {
        devices: progress.devices,
        failing: progress.failing,
        strangers: progress.strangers,
        under_way: progress.under_way,
        last_visit: progress.last_visit,
        generation: progress.generation,
        waits_for_time: progress.waits_for_time,
        troubles: troubles.into_iter().flatten().collect(),
        visits: counted(&progress.ended),
        turns: progress.turns.iter().map(|(name, it)| (name.to_string(), turn(it))).collect(),
        credentials: progress.credentials.iter().map(CredentialStatus::from).collect(),
        rotations: counted(&progress.turned),
    }
}

impl From<&RotationState> for CredentialStatus {
    fn from(state: &RotationState) -> Self {
        Self {
            device: state.device.to_string(),
            credential: state.kind,
            account: state.account.clone(),
            state: state.standing,
            due: state.due,
            since: state.since,
            trouble: state.trouble.clone(),
        }
    }
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_unix(time.unix().saturating_add(seconds))
}
