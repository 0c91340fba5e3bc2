//! A controller on a real port with a clock that tests move, and clients that dial it as agents do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use certs::identity::Identity;
use certs::join_state::{JoinState, binding_message};
use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::name::server_name;
use certs::seal::Work;
use certs::ticket::Ticket;
use certs::trust::{RootPin, TrustBundle};
use certs::{Clock, Key, request};
use hyper_util::rt::TokioIo;
use proto::wire::v1;
use proto::wire::v1::agent_client::AgentClient;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use proto::wire::v1::operator_client::OperatorClient;
use proto::{AgentId, Organisation, Role, Secret, SiteName, Timestamp};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::limits::Bounds;
use super::run::{Running, start};
use crate::config::Limits;
use crate::service::caller::Proof;
use crate::service::found;
use crate::service::tokens::Handout;
use crate::service::{OperatorPeer, Service, Settings};

/// When every test begins.
pub const START: i64 = 1_800_000_000;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct HandClock {
    now: AtomicI64,
    moves: watch::Sender<()>,
}

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(START), moves: watch::Sender::new(()) })
    }

    pub fn forward(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.moves.send_replace(());
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.now.load(Ordering::SeqCst))
    }

    fn moved(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moves = self.moves.subscribe();
        Box::pin(async move { drop(moves.changed().await) })
    }
}

/// A running controller.
pub struct World {
    pub running: Running,
    pub service: Arc<Service>,
    pub clock: Arc<HandClock>,
    pub pin: RootPin,
    /// The first administrator's, kim's.
    pub ticket: Ticket,
    _folder: tempfile::TempDir,
}

/// A box that has joined.
#[derive(Debug)]
pub struct Member {
    pub id: AgentId,
    pub site: SiteName,
    pub identity: Identity,
    pub trust: TrustBundle,
    pub state: JoinState,
    pub recovery: Key,
}

/// A box that asks to join.
pub struct Applicant {
    pub key: Key,
    pub recovery: Key,
}

pub fn organisation() -> Organisation {
    "acme".parse().unwrap()
}

pub fn site(name: &str) -> SiteName {
    name.parse().unwrap()
}

/// Bounds that nobody reaches by accident.
pub fn bounds() -> Bounds {
    let limits = Limits { enrollments_per_minute: 10_000, ..Limits::default() };
    Bounds { strangers_per_source: 1000, ..Bounds::new(&limits) }
}

impl World {
    pub async fn start() -> Self {
        Self::with(bounds()).await
    }

    pub async fn with(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = HandClock::new();
        let data = folder.path().join("data");
        let addresses = vec!["127.0.0.1:1".to_owned()];
        let (passphrase, kim) = (Secret::new("secret"), "kim".parse().unwrap());
        let begun = found::found(
            &data,
            organisation(),
            addresses,
            passphrase,
            Work::Little,
            kim,
            clock.now(),
        );
        let ticket = begun.await.unwrap();
        let (store, _, authorities) = found::open(&data).await.unwrap();
        let settings = Settings {
            addresses: vec!["127.0.0.1:1".to_owned()],
            token_life: 3600,
            code_life: 3600,
            certificate_life: 7 * 86_400,
            pending_life: 3600,
            pending_most: 3,
            keep_findings: 400 * 86_400,
            keep_agent_audit: 400 * 86_400,
            data,
            recipients: Vec::new(),
        };
        let service = Service::new(store, clock.clone(), organisation(), authorities, settings);
        let listen = ([127, 0, 0, 1], 0).into();
        let running = start(service.clone(), listen, bounds).await.unwrap();
        Self { running, service, clock, pin: ticket.pin, ticket, _folder: folder }
    }

    /// An operator, as if one had called.
    pub fn kim(&self) -> OperatorPeer {
        let key = Key::generate().unwrap();
        let certificate = certs::VerifiedPeer {
            name: certs::Name::Operator(organisation(), "kim".parse().unwrap()),
            serial: "01".to_owned(),
            key: key.hash(),
            not_after: self.clock.now(),
        };
        let role = Role::Administrator;
        OperatorPeer::new("kim".parse().unwrap(), role, certificate, Proof::made_by_peer())
    }

    pub async fn add_site(&self, name: &str) {
        self.service.add_site(&self.kim(), &site(name), "").await.unwrap();
    }

    /// A token for a site, good for an hour.
    pub async fn token(&self, name: &str) -> Handout {
        self.service.create_token(&self.kim(), &site(name), 0).await.unwrap()
    }

    /// One connection, confirmed by the controller's first bytes: a refusal comes after the client's own handshake.
    pub async fn dial(
        &self,
        identity: Option<&Identity>,
    ) -> io::Result<BufReader<TlsStream<TcpStream>>> {
        let trusting = Trusting::Pin(self.pin);
        self.dial_as(organisation(), trusting, identity).await
    }

