//! C16: Camera presents a certificate of our own.
//!
//! Whose a certificate is, the policy decides by naming its authorities; without them nothing acquits. An agent that
//! makes certificates counts its site's own issuer among them. What can be seen without them accuses: no TLS, old TLS,
//! self-signed, out of its time, or made out to another address.

use std::net::IpAddr;

use certs::Leaf;
use proto::{Disruption, LockoutRisk};

use crate::change::Credential;
use crate::facts::{CameraFacts, TlsSighting};
use crate::measures::words::{counted, list, quoted};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Without a certificate that we can check, anyone on the way can pose as the camera and \
          read its passwords.",
    expected: "TLS 1.2 or newer with a certificate in its time, made out to this camera, and \
               issued by an authority of the policy.",
    remedy: "Upload a certificate for this camera's name and address from your own authority and \
             reboot (Admin Menu > Network Setup > Web Server (for experts) > Replace the X.509 \
             certificate).",
    disruption: Disruption::Reboot,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["tls", "addresses"],
};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    seen(camera, site).rotate(Credential::Certificate)
}

fn seen(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.tls.judge(|sighting| match sighting {
        TlsSighting::None => Judgment::unmet("the camera does not speak TLS on its HTTPS port"),
        TlsSighting::Legacy(why) => {
            Judgment::unmet(format!("the camera offers only TLS that is no longer safe: {why}"))
        }
        TlsSighting::Secure { certificate, .. } => {
            let authorities = &site.policy.certificates.authorities;
            let chain = (!authorities.is_empty()).then(|| {
                certs::chain::verify(certificate, authorities, site.now)
                    .map_err(|error| error.to_string())
            });
            let own = camera.addresses.seen().map_or(&[][..], Vec::as_slice);
            conclude(certificate, own, chain, site)
        }
    })
}

/// `chain`: whether the policy's authorities issued it, or nothing if the policy names none.
fn conclude(
    leaf: &Leaf,
    own: &[IpAddr],
    chain: Option<Result<(), String>>,
    site: &Site<'_>,
) -> Judgment {
    let mut against = shortcomings(leaf, site);
    against.extend(another_address(leaf, own));
    if let Some(Err(why)) = &chain {
        against.push(format!("it does not lead to an authority of the policy: {why}"));
    }
    let who =
        format!("certificate of {}, issued by {}", quoted(&leaf.subject), quoted(&leaf.issuer));
    if !against.is_empty() {
        return Judgment::unmet(format!("{who}: {}", against.join("; ")));
    }
    match chain {
        Some(Ok(())) => {
            let observed = format!(
                "{who}, leads to an authority of the policy and is valid until {}",
                leaf.not_after
            );
            if is_made_out_to(leaf, own) {
                return Judgment::met(observed);
            }
            let names = match leaf.names.as_slice() {
                [] => "nobody by name or address that was read".to_owned(),
                names => list(names.iter().map(|name| quoted(name))),
            };
            Judgment::met(format!(
                "{observed}; it is made out to {names}, and whether that is this camera, a person \
                 must judge"
            ))
            .partial()
        }
        Some(Err(_)) | None => Judgment::unknown(format!(
            "{who}: whether that is an authority of ours is not known; name yours in the policy \
             under certificates.authorities"
        )),
    }
}

fn shortcomings(leaf: &Leaf, site: &Site<'_>) -> Vec<String> {
    let mut against = Vec::new();
    let left = leaf.not_after.seconds_since(site.now);
    let warn_days = i64::from(site.policy.certificates.warn_days);
    if leaf.not_before > site.now {
        against.push(format!("it is not valid before {}", leaf.not_before));
    }
    if left < 0 {
        against.push(format!("it ended on {}", leaf.not_after));
    } else if left < warn_days * SECONDS_PER_DAY {
        let days = counted(usize::try_from(left / SECONDS_PER_DAY).unwrap_or_default(), "day");
        against.push(format!("it ends in {days}, on {}", leaf.not_after));
    }
    if leaf.self_signed {
        against.push("it is self-signed".to_owned());
    }
    against
}

/// Whether it names an address that the camera is known to have. Names cannot be compared: none was read from it.
fn is_made_out_to(leaf: &Leaf, own: &[IpAddr]) -> bool {
    let named =
        |own: &IpAddr| leaf.addresses.iter().any(|a| a.to_canonical() == own.to_canonical());
    own.iter().any(named)
}

/// A factory certificate names the factory address, which a camera rarely keeps.
fn another_address(leaf: &Leaf, own: &[IpAddr]) -> Option<String> {
    let own: Vec<IpAddr> = own.iter().map(IpAddr::to_canonical).collect();
    let is_own = |address: &IpAddr| own.contains(&address.to_canonical());
    let has_name = leaf.names.iter().any(|name| !is_factory_name(name, &leaf.addresses));
    let foreign =
        !own.is_empty() && !leaf.addresses.is_empty() && !leaf.addresses.iter().any(is_own);
    (foreign && !has_name).then(|| {
        let made_out = list(&leaf.addresses);
        format!(
            "it is made out only to {made_out}, as a factory certificate is, and not to {}",
            list(&own)
        )
    })
}

