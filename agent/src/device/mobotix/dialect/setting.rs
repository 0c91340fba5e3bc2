//! The closed list of settings that facts are read from, each with the shape of its value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a setting's value is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A word that means one of these; the dialect says which word means what.
    Words(&'static [&'static str]),
    /// The id of a profile in the section of that name; empty is none.
    Profile(&'static str),
    /// A whole number; empty is none.
    Number,
    /// A number whose bits stand for choices; 0 is none.
    Mask,
    /// Any text; empty is none.
    Text,
    /// A secret, of which only counts whether it is there.
    Secret,
    /// Every value of a key that repeats.
    List,
    /// The `*_acl` lines of section `access`, whose form is fixed.
    Rights,
}

impl Shape {
    /// What stands in a `form` for the part that differs; nothing for values that are not put together.
    pub fn place(self) -> Option<&'static str> {
        match self {
            Self::List => Some("{network}"),
            Self::Profile(_) => Some("{id}"),
            Self::Words(_)
            | Self::Number
            | Self::Mask
            | Self::Text
            | Self::Secret
            | Self::Rights => None,
        }
    }
}

/// The meanings of a switch.
const SWITCH: Shape = Shape::Words(&["on", "off"]);

macro_rules! settings {
    ($($variant:ident $name:literal $fact:literal $shape:expr, $topic:literal;)+) => {
        /// The name of a setting, as dialect files and `palisade-agent learn --setting` use it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum SettingName {
            $(#[doc = $topic] #[serde(rename = $name)] $variant,)+
        }

        impl SettingName {
            /// Every setting.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The fact it feeds, as the field of `CameraFacts` is called.
            pub fn fact(self) -> &'static str {
                match self { $(Self::$variant => $fact),+ }
            }

            /// How its value is understood.
            pub fn shape(self) -> Shape {
                match self { $(Self::$variant => $shape),+ }
            }

            /// What it is about, for a sentence.
            pub fn topic(self) -> &'static str {
                match self { $(Self::$variant => $topic),+ }
            }
        }
    };
}

settings! {
    PublicAccess "public_access" "public_rights" Shape::Rights, "which rights are public";
    IpAccess "ip_access" "ip_access" SWITCH, "whether the IP access list is on";
    IpAccessRules "ip_access_rules" "ip_access" Shape::List, "the rules of the IP access list";
    IpAccessOthers "ip_access_others" "ip_access" Shape::Words(&["refused", "allowed"]),
        "what happens to addresses that no rule of the IP access list names";
    Intrusion "intrusion" "intrusion" SWITCH, "whether intrusion detection is on";
    IntrusionThreshold "intrusion_threshold" "intrusion" Shape::Number, "the threshold of intrusion detection";
    IntrusionBlock "intrusion_block" "intrusion" SWITCH, "whether intrusion detection blocks the address";
    IntrusionNotifyMail "intrusion_notify_mail" "intrusion" Shape::Profile("mail"), "the mail that reports intrusions";
    IntrusionNotifyIp "intrusion_notify_ip" "intrusion" Shape::Profile("ipnotify"),
        "the network message that reports intrusions";
    Crawling "crawling" "crawling" Shape::Words(&["allowed", "forbidden"]), "whether web crawlers are allowed";
    Authentication "authentication" "auth_setting" Shape::Words(&["basic", "digest", "auto"]),
        "the authentication method of the web server";
    RecordingKey "recording_key" "recording_key" Shape::Secret, "the encryption key for recordings";
    Messages "messages" "messages" SWITCH, "whether MxMessage is on";
    MessageKey "message_key" "messages" Shape::Secret, "the key for MxMessage";
    NotifyIp "notify_ip" "error_notification" Shape::Profile("ipnotify"), "the network message that reports errors";
    NotifyMail "notify_mail" "error_notification" Shape::Profile("mail"), "the mail that reports errors";
    NotifyFtp "notify_ftp" "error_notification" Shape::Profile("ftp"), "the FTP upload that reports errors";
    NotifyPhone "notify_phone" "error_notification" Shape::Text, "the phone call that reports errors";
    NotifyLed "notify_led" "error_notification" SWITCH, "whether LEDs show errors";
    NotifyLiveimage "notify_liveimage" "error_notification" SWITCH, "whether the live image shows errors";
    NotifySound "notify_sound" "error_notification" Shape::Text, "the sound that reports errors";
    StorageCheck "storage_check" "storage_check" SWITCH, "whether storage failure detection is on";
    StorageTests "storage_tests" "storage_check" Shape::Mask, "the tests of storage failure detection";
    StorageNotifyIp "storage_notify_ip" "storage_check" Shape::Profile("ipnotify"),
        "the network message that reports storage failures";
    StorageNotifyMail "storage_notify_mail" "storage_check" Shape::Profile("mail"),
        "the mail that reports storage failures";
    StorageNotifyPhone "storage_notify_phone" "storage_check" Shape::Text,
        "the phone call that reports storage failures";
    StorageNotifyLed "storage_notify_led" "storage_check" SWITCH, "whether LEDs show storage failures";
    StorageNotifySound "storage_notify_sound" "storage_check" Shape::Text, "the sound that reports storage failures";
    HttpPort "http_port" "web_ports" Shape::Number, "the HTTP port";
    HttpsPort "https_port" "web_ports" Shape::Number, "the HTTPS port";
    Vpn "vpn" "vpn" SWITCH, "whether the OpenVPN client is on";
    VpnServer "vpn_server" "vpn" Shape::Text, "the OpenVPN server";
    Address "address" "addresses" Shape::Text, "the camera's IP address";
    Dhcp "dhcp" "addresses" SWITCH, "whether the camera is given its address by the network";
    Vlan "vlan" "vlan" SWITCH, "whether the camera tags its traffic with a VLAN";
    Dot1x "dot1x" "dot1x" SWITCH, "whether IEEE 802.1X is on";
}

impl SettingName {
    /// What its words may mean; empty for settings whose value is not a word.
    pub fn meanings(self) -> &'static [&'static str] {
        match self.shape() {
            Shape::Words(meanings) => meanings,
            Shape::Profile(_)
            | Shape::Number
            | Shape::Mask
            | Shape::Text
            | Shape::Secret
            | Shape::List
            | Shape::Rights => &[],
        }
    }
}

/// The text is no setting's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{written:?} is not a setting; did you mean {nearest:?}? The settings are {}", list())]
pub struct UnknownSetting {
    written: String,
    nearest: &'static str,
}

fn list() -> String {
    SettingName::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for SettingName {
    type Err = UnknownSetting;

    /// Reads a name as it stands in files.
    ///
    /// # Errors
    /// Anything else; the error names the nearest.
    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        if let Some(name) = Self::ALL.iter().find(|name| name.as_str() == text) {
            return Ok(*name);
        }
        let written: String = text.chars().take(40).collect();
        let names = Self::ALL.iter().map(|name| name.as_str());
        let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, &written));
        Err(UnknownSetting { written, nearest: nearest.unwrap_or_default() })
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
