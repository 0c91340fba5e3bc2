//! Names that people give to things, checked where they come in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A device's name within its site: 1 to 64 of `A-Z a-z 0-9 . _ : -`, first a letter or digit.
/// The colon is there so that an IPv6 address can be a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

/// The text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be a device name: use 1 to 64 letters, digits, '.', '_', ':' or '-', starting with a letter or digit"
)]
pub struct BadName(String);

impl DeviceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name made of any text: what a name may not hold becomes `-`.
    pub fn from_lossy(text: &str) -> Self {
        let clean: String =
            text.chars().take(64).map(|c| if allowed(c) { c } else { '-' }).collect();
        let trimmed = clean.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        Self(if trimmed.is_empty() { "device".to_owned() } else { trimmed.to_owned() })
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-')
}

impl FromStr for DeviceName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= 64 && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert!("cam-01.yard".parse::<DeviceName>().is_ok());
        for bad in ["", "-x", "a b", "a\nb", "=1+1", &"x".repeat(65)] {
            assert!(bad.parse::<DeviceName>().is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_lossy_name_is_always_a_name(text in ".*") {
            let name = DeviceName::from_lossy(&text);
            assert_eq!(name.as_str().parse::<DeviceName>(), Ok(name.clone()));
        }
    }
}
