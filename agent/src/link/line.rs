//! One connection to the controller, and the calls over it. It is never mended: when it breaks, whoever needs one dials
//! again with the identity and the trust of that time, so a renewed certificate is in use from the next line on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certs::trust::lifetime;
use hyper_util::rt::TokioIo;
use proto::Timestamp;
use proto::wire::policy::MAX_DESIRED;
use proto::wire::v1::agent_client::AgentClient;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::dial::{Call, DialFault, Wire, dial_confirmed, presented};

/// How often an idle line is tried. The controller ends one on which it read nothing for 59 s.
const PING_EVERY: Duration = Duration::from_secs(45);
/// A ping unanswered for so long ends the line: half-open lines are found within a minute.
const PING_PATIENCE: Duration = Duration::from_secs(14);
/// Longest time for a call that is answered once.
const CALL_PATIENCE: Duration = Duration::from_secs(30);
/// Unread bytes per stream and per line: memory, not speed, is short here.
const STREAM_WINDOW: u32 = 64 << 10;
const LINE_WINDOW: u32 = 128 << 10;
const MAX_HEADERS: u32 = 8 << 10;
/// Calls that wait for the line at the same time; there are never that many.
const CALLS: usize = 8;

/// Largest message from the controller: a desired state and as much again for orders and roots, in bytes.
const MAX_INSTRUCTION: usize = MAX_DESIRED + (1 << 20);
/// Largest message to the controller: a report, in bytes.
const MAX_REPORT: usize = 1 << 20;
/// Largest message while becoming an agent, either way, in bytes.
const MAX_ENROLLMENT: usize = 64 << 10;

/// See the module. Clones are the same line.
#[derive(Clone, Debug)]
pub struct Line {
    channel: Channel,
    /// When the controller's certificate begins and ends.
    good: Option<(Timestamp, Timestamp)>,
}

impl Line {
    /// Dials, and speaks HTTP/2 on what was dialled.
    ///
    /// # Errors
    /// [`DialFault`].
    pub async fn open(call: &Call) -> Result<Self, DialFault> {
        let wire = dial_confirmed(call).await?;
        let good = presented(&wire).and_then(|certificate| lifetime(certificate));
        // The scheme is a formality: what the connector hands over is encrypted already.
        let name = call.name.to_str();

        let channel = Endpoint::from_shared(format!("http://{name}"))
            .map_err(|_| bad_name())?
            .origin(format!("https://{name}").parse().map_err(|_| bad_name())?)
            .buffer_size(CALLS)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(LINE_WINDOW)
            .http2_max_header_list_size(MAX_HEADERS)
            .connect_with_connector(once(wire))
            .await
            .map_err(|_| DialFault::Strange("it does not speak HTTP/2 as we do".to_owned()))?;
        Ok(Self { channel, good })
    }

    /// What somebody without a certificate, or with one that has lapsed, may ask.
    pub fn enrollment(&self) -> EnrollmentClient<Channel> {
        EnrollmentClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ENROLLMENT)
            .max_encoding_message_size(MAX_ENROLLMENT)
    }

    /// What an agent may ask.
    pub fn agent(&self) -> AgentClient<Channel> {
        AgentClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_INSTRUCTION)
            .max_encoding_message_size(MAX_REPORT)
    }

    /// Whether the controller's certificate is good at the time that it told. If it is not, whoever told it holds an
    /// old certificate, or does not know the time either.
    pub fn vouches_for(&self, time: Timestamp) -> bool {
        self.good.is_some_and(|(from, until)| from <= time && time <= until)
    }
}

/// A request that is given up when the controller is silent.
pub fn patient<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(CALL_PATIENCE);
    request
}

fn bad_name() -> DialFault {
    DialFault::Unreachable("the controller's name is no address".to_owned())
}

/// A connector that has one connection to give.
fn once(
    wire: Wire,
) -> impl tower::Service<
    tonic::transport::Uri,
    Response = TokioIo<Wire>,
    Error = std::io::Error,
    Future: Send,
> + Send
+ 'static {
    let wire = Arc::new(Mutex::new(Some(wire)));
    service_fn(move |_| {
        let wire = wire.lock().unwrap_or_else(PoisonError::into_inner).take();
        let over = || std::io::Error::other("the line is over");
        std::future::ready(wire.map(TokioIo::new).ok_or_else(over))
    })
}
