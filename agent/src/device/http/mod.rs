//! HTTP with one device over one connection, within limits. It never follows a redirect, never unpacks a body, keeps
//! no cookie, uses no proxy, and sends a password only where [`session`] decided to.

mod challenge;
mod fault;
mod gate;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use certs::Pin;
use certs::tls::Witness;
use reqwest::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Version};
use tokio::task::yield_now;

use super::{Address, Fault, Limits};

pub use challenge::Challenges;
pub use session::{Answer, NoSession, Session};

/// Header lines in one answer, at most.
const MAX_HEADERS: usize = 64;
/// Connections that one request may use up, one after the other.
const MAX_DIALS: u32 = 3;
/// Turns of the runtime in which a dropped connection is closed. One is enough on the one thread the agent has.
const SETTLE: u32 = 12;

/// The type of what is posted, unless it is said to be another.
const FORM: &str = "application/x-www-form-urlencoded";

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Path from the root, with its query.
    pub path: &'a str,
    /// `None`: GET. A text: POST.
    pub post: Option<&'a str>,
    /// The type of what is posted.
    pub content: &'a str,
    /// What to do with the answer's body.
    pub body: Appetite,
}

/// Whether a request may be sent again when the connection breaks off under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Once,
    Never,
}

/// What to do with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appetite {
    /// Keep it; one that is larger than the limit is a fault.
    Keep,
    /// Read it so that the connection stays usable, and keep none of it; one that is too large is cut off.
    Discard,
}

impl<'a> Ask<'a> {
    /// A GET whose answer is kept.
    pub fn get(path: &'a str) -> Self {
        Self { path, post: None, content: FORM, body: Appetite::Keep }
    }

    /// A POST whose answer is kept.
    pub fn post(path: &'a str, text: &'a str) -> Self {
        Self { path, post: Some(text), content: FORM, body: Appetite::Keep }
    }

    /// The same, posting something of another type.
    pub fn content(self, content: &'a str) -> Self {
        Self { content, ..self }
    }

    /// The same, with the body thrown away.
    pub fn discard(self) -> Self {
        Self { body: Appetite::Discard, ..self }
    }

    fn method(&self) -> Method {
        if self.post.is_some() { Method::POST } else { Method::GET }
    }
}

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    headers: HeaderMap,
    /// What was kept of the body.
    pub body: Vec<u8>,
    /// Whether the body had any bytes.
    pub has_body: bool,
}

impl Reply {
    /// A header as text, if it is there once and printable.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The challenges of a 401.
    pub fn challenges(&self) -> Challenges {
        Challenges::read(&self.headers)
    }
}

/// A client that has at most one connection to its device at any moment.
pub struct Browser {
    address: Address,
    at: SocketAddr,
    limits: Limits,
    tls: rustls::ClientConfig,
    witness: Arc<Witness>,
    line: Option<Line>,
    /// Whether somebody vouched for the certificate.
    pinned: bool,
    /// Whether the device is believed to keep a connection open between requests.
    keeps: bool,
}

/// A client and the one connection it may open.
struct Line {
    client: Client,
    gate: gate::Gate,
    answered: bool,
}

impl Browser {
    /// A client for the device at `address`, which is reached at `at`. Nothing is sent yet.
    pub fn new(address: Address, at: SocketAddr, pin: Option<Pin>, limits: Limits) -> Self {
        let (tls, witness) = certs::tls::first_contact(pin);
        let pinned = pin.is_some();
        Self { address, at, limits, tls, witness, line: None, pinned, keeps: true }
    }

    /// The same for a device that must present the certificate it presented before, for which nobody vouches.
    pub fn of_old(address: Address, at: SocketAddr, seen: Pin, limits: Limits) -> Self {
        Self { pinned: false, ..Self::new(address, at, Some(seen), limits) }
    }

    /// What was seen of the device's certificate.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Whether what is sent is encrypted.
    pub fn tls(&self) -> bool {
        self.address.tls
    }

    /// Whether only the device itself can read what is sent. A certificate that was merely seen first is no proof:
    /// whoever stands in the way has one, too.
    pub fn is_private(&self) -> bool {
        self.tls() && self.pinned
    }

