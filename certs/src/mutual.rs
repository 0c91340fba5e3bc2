//! Mutual TLS 1.3 between controller, agents and operators: the post-quantum hybrid group first, no resumption (it would
//! skip the verifiers below), every lifetime judged by the clock that is handed in.
//!
//! A device issuer can sign nothing here: at most one certificate may stand between a leaf and what is trusted, and a
//! client's leaf has to be signed by an issuing authority itself.

mod client;
mod own;
mod server;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::{CertificateError, Error};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use proto::Timestamp;

pub use client::{Lifetimes, Trusting, client_config};
pub use own::leads;
pub use server::{Gate, bridged_server_config, server_config};

/// Why no settings could be made.
#[derive(Debug, thiserror::Error)]
pub enum MutualError {
    /// What is to be trusted cannot be read.
    #[error("a certificate that is to be trusted cannot be read")]
    BadAnchor,
    /// The TLS library refused.
    #[error("the TLS settings were refused")]
    Tls(#[from] Error),
}

/// X25519MLKEM768 first, then classical groups for peers without it.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    use aws_lc_rs::kx_group::{SECP256R1, X25519, X25519MLKEM768};
    let kx_groups = vec![X25519MLKEM768, X25519, SECP256R1];
    Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
});

fn can_anchor(certificate: &CertificateDer<'_>) -> Result<(), MutualError> {
    anchor_from_trusted_cert(certificate).map(|_| ()).map_err(|_| MutualError::BadAnchor)
}

/// Whether a certificate leads to one of the anchors, by way of what stands between, at that time and for that use.
fn lead(
    certificate: &EndEntityCert<'_>,
    (anchors, between): (&[TrustAnchor<'_>], &[CertificateDer<'_>]),
    at: Timestamp,
    usage: KeyUsage,
) -> Result<(), Error> {
    let algorithms = PROVIDER.signature_verification_algorithms.all;
    let seconds = u64::try_from(at.unix()).unwrap_or(0);
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let led = certificate.verify_for_usage(algorithms, anchors, between, at, usage, None, None);
    led.map(|_| ()).map_err(|error| explain(&error))
}

/// In the words that TLS alerts are chosen by.
fn explain(error: &webpki::Error) -> Error {
    use webpki::Error as E;
    let reason = match error {
        E::CertExpired { .. } => CertificateError::Expired,
        E::CertNotValidYet { .. } => CertificateError::NotValidYet,
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        E::RequiredEkuNotFoundContext(_) | E::CaUsedAsEndEntity => CertificateError::InvalidPurpose,
        E::CertNotValidForName(_) => CertificateError::NotValidForName,
        E::BadDer | E::BadDerTime => CertificateError::BadEncoding,
        _ => CertificateError::ApplicationVerificationFailure,
    };
    Error::InvalidCertificate(reason)
}

fn refused(reason: CertificateError) -> Error {
    Error::InvalidCertificate(reason)
}

#[cfg(test)]
mod tests;
