//! Who asks. An [`AgentPeer`] or an [`OperatorPeer`] is proof that a handshake verified the certificate and that its
//! holder was in good standing: only `api/peer.rs` makes them, so a handler that forgets to ask has nothing to pass on.

use std::net::IpAddr;

use certs::VerifiedPeer;
use proto::{AgentId, OperatorName, Organisation, Role, SiteName};

/// An enrolled agent, and the one site it serves.
#[derive(Clone, Debug)]
pub struct AgentPeer {
    /// Which agent.
    pub id: AgentId,
    /// Which site, by the controller's own books; never by what the agent says.
    pub site: SiteName,
    /// What its certificate says.
    pub certificate: VerifiedPeer,
    /// Where it calls from.
    pub source: IpAddr,
    _made_by_the_peer_room: Proof,
}

/// A person with an operator's certificate.
#[derive(Clone, Debug)]
pub struct OperatorPeer {
    /// Who.
    pub name: OperatorName,
    /// What the person may do.
    pub role: Role,
    /// What the certificate says.
    pub certificate: VerifiedPeer,
    _made_by_the_peer_room: Proof,
}

/// Somebody without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(pub IpAddr);

/// What only the room that authenticates can make.
#[derive(Clone, Copy, Debug)]
pub struct Proof(());

impl Proof {
    /// For `api/peer.rs` alone; a test of the source keeps it so.
    pub(crate) fn made_by_peer() -> Self {
        Self(())
    }
}

impl AgentPeer {
    /// An agent whose standing was looked up in the books.
    pub(crate) fn new(
        id: AgentId,
        site: SiteName,
        certificate: VerifiedPeer,
        source: IpAddr,
        proof: Proof,
    ) -> Self {
        Self { id, site, certificate, source, _made_by_the_peer_room: proof }
    }
}

impl OperatorPeer {
    /// An operator whose role was looked up in the books.
    pub(crate) fn new(
        name: OperatorName,
        role: Role,
        certificate: VerifiedPeer,
        proof: Proof,
    ) -> Self {
        Self { name, role, certificate, _made_by_the_peer_room: proof }
    }

    /// As it stands in the audit log: `palisade://acme/operator/kim`.
    pub fn actor(&self, organisation: &Organisation) -> String {
        certs::Name::Operator(organisation.clone(), self.name.clone()).to_string()
    }
}
