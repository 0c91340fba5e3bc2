//! A pretend controller for tests of the operator's side: real TLS, real gRPC, real certificates, and answers that the
//! test laid out. It logs people in and renews them by itself, and remembers what it was asked.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use certs::hierarchy::{Issuing, LEAF_LIFE, Root};
use certs::identity::Identity;
use certs::key::Key;
use certs::mutual::{Gate, server_config};
use certs::name::Name;
use certs::peer::VerifiedPeer;
use certs::ticket::{Ticket, TicketKind};
use certs::trust::RootPin;
use certs::{SharedClock, request};
use proto::wire::v1;
use proto::wire::v1::enrollment_server::{Enrollment, EnrollmentServer};
use proto::wire::v1::operator_server::{Operator, OperatorServer};
use proto::{Organisation, Secret, Timestamp};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};

/// Whoever logs in is this person.
pub const WHO: &str = "kim";

type Canned = BTreeMap<&'static str, Box<dyn Any + Send>>;

/// See the module.
#[derive(Clone)]
pub struct Pretend(Arc<Inner>);

struct Inner {
    organisation: Organisation,
    root: Root,
    issuing: Issuing,
    clock: SharedClock,
    address: SocketAddr,
    canned: Mutex<Canned>,
    refused: Mutex<BTreeMap<&'static str, (i32, String)>>,
    asked: Mutex<Vec<String>>,
    revoked: Arc<AtomicBool>,
    trusts: AtomicU64,
}

#[derive(Debug)]
struct Door(Arc<AtomicBool>);

impl Gate for Door {
    fn admits(&self, _: &VerifiedPeer) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

impl Pretend {
    /// Listens on loopback, in a thread of its own, for as long as the test runs.
    pub fn start(clock: SharedClock) -> Self {
        let organisation: Organisation = "acme".parse().unwrap();
        let root = Root::make(&organisation, clock.now()).unwrap();
        let issuing = root.issuing(&organisation, clock.now()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let pretend = Self(Arc::new(Inner {
            organisation,
            root,
            issuing,
            clock,
            address,
            canned: Mutex::default(),
            refused: Mutex::default(),
            asked: Mutex::default(),
            revoked: Arc::default(),
            trusts: AtomicU64::new(1),
        }));
        let serving = pretend.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serving.serve(listener));
        });
        pretend
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let listener = TcpListener::from_std(listener).unwrap();
        let now = self.0.clock.now();
        let key = Key::generate().unwrap();
        let verified = request::verify(&request::make(&key).unwrap()).unwrap();
        let name = Name::Controller(self.0.organisation.clone());
        let issued = self.0.issuing.issue(&name, &verified, now, 300 * 86_400).unwrap();
        let identity = Identity::new(issued.chain, key).unwrap();
        let issuers = [self.0.issuing.certificate().clone()];
        let gate = Arc::new(Door(self.0.revoked.clone()));
        let tls = server_config(&identity, &issuers, gate, self.0.clock.clone()).unwrap();
        let (sender, links) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, sender) = (TlsAcceptor::from(tls.clone()), sender.clone());
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    let (near, mut far) = tokio::io::duplex(64 << 10);
                    let _ = sender.send(Ok::<_, std::io::Error>(near)).await;
                    let _ = tokio::io::copy_bidirectional(&mut tls, &mut far).await;
                });
            }
        });
        tonic::transport::Server::builder()
            .add_service(OperatorServer::new(self.clone()))
            .add_service(EnrollmentServer::new(self))
            .serve_with_incoming(tokio_stream::wrappers::ReceiverStream::new(links))
            .await
            .unwrap();
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.0.address.to_string()
    }

    /// What a person would log in with.
    pub fn code(&self) -> Ticket {
        Ticket {
            kind: TicketKind::Operator,
            organisation: self.0.organisation.clone(),
            addresses: vec![self.address()],
            pin: self.pin(),
            secret: Secret::new("one-time"),
        }
    }

    /// The pin of its root.
    pub fn pin(&self) -> RootPin {
        self.0.root.pin()
    }

    /// From now on, a method answers so; several messages for a stream.
    pub fn answers<T: Send + 'static>(&self, method: &'static str, reply: T) {
        self.0.refused.lock().unwrap().remove(method);
        self.0.canned.lock().unwrap().insert(method, Box::new(reply));
    }

    /// From now on, a method is refused with that gRPC code.
    pub fn refuses(&self, method: &'static str, code: i32, message: &str) {
        self.0.refused.lock().unwrap().insert(method, (code, message.to_owned()));
    }

    /// From now on, no certificate is taken.
    pub fn revoke(&self) {
        self.0.revoked.store(true, Ordering::SeqCst);
    }

    /// What it was asked since it was last asked for this: the method and its request.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }

    fn heard(&self, method: &'static str, request: &dyn std::fmt::Debug) -> Result<(), Status> {
        self.0.asked.lock().unwrap().push(format!("{method} {request:?}"));
        match self.0.refused.lock().unwrap().get(method) {
            Some((code, message)) => Err(Status::new(Code::from(*code), message.clone())),
            None => Ok(()),
        }
    }

    fn canned<T: Clone + 'static>(
        &self,
        method: &'static str,
        request: &dyn std::fmt::Debug,
    ) -> Result<T, Status> {
        self.heard(method, request)?;
        let canned = self.0.canned.lock().unwrap();
        let reply = canned.get(method).and_then(|it| it.downcast_ref::<T>());
        reply.cloned().ok_or_else(|| Status::unimplemented(method))
    }

    /// A certificate for the key of a request.
    fn chain(&self, certificate_request: &[u8]) -> Vec<Vec<u8>> {
        let verified = request::verify(certificate_request).unwrap();
        let name = Name::Operator(self.0.organisation.clone(), WHO.parse().unwrap());
        let issuing = &self.0.issuing;
        let issued = issuing.issue(&name, &verified, self.0.clock.now(), LEAF_LIFE).unwrap();
        issued.chain.iter().map(|certificate| certificate.to_vec()).collect()
    }

    fn trust(&self) -> Option<v1::TrustBundle> {
        let roots = vec![self.0.root.certificate().to_vec()];
        Some(v1::TrustBundle { generation: self.0.trusts.load(Ordering::SeqCst), roots })
    }

    /// From now on, the bundle of roots has this generation.
    pub fn trusts(&self, generation: u64) {
        self.0.trusts.store(generation, Ordering::SeqCst);
    }

    /// The present of the pretend controller.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

