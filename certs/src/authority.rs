//! Makes certificates: self-signed ones, and ones signed by a small authority. The one room that says `rcgen`. It
//! decides nobody's identity and reads no clock: names, addresses and dates are the caller's.

use std::net::IpAddr;
use std::time::Duration;

use proto::{Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};

use crate::Pin;

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A name cannot stand in a certificate.
    #[error(
        "{0:?} cannot stand in a certificate as a DNS name; use ASCII letters, digits, dots and dashes"
    )]
    BadName(String),
    /// It would be over before it begins.
    #[error("a certificate from {0} until {1} is never valid; put the later time last")]
    NeverValid(Timestamp, Timestamp),
    /// The system gave no random bytes for a serial number.
    #[error("drawing a serial number failed: the system gave no random bytes")]
    NoRandomness,
    /// The key could not be made or the certificate could not be signed.
    #[error("making a key or signing a certificate failed")]
    Signing(#[from] rcgen::Error),
}

/// A certificate with the private key that belongs to it.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// The certificate in PEM form.
    pub certificate_pem: String,
    /// Its private key, PKCS #8 in PEM form.
    pub private_key_pem: Secret,
    /// Its fingerprint.
    pub pin: Pin,
}

/// Makes a key and a certificate for it that only the key itself vouches for, as devices leave the factory with.
/// The first name, or else the first address, becomes the subject. The key is EC P-256.
///
/// # Errors
/// [`AuthorityError`], when a name is no DNS name, the dates are in the wrong order, or the system gives no randomness.
pub fn self_signed(
    names: &[&str],
    addresses: &[IpAddr],
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<SelfSigned, AuthorityError> {
    let key = KeyPair::generate()?;
    let certificate = server_params(names, addresses, not_before, not_after)?.self_signed(&key)?;
    Ok(finish(&certificate, &key))
}

/// A small certificate authority: one key, one certificate, path length 0. It lives in memory only.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a key and the self-signed certificate of an authority called `name`.
    ///
    /// # Errors
    /// [`AuthorityError`], when the dates are in the wrong order or the system gives no randomness.
    pub fn new(
        name: &str,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let mut params = dated(not_before, not_after)?;
        params.distinguished_name = subject(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate_pem })
    }

    /// Makes a key and a server certificate for it, signed by this authority. Whether the dates lie within the
    /// authority's own is for whoever verifies the chain.
    ///
    /// # Errors
    /// As [`self_signed`].
    pub fn issue(
        &self,
        names: &[&str],
        addresses: &[IpAddr],
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<SelfSigned, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = server_params(names, addresses, not_before, not_after)?;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(finish(&certificate, &key))
    }

    /// The authority's own certificate in PEM form.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }
}

fn server_params(
    names: &[&str],
    addresses: &[IpAddr],
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = dated(not_before, not_after)?;
    let first_address = addresses.first().map(ToString::to_string);
    if let Some(first) = names.first().map(|name| (*name).to_owned()).or(first_address) {
        params.distinguished_name = subject(&first);
    }
    for name in names {
        let name = (*name).try_into().map_err(|_| AuthorityError::BadName((*name).to_owned()))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Dates and serial number are always set: the defaults of `rcgen` are the years 1975 to 4096 and a hash of the key.
pub(crate) fn dated(
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    if not_after <= not_before {
        return Err(AuthorityError::NeverValid(not_before, not_after));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(serial()?);
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(not_before);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(not_after);
    Ok(params)
}

/// 128 random bits behind a fixed byte that keeps the number positive and of one length (RFC 5280 section 4.1.2.2
/// allows at most 20 bytes).
fn serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = [1_u8; 17];
    aws_lc_rs::rand::fill(&mut bytes[1..]).map_err(|_| AuthorityError::NoRandomness)?;
    Ok(SerialNumber::from_slice(&bytes))
}

/// X.509 has no years before 1950 and none after 9999; times outside 1970 to 9999 are clamped.
fn since_1970(time: Timestamp) -> Duration {
    const END_OF_9999: i64 = 253_402_300_799;
    Duration::from_secs(time.unix().clamp(0, END_OF_9999).unsigned_abs())
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn finish(certificate: &rcgen::Certificate, key: &KeyPair) -> SelfSigned {
    SelfSigned {
        certificate_pem: certificate.pem(),
        private_key_pem: Secret::new(key.serialize_pem()),
        pin: Pin::of(certificate.der()),
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::pem::parse_x509_pem;

    use super::*;

    fn from() -> Timestamp {
        Timestamp::from_unix(1_700_000_000)
    }

    fn until() -> Timestamp {
        Timestamp::from_unix(1_900_000_000)
    }

    #[test]
    fn a_self_signed_certificate_says_what_it_was_asked_to_say() {
        let address: IpAddr = "10.77.3.9".parse().unwrap();
        let made = self_signed(&["mx10-21-61-44"], &[address], from(), until()).unwrap();
        let (_, pem) = parse_x509_pem(made.certificate_pem.as_bytes()).unwrap();
        let read = pem.parse_x509().unwrap();
        assert_eq!(read.subject().to_string(), "CN=mx10-21-61-44");
        assert_eq!(read.validity().not_after.timestamp(), until().unix());
        assert_eq!(read.validity().not_before.timestamp(), from().unix());
        assert_eq!(read.raw_serial().len(), 17);
        let san = read.subject_alternative_name().unwrap().unwrap();
        assert_eq!(san.value.general_names.len(), 2);
        read.verify_signature(None).expect("its own key signed it");
        assert_eq!(made.pin, Pin::of(&pem.contents));
    }

    #[test]
    fn an_issued_certificate_is_signed_by_its_authority_and_not_by_itself() {
        let authority = Authority::new("Example Devices", from(), until()).unwrap();
        let made = authority.issue(&["yard"], &[], from(), until()).unwrap();
        let (_, above) = parse_x509_pem(authority.certificate_pem().as_bytes()).unwrap();
        let (_, below) = parse_x509_pem(made.certificate_pem.as_bytes()).unwrap();
        let (above, below) = (above.parse_x509().unwrap(), below.parse_x509().unwrap());
        assert_eq!(below.issuer(), above.subject());
        below.verify_signature(Some(above.public_key())).expect("the authority signed it");
        assert!(below.verify_signature(None).is_err());
    }

    #[test]
    fn two_serials_differ() {
        assert_ne!(serial().unwrap(), serial().unwrap());
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        let swapped = self_signed(&["yard"], &[], until(), from()).unwrap_err();
        assert!(swapped.to_string().contains("put the later time last"), "{swapped}");
        let accent = self_signed(&["höf"], &[], from(), until()).unwrap_err();
        assert!(accent.to_string().contains("höf"), "{accent}");
    }
}
