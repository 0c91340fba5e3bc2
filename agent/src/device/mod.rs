//! Devices: one folder per kind. A driver translates, it never decides.

mod address;
mod http;
pub mod mobotix;
mod probe;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certs::Pin;
use proto::policy::{PasswordRules, WebPorts};
use proto::{DeviceName, Secret};

use self::mobotix::Dialects;
pub use self::snapshot::Snapshot;
use crate::change::{Change, Differences, Edit, Untranslated};
use crate::facts::{Facts, FailureClass, WebLogSummary};

/// A device to look at over the network.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in the site.
    pub name: DeviceName,
    /// Where it listens.
    pub address: Address,
    /// Whom to log in as.
    pub login: Option<Login>,
    /// The certificate it must present, which a person vouches for.
    pub pin: Option<Pin>,
    /// The certificate it presented to earlier visits and must present again, though nobody vouches for it. Without
    /// either, the first seen is held on to for the visit.
    pub seen_before: Option<Pin>,
    /// Whether a question may be asked that may cost a failed log-in.
    pub trials: Trials,
    /// The ports everybody tries (C15).
    pub web_ports: WebPorts,
    /// What the login's own password is measured by (C03).
    pub password_rules: PasswordRules,
    /// How long and how much.
    pub limits: Limits,
}

/// `http` or `https`, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host name or address literal, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let host = &self.host;
        if host.contains(':') {
            write!(out, "{scheme}://[{host}]:{}", self.port)
        } else {
            write!(out, "{scheme}://{host}:{}", self.port)
        }
    }
}

/// Whom to log in as.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Whether the password may be sent with Basic where somebody else may read it: without TLS anyone on the way, and
    /// with a certificate that no pin vouches for whoever answers.
    pub basic_in_clear: BasicInClear,
}

/// Whether a password may cross the network readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasicInClear {
    /// Never. The default.
    Never,
    /// The person at the keyboard asked for it by name.
    Allowed,
}

/// Whether a question may be asked that may cost a failed log-in. The camera's own log has the last word on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trials {
    /// If the camera's log leaves room for it.
    Allowed,
    /// No: an earlier visit has the answer, and each failure stands in the camera's log.
    Spared,
}

/// How long and how much a device may take of us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection, TLS handshake included.
    pub connect: Duration,
    /// For one request with its whole answer.
    pub request: Duration,
    /// For the whole visit.
    pub visit: Duration,
    /// Largest answer in bytes.
    pub body: usize,
}

impl Default for Limits {
    /// 5 s to connect, 20 s per request (ordinary calls take under 10 s on real cameras), 90 s per visit, 4 MiB per answer.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(5), request: seconds(20), visit: seconds(90), body: 4 << 20 }
    }
}

/// What a device told of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Product line, such as `MOBOTIX P3`.
    pub product: Option<String>,
    /// Model, such as `M16`.
    pub model: Option<String>,
    /// Firmware as the device writes it.
    pub firmware: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// The certificate it presented.
    pub pin: Option<Pin>,
}

/// What one look at a device brought back.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Which device.
    pub identity: Identity,
    /// What was read from it.
    pub facts: Facts,
    /// Its configuration as it runs.
    pub configuration: Snapshot,
}

/// How changes compare with what a device shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// For each change, in order: whether its lines stand as it would have them.
    pub standing: Vec<bool>,
    /// Lines that differ although no change touches them, as they may be shown.
    pub surprises: Vec<String>,
}

/// What bringing an older configuration back comes to.
#[derive(Clone, Debug)]
pub struct Restoration {
    /// The configuration as it is to be.
    pub target: Snapshot,
    /// What changes, in lines that begin with `-` or `+`, with whatever may be a secret hidden.
    pub lines: Vec<String>,
    /// What stays as the device has it, and why, as sentences without a full stop.
    pub left: Vec<String>,
}

/// Speaks to one device. Each call that acts makes a connection and, where one is needed, a log-in of its own: what was
/// done by one is proven by the next. No answer of a device counts as proof that it did something.
#[async_trait]
pub trait Driver: Send {
    /// Looks at the device and changes nothing on it.
    async fn observe(&mut self) -> Result<(Identity, Facts), Fault>;

    /// The same, and brings its configuration along if it can be read.
    async fn look(&mut self) -> Result<(Identity, Facts, Option<Snapshot>), Fault> {
        let (identity, facts) = self.observe().await?;
        Ok((identity, facts, None))
    }

    /// The same, and brings its configuration along.
    async fn inspect(&mut self) -> Result<Inspection, Fault> {
        Err(cannot("show its configuration"))
    }

    /// What a change comes to on a configuration of this device, and what the configuration is afterwards. Sends nothing.
    ///
    /// # Errors
    /// Why it cannot be made there.
    fn translate(&self, on: &Snapshot, change: &Change) -> Result<(Edit, Snapshot), Untranslated> {
        let _ = (on, change);
        Err(Untranslated::Impossible("this kind of device cannot be changed yet".to_owned()))
    }

