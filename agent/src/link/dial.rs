//! Opens one connection to the controller and says what may be concluded when there is none.
//!
//! In TLS 1.3 the side that dials is done before the controller has looked at its certificate: a refusal arrives later,
//! as an alert. So a connection counts only once the controller has said something, which it does first on HTTP/2.
//! Alerts before that are not authenticated, and nothing is concluded from them.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::Organisation;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::lookup::lookup;

/// Longest time for a name to be looked up, for a TCP connection and for a handshake, each.
const PATIENCE: Duration = Duration::from_secs(8);
/// For the first bytes; larger reads go past it.
const FIRST_BYTES: usize = 64;

/// A connection on which the controller has spoken.
pub type Wire = BufReader<TlsStream<TcpStream>>;

/// Why there is no connection, by what the caller may conclude. Later ones tell more, and win over earlier ones when
/// several addresses were tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialFault {
    /// Nobody answered, or the line broke: try again.
    #[error("the controller cannot be reached: {0}")]
    Unreachable(String),
    /// Somebody answered who does not speak as our controller does: a wrong address, or a box in between.
    #[error("what answers there is no controller of ours: {0}")]
    Strange(String),
    /// It presents a certificate that does not lead to what we trust, or is not for our controller.
    #[error("the controller's certificate is not trusted: {0}")]
    Untrusted(String),
    /// Its certificate is over or has not begun, by our clock: one of the two is wrong.
    #[error(
        "the controller's certificate is not valid at this time; is this machine's clock right?"
    )]
    OutOfTime,
    /// It will not have our certificate, for a reason that it did not tell.
    #[error("the controller refuses this agent's certificate: {0}")]
    Refused(String),
    /// It says that our certificate has expired.
    #[error("the controller says that this agent's certificate has expired")]
    Expired,
    /// It says that our certificate was revoked.
    #[error("the controller says that this agent's certificate was revoked")]
    Revoked,
}

impl DialFault {
    /// This one, unless an earlier one tells as much.
    fn or_more_telling(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if earlier.weight() >= self.weight() => earlier,
            Some(_) | None => self,
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Unreachable(_) => 0,
            Self::Strange(_) => 1,
            Self::Untrusted(_) => 2,
            Self::OutOfTime => 3,
            Self::Refused(_) => 4,
            Self::Expired => 5,
            Self::Revoked => 6,
        }
    }
}

/// Whom to dial, where.
#[derive(Clone)]
pub struct Call {
    /// `host:port`, tried in this order.
    pub addresses: Vec<String>,
    /// The name that the certificate must be for, whatever the address.
    pub name: ServerName<'static>,
    /// What we present, and whom we trust.
    pub tls: Arc<ClientConfig>,
}

