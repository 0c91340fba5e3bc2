//! What an enrolled agent may ask. Its site is told by the books, by way of its certificate, and by nothing it says.

use std::sync::Arc;

use proto::wire::v1;
use proto::wire::v1::agent_server::Agent;
use tonic::{Request, Response, Status, Streaming};

use super::agent_wire::{trust, upload};
use super::peer;
use super::status::{malformed, status};
use super::watch::WatchStream;
use crate::service::Service;
use crate::service::reports::Acknowledged;

/// The `Agent` service.
#[derive(Clone, Debug)]
pub struct AgentApi {
    /// Who decides.
    pub service: Arc<Service>,
}

#[tonic::async_trait]
impl Agent for AgentApi {
    type WatchStream = WatchStream;

    async fn watch(
        &self,
        request: Request<Streaming<v1::AgentStatus>>,
    ) -> Result<Response<WatchStream>, Status> {
        let peer = peer::agent(&self.service, request.extensions())?;
        let watch = self.service.watch(&peer);
        Ok(Response::new(WatchStream::new(request.into_inner(), watch)))
    }

    async fn report(
        &self,
        request: Request<v1::ReportRequest>,
    ) -> Result<Response<v1::ReportReply>, Status> {
        let peer = peer::agent(&self.service, request.extensions())?;
        let actor = self.service.actor_of(&peer.id);
        let upload = upload(request.into_inner(), &actor).map_err(malformed)?;
        let taken = self.service.take_report(&peer, upload).await.map_err(status)?;
        let Acknowledged { committed, resend, refused } = taken;
        let resend = resend.iter().map(ToString::to_string).collect();
        Ok(Response::new(v1::ReportReply { committed, resend, refused }))
    }

    async fn renew(
        &self,
        request: Request<v1::RenewRequest>,
    ) -> Result<Response<v1::RenewReply>, Status> {
        let peer = peer::agent(&self.service, request.extensions())?;
        let request = request.into_inner().certificate_request;
        let renewed = self.service.renew_agent(&peer, &request).await.map_err(status)?;
        Ok(Response::new(v1::RenewReply {
            chain: renewed.chain.iter().map(|one| one.to_vec()).collect(),
            trust: Some(trust(&renewed.trust)),
            controller_time: renewed.time.unix(),
        }))
    }

    async fn device_issuer(
        &self,
        request: Request<v1::DeviceIssuerRequest>,
    ) -> Result<Response<v1::DeviceIssuer>, Status> {
        let peer = peer::agent(&self.service, request.extensions())?;
        let request = request.into_inner().certificate_request;
        let chain = self.service.device_issuer(&peer, &request).await.map_err(status)?;
        let chain = chain.iter().map(|one| one.to_vec()).collect();
        Ok(Response::new(v1::DeviceIssuer { chain }))
    }
}
