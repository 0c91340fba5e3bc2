//! Everything that can be done to a camera: a closed list, so that whoever asks "what can this do to my cameras?" reads
//! one file. There is no variant that carries a command, a path or a line of configuration.
//!
//! A change says what is wanted, in values that were checked; what a firmware calls it is the dialect's business.
//! Passwords, keys and certificates are no changes: they are [`Credential`]s, and rotating them is a machine of its own.

mod edit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use proto::{Camera, Disruption, LockoutRisk, Measure};
use serde::{Deserialize, Serialize};

pub use edit::{Differences, Digest, Edit, LineEdit, Shows, Takes, Untranslated};

/// One edit to one camera.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// C04: these groups hold exactly these rights. The group `admins` is never touched.
    SetGroups(BTreeMap<String, BTreeSet<String>>),
    /// C05: the account belongs to that group. Its password stays.
    MoveAccount {
        /// The account.
        name: String,
        /// Its group from then on.
        group: String,
    },
    /// C03, C05: the account is gone. Never the one we log in as.
    RemoveAccount {
        /// The account.
        name: String,
    },
    /// C06: nothing is served to somebody who did not log in.
    ClosePublicAccess,
    /// C07: only these addresses may connect.
    RestrictAddresses(AddressList),
    /// C08: repeated failed log-ins are reported, and the address is blocked.
    DetectIntrusion {
        /// Failed log-ins that trigger it, 5 to 10.
        threshold: u32,
        /// Who hears of it.
        profile: Profile,
    },
    /// C09: crawlers are told to stay out.
    ForbidCrawling,
    /// C10: log-ins use digest authentication only.
    RequireDigest,
    /// C13: errors are reported by a profile that exists.
    ReportErrors {
        /// Who hears of them.
        profile: Profile,
    },
    /// C14: storage failures are looked for.
    DetectStorageFailure,
    /// C15: the web server answers on another port.
    MoveWebPort {
        /// Which of its two doors.
        door: Door,
        /// The port it takes.
        to: u16,
    },
    /// C17: the camera's own OpenVPN client is off.
    StopVpn,
    /// C20: the network port asks for IEEE 802.1X.
    RequireDot1x,
}

/// A notification profile of the camera.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How it reaches somebody.
    pub way: NotifyBy,
    /// Its id: 1 to 40 of `A-Z a-z 0-9 _ . -`.
    pub id: String,
}

/// How a profile reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyBy {
    /// A network message (IP notify).
    Network,
    /// E-mail.
    Mail,
}

/// One of the two doors of a camera's web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// HTTPS. It moves first, with HTTP as the way back.
    Https,
    /// HTTP. It moves second, with HTTPS as the way back.
    Http,
}

/// The addresses that may connect to a camera; all others are refused. IPv4 only: how a camera writes an IPv6 rule is
/// not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressList(BTreeSet<Ipv4Net>);

/// A secret that a device keeps, by what it is; never the secret itself. It is replaced by rotation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// The certificate the camera presents, with its key.
    Certificate,
    /// The key for recordings.
    RecordingKey,
    /// The key for MxMessage, which all cameras of a site share.
    MessageKey,
    /// The password of that account, which is made if there is none of that name.
    Password {
        /// The account.
        account: String,
        /// Its group, where the policy states it.
        group: Option<String>,
    },
}

/// What a change can break at worst, in the order in which changes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing but itself: it is undone the way it was done.
    None,
    /// Somebody other than us may lose a way in.
    Others,
    /// We may be cut off: applied unsaved, proven from a fresh connection, and only then saved.
    CutOff,
}

impl AddressList {
    /// A list of these networks. What another network of the list holds already is left out.
    pub fn new(networks: impl IntoIterator<Item = Ipv4Net>) -> Self {
        Self(Ipv4Net::aggregate(&networks.into_iter().collect()).into_iter().collect())
    }

    /// The networks, lowest address first.
    pub fn networks(&self) -> impl Iterator<Item = Ipv4Net> + '_ {
        self.0.iter().copied()
    }

    /// Whether an address may connect. An IPv4 address written as IPv6 is the same address.
    pub fn admits(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.0.iter().any(|network| network.contains(&address)),
            IpAddr::V6(_) => false,
        }
    }

    /// Whether it lets in everybody, or nobody: then it is no list.
    pub fn is_void(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|network| network.prefix_len() == 0)
    }
}

impl Change {
    /// The measure it cures.
    pub fn measure(&self) -> Measure {
        Measure::Camera(match self {
            Self::SetGroups(_) => Camera::C04Groups,
            Self::MoveAccount { .. } | Self::RemoveAccount { .. } => Camera::C05Users,
            Self::ClosePublicAccess => Camera::C06PublicAccess,
            Self::RestrictAddresses(_) => Camera::C07IpAccess,
            Self::DetectIntrusion { .. } => Camera::C08IntrusionDetection,
            Self::ForbidCrawling => Camera::C09WebCrawling,
            Self::RequireDigest => Camera::C10DigestAuth,
            Self::ReportErrors { .. } => Camera::C13ErrorNotification,
            Self::DetectStorageFailure => Camera::C14StorageFailure,
            Self::MoveWebPort { .. } => Camera::C15Ports,
            Self::StopVpn => Camera::C17Vpn,
            Self::RequireDot1x => Camera::C20Dot1x,
        })
    }

