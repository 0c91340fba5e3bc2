//! A site's device issuer: the authority that an agent signs its devices' certificates with, also while the line is down.
//! What it may name is not the agent's to choose: the addresses of the devices that the site is known to have, each
//! alone, and nothing beyond a private network, so that whoever takes a box over can pretend to be nobody else's server.
//!
//! Names of devices are taken where they end in a private domain, such as `.lan` or `.internal`. Addresses and names that
//! anybody on the Internet could have are left out, and the audit log says how many, unless the site's policy states their
//! network or domain (`[certificates]`).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use certs::Name;
use certs::hierarchy::DeviceNames;
use certs::request;
use certs::trust::MAX_CERTIFICATE;
use ipnet::IpNet;
use proto::policy::Certificates;
use proto::wire::finding::DeviceKind;
use proto::{Policy, SiteName, Timestamp};
use rustls::pki_types::CertificateDer;

use super::caller::AgentPeer;
use super::enrollment::failed;
use super::live::lock;
use super::{Refusal, Service};
use crate::store::Deed;
use crate::store::devices::Device;
use crate::store::policies::Scope;

/// Most names and networks in one certificate: it goes into every camera's chain.
const MOST_NAMES: usize = 256;
/// Most device issuers that a site is given in [`WINDOW`].
const MOST_ISSUED: usize = 6;
/// In seconds.
const WINDOW: i64 = 3600;
/// Domains that nobody on the Internet can own: RFC 6762 appendix G, RFC 8375, and ICANN's `.internal`.
const PRIVATE: [&str; 8] =
    ["internal", "intranet", "private", "corp", "home", "lan", "local", "home.arpa"];

/// When sites were lately given an issuer.
#[derive(Debug, Default)]
pub struct Issued(Mutex<HashMap<SiteName, VecDeque<Timestamp>>>);

impl Issued {
    /// Counts one.
    fn count(&self, site: &SiteName, now: Timestamp) -> Result<(), Refusal> {
        let mut all = lock(&self.0);
        let lately = all.entry(site.clone()).or_default();
        lately.retain(|at| (0..WINDOW).contains(&now.seconds_since(*at)));
        if lately.len() >= MOST_ISSUED {
            return Err(Refusal::Exhausted(600));
        }
        lately.push_back(now);
        Ok(())
    }
}

impl Service {
    /// Signs the device issuer of the agent's site, anew as often as it asks within bounds: its devices may have changed.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a request that proves nothing, [`Refusal::Precondition`] while no device of the site is
    /// known that could be named, or too many; [`Refusal::Exhausted`].
    pub async fn device_issuer(
        &self,
        peer: &AgentPeer,
        request: &[u8],
    ) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        let request = request::verify(request)
            .map_err(|error| Refusal::Invalid(format!("the certificate request: {error}")))?;
        let policy = self.policy_in_force(&Scope::Site(peer.site.clone())).await?;
        let stated = Policy::from_toml(&policy.text).map_err(Refusal::failed)?.certificates;
        let devices = self.store.devices(Some(&peer.site)).await?;
        let (names, left_out) = nameable(&devices, &stated)?;
        let now = self.now();
        self.device_issuers.count(&peer.site, now)?;
        let standing = self.authorities.now();
        let issued = standing
            .issuing
            .device_issuer(&self.organisation, &peer.site, &names, &request, now)
            .map_err(failed)?;
        if issued.chain.first().is_none_or(|one| one.len() > MAX_CERTIFICATE) {
            return Err(too_many(names.networks.len() + names.names.len()));
        }
        let detail = format!(
            "serial {} until {}, for {} networks and {} names; {left_out} devices left out",
            issued.serial,
            issued.not_after,
            names.networks.len(),
            names.names.len()
        );
        let actor = Name::Agent(self.organisation.clone(), peer.id.clone()).to_string();
        let subject = peer.site.to_string();
        let deed = Deed { time: now, actor, deed: "device_issuer_signed", subject, detail };
        self.store.change().await?.commit(deed).await?;
        Ok(issued.chain)
    }
}

