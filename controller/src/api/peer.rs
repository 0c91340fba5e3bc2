//! Who is calling.

use tonic::{Extensions, Status};

use crate::service::{OperatorPeer, Service};

/// The operator who calls.
///
/// # Errors
/// `unauthenticated`.
pub fn operator(_: &Service, extensions: &Extensions) -> Result<OperatorPeer, Status> {
    let who = extensions.get::<OperatorPeer>().cloned();
    who.ok_or_else(|| Status::unauthenticated("this needs a certificate"))
}
