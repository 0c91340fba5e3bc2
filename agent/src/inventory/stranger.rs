//! Who is on the site's networks and in no site file.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use proto::{DeviceName, Evidence, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Inventory, LONGEST_STEP};

/// More strangers than this are not kept: who can make up so many addresses can make up more.
pub const MAX_STRANGERS: usize = 256;
/// Evidence kept per stranger.
const MAX_EVIDENCE: usize = 8;
/// A stranger not seen for so long is forgotten, in seconds of looking.
const FORGOTTEN_AFTER: i64 = 7 * 86_400;

/// A hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

/// The text is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no hardware address; one is written 00:03:c5:0c:9f:25")]
pub struct BadMac;

impl Mac {
    /// Whether it was made by MOBOTIX: its first half is the one registered for that maker.
    pub fn is_mobotix(self) -> bool {
        self.0.starts_with(&[0x00, 0x03, 0xc5])
    }

    /// Whether it can be a device's own: neither empty nor one for many at once.
    pub fn is_a_device(self) -> bool {
        self.0 != [0; 6] && self.0[0] & 1 == 0
    }

    /// The address that a MOBOTIX camera with this hardware address left the factory with, which is its serial number:
    /// 10 and the second half.
    pub fn factory_address(self) -> String {
        let [_, _, _, x, y, z] = self.0;
        format!("10.{x}.{y}.{z}")
    }
}

impl FromStr for Mac {
    type Err = BadMac;

    fn from_str(text: &str) -> Result<Self, BadMac> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(BadMac)?;
            let digits = part.chars().all(|c| c.is_ascii_hexdigit());
            *byte = u8::from_str_radix(part, 16).ok().filter(|_| digits).ok_or(BadMac)?;
        }
        if parts.next().is_some() { Err(BadMac) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl TryFrom<String> for Mac {
    type Error = BadMac;

    fn try_from(text: String) -> Result<Self, BadMac> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// A device on one of the site's networks, with what tells that it is a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its hardware address.
    pub mac: Mac,
    /// Where it is.
    pub address: IpAddr,
    /// What tells that it is a camera.
    pub evidence: Vec<Evidence>,
}

/// A device that is in no site file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stranger {
    /// Where it was last seen.
    pub address: IpAddr,
    /// What tells that it is a camera.
    pub evidence: Vec<Evidence>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When somebody last looked, and it was there.
    pub last_seen: Timestamp,
    /// SHA-256 of the last report of it that was handed on.
    pub reported: Option<[u8; 32]>,
    looked_at: Timestamp,
    /// How long it was not seen, in seconds of looking.
    missing: i64,
}

impl Inventory {
    /// Enters what a look at the networks showed; gives the names of those forgotten: not seen for a week, or known by
    /// now, because the site file names their address (`own`) or their serial number (`serials`).
    pub fn surveyed(
        &mut self,
        sightings: Vec<Sighting>,
        own: &BTreeSet<IpAddr>,
        serials: &BTreeSet<String>,
        now: Timestamp,
    ) -> Vec<DeviceName> {
        let is_own = |mac: &Mac, address: &IpAddr| {
            own.contains(&address.to_canonical())
                || (mac.is_mobotix() && serials.contains(&mac.factory_address()))
        };
        let mut seen = BTreeSet::new();
        for Sighting { mac, address, mut evidence } in sightings {
            let is_full = self.strangers.len() >= MAX_STRANGERS;
            if is_own(&mac, &address) || (is_full && !self.strangers.contains_key(&mac)) {
                continue;
            }
            seen.insert(mac);
            evidence.truncate(MAX_EVIDENCE);
            let known = self.strangers.remove(&mac);
            let (first_seen, reported) =
                known.map_or((now, None), |known| (known.first_seen, known.reported));
            let stranger = Stranger {
                address,
                evidence,
                first_seen,
                last_seen: now,
                reported,
                looked_at: now,
                missing: 0,
            };
            self.strangers.insert(mac, stranger);
        }
        for (_, stranger) in self.strangers.iter_mut().filter(|(mac, _)| !seen.contains(mac)) {
            let step = now.seconds_since(stranger.looked_at).clamp(0, LONGEST_STEP);
            stranger.missing = stranger.missing.saturating_add(step);
            stranger.looked_at = now;
        }
        let ended =
            |mac: &Mac, it: &Stranger| it.missing >= FORGOTTEN_AFTER || is_own(mac, &it.address);
        let gone: Vec<_> =
            self.strangers.iter().filter(|(mac, it)| ended(mac, it)).map(|(mac, _)| *mac).collect();
        gone.iter().for_each(|mac| drop(self.strangers.remove(mac)));
        gone.into_iter().map(stranger_name).collect()
    }

    /// The strangers, each with the name it is reported by.
    pub fn strangers(&self) -> impl Iterator<Item = (DeviceName, Mac, &Stranger)> {
        self.strangers.iter().map(|(mac, stranger)| (stranger_name(*mac), *mac, stranger))
    }

    /// Notes what was reported of a stranger.
    pub fn stranger_reported(&mut self, mac: Mac, digest: [u8; 32]) {
        if let Some(stranger) = self.strangers.get_mut(&mac) {
            stranger.reported = Some(digest);
        }
    }
}

/// The name a stranger is reported by, such as `new-00:03:c5:0c:9f:25`.
fn stranger_name(mac: Mac) -> DeviceName {
    DeviceName::from_lossy(&format!("new-{mac}"))
}
