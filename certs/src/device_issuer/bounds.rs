//! What a device issuer's certificate lets it name (RFC 5280 section 4.2.1.10): read once, asked for every device, so
//! that none is given a certificate that a verifier would refuse.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};

use super::Host;

/// Most subtrees of a kind that are read; the size of the certificate bounds them more closely.
const MOST: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subtree {
    /// A name and all below it; all names if it is empty.
    Dns(String),
    /// An address and a mask of the same length, 4 or 16 bytes.
    Network(Vec<u8>, Vec<u8>),
    /// A kind of name that no device's certificate of ours has.
    Other,
}

impl Bounds {
    /// Those of a certificate; `None` unless it has them, critical, and may name something.
    pub(super) fn of(read: &X509Certificate<'_>) -> Option<Self> {
        let mut found =
            read.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
                ParsedExtension::NameConstraints(names) if extension.critical => Some(names),
                _ => None,
            });
        let (names, None) = (found.next()?, found.next()) else { return None };
        let read = |subtrees: &Option<Vec<GeneralSubtree<'_>>>| {
            let subtrees = subtrees.as_deref().unwrap_or_default();
            if subtrees.len() > MOST {
                return None;
            }
            subtrees.iter().map(|subtree| Subtree::of(&subtree.base)).collect()
        };
        let bounds: Self = Self {
            permitted: read(&names.permitted_subtrees)?,
            excluded: read(&names.excluded_subtrees)?,
        };
        // A kind of name that is neither permitted in part nor excluded whole is free.
        let is_bound = bounds.binds(Subtree::is_dns)
            && [4, 16].into_iter().all(|length| bounds.binds(|subtree| subtree.is_network(length)));
        (is_bound && bounds.example().is_some()).then_some(bounds)
    }

    fn binds(&self, kind: impl Fn(&Subtree) -> bool) -> bool {
        self.permitted.iter().any(&kind)
            || self.excluded.iter().any(|subtree| kind(subtree) && subtree.is_everything())
    }

    /// Something that may be named.
    pub(super) fn example(&self) -> Option<Host> {
        let hosts = self.permitted.iter().filter_map(|subtree| match subtree {
            Subtree::Dns(name) => {
                let name = name.trim_start_matches('.');
                (!name.is_empty()).then(|| Host::of(name))
            }
            Subtree::Network(base, _) => {
                let four = <[u8; 4]>::try_from(base.as_slice()).map(IpAddr::from);
                let address =
                    four.or_else(|_| <[u8; 16]>::try_from(base.as_slice()).map(IpAddr::from));
                address.ok().map(|address| Host { names: Vec::new(), addresses: vec![address] })
            }
            Subtree::Other => None,
        });
        hosts.into_iter().find(|host| self.outside(host).is_empty())
    }

    /// What of a host may not be named.
    pub(super) fn outside(&self, host: &Host) -> Vec<String> {
        let names = host.names.iter().filter(|name| {
            let name = name.to_ascii_lowercase();
            !self.allows(|subtree| subtree.is_dns(), |subtree| subtree.has_name(&name))
        });
        let addresses = host.addresses.iter().filter(|address| {
            let bytes = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            let kind = |subtree: &Subtree| subtree.is_network(bytes.len());
            !self.allows(kind, |subtree| subtree.has_address(&bytes))
        });
        names.cloned().chain(addresses.map(ToString::to_string)).collect()
    }

    fn allows(&self, kind: impl Fn(&Subtree) -> bool, has: impl Fn(&Subtree) -> bool) -> bool {
        let permitted = !self.permitted.iter().any(&kind) || self.permitted.iter().any(&has);
        permitted && !self.excluded.iter().any(has)
    }
}

impl Subtree {
    fn of(base: &GeneralName<'_>) -> Option<Self> {
        match base {
            GeneralName::DNSName(name) => Some(Self::Dns(name.to_ascii_lowercase())),
            GeneralName::IPAddress(bytes) if matches!(bytes.len(), 8 | 32) => {
                let (base, mask) = bytes.split_at(bytes.len() / 2);
                Some(Self::Network(base.to_vec(), mask.to_vec()))
            }
            GeneralName::IPAddress(_) => None,
            _ => Some(Self::Other),
        }
    }

    fn is_dns(&self) -> bool {
        matches!(self, Self::Dns(_))
    }

    fn is_network(&self, length: usize) -> bool {
        matches!(self, Self::Network(base, _) if base.len() == length)
    }

    fn is_everything(&self) -> bool {
        match self {
            Self::Dns(name) => name.is_empty(),
            Self::Network(_, mask) => mask.iter().all(|byte| *byte == 0),
            Self::Other => false,
        }
    }

    fn has_name(&self, name: &str) -> bool {
        match self {
            Self::Dns(base) if base.is_empty() || base == name => true,
            Self::Dns(base) => name
                .strip_suffix(base.as_str())
                .is_some_and(|before| base.starts_with('.') || before.ends_with('.')),
            Self::Network(..) | Self::Other => false,
        }
    }

    fn has_address(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Network(base, mask) if base.len() == bytes.len() => {
                let parts = bytes.iter().zip(base).zip(mask);
                parts.into_iter().all(|((byte, base), mask)| byte & mask == base & mask)
            }
            Self::Network(..) | Self::Dns(_) | Self::Other => false,
        }
    }
}
