//! TLS settings for the first contact with a device. Nobody vouches for a factory certificate, so it is held on to
//! (pinned) instead: who holds the key of the certificate seen first, or expected, is the device for this visit.
//!
//! No root store, no resumption, TLS 1.2 at least. The signatures of the handshake are always verified.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::handshake;
use crate::leaf::{BadCertificate, MAX_DER, MAX_INTERMEDIATES};
use crate::{Leaf, Pin};

/// aws-lc-rs without the hybrid post-quantum group: its large ClientHello comes in two segments, at which small
/// embedded servers are known to stumble, and costs each of hundreds of handshakes for a secret that pinning guards.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519};
    let kx_groups = vec![X25519, SECP256R1, SECP384R1];
    Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
});

/// A device presented another certificate than the one expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device presented certificate {presented}, expected was {expected}")]
pub struct WrongPin {
    /// The one pinned, or seen first.
    pub expected: Pin,
    /// The one presented now.
    pub presented: Pin,
}

/// What was seen in handshakes with one device.
#[derive(Debug)]
pub struct Witness {
    expected: Option<Pin>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    presented: Option<Presented>,
    proven: Option<Proven>,
}

/// A certificate whose holder has not yet shown that it has the key.
#[derive(Debug)]
struct Presented {
    leaf: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
    came_with: usize,
}

#[derive(Debug)]
struct Proven {
    certificate: Presented,
    version: &'static str,
}

impl Witness {
    /// The pin that is held on to: the one given, or that of the first device that proved to have the key.
    pub fn pin(&self) -> Option<Pin> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.expected
            .or_else(|| seen.proven.as_ref().map(|proven| Pin::of(&proven.certificate.leaf)))
    }

    /// TLS version (`TLSv1.2` or `TLSv1.3`) and certificate of the device that proved to have its key; `None` before.
    ///
    /// # Errors
    /// [`BadCertificate`], if what it presented cannot be read or is too much.
    pub fn sighting(&self) -> Option<Result<(&'static str, Leaf), BadCertificate>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Proven { certificate, version } = seen.proven.as_ref()?;
        if certificate.came_with > MAX_INTERMEDIATES {
            return Some(Err(BadCertificate::TooLong(certificate.came_with)));
        }
        let leaf = Leaf::read(&certificate.leaf, &certificate.intermediates);
        Some(leaf.map(|leaf| (*version, leaf)))
    }

    fn present(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        let presented = Pin::of(leaf);
        if let Some(expected) = self.pin().filter(|expected| *expected != presented) {
            return Err(refusal(WrongPin { expected, presented }));
        }
        let keep = others.iter().filter(|other| other.len() <= MAX_DER).take(MAX_INTERMEDIATES);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.presented = Some(Presented {
            leaf: leaf.to_vec(),
            intermediates: keep.map(|other| other.to_vec()).collect(),
            came_with: others.len(),
        });
        Ok(())
    }

    fn prove(&self, leaf: &CertificateDer<'_>, version: &'static str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = seen.presented.take().filter(|one| one.leaf == leaf.as_ref()) {
            seen.proven = Some(Proven { certificate, version });
        }
    }
}

fn refusal(reason: WrongPin) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(reason))))
}

/// Settings that accept exactly the certificate of that pin; without one, the first that is seen with its key, and
/// afterwards only that.
pub fn first_contact(pin: Option<Pin>) -> (ClientConfig, Arc<Witness>) {
    let witness = Arc::new(Witness { expected: pin, seen: Mutex::default() });
    let verifier = Arc::new(Verifier(witness.clone()));
    let mut config = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has cipher suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // Resumption skips the verifier, and every contact is to be witnessed.
    config.resumption = Resumption::disabled();
    (config, witness)
}

/// The wrong pin that a failed handshake tells of, if that is why it failed.
pub fn wrong_pin(error: &Error) -> Option<WrongPin> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<WrongPin>().copied()
        }
        _ => None,
    }
}

#[derive(Debug)]
struct Verifier(Arc<Witness>);

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.present(end_entity, intermediates)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = handshake::tls12(message, leaf, signed)?;
        self.0.prove(leaf, "TLSv1.2");
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = handshake::tls13(message, leaf, signed)?;
        self.0.prove(leaf, "TLSv1.3");
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        handshake::schemes()
    }
}

#[cfg(test)]
mod tests;