    /// How changes that were made on `before` compare with what the device shows now. Sends nothing.
    ///
    /// # Errors
    /// Why they cannot be compared.
    fn compare(
        &self,
        before: &Snapshot,
        changes: &[Change],
        seen: &Snapshot,
    ) -> Result<Comparison, Untranslated> {
        let _ = (before, changes, seen);
        Err(Untranslated::Impossible("this kind of device cannot be changed yet".to_owned()))
    }

    /// What differs between two configurations of this device, secrets hidden. Sends nothing.
    ///
    /// # Errors
    /// Why they cannot be compared.
    fn differences(&self, one: &Snapshot, other: &Snapshot) -> Result<Differences, Untranslated> {
        let _ = (one, other);
        Err(Untranslated::Impossible("this kind of device shows no configuration yet".to_owned()))
    }

    /// Makes changes to the running configuration, which is `on`, and has them come into force. A reboot undoes them.
    async fn apply(&mut self, on: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        let _ = (on, changes);
        Err(cannot("be changed"))
    }

    /// Writes back what these changes touched, as it stands in `to`, where they were made.
    async fn revert(&mut self, to: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        let _ = (to, changes);
        Err(cannot("be changed"))
    }

    /// What bringing `backup` back comes to where the configuration is `on`; `must_admit` is who must get in. Sends nothing.
    ///
    /// # Errors
    /// Why it cannot be brought back there: another firmware, above all.
    fn restoration(
        &self,
        on: &Snapshot,
        backup: &Snapshot,
        must_admit: &BTreeSet<IpAddr>,
    ) -> Result<Restoration, Untranslated> {
        let _ = (on, backup, must_admit);
        Err(Untranslated::Impossible("this kind of device cannot be changed yet".to_owned()))
    }

    /// Has the running configuration, which is `on`, stand as `to`, where a [`Restoration`] or a look at this device made
    /// both. A reboot undoes it.
    async fn replace(&mut self, on: &Snapshot, to: &Snapshot) -> Result<(), Fault> {
        let _ = (on, to);
        Err(cannot("be changed"))
    }

    /// Stores the running configuration, so that it outlives a reboot.
    async fn save(&mut self) -> Result<(), Fault> {
        Err(cannot("be changed"))
    }

    /// Asks it to reboot.
    async fn reboot(&mut self) -> Result<(), Fault> {
        Err(cannot("be rebooted"))
    }

    /// Its web server log as it shows it, which a reboot wipes.
    async fn web_log(&mut self) -> Result<Vec<u8>, Fault> {
        Err(cannot("show a log"))
    }

    /// The same, read; asks for nothing else.
    async fn read_log(&mut self) -> Result<WebLogSummary, Fault> {
        Err(cannot("show a log"))
    }

    /// Whether it shows a picture.
    async fn frame(&mut self) -> Result<(), Fault> {
        Err(cannot("show a picture"))
    }
}

fn cannot(what: &str) -> Fault {
    Fault::Unsupported(format!("this kind of device cannot {what} yet"))
}

/// The driver for a target. Nothing is sent before it is asked to observe.
pub fn open(target: Target, dialects: Arc<Dialects>) -> Box<dyn Driver> {
    Box::new(mobotix::live::Camera::new(target, dialects))
}

/// A configuration that was kept.
///
/// # Errors
/// That it is none.
pub fn kept_configuration(bytes: Vec<u8>) -> Result<Snapshot, Untranslated> {
    mobotix::edit::snapshot(bytes)
}

/// The firmware that a configuration is of, as it is written there; empty if it names none.
pub fn firmware_of(configuration: &Snapshot) -> String {
    mobotix::edit::firmware(configuration)
}

/// What differs between two configurations of a device, in lines that begin with `-` or `+`, as it may be told to who
/// may read neither of them.
///
/// # Errors
/// That one of them is none.
pub fn told_between(one: &Snapshot, other: &Snapshot) -> Result<Vec<String>, Untranslated> {
    mobotix::edit::told_between(one, other)
}

/// The lines of a configuration as they may be shown, secrets hidden: `section: line`. None of what a device writes by
/// itself. Nothing for what is no configuration.
pub fn shown(configuration: &Snapshot) -> Option<Vec<String>> {
    mobotix::edit::shown(configuration).ok()
}

/// Why a driver could not do it, classed by what the caller may conclude. The message says what we were doing, what
/// happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No answer, or not in time.
    #[error("{0}")]
    Unreachable(String),
    /// It answered and would not let us in.
    #[error("{0}")]
    Refused(String),
    /// It understood and would not do it.
    #[error("{0}")]
    Rejected(String),
    /// It, or we, cannot do this.
    #[error("{0}")]
    Unsupported(String),
    /// What it answered makes no sense.
    #[error("{0}")]
    Nonsense(String),
}

impl Fault {
    /// The class as it goes into a record.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable(_) => FailureClass::Unreachable,
            Self::Refused(_) => FailureClass::Refused,
            Self::Rejected(_) => FailureClass::Rejected,
            Self::Unsupported(_) => FailureClass::Unsupported,
            Self::Nonsense(_) => FailureClass::Nonsense,
        }
    }
}