    /// Asks without a password.
    ///
    /// # Errors
    /// A fault that names the device, the request, what went wrong and what to do. Any HTTP status is an answer.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Reply, Fault> {
        self.exchange(ask, None, Repeat::Once).await
    }

    /// Asks with what `session` answers to the device's challenge. Renews a nonce that the device calls stale.
    ///
    /// # Errors
    /// As [`Browser::ask`].
    pub async fn ask_as(&mut self, session: &mut Session, ask: Ask<'_>) -> Result<Answer, Fault> {
        loop {
            let authorization = session
                .authorize(ask.method().as_str(), ask.path)
                .map_err(|reason| self.nonsense(&ask, &reason))?;
            // A device may have counted a log-in before it broke off without a word.
            let repeat = if session.was_admitted() { Repeat::Once } else { Repeat::Never };
            let reply = self.exchange(ask, Some(authorization), repeat).await?;
            match session.learn(reply) {
                Answer::Renewed => {}
                answer => return Ok(answer),
            }
        }
    }

    /// Closes the connection.
    pub async fn hang_up(&mut self) {
        if self.line.take().is_some_and(|line| line.gate.used()) {
            for _ in 0..SETTLE {
                yield_now().await;
            }
        }
    }

    async fn exchange(
        &mut self,
        ask: Ask<'_>,
        authorization: Option<HeaderValue>,
        repeat: Repeat,
    ) -> Result<Reply, Fault> {
        let limit = self.limits.request;
        let outcome = tokio::time::timeout(limit, self.converse(&ask, authorization, repeat)).await;
        match outcome {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(fault)) => {
                self.hang_up().await;
                Err(fault)
            }
            Err(_) => {
                self.hang_up().await;
                let what = self.doing(&ask);
                Err(Fault::Unreachable(format!(
                    "{what}: no complete answer within {} s; the device hangs or is overloaded, try again later",
                    limit.as_secs_f32()
                )))
            }
        }
    }

    async fn converse(
        &mut self,
        ask: &Ask<'_>,
        authorization: Option<HeaderValue>,
        repeat: Repeat,
    ) -> Result<Reply, Fault> {
        let mut retried = repeat == Repeat::Never;
        loop {
            let response = match self.send(ask, authorization.clone()).await? {
                Ok(response) => response,
                // An idle connection that the device closed, most likely while we wrote to it. Another idle one is not
                // relied on, so that a log-in, which is never repeated, does not meet the same end.
                Err(error) if self.was_answered() && !retried && fault::broke_off(&error) => {
                    retried = true;
                    self.keeps = false;
                    self.hang_up().await;
                    continue;
                }
                Err(error) => return Err(fault::explain(&error, &self.doing(ask))),
            };
            if let Some(line) = &mut self.line {
                line.answered = true;
            }
            let last = !self.keeps || is_last(&response);
            let (reply, whole) = self.take(ask, response).await?;
            if last || !whole {
                self.hang_up().await;
            } else {
                // The turn in which the connection goes back to the pool.
                yield_now().await;
            }
            return Ok(reply);
        }
    }

    /// Sends over the one connection, or, where the device closed that without a word, over its successor.
    async fn send(
        &mut self,
        ask: &Ask<'_>,
        authorization: Option<HeaderValue>,
    ) -> Result<Result<Response, reqwest::Error>, Fault> {
        let url = format!("{}{}", self.address, ask.path);
        for _ in 0..MAX_DIALS {
            let line = self.line()?;
            let mut request = line.client.request(ask.method(), &url);
            if let Some(text) = ask.post {
                request = request.header(CONTENT_TYPE, ask.content).body(text.to_owned());
            }
            if let Some(authorization) = authorization.clone() {
                request = request.header(AUTHORIZATION, authorization);
            }
            let outcome = request.send().await;
            line.gate.served();
            match outcome {
                Err(error) if fault::was_shut(&error) => {
                    self.keeps = false;
                    self.hang_up().await;
                }
                outcome => return Ok(outcome),
            }
        }
        Err(Fault::Unreachable(format!(
            "{}: the device closed {MAX_DIALS} connections in a row without an answer; it may block us, try again later",
            self.doing(ask)
        )))
    }

    /// Reads the body; `false` if it was cut off.
    async fn take(&self, ask: &Ask<'_>, mut response: Response) -> Result<(Reply, bool), Fault> {
        let limit = self.limits.body;
        let announced =
            response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let keep = ask.body == Appetite::Keep;
        if keep && announced > limit {
            return Err(self.too_large(ask));
        }
        let mut body = Vec::with_capacity(if keep { announced } else { 0 });
        let (mut length, mut whole) = (0_usize, true);
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| fault::explain(&error, &self.doing(ask)))?
            else {
                break;
            };
            length = length.saturating_add(chunk.len());
            match (length > limit, keep) {
                (true, true) => return Err(self.too_large(ask)),
                (true, false) => {
                    whole = false;
                    break;
                }
                (false, true) => body.extend_from_slice(&chunk),
                (false, false) => {}
            }
        }
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        Ok((Reply { status, headers, body, has_body: length > 0 }, whole))
    }

    fn line(&mut self) -> Result<&Line, Fault> {
        let line = match self.line.take() {
            Some(line) => line,
            None => self.dial()?,
        };
        Ok(self.line.insert(line))
    }

    fn dial(&self) -> Result<Line, Fault> {
        let gate = gate::Gate::default();
        let client = Client::builder()
            .user_agent(concat!("palisade-agent/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.clone())
            .connector_layer(gate.clone())
            .connect_timeout(self.limits.connect)
            .resolve_to_addrs(&self.address.host, &[self.at])
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|_| Fault::Unsupported(format!("cannot speak HTTP to {}", self.address)))?;
        Ok(Line { client, gate, answered: false })
    }

    fn was_answered(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.answered)
    }

    fn doing(&self, ask: &Ask<'_>) -> String {
        format!("asking {} for {}", self.address, ask.path)
    }

    fn too_large(&self, ask: &Ask<'_>) -> Fault {
        let limit = self.limits.body;
        let limit = if limit >= 1 << 20 {
            format!("{} MiB", limit >> 20)
        } else {
            format!("{limit} bytes")
        };
        self.nonsense(ask, &format!("the answer has more than {limit}, which no camera needs"))
    }

    fn nonsense(&self, ask: &Ask<'_>, reason: &str) -> Fault {
        Fault::Nonsense(format!("{}: {reason}", self.doing(ask)))
    }
}

/// Whether the device closes the connection behind this answer.
fn is_last(response: &Response) -> bool {
    let headers = response.headers();
    let says = |word: &str| {
        let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let framed = headers.contains_key(CONTENT_LENGTH)
        || headers.contains_key(TRANSFER_ENCODING)
        || matches!(response.status().as_u16(), 204 | 304);
    says("close") || !framed || (response.version() == Version::HTTP_10 && !says("keep-alive"))
}

#[cfg(test)]
mod tests;