impl Call {
    /// A call to that organisation's controller.
    ///
    /// # Errors
    /// [`DialFault::Unreachable`], if the organisation's name can be no part of a host's name.
    pub fn to(
        organisation: &Organisation,
        addresses: &[String],
        tls: Arc<ClientConfig>,
    ) -> Result<Self, DialFault> {
        let name = certs::name::server_name(organisation);
        let name = ServerName::try_from(name)
            .map_err(|_| DialFault::Unreachable("its name is no host's name".to_owned()))?;
        Ok(Self { addresses: addresses.to_vec(), name, tls })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Call").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Dials the addresses in their order until one gives a connection on which the controller has spoken.
///
/// # Errors
/// [`DialFault`]: the one of all addresses that tells most.
pub async fn dial_confirmed(call: &Call) -> Result<Wire, DialFault> {
    let mut telling = None;
    for address in &call.addresses {
        match dial_name(address, call).await {
            Ok(wire) => return Ok(wire),
            Err(fault) => {
                tracing::debug!(address, %fault, "no connection");
                telling = Some(fault.or_more_telling(telling));
            }
        }
    }
    Err(telling.unwrap_or(DialFault::Unreachable("there is no address to dial".to_owned())))
}

/// The controller's own certificate, as its handshake presented it.
pub fn presented(wire: &Wire) -> Option<&CertificateDer<'static>> {
    let (_, session) = wire.get_ref().get_ref();
    session.peer_certificates().and_then(<[_]>::first)
}

async fn dial_name(address: &str, call: &Call) -> Result<Wire, DialFault> {
    let looked_up = patiently(lookup(address)).await?;
    let mut telling = None;
    for socket in looked_up {
        match dial_socket(socket, call).await {
            Ok(wire) => return Ok(wire),
            Err(fault) => telling = Some(fault.or_more_telling(telling)),
        }
    }
    Err(telling.unwrap_or(DialFault::Unreachable("the name has no address".to_owned())))
}

async fn dial_socket(socket: SocketAddr, call: &Call) -> Result<Wire, DialFault> {
    let tcp = patiently(TcpStream::connect(socket)).await?;
    tcp.set_nodelay(true).map_err(|error| unreachable(&error))?;
    let handshake = TlsConnector::from(call.tls.clone()).connect(call.name.clone(), tcp);
    let tls = match timeout(PATIENCE, handshake).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => return Err(in_handshake(&error)),
        Err(_) => return Err(silent()),
    };
    if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(DialFault::Strange("it does not speak HTTP/2".to_owned()));
    }
    let mut wire = BufReader::with_capacity(FIRST_BYTES, tls);
    match timeout(PATIENCE, wire.fill_buf()).await {
        Ok(Ok(first)) if !first.is_empty() => Ok(wire),
        Ok(Ok(_)) => Err(DialFault::Unreachable("it hung up at once".to_owned())),
        Ok(Err(error)) => Err(after_handshake(&error)),
        Err(_) => Err(silent()),
    }
}

async fn patiently<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, DialFault> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| unreachable(&error)),
        Err(_) => Err(silent()),
    }
}

fn silent() -> DialFault {
    DialFault::Unreachable("no answer in time".to_owned())
}

/// The system's words, without numbers of descriptors or anything that somebody else wrote.
fn unreachable(error: &io::Error) -> DialFault {
    let words = match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof => {
            "the connection broke".to_owned()
        }
        _ => error.raw_os_error().map_or_else(
            || "the address cannot be used".to_owned(),
            |code| io::Error::from_raw_os_error(code).to_string(),
        ),
    };
    DialFault::Unreachable(words)
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What ended the handshake is our own judgment of the other side, or its alert, which anybody may have sent.
fn in_handshake(error: &io::Error) -> DialFault {
    match tls_error(error) {
        None => unreachable(error),
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::Expired | CertificateError::NotValidYet => DialFault::OutOfTime,
            CertificateError::UnknownIssuer => {
                DialFault::Untrusted("it does not lead to the root we trust".to_owned())
            }
            CertificateError::NotValidForName => {
                DialFault::Untrusted("it is not the controller's of our organisation".to_owned())
            }
            _ => DialFault::Untrusted("it cannot be verified".to_owned()),
        },
        Some(rustls::Error::AlertReceived(alert)) => DialFault::Strange(words(*alert)),
        Some(_) => DialFault::Strange("it does not speak TLS 1.3 as we do".to_owned()),
    }
}

/// What comes after the handshake is said by whoever has the controller's key.
fn after_handshake(error: &io::Error) -> DialFault {
    match tls_error(error) {
        Some(rustls::Error::AlertReceived(alert)) => match alert {
            AlertDescription::CertificateRevoked => DialFault::Revoked,
            AlertDescription::CertificateExpired => DialFault::Expired,
            alert => DialFault::Refused(words(*alert)),
        },
        Some(_) => DialFault::Strange("it does not speak TLS 1.3 as we do".to_owned()),
        None => unreachable(error),
    }
}

fn words(alert: AlertDescription) -> String {
    format!("TLS alert {}", u8::from(alert))
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
