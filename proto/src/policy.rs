//! What a site should be: a stance per measure, the parameters measures are judged by, and waivers.
//!
//! The file is TOML; every key has a default, so an empty file is a policy. The keys are described where they
//! are declared, and `policy.example.toml` in the repository shows them all.

mod backup;
mod certificates;
mod change;
mod rotation;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::finding::Waiver;
use crate::text::{TomlError, parse_toml};
use crate::{DeviceName, Measure, Secret, Timestamp};

pub use backup::BackupRules;
pub use certificates::Certificates;
pub use change::{BadTimeOfDay, ChangeRules, Coverage, TimeOfDay, Weekday, Window};
pub use rotation::{EscrowRule, ProofRule, RotationRules};
pub use watch::WatchRules;

/// What is to be done about a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Judged and shown, but outside every count and exit code.
    Ignore,
    /// Judged, shown and counted. The default.
    #[default]
    Report,
    /// As `report`, and cured where a cure is known.
    Enforce,
}

/// A site's policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Measure code to stance. Default for each: `report`.
    pub stances: BTreeMap<Measure, Stance>,
    /// What a good password is (C03, N02).
    pub passwords: PasswordRules,
    /// Which addresses belong (C07, C21).
    pub networks: Networks,
    /// Which ports are the standard ones (C15).
    pub web_ports: WebPorts,
    /// Who has an account (C03, C05).
    pub accounts: Accounts,
    /// Whose certificates count as our own (C16).
    pub certificates: Certificates,
    /// Which firmware is wanted (C01).
    pub firmware: Firmware,
    /// Whether anybody reaches the site from outside (C17).
    pub remote_access: RemoteAccess,
    /// When the web server log is worrying (C21).
    pub web_log: WebLog,
    /// When and how devices may be changed, and what cures need to know.
    pub change: ChangeRules,
    /// How configurations are backed up (C22).
    pub backup: BackupRules,
    /// What the web server logs are watched for.
    pub watch: WatchRules,
    /// Which credentials are replaced, when, and how carefully.
    pub rotation: RotationRules,
    /// Accepted unmet measures.
    pub waivers: Vec<Waiver>,
}

/// `[passwords]`: the guide's rules for measure 3, and words nobody should use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordRules {
    /// Fewest characters, 1 to 99. Default 8 (guide, measure 3).
    pub min_length: usize,
    /// Most characters, up to 99, which is the most a camera takes. Default 99 (guide, measure 3).
    pub max_length: usize,
    /// Whether upper case, lower case, digit and special character must all occur. Default true (guide, measure 3).
    pub all_classes: bool,
    /// Words that may not occur in a password, in any case. Default: vendor words and common ones.
    pub forbidden_words: Vec<String>,
}

impl Default for PasswordRules {
    fn default() -> Self {
        let words = ["meinsm", "mobotix", "password", "passwort", "admin", "qwerty", "123456"];
        let forbidden_words = words.map(str::to_owned).to_vec();
        Self { min_length: 8, max_length: 99, all_classes: true, forbidden_words }
    }
}

impl PasswordRules {
    /// The rules that `password` breaks, each as a clause such as `has no digit`; empty when it is good.
    /// What is returned never holds any part of the password.
    pub fn shortfalls(&self, password: &Secret) -> Vec<String> {
        let text = password.expose();
        let length = text.chars().count();
        let mut broken = Vec::new();
        if length < self.min_length {
            broken.push(format!("is shorter than {} characters", self.min_length));
        }
        if length > self.max_length {
            broken.push(format!("is longer than {} characters", self.max_length));
        }
        if self.all_classes {
            let classes: [(&str, fn(char) -> bool); 4] = [
                ("has no upper-case letter", |c| c.is_ascii_uppercase()),
                ("has no lower-case letter", |c| c.is_ascii_lowercase()),
                ("has no digit", |c| c.is_ascii_digit()),
                ("has no special character", |c| c.is_ascii_punctuation()),
            ];
            broken.extend(
                classes
                    .iter()
                    .filter(|(_, is)| !text.chars().any(is))
                    .map(|(what, _)| (*what).to_owned()),
            );
        }
        let lower = zeroize::Zeroizing::new(text.to_lowercase());
        if self
            .forbidden_words
            .iter()
            .any(|word| !word.is_empty() && lower.contains(&word.to_lowercase()))
        {
            broken.push("holds a word that is easily guessed".to_owned());
        }
        broken
    }
}

/// `[networks]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Networks {
    /// Networks whose members may use the cameras; anyone else in a web server log is a stranger. Default: none stated.
    pub allowed: Vec<IpNet>,
    /// Addresses of video management workstations, besides those of the site file. Default: none.
    pub vms: Vec<IpAddr>,
    /// Addresses of storage that cameras and people use, besides those of the site file; an IP access list always lets
    /// them in. Default: none.
    pub nas: Vec<IpAddr>,
}

/// `[web_ports]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebPorts {
    /// The port everybody tries for HTTP. Default 80 (guide, measure 15).
    pub http: u16,
    /// The port everybody tries for HTTPS. Default 443 (guide, measure 15).
    pub https: u16,
}

