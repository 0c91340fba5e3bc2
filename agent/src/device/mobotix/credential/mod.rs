//! Credentials at a MOBOTIX camera: the doing side of their rotation. What is done when, and what is concluded from it,
//! `rotation` decides.
//!
//! Passwords are written through the remote configuration as whole sections, on the camera's running configuration, and
//! only in a form that was first reproduced from the password that logs in (see `account`). Certificates go into the
//! one slot of a MOBOTIX 7 (see [`Certificate`]); on other lines a person uploads them. Keys that the cameras of a site
//! share are plain settings (see [`GroupKey`]).
//!
//! Each call makes a connection and a log-in of its own. What fails before a log-in is made is [`Trouble::NotSent`]: a
//! camera that is away, refuses our address, is somebody else, or presents another certificate has been told nothing,
//! and has counted nothing. `Refused` is said only of a camera that asked for a log-in as a MOBOTIX camera does and then
//! answered 401 to ours; not where it calls the nonce stale, as one does whose clock jumps, and not of 403 or 5xx.
//!
//! Refuses to write a secret over a connection that others may read, unless that was allowed: without TLS, or with a
//! certificate that nobody vouches for, whoever stands in the way would get what is as good as the password. TLS first,
//! then passwords.

mod account;
mod certificate;
mod inside;
mod media;
mod password;
mod reboot;
mod setting;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certs::Pin;
use certs::device_certificate::DeviceCertificate;
use proto::{DeviceName, Secret};

use super::Dialects;
use crate::device::Target;
use crate::rotate::hands::Trouble;
use crate::rotation::password::Limits;

pub use certificate::Certificate;
pub use password::Password;
pub use setting::{GroupKey, is_taught, none_set};

/// What a camera takes as an account's password: 8 to 99 printable ASCII characters without blanks, as its help says.
/// What is made within these limits has no `:` either, which separates the fields of an account's line.
pub fn limits() -> Limits {
    Limits::CAMERA
}

/// The fingerprint of the certificate that a secret is about: what the camera is to present where that secret is in
/// force, so that the pin for it follows its rotation. `None` if the secret is none of a certificate.
pub fn leaf(secret: &Secret) -> Option<Pin> {
    let known = secret.expose().trim().parse().ok();
    known.or_else(|| DeviceCertificate::parse(secret).ok().map(|certificate| certificate.pin()))
}

/// The secret for a certificate whose key we do not have, such as the one a camera left the factory with: its
/// fingerprint and nothing else. It can be told and probed, and never installed. Only for one that a person accepted: a
/// key is uploaded, and a password sent, to whoever presents it.
pub fn known_by(pin: Pin) -> Secret {
    Secret::new(pin.to_string())
}

/// Whether a secret may be written where others may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// Never: the connection must be TLS with a certificate that a pin vouches for.
    Refused,
    /// Somebody allowed it by name.
    Allowed,
}

/// Where a camera's web server log goes before a reboot, which wipes it.
#[async_trait]
pub trait LogKeeper: Send + Sync {
    /// Keeps it durably. Nothing reboots whose log could not be kept.
    ///
    /// # Errors
    /// Why it could not be kept.
    async fn keep(&self, device: &DeviceName, log: Vec<u8>) -> Result<(), String>;
}

/// How long is waited for what around a reboot.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause between two looks; it doubles up to `most`.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
    /// For the camera to go away after it was asked to reboot. One that does not, did not reboot.
    pub vanish: Duration,
    /// For it to come back.
    pub back: Duration,
}

impl Default for Patience {
    /// Cameras take about 12 s to go and two minutes to come back; twice that and more.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let first = Duration::from_millis(250);
        Self { first, most: seconds(5), vanish: seconds(60), back: seconds(420) }
    }
}

/// What reboots need.
#[derive(Clone)]
pub struct Reboots {
    /// Where logs go.
    pub logs: Arc<dyn LogKeeper>,
    /// How long is waited.
    pub patience: Patience,
}

/// A camera, and what everything done at it needs.
#[derive(Clone)]
struct Workplace {
    target: Target,
    dialects: Arc<Dialects>,
    reboots: Reboots,
}

/// A fault by which nothing was sent, told to the log, since whoever called only wants to know that.
fn not_sent(fault: &crate::device::Fault) -> Trouble {
    tracing::info!(%fault, "no log-in was made");
    Trouble::NotSent
}
