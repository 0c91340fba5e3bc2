//! Who may ask what, and what of an answer crosses the wire.

use std::sync::Arc;

use futures::StreamExt as _;
use proto::Role;
use proto::wire::v1;
use proto::wire::v1::operator_server::Operator as _;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};

use super::OperatorApi;
use crate::api::connection::Connection;
use crate::service::testing::{World, finding, report, somebody, source};
use crate::service::{Act, OperatorPeer};

/// A call as somebody makes it whose certificate was verified.
fn by<T>(who: &OperatorPeer, ask: T) -> Request<T> {
    let mut request = Request::new(ask);
    let certificate = Some(who.certificate.clone());
    let kill = CancellationToken::new();
    let connection = Connection::new(certificate, source().0, kill, 0);
    request.extensions_mut().insert(Arc::new(connection));
    request
}

/// Whoever asks stands in the books with their role.
fn api(world: &World, who: &OperatorPeer) -> OperatorApi {
    world.service.standings.set_operator(who.name.clone(), who.role);
    OperatorApi { service: world.service.clone() }
}

/// Asks each act with nothing in it, and gives how each ended.
#[allow(clippy::too_many_lines, reason = "one line for each act")]
async fn ask_everything(api: &OperatorApi, who: &OperatorPeer) -> Vec<(Act, Code)> {
    let mut codes = Vec::new();
    macro_rules! ask {
        ($($act:ident $method:ident $ask:expr;)*) => {
            $(
                let code = api.$method(by(who, $ask)).await.err();
                codes.push((Act::$act, code.map_or(Code::Ok, |status: Status| status.code())));
            )*
        };
    }
    let turnover =
        |step: v1::TurnoverStep| v1::TurnoverRequest { step: step.into(), ..Default::default() };
    let forget = v1::send_order_request::What::Forget(v1::ForgetOrder::default());
    ask! {
        WhoAmI who_am_i v1::WhoAmIRequest::default();
        RenewOperator renew_operator v1::RenewRequest::default();
        ListSites list_sites v1::ListSitesRequest::default();
        ListTokens list_tokens v1::ListTokensRequest::default();
        ListAgents list_agents v1::ListAgentsRequest::default();
        ListPending list_pending v1::ListPendingRequest::default();
        ListDevices list_devices v1::ListDevicesRequest::default();
        ListFindings list_findings v1::ListFindingsRequest::default();
        ListRotations list_rotations v1::ListRotationsRequest::default();
        WatchFindings watch_findings v1::ListFindingsRequest::default();
        PolicyHistory policy_history v1::PolicyHistoryRequest::default();
        ShowPolicy show_policy v1::ShowPolicyRequest::default();
        PolicyRollout policy_rollout v1::PolicyRolloutRequest::default();
        ListBackups list_backups v1::ListBackupsRequest::default();
        ListEvents list_events v1::ListEventsRequest::default();
        WatchEvents watch_events v1::ListEventsRequest::default();
        ListVouches list_vouches v1::ListVouchesRequest::default();
        ListOperators list_operators v1::ListOperatorsRequest::default();
        ListPlans list_plans v1::ListPlansRequest::default();
        ShowPlan show_plan v1::ShowPlanRequest::default();
        ReadAuditLog read_audit_log v1::ReadAuditLogRequest::default();
        TurnoverStatus turnover turnover(v1::TurnoverStep::Status);
        ShowRecovery show_recovery v1::ShowRecoveryRequest::default();
        AddSite add_site v1::AddSiteRequest::default();
        CreateToken create_token v1::CreateTokenRequest::default();
        RevokeToken revoke_token v1::RevokeTokenRequest::default();
        ApproveAgent approve_agent v1::ApproveAgentRequest::default();
        SendOrder send_order v1::SendOrderRequest::default();
        ApplyPlan apply_plan v1::ApplyPlanRequest::default();
        ApplyPolicy apply_policy v1::ApplyPolicyRequest::default();
        DropPolicy drop_policy v1::DropPolicyRequest::default();
        Attest attest v1::AttestRequest::default();
        Waive waive v1::WaiveRequest::default();
        Withdraw withdraw v1::WithdrawRequest::default();
        ListSecrets list_secrets v1::ListSecretsRequest::default();
        RemoveSite remove_site v1::RemoveSiteRequest::default();
        ReplaceSite replace_site v1::ReplaceSiteRequest::default();
        RevokeAgent revoke_agent v1::RevokeAgentRequest::default();
        UnlockAgent unlock_agent v1::UnlockAgentRequest::default();
        AddOperator add_operator v1::AddOperatorRequest::default();
        RenewCode renew_code v1::RenewCodeRequest::default();
        RemoveOperator remove_operator v1::RemoveOperatorRequest::default();
        FetchBackup fetch_backup v1::FetchBackupRequest::default();
        SetRecovery set_recovery v1::SetRecoveryRequest::default();
        ShowSecrets show_secrets v1::ShowSecretsRequest::default();
        ExportSecrets export_secrets v1::ExportSecretsRequest::default();
        PruneSecrets prune_secrets v1::PruneSecretsRequest::default();
        Forget send_order v1::SendOrderRequest { what: Some(forget), ..Default::default() };
        Turnover turnover turnover(v1::TurnoverStep::Prepare);
        Backup backup v1::BackupRequest::default();
    }
    codes
}

