//! C18: Camera is not reachable from the Internet.
//!
//! A public address accuses. A private one does not acquit: a port forward cannot be seen from inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::facts::CameraFacts;
use crate::measures::words::list;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "What the Internet can reach is found and attacked within hours.",
    expected: "The camera has no public address, and no router forwards a port to it.",
    remedy: "Give the camera a private address, remove port forwards and UPnP on the router, and \
             test from outside.",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["addresses"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    camera.addresses.judge(|addresses| {
        let public: Vec<&IpAddr> =
            addresses.iter().filter(|address| is_public(**address)).collect();
        if !public.is_empty() {
            let observed = format!(
                "public address: {}; whether a firewall stands before it, a \
                                    person must judge",
                list(public)
            );
            return Judgment::unmet(observed).partial();
        }
        let addresses = match addresses.as_slice() {
            [] => "no address of the camera was read".to_owned(),
            some => format!("only private addresses ({})", list(some)),
        };
        Judgment::for_a_person(
            Measure::Camera(Camera::C18Exposure),
            format!(
                "{addresses}; whether a router forwards a port to the camera cannot be seen \
                     from inside"
            ),
        )
    })
}

/// Whether the Internet routes to it: not in any special-purpose block (IANA registries after RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _) // shared address space, RFC 6598
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _)
    );
    !special
}

/// Global unicast is 2000::/3; of it 2001:db8::/32 and 3fff::/20 are for documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = (0x2000..=0x3fff).contains(&first);
    let documentation =
        (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    global && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[test]
    fn a_public_address_accuses_and_is_named() {
        for public in ["81.2.69.142", "2a00:1450::1", "::ffff:81.2.69.142"] {
            let set =
                |c: &mut CameraFacts| c.addresses = Fact::Seen(addresses(["10.1.0.9", public]));
            let judgment = check(judge, set, UNMET_PARTLY, &[public]);
            assert!(!judgment.observed.contains("10.1.0.9"));
        }
    }

    #[test]
    fn private_addresses_prove_nothing() {
        let private = addresses([
            "10.1.0.9",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.1.1",
            "127.0.0.1",
        ]);
        check(judge, |c| c.addresses = Fact::Seen(private), UNKNOWN, &["port", "C18", "10.1.0.9"]);
        let private = addresses(["fd00::1", "fe80::1", "::1", "2001:db8::1"]);
        check(judge, |c| c.addresses = Fact::Seen(private), UNKNOWN, &["port"]);
    }

    #[test]
    fn no_address_is_unknown() {
        check(judge, |c| c.addresses = Fact::Seen(Vec::new()), UNKNOWN, &["no address"]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
