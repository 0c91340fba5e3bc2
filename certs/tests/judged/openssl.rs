//! `openssl verify`, as strict as it gets.

use std::process::Command;

use rcgen::{ExtendedKeyUsagePurpose, SanType};

use super::chains::{Chains, NOW, dns};

/// What OpenSSL says of a certificate for a purpose, with the root and these in between; `None` if it is content.
fn complaint(
    chains: &Chains,
    (certificate, purpose): (&str, &str),
    (root, between): (&str, &[&str]),
    more: &[&str],
) -> Option<String> {
    let mut openssl = Command::new("openssl");
    openssl.args(["verify", "-x509_strict", "-check_ss_sig", "-no-CApath", "-purpose", purpose]);
    if !more.contains(&"-attime") {
        openssl.args(["-attime", &NOW.to_string()]);
    }
    openssl.args(more).arg("-CAfile").arg(chains.path(root));
    for one in between {
        openssl.arg("-untrusted").arg(chains.path(one));
    }
    let told = openssl.arg(chains.path(certificate)).output();
    let told = told.expect("the openssl program is needed; tests/run installs it");
    let words = format!(
        "{}{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );
    (!told.status.success()).then_some(words)
}

#[track_caller]
pub fn content(chains: &Chains, what: (&str, &str), between: &[&str], more: &[&str]) {
    let complaint = complaint(chains, what, ("root", between), more);
    assert_eq!(complaint, None, "{what:?}");
}

#[track_caller]
fn refused(chains: &Chains, what: (&str, &str), between: &[&str], why: &str) {
    let complaint = complaint(chains, what, ("root", between), &[]);
    let complaint = complaint.unwrap_or_else(|| panic!("{what:?} passed"));
    assert!(complaint.contains(why), "{why:?}: {complaint}");
}

const WRONG_PURPOSE: &str = "unsuitable certificate purpose";

#[test]
fn each_certificate_is_good_for_its_purpose_and_for_no_other() {
    let chains = Chains::new();
    for client in ["agent", "operator"] {
        content(&chains, (client, "sslclient"), &["issuing"], &[]);
        refused(&chains, (client, "sslserver"), &["issuing"], WRONG_PURPOSE);
    }
    let name = ["-verify_hostname", "controller.acme.palisade.internal"];
    content(&chains, ("controller", "sslserver"), &["issuing"], &name);
    refused(&chains, ("controller", "sslclient"), &["issuing"], WRONG_PURPOSE);
    for other in ["root", "issuing", "device-issuer"] {
        content(&chains, (other, "any"), &["issuing"], &[]);
    }
}

#[test]
fn a_certificate_is_good_in_its_time_and_under_its_root_alone() {
    let chains = Chains::new();
    let agent = ("agent", "sslclient");
    for (time, why) in [(NOW - 601, "not yet valid"), (NOW + 7 * 86_400 + 1, "has expired")] {
        let time = ["-attime", &time.to_string()];
        let complaint = complaint(&chains, agent, ("root", &["issuing"]), &time).unwrap();
        assert!(complaint.contains(why), "{complaint}");
    }
    assert!(complaint(&chains, agent, ("other-root", &["issuing"]), &[]).is_some());
    refused(&chains, agent, &[], "unable to get local issuer certificate");
}

#[test]
fn a_device_issuer_names_its_site_and_nothing_else() {
    let chains = Chains::new();
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let table = [
        ("its-name", dns("yard.harbour.example"), true),
        ("its-address", address("192.0.2.9"), true),
        ("other-name", dns("yard.depot.example"), false),
        ("controllers-name", dns("controller.acme.palisade.internal"), false),
        ("other-address", address("198.51.100.9"), false),
        ("other-kind", address("2001:db8::9"), false),
    ];
    for (name, says, good) in table {
        chains.device(name, says, server.clone());
        let (what, between) = ((name, "sslserver"), ["device-issuer", "issuing"]);
        if good {
            content(&chains, what, &between, &[]);
        } else {
            refused(&chains, what, &between, "subtree violation");
        }
    }
    chains.device(
        "client",
        uri("palisade://acme/operator/kim"),
        ExtendedKeyUsagePurpose::ClientAuth,
    );
    let between = ["device-issuer", "issuing"];
    refused(&chains, ("client", "sslclient"), &between, WRONG_PURPOSE);
}

#[test]
fn nobody_signs_below_a_device_issuer() {
    let chains = Chains::new();
    chains.below();
    let between = ["below-issuer", "device-issuer", "issuing"];
    refused(&chains, ("below", "sslserver"), &between, "path length constraint exceeded");
}