macro_rules! operator {
    (
        $($method:ident($request:ident) gives $reply:ident,)*
        ; $($stream:ident as $kind:ident($asked:ident) gives $message:ident,)*
    ) => {
        #[tonic::async_trait]
        impl Operator for Pretend {
            $(async fn $method(
                &self,
                request: Request<v1::$request>,
            ) -> Result<Response<v1::$reply>, Status> {
                let method = stringify!($method);
                self.canned::<v1::$reply>(method, &request.into_inner()).map(Response::new)
            })*

            $(type $kind = Messages<v1::$message>;

            async fn $stream(
                &self,
                request: Request<v1::$asked>,
            ) -> Result<Response<Messages<v1::$message>>, Status> {
                let method = stringify!($stream);
                let all: Vec<v1::$message> = self.canned(method, &request.into_inner())?;
                Ok(Response::new(Box::pin(tokio_stream::iter(all.into_iter().map(Ok)))))
            })*

            async fn renew_operator(
                &self,
                request: Request<v1::RenewRequest>,
            ) -> Result<Response<v1::RenewReply>, Status> {
                self.heard("renew_operator", &())?;
                let chain = self.chain(&request.into_inner().certificate_request);
                let controller_time = self.now().unix();
                Ok(Response::new(v1::RenewReply { chain, trust: self.trust(), controller_time }))
            }
        }
    };
}

