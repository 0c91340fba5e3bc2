//! What a certificate says about itself, read from its DER bytes. Reading is not believing: see `chain`.

use std::net::IpAddr;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto::Timestamp;
use proto::text::printable;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

use crate::Pin;

/// Most bytes of one certificate.
pub const MAX_DER: usize = 64 << 10;
/// Most certificates that may come with a leaf.
pub const MAX_INTERMEDIATES: usize = 8;
/// Most names and addresses together.
pub const MAX_NAMES: usize = 100;
/// Most characters kept of a subject, an issuer or a name.
const MAX_TEXT: usize = 300;

/// A certificate as a device presented it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Its fingerprint.
    pub pin: Pin,
    /// Subject, such as `CN=yard, O=Example`.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// DNS names it is for.
    pub names: Vec<String>,
    /// Addresses it is for.
    pub addresses: Vec<IpAddr>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Whether its own key signed it.
    pub self_signed: bool,
    /// Key type and size, such as `RSA 2048` or `EC P-256`.
    pub key: String,
    /// DER bytes in Base64, so that the same facts can be judged again.
    pub der: String,
    /// The certificates it came with, each DER in Base64; at most 8.
    pub intermediates: Vec<String>,
}

/// Why a certificate could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// One of them is larger than [`MAX_DER`].
    #[error("a certificate of {0} bytes was presented; at most {MAX_DER} are read")]
    TooLarge(usize),
    /// More than [`MAX_INTERMEDIATES`] came with it.
    #[error("{0} certificates came with the device's own; at most {MAX_INTERMEDIATES} are read")]
    TooLong(usize),
    /// It is for more than [`MAX_NAMES`] names.
    #[error("the certificate is for {0} names; at most {MAX_NAMES} are read")]
    TooManyNames(usize),
    /// Its bytes are not those of a certificate.
    #[error("the certificate cannot be decoded: {0}")]
    NotX509(String),
}

impl Leaf {
    /// Reads a certificate and takes note of those it came with, which are not decoded.
    ///
    /// # Errors
    /// See [`BadCertificate`].
    pub fn read<I: AsRef<[u8]>>(der: &[u8], intermediates: &[I]) -> Result<Self, BadCertificate> {
        if intermediates.len() > MAX_INTERMEDIATES {
            return Err(BadCertificate::TooLong(intermediates.len()));
        }
        let sizes = intermediates.iter().map(|one| one.as_ref().len());
        if let Some(size) = sizes.chain([der.len()]).find(|size| *size > MAX_DER) {
            return Err(BadCertificate::TooLarge(size));
        }
        let certificate = decode(der)?;
        let (names, addresses) = subject_names(&certificate)?;
        let validity = certificate.validity();
        Ok(Self {
            pin: Pin::of(der),
            subject: printable(&certificate.subject().to_string(), MAX_TEXT),
            issuer: printable(&certificate.issuer().to_string(), MAX_TEXT),
            names,
            addresses,
            not_before: Timestamp::from_unix(validity.not_before.timestamp()),
            not_after: Timestamp::from_unix(validity.not_after.timestamp()),
            self_signed: signed_itself(der, &certificate),
            key: key_kind(certificate.public_key()),
            der: STANDARD.encode(der),
            intermediates: intermediates.iter().map(|one| STANDARD.encode(one)).collect(),
        })
    }
}

fn decode(der: &[u8]) -> Result<X509Certificate<'_>, BadCertificate> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(BadCertificate::NotX509("something follows its end".to_owned())),
        Err(error) => Err(BadCertificate::NotX509(printable(&error.to_string(), 200))),
    }
}

fn subject_names(
    certificate: &X509Certificate<'_>,
) -> Result<(Vec<String>, Vec<IpAddr>), BadCertificate> {
    let bad = |error: X509Error| BadCertificate::NotX509(printable(&error.to_string(), 200));
    let Some(extension) = certificate.subject_alternative_name().map_err(bad)? else {
        return Ok((Vec::new(), Vec::new()));
    };
    let all = &extension.value.general_names;
    if all.len() > MAX_NAMES {
        return Err(BadCertificate::TooManyNames(all.len()));
    }
    let names = all.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(printable(name, MAX_TEXT)),
        _ => None,
    });
    let addresses = all.iter().filter_map(|name| match name {
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    Ok((names.collect(), addresses.collect()))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = |oid: &str| match oid {
        "1.2.840.10045.3.1.7" => Some("EC P-256"),
        "1.3.132.0.34" => Some("EC P-384"),
        "1.3.132.0.35" => Some("EC P-521"),
        _ => None,
    };
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", bits(rsa.modulus)),
        Ok(PublicKey::EC(point)) => {
            let oid = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            let known = oid.and_then(|oid| curve(&oid.to_id_string()));
            known.map_or_else(|| format!("EC {}", point.key_size()), str::to_owned)
        }
        Ok(PublicKey::DSA(_)) => "DSA".to_owned(),
        _ if key.algorithm.algorithm.to_id_string() == "1.3.101.112" => "Ed25519".to_owned(),
        _ => format!("unknown ({})", key.algorithm.algorithm.to_id_string()),
    }
}

