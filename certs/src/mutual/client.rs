//! The side that dials: an agent or an operator's client. It holds the controller to a pin or a bundle of roots, to its
//! fixed DNS name and to its URI, whatever address it was dialled at.

use std::sync::Arc;

use proto::{Organisation, Timestamp};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{MutualError, PROVIDER, can_anchor, explain, lead, refused};
use crate::clock::SharedClock;
use crate::handshake;
use crate::identity::Identity;
use crate::name::Name;
use crate::peer::{MAX_CHAIN, read};
use crate::trust::{MAX_CERTIFICATE, RootPin, TrustBundle, lifetime};

/// Most certificates beside its own that a controller presents: those of a chain, and a bridge.
const MAX_OTHERS: usize = MAX_CHAIN;

/// Whom the dialling side trusts.
#[derive(Clone, Debug)]
pub enum Trusting {
    /// The first contact: whatever root has this key. The controller presents its root for that.
    Pin(RootPin),
    /// Afterwards: these roots.
    Bundle(TrustBundle),
}

/// Whether the controller's dates count.
#[derive(Clone, Debug)]
pub enum Lifetimes {
    /// They do, by this clock.
    Judged(SharedClock),
    /// We do not know the time, so nothing is too young or too old, unless it was over at a time that we know has
    /// passed.
    Unjudged {
        /// It is at least this late.
        floor: Timestamp,
    },
}

/// Settings for dialling the organisation's controller; with an identity, it is presented when asked for.
///
/// # Errors
/// [`MutualError`].
pub fn client_config(
    organisation: &Organisation,
    trusting: &Trusting,
    identity: Option<&Identity>,
    lifetimes: Lifetimes,
) -> Result<Arc<ClientConfig>, MutualError> {
    if let Trusting::Bundle(bundle) = trusting {
        bundle.roots.iter().try_for_each(can_anchor)?;
    }
    let name = Name::Controller(organisation.clone());
    let verifier = Verifier { name, trusting: trusting.clone(), lifetimes };
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        // The root stays at home: whoever verifies has the issuing authority at hand.
        Some(identity) => builder.with_client_auth_cert(
            identity.chain().iter().take(1).cloned().collect(),
            identity.key().for_tls(),
        )?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Verifier {
    name: Name,
    trusting: Trusting,
    lifetimes: Lifetimes,
}

impl Verifier {
    fn anchors<'a>(
        &'a self,
        presented: &'a [CertificateDer<'a>],
    ) -> Result<Vec<&'a CertificateDer<'a>>, Error> {
        let anchors: Vec<_> = match &self.trusting {
            Trusting::Pin(pin) => {
                presented.iter().filter(|one| RootPin::of(one) == Some(*pin)).collect()
            }
            Trusting::Bundle(bundle) => bundle.roots.iter().collect(),
        };
        if anchors.is_empty() { Err(refused(CertificateError::UnknownIssuer)) } else { Ok(anchors) }
    }

    /// When the dates are looked at: now, or, while we do not know the time, as early as the chain itself allows.
    fn judged_at(&self, chain: &[&CertificateDer<'_>]) -> Timestamp {
        match &self.lifetimes {
            Lifetimes::Judged(clock) => clock.now(),
            Lifetimes::Unjudged { floor } => {
                let begins = chain.iter().filter_map(|one| lifetime(one)).map(|(begin, _)| begin);
                begins.fold(*floor, Timestamp::max)
            }
        }
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        server: &ServerName<'_>,
    ) -> Result<(), Error> {
        let all = || std::iter::once(leaf).chain(others);
        if others.len() > MAX_OTHERS || all().any(|one| one.len() > MAX_CERTIFICATE) {
            return Err(refused(CertificateError::BadEncoding));
        }
        let anchors = self.anchors(others)?;
        let trusted: Vec<_> =
            anchors.iter().filter_map(|one| anchor_from_trusted_cert(one).ok()).collect();
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| explain(&error))?;
        // One at a time: never does a second authority stand between.
        let mut verdict = Err(refused(CertificateError::UnknownIssuer));
        for between in others.iter().filter(|one| !anchors.contains(one)) {
            let at = self.judged_at(&[leaf, between]);
            let way = (trusted.as_slice(), std::slice::from_ref(between));
            verdict = match lead(&certificate, way, at, KeyUsage::server_auth()) {
                // What was found wrong with a certificate that does lead here tells more.
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => verdict,
                judged => judged,
            };
            if verdict.is_ok() {
                break;
            }
        }
        verdict?;
        certificate.verify_is_valid_for_subject_name(server).map_err(|error| explain(&error))?;
        let peer = read(std::slice::from_ref(leaf));
        if peer.is_ok_and(|peer| peer.name == self.name) {
            Ok(())
        } else {
            Err(refused(CertificateError::NotValidForName))
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(leaf, others, server)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        handshake::no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        handshake::tls13(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        handshake::schemes()
    }
}
