//! RAM and flash: what is lost at a reboot and what is not, and what of it is in force.

use std::sync::Arc;

use super::access::Access;
use super::addresses::Addresses;
use super::auth::{Nonces, Offer};
use super::configuration::Configuration;
use super::faults::{Fault, Faults};
use super::intrusion::{Intrusion, Settings};
use super::media::Slot;
use super::weblog::WebLog;

/// Everything the camera remembers.
#[derive(Debug)]
pub struct Memory {
    /// The running configuration; lost at a reboot.
    pub ram: Configuration,
    /// The stored configuration.
    pub flash: Configuration,
    /// The custom certificate, if one was uploaded; kept in flash.
    pub slot: Slot,
    /// The key that recordings are encrypted with: what it booted with, since a change needs a reboot. That this line is
    /// that key is inferred.
    pub recording_key: String,
    /// Users and lists in force.
    pub access: Arc<Access>,
    /// The IP access list in force.
    pub addresses: Addresses,
    /// Schemes in force.
    pub offer: Offer,
    /// Intrusion detection in force.
    pub intrusion_settings: Settings,
    /// Failed log-ins and blocked sources; lost at a reboot.
    pub intrusion: Intrusion,
    /// Nonces handed out; lost at a reboot.
    pub nonces: Nonces,
    /// The web server log; lost at a reboot.
    pub log: WebLog,
    /// What it does wrong. No reboot heals that.
    pub faults: Arc<Faults>,
}

impl Memory {
    /// A camera that has just booted with that flash.
    pub fn new(flash: Configuration, faults: Faults) -> Self {
        let mut memory = Self {
            ram: flash.clone(),
            intrusion_settings: Settings::of(&flash),
            flash,
            slot: Slot::default(),
            recording_key: String::new(),
            access: Arc::default(),
            addresses: Addresses::default(),
            offer: Offer::Both,
            intrusion: Intrusion::default(),
            nonces: Nonces::default(),
            log: WebLog::default(),
            faults: Arc::new(faults),
        };
        memory.take_key();
        memory.apply();
        memory
    }

    /// What a reboot does: RAM becomes what flash holds, and what only RAM held is gone.
    pub fn boot(&mut self) {
        self.ram = self.flash.clone();
        self.intrusion = Intrusion::default();
        self.nonces = Nonces::default();
        self.log = WebLog::default();
        self.take_key();
        self.apply();
    }

    fn take_key(&mut self) {
        let key = self.flash.value("fileserver", "SECURITY_PASSWORD");
        self.recording_key = key.unwrap_or_default();
    }

    /// What `update` does: the running processes take the running configuration.
    pub fn apply(&mut self) {
        let addresses = Addresses::of(&self.ram);
        let misread = self.faults.has("", Fault::MisreadsAddressList) && self.ram != self.flash;
        self.addresses = if misread { addresses.shut() } else { addresses };
        self.access = Arc::new(Access::of(&self.ram));
        self.intrusion_settings = Settings::of(&self.ram);
        self.offer = match self.ram.value("httpd", "AUTHTYPE").as_deref() {
            Some("basic") => Offer::Basic,
            Some("digest") => Offer::Digest,
            Some(_) | None => Offer::Both,
        };
    }

    /// Whether it refuses every log-in at present.
    pub fn has_lost_logins(&self) -> bool {
        self.faults.has("", Fault::LosesLogins) && self.ram != self.flash
    }

    /// The firmware, from the `timestamp` section or the second line.
    pub fn firmware(&self) -> String {
        self.ram.value("timestamp", "VERSION").unwrap_or_else(|| {
            let head = self.ram.bytes();
            let text = String::from_utf8_lossy(head.get(..200).unwrap_or(&head)).into_owned();
            text.lines().nth(1).unwrap_or_default().trim_start_matches("#:").to_owned()
        })
    }
}