/// What a site's issuer may name, and how many devices are left out.
fn nameable(devices: &[Device], stated: &Certificates) -> Result<(DeviceNames, usize), Refusal> {
    let (mut names, mut networks, mut left_out) = (BTreeSet::new(), Vec::new(), 0);
    for device in devices {
        match device.report.kind {
            DeviceKind::Mobotix | DeviceKind::Vms | DeviceKind::Nas => {}
            // Whatever happens to be on the network is not the site's.
            DeviceKind::Stranger => continue,
        }
        match Host::read(&device.report.address, stated) {
            Some(Host::Address(address)) => networks.push(IpNet::from(address)),
            Some(Host::Name(name)) => drop(names.insert(name)),
            None => left_out += 1,
        }
    }
    let names: Vec<_> = names.into_iter().collect();
    let networks = IpNet::aggregate(&networks);
    match names.len() + networks.len() {
        0 => Err(Refusal::Precondition(
            "no device of this site is known that its issuer could name; have the devices visited first".to_owned(),
        )),
        1..=MOST_NAMES => Ok((DeviceNames { names, networks }, left_out)),
        more => Err(too_many(more)),
    }
}

fn too_many(names: usize) -> Refusal {
    Refusal::Precondition(format!(
        "the site's devices make {names} names and networks, and that is more than a device issuer holds (at most \
         {MOST_NAMES}, in {MAX_CERTIFICATE} bytes)"
    ))
}

/// Where a device is.
#[derive(Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// Out of `https://HOST[:PORT]`; `None` for what an issuer is not to name.
    fn read(address: &str, stated: &Certificates) -> Option<Self> {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let host = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?.0,
            None if rest.parse::<IpAddr>().is_ok() => rest,
            None => rest.rsplit_once(':').map_or(rest, |(host, _)| host),
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            let is_stated = stated.device_networks.iter().any(|net| net.contains(&address));
            return (is_private(address) || is_stated).then_some(Self::Address(address));
        }
        let name = host.to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let under = |domain: &str| {
            let rest = name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
            rest.is_some_and(|rest| !rest.is_empty())
        };
        let ours = name == "palisade.internal" || under("palisade.internal");
        let is_fine = name.len() <= 253 && name.split('.').all(label) && !ours;
        let stated = stated.device_domains.iter().any(|domain| name == *domain || under(domain));
        let private = PRIVATE.iter().any(|domain| under(domain));
        (is_fine && (private || stated)).then_some(Self::Name(name))
    }
}

/// Whether an address means nothing outside the network it is in.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // RFC 6598: behind a carrier's translator.
            let shared = a == 100 && (64..128).contains(&b);
            v4 != Ipv4Addr::UNSPECIFIED
                && (v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared)
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_a_private_network_is_named() {
        let none = Certificates::default();
        for (address, host) in [
            ("https://10.1.2.3", "10.1.2.3"),
            ("http://192.168.4.5:8080", "192.168.4.5"),
            ("127.0.0.1:4711", "127.0.0.1"),
            ("https://[fd00::7]:443", "fd00::7"),
            ("fe80::1", "fe80::1"),
            ("https://[::ffff:10.0.0.1]", "10.0.0.1"),
        ] {
            let wanted = Some(Host::Address(host.parse().unwrap()));
            assert_eq!(Host::read(address, &none), wanted, "{address}");
        }
        for name in ["https://Cam-1.Yard.LAN:443", "cam-1.yard.lan"] {
            assert_eq!(Host::read(name, &none), Some(Host::Name("cam-1.yard.lan".to_owned())));
        }
        for bad in [
            "https://93.184.216.34",
            "https://[2001:db8::1]",
            "0.0.0.0",
            "224.0.0.1",
            "cam.example.org",
            "lan",
            "https://a.palisade.internal",
            "palisade.internal",
            "*.lan",
            ".lan",
            "a..lan",
            "-a.lan",
            "",
            "https://",
            "[fd00::7",
        ] {
            assert_eq!(Host::read(bad, &none), None, "{bad}");
        }
    }
    #[test]
    fn what_the_sites_policy_states_is_named_besides() {
        let stated = Certificates {
            device_domains: vec!["cctv.example.org".to_owned()],
            device_networks: vec!["198.51.100.0/24".parse().unwrap()],
            ..Certificates::default()
        };
        let read = |address| Host::read(address, &stated).is_some();
        assert!(read("https://198.51.100.7") && read("yard.cctv.example.org") && read("10.1.2.3"));
        assert!(!read("198.51.101.7") && !read("www.example.org") && !read("xcctv.example.org"));
    }
}
