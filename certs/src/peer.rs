//! What a peer's certificate says of it. Only the bytes that a handshake verified are read, and only this way.

use proto::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use crate::key::KeyHash;
use crate::name::Name;
use crate::random::hex;
use crate::trust::{MAX_CERTIFICATE, read as decode};

/// Most certificates in a chain of ours: leaf, issuing authority, root.
pub const MAX_CHAIN: usize = 3;

/// Why a chain says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeer {
    /// No certificate, or more than [`MAX_CHAIN`].
    #[error("a chain of {0} certificates; 1 to {MAX_CHAIN} are wanted")]
    WrongCount(usize),
    /// Larger than [`MAX_CERTIFICATE`].
    #[error("a certificate of {0} bytes; ours have at most {MAX_CERTIFICATE}")]
    TooLarge(usize),
    /// Not X.509.
    #[error("the certificate cannot be decoded")]
    Unreadable,
    /// Not exactly one name of ours.
    #[error("the certificate does not name exactly one controller, agent or operator")]
    Nameless,
}

/// Who somebody is, by a certificate that a handshake verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPeer {
    /// Whom the certificate is for.
    pub name: Name,
    /// Its serial number in hex.
    pub serial: String,
    /// SHA-256 of its key.
    pub key: KeyHash,
    /// When it ends.
    pub not_after: Timestamp,
}

/// Reads the first certificate of a chain. The chain must have been verified, or be one's own.
///
/// # Errors
/// [`BadPeer`].
pub fn read(chain: &[CertificateDer<'_>]) -> Result<VerifiedPeer, BadPeer> {
    let leaf = match chain {
        [] => return Err(BadPeer::WrongCount(0)),
        [leaf, ..] if chain.len() <= MAX_CHAIN => leaf,
        _ => return Err(BadPeer::WrongCount(chain.len())),
    };
    if leaf.len() > MAX_CERTIFICATE {
        return Err(BadPeer::TooLarge(leaf.len()));
    }
    let certificate = decode(leaf).ok_or(BadPeer::Unreadable)?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| BadPeer::Unreadable)?
        .map(|extension| &extension.value.general_names);
    let mut uris = names.into_iter().flatten().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let (Some(uri), None) = (uris.next(), uris.next()) else { return Err(BadPeer::Nameless) };
    Ok(VerifiedPeer {
        name: uri.parse().map_err(|_| BadPeer::Nameless)?,
        serial: hex(certificate.raw_serial()),
        key: KeyHash::of(certificate.public_key().raw),
        not_after: Timestamp::from_unix(certificate.validity().not_after.timestamp()),
    })
}
