//! What people with an operator's certificate may ask. Each call names its act before it gets at who asks, so that none
//! goes past the table of roles (`service::roles`); the nouns' files unpack and wrap.

mod agents;
mod enter;
mod escrow;
mod findings;
mod names;
mod orders;
mod people;
mod plans;
mod policies;
mod recipients;
mod records;
mod rotations;
mod sites;
#[cfg(test)]
mod tests;
mod tokens;
mod trust;
mod vouches;

use std::pin::Pin;
use std::sync::Arc;

use proto::wire::v1;
use proto::wire::v1::operator_server::Operator;
use tonic::{Request, Response, Status};

use self::names::{maybe_site, site};
use super::status::{malformed, status};
use crate::service::{Act, Service};

/// The `Operator` service.
#[derive(Clone, Debug)]
pub struct OperatorApi {
    /// Who decides.
    pub service: Arc<Service>,
}

/// An answer.
type Reply<T> = Result<Response<T>, Status>;

/// An answer in many pieces.
type Pieces<T> = Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Operator for OperatorApi {
    type WatchFindingsStream = Pieces<v1::FindingRow>;
    type WatchEventsStream = Pieces<v1::EventRow>;
    type ReadAuditLogStream = Pieces<v1::AuditLogRecord>;
    type BackupStream = Pieces<v1::BackupChunk>;
    type ExportSecretsStream = Pieces<v1::ExportedSecret>;

    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Reply<v1::WhoAmIReply> {
        let (who, ask) = self.enter(request, Act::WhoAmI)?;
        people::who_am_i(&self.service, &who, ask).await.map(Response::new)
    }

    async fn renew_operator(&self, request: Request<v1::RenewRequest>) -> Reply<v1::RenewReply> {
        let (who, ask) = self.enter(request, Act::RenewOperator)?;
        people::renew(&self.service, &who, ask).await.map(Response::new)
    }

    async fn add_site(&self, request: Request<v1::AddSiteRequest>) -> Reply<v1::Site> {
        let (who, ask) = self.enter(request, Act::AddSite)?;
        sites::add(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_sites(
        &self,
        request: Request<v1::ListSitesRequest>,
    ) -> Reply<v1::ListSitesReply> {
        let (who, ask) = self.enter(request, Act::ListSites)?;
        sites::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn remove_site(&self, request: Request<v1::RemoveSiteRequest>) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::RemoveSite)?;
        sites::remove(&self.service, &who, ask).await.map(Response::new)
    }

    async fn replace_site(
        &self,
        request: Request<v1::ReplaceSiteRequest>,
    ) -> Reply<v1::CreateTokenReply> {
        let (who, ask) = self.enter(request, Act::ReplaceSite)?;
        tokens::replace(&self.service, &who, ask).await.map(Response::new)
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Reply<v1::CreateTokenReply> {
        let (who, ask) = self.enter(request, Act::CreateToken)?;
        tokens::create(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Reply<v1::ListTokensReply> {
        let (who, ask) = self.enter(request, Act::ListTokens)?;
        tokens::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn revoke_token(&self, request: Request<v1::RevokeTokenRequest>) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::RevokeToken)?;
        tokens::revoke(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_agents(
        &self,
        request: Request<v1::ListAgentsRequest>,
    ) -> Reply<v1::ListAgentsReply> {
        let (who, ask) = self.enter(request, Act::ListAgents)?;
        agents::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn approve_agent(
        &self,
        request: Request<v1::ApproveAgentRequest>,
    ) -> Reply<v1::AgentView> {
        let (who, ask) = self.enter(request, Act::ApproveAgent)?;
        agents::approve(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_pending(
        &self,
        request: Request<v1::ListPendingRequest>,
    ) -> Reply<v1::ListPendingReply> {
        let (who, ask) = self.enter(request, Act::ListPending)?;
        agents::pending(&self.service, &who, ask).await.map(Response::new)
    }

    async fn revoke_agent(&self, request: Request<v1::RevokeAgentRequest>) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::RevokeAgent)?;
        agents::revoke(&self.service, &who, ask).await.map(Response::new)
    }

    async fn unlock_agent(&self, request: Request<v1::UnlockAgentRequest>) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::UnlockAgent)?;
        agents::unlock(&self.service, &who, ask).await.map(Response::new)
    }

    async fn send_order(
        &self,
        request: Request<v1::SendOrderRequest>,
    ) -> Reply<v1::SendOrderReply> {
        let (who, ask) = self.enter(request, Act::SendOrder)?;
        orders::send(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Reply<v1::ListPlansReply> {
        let (_, ask) = self.enter(request, Act::ListPlans)?;
        plans::list(&self.service, ask).await.map(Response::new)
    }

    async fn show_plan(&self, request: Request<v1::ShowPlanRequest>) -> Reply<v1::ShownPlan> {
        let (_, ask) = self.enter(request, Act::ShowPlan)?;
        plans::show(&self.service, ask).await.map(Response::new)
    }

    async fn apply_plan(
        &self,
        request: Request<v1::ApplyPlanRequest>,
    ) -> Reply<v1::SendOrderReply> {
        let (who, ask) = self.enter(request, Act::ApplyPlan)?;
        plans::apply(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_devices(
        &self,
        request: Request<v1::ListDevicesRequest>,
    ) -> Reply<v1::ListDevicesReply> {
        let (who, ask) = self.enter(request, Act::ListDevices)?;
        findings::devices(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_rotations(
        &self,
        request: Request<v1::ListRotationsRequest>,
    ) -> Reply<v1::ListRotationsReply> {
        let (who, ask) = self.enter(request, Act::ListRotations)?;
        rotations::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Reply<v1::ListFindingsReply> {
        let (who, ask) = self.enter(request, Act::ListFindings)?;
        findings::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn watch_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Reply<Self::WatchFindingsStream> {
        let (_, ask) = self.enter(request, Act::WatchFindings)?;
        findings::watch(&self.service, ask).await.map(Response::new)
    }

    async fn list_backups(
        &self,
        request: Request<v1::ListBackupsRequest>,
    ) -> Reply<v1::ListBackupsReply> {
        let (_, ask) = self.enter(request, Act::ListBackups)?;
        records::backups(&self.service, &ask).await.map(Response::new)
    }

    async fn fetch_backup(
        &self,
        request: Request<v1::FetchBackupRequest>,
    ) -> Reply<v1::ConfigurationBackup> {
        let (who, ask) = self.enter(request, Act::FetchBackup)?;
        records::fetch(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Reply<v1::ListEventsReply> {
        let (_, ask) = self.enter(request, Act::ListEvents)?;
        records::events(&self.service, &ask).await.map(Response::new)
    }

    async fn watch_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Reply<Self::WatchEventsStream> {
        let (_, ask) = self.enter(request, Act::WatchEvents)?;
        records::watch(&self.service, &ask).await.map(Response::new)
    }

    async fn drop_policy(
        &self,
        request: Request<v1::DropPolicyRequest>,
    ) -> Reply<v1::PolicyVersion> {
        let (who, ask) = self.enter(request, Act::DropPolicy)?;
        policies::drop(&self.service, &who, ask).await.map(Response::new)
    }

    async fn apply_policy(
        &self,
        request: Request<v1::ApplyPolicyRequest>,
    ) -> Reply<v1::PolicyVersion> {
        let (who, ask) = self.enter(request, Act::ApplyPolicy)?;
        policies::apply(&self.service, &who, ask).await.map(Response::new)
    }

    async fn policy_history(
        &self,
        request: Request<v1::PolicyHistoryRequest>,
    ) -> Reply<v1::PolicyHistoryReply> {
        let (who, ask) = self.enter(request, Act::PolicyHistory)?;
        policies::history(&self.service, &who, ask).await.map(Response::new)
    }

    async fn show_policy(
        &self,
        request: Request<v1::ShowPolicyRequest>,
    ) -> Reply<v1::PolicyVersion> {
        let (who, ask) = self.enter(request, Act::ShowPolicy)?;
        policies::show(&self.service, &who, ask).await.map(Response::new)
    }

    async fn policy_rollout(
        &self,
        request: Request<v1::PolicyRolloutRequest>,
    ) -> Reply<v1::PolicyRolloutReply> {
        let (who, ask) = self.enter(request, Act::PolicyRollout)?;
        policies::rollout(&self.service, &who, ask).await.map(Response::new)
    }

    async fn attest(&self, request: Request<v1::AttestRequest>) -> Reply<v1::Vouch> {
        let (who, ask) = self.enter(request, Act::Attest)?;
        vouches::attest(&self.service, &who, ask).await.map(Response::new)
    }

    async fn waive(&self, request: Request<v1::WaiveRequest>) -> Reply<v1::Vouch> {
        let (who, ask) = self.enter(request, Act::Waive)?;
        vouches::waive(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_vouches(
        &self,
        request: Request<v1::ListVouchesRequest>,
    ) -> Reply<v1::ListVouchesReply> {
        let (who, ask) = self.enter(request, Act::ListVouches)?;
        vouches::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn withdraw(&self, request: Request<v1::WithdrawRequest>) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::Withdraw)?;
        vouches::withdraw(&self.service, &who, ask).await.map(Response::new)
    }

    async fn add_operator(&self, request: Request<v1::AddOperatorRequest>) -> Reply<v1::LogInCode> {
        let (who, ask) = self.enter(request, Act::AddOperator)?;
        people::add(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_operators(
        &self,
        request: Request<v1::ListOperatorsRequest>,
    ) -> Reply<v1::ListOperatorsReply> {
        let (who, ask) = self.enter(request, Act::ListOperators)?;
        people::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn renew_code(&self, request: Request<v1::RenewCodeRequest>) -> Reply<v1::LogInCode> {
        let (who, ask) = self.enter(request, Act::RenewCode)?;
        people::renew_code(&self.service, &who, ask).await.map(Response::new)
    }

    async fn remove_operator(
        &self,
        request: Request<v1::RemoveOperatorRequest>,
    ) -> Reply<v1::Empty> {
        let (who, ask) = self.enter(request, Act::RemoveOperator)?;
        people::remove(&self.service, &who, ask).await.map(Response::new)
    }

    async fn read_audit_log(
        &self,
        request: Request<v1::ReadAuditLogRequest>,
    ) -> Reply<Self::ReadAuditLogStream> {
        let (_, ask) = self.enter(request, Act::ReadAuditLog)?;
        trust::audit_log(&self.service, ask).await.map(Response::new)
    }

    async fn show_recovery(
        &self,
        request: Request<v1::ShowRecoveryRequest>,
    ) -> Reply<v1::RecoveryView> {
        let (who, ask) = self.enter(request, Act::ShowRecovery)?;
        recipients::show(&self.service, &who, ask).await.map(Response::new)
    }

    async fn set_recovery(
        &self,
        request: Request<v1::SetRecoveryRequest>,
    ) -> Reply<v1::RecoveryView> {
        let (who, ask) = self.enter(request, Act::SetRecovery)?;
        recipients::set(&self.service, &who, ask).await.map(Response::new)
    }

    async fn list_secrets(
        &self,
        request: Request<v1::ListSecretsRequest>,
    ) -> Reply<v1::ListSecretsReply> {
        let (who, ask) = self.enter(request, Act::ListSecrets)?;
        escrow::list(&self.service, &who, ask).await.map(Response::new)
    }

    async fn show_secrets(
        &self,
        request: Request<v1::ShowSecretsRequest>,
    ) -> Reply<v1::ShowSecretsReply> {
        let (who, ask) = self.enter(request, Act::ShowSecrets)?;
        escrow::show(&self.service, &who, ask).await.map(Response::new)
    }

    async fn export_secrets(
        &self,
        request: Request<v1::ExportSecretsRequest>,
    ) -> Reply<Self::ExportSecretsStream> {
        let (who, ask) = self.enter(request, Act::ExportSecrets)?;
        escrow::export(&self.service, &who, ask).await.map(Response::new)
    }

    async fn prune_secrets(
        &self,
        request: Request<v1::PruneSecretsRequest>,
    ) -> Reply<v1::PruneSecretsReply> {
        let (who, ask) = self.enter(request, Act::PruneSecrets)?;
        escrow::prune(&self.service, &who, ask).await.map(Response::new)
    }

    async fn turnover(&self, request: Request<v1::TurnoverRequest>) -> Reply<v1::TurnoverReply> {
        let step = trust::step(request.get_ref())?;
        let act = step.map_or(Act::TurnoverStatus, |_| Act::Turnover);
        let (who, _) = self.enter(request, act)?;
        trust::turn_over(&self.service, &who, step).await.map(Response::new)
    }

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Reply<Self::BackupStream> {
        let (who, _) = self.enter(request, Act::Backup)?;
        trust::backup(&self.service, &who).await.map(Response::new)
    }
}
