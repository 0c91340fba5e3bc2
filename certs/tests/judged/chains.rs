//! One of each certificate that the hierarchy makes, as PEM files in a folder, and what a site's device issuer makes of
//! what it is allowed, and of what it is not.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::device_issuer::{DEVICE_LIFE, Host};
use certs::hierarchy::{DeviceNames, Issued, Issuing, Root};
use certs::request::{self, VerifiedRequest};
use certs::{DeviceCertificate, DeviceIssuer, Key, Name};
use proto::{Organisation, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

pub const NOW: i64 = 1_800_000_000;

/// See the module.
pub struct Chains {
    folder: tempfile::TempDir,
    device_issuer: Issuer<'static, KeyPair>,
    at_the_site: DeviceIssuer,
}

pub fn organisation() -> Organisation {
    "acme".parse().unwrap()
}

fn asks(key: &Key) -> VerifiedRequest {
    request::verify(&request::make(key).unwrap()).unwrap()
}

fn leaf(issuing: &Issuing, name: &str) -> Issued {
    let key = Key::generate().unwrap();
    let name: Name = name.parse().unwrap();
    issuing.issue(&name, &asks(&key), Timestamp::from_unix(NOW), 7 * 86_400).unwrap()
}

impl Chains {
    /// `root.pem`, `issuing.pem`, `agent.pem`, `operator.pem`, `controller.pem`, `device-issuer.pem`, and `other-root.pem`
    /// of another organisation.
    pub fn new() -> Self {
        let now = Timestamp::from_unix(NOW);
        let root = Root::make(&organisation(), now).unwrap();
        let issuing = root.issuing(&organisation(), now).unwrap();
        let pair = KeyPair::generate().unwrap();
        let key = Key::from_pkcs8(pair.serialized_der()).unwrap();
        let may_name = DeviceNames {
            names: vec!["harbour.example".to_owned()],
            networks: vec!["192.0.2.0/24".parse().unwrap()],
        };
        let site = "harbour".parse().unwrap();
        let made =
            issuing.device_issuer(&organisation(), &site, &may_name, &asks(&key), now).unwrap();
        let at_the_site = DeviceIssuer::new(made.chain.clone(), key).unwrap();
        let device_issuer = Issuer::from_ca_cert_der(&made.chain[0], pair).unwrap();
        let chains = Self { folder: tempfile::tempdir().unwrap(), device_issuer, at_the_site };
        chains.write("root", root.certificate());
        chains.write("issuing", issuing.certificate());
        chains.write("device-issuer", &made.chain[0]);
        chains.write("agent", &leaf(&issuing, "palisade://acme/agent/00ff").chain[0]);
        chains.write("operator", &leaf(&issuing, "palisade://acme/operator/kim").chain[0]);
        chains.write("controller", &leaf(&issuing, "palisade://acme/controller").chain[0]);
        let other = Root::make(&"other".parse().unwrap(), now).unwrap();
        chains.write("other-root", other.certificate());
        chains
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.pem"))
    }

    /// A device's certificate as the site makes it: `yard.pem`, `yard-key.pem`, and what comes with it.
    pub fn yard(&self, host: &Host) -> DeviceCertificate {
        let now = Timestamp::from_unix(NOW);
        let made = self.at_the_site.issue("yard", host, now, DEVICE_LIFE).unwrap();
        let write = |name: &str, text: &str| std::fs::write(self.path(name), text).unwrap();
        write("yard", &made.leaf_pem());
        write("yard-key", made.key_pem().expose());
        write("yard-all", made.to_pem().expose());
        made
    }

    /// A device's certificate, by the site's device issuer, whatever it says.
    pub fn device(&self, name: &str, says: SanType, usage: ExtendedKeyUsagePurpose) {
        let mut params = params();
        params.subject_alt_names = vec![says];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        self.write(name, params.signed_by(&key, &self.device_issuer).unwrap().der());
    }

    /// `below-issuer.pem`, an authority that the device issuer signed, and `below.pem`, signed by that.
    pub fn below(&self) {
        let mut params = self::params();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "below");
        let key = KeyPair::generate().unwrap();
        self.write("below-issuer", params.signed_by(&key, &self.device_issuer).unwrap().der());
        let below = Issuer::new(params, key);
        let mut params = self::params();
        params.subject_alt_names = vec![dns("yard.harbour.example")];
        let key = KeyPair::generate().unwrap();
        self.write("below", params.signed_by(&key, &below).unwrap().der());
    }

    fn write(&self, name: &str, der: &[u8]) {
        let lines = STANDARD.encode(der);
        let lines: Vec<&str> =
            lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let text = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        );
        std::fs::write(self.path(name), text).unwrap();
    }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| epoch + std::time::Duration::from_secs(seconds.unsigned_abs());
    (params.not_before, params.not_after) = (at(NOW - 600), at(NOW + 86_400));
    params.use_authority_key_identifier_extension = true;
    params
}

pub fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// A path within the build's own folder.
pub fn in_target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(path)
}
