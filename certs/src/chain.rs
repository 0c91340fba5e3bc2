//! Whether a certificate leads to an authority of ours. Names are not compared here: who a certificate is for is a
//! question to [`Leaf::names`](crate::Leaf), and revocation lists are not consulted.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::Leaf;

/// Most authorities that are considered.
const MAX_AUTHORITIES: usize = 100;

/// Why a certificate does not lead to one of the authorities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No authority was given, or none of them could be read.
    #[error("none of the {0} authorities given is a readable certificate in PEM")]
    NoAuthority(usize),
    /// The leaf's stored bytes are no certificate that can be verified.
    #[error("the certificate is of a form that cannot be verified")]
    Unreadable,
    /// Its time, or that of a certificate between it and the authority, is over.
    #[error("the certificate, or one between it and the authority, has expired")]
    Expired,
    /// Its time has not come.
    #[error("the certificate, or one between it and the authority, is not yet valid")]
    NotYetValid,
    /// No path leads from it to an authority.
    #[error("no authority of ours issued the certificate")]
    UnknownIssuer,
    /// An issuer of that name exists, but its key did not make this signature.
    #[error("the certificate bears a signature that its issuer did not make")]
    BadSignature,
    /// It is signed in a way, or with a key, that is no longer safe.
    #[error("the certificate is signed with an algorithm or key that is too weak or not supported")]
    WeakSignature,
    /// It is an authority's own certificate, or meant for something other than a server.
    #[error("the certificate is not one for a server")]
    WrongPurpose,
    /// Something else, in the words of the library that verifies.
    #[error("the certificate does not lead to an authority of ours: {0}")]
    Other(String),
}

/// Verifies that `leaf` leads to one of the `authorities` (PEM texts, each with one certificate or more) at `now`.
///
/// # Errors
/// See [`ChainError`].
pub fn verify(leaf: &Leaf, authorities: &[String], now: Timestamp) -> Result<(), ChainError> {
    let trusted = read_authorities(authorities);
    let anchors: Vec<TrustAnchor<'_>> =
        trusted.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    if anchors.is_empty() {
        return Err(ChainError::NoAuthority(authorities.len()));
    }
    let der = decode(&leaf.der)?;
    let intermediates: Vec<_> =
        leaf.intermediates.iter().filter_map(|text| decode(text).ok()).collect();
    let certificate = EndEntityCert::try_from(&der).map_err(|_| ChainError::Unreadable)?;
    let seconds = u64::try_from(now.unix()).unwrap_or(0);
    certificate
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(|_| ())
        .map_err(|error| explain(&error))
}

fn read_authorities(texts: &[String]) -> Vec<CertificateDer<'static>> {
    let each = texts.iter().flat_map(|text| {
        CertificateDer::pem_slice_iter(text.as_bytes()).take(MAX_AUTHORITIES).flatten()
    });
    each.take(MAX_AUTHORITIES).collect()
}

fn decode(text: &str) -> Result<CertificateDer<'static>, ChainError> {
    STANDARD.decode(text).map(CertificateDer::from).map_err(|_| ChainError::Unreadable)
}

fn explain(error: &Error) -> ChainError {
    match error {
        Error::CertExpired { .. } => ChainError::Expired,
        Error::CertNotValidYet { .. } => ChainError::NotYetValid,
        Error::UnknownIssuer => ChainError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => ChainError::BadSignature,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => ChainError::WeakSignature,
        Error::CaUsedAsEndEntity | Error::RequiredEkuNotFoundContext(_) => ChainError::WrongPurpose,
        other => ChainError::Other(proto::text::printable(&format!("{other:?}"), 200)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chain;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn leaf(chain: &Chain) -> Leaf {
        Leaf::read(&chain.leaf, &[&chain.intermediate]).unwrap()
    }

    const NOW: u64 = 1_800_000_000;

    fn chain() -> Chain {
        Chain::new(NOW - 1000, NOW + 1000)
    }

    #[test]
    fn a_chain_to_our_authority_is_accepted_only_in_its_time() {
        let chain = chain();
        let (leaf, ours) = (leaf(&chain), [chain.root.clone()]);
        assert_eq!(verify(&leaf, &ours, at(NOW as i64)), Ok(()));
        assert_eq!(verify(&leaf, &ours, at(NOW as i64 + 2000)), Err(ChainError::Expired));
        assert_eq!(verify(&leaf, &ours, at(NOW as i64 - 2000)), Err(ChainError::NotYetValid));
    }

    #[test]
    fn a_chain_to_somebody_else_is_refused() {
        let strangers = [Chain::new(0, 9).root];
        let verdict = verify(&leaf(&chain()), &strangers, at(NOW as i64));
        assert!(matches!(verdict, Err(ChainError::UnknownIssuer | ChainError::BadSignature)));
    }

    #[test]
    fn a_missing_intermediate_leaves_the_issuer_unknown() {
        let chain = chain();
        let alone = Leaf::read::<Vec<u8>>(&chain.leaf, &[]).unwrap();
        assert_eq!(verify(&alone, &[chain.root], at(NOW as i64)), Err(ChainError::UnknownIssuer));
    }

    #[test]
    fn an_altered_certificate_is_refused() {
        let chain = chain();
        let mut der = chain.leaf.clone();
        let last = der.len() - 1;
        der[last] ^= 1;
        let altered = Leaf::read(&der, &[&chain.intermediate]).unwrap();
        assert!(verify(&altered, &[chain.root], at(NOW as i64)).is_err());
    }

    #[test]
    fn without_a_readable_authority_nothing_is_verified() {
        let leaf = leaf(&chain());
        let rubbish = ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned()];
        assert_eq!(verify(&leaf, &[], at(0)), Err(ChainError::NoAuthority(0)));
        assert_eq!(verify(&leaf, &rubbish, at(0)), Err(ChainError::NoAuthority(1)));
    }
}
