//! What a measure may know besides the facts: the policy, the advisories, and what people vouch for.

use std::net::IpAddr;

use proto::finding::Attestation;
use proto::{DeviceName, Policy, Timestamp};

use crate::firmware::Advisories;

/// The surroundings a device is judged in.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// What the site should be.
    pub policy: &'a Policy,
    /// What vendors say about firmware.
    pub advisories: &'a Advisories,
    /// The device judged.
    pub device: &'a DeviceName,
    /// The time of the observation, which is the time judged by.
    pub now: Timestamp,
    /// What people vouch for about the device.
    pub attestations: &'a [Attestation],
    /// Addresses of the video management workstations that the site file gives; the policy may name more.
    pub vms_addresses: &'a [IpAddr],
}

impl Site<'_> {
    /// Whether `address` is a video management workstation, as far as site file and policy say.
    /// An IPv4 address written as IPv6 (`::ffff:10.1.2.3`) is the same address.
    pub fn is_vms(&self, address: IpAddr) -> bool {
        let mut known = self.vms_addresses.iter().chain(&self.policy.networks.vms);
        known.any(|vms| vms.to_canonical() == address.to_canonical())
    }

    /// Whether any video management workstation is known.
    pub fn knows_vms(&self) -> bool {
        !self.vms_addresses.is_empty() || !self.policy.networks.vms.is_empty()
    }
}
