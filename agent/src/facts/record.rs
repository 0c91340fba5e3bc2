//! A record of observations: everything a judgment depends on besides policy and advisories, so that judging the
//! stored facts again gives the same report to the byte.

use std::net::IpAddr;

use proto::finding::Attestation;
use proto::{DeviceName, Timestamp};
use serde::{Deserialize, Serialize};

use super::Facts;

/// What kind of device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A MOBOTIX camera.
    Mobotix,
    /// A video management workstation.
    Vms,
    /// Network attached storage.
    Nas,
}

/// Where the facts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Read from the device over the network.
    Live,
    /// Read from a configuration file that the device exported.
    File,
    /// Declared in the site file only.
    Declared,
}

/// The head of a report: which device this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its name in the site.
    pub name: DeviceName,
    /// What it is.
    pub kind: Kind,
    /// Where the facts come from.
    pub source: Source,
    /// Address or file name as it was given; never with credentials.
    pub address: String,
    /// Product line, such as `MOBOTIX P3`.
    pub product: Option<String>,
    /// Model, such as `M16`.
    pub model: Option<String>,
    /// Firmware as the device writes it, such as `MX-V4.7.3.11-r4`.
    pub firmware: Option<String>,
    /// Serial number, which on a MOBOTIX camera is its factory address.
    pub serial: Option<String>,
    /// SHA-256 of the certificate it presented, as `sha256:` and 64 hex digits.
    pub pin: Option<String>,
}

/// Why a device could not be observed, classed by what may be concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No answer, or not in time.
    Unreachable,
    /// It answered and would not let us in.
    Refused,
    /// It understood and would not do it.
    Rejected,
    /// It, or we, cannot do this.
    Unsupported,
    /// What it answered makes no sense.
    Nonsense,
}

/// Why a device could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What may be concluded.
    pub class: FailureClass,
    /// What went wrong, and what to do.
    pub message: String,
}

/// One look at one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Which device.
    pub device: Device,
    /// When, by the agent's clock. Lifetimes, waivers and attestations are judged at this time.
    pub observed_at: Timestamp,
    /// The facts, or why there are none.
    pub outcome: Result<Facts, Failure>,
    /// What people vouch for about this device.
    pub attestations: Vec<Attestation>,
    /// Addresses of the site's video management workstations, as the site file gives them.
    pub vms_addresses: Vec<IpAddr>,
}

/// A file of observations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this format: [`Record::FORMAT`].
    pub palisade_facts: u32,
    /// The version of the agent that looked.
    pub agent: String,
    /// The site's name, if a site file gave one.
    pub site: Option<String>,
    /// Whether one device was asked for (`audit TARGET`), which decides the shape of the report.
    pub single: bool,
    /// In the order of the site file or the command line.
    pub observations: Vec<Observation>,
}

impl Record {
    /// The version of this format.
    pub const FORMAT: u32 = 1;
}
