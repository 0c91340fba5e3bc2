//! Who is calling. The one place that makes an [`AgentPeer`] or an [`OperatorPeer`]: of what the handshake verified and
//! of how they stand now, anew at every call.

use std::net::IpAddr;
use std::sync::Arc;

use certs::{Name, VerifiedPeer};
use tonic::{Extensions, Status};

use super::connection::Connection;
use crate::service::caller::Proof;
use crate::service::{AgentPeer, OperatorPeer, Service, Source};

/// The agent that calls.
///
/// # Errors
/// `unauthenticated` without a certificate in force, `permission_denied` for anybody but a welcome agent.
pub fn agent(service: &Service, extensions: &Extensions) -> Result<AgentPeer, Status> {
    let (peer, source) = somebody(service, extensions)?;
    let Name::Agent(_, id) = &peer.name else {
        return Err(Status::permission_denied("only a site's agent may ask this"));
    };
    let standing = service.standings.agent(id).ok_or_else(unwelcome)?;
    Ok(AgentPeer::new(id.clone(), standing.site, peer, source, Proof::made_by_peer()))
}

/// The operator who calls.
///
/// # Errors
/// `unauthenticated` without a certificate in force, `permission_denied` for anybody but a known operator.
pub fn operator(service: &Service, extensions: &Extensions) -> Result<OperatorPeer, Status> {
    let (peer, _) = somebody(service, extensions)?;
    let Name::Operator(_, name) = &peer.name else {
        return Err(Status::permission_denied("only an operator may ask this"));
    };
    let standing = service.standings.operator(name).ok_or_else(unwelcome)?;
    Ok(OperatorPeer::new(name.clone(), standing.role, peer, Proof::made_by_peer()))
}

/// Where a call comes from, whoever it is.
///
/// # Errors
/// `internal` for a call that came over no connection of ours.
pub fn source(extensions: &Extensions) -> Result<Source, Status> {
    connection(extensions).map(|connection| Source(connection.source))
}

fn connection(extensions: &Extensions) -> Result<&Arc<Connection>, Status> {
    extensions.get().ok_or_else(|| Status::internal("a call over no connection"))
}

fn somebody(service: &Service, extensions: &Extensions) -> Result<(VerifiedPeer, IpAddr), Status> {
    let connection = connection(extensions)?;
    let peer = connection.peer.as_ref().ok_or_else(|| {
        Status::unauthenticated("this needs a certificate; enrol or log in first")
    })?;
    // A connection may outlive the certificate it was made with.
    if peer.not_after <= service.now() {
        return Err(Status::unauthenticated("the certificate has ended; come back with a new one"));
    }
    Ok((peer.clone(), connection.source))
}

fn unwelcome() -> Status {
    Status::permission_denied("not welcome any more")
}
