//! Private keys: EC P-256, made where they are used, never printed, wiped when dropped.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::random::{digest, hex};

/// What stands before the point in the SubjectPublicKeyInfo of every P-256 key (RFC 5480 section 2): a key that begins
/// with anything else is of another kind.
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Head, the mark of an uncompressed point, and two coordinates.
const SPKI_LENGTH: usize = 91;

/// Why a key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not PKCS #8, or not EC P-256.
    #[error("it is no EC P-256 private key in PKCS #8")]
    Unreadable,
    /// Not a SubjectPublicKeyInfo of EC P-256.
    #[error("it is no EC P-256 public key")]
    WrongKind,
    /// The signature was not made by that key over those bytes.
    #[error("the signature does not fit")]
    BadSignature,
    /// The crypto library failed.
    #[error("making a key or a signature failed")]
    Failed(#[source] rcgen::Error),
}

/// A private key.
pub struct Key {
    pair: KeyPair,
    spki: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({}, ..)", self.hash())
    }
}

/// SHA-256 of a public key's SubjectPublicKeyInfo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Display for KeyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyHash({self})")
    }
}

impl KeyHash {
    /// The hash of a SubjectPublicKeyInfo.
    pub fn of(spki: &[u8]) -> Self {
        Self(digest(spki))
    }
}

impl Key {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Failed`], when the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(KeyError::Failed)?;
        Ok(Self::of(pair))
    }

    /// Reads a key in PKCS #8 (DER).
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from(der.to_vec());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| KeyError::Unreadable)?;
        Ok(Self::of(pair))
    }

    fn of(pair: KeyPair) -> Self {
        let spki = pair.subject_public_key_info();
        Self { pair, spki }
    }

    /// The key itself in PKCS #8 (DER), for the one file it is kept in.
    pub fn pkcs8(&self) -> &[u8] {
        self.pair.serialized_der()
    }

    /// The key itself, for TLS.
    pub(crate) fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8().to_vec()))
    }

    /// The same key for whoever signs certificates with it.
    pub(crate) fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// SubjectPublicKeyInfo of the public key (DER).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`Self::spki`].
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.spki)
    }

    /// ECDSA with SHA-256, the signature in DER.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair.sign(message).map_err(KeyError::Failed)
    }
}

/// The point of a P-256 key.
pub(crate) fn point(spki: &[u8]) -> Result<&[u8], KeyError> {
    match spki.strip_prefix(SPKI_HEAD.as_slice()) {
        Some(point) if spki.len() == SPKI_LENGTH && point[0] == 4 => Ok(point),
        _ => Err(KeyError::WrongKind),
    }
}

/// Whether the holder of the key with this SubjectPublicKeyInfo signed the message.
///
/// # Errors
/// [`KeyError::WrongKind`], [`KeyError::BadSignature`].
pub fn verify(spki: &[u8], message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point(spki)?)
        .verify(message, signature)
        .map_err(|_| KeyError::BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_its_signature_holds_for_that_message_alone() {
        let key = Key::generate().unwrap();
        let again = Key::from_pkcs8(key.pkcs8()).unwrap();
        assert_eq!(key.hash(), again.hash());
        let signature = again.sign(b"yes").unwrap();
        verify(key.spki(), b"yes", &signature).unwrap();
        assert!(matches!(verify(key.spki(), b"no", &signature), Err(KeyError::BadSignature)));
        let other = Key::generate().unwrap();
        assert!(matches!(verify(other.spki(), b"yes", &signature), Err(KeyError::BadSignature)));
    }

    #[test]
    fn other_kinds_of_keys_are_refused() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let signature = other.sign(b"yes").unwrap();
        let spki = other.subject_public_key_info();
        assert!(matches!(verify(&spki, b"yes", &signature), Err(KeyError::WrongKind)));
        assert!(matches!(Key::from_pkcs8(other.serialized_der()), Err(KeyError::Unreadable)));
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::generate().unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains(&hex(&key.pkcs8()[36..68])) && shown.len() < 90, "{shown}");
    }
}
