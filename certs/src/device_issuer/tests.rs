use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::hierarchy::{DEVICE_ISSUER_LIFE, DeviceNames, Issuing, Root};
use crate::{Leaf, chain, request};

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW + seconds)
}

struct Acme {
    root: Root,
    issuing: Issuing,
}

impl Acme {
    fn new() -> Self {
        let organisation = "acme".parse().unwrap();
        let root = Root::make(&organisation, at(0)).unwrap();
        let issuing = root.issuing(&organisation, at(0)).unwrap();
        Self { root, issuing }
    }

    fn bundle(&self) -> TrustBundle {
        TrustBundle { generation: 1, roots: vec![self.root.certificate().clone()] }
    }

    fn root_pem(&self) -> String {
        let digits = STANDARD.encode(self.root.certificate());
        format!("-----BEGIN CERTIFICATE-----\n{digits}\n-----END CERTIFICATE-----\n")
    }

    fn chain(&self, key: &Key, names: &[&str], networks: &[&str]) -> Vec<CertificateDer<'static>> {
        let request = request::verify(&request::make(key).unwrap()).unwrap();
        let may_name = DeviceNames {
            names: names.iter().map(ToString::to_string).collect(),
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        };
        let (organisation, site) = ("acme".parse().unwrap(), "harbour".parse().unwrap());
        let issued =
            self.issuing.device_issuer(&organisation, &site, &may_name, &request, at(0)).unwrap();
        issued.chain
    }

    fn issuer(&self, names: &[&str], networks: &[&str]) -> DeviceIssuer {
        let key = Key::generate().unwrap();
        let chain = self.chain(&key, names, networks);
        DeviceIssuer::new(chain, key).unwrap()
    }
}

