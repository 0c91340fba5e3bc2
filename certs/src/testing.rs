//! Certificates for this crate's own tests.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::authority::SelfSigned;

/// The DER bytes of what was made.
pub fn der(made: &SelfSigned) -> Vec<u8> {
    CertificateDer::from_pem_slice(made.certificate_pem.as_bytes()).unwrap().to_vec()
}

/// Some certificate.
pub fn sample() -> Vec<u8> {
    Chain::new(0, 1000).leaf
}

/// Root, intermediate and leaf.
pub struct Chain {
    /// PEM.
    pub root: String,
    /// DER.
    pub intermediate: Vec<u8>,
    /// DER.
    pub leaf: Vec<u8>,
}

impl Chain {
    /// The leaf is valid between the two times, in seconds since 1970; the others for centuries.
    pub fn new(not_before: u64, not_after: u64) -> Self {
        let issuer = |name: &str| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(issuer("root"), key()).unwrap();
        let middle = CertifiedIssuer::signed_by(issuer("middle"), key(), &root).unwrap();
        let mut params = CertificateParams::new(vec!["yard".to_owned()]).unwrap();
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + std::time::Duration::from_secs(not_before);
        params.not_after = epoch + std::time::Duration::from_secs(not_after);
        let leaf = params.signed_by(&key(), &middle).unwrap();
        Self { root: root.pem(), intermediate: middle.der().to_vec(), leaf: leaf.der().to_vec() }
    }
}
