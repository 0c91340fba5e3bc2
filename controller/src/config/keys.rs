//! Every key of the settings file in one table: its name, its words and its range, for `palisade config check` and for
//! the file that `palisade init` writes. A test holds the table to the types.

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table it stands in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it is, and its range.
    pub words: &'static str,
}

const fn key(section: &'static str, name: &'static str, words: &'static str) -> Key {
    Key { section, name, words }
}

/// Every key, in the order they are printed.
pub const KEYS: &[Key] = &[
    key("server", "data", "the data folder; a relative path starts at this file's folder"),
    key("server", "listen", "where to listen, ADDRESS:PORT"),
    key(
        "server",
        "addresses",
        "where agents and operators reach it, HOST:PORT, the preferred first; 1 to 8",
    ),
    key("server", "socket", "local socket for health and metrics; starts at the data folder"),
    key("lives", "token", "how long an enrolment token is good; 1m to 30d"),
    key("lives", "code", "how long an operator's one-time code is good; 1m to 7d"),
    key("lives", "pending", "how long an agent's request waits for approval; 1m to 7d"),
    key("lives", "certificate", "how long a certificate is good; 1h to 90d, renewed at half life"),
    key("limits", "connections", "connections open at a time; 16 to 1000000"),
    key("limits", "handshakes", "TLS handshakes at a time; 1 to 4096, further ones wait"),
    key("limits", "handshake_time", "how long one handshake may take; 1s to 1m"),
    key(
        "limits",
        "enrollments_per_minute",
        "enrolments, log-ins and recoveries per source address; 1 to 100000",
    ),
    key("limits", "pending", "requests that wait for approval at a time; 1 to 10000"),
    key("limits", "message_bytes", "largest message taken; 1179648 (1.125 MiB) to 16777216"),
    key("log", "format", "text or json"),
    key("log", "level", "error, warn, info, debug or trace"),
    key("backup", "recipients", "age public keys (age1...) that backups are sealed to; up to 20"),
    key("keep", "findings", "how long findings of a device that is gone are kept; 1d to 3650d"),
    key("keep", "agent_audit", "how long agents' audit records are kept; 30d to 3650d"),
];

impl Key {
    /// The environment variable that overrides it, such as `PALISADE_SERVER_LISTEN`.
    pub fn variable(&self) -> String {
        format!("{}{}_{}", super::PREFIX, self.section, self.name).to_uppercase()
    }
}
