//! The signatures of a handshake: with them, whoever presents a certificate shows that they hold its key. Every verifier
//! of ours checks them here, with the same algorithms, whatever it thinks of the certificate itself.

use std::sync::LazyLock;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| aws_lc_rs::default_provider().signature_verification_algorithms);

/// Whether the signature of a TLS 1.2 handshake is the key's of the certificate.
///
/// # Errors
/// That it is not.
pub(crate) fn tls12(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls12_signature(message, leaf, signed, &ALGORITHMS)
}

/// The answer of a verifier that takes no TLS 1.2; its settings allow none, so nobody gets as far as to ask.
///
/// # Errors
/// Always.
pub(crate) fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
}

/// Whether the signature of a TLS 1.3 handshake is the key's of the certificate.
///
/// # Errors
/// That it is not.
pub(crate) fn tls13(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature(message, leaf, signed, &ALGORITHMS)
}

/// What a signature may be made with.
pub(crate) fn schemes() -> Vec<SignatureScheme> {
    ALGORITHMS.supported_schemes()
}
