//! A controller made of hooks, for this crate's tests: real TCP, TLS and gRPC, and each answer is the test's.

use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use certs::join_state::JoinState;
use certs::request;
use proto::Timestamp;
use proto::wire::v1;
use proto::wire::v1::agent_server::{Agent, AgentServer};
use proto::wire::v1::enrollment_server::{Enrollment, EnrollmentServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

use super::testing::{port, with_door};
use crate::identity::testing::{Acme, START};

type Hook<A, B> = Mutex<Box<dyn FnMut(A) -> Result<B, Status> + Send>>;
pub type Instructions = mpsc::Receiver<Result<v1::Instruction, Status>>;

/// See the module. What has no hook is unavailable.
pub struct Fake {
    pub acme: Acme,
    pub enroll: Hook<v1::EnrollRequest, v1::EnrollReply>,
    pub challenge: Hook<v1::ChallengeRequest, v1::ChallengeReply>,
    pub recover: Hook<v1::RecoverRequest, v1::RecoverReply>,
    pub watch: Hook<Streaming<v1::AgentStatus>, Instructions>,
    pub report: Hook<v1::ReportRequest, v1::ReportReply>,
    pub renew: Hook<v1::RenewRequest, v1::RenewReply>,
    pub device_issuer: Hook<v1::DeviceIssuerRequest, v1::DeviceIssuer>,
    /// Whether certificates are admitted.
    pub door: Arc<AtomicBool>,
}

fn absent<A, B>() -> Hook<A, B> {
    Mutex::new(Box::new(|_| Err(Status::unavailable("no hook"))))
}

/// An entry of the outbox.
pub fn read_entry(bytes: &[u8]) -> v1::Entry {
    prost::Message::decode(bytes).unwrap()
}

/// Sets a hook.
pub fn hook<A, B>(place: &Hook<A, B>, answer: impl FnMut(A) -> Result<B, Status> + Send + 'static) {
    *place.lock().unwrap() = Box::new(answer);
}

impl Fake {
    pub fn new(acme: Acme) -> Arc<Self> {
        Arc::new(Self {
            acme,
            enroll: absent(),
            challenge: absent(),
            recover: absent(),
            watch: absent(),
            report: absent(),
            renew: absent(),
            device_issuer: absent(),
            door: Arc::new(AtomicBool::new(true)),
        })
    }

    /// Serves until the runtime ends; gives the address.
    pub async fn serve(self: &Arc<Self>) -> String {
        self.serve_at(START).await
    }

    /// The same, at another time.
    pub async fn serve_at(self: &Arc<Self>, now: i64) -> String {
        let (listener, address) = port().await;
        let made = Timestamp::from_unix(now);
        let door = self.door.clone();
        let tls = with_door(&self.acme, &self.acme.controller(), made, now, door);
        let (give, taken) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(tls.clone());
                if let Ok(tls) = acceptor.accept(tcp).await {
                    let _ = give.send(Ok::<_, std::io::Error>(Caller(tls))).await;
                }
            }
        });
        let mut server = tonic::transport::Server::builder();
        let router = server
            .add_service(EnrollmentServer::from_arc(self.clone()))
            .add_service(AgentServer::from_arc(self.clone()));
        tokio::spawn(router.serve_with_incoming(ReceiverStream::new(taken)));
        address
    }

    /// Lets agents watch, tells the time and nothing else, and commits whatever is reported.
    pub fn is_content(&self, now: i64) {
        hook(&self.watch, move |mut incoming: Streaming<v1::AgentStatus>| {
            let (instructions, outgoing) = mpsc::channel(8);
            let first = v1::Instruction { time: now, ..v1::Instruction::default() };
            instructions.try_send(Ok(first)).unwrap();
            tokio::spawn(async move {
                while let Ok(Some(_)) = incoming.message().await {}
                drop(instructions);
            });
            Ok(outgoing)
        });
        hook(&self.report, |request: v1::ReportRequest| {
            let committed = request.entries.last().unwrap().sequence;
            Ok(v1::ReportReply { committed, resend: Vec::new(), refused: Vec::new() })
        });
    }

    /// What an honest controller gives for that request.
    pub fn joined(&self, certificate_request: &[u8], sequence: u64, now: i64) -> v1::Joined {
        let now = Timestamp::from_unix(now);
        let agent: proto::AgentId = "00ff".parse().unwrap();
        let state = JoinState::sign(agent, sequence, now, self.acme.issuing.key()).unwrap();
        v1::Joined {
            organisation: "acme".to_owned(),
            site: "harbour".to_owned(),
            agent_id: "00ff".to_owned(),
            chain: self.chain(certificate_request, now.unix()),
            trust: Some(self.trust(1)),
            join_state: Some(v1::JoinState {
                agent_id: "00ff".to_owned(),
                sequence,
                issued_at: now.unix(),
                signature: state.signature,
            }),
            controller_time: now.unix(),
        }
    }

    pub fn chain(&self, certificate_request: &[u8], now: i64) -> Vec<Vec<u8>> {
        let request = request::verify(certificate_request).unwrap();
        let (now, life) = (Timestamp::from_unix(now), certs::hierarchy::LEAF_LIFE);
        let issued = self.acme.issuing.issue(&self.acme.agent(), &request, now, life).unwrap();
        issued.chain.iter().take(2).map(|one| one.to_vec()).collect()
    }

    pub fn trust(&self, generation: u64) -> v1::TrustBundle {
        let roots = vec![self.acme.root.certificate().to_vec()];
        v1::TrustBundle { generation, roots }
    }
}

#[tonic::async_trait]
impl Enrollment for Fake {
    async fn enroll(
        &self,
        request: Request<v1::EnrollRequest>,
    ) -> Result<Response<v1::EnrollReply>, Status> {
        (self.enroll.lock().unwrap())(request.into_inner()).map(Response::new)
    }

    async fn challenge(
        &self,
        request: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeReply>, Status> {
        (self.challenge.lock().unwrap())(request.into_inner()).map(Response::new)
    }

    async fn recover(
        &self,
        request: Request<v1::RecoverRequest>,
    ) -> Result<Response<v1::RecoverReply>, Status> {
        (self.recover.lock().unwrap())(request.into_inner()).map(Response::new)
    }

    async fn log_in(
        &self,
        _: Request<v1::LogInRequest>,
    ) -> Result<Response<v1::LogInReply>, Status> {
        Err(Status::unimplemented("agents do not log in"))
    }
}

#[tonic::async_trait]
impl Agent for Fake {
    type WatchStream = ReceiverStream<Result<v1::Instruction, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<v1::AgentStatus>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let instructions = (self.watch.lock().unwrap())(request.into_inner())?;
        Ok(Response::new(ReceiverStream::new(instructions)))
    }

    async fn report(
        &self,
        request: Request<v1::ReportRequest>,
    ) -> Result<Response<v1::ReportReply>, Status> {
        (self.report.lock().unwrap())(request.into_inner()).map(Response::new)
    }

    async fn renew(
        &self,
        request: Request<v1::RenewRequest>,
    ) -> Result<Response<v1::RenewReply>, Status> {
        (self.renew.lock().unwrap())(request.into_inner()).map(Response::new)
    }

    async fn device_issuer(
        &self,
        request: Request<v1::DeviceIssuerRequest>,
    ) -> Result<Response<v1::DeviceIssuer>, Status> {
        (self.device_issuer.lock().unwrap())(request.into_inner()).map(Response::new)
    }
}

/// A connection that tonic takes.
struct Caller(TlsStream<TcpStream>);

impl Connected for Caller {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Caller {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Caller {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
