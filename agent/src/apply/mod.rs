//! Applying: carries a plan out, device by device, and proves every step. It decides nothing that the plan did not.
//!
//! What could cut us off is applied unsaved, proven by a look from a fresh connection, and only then saved; else it is
//! written back, or the device's own reboot brings it back. An answer is never taken as proof. The first thing that goes
//! wrong ends the work on that device, and the roll-out takes no other one up.

mod device;
mod outcome;
mod restart;
mod restore;
mod rotates;
mod site;
mod survey;
mod text;
mod weigh;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certs::SharedClock;
use proto::finding::Attestation;
use proto::{DeviceName, Policy};

use crate::device::mobotix::Dialects;
use crate::device::{Driver, Target};
use crate::facts::{Fact, OwnBackup};
use crate::firmware::Advisories;
use crate::plan::{DevicePlan, Surroundings};

pub use device::apply;
pub use outcome::{Applied, By, DeviceResult, Outcome, StepResult};
pub use restore::{Found, Restore, look, restore};
pub use rotates::{ByHand, Rotates, by_hand, out_of_reach};
pub use site::{Leave, Order, apply_all, ends_too_late, guarded};
pub use survey::survey;
pub use text::{write, write_one};

/// One device's plan, and how the device is reached.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is to be done.
    pub plan: DevicePlan,
    /// The device. Without a pin it is held to the certificate that the plan was made over.
    pub target: Target,
    /// What people vouch for about it.
    pub attestations: Vec<Attestation>,
    /// Addresses of the site's video management workstations.
    pub vms_addresses: Vec<IpAddr>,
}

/// What all devices of an application share.
#[derive(Clone)]
pub struct Workshop {
    /// Opens a device.
    pub open: fn(Target, Arc<Dialects>) -> Box<dyn Driver>,
    /// What firmware calls its settings.
    pub dialects: Arc<Dialects>,
    /// What is judged by.
    pub policy: Arc<Policy>,
    /// What vendors say.
    pub advisories: Arc<Advisories>,
    /// Who must get in.
    pub surroundings: Surroundings,
    /// Where backups and logs go.
    pub keeper: Arc<dyn Keeper>,
    /// Whom a plan hands credentials to.
    pub rotates: Arc<dyn Rotates>,
    /// How long is waited for what.
    pub patience: Patience,
    /// The present: what is judged by lifetimes is judged by this.
    pub clock: SharedClock,
}

/// How long is waited for what.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Pauses before a device that did not answer after a change is asked again.
    pub settle: Vec<Duration>,
    /// The first pause while a device reboots; it doubles up to `most`.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
    /// For a device to go away after it was asked to reboot.
    pub vanish: Duration,
    /// For a device to come back after a reboot that we asked for.
    pub reboot: Duration,
    /// For a device that we were cut off from to come back by itself.
    pub comeback: Duration,
}

impl Patience {
    /// As the policy says; cameras take about two minutes to reboot, and some seconds to take a change.
    pub fn of(policy: &Policy) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        Self {
            settle: vec![seconds(1), seconds(3), seconds(6)],
            first: Duration::from_millis(250),
            most: seconds(5),
            vanish: seconds(60),
            reboot: seconds(policy.change.reboot_limit_s),
            comeback: seconds(policy.change.return_limit_s),
        }
    }
}

/// What is kept of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its configuration before anything was changed. It holds passwords.
    Configuration,
    /// Its web server log before a reboot, which wipes it.
    WebLog,
}

/// Where backups and logs go. Nothing is changed on a device whose configuration could not be kept, and none reboots
/// whose log could not be.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Keeps it, durably.
    ///
    /// # Errors
    /// Why it was not kept, as a clause.
    async fn keep(&self, device: &DeviceName, what: Kept, bytes: Vec<u8>) -> Result<(), String>;

    /// How the backups of a device's configuration stand, where somebody makes them on schedule.
    async fn backups(&self, _: &DeviceName) -> Fact<OwnBackup> {
        Fact::unreadable("nobody here makes backups on schedule")
    }
}
