//! Certificate requests (PKCS #10, RFC 2986). Of a request only its key counts, and only once its own signature was
//! verified: names are never taken from it.

use rcgen::{CertificateParams, DistinguishedName};
use rustls_pki_types::CertificateSigningRequestDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::key::{self, Key, KeyError, KeyHash};

/// Most bytes of a request.
pub const MAX_REQUEST: usize = 4096;
/// ecdsa-with-SHA256 (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    /// More than [`MAX_REQUEST`] bytes.
    #[error("a certificate request of {0} bytes; at most {MAX_REQUEST} are read")]
    TooLarge(usize),
    /// Not PKCS #10, or bytes follow it.
    #[error("it is no certificate request (PKCS #10 in DER)")]
    Unreadable,
    /// Not EC P-256 signed with SHA-256.
    #[error("the request is for a kind of key that is not used here; EC P-256 is")]
    WrongKind,
    /// Whoever made it does not have the key.
    #[error("the request was not signed by its own key")]
    BadSignature,
}

/// A request whose maker has proven to hold the key.
#[derive(Clone, Debug)]
pub struct VerifiedRequest {
    spki: Vec<u8>,
}

impl VerifiedRequest {
    /// SubjectPublicKeyInfo of the key (DER).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Its SHA-256.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.spki)
    }
}

/// Asks for a certificate for this key, and for nothing else.
///
/// # Errors
/// [`KeyError::Failed`].
pub fn make(key: &Key) -> Result<Vec<u8>, KeyError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(key.pair()).map_err(KeyError::Failed)?;
    Ok(CertificateSigningRequestDer::from(request).to_vec())
}

/// Reads a request and checks size, kind of key and signature.
///
/// # Errors
/// [`BadRequest`].
pub fn verify(der: &[u8]) -> Result<VerifiedRequest, BadRequest> {
    if der.len() > MAX_REQUEST {
        return Err(BadRequest::TooLarge(der.len()));
    }
    let (rest, request) =
        X509CertificationRequest::from_der(der).map_err(|_| BadRequest::Unreadable)?;
    if !rest.is_empty() {
        return Err(BadRequest::Unreadable);
    }
    if request.signature_algorithm.algorithm.to_id_string() != ECDSA_WITH_SHA256 {
        return Err(BadRequest::WrongKind);
    }
    let info = &request.certification_request_info;
    let spki = info.subject_pki.raw;
    key::verify(spki, info.raw, &request.signature_value.data).map_err(|error| match error {
        KeyError::WrongKind => BadRequest::WrongKind,
        _ => BadRequest::BadSignature,
    })?;
    Ok(VerifiedRequest { spki: spki.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_proves_its_key() {
        let key = Key::generate().unwrap();
        let request = verify(&make(&key).unwrap()).unwrap();
        assert_eq!(request.spki(), key.spki());
    }

    #[test]
    fn a_request_with_another_key_put_in_is_refused() {
        let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        let mut der = make(&key).unwrap();
        let place = der.windows(91).position(|window| window == key.spki()).unwrap();
        der[place..place + 91].copy_from_slice(other.spki());
        assert!(matches!(verify(&der), Err(BadRequest::BadSignature)));
    }

    #[test]
    fn other_kinds_and_sizes_are_refused() {
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let request = CertificateParams::default().serialize_request(&ed25519).unwrap();
        assert!(matches!(verify(request.der()), Err(BadRequest::WrongKind)));
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let request = CertificateParams::default().serialize_request(&p384).unwrap();
        assert!(matches!(verify(request.der()), Err(BadRequest::WrongKind)));
        assert!(matches!(verify(&[0; MAX_REQUEST + 1]), Err(BadRequest::TooLarge(4097))));
        let mut long = make(&Key::generate().unwrap()).unwrap();
        long.push(0);
        assert!(matches!(verify(&long), Err(BadRequest::Unreadable)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(at in 0usize..300, byte: u8, cut in 0usize..300) {
            let mut der = make(&Key::generate().unwrap()).unwrap();
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(der.len().saturating_sub(cut / 4));
            let _ = verify(&der);
        }
    }
}