operator! {
    who_am_i(WhoAmIRequest) gives WhoAmIReply,
    add_site(AddSiteRequest) gives Site,
    list_sites(ListSitesRequest) gives ListSitesReply,
    remove_site(RemoveSiteRequest) gives Empty,
    replace_site(ReplaceSiteRequest) gives CreateTokenReply,
    create_token(CreateTokenRequest) gives CreateTokenReply,
    list_tokens(ListTokensRequest) gives ListTokensReply,
    revoke_token(RevokeTokenRequest) gives Empty,
    list_agents(ListAgentsRequest) gives ListAgentsReply,
    approve_agent(ApproveAgentRequest) gives AgentView,
    list_pending(ListPendingRequest) gives ListPendingReply,
    revoke_agent(RevokeAgentRequest) gives Empty,
    unlock_agent(UnlockAgentRequest) gives Empty,
    send_order(SendOrderRequest) gives SendOrderReply,
    list_plans(ListPlansRequest) gives ListPlansReply,
    show_plan(ShowPlanRequest) gives ShownPlan,
    apply_plan(ApplyPlanRequest) gives SendOrderReply,
    list_devices(ListDevicesRequest) gives ListDevicesReply,
    list_rotations(ListRotationsRequest) gives ListRotationsReply,
    list_findings(ListFindingsRequest) gives ListFindingsReply,
    list_backups(ListBackupsRequest) gives ListBackupsReply,
    fetch_backup(FetchBackupRequest) gives ConfigurationBackup,
    list_events(ListEventsRequest) gives ListEventsReply,
    apply_policy(ApplyPolicyRequest) gives PolicyVersion,
    drop_policy(DropPolicyRequest) gives PolicyVersion,
    policy_history(PolicyHistoryRequest) gives PolicyHistoryReply,
    show_policy(ShowPolicyRequest) gives PolicyVersion,
    policy_rollout(PolicyRolloutRequest) gives PolicyRolloutReply,
    attest(AttestRequest) gives Vouch,
    waive(WaiveRequest) gives Vouch,
    list_vouches(ListVouchesRequest) gives ListVouchesReply,
    withdraw(WithdrawRequest) gives Empty,
    add_operator(AddOperatorRequest) gives LogInCode,
    list_operators(ListOperatorsRequest) gives ListOperatorsReply,
    renew_code(RenewCodeRequest) gives LogInCode,
    remove_operator(RemoveOperatorRequest) gives Empty,
    turnover(TurnoverRequest) gives TurnoverReply,
    show_recovery(ShowRecoveryRequest) gives RecoveryView,
    set_recovery(SetRecoveryRequest) gives RecoveryView,
    list_secrets(ListSecretsRequest) gives ListSecretsReply,
    show_secrets(ShowSecretsRequest) gives ShowSecretsReply,
    prune_secrets(PruneSecretsRequest) gives PruneSecretsReply,
    ;
    watch_findings as WatchFindingsStream(ListFindingsRequest) gives FindingRow,
    watch_events as WatchEventsStream(ListEventsRequest) gives EventRow,
    read_audit_log as ReadAuditLogStream(ReadAuditLogRequest) gives AuditLogRecord,
    backup as BackupStream(BackupRequest) gives BackupChunk,
    export_secrets as ExportSecretsStream(ExportSecretsRequest) gives ExportedSecret,
}

#[tonic::async_trait]
impl Enrollment for Pretend {
    async fn enroll(
        &self,
        _: Request<v1::EnrollRequest>,
    ) -> Result<Response<v1::EnrollReply>, Status> {
        Err(Status::unimplemented("enroll"))
    }

    async fn challenge(
        &self,
        _: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeReply>, Status> {
        Err(Status::unimplemented("challenge"))
    }

    async fn recover(
        &self,
        _: Request<v1::RecoverRequest>,
    ) -> Result<Response<v1::RecoverReply>, Status> {
        Err(Status::unimplemented("recover"))
    }

    async fn log_in(
        &self,
        request: Request<v1::LogInRequest>,
    ) -> Result<Response<v1::LogInReply>, Status> {
        let request = request.into_inner();
        self.heard("log_in", &request.code_secret)?;
        Ok(Response::new(v1::LogInReply {
            organisation: self.0.organisation.to_string(),
            operator: WHO.to_owned(),
            chain: self.chain(&request.certificate_request),
            trust: self.trust(),
            controller_time: self.now().unix(),
        }))
    }
}
