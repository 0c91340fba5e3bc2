//! The one way in: who asks is known, and may ask it, before anything is looked at.

use tonic::{Request, Status};

use super::{OperatorApi, status};
use crate::api::peer;
use crate::service::{Act, OperatorPeer};

impl OperatorApi {
    /// Who asks and what, if they may ask it.
    pub(super) fn enter<T>(
        &self,
        request: Request<T>,
        act: Act,
    ) -> Result<(OperatorPeer, T), Status> {
        let who = peer::operator(&self.service, request.extensions())?;
        self.service.allow(&who, act).map_err(status)?;
        Ok((who, request.into_inner()))
    }
}
