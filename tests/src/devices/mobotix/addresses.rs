//! The IP access list: who may connect at all, before anybody is asked for a password (guide measure 7). That it exists
//! and knows allow and deny rules is documented; the names of its keys and the form of a rule are INVENTED.

use std::net::{IpAddr, Ipv4Addr};

use super::configuration::Configuration;

/// The list in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    enabled: bool,
    /// Address and mask.
    allowed: Vec<(u32, u32)>,
    refuses_others: bool,
}

impl Addresses {
    /// INVENTED: `accesscontrol/ENABLE`, `RULE=allow ADDRESS[/MASK]`, `OTHERS=deny`. A list without rules, or that says
    /// nothing about others, lets everybody in.
    pub fn of(configuration: &Configuration) -> Self {
        let is = |key, wanted| configuration.value("accesscontrol", key).as_deref() == Some(wanted);
        let rules = configuration.values("accesscontrol", "RULE");
        Self {
            enabled: is("ENABLE", "1"),
            allowed: rules
                .iter()
                .filter_map(|rule| network(rule.strip_prefix("allow ")?))
                .collect(),
            refuses_others: is("OTHERS", "deny"),
        }
    }

    /// A list that lets nobody in, whatever was written.
    pub fn shut(self) -> Self {
        Self { allowed: Vec::new(), ..self }
    }

    /// Whether it refuses anybody.
    pub fn refuses(&self) -> bool {
        self.enabled && self.refuses_others
    }

    /// Whether a source may connect.
    pub fn admits(&self, source: IpAddr) -> bool {
        let IpAddr::V4(source) = source.to_canonical() else { return !self.refuses() };
        let source = u32::from(source);
        !self.refuses() || self.allowed.iter().any(|(net, mask)| source & mask == net & mask)
    }
}

fn network(text: &str) -> Option<(u32, u32)> {
    let (address, mask) = text.trim().split_once('/').unwrap_or((text.trim(), "255.255.255.255"));
    let bits = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    Some((bits(address)?, bits(mask)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_admits_whom_it_names_and_without_a_word_about_others_everybody() {
        let list = |text: &str| {
            let text = format!("SECTION accesscontrol\n{text}\nENDSECTION accesscontrol\n");
            Addresses::of(&Configuration::new(text.into_bytes()))
        };
        let on =
            list("RULE=allow 127.0.0.1\nRULE=allow 10.1.0.0/255.255.0.0\nOTHERS=deny\nENABLE=1");
        for (address, admitted) in [("127.0.0.1", true), ("10.1.9.9", true), ("127.0.0.2", false)] {
            assert_eq!(on.admits(address.parse().unwrap()), admitted, "{address}");
        }
        assert!(list("ENABLE=1").admits("127.0.0.2".parse().unwrap()));
        assert!(list("RULE=allow 10.0.0.1\nOTHERS=deny").admits("127.0.0.2".parse().unwrap()));
        assert!(!on.shut().admits("127.0.0.1".parse().unwrap()));
    }
}
