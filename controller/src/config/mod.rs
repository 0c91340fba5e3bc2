//! The controller's settings: one TOML file, each key with a default, each overridden by an environment variable
//! `PALISADE_<SECTION>_<KEY>`. Every value is checked before anything starts.
//!
//! Thinking only: it is handed the file's text and the variables, and reads neither itself. It holds no secret: what is
//! secret comes in by a file of its own, a prompt or a variable that no section's name begins.

mod address;
mod check;
mod keys;
mod overrides;
mod print;
mod span;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use address::{Address, BadAddress};
pub use keys::{KEYS, Key};
pub use overrides::{ConfigError, Loaded, Origin, PREFIX};
pub use span::{BadSpan, Span};

/// The name of the settings file that `palisade init` writes.
pub const FILE_NAME: &str = "palisade.toml";

/// All settings of a controller. The keys are described in [`KEYS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens and keeps its data.
    pub server: Server,
    /// How long things are good.
    pub lives: Lives,
    /// What one stranger, or all together, may take.
    pub limits: Limits,
    /// What is written to standard error while it serves.
    pub log: Log,
    /// Who can open a backup.
    pub backup: Backup,
    /// How long what agents reported is kept.
    pub keep: Keep,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The data folder: database and authority. In a file, a relative path starts at the file's folder.
    pub data: PathBuf,
    /// Where to listen for agents and operators.
    pub listen: SocketAddr,
    /// Where agents and operators reach it from outside, the preferred first: what tokens and codes carry.
    pub addresses: Vec<Address>,
    /// The local socket for health and metrics; a relative path starts at the data folder.
    pub socket: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            data: PathBuf::from("/var/lib/palisade"),
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            addresses: Vec::new(),
            socket: PathBuf::from("palisade.sock"),
        }
    }
}

/// `[lives]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lives {
    /// Of an enrolment token, unless whoever makes it says otherwise.
    pub token: Span,
    /// Of an operator's one-time code.
    pub code: Span,
    /// Of an agent's request that waits for approval.
    pub pending: Span,
    /// Of the certificates of agents, operators and the controller itself.
    pub certificate: Span,
}

impl Default for Lives {
    fn default() -> Self {
        Self {
            token: Span::hours(24),
            code: Span::hours(24),
            pending: Span::hours(1),
            certificate: Span::days(7),
        }
    }
}

/// `[limits]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: u32,
    /// TLS handshakes going on at a time; further ones wait.
    pub handshakes: u32,
    /// How long one handshake may take.
    pub handshake_time: Span,
    /// Enrolments, log-ins and recoveries that one source address may try in a minute.
    pub enrollments_per_minute: u32,
    /// Requests that wait for approval at a time.
    pub pending: u32,
    /// The largest message from an agent or operator, in bytes.
    pub message_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            handshakes: 64,
            handshake_time: Span::seconds(10),
            enrollments_per_minute: 30,
            pending: 256,
            message_bytes: 2 << 20,
        }
    }
}

/// `[log]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// What is worth a line.
    pub level: LogLevel,
}

/// The form of a line in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The least that is worth a line in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Wake someone.
    Error,
    /// Look tomorrow.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word in files and in `tracing`'s filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `[backup]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Public keys of age (`age1...`) that a backup is sealed to. Without one there is no backup.
    pub recipients: Vec<String>,
}

/// `[keep]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Findings of a device that nobody reports any more.
    pub findings: Span,
    /// Records of the agents' audit chains, from when they arrived. The controller's own log is kept for ever.
    pub agent_audit: Span,
}

impl Default for Keep {
    fn default() -> Self {
        Self { findings: Span::days(400), agent_audit: Span::days(400) }
    }
}

impl Config {
    /// The database.
    pub fn database(&self) -> PathBuf {
        self.server.data.join("palisade.db")
    }

    /// The folder of the root and the issuing authority.
    pub fn authority(&self) -> PathBuf {
        self.server.data.join("authority")
    }

    /// The local socket, with the data folder before a relative path.
    pub fn socket(&self) -> PathBuf {
        self.server.data.join(&self.server.socket)
    }

    /// The addresses that tokens and codes carry, as text.
    pub fn addresses(&self) -> Vec<String> {
        self.server.addresses.iter().map(ToString::to_string).collect()
    }

    /// The same with the data folder read from `folder` on, if it is relative.
    fn based_on(mut self, folder: &Path) -> Self {
        self.server.data = folder.join(&self.server.data);
        self
    }
}