    pub async fn dial_as(
        &self,
        organisation: Organisation,
        trusting: Trusting,
        identity: Option<&Identity>,
    ) -> io::Result<BufReader<TlsStream<TcpStream>>> {
        let lifetimes = Lifetimes::Judged(self.clock.clone());
        let config = client_config(&organisation, &trusting, identity, lifetimes).unwrap();
        let tcp = TcpStream::connect(self.running.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(server_name(&organisation)).unwrap();
        let stream = TlsConnector::from(config).connect(name, tcp).await?;
        let mut stream = BufReader::with_capacity(1024, stream);
        if stream.fill_buf().await?.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(stream)
    }

    pub async fn channel(&self, identity: Option<&Identity>) -> Channel {
        Self::channel_over(self.dial(identity).await.unwrap()).await
    }

    pub async fn channel_over(stream: BufReader<TlsStream<TcpStream>>) -> Channel {
        let mut stream = Some(TokioIo::new(stream));
        Endpoint::from_static("http://controller")
            .connect_with_connector(tower::service_fn(move |_| {
                let stream = stream.take().ok_or(io::ErrorKind::NotConnected);
                async move { stream.map_err(io::Error::from) }
            }))
            .await
            .unwrap()
    }

    pub async fn stranger(&self) -> EnrollmentClient<Channel> {
        EnrollmentClient::new(self.channel(None).await)
    }

    /// A person who logs in with a code.
    pub async fn log_in(&self, code: &Secret) -> Identity {
        let key = Key::generate().unwrap();
        let ask = v1::LogInRequest {
            code_secret: code.expose().to_owned(),
            certificate_request: request::make(&key).unwrap(),
        };
        let reply = self.stranger().await.log_in(ask).await.unwrap().into_inner();
        Identity::new(reply.chain.into_iter().map(CertificateDer::from).collect(), key).unwrap()
    }

    pub async fn operator(&self, identity: &Identity) -> OperatorClient<Channel> {
        OperatorClient::new(self.channel(Some(identity)).await)
    }

    pub async fn agent(&self, member: &Member) -> AgentClient<Channel> {
        AgentClient::new(self.channel(Some(&member.identity)).await)
    }

    /// A box that joins a new site.
    pub async fn member(&self, name: &str) -> Member {
        self.add_site(name).await;
        let (token, applicant) = (self.token(name).await, Applicant::new());
        let ask = applicant.ask(token.secret.expose());
        let reply = self.stranger().await.enroll(ask).await.unwrap().into_inner();
        applicant.joined(reply)
    }

    /// Details of every record of a deed, in their order.
    pub async fn deeds(&self, deed: &str) -> Vec<String> {
        let records = self.service.store.audit_records(1, 10_000).await.unwrap();
        let of_deed = records.into_iter().filter(|(record, _)| record.deed == deed);
        of_deed.map(|(record, _)| record.detail).collect()
    }
}

impl Applicant {
    pub fn new() -> Self {
        Self { key: Key::generate().unwrap(), recovery: Key::generate().unwrap() }
    }

    pub fn ask(&self, secret: &str) -> v1::EnrollRequest {
        let request = request::make(&self.key).unwrap();
        v1::EnrollRequest {
            token_secret: secret.to_owned(),
            recovery_key: self.recovery.spki().to_vec(),
            recovery_proof: self.recovery.sign(&binding_message(&request)).unwrap(),
            certificate_request: request,
            version: "0.1.0".to_owned(),
            host: "box".to_owned(),
        }
    }

    pub fn joined(self, reply: v1::EnrollReply) -> Member {
        let Some(v1::enroll_reply::Outcome::Joined(joined)) = reply.outcome else {
            panic!("{reply:?}")
        };
        member(joined, self.key, self.recovery)
    }
}

pub fn member(joined: v1::Joined, key: Key, recovery: Key) -> Member {
    let state = joined.join_state.unwrap();
    let trust = joined.trust.unwrap();
    let chain = joined.chain.into_iter().map(CertificateDer::from).collect();
    Member {
        id: joined.agent_id.parse().unwrap(),
        site: joined.site.parse().unwrap(),
        identity: Identity::new(chain, key).unwrap(),
        trust: TrustBundle::new(trust.generation, trust.roots).unwrap(),
        state: JoinState {
            agent: state.agent_id.parse().unwrap(),
            sequence: state.sequence,
            issued_at: Timestamp::from_unix(state.issued_at),
            signature: state.signature,
        },
        recovery,
    }
}

/// An agent's open stream.
pub struct Line {
    pub say: mpsc::Sender<v1::AgentStatus>,
    pub hear: Streaming<v1::Instruction>,
}

impl Line {
    pub async fn open(client: &mut AgentClient<Channel>) -> Self {
        let (say, said) = mpsc::channel(8);
        let hear = client.watch(ReceiverStream::new(said)).await.unwrap().into_inner();
        Self { say, hear }
    }

    pub async fn tell(&self, status: v1::AgentStatus) {
        self.say.send(status).await.unwrap();
    }

    pub async fn next(&mut self) -> v1::Instruction {
        soon(self.hear.message()).await.unwrap().expect("the stream goes on")
    }

    /// Listens until this generation is said; and how many words that took.
    pub async fn next_generation(&mut self, generation: u64) -> usize {
        for words in 1.. {
            let desired = self.next().await.desired;
            if desired.is_some_and(|desired| desired.generation >= generation) {
                return words;
            }
        }
        unreachable!()
    }

    /// How the stream ends, which it does next.
    pub async fn end(&mut self) -> Result<(), tonic::Status> {
        let last = soon(self.hear.message()).await;
        last.map(|word| assert!(word.is_none(), "the stream goes on: {word:?}"))
    }
}

/// A wait that fails instead of going on for ever, and before the sweeper closes a silent connection in any case.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let long = std::time::Duration::from_secs(30);
    tokio::time::timeout(long, what).await.expect("what should happen did not")
}

/// What an agent tells that holds nothing.
pub fn status() -> v1::AgentStatus {
    v1::AgentStatus {
        version: "0.1.0".to_owned(),
        trust_generation: 1,
        time: START,
        time_known: true,
        started_at: START,
        ..v1::AgentStatus::default()
    }
}
