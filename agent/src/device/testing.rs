//! A small real server with scripted answers, which counts connections, for the tests of this room.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certs::authority::SelfSigned;
use proto::policy::{PasswordRules, WebPorts};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Address, Limits, Target, Trials};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub head: String,
    pub body: String,
}

impl Request {
    /// `GET /path` or `POST /path`.
    pub fn what(&self) -> String {
        self.line.trim_end_matches(" HTTP/1.1").to_owned()
    }

    pub fn authorization(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("authorization: "))
    }
}

/// What the server does with a request.
pub enum Act {
    /// Writes and waits for the next request.
    Keep(String),
    /// Writes and closes.
    Close(String),
    /// Writes and never says anything again.
    Hang(String),
    /// Writes, then bytes without end.
    Flood(String),
    /// Writes, then a byte every 5 ms without end.
    Drip(String),
}

/// A whole answer with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A server at work. It ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    pub at: SocketAddr,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Most connections that were open at one moment.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Connections that were ever open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn whats(&self) -> Vec<String> {
        self.requests().iter().map(Request::what).collect()
    }
}

/// Serves clear HTTP.
pub async fn serve(script: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Server {
    start(None, script).await
}

/// Serves HTTPS.
pub async fn serve_tls(
    settings: Arc<ServerConfig>,
    script: impl Fn(&Request) -> Act + Send + Sync + 'static,
) -> Server {
    start(Some(settings), script).await
}

async fn start(
    tls: Option<Arc<ServerConfig>>,
    script: impl Fn(&Request) -> Act + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        at: listener.local_addr().unwrap(),
        open: Arc::default(),
        most: Arc::default(),
        connections: Arc::default(),
        requests: Arc::default(),
    };
    let (served, script) = (server.clone(), Arc::new(script));
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            stream.set_nodelay(true).unwrap();
            let (server, script, tls) = (served.clone(), script.clone(), tls.clone());
            let now = server.open.fetch_add(1, Ordering::SeqCst) + 1;
            server.most.fetch_max(now, Ordering::SeqCst);
            server.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                match tls {
                    Some(settings) => {
                        let acceptor = tokio_rustls::TlsAcceptor::from(settings);
                        if let Ok(stream) = acceptor.accept(stream).await {
                            attend(stream, &server, &*script).await;
                        }
                    }
                    None => attend(stream, &server, &*script).await,
                }
                server.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    server
}

async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    server: &Server,
    script: &(dyn Fn(&Request) -> Act + Send + Sync),
) {
    let mut left = Vec::new();
    while let Some(request) = read(&mut stream, &mut left).await {
        server.requests.lock().unwrap().push(request.clone());
        let act = script(&request);
        let (Act::Keep(text)
        | Act::Close(text)
        | Act::Hang(text)
        | Act::Flood(text)
        | Act::Drip(text)) = &act;
        if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match act {
            Act::Keep(_) => {}
            Act::Close(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            Act::Hang(_) => {
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Act::Flood(_) => {
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                return;
            }
            Act::Drip(_) => {
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                return;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), left: &mut Vec<u8>) -> Option<Request> {
    loop {
        let text = String::from_utf8_lossy(left).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let line = head.lines().next().unwrap_or_default().to_owned();
                let request =
                    Request { line, head: head.to_owned(), body: body[..length].to_owned() };
                left.drain(..head.len() + 4 + length);
                return Some(request);
            }
        }
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        left.extend_from_slice(&part[..read]);
    }
}

/// A certificate of a camera called `cam`.
pub fn certificate() -> SelfSigned {
    let (from, until) = (proto::Timestamp::from_unix(0), proto::Timestamp::from_unix(1 << 32));
    certs::authority::self_signed(&["cam"], &[], from, until).unwrap()
}

/// Settings of a server that presents this certificate.
pub fn tls_server(made: &SelfSigned) -> Arc<ServerConfig> {
    let der = CertificateDer::from_pem_slice(made.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.private_key_pem.expose().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.unwrap().with_no_client_auth().with_single_cert(vec![der], key).unwrap())
}

/// The pin of this certificate.
pub fn pin(made: &SelfSigned) -> certs::Pin {
    certs::Pin::of(&CertificateDer::from_pem_slice(made.certificate_pem.as_bytes()).unwrap())
}

/// Limits that a test can wait for.
pub fn limits() -> Limits {
    let request = Duration::from_millis(600);
    Limits { connect: request, request, visit: Duration::from_secs(20), body: 64 << 10 }
}

/// A target without a login. Its other web ports are ones on which nothing listens.
pub fn target(server: &Server, tls: bool) -> Target {
    let (host, port) = (server.at.ip().to_string(), server.at.port());
    Target {
        name: "cam".parse().unwrap(),
        address: Address { tls, host, port },
        login: None,
        pin: None,
        seen_before: None,
        trials: Trials::Allowed,
        web_ports: WebPorts { http: 1, https: 2 },
        password_rules: PasswordRules::default(),
        limits: limits(),
    }
}
