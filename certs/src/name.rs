//! Who is who, as it stands in certificates: URIs such as `palisade://acme/agent/0123…`. They are parsed here and
//! nowhere else, and every part is checked.

use std::fmt;
use std::str::FromStr;

use proto::{AgentId, OperatorName, Organisation};

const SCHEME: &str = "palisade://";

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// `palisade://ORGANISATION/controller`
    Controller(Organisation),
    /// `palisade://ORGANISATION/agent/ID`
    Agent(Organisation, AgentId),
    /// `palisade://ORGANISATION/operator/NAME`
    Operator(Organisation, OperatorName),
}

/// The text is no name of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nobody; it should be like palisade://acme/agent/0123456789abcdef")]
pub struct BadName(String);

impl Name {
    /// Whose controller, agent or operator it is.
    pub fn organisation(&self) -> &Organisation {
        match self {
            Self::Controller(organisation)
            | Self::Agent(organisation, _)
            | Self::Operator(organisation, _) => organisation,
        }
    }

    /// What people call it: `controller`, the agent's id, the operator's name.
    pub fn short(&self) -> &str {
        match self {
            Self::Controller(_) => "controller",
            Self::Agent(_, id) => id.as_str(),
            Self::Operator(_, name) => name.as_str(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(organisation) => write!(out, "{SCHEME}{organisation}/controller"),
            Self::Agent(organisation, id) => write!(out, "{SCHEME}{organisation}/agent/{id}"),
            Self::Operator(organisation, name) => {
                write!(out, "{SCHEME}{organisation}/operator/{name}")
            }
        }
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        parse(text).ok_or_else(|| BadName(text.chars().take(120).collect()))
    }
}

fn parse(text: &str) -> Option<Name> {
    let mut parts = text.strip_prefix(SCHEME)?.split('/');
    let organisation = parts.next()?.parse().ok()?;
    let name = match (parts.next()?, parts.next()) {
        ("controller", None) => Name::Controller(organisation),
        ("agent", Some(id)) => Name::Agent(organisation, id.parse().ok()?),
        ("operator", Some(name)) => Name::Operator(organisation, name.parse().ok()?),
        _ => return None,
    };
    parts.next().is_none().then_some(name)
}

/// The DNS name in the controller's certificate, whatever address it is reached at. `internal` is set aside for private
/// use, so nobody else can be it.
pub fn server_name(organisation: &Organisation) -> String {
    format!("controller.{organisation}.palisade.internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for text in [
            "palisade://acme/controller",
            "palisade://acme/agent/00ff",
            "palisade://acme/operator/kim",
        ] {
            assert_eq!(text.parse::<Name>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_names_nobody() {
        for text in [
            "",
            "palisade://",
            "palisade://acme",
            "palisade://acme/agent",
            "palisade://acme/agent/",
            "palisade://acme/agent/a/b",
            "palisade://acme/controller/",
            "palisade://acme/root/x",
            "palisade://acme/operator/Kim",
            "palisade://acme/agent/../operator/kim",
            "Palisade://acme/controller",
            "https://acme/controller",
            "palisade://acme/agent/a?b",
        ] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "palisade://[a-z0-9/-]{0,40}") {
            if let Ok(name) = text.parse::<Name>() {
                assert_eq!(name.to_string(), text);
            }
        }
    }
}