/// `mx10-77-3-9` for the factory address 10.77.3.9, or that address written as a name.
fn is_factory_name(name: &str, addresses: &[IpAddr]) -> bool {
    addresses.iter().any(|address| {
        let address = address.to_string();
        name == address
            || name.strip_prefix("mx").is_some_and(|rest| rest == address.replace('.', "-"))
    })
}

#[cfg(test)]
mod tests {
    use certs::Pin;
    use proto::Timestamp;

    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn leaf() -> Leaf {
        Leaf {
            pin: Pin::of(b"x"),
            subject: "CN=yard".to_owned(),
            issuer: "CN=Site".to_owned(),
            names: Vec::new(),
            addresses: addresses(["10.1.0.9"]),
            not_before: time("2026-01-01T00:00:00Z"),
            not_after: time("2027-12-31T00:00:00Z"),
            self_signed: false,
            key: "EC P-256".to_owned(),
            der: String::new(),
            intermediates: Vec::new(),
        }
    }

    #[track_caller]
    fn check_leaf(leaf: &Leaf, chain: Option<Result<(), String>>, outcome: Outcome, says: &[&str]) {
        let around = Around::default();
        assert_is(&conclude(leaf, &addresses(["10.1.0.9"]), chain, &around.site()), outcome, says);
    }

    #[test]
    fn a_certificate_of_our_own_authority_is_met() {
        check_leaf(&leaf(), Some(Ok(())), MET, &["CN=Site", "valid until 2027-12-31"]);
    }

    #[test]
    fn a_certificate_by_name_alone_may_be_another_cameras() {
        for names in [vec!["gate.example".to_owned()], Vec::new()] {
            let named = Leaf { addresses: Vec::new(), names, ..leaf() };
            check_leaf(&named, Some(Ok(())), MET_PARTLY, &["made out to", "a person must judge"]);
        }
    }

    #[test]
    fn without_authorities_in_the_policy_a_good_certificate_is_unknown() {
        check_leaf(&leaf(), None, UNKNOWN, &["certificates.authorities"]);
    }

    #[test]
    fn a_stranger_as_issuer_is_unmet_with_the_reason() {
        check_leaf(
            &leaf(),
            Some(Err("no authority issued it".to_owned())),
            UNMET,
            &["no authority issued it"],
        );
    }

    #[test]
    fn every_shortcoming_accuses_even_if_the_chain_is_good() {
        let expired = Leaf { not_after: time("2026-11-23T00:00:00Z"), ..leaf() };
        let early = Leaf { not_before: time("2026-11-24T08:00:01Z"), ..leaf() };
        let soon = Leaf { not_after: time("2026-12-04T08:00:00Z"), ..leaf() };
        let own_key = Leaf { self_signed: true, ..leaf() };
        for chain in [Some(Ok(())), None] {
            check_leaf(&expired, chain.clone(), UNMET, &["ended on 2026-11-23"]);
            check_leaf(&early, chain.clone(), UNMET, &["not valid before"]);
            check_leaf(&soon, chain.clone(), UNMET, &["ends in 10 days"]);
            check_leaf(&own_key, chain, UNMET, &["self-signed"]);
        }
    }

    #[test]
    fn the_warning_begins_exactly_when_the_policy_says() {
        let thirty_days = Leaf { not_after: time("2026-12-24T08:00:00Z"), ..leaf() };
        check_leaf(&thirty_days, Some(Ok(())), MET, &[]);
        let a_second_less = Leaf { not_after: time("2026-12-24T07:59:59Z"), ..leaf() };
        check_leaf(&a_second_less, Some(Ok(())), UNMET, &["29 days"]);
    }

    #[test]
    fn a_certificate_for_the_factory_address_alone_is_unmet() {
        let factory = Leaf {
            addresses: addresses(["10.77.3.9"]),
            names: vec!["mx10-77-3-9".to_owned()],
            ..leaf()
        };
        check_leaf(&factory, None, UNMET, &["10.77.3.9", "10.1.0.9"]);
        let named = Leaf { names: vec!["yard.example".to_owned()], ..factory };
        check_leaf(&named, None, UNKNOWN, &[]);
    }

    #[test]
    fn no_tls_and_old_tls_are_unmet() {
        check(judge, |c| c.tls = Fact::Seen(TlsSighting::None), UNMET, &["does not speak TLS"]);
        let legacy = TlsSighting::Legacy("it answered with TLS 1.0".to_owned());
        check(judge, |c| c.tls = Fact::Seen(legacy), UNMET, &["TLS 1.0"]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn the_policys_authorities_are_asked() {
        let secure =
            TlsSighting::Secure { version: "TLSv1.3".to_owned(), certificate: Box::new(leaf()) };
        let set = |c: &mut CameraFacts| c.tls = Fact::Seen(secure);
        let policy = |policy: &mut proto::Policy| {
            policy.certificates.authorities = vec!["no authority".to_owned()]
        };
        check_under(policy, judge, set, UNMET, &["does not lead to an authority"]);
    }
}
