//! What somebody trusts: the pin of a root, or a bundle of roots with a generation that never goes back.

use std::fmt;
use std::str::FromStr;

use proto::{Organisation, Timestamp};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::random::{digest, hex};

/// Most bytes of one of our own certificates.
pub const MAX_CERTIFICATE: usize = 8 << 10;
/// Most roots in a bundle.
pub const MAX_ROOTS: usize = 4;

/// SHA-256 of a root's SubjectPublicKeyInfo: what the first contact is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootPin(pub [u8; 32]);

/// The text is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a root's pin has 64 hex digits")]
pub struct BadRootPin;

/// A bundle that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    /// None, or more than [`MAX_ROOTS`].
    #[error("a trust bundle of {0} roots; 1 to {MAX_ROOTS} are wanted")]
    WrongCount(usize),
    /// A root that is no certificate, or larger than [`MAX_CERTIFICATE`].
    #[error("a root of the trust bundle cannot be read")]
    Unreadable,
}

/// The roots that certificates may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustBundle {
    /// Grows with every change; a lower one is refused.
    pub generation: u64,
    /// The roots' certificates.
    pub roots: Vec<CertificateDer<'static>>,
}

impl RootPin {
    /// The pin of a key.
    pub fn of_key(spki: &[u8]) -> Self {
        Self(digest(spki))
    }

    /// The pin of a certificate's key; `None` if it is no certificate.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        spki(certificate).as_deref().map(Self::of_key)
    }
}

impl fmt::Display for RootPin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl FromStr for RootPin {
    type Err = BadRootPin;

    fn from_str(text: &str) -> Result<Self, BadRootPin> {
        crate::random::unhex(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(BadRootPin)
    }
}

impl TrustBundle {
    /// A bundle as it came over the wire or from a file.
    ///
    /// # Errors
    /// [`BadBundle`].
    pub fn new(generation: u64, roots: Vec<Vec<u8>>) -> Result<Self, BadBundle> {
        if !(1..=MAX_ROOTS).contains(&roots.len()) {
            return Err(BadBundle::WrongCount(roots.len()));
        }
        if roots.iter().any(|root| root.len() > MAX_CERTIFICATE || spki(root).is_none()) {
            return Err(BadBundle::Unreadable);
        }
        Ok(Self { generation, roots: roots.into_iter().map(CertificateDer::from).collect() })
    }

    /// Whether one of the roots has this pin.
    pub fn holds(&self, pin: RootPin) -> bool {
        self.roots.iter().any(|root| RootPin::of(root) == Some(pin))
    }
}

/// When a certificate begins and ends; `None` if it cannot be read.
pub fn lifetime(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let validity = read(certificate)?.validity().clone();
    let time = |time: x509_parser::time::ASN1Time| Timestamp::from_unix(time.timestamp());
    Some((time(validity.not_before), time(validity.not_after)))
}

/// SubjectPublicKeyInfo of a certificate; `None` if it cannot be read.
pub fn spki(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(read(certificate)?.public_key().raw.to_vec())
}

/// The organisation that a certificate's subject names; `None` if it names none, or cannot be read.
pub fn organisation(certificate: &[u8]) -> Option<Organisation> {
    let certificate = read(certificate)?;
    let mut names = certificate.subject().iter_organization();
    let (name, None) = (names.next()?, names.next()) else { return None };
    name.as_str().ok()?.parse().ok()
}

pub(crate) fn read(certificate: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(certificate) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}
