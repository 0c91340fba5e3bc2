//! What the 22 camera measures, and V04, read. One field per thing; what it rests on is in `evidence` under the
//! field's name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{OwnBackup, WebLogSummary};
use serde::{Deserialize, Serialize};

use super::cure::not_gathered;
use super::{EvidenceBook, Fact, NotifyProfile, Setting};
use crate::firmware::Version;

/// Everything read from one camera, or from the configuration it exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraFacts {
    /// Firmware version (C01).
    pub firmware: Fact<Version>,
    /// Model, such as `M16` (C01).
    pub model: Fact<String>,
    /// The accounts that can log in (C03, C04, C05).
    pub accounts: Fact<Vec<Account>>,
    /// The policy's password rules that the password we logged in with breaks, as clauses (C03). Empty: none.
    pub login_password: Fact<Vec<String>>,
    /// Group name to the rights it holds, each named as the configuration names it (C04).
    pub groups: Fact<BTreeMap<String, BTreeSet<String>>>,
    /// The rights that the configuration marks as public (C06).
    pub public_rights: Fact<Setting<BTreeSet<String>>>,
    /// What the camera served to a stranger who did not log in (C06).
    pub public_pages: Fact<Vec<PublicPage>>,
    /// The IP access list (C07).
    pub ip_access: Fact<Setting<IpAccess>>,
    /// Intrusion detection (C08).
    pub intrusion: Fact<Setting<Intrusion>>,
    /// The setting about crawlers (C09).
    pub crawling: Fact<Setting<Crawling>>,
    /// What `/robots.txt` says (C09).
    pub robots: Fact<Robots>,
    /// The setting about authentication (C10).
    pub auth_setting: Fact<Setting<AuthSetting>>,
    /// Which schemes the camera offers in its challenge, in lower case, such as `basic` and `digest` (C10).
    pub auth_offered: Fact<BTreeSet<String>>,
    /// What happened to a log-in with Basic although it was not offered (C10).
    pub basic_login: Fact<BasicLogin>,
    /// Whether a key for recordings is set (C11).
    pub recording_key: Fact<Setting<KeyState>>,
    /// MxMessage (C12).
    pub messages: Fact<Setting<Messages>>,
    /// Error notification (C13).
    pub error_notification: Fact<Setting<Notification>>,
    /// Storage failure detection (C14).
    pub storage_check: Fact<Setting<StorageCheck>>,
    /// The web ports that took a connection, and those that did not (C15).
    pub web_ports: Fact<Vec<PortSighting>>,
    /// What the camera presents over TLS (C16).
    pub tls: Fact<TlsSighting>,
    /// The OpenVPN client (C17).
    pub vpn: Fact<Setting<VpnClient>>,
    /// The addresses the camera is set to, or was reached at (C16, C18).
    pub addresses: Fact<Vec<IpAddr>>,
    /// Whether the camera tags its traffic with a VLAN of its own (C19).
    pub vlan: Fact<Setting<bool>>,
    /// Whether IEEE 802.1X is on (C20).
    pub dot1x: Fact<Setting<bool>>,
    /// The web server log, summarised (C21, V04).
    pub web_log: Fact<WebLogSummary>,
    /// How many passwords the exported configuration holds in clear, apart from the hashed log-ins (C22).
    pub clear_secrets: Fact<u32>,
    /// The camera's clock minus ours, in seconds.
    pub clock_offset: Fact<i64>,
    /// The address of ours that the camera sees, unless it is translated on the way (C07).
    #[serde(default = "not_gathered")]
    pub own_address: Fact<IpAddr>,
    /// The notification profiles there are (C08, C13).
    #[serde(default = "not_gathered")]
    pub notify_profiles: Fact<Vec<NotifyProfile>>,
    /// When the camera reboots by itself, as its time tasks say; empty: never. What an unsaved change does not survive.
    #[serde(default = "not_gathered")]
    pub own_reboots: Fact<Vec<String>>,
    /// The agent's own backup of the configuration (C22); no device tells of it.
    #[serde(default = "not_gathered")]
    pub backup: Fact<OwnBackup>,
    /// What the facts rest on.
    pub evidence: EvidenceBook,
}

impl CameraFacts {
    /// A camera of which nothing was read, for the same reason throughout.
    pub fn unread(reason: &str) -> Self {
        Self {
            firmware: Fact::unreadable(reason),
            model: Fact::unreadable(reason),
            accounts: Fact::unreadable(reason),
            login_password: Fact::unreadable(reason),
            groups: Fact::unreadable(reason),
            public_rights: Fact::unreadable(reason),
            public_pages: Fact::unreadable(reason),
            ip_access: Fact::unreadable(reason),
            intrusion: Fact::unreadable(reason),
            crawling: Fact::unreadable(reason),
            robots: Fact::unreadable(reason),
            auth_setting: Fact::unreadable(reason),
            auth_offered: Fact::unreadable(reason),
            basic_login: Fact::unreadable(reason),
            recording_key: Fact::unreadable(reason),
            messages: Fact::unreadable(reason),
            error_notification: Fact::unreadable(reason),
            storage_check: Fact::unreadable(reason),
            web_ports: Fact::unreadable(reason),
            tls: Fact::unreadable(reason),
            vpn: Fact::unreadable(reason),
            addresses: Fact::unreadable(reason),
            vlan: Fact::unreadable(reason),
            dot1x: Fact::unreadable(reason),
            web_log: Fact::unreadable(reason),
            clear_secrets: Fact::unreadable(reason),
            clock_offset: Fact::unreadable(reason),
            own_address: Fact::unreadable(reason),
            notify_profiles: Fact::unreadable(reason),
            own_reboots: Fact::unreadable(reason),
            backup: Fact::unreadable(reason),
            evidence: EvidenceBook::default(),
        }
    }