#[tokio::test]
async fn every_act_is_open_to_its_role_and_those_above_and_to_nobody_below() {
    let world = World::new().await;
    for role in Role::ALL {
        let who = somebody("kim", role);
        let codes = ask_everything(&api(&world, &who), &who).await;
        let asked: Vec<Act> = codes.iter().map(|(act, _)| *act).collect();
        assert_eq!(asked, Act::ALL);
        for (act, code) in codes {
            let denied = code == Code::PermissionDenied;
            assert_eq!(denied, role < act.least_role(), "{role:?} {act:?} {code:?}");
            assert!(!matches!(code, Code::Internal | Code::Unimplemented), "{act:?} {code:?}");
        }
    }
}

#[tokio::test]
async fn without_a_certificate_nothing_is_asked() {
    let world = World::new().await;
    let api = api(&world, &world.kim);
    let mut stranger = by(&world.kim, v1::ListSitesRequest {});
    let connection = Connection::new(None, source().0, CancellationToken::new(), 0);
    stranger.extensions_mut().insert(Arc::new(connection));
    let asked = api.list_sites(stranger).await;
    assert_eq!(asked.unwrap_err().code(), Code::Unauthenticated);
    world.service.standings.remove_operator(&world.kim.name);
    let asked = api.list_sites(by(&world.kim, v1::ListSitesRequest {})).await;
    assert_eq!(asked.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_call_that_is_refused_leaves_no_record() {
    let world = World::new().await;
    let before = world.deeds().await.len();
    let robin = somebody("robin", Role::Viewer);
    ask_everything(&api(&world, &robin), &robin).await;
    assert_eq!(world.deeds().await.len(), before);
}

#[tokio::test]
async fn a_site_is_listed_with_its_agent_and_its_findings() {
    let (world, kim) = (World::new().await, somebody("kim", Role::Administrator));
    let api = api(&world, &kim);
    let ask = v1::AddSiteRequest { name: "harbour".to_owned(), title: "North".to_owned() };
    assert_eq!(api.add_site(by(&kim, ask)).await.unwrap().into_inner().generation, 1);
    let (agent, ..) = world.join("harbour").await;
    let unmet = finding("C07", proto::Verdict::Unmet, proto::Stance::Report);
    world.report(&agent, 1, report("yard", vec![unmet])).await;
    let listed = api.list_sites(by(&kim, v1::ListSitesRequest {})).await.unwrap().into_inner();
    let site = &listed.sites[0];
    assert_eq!((site.title.as_str(), site.devices, site.unmet), ("North", 1, 1));
    assert_eq!(site.agent_id, agent.id.to_string());
    assert_eq!(site.agent_state(), v1::AgentState::Offline);
    let ask = v1::ListFindingsRequest {
        about: vec!["C07".to_owned(), "new_device".to_owned()],
        judgments: vec![v1::Verdict::Unmet.into()],
        ..Default::default()
    };
    let found = api.list_findings(by(&kim, ask)).await.unwrap().into_inner();
    assert_eq!((found.rows.len(), found.rows[0].device.as_str(), found.more), (1, "yard", false));
    let devices = api.list_devices(by(&kim, v1::ListDevicesRequest::default())).await.unwrap();
    assert_eq!(devices.into_inner().devices[0].model, "M16");
    let tokens = api.list_tokens(by(&kim, v1::ListTokensRequest {})).await.unwrap().into_inner();
    assert_eq!(tokens.tokens[0].state(), v1::TokenState::Used);
    assert_eq!(tokens.tokens[0].agent_id, agent.id.to_string());
}

#[tokio::test]
async fn values_that_this_version_does_not_know_are_refused() {
    let (world, kim) = (World::new().await, somebody("kim", Role::Administrator));
    let api = api(&world, &kim);
    for verdict in [0, 99, -1] {
        let ask = v1::ListFindingsRequest { judgments: vec![verdict], ..Default::default() };
        let refused = api.list_findings(by(&kim, ask)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    for about in ["C99", "", "new device"] {
        let about = vec![about.to_owned()];
        let ask = v1::ListFindingsRequest { about, ..Default::default() };
        let refused = api.list_findings(by(&kim, ask)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    for role in [0, 4] {
        let ask = v1::AddOperatorRequest { name: "robin".to_owned(), role };
        let refused = api.add_operator(by(&kim, ask)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let ask = v1::TurnoverRequest { step: 17, ..Default::default() };
    assert_eq!(api.turnover(by(&kim, ask)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_audit_log_comes_in_order_from_where_it_is_asked_for_and_verifies() {
    let (world, kim) = (World::new().await, somebody("kim", Role::Administrator));
    for number in 0..600 {
        world.add_site(&format!("site-{number}")).await;
    }
    let read = async |from| {
        let ask = by(&kim, v1::ReadAuditLogRequest { from, ..Default::default() });
        let records = api(&world, &kim).read_audit_log(ask).await.unwrap().into_inner();
        records.map(Result::unwrap).collect::<Vec<_>>().await
    };
    let all = read(0).await;
    assert_eq!(all.len(), 601);
    let mut verifier = certs::audit::Verifier::default();
    for one in &all {
        let record = certs::audit::Record {
            number: one.number,
            time: proto::Timestamp::from_unix(one.time),
            actor: one.actor.clone(),
            deed: one.deed.clone(),
            subject: one.subject.clone(),
            detail: one.detail.clone(),
        };
        verifier.take(&record, &one.hash).unwrap();
    }
    assert_eq!(verifier.finish().unwrap().length, 601);
    assert_eq!(read(600).await, all[599..]);
    assert!(read(602).await.is_empty());
}

#[tokio::test]
async fn a_policy_and_what_people_say_cross_the_wire_and_back() {
    let (world, kim) = (World::new().await, somebody("kim", Role::Operator));
    let api = api(&world, &kim);
    world.add_site("harbour").await;
    let ask = v1::ApplyPolicyRequest {
        text: "[stances]\nC07 = \"enforce\"\n".to_owned(),
        site: "harbour".to_owned(),
        comment: "begin".to_owned(),
        expected_version: 0,
    };
    let applied = api.apply_policy(by(&kim, ask)).await.unwrap().into_inner();
    let ask = v1::ShowPolicyRequest { site: "harbour".to_owned(), version: 0 };
    assert_eq!(api.show_policy(by(&kim, ask)).await.unwrap().into_inner(), applied);
    let waiver = v1::Waiver {
        measure: "C15".to_owned(),
        devices: Vec::new(),
        reason: "VMS".to_owned(),
        owner: "Kim".to_owned(),
        expires: "2027-03-31".to_owned(),
    };
    let ask = v1::WaiveRequest { site: "harbour".to_owned(), waiver: Some(waiver.clone()) };
    let entered = api.waive(by(&kim, ask)).await.unwrap().into_inner();
    assert_eq!(entered.what, Some(v1::vouch::What::Waiver(waiver)));
    let listed = api.list_vouches(by(&kim, v1::ListVouchesRequest::default())).await.unwrap();
    assert_eq!(listed.into_inner().vouches, [entered]);
    let ask = v1::AttestRequest { site: "harbour".to_owned(), attestation: None };
    assert_eq!(api.attest(by(&kim, ask)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_backup_comes_in_pieces_that_make_one_age_file() {
    let (world, kim) = (World::new().await, somebody("kim", Role::Administrator));
    let api = api(&world, &kim);
    let pieces = api.backup(by(&kim, v1::BackupRequest {})).await.unwrap().into_inner();
    let whole: Vec<u8> = pieces.map(|piece| piece.unwrap().data).concat().await;
    assert!(whole.starts_with(b"age-encryption.org/v1\n"));
}
