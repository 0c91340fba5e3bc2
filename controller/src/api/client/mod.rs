//! The operator's side of the wire: what `palisade` on any machine asks of the controller. It dials, holds the
//! controller to its name whatever the address, and hands out plain words; it decides nothing and prints nothing.
//!
//! A reply of more than [`MAX_REPLY`] bytes is refused.

mod dial;
mod fault;
#[cfg(test)]
pub(crate) mod pretend;

use std::future::Future;
use std::time::Duration;

use proto::wire::v1;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use proto::wire::v1::operator_client::OperatorClient;
use tonic::transport::Channel;

pub use dial::{Dial, DialError};
pub use fault::CallError;

/// Largest reply taken, in bytes: ten thousand findings with their evidence fit.
pub const MAX_REPLY: usize = 64 << 20;
/// A reply that has not come by then does not come; an order waits up to 120 s for its agent.
const PATIENCE: Duration = Duration::from_secs(150);

/// An operator's connection to the controller.
#[derive(Debug)]
pub struct Client {
    inner: OperatorClient<Channel>,
}

/// Something an operator may ask that has one reply.
pub trait Ask: Sized {
    /// The reply.
    type Reply;

    /// Asks it.
    ///
    /// # Errors
    /// [`CallError`].
    fn send(self, client: &mut Client) -> impl Future<Output = Result<Self::Reply, CallError>>;
}

macro_rules! asks {
    ($($request:ident by $method:ident gives $reply:ident,)*) => {$(
        impl Ask for v1::$request {
            type Reply = v1::$reply;

            async fn send(self, client: &mut Client) -> Result<v1::$reply, CallError> {
                patient(client.inner.$method(self)).await
            }
        }
    )*};
}

asks! {
    WhoAmIRequest by who_am_i gives WhoAmIReply,
    RenewRequest by renew_operator gives RenewReply,
    AddSiteRequest by add_site gives Site,
    ListSitesRequest by list_sites gives ListSitesReply,
    RemoveSiteRequest by remove_site gives Empty,
    ReplaceSiteRequest by replace_site gives CreateTokenReply,
    CreateTokenRequest by create_token gives CreateTokenReply,
    ListTokensRequest by list_tokens gives ListTokensReply,
    RevokeTokenRequest by revoke_token gives Empty,
    ListAgentsRequest by list_agents gives ListAgentsReply,
    ApproveAgentRequest by approve_agent gives AgentView,
    ListPendingRequest by list_pending gives ListPendingReply,
    RevokeAgentRequest by revoke_agent gives Empty,
    UnlockAgentRequest by unlock_agent gives Empty,
    SendOrderRequest by send_order gives SendOrderReply,
    ListPlansRequest by list_plans gives ListPlansReply,
    ShowPlanRequest by show_plan gives ShownPlan,
    ApplyPlanRequest by apply_plan gives SendOrderReply,
    ListDevicesRequest by list_devices gives ListDevicesReply,
    ListRotationsRequest by list_rotations gives ListRotationsReply,
    ListFindingsRequest by list_findings gives ListFindingsReply,
    ListBackupsRequest by list_backups gives ListBackupsReply,
    FetchBackupRequest by fetch_backup gives ConfigurationBackup,
    ListEventsRequest by list_events gives ListEventsReply,
    ApplyPolicyRequest by apply_policy gives PolicyVersion,
    DropPolicyRequest by drop_policy gives PolicyVersion,
    PolicyHistoryRequest by policy_history gives PolicyHistoryReply,
    ShowPolicyRequest by show_policy gives PolicyVersion,
    PolicyRolloutRequest by policy_rollout gives PolicyRolloutReply,
    AttestRequest by attest gives Vouch,
    WaiveRequest by waive gives Vouch,
    ListVouchesRequest by list_vouches gives ListVouchesReply,
    WithdrawRequest by withdraw gives Empty,
    AddOperatorRequest by add_operator gives LogInCode,
    ListOperatorsRequest by list_operators gives ListOperatorsReply,
    RenewCodeRequest by renew_code gives LogInCode,
    RemoveOperatorRequest by remove_operator gives Empty,
    TurnoverRequest by turnover gives TurnoverReply,
    ShowRecoveryRequest by show_recovery gives RecoveryView,
    SetRecoveryRequest by set_recovery gives RecoveryView,
    ListSecretsRequest by list_secrets gives ListSecretsReply,
    ShowSecretsRequest by show_secrets gives ShowSecretsReply,
    PruneSecretsRequest by prune_secrets gives PruneSecretsReply,
}

/// A stream of replies.
#[derive(Debug)]
pub struct Replies<T>(tonic::Streaming<T>);

impl<T> Replies<T> {
    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn next(&mut self) -> Result<Option<T>, CallError> {
        self.0.message().await.map_err(|status| CallError::from(&status))
    }
}

impl Client {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn connect(dial: Dial) -> Result<Self, DialError> {
        let inner = OperatorClient::new(dial.channel().await?).max_decoding_message_size(MAX_REPLY);
        Ok(Self { inner })
    }

    /// The findings that match now, then whatever changes them.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch_findings(
        &mut self,
        request: v1::ListFindingsRequest,
    ) -> Result<Replies<v1::FindingRow>, CallError> {
        patient(self.inner.watch_findings(request)).await.map(Replies)
    }

    /// The events that match now, then each new one.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch_events(
        &mut self,
        request: v1::ListEventsRequest,
    ) -> Result<Replies<v1::EventRow>, CallError> {
        patient(self.inner.watch_events(request)).await.map(Replies)
    }

    /// The controller's audit log, or what an agent reported of its own, from a record on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn read_audit_log(
        &mut self,
        request: v1::ReadAuditLogRequest,
    ) -> Result<Replies<v1::AuditLogRecord>, CallError> {
        patient(self.inner.read_audit_log(request)).await.map(Replies)
    }

    /// Sealed copies of what is in escrow, one by one.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn export_secrets(
        &mut self,
        request: v1::ExportSecretsRequest,
    ) -> Result<Replies<v1::ExportedSecret>, CallError> {
        patient(self.inner.export_secrets(request)).await.map(Replies)
    }

    /// The controller's sealed backup, piece by piece.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn backup(&mut self) -> Result<Replies<v1::BackupChunk>, CallError> {
        patient(self.inner.backup(v1::BackupRequest {})).await.map(Replies)
    }
}

/// Becomes an operator's client with a one-time code; the controller is held to what `dial` trusts.
///
/// # Errors
/// [`CallError`].
pub async fn log_in(dial: Dial, request: v1::LogInRequest) -> Result<v1::LogInReply, CallError> {
    let mut client = EnrollmentClient::new(dial.channel().await?);
    patient(client.log_in(request)).await
}

async fn patient<T>(
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(reply)) => Ok(reply.into_inner()),
        Ok(Err(status)) => Err(CallError::from(&status)),
        Err(_) => Err(CallError::Unreachable("it did not answer in time".to_owned())),
    }
}
