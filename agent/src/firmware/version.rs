//! `MX-V<major>.<minor>.<patch>.<build>` with an optional `-rN` or `.rN`, and what may be compared with what.
//!
//! There is no `Ord` on purpose: the major number is the product line, and 5.x is not newer than 4.x.

use std::cmp::Ordering;
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

/// A product line, as the major number tells it. A camera never leaves its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// 4.x.
    P3,
    /// 5.x.
    Mx6,
    /// 7.x.
    Mobotix7,
    /// Any other major number.
    Other(u32),
}

/// The text is no firmware version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no MOBOTIX firmware version; they look like MX-V4.7.3.11-r6")]
pub struct BadVersion(String);

impl Version {
    /// The product line it belongs to.
    pub fn line(&self) -> Line {
        Line::of_major(self.numbers[0])
    }

    /// Older, equal or newer; `None` across product lines. Numbers count from left to right, no revision is r0.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.numbers[0] == other.numbers[0]).then(|| self.key().cmp(&other.key()))
    }

    /// Reads what follows `MX-V`: four numbers and perhaps a revision.
    pub(super) fn from_digits(text: &str) -> Option<Self> {
        let (numbers, revision) = match text.find('r') {
            None => (text, 0),
            Some(at) => {
                let (numbers, revision) = (text.get(..at)?, text.get(at + 1..)?);
                let numbers = numbers.strip_suffix('-').or_else(|| numbers.strip_suffix('.'))?;
                (numbers, number(revision)?)
            }
        };
        let mut parts = numbers.split('.');
        let mut next = || number(parts.next()?);
        let numbers = [next()?, next()?, next()?, next()?];
        parts.next().is_none().then_some(Self { numbers, revision })
    }

    /// All five numbers, which order versions of one line.
    pub(super) fn key(&self) -> [u32; 5] {
        let [major, minor, patch, build] = self.numbers;
        [major, minor, patch, build, self.revision]
    }
}

/// ASCII digits that fit; `str::parse` alone would take a sign.
pub(super) fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl Line {
    /// The line with this major number.
    pub fn of_major(major: u32) -> Self {
        match major {
            4 => Self::P3,
            5 => Self::Mx6,
            7 => Self::Mobotix7,
            other => Self::Other(other),
        }
    }

    /// The major number of its versions.
    pub fn major(self) -> u32 {
        match self {
            Self::P3 => 4,
            Self::Mx6 => 5,
            Self::Mobotix7 => 7,
            Self::Other(major) => major,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P3 => out.write_str("MOBOTIX P3"),
            Self::Mx6 => out.write_str("MOBOTIX Mx6"),
            Self::Mobotix7 => out.write_str("MOBOTIX 7"),
            Self::Other(major) => write!(out, "MX-V{major}"),
        }
    }
}

impl FromStr for Version {
    type Err = BadVersion;

    /// Reads the form a camera writes: `MX-V`, four numbers up to 4294967295, and perhaps `-rN` or `.rN`.
    ///
    /// # Errors
    /// Any other text, surrounding blanks included, and numbers that are too large.
    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let digits = text.strip_prefix("MX-V");
        let bad = || BadVersion(text.chars().take(40).collect());
        digits.and_then(Self::from_digits).ok_or_else(bad)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn both_spellings_of_a_revision_are_the_same_version() {
        assert_eq!(version("MX-V4.4.2.73.r2"), version("MX-V4.4.2.73-r2"));
        assert_eq!(version("MX-V4.4.2.73.r2").to_string(), "MX-V4.4.2.73-r2");
        assert_eq!(version("MX-V4.7.2.18-r0").to_string(), "MX-V4.7.2.18");
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (older, newer) in [
            ("MX-V4.7.2.9", "MX-V4.7.2.18"),
            ("MX-V4.7.3.11", "MX-V4.7.3.11-r4"),
            ("MX-V4.7.3.11-r9", "MX-V4.7.3.11-r10"),
            ("MX-V5.4.9.4-r3", "MX-V5.5.0.0"),
        ] {
            assert_eq!(version(older).compare(&version(newer)), Some(Ordering::Less), "{older}");
            assert_eq!(version(newer).compare(&version(older)), Some(Ordering::Greater));
        }
    }

    #[test]
    fn product_lines_do_not_compare() {
        let (p3, mx6) = (version("MX-V4.7.3.11-r6"), version("MX-V5.0.0.127"));
        assert_eq!((p3.compare(&mx6), mx6.compare(&p3)), (None, None));
        assert_eq!((p3.line(), mx6.line()), (Line::P3, Line::Mx6));
        assert_eq!(version("MX-V7.3.0.54").line(), Line::Mobotix7);
        assert_eq!(version("MX-V3.0.3.31").line(), Line::Other(3));
    }

    #[test]
    fn what_is_not_quite_a_version_is_refused() {
        for text in [
            "",
            "MX-V",
            "4.7.3.11",
            "mx-v4.7.3.11",
            "MX-V4.7.3",
            "MX-V4.7.3.11.1",
            "MX-V4.7.3.11-",
            "MX-V4.7.3.11-r",
            "MX-V4.7.3.11r6",
            "MX-V4.7.3.11-r6-r7",
            "MX-V+4.7.3.11",
            "MX-V4..3.11",
            " MX-V4.7.3.11",
            "MX-V4.7.3.11\n",
            "MX-V4294967296.0.0.0",
            "MX-V4.7.3.11-r4294967296",
            "MX-V\u{664}.7.3.11",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_version_reads_back(numbers: [u32; 4], revision: u32, dot: bool) {
            let it = Version { numbers, revision };
            prop_assert_eq!(it.to_string().parse::<Version>(), Ok(it));
            let text = it.to_string();
            let text = if dot { text.replace("-r", ".r") } else { text };
            prop_assert_eq!(text.parse::<Version>(), Ok(it));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s)(MX-V)?.{0,60}") {
            let _ = text.parse::<Version>();
        }

        #[test]
        fn what_is_read_has_the_documented_form(text in r"MX-V[0-9]{0,3}[.][0-9r.-]{1,14}") {
            if let Ok(version) = text.parse::<Version>() {
                let again = version.to_string().parse::<Version>();
                prop_assert_eq!(again, Ok(version));
            }
        }

        #[test]
        fn comparing_is_an_order_within_a_line(a: [u8; 5], b: [u8; 5], c: [u8; 5]) {
            let make = |[_, minor, patch, build, revision]: [u8; 5]| Version {
                numbers: [4, minor.into(), patch.into(), build.into()],
                revision: revision.into(),
            };
            let (a, b, c) = (make(a), make(b), make(c));
            prop_assert_eq!(a.compare(&b), b.compare(&a).map(Ordering::reverse));
            if a.compare(&b) != Some(Ordering::Greater) && b.compare(&c) != Some(Ordering::Greater) {
                prop_assert_ne!(a.compare(&c), Some(Ordering::Greater));
            }
        }
    }
}