/// The size of an unsigned number in bits, without the zeros DER may put in front.
fn bits(number: &[u8]) -> usize {
    let digits = number.iter().skip_while(|byte| **byte == 0);
    let first = digits.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
    digits.count() * 8 - first
}

/// Whether its own key signed it: proven by the signature, since equal names prove nothing.
fn signed_itself(der: &[u8], certificate: &X509Certificate<'_>) -> bool {
    if certificate.subject() != certificate.issuer() {
        return false;
    }
    let (message, signature) =
        (certificate.tbs_certificate.as_ref(), certificate.signature_value.data.as_ref());
    let der = CertificateDer::from(der);
    let modern = webpki::EndEntityCert::try_from(&der).is_ok_and(|leaf| {
        let mut all = webpki::ALL_VERIFICATION_ALGS.iter();
        all.any(|algorithm| leaf.verify_signature(*algorithm, message, signature).is_ok())
    });
    modern || legacy_signature(certificate, message, signature)
}

/// Old cameras sign with what webpki no longer takes (RSA below 2048 bits, SHA-1, X.509 v1). To say who signed a
/// certificate is not to trust it.
fn legacy_signature(certificate: &X509Certificate<'_>, message: &[u8], signature: &[u8]) -> bool {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    let algorithm: &'static dyn VerificationAlgorithm = match oid.as_str() {
        "1.2.840.113549.1.1.5" => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.11" => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.13" => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return false,
    };
    let key = certificate.public_key().subject_public_key.data.as_ref();
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::self_signed;
    use crate::testing;

    #[test]
    fn a_certificate_tells_its_names_dates_and_key() {
        let names = ["yard.example", "cam"];
        let address: IpAddr = "10.77.3.9".parse().unwrap();
        let made =
            self_signed(&names, &[address], Timestamp::from_unix(1000), Timestamp::from_unix(9000))
                .unwrap();
        let leaf = Leaf::read(&testing::der(&made), &[b"x".to_vec()]).unwrap();
        assert_eq!(leaf.names, names);
        assert_eq!(leaf.addresses, [address]);
        assert_eq!((leaf.not_before.unix(), leaf.not_after.unix()), (1000, 9000));
        assert_eq!(leaf.key, "EC P-256");
        assert!(leaf.self_signed);
        assert_eq!(leaf.intermediates, ["eA=="]);
        assert_eq!(leaf.pin, Pin::of(&testing::der(&made)));
    }

    #[test]
    fn equal_names_alone_are_no_signature() {
        let made =
            self_signed(&["yard"], &[], Timestamp::from_unix(1000), Timestamp::from_unix(9000))
                .unwrap();
        let mut der = testing::der(&made);
        let last = der.len() - 1;
        der[last] ^= 1;
        assert!(!Leaf::read::<Vec<u8>>(&der, &[]).unwrap().self_signed);
    }

    #[test]
    fn what_another_signed_is_not_self_signed() {
        let chain = testing::Chain::new(1000, 9000);
        assert!(!Leaf::read::<Vec<u8>>(&chain.leaf, &[]).unwrap().self_signed);
    }

    #[test]
    fn too_much_is_refused() {
        let many = vec![vec![0; 4]; MAX_INTERMEDIATES + 1];
        assert_eq!(Leaf::read(&[], &many), Err(BadCertificate::TooLong(9)));
        let large = vec![0; MAX_DER + 1];
        assert_eq!(Leaf::read::<Vec<u8>>(&large, &[]), Err(BadCertificate::TooLarge(MAX_DER + 1)));
        assert!(matches!(Leaf::read(b"0123", &[large]), Err(BadCertificate::TooLarge(_))));
    }

    #[test]
    fn bits_do_not_count_leading_zeros() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[1, 0]), 9);
        assert_eq!(bits(&[]), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(at in 0usize..400, byte: u8, cut in 0usize..400) {
            let mut der = testing::sample();
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(der.len().saturating_sub(cut / 4));
            let _ = Leaf::read::<Vec<u8>>(&der, &[]);
        }
    }
}
