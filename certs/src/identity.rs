//! Somebody's own certificate with its key: what is presented in a handshake.

use proto::Timestamp;
use rustls_pki_types::CertificateDer;

use crate::key::Key;
use crate::name::Name;
use crate::peer::{BadPeer, VerifiedPeer, read};
use crate::trust;

/// A certificate chain with the key of its first certificate.
#[derive(Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
    read: VerifiedPeer,
    not_before: Timestamp,
}

/// A chain and a key that make no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// The chain cannot be read.
    #[error("the certificate chain cannot be used")]
    Chain(#[from] BadPeer),
    /// The certificate is for another key.
    #[error("the certificate is for another key than the one at hand")]
    OtherKey,
}

impl Identity {
    /// Puts chain and key together. Whether the chain leads to a trusted root shows when it is used.
    ///
    /// # Errors
    /// [`BadIdentity`].
    pub fn new(chain: Vec<CertificateDer<'static>>, key: Key) -> Result<Self, BadIdentity> {
        let read = read(&chain)?;
        if read.key != key.hash() {
            return Err(BadIdentity::OtherKey);
        }
        let begin = chain.first().and_then(|leaf| trust::lifetime(leaf)).map(|(begin, _)| begin);
        let not_before = begin.unwrap_or(read.not_after);
        Ok(Self { chain, key, read, not_before })
    }

    /// The chain, the own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whom the certificate is for.
    pub fn name(&self) -> &Name {
        &self.read.name
    }

    /// The serial number in hex.
    pub fn serial(&self) -> &str {
        &self.read.serial
    }

    /// When it begins.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When it ends.
    pub fn not_after(&self) -> Timestamp {
        self.read.not_after
    }
}