fn host(names: &[&str], addresses: &[&str]) -> Host {
    Host {
        names: names.iter().map(ToString::to_string).collect(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

#[test]
fn a_devices_certificate_says_what_it_is_for_and_leads_to_the_root() {
    let acme = Acme::new();
    let issuer = acme.issuer(&["harbour.example"], &["192.0.2.0/24"]);
    issuer.leads(&acme.bundle(), at(0)).unwrap();
    let yard = host(&["yard.harbour.example"], &["192.0.2.9"]);
    let made = issuer.issue("yard", &yard, at(0), DEVICE_LIFE).unwrap();
    assert_eq!((made.not_before(), made.not_after()), (at(-BACKDATE), at(DEVICE_LIFE)));
    assert_eq!((made.serial().len(), made.above().len()), (34, 2));
    let leaf = Leaf::read(made.leaf_der(), made.above()).unwrap();
    assert_eq!((&leaf.names, &leaf.addresses), (&yard.names, &yard.addresses));
    assert!(leaf.subject.contains("device yard") && leaf.subject.contains("acme"), "{leaf:?}");
    let other = Acme::new();
    assert_eq!(chain::verify(&leaf, &[acme.root_pem()], at(0)), Ok(()));
    assert!(chain::verify(&leaf, &[other.root_pem()], at(0)).is_err());
    let again = issuer.issue("yard", &yard, at(0), DEVICE_LIFE).unwrap();
    assert!(again.serial() != made.serial() && again.pin() != made.pin());
}

#[test]
fn what_the_issuer_may_not_name_gets_no_certificate() {
    let issuer = Acme::new().issuer(&["harbour.example"], &["192.0.2.0/24"]);
    for (names, addresses, outside) in [
        (vec!["harbour.example"], vec![], None),
        (vec!["Yard.Harbour.Example"], vec!["192.0.2.255"], None),
        (vec!["otherharbour.example"], vec![], Some("otherharbour.example")),
        (vec!["yard"], vec![], Some("yard")),
        (
            vec!["controller.acme.palisade.internal"],
            vec![],
            Some("controller.acme.palisade.internal"),
        ),
        (vec!["harbour.example"], vec!["192.0.3.1"], Some("192.0.3.1")),
        (vec![], vec!["2001:db8::1"], Some("2001:db8::1")),
    ] {
        let host = host(&names, &addresses);
        assert_eq!(issuer.not_covered(&host).first().map(String::as_str), outside, "{host:?}");
        let made = issuer.issue("yard", &host, at(0), DEVICE_LIFE);
        assert_eq!(made.is_ok(), outside.is_none(), "{host:?}");
    }
    let nobody = issuer.issue("yard", &Host::default(), at(0), DEVICE_LIFE);
    assert!(matches!(nobody, Err(IssueError::HowMany)));
    let addresses_only = Acme::new().issuer(&[], &["2001:db8::/64"]);
    assert!(addresses_only.not_covered(&host(&[], &["2001:db8::9"])).is_empty());
    assert_eq!(addresses_only.not_covered(&host(&["a.example"], &["10.0.0.1"])).len(), 2);
}

#[test]
fn no_certificate_outlives_its_issuer_and_a_short_one_is_not_worth_a_reboot() {
    let acme = Acme::new();
    let issuer = acme.issuer(&[], &["192.0.2.0/24"]);
    let yard = host(&[], &["192.0.2.9"]);
    let end = at(DEVICE_ISSUER_LIFE);
    assert_eq!(issuer.not_after(), end);
    let late = issuer.issue("yard", &yard, at(DEVICE_ISSUER_LIFE - 10 * DAY), DEVICE_LIFE);
    assert_eq!(late.unwrap().not_after(), end);
    for when in [-BACKDATE - 1, DEVICE_ISSUER_LIFE - LEAST_DEVICE_LIFE + 1, DEVICE_ISSUER_LIFE + 1]
    {
        let made = issuer.issue("yard", &yard, at(when), DEVICE_LIFE);
        assert!(matches!(made, Err(IssueError::OutOfTime(..))), "{when}");
    }
    issuer.leads(&acme.bundle(), at(DEVICE_ISSUER_LIFE - 1)).unwrap();
    let over = issuer.leads(&acme.bundle(), at(DEVICE_ISSUER_LIFE + 1));
    assert!(matches!(over, Err(BadIssuer::Untrusted(_))), "{over:?}");
}

#[test]
fn what_is_no_device_issuer_is_refused() {
    let acme = Acme::new();
    let key = || Key::generate().unwrap();
    let chain = acme.chain(&key(), &[], &["192.0.2.0/24"]);
    assert!(matches!(DeviceIssuer::new(chain.clone(), key()), Err(BadIssuer::OtherKey)));
    for wrong in [vec![], chain[..1].to_vec(), [chain.clone(), chain.clone()].concat()] {
        assert!(matches!(DeviceIssuer::new(wrong, key()), Err(BadIssuer::Unreadable)));
    }
    // An issuing authority itself, and a certificate of an agent, with their own keys.
    let own = Key::from_pkcs8(acme.issuing.key().pkcs8()).unwrap();
    let issuing = vec![acme.issuing.certificate().clone(), acme.root.certificate().clone()];
    assert!(matches!(DeviceIssuer::new(issuing, own), Err(BadIssuer::Powers)));
    let agent = key();
    let request = request::verify(&request::make(&agent).unwrap()).unwrap();
    let name = "palisade://acme/agent/00ff".parse().unwrap();
    let issued = acme.issuing.issue(&name, &request, at(0), DAY).unwrap();
    assert!(matches!(DeviceIssuer::new(issued.chain, agent), Err(BadIssuer::Powers)));
    let stranger = Acme::new().issuer(&[], &["192.0.2.0/24"]).leads(&acme.bundle(), at(0));
    assert!(matches!(stranger, Err(BadIssuer::Untrusted(_))), "{stranger:?}");
}

#[test]
fn an_issuer_that_may_name_everything_of_a_kind_is_refused() {
    let acme = Acme::new();
    let make = |constraints: Option<rcgen::NameConstraints>, path: u8| {
        let key = Key::generate().unwrap();
        let mut params = dated(at(0), at(DAY)).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(path));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.name_constraints = constraints;
        let issuing = acme.issuing.certificate();
        let issuer = Issuer::from_ca_cert_der(issuing, acme.issuing.key().pair()).unwrap();
        let public = SubjectPublicKeyInfo::from_der(key.spki()).unwrap();
        let own = params.signed_by(&public, &issuer).unwrap().der().clone();
        DeviceIssuer::new(vec![own, issuing.clone()], key)
    };
    let dns = |name: &str| rcgen::GeneralSubtree::DnsName(name.to_owned());
    let names_alone = rcgen::NameConstraints {
        permitted_subtrees: vec![dns("harbour.example")],
        excluded_subtrees: vec![],
    };
    assert!(matches!(make(None, 0), Err(BadIssuer::Unconstrained)));
    assert!(matches!(make(Some(names_alone.clone()), 0), Err(BadIssuer::Unconstrained)));
    assert!(matches!(make(Some(names_alone), 1), Err(BadIssuer::Powers)));
}

#[test]
fn an_issuer_for_every_single_camera_of_a_large_site_will_do() {
    let acme = Acme::new();
    let each: Vec<_> = (0..256).map(|number| format!("192.0.2.{number}/32")).collect();
    let each: Vec<_> = each.iter().map(String::as_str).collect();
    let issuer = acme.issuer(&[], &each);
    issuer.leads(&acme.bundle(), at(0)).unwrap();
    let last = host(&[], &["192.0.2.255"]);
    let made = issuer.issue("last", &last, at(0), DEVICE_LIFE).unwrap();
    assert!(made.to_pem().expose().len() < crate::device_certificate::MAX_TEXT / 2);
    assert_eq!(issuer.not_covered(&host(&[], &["192.0.3.0"])), ["192.0.3.0"]);
}
