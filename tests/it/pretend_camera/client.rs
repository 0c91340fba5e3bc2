//! A client that knows nothing of the camera's code: bytes in, bytes out.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::Pin;
use md5::{Digest, Md5};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tests::devices::mobotix::REALM;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

/// One connection.
pub struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    /// What the camera presented, over TLS.
    pub pin: Option<Pin>,
}

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Every value of a header field.
    pub fn fields(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

impl Client {
    pub async fn http(address: Option<SocketAddr>) -> Self {
        let stream = TcpStream::connect(address.unwrap()).await.unwrap();
        Self { stream: Box::new(stream), buffer: Vec::new(), pin: None }
    }

    /// From another address of this machine.
    pub async fn http_from(from: &str, address: Option<SocketAddr>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(address.unwrap()).await.unwrap();
        Self { stream: Box::new(stream), buffer: Vec::new(), pin: None }
    }

    pub async fn https(address: Option<SocketAddr>) -> Self {
        Self::try_https(address).await.unwrap()
    }

    /// Takes any certificate: what is presented is what is looked at.
    pub async fn try_https(address: Option<SocketAddr>) -> std::io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        let stream = TcpStream::connect(address.unwrap()).await?;
        let name = ServerName::try_from("camera").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let pin = stream.get_ref().1.peer_certificates().map(|chain| Pin::of(&chain[0]));
        Ok(Self { stream: Box::new(stream), buffer: Vec::new(), pin })
    }

    /// Sends a request and reads the answer; `None` if the camera closes instead.
    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: camera\r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.ok()?;
        self.answer().await
    }

    /// A `GET` with these credentials, if any.
    pub async fn fetch(&mut self, target: &str, login: Option<(&str, &str)>) -> Answer {
        let basic = login.map(|(user, password)| basic(user, password));
        let fields: Vec<_> = basic.iter().map(|value| ("Authorization", value.as_str())).collect();
        self.ask("GET", target, &fields, b"").await.expect("an answer")
    }

    /// Remote configuration by Basic.
    pub async fn configure(&mut self, login: (&str, &str), body: &str) -> String {
        let basic = basic(login.0, login.1);
        let fields = [("Authorization", &*basic)];
        let answer = self.ask("POST", "/admin/remoteconfig", &fields, body.as_bytes()).await;
        answer.expect("an answer").text()
    }

    async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut answer = Answer { status: head.get(9..12)?.parse().ok()?, head, body: Vec::new() };
        let length: usize = answer.fields("Content-Length").first()?.parse().ok()?;
        while self.buffer.len() < length {
            self.more().await?;
        }
        answer.body = self.buffer.drain(..length).collect();
        Some(answer)
    }

    async fn more(&mut self) -> Option<()> {
        let mut piece = [0; 4096];
        let read = self.stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        self.buffer.extend_from_slice(&piece[..read]);
        Some(())
    }

    /// Sends a request and reads up to so many bytes of whatever comes back; fewer if the camera closes.
    pub async fn raw(&mut self, target: &str, login: (&str, &str), most: usize) -> Vec<u8> {
        let basic = basic(login.0, login.1);
        let head = format!("GET {target} HTTP/1.1\r\nAuthorization: {basic}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await.unwrap();
        while self.buffer.len() < most {
            if self.more().await.is_none() {
                break;
            }
        }
        std::mem::take(&mut self.buffer)
    }

    /// Says goodbye as a well-behaved client does.
    pub async fn close(mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether the camera has closed the connection.
    pub async fn is_closed(&mut self) -> bool {
        self.more().await.is_none()
    }
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub fn hex<D: Digest>(text: &str) -> String {
    D::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a parameter in a challenge.
pub fn parameter<'a>(challenge: &'a str, name: &str) -> &'a str {
    let rest = challenge.split_once(&format!("{name}=")).unwrap().1.trim_start_matches('"');
    rest.split(['"', ',']).next().unwrap()
}

/// Answers a digest challenge for a `GET`.
pub fn digest(challenge: &str, target: &str, login: (&str, &str), count: u32) -> String {
    let (nonce, algorithm) = (parameter(challenge, "nonce"), parameter(challenge, "algorithm"));
    let hash = if algorithm == "SHA-256" { hex::<sha2::Sha256> } else { hex::<Md5> };
    let mut ha1 = hash(&format!("{}:{REALM}:{}", login.0, login.1));
    if algorithm.ends_with("-sess") {
        ha1 = hash(&format!("{ha1}:{nonce}:c0ffee"));
    }
    let ha2 = hash(&format!("GET:{target}"));
    let response = hash(&format!("{ha1}:{nonce}:{count:08x}:c0ffee:auth:{ha2}"));
    format!(
        "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{target}\", algorithm={algorithm}, \
         qop=auth, nc={count:08x}, cnonce=\"c0ffee\", response=\"{response}\"",
        login.0
    )
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
