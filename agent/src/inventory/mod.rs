//! The inventory: what each device of the site was like when it last answered, and who else is on its network. Pure.
//!
//! Out of it come three signs: a new device, a gone device, a changed certificate. It survives restarts as bytes that
//! others store. What it takes in is bounded; what was entered by a wrong clock is not believed for longer than a look.

mod logins;
mod signs;
mod stranger;

use std::collections::{BTreeMap, BTreeSet};

use certs::Pin;
use proto::{DeviceName, Timestamp};
use serde::{Deserialize, Serialize};

pub use logins::{Leave, Logins, MOST_A_DAY, Mark, Occasion};
pub use signs::new_device;
pub use stranger::{MAX_STRANGERS, Mac, Sighting, Stranger};

/// What one silent look adds at most to a device's silence, in seconds: looks are at most so far apart, and a clock that
/// jumps makes nobody gone.
const LONGEST_STEP: i64 = 8 * 3600;
/// Inventories larger than this are not read, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// What is known of a site's devices and of strangers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    version: u32,
    devices: BTreeMap<DeviceName, Known>,
    strangers: BTreeMap<Mac, Stranger>,
}

/// What is known of one device, between looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Which log-ins it refused.
    pub logins: Logins,
    /// SHA-256 of the last report of it that was handed on.
    pub reported: Option<[u8; 32]>,
    /// When questions that may cost a failed log-in were last answered.
    pub answered_questions_at: Option<Timestamp>,
    /// When they may be asked again.
    pub ask_again_at: Option<Timestamp>,
    /// The certificate it is held to: the site file's, or the first one seen.
    accepted: Option<Pin>,
    /// Another one that it presented since.
    presented: Option<Pin>,
    /// When it last answered, whatever it said.
    answered_at: Option<Timestamp>,
    /// When it was last looked at.
    looked_at: Option<Timestamp>,
    /// How long it has not answered while others did, in seconds.
    silent: i64,
}

/// One look at a device on the network, as far as the inventory is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// Whether anything came back.
    pub answered: bool,
    /// The certificate it presented, if it got that far.
    pub pin: Option<Pin>,
    /// The certificate that the site file holds it to.
    pub wanted: Option<Pin>,
}

/// Why stored bytes are no inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored is no inventory of this version")]
pub struct NoInventory;

impl Inventory {
    const VERSION: u32 = 1;

    /// Reads what [`Inventory::to_bytes`] made.
    ///
    /// # Errors
    /// Anything else; then one begins with an empty one, and everything is observed again.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoInventory> {
        if bytes.len() > MAX_BYTES {
            return Err(NoInventory);
        }
        let mut read: Self = serde_json::from_slice(bytes).map_err(|_| NoInventory)?;
        let good = read.version == Self::VERSION && read.strangers.len() <= MAX_STRANGERS;
        read.version = 0;
        if good { Ok(read) } else { Err(NoInventory) }
    }

    /// The inventory as bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = Self { version: Self::VERSION, ..self.clone() };
        serde_json::to_vec(&stored).expect("maps with text for keys are JSON")
    }

    /// What is known of a device.
    pub fn known(&self, name: &DeviceName) -> Option<&Known> {
        self.devices.get(name)
    }

    /// The same, to be written to. A device that was never seen is entered.
    pub fn entry(&mut self, name: &DeviceName) -> &mut Known {
        self.devices.entry(name.clone()).or_default()
    }

    /// From now on these are the site's devices; gives those that are forgotten.
    pub fn keep_only(&mut self, names: &BTreeSet<&DeviceName>) -> Vec<DeviceName> {
        let gone = self.devices.keys().filter(|name| !names.contains(name)).cloned().collect();
        self.devices.retain(|name, _| names.contains(name));
        gone
    }

    /// Enters a look at a device of the site. Silence counts only while another device of the site answers: a network
    /// that is down makes nobody gone.
    pub fn looked(&mut self, name: &DeviceName, look: Look) {
        let others_answer = self.others_answer(name);
        let known = self.entry(name);
        known.logins.settle(look.at);
        let step = known.looked_at.map_or(0, |last| look.at.seconds_since(last));
        if look.answered {
            known.answered_at = Some(look.at);
            known.silent = 0;
        } else if others_answer {
            known.silent = known.silent.saturating_add(step.clamp(0, LONGEST_STEP));
        }
        known.looked_at = Some(look.at);
        let was_another = known.is_another();
        known.compare(look.pin, look.wanted);
        if was_another && !known.is_another() {
            known.logins.pardon();
        }
    }

    /// Whether another device answered when it was last looked at, or there is no other.
    fn others_answer(&self, name: &DeviceName) -> bool {
        let mut others = self.devices.iter().filter(|(other, _)| *other != name).peekable();
        others.peek().is_none() || others.any(|(_, other)| other.answers())
    }
}

impl Known {
    /// Whether it answered the last look at it.
    fn answers(&self) -> bool {
        self.answered_at.is_some() && self.answered_at == self.looked_at
    }

    /// Whether it last presented another certificate than the one it is held to.
    pub fn is_another(&self) -> bool {
        self.presented.is_some()
    }

    /// The certificate it is held to, though nobody need have vouched for it.
    pub fn accepted(&self) -> Option<Pin> {
        self.accepted
    }

    /// It was given this certificate by us, and is held to it from now on.
    pub fn hold_to(&mut self, pin: Pin) {
        self.accepted = Some(pin);
        self.presented = None;
    }

    /// The site file's word counts for more than what was seen first. What is presented and not accepted is noted until
    /// the accepted one is back or the site file names the new one.
    fn compare(&mut self, seen: Option<Pin>, wanted: Option<Pin>) {
        self.accepted = wanted.or(self.accepted).or(seen);
        match seen {
            Some(seen) if self.accepted == Some(seen) => self.presented = None,
            Some(seen) => self.presented = Some(seen),
            None if self.presented == self.accepted => self.presented = None,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
