//! `[certificates]`: whose count as our own, and what those of a site's devices may be for.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Most domains or networks that are stated.
const MOST: usize = 64;

/// `[certificates]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// PEM texts of the authorities whose certificates count as our own. Default: none stated.
    pub authorities: Vec<String>,
    /// Days before its end at which a certificate is reported. Default 30.
    pub warn_days: u32,
    /// Domains that devices may be named in besides private ones, such as `cctv.example.org`. Default: none.
    pub device_domains: Vec<String>,
    /// Networks that devices may be in besides private ones. Default: none.
    pub device_networks: Vec<IpNet>,
}

impl Default for Certificates {
    fn default() -> Self {
        let (device_domains, device_networks) = (Vec::new(), Vec::new());
        Self { authorities: Vec::new(), warn_days: 30, device_domains, device_networks }
    }
}

impl Certificates {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Which key is out of its range, and what the range is.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.device_domains.len() > MOST || self.device_networks.len() > MOST {
            return Err(format!(
                "certificates.device_domains, device_networks: want at most {MOST}"
            ));
        }
        if !self.device_domains.iter().all(|domain| is_domain(domain)) {
            return Err(
                "certificates.device_domains: want lower-case names of two labels or more, such as cctv.example.org"
                    .to_owned(),
            );
        }
        let is_whole = |net: &IpNet| match net {
            IpNet::V4(net) => net.prefix_len() < 8,
            IpNet::V6(net) => net.prefix_len() < 16,
        };
        if self.device_networks.iter().any(is_whole) {
            return Err(
                "certificates.device_networks: want /8 or smaller for IPv4, /16 or smaller for IPv6"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use crate::Policy;

    #[test]
    fn what_devices_may_be_named_is_more_than_a_whole_top_level_domain_or_internet() {
        let of = |line: &str| Policy::from_toml(&format!("[certificates]\n{line}\n"));
        for good in [
            "device_domains = [\"cctv.example.org\"]\ndevice_networks = [\"198.51.100.0/24\"]",
            "device_networks = [\"2001:db8::/32\"]",
        ] {
            of(good).unwrap();
        }
        for bad in [
            "device_domains = [\"org\"]",
            "device_domains = [\"\"]",
            "device_domains = [\".example.org\"]",
            "device_domains = [\"CCTV.example.org\"]",
            "device_domains = [\"*.example.org\"]",
            "device_networks = [\"0.0.0.0/0\"]",
            "device_networks = [\"::/8\"]",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
