//! What a site makes for its devices, as OpenSSL sees it.

use std::process::Command;

use certs::device_issuer::{DEVICE_LIFE, Host};

use super::chains::{Chains, NOW};
use super::openssl::content;

const SERVER: (&str, &str) = ("yard", "sslserver");
const BETWEEN: [&str; 2] = ["device-issuer", "issuing"];

fn yard() -> Host {
    Host {
        names: vec!["yard.harbour.example".to_owned()],
        addresses: vec!["192.0.2.9".parse().unwrap()],
    }
}

fn openssl(chains: &Chains, arguments: &[&str], file: &str) -> String {
    let told = Command::new("openssl").args(arguments).arg(chains.path(file)).output();
    let told = told.expect("the openssl program is needed; tests/run installs it");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn a_devices_certificate_is_good_for_its_name_and_address_and_time() {
    let chains = Chains::new();
    chains.yard(&yard());
    content(&chains, SERVER, &BETWEEN, &["-verify_hostname", "yard.harbour.example"]);
    content(&chains, SERVER, &BETWEEN, &["-verify_ip", "192.0.2.9"]);
    for time in [NOW - 600, NOW + DEVICE_LIFE - 1] {
        content(&chains, SERVER, &BETWEEN, &["-attime", &time.to_string()]);
    }
}

#[test]
fn a_device_that_has_an_address_alone_gets_a_good_one_too() {
    let chains = Chains::new();
    chains.yard(&Host { names: Vec::new(), ..yard() });
    content(&chains, SERVER, &BETWEEN, &["-verify_ip", "192.0.2.9"]);
}

#[test]
fn the_text_is_one_that_openssl_reads_with_the_same_serial_and_key() {
    let chains = Chains::new();
    let made = chains.yard(&yard());
    let serial = openssl(&chains, &["x509", "-noout", "-serial", "-in"], "yard-all");
    assert_eq!(serial.trim().to_ascii_lowercase(), format!("serial={}", made.serial()));
    let print = openssl(&chains, &["x509", "-noout", "-fingerprint", "-sha256", "-in"], "yard-all");
    let print = print.trim().rsplit_once('=').unwrap().1.replace(':', "").to_ascii_lowercase();
    assert_eq!(format!("sha256:{print}"), made.pin().to_string());
    let of_certificate = openssl(&chains, &["x509", "-noout", "-pubkey", "-in"], "yard-all");
    for file in ["yard-key", "yard-all"] {
        assert_eq!(openssl(&chains, &["pkey", "-pubout", "-in"], file), of_certificate, "{file}");
    }
}