impl Default for WebPorts {
    fn default() -> Self {
        Self { http: 80, https: 443 }
    }
}

/// `[accounts]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Account names that must not exist. Default `["admin"]` (guide, measure 3).
    pub forbidden_names: Vec<String>,
    /// The accounts each camera should have. Default: none stated, so C05 cannot be concluded from the camera alone.
    pub expected: Vec<ExpectedAccount>,
    /// The groups each camera should have and their rights, besides its own (C04). Default: none stated, so that groups
    /// are left to a person.
    pub groups: Vec<ExpectedGroup>,
}

impl Default for Accounts {
    fn default() -> Self {
        let forbidden_names = vec!["admin".to_owned()];
        Self { forbidden_names, expected: Vec::new(), groups: Vec::new() }
    }
}

/// One entry of `accounts.groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedGroup {
    /// The group's name on the camera: 3 to 16 of `A-Z a-z 0-9 . - _`, and never `admins`, which may do everything.
    pub name: String,
    /// The rights it holds, each as the camera's configuration names it, such as `live_acl`.
    pub rights: BTreeSet<String>,
}

impl ExpectedGroup {
    /// Refuses what no camera takes, and what would give or take away the rights of administrators.
    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let length = (3..=16).contains(&self.name.len());
        if !length || !self.name.chars().all(plain) || self.name == "admins" {
            return Err(format!(
                "accounts.groups: {:?} cannot be a group here; use 3 to 16 letters, digits, '.', '-' or '_', and not \
                 admins",
                self.name.chars().take(40).collect::<String>()
            ));
        }
        let right = |right: &String| {
            let stem = right.strip_suffix("_acl").unwrap_or_default();
            !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        match self.rights.iter().find(|one| !right(one) || *one == "admin_acl") {
            Some(bad) => Err(format!(
                "accounts.groups: group {:?}: {:?} is no right to give; write such as live_acl, and leave admin_acl to \
                 the group admins",
                self.name,
                bad.chars().take(40).collect::<String>()
            )),
            None => Ok(()),
        }
    }
}

/// One entry of `accounts.expected`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAccount {
    /// The account's name on the camera.
    pub name: String,
    /// The group it belongs to.
    pub group: String,
}

/// `[firmware]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firmware {
    /// Versions the site wants at least, such as `["MX-V4.7.3.11-r6"]`; each counts for its own product line only.
    /// Default: none, so the vendor's recommendation is the yardstick.
    pub minimum: Vec<String>,
}

/// `[remote_access]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteAccess {
    /// How people outside the site reach cameras. Default `unstated`.
    pub by: RemoteAccessBy,
}

/// How people outside the site reach cameras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteAccessBy {
    /// The policy does not say. The default.
    #[default]
    Unstated,
    /// Not at all.
    None,
    /// Through the camera's own OpenVPN client.
    CameraVpn,
    /// Through a VPN of the site, so that the cameras need none.
    SiteVpn,
}

/// `[web_log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebLog {
    /// Failed log-ins from one address at which it is reported, 1 or more. Default 5.
    pub failed_logins: u32,
}

impl Default for WebLog {
    fn default() -> Self {
        Self { failed_logins: 5 }
    }
}

impl Policy {
    /// Reads a policy file and checks its ranges.
    ///
    /// # Errors
    /// Text that is not TOML, an unknown key (the message names the nearest known one), a value of the wrong kind
    /// or out of range.
    pub fn from_toml(text: &str) -> Result<Self, TomlError> {
        let policy: Self = parse_toml(text)?;
        policy.check().map_err(TomlError::Range)?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), String> {
        let PasswordRules { min_length, max_length, .. } = self.passwords;
        if min_length == 0 || max_length > 99 || min_length > max_length {
            return Err("passwords: want 1 <= min_length <= max_length <= 99".to_owned());
        }
        if self.web_log.failed_logins == 0 {
            return Err("web_log.failed_logins: want 1 or more".to_owned());
        }
        self.certificates.check()?;
        self.change.check()?;
        self.backup.check()?;
        self.watch.check()?;
        self.rotation.check()?;
        self.accounts.groups.iter().try_for_each(ExpectedGroup::check)?;
        for waiver in &self.waivers {
            if waiver.reason.trim().is_empty() || waiver.owner.trim().is_empty() {
                return Err(format!(
                    "the waiver for {} needs a reason and an owner",
                    waiver.measure
                ));
            }
        }
        Ok(())
    }

    /// What the policy wants done about a measure.
    pub fn stance(&self, measure: Measure) -> Stance {
        self.stances.get(&measure).copied().unwrap_or_default()
    }

    /// The waiver in force for a measure on a device, if there is one.
    pub fn waiver(&self, measure: Measure, device: &DeviceName, now: Timestamp) -> Option<&Waiver> {
        self.waivers.iter().find(|waiver| {
            let here = waiver.devices.is_empty() || waiver.devices.contains(device);
            waiver.measure == measure && here && !waiver.expires.is_over(now)
        })
    }
}
