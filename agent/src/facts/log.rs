//! A camera's web server log, in numbers and, for a moment, in its newest lines.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// The web server log, summarised per source address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebLogSummary {
    /// Rows that were read.
    pub rows: u32,
    /// Rows that could not be understood.
    pub odd_rows: u32,
    /// Whether the log was longer than we read.
    pub cut: bool,
    /// The earliest time in the log, as the camera tells it.
    pub oldest: Option<Timestamp>,
    /// The latest.
    #[serde(default)]
    pub newest: Option<Timestamp>,
    /// Whether the log counts: without a column for it, one row may stand for many accesses (guide, measure 8).
    #[serde(default)]
    pub counted: bool,
    /// The address this visit came from, as far as we know it.
    #[serde(default)]
    pub own: Option<IpAddr>,
    /// Per source address.
    pub sources: BTreeMap<IpAddr, SourceSummary>,
    /// The newest accesses one by one, for whoever compares the logs of several cameras. Not kept and not reported.
    #[serde(skip)]
    pub lines: Vec<LogLine>,
}

/// One row of the web server log. The name that somebody typed who was refused is not in it: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Where it came from.
    pub source: IpAddr,
    /// Whether it was let in.
    pub success: bool,
    /// Whether it named a user at all.
    pub named: bool,
    /// Who was let in, if that was said.
    pub user: Option<String>,
    /// When last, as the camera tells it.
    pub time: Timestamp,
    /// How often.
    pub times: u32,
}

/// What one address did, as the web server log tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSummary {
    /// Accesses that succeeded.
    pub successful: u32,
    /// Accesses that were refused.
    pub failed: u32,
    /// Those of them that named no user, such as the first request of every browser, which carries no login.
    #[serde(default)]
    pub nameless: u32,
    /// When somebody who named a user was last refused, as the camera tells it.
    #[serde(default)]
    pub last_failed: Option<Timestamp>,
    /// The user names it logged in with successfully.
    pub users: BTreeSet<String>,
}

impl SourceSummary {
    /// Log-ins that were refused: somebody named a user.
    pub fn failed_logins(&self) -> u32 {
        self.failed.saturating_sub(self.nameless)
    }
}
