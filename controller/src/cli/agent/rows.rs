//! Agents and would-be agents as they are listed.

use proto::Timestamp;
use proto::wire::v1;
use serde::Serialize;

use super::halted::Halted;
use crate::cli::stop::Stop;
use crate::cli::table::{self, Row};
use crate::cli::words;

/// One agent.
#[derive(Debug, Serialize)]
pub struct AgentRow {
    agent: String,
    site: String,
    state: &'static str,
    version: String,
    host: String,
    enrolled_at: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    certificate_ends: Option<Timestamp>,
    generation: u64,
    trust_generation: u64,
    outbox_records: u64,
    outbox_oldest: Option<Timestamp>,
    clock_offset: i64,
    time_known: bool,
    recoveries: u64,
    started_at: Option<Timestamp>,
    halted: Option<Halted>,
}

impl TryFrom<v1::AgentView> for AgentRow {
    type Error = Stop;

    fn try_from(agent: v1::AgentView) -> Result<Self, Stop> {
        Ok(Self {
            agent: agent.id,
            site: agent.site,
            state: words::agent_state(agent.state)?,
            version: agent.version,
            host: agent.host,
            enrolled_at: table::time(agent.enrolled_at),
            last_seen: table::time(agent.last_seen),
            certificate_ends: table::time(agent.certificate_ends),
            generation: agent.generation,
            trust_generation: agent.trust_generation,
            outbox_records: agent.outbox_records,
            outbox_oldest: table::time(agent.outbox_oldest),
            clock_offset: agent.clock_offset,
            time_known: agent.time_known,
            recoveries: agent.recoveries,
            started_at: table::time(agent.started_at),
            halted: Halted::read(agent.halted)?,
        })
    }
}

impl AgentRow {
    /// Its site, and the halt if there is one.
    pub fn halt(&self) -> (&str, Option<&Halted>) {
        (&self.site, self.halted.as_ref())
    }

    fn clock(&self) -> String {
        if self.time_known { format!("{:+}s", self.clock_offset) } else { "unknown".to_owned() }
    }

    fn outbox(&self, now: Timestamp) -> String {
        match self.outbox_oldest {
            Some(oldest) if self.outbox_records > 0 => {
                let age = table::length(now.seconds_since(oldest).max(0));
                format!("{} (oldest {age})", self.outbox_records)
            }
            _ => self.outbox_records.to_string(),
        }
    }

    /// Everything about it, for a person.
    pub fn details(&self, now: Timestamp) -> String {
        let both = |time: Option<Timestamp>| match time {
            Some(it) => format!("{it} ({})", table::ago(time, now)),
            None => "never".to_owned(),
        };
        table::details(&[
            ("agent", self.agent.clone()),
            ("site", self.site.clone()),
            ("state", self.state.to_owned()),
            ("host", self.host.clone()),
            ("version", self.version.clone()),
            ("last seen", both(self.last_seen)),
            ("started", both(self.started_at)),
            ("enrolled", both(self.enrolled_at)),
            ("certificate ends", both(self.certificate_ends)),
            ("generation", self.generation.to_string()),
            ("trust generation", self.trust_generation.to_string()),
            ("outbox", self.outbox(now)),
            ("clock", self.clock()),
            ("recoveries", self.recoveries.to_string()),
            ("halted", self.halted.as_ref().map_or("no".to_owned(), Halted::words)),
        ])
    }
}

impl Row for AgentRow {
    const TITLES: &'static [&'static str] = &[
        "SITE",
        "STATE",
        "LAST SEEN",
        "CERTIFICATE",
        "OUTBOX",
        "CLOCK",
        "GENERATION",
        "VERSION",
        "AGENT",
    ];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        vec![
            self.site.clone(),
            format!("{}{}", self.state, if self.halted.is_some() { ", halted" } else { "" }),
            table::ago(self.last_seen, now),
            self.certificate_ends.map_or("-".to_owned(), |it| table::ago(Some(it), now)),
            self.outbox(now),
            self.clock(),
            self.generation.to_string(),
            self.version.clone(),
            self.agent.clone(),
        ]
    }
}

/// A box that asks to become an agent.
#[derive(Debug, Serialize)]
pub struct PendingRow {
    host: String,
    source: String,
    asked_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl From<v1::PendingView> for PendingRow {
    fn from(pending: v1::PendingView) -> Self {
        Self {
            host: pending.host,
            source: pending.source,
            asked_at: table::time(pending.asked_at),
            expires_at: table::time(pending.expires_at),
        }
    }
}

impl Row for PendingRow {
    const TITLES: &'static [&'static str] = &["HOST", "FROM", "ASKED", "FORGOTTEN"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        vec![
            self.host.clone(),
            self.source.clone(),
            table::ago(self.asked_at, now),
            table::ago(self.expires_at, now),
        ]
    }
}
