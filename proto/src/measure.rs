//! The catalogue: the guide's 32 measures, in the guide's order. Reading it is reading the guide's contents page.
//!
//! The titles are ours and say the wanted state; the numbers are the guide's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How well a measure can be proven at best (design: proof tiers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Read from the device or seen in its behaviour.
    Observed,
    /// Read from the device, but a person must judge the rest.
    Partial,
    /// Only a person can vouch for it, until a date.
    Attested,
}

/// One of the guide's 32 recommendations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// `C01`..`C22`.
    Camera(Camera),
    /// `V01`..`V05`, the video management system.
    Vms(Vms),
    /// `N01`..`N05`, the network attached storage.
    Nas(Nas),
}

macro_rules! chapter {
    ($(#[$words:meta])* $name:ident { $($variant:ident $code:literal $proof:ident $title:literal;)* }) => {
        $(#[$words])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!($code, ": ", $title, ".")] $variant),* }

        impl $name {
            /// Every measure of the chapter, in the guide's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable key, such as `C07`.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code),* } }

            /// The wanted state, in our words.
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title),* } }

            /// The best proof there can be.
            pub fn proof(self) -> Proof { match self { $(Self::$variant => Proof::$proof),* } }
        }
    };
}

chapter! {
    /// The camera chapter of the guide.
    Camera {
        C01Firmware "C01" Observed "Firmware is current";
        C02FactoryReset "C02" Attested "Configuration started from factory defaults";
        C03AdminPassword "C03" Observed "Factory administrator login is gone";
        C04Groups "C04" Partial "Groups separate what users may do";
        C05Users "C05" Partial "Each person has an account in a fitting group";
        C06PublicAccess "C06" Observed "Nothing is public without a login";
        C07IpAccess "C07" Observed "Only listed addresses may connect";
        C08IntrusionDetection "C08" Observed "Repeated failed log-ins are reported and blocked";
        C09WebCrawling "C09" Observed "Search engines are kept out";
        C10DigestAuth "C10" Observed "Log-ins use digest authentication only";
        C11RecordingKey "C11" Observed "Recordings are encrypted";
        C12MessagePassword "C12" Partial "MxMessage uses a key of our own";
        C13ErrorNotification "C13" Observed "Errors are reported to somebody elsewhere";
        C14StorageFailure "C14" Partial "Storage failures are detected";
        C15Ports "C15" Observed "Web server avoids the standard ports";
        C16Certificate "C16" Observed "Camera presents a certificate of our own";
        C17Vpn "C17" Partial "Remote access goes through OpenVPN";
        C18Exposure "C18" Partial "Camera is not reachable from the Internet";
        C19Vlan "C19" Attested "CCTV has a network segment of its own";
        C20Dot1x "C20" Partial "Network port asks for IEEE 802.1X";
        C21WebLog "C21" Observed "Web server log is reviewed";
        C22Backup "C22" Partial "Configuration backup exists and is kept safe";
    }
}

chapter! {
    /// The video management system chapter of the guide.
    Vms {
        V01OsAccounts "V01" Attested "Each operator has an account on the workstation";
        V02VmsAccounts "V02" Attested "Each operator has an account in the VMS";
        V03LimitedRights "V03" Attested "VMS accounts hold only the rights they need";
        V04NoAdmin "V04" Observed "VMS does not log in to cameras as administrator";
        V05AutoLogOff "V05" Attested "VMS logs off idle operators";
    }
}

chapter! {
    /// The network attached storage chapter of the guide.
    Nas {
        N01SafePlace "N01" Attested "Storage stands in a protected place";
        N02AdminPassword "N02" Observed "Storage administrator has a strong password";
        N03DeviceAccount "N03" Observed "Cameras use a limited storage account";
        N04EncryptedVolumes "N04" Observed "Storage volumes are encrypted";
        N05Raid "N05" Observed "RAID level survives a failed disk";
    }
}

impl Measure {
    /// All 32, in the guide's order.
    pub fn all() -> impl Iterator<Item = Self> {
        let camera = Camera::ALL.iter().copied().map(Self::Camera);
        let vms = Vms::ALL.iter().copied().map(Self::Vms);
        camera.chain(vms).chain(Nas::ALL.iter().copied().map(Self::Nas))
    }

    /// The stable key: `C01`..`C22`, `V01`..`V05`, `N01`..`N05`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Camera(measure) => measure.code(),
            Self::Vms(measure) => measure.code(),
            Self::Nas(measure) => measure.code(),
        }
    }

    /// The wanted state, in our words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Camera(measure) => measure.title(),
            Self::Vms(measure) => measure.title(),
            Self::Nas(measure) => measure.title(),
        }
    }

    /// The best proof there can be.
    pub fn proof(self) -> Proof {
        match self {
            Self::Camera(measure) => measure.proof(),
            Self::Vms(measure) => measure.proof(),
            Self::Nas(measure) => measure.proof(),
        }
    }

    /// The guide's chapter: `Camera`, `VMS` or `NAS`.
    pub fn chapter(self) -> &'static str {
        match self {
            Self::Camera(_) => "Camera",
            Self::Vms(_) => "VMS",
            Self::Nas(_) => "NAS",
        }
    }
}

/// What was written is not one of the 32 codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a measure; the codes are C01 to C22, V01 to V05 and N01 to N05")]
pub struct UnknownMeasure(String);

impl FromStr for Measure {
    type Err = UnknownMeasure;

    /// Reads a code in either case, with or without the leading zero.
    ///
    /// # Errors
    /// Anything else than one of the 32 codes.
    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        let upper = text.trim().to_ascii_uppercase();
        let padded = match upper.as_bytes() {
            [chapter, digit] => format!("{}0{}", *chapter as char, *digit as char),
            _ => upper,
        };
        let unknown = || UnknownMeasure(text.chars().take(20).collect());
        Self::all().find(|measure| measure.code() == padded).ok_or_else(unknown)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl Serialize for Measure {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_22_camera_5_vms_and_5_nas_measures() {
        assert_eq!((Camera::ALL.len(), Vms::ALL.len(), Nas::ALL.len()), (22, 5, 5));
        assert_eq!(Measure::all().count(), 32);
    }

    #[test]
    fn every_code_reads_back() {
        for measure in Measure::all() {
            assert_eq!(measure.code().parse(), Ok(measure));
            assert_eq!(measure.code().to_lowercase().parse(), Ok(measure));
        }
        assert_eq!("c7".parse(), Ok(Measure::Camera(Camera::C07IpAccess)));
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "C", "C00", "C23", "V06", "X01", "C007", "\u{e9}1"] {
            assert!(text.parse::<Measure>().is_err(), "{text:?}");
        }
    }
}
