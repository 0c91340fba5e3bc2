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
        let _ = text;
        Err(BadVersion(text.chars().take(40).collect()))
    }
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
