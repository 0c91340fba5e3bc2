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

/// A name of lower-case letters, digits and dashes, 1 to 40 characters, starting with a letter or digit: it stands in
/// certificates, so it is plain.
macro_rules! plain_name {
    ($(#[$words:meta])* $name:ident, $what:literal) => {
        $(#[$words])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if (1..=40).contains(&text.len()) && !text.starts_with('-') && text.chars().all(plain) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { what: $what, text: text.chars().take(60).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

/// The text cannot be the name of what it should name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} cannot be {what}: use 1 to 40 lower-case letters, digits or dashes, starting with a letter or digit"
)]
pub struct BadId {
    what: &'static str,
    text: String,
}

plain_name! {
    /// Whose cameras these are, such as `acme`.
    Organisation, "the name of an organisation"
}
plain_name! {
    /// A site, such as `harbour`. One agent serves it.
    SiteName, "the name of a site"
}
plain_name! {
    /// A person who steers sites, such as `kim`.
    OperatorName, "the name of an operator"
}
plain_name! {
    /// An agent: 32 hex digits that the controller draws at random.
    AgentId, "the name of an agent"
}

/// What an operator may do. Each role may all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also steers sites: policy, tokens, orders, attestations and waivers.
    Operator,
    /// Also decides about people, trust, removal and replacement.
    Administrator,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// The word in files, tables and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
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
