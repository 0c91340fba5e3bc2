//! The controller's side. A client may come without a certificate (then it may only ask to become somebody); if it
//! presents one, an issuing authority of ours must have signed it, its time must have come and not be over, and the gate
//! must admit it.

use std::fmt;
use std::sync::Arc;

use proto::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme, client::danger::HandshakeSignatureValid,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{MutualError, PROVIDER, can_anchor, explain, lead, refused};
use crate::clock::{SharedClock, TlsTime};
use crate::handshake;
use crate::identity::Identity;
use crate::name::Name;
use crate::peer::{MAX_CHAIN, VerifiedPeer, read};
use crate::trust::{MAX_CERTIFICATE, lifetime};

/// Decides whether somebody whose certificate is in order is still welcome. Asked in every handshake, so it answers
/// from memory.
pub trait Gate: fmt::Debug + Send + Sync {
    /// `false` ends the handshake with the alert `certificate_revoked`.
    fn admits(&self, peer: &VerifiedPeer) -> bool;
}

/// Settings for the controller's port. `issuers` are the issuing authorities whose certificates are taken.
///
/// # Errors
/// [`MutualError`].
pub fn server_config(
    identity: &Identity,
    issuers: &[CertificateDer<'static>],
    gate: Arc<dyn Gate>,
    clock: SharedClock,
) -> Result<Arc<ServerConfig>, MutualError> {
    bridged_server_config((identity, None), issuers, gate, clock)
}

/// The same for a controller that also presents a [bridge](crate::hierarchy::Root::bridge): whoever trusts only the root
/// that signed it gets in as well.
///
/// # Errors
/// [`MutualError`].
pub fn bridged_server_config(
    (identity, bridge): (&Identity, Option<&CertificateDer<'static>>),
    issuers: &[CertificateDer<'static>],
    gate: Arc<dyn Gate>,
    clock: SharedClock,
) -> Result<Arc<ServerConfig>, MutualError> {
    let dated = |issuer: &CertificateDer<'static>| {
        can_anchor(issuer)?;
        let (from, until) = lifetime(issuer).ok_or(MutualError::BadAnchor)?;
        Ok(Issuer { certificate: issuer.clone(), from, until })
    };
    let issuers = issuers.iter().map(dated).collect::<Result<Vec<_>, MutualError>>()?;
    let organisation = identity.name().organisation().to_string();
    let verifier = Verifier { issuers, organisation, gate, clock: clock.clone() };
    let mut config = ServerConfig::builder_with_details(PROVIDER.clone(), Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(
            identity.chain().iter().chain(bridge).cloned().collect(),
            identity.key().for_tls(),
        )?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Issuer {
    certificate: CertificateDer<'static>,
    from: Timestamp,
    until: Timestamp,
}

#[derive(Debug)]
struct Verifier {
    issuers: Vec<Issuer>,
    organisation: String,
    gate: Arc<dyn Gate>,
    clock: SharedClock,
}

impl Verifier {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        if others.len() >= MAX_CHAIN || leaf.len() > MAX_CERTIFICATE {
            return Err(refused(CertificateError::BadEncoding));
        }
        let now = self.clock.now();
        let alive = self.issuers.iter().filter(|issuer| issuer.from <= now && now < issuer.until);
        let anchors: Vec<_> =
            alive.filter_map(|issuer| anchor_from_trusted_cert(&issuer.certificate).ok()).collect();
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| explain(&error))?;
        // Nothing in between: what a device issuer signs leads nowhere.
        lead(&certificate, (&anchors, &[]), now, KeyUsage::client_auth())?;
        let peer = read(std::slice::from_ref(leaf))
            .map_err(|_| refused(CertificateError::ApplicationVerificationFailure))?;
        let is_client = match &peer.name {
            Name::Agent(organisation, _) | Name::Operator(organisation, _) => {
                organisation.as_str() == self.organisation
            }
            Name::Controller(_) => false,
        };
        if !is_client {
            return Err(refused(CertificateError::NotValidForName));
        }
        if self.gate.admits(&peer) { Ok(()) } else { Err(refused(CertificateError::Revoked)) }
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(leaf, others)?;
        Ok(ClientCertVerified::assertion())
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