    /// What it can break at worst.
    pub fn risk(&self) -> Risk {
        match self {
            Self::ForbidCrawling
            | Self::ReportErrors { .. }
            | Self::DetectStorageFailure
            | Self::SetGroups(_) => Risk::None,
            Self::ClosePublicAccess | Self::MoveAccount { .. } | Self::RemoveAccount { .. } => {
                Risk::Others
            }
            Self::RequireDigest
            | Self::RestrictAddresses(_)
            | Self::DetectIntrusion { .. }
            | Self::StopVpn
            | Self::RequireDot1x
            | Self::MoveWebPort { .. } => Risk::CutOff,
        }
    }

    /// Its place among the changes to one device: what is harmless first, C07 before C08, what needs a reboot to be seen
    /// last, and of the two doors HTTPS before HTTP.
    pub fn rank(&self) -> u8 {
        match self {
            Self::ForbidCrawling => 0,
            Self::ReportErrors { .. } => 1,
            Self::DetectStorageFailure => 2,
            Self::SetGroups(_) => 3,
            Self::MoveAccount { .. } => 4,
            Self::RemoveAccount { .. } => 5,
            Self::ClosePublicAccess => 6,
            Self::RequireDigest => 7,
            Self::StopVpn => 8,
            Self::RestrictAddresses(_) => 9,
            Self::DetectIntrusion { .. } => 10,
            Self::RequireDot1x => 11,
            Self::MoveWebPort { door: Door::Https, .. } => 12,
            Self::MoveWebPort { door: Door::Http, .. } => 13,
        }
    }

    /// What it costs the camera's users at worst, apart from a reboot that it may need.
    pub fn disruption(&self) -> Disruption {
        match self {
            Self::ForbidCrawling
            | Self::ReportErrors { .. }
            | Self::DetectStorageFailure
            | Self::DetectIntrusion { .. }
            | Self::SetGroups(_) => Disruption::None,
            Self::ClosePublicAccess
            | Self::MoveAccount { .. }
            | Self::RemoveAccount { .. }
            | Self::RequireDigest => Disruption::VideoGap,
            Self::MoveWebPort { .. } => Disruption::Reboot,
            Self::RestrictAddresses(_) | Self::StopVpn | Self::RequireDot1x => Disruption::LinkLoss,
        }
    }

    /// How easily it locks us out, done wrong.
    pub fn lockout_risk(&self) -> LockoutRisk {
        match self.risk() {
            Risk::None => LockoutRisk::None,
            Risk::Others => match self {
                Self::MoveAccount { .. } | Self::RemoveAccount { .. } => LockoutRisk::Recoverable,
                _ => LockoutRisk::None,
            },
            Risk::CutOff => match self {
                Self::RestrictAddresses(_) | Self::RequireDot1x => LockoutRisk::Severe,
                _ => LockoutRisk::Recoverable,
            },
        }
    }

    /// How it is undone, as a sentence.
    pub fn undo(&self) -> &'static str {
        match self {
            Self::MoveWebPort { .. } => {
                "The old port is written back through the other port of the web server, and the camera reboots."
            }
            _ => {
                "The lines are written back as they were; before they are saved, a reboot does the same by itself."
            }
        }
    }

    /// From when on it is not undone by a reboot, as a sentence.
    pub fn point_of_no_return(&self) -> &'static str {
        match self {
            Self::MoveWebPort { .. } => {
                "When the configuration is saved, before the new port is proven: it only answers after a reboot."
            }
            _ => {
                "When the configuration is saved, after the change was proven from a fresh connection."
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetGroups(groups) => {
                let names: Vec<&str> = groups.keys().map(String::as_str).collect();
                write!(out, "give the groups {} exactly their rights", names.join(", "))
            }
            Self::MoveAccount { name, group } => {
                write!(out, "move {name:?} to the group {group:?}")
            }
            Self::RemoveAccount { name } => write!(out, "remove the account {name:?}"),
            Self::ClosePublicAccess => out.write_str("close public access"),
            Self::RestrictAddresses(list) => {
                let networks: Vec<String> = list.networks().map(written).collect();
                write!(out, "let only {} connect", networks.join(", "))
            }
            Self::DetectIntrusion { threshold, profile } => {
                write!(out, "after {threshold} failed log-ins tell {profile} and block the address")
            }
            Self::ForbidCrawling => out.write_str("tell crawlers to stay out"),
            Self::RequireDigest => out.write_str("take log-ins by digest only"),
            Self::ReportErrors { profile } => write!(out, "report errors by {profile}"),
            Self::DetectStorageFailure => out.write_str("look for storage failures"),
            Self::MoveWebPort { door, to } => write!(out, "move {door} to port {to}"),
            Self::StopVpn => out.write_str("switch the camera's OpenVPN client off"),
            Self::RequireDot1x => out.write_str("switch IEEE 802.1X on"),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            NotifyBy::Network => "network message",
            NotifyBy::Mail => "mail",
        };
        write!(out, "{way} profile {}", self.id)
    }
}

impl fmt::Display for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Https => "HTTPS",
            Self::Http => "HTTP",
        })
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate => out.write_str("the certificate"),
            Self::RecordingKey => out.write_str("the key for recordings"),
            Self::MessageKey => out.write_str("the key for MxMessage"),
            Self::Password { account, .. } => write!(out, "the password of {account:?}"),
        }
    }
}

/// A network as the guide's example shows it (measure 7): an address alone, or with its mask in full.
pub fn written(network: Ipv4Net) -> String {
    if network.prefix_len() == 32 {
        return network.addr().to_string();
    }
    let mask: Ipv4Addr = network.netmask();
    format!("{}/{mask}", network.network())
}

#[cfg(test)]
mod tests;
