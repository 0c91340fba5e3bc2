//! `MX-V<major>.<minor>.<patch>.<build>` with an optional `-rN` or `.rN`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A MOBOTIX firmware version. The major number is the product line: versions of two lines do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Major (the product line), minor, patch, build.
    pub numbers: [u32; 4],
    /// `rN`; none is 0.
    pub revision: u32,
}

/// The text is no firmware version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no MOBOTIX firmware version; they look like MX-V4.7.3.11-r6")]
pub struct BadVersion(String);

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        read(text).ok_or_else(|| BadVersion(text.chars().take(40).collect()))
    }
}

fn read(text: &str) -> Option<Version> {
    let rest = text.strip_prefix("MX-V")?;
    let revised = rest.split_once("-r").or_else(|| rest.split_once(".r"));
    let (numbers, revision) = match revised {
        Some((numbers, revision)) => (numbers, number(revision)?),
        None => (rest, 0),
    };
    let numbers: Vec<u32> = numbers.split('.').map(number).collect::<Option<_>>()?;
    Some(Version { numbers: numbers.try_into().ok()?, revision })
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.numbers;
        write!(out, "MX-V{major}.{minor}.{patch}.{build}")?;
        if self.revision > 0 { write!(out, "-r{}", self.revision) } else { Ok(()) }
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_cameras_write_them_and_nothing_else_does() {
        let version: Version = "MX-V4.7.3.11-r4".parse().unwrap();
        assert_eq!((version.numbers, version.revision), ([4, 7, 3, 11], 4));
        assert_eq!("MX-V4.4.2.73.r2".parse::<Version>().unwrap().revision, 2);
        assert_eq!("MX-V7.3.0.54".parse::<Version>().unwrap().to_string(), "MX-V7.3.0.54");
        for bad in [
            "",
            "MX-V4.7.3",
            "MX-V4.7.3.11-5",
            "MX-V4.7.3.11-r",
            "V4.7.3.1",
            "MX-V4.7.3.99999999999",
            "MX-V4.7.3.+1",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