    /// Whether the account of that name is an administrator: its group is the one that is always there and may do
    /// everything (camera help on users), or holds the right to the Admin Menu. That a group does not hold it is only
    /// believed where some group was seen to: else the right may not have been read at all.
    pub fn administrator(&self, user: &str) -> Fact<bool> {
        let accounts = match &self.accounts {
            Fact::Seen(accounts) => accounts,
            Fact::Absent => return Fact::unreadable("the camera shows no accounts"),
            Fact::Unreadable(reason) => return Fact::unreadable(reason.clone()),
        };
        let Some(account) = accounts.iter().find(|account| account.name == user) else {
            return Fact::unreadable("the camera no longer has an account of that name");
        };
        if account.group == "admins" {
            return Fact::Seen(true);
        }
        let holds =
            |rights: &BTreeSet<String>| rights.contains("admin_acl") || rights.contains("admin");
        match &self.groups {
            Fact::Seen(groups) => match groups.get(&account.group) {
                Some(rights) if holds(rights) => Fact::Seen(true),
                Some(_) if groups.values().any(holds) => Fact::Seen(false),
                Some(_) | None => {
                    Fact::unreadable("which groups may open the Admin Menu could not be read")
                }
            },
            Fact::Absent => Fact::unreadable("the camera shows no groups"),
            Fact::Unreadable(reason) => Fact::unreadable(reason.clone()),
        }
    }
}

/// An account that can log in. Unused placeholders are not accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Whether its password is the one the camera left the factory with.
    pub factory_password: Fact<bool>,
}

impl<T: PartialOrd> PartialOrd for Fact<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.seen().partial_cmp(&other.seen())
    }
}

impl<T: Ord> Ord for Fact<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.seen().cmp(&other.seen())
    }
}

/// A page asked for without a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicPage {
    /// The path, such as `/control/event.jpg`.
    pub path: String,
    /// The HTTP status that came back.
    pub status: u16,
    /// Whether content came back rather than a demand to log in, a refusal or a redirect.
    pub served: bool,
}

/// The IP access list as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpAccess {
    /// Whether access control is on.
    pub enabled: bool,
    /// The rules as written, such as `allow 10.1.0.0/16`; empty if only the switch could be read.
    pub rules: Vec<String>,
    /// Whether addresses that no rule names are refused.
    pub refuses_others: Option<bool>,
}

/// Intrusion detection as far as it can be read. `None`: that key could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intrusion {
    /// Whether it is on.
    pub enabled: bool,
    /// Failed log-ins that trigger it; the dialog takes 5 or more.
    pub threshold: Option<u32>,
    /// Whether the address is blocked, which only works while the IP access list is on.
    pub blocks: Option<bool>,
    /// Whether a notification by mail or network message is set.
    pub notifies: Option<bool>,
}

/// The setting about crawlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crawling {
    /// Crawlers are told to come in.
    Allowed,
    /// Crawlers are told to stay out.
    Forbidden,
}

/// What `/robots.txt` says to a crawler that honours it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Robots {
    /// Everything is disallowed to everyone.
    DisallowsAll,
    /// Something is open to someone.
    AllowsSome,
    /// There is no such page, which crawlers read as permission.
    NoPage,
    /// The page wants a login, so that crawlers get nothing there.
    WantsLogin,
}

/// The setting about authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthSetting {
    /// Basic only.
    Basic,
    /// Digest only.
    Digest,
    /// Either, as the client likes.
    Auto,
    /// A value that the dialect does not know.
    Other(String),
}

/// What happened to a log-in with Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BasicLogin {
    /// It was let in.
    Accepted,
    /// It was refused.
    Refused,
}

/// Whether a key is set. Never the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Something is set.
    Set,
    /// Nothing is set.
    Empty,
}

/// MxMessage as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// Whether messages are exchanged with other cameras.
    pub enabled: bool,
    /// The key for them.
    pub key: Option<KeyState>,
}

/// Who hears of errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Ways that reach somebody elsewhere, such as `network message profile ipnotify0`.
    pub remote: Vec<String>,
    /// Ways that are noticed only at the camera or in its picture, such as `LED`.
    pub local: Vec<String>,
    /// Remote ways that are named but lead nowhere, such as a profile that does not exist.
    pub dangling: Vec<String>,
    /// Remote ways whose keys the dialect does not know, such as `mail`.
    pub unread: Vec<String>,
}

/// Storage failure detection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCheck {
    /// Whether it is on.
    pub enabled: bool,
    /// Whether at least one test is chosen.
    pub tests: Option<bool>,
    /// Who hears of a failure.
    pub notification: Notification,
}

/// One web port that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSighting {
    /// The TCP port.
    pub port: u16,
    /// Whether it took the connection; `None` if nothing came back at all, as behind a firewall.
    pub open: Option<bool>,
}

/// What the camera presents over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsSighting {
    /// A handshake with TLS 1.2 or 1.3 came about.
    Secure {
        /// `TLSv1.2` or `TLSv1.3`.
        version: String,
        /// What it presented.
        certificate: Box<certs::Leaf>,
    },
    /// It offers only what is older than TLS 1.2, or no cipher that is still safe: why that is concluded.
    Legacy(String),
    /// No TLS at all on the HTTPS port.
    None,
}

/// The OpenVPN client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnClient {
    /// Whether it is on.
    pub enabled: bool,
    /// Whether a server is named.
    pub server_named: bool,
}
