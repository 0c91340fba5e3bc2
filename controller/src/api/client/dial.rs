//! From addresses to a channel. Each address is tried in turn; the controller is always held to its one name. A
//! connection counts only once the controller's first bytes came: in TLS 1.3 a client is done before the server has
//! judged its certificate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

/// One address has so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// As the controller expects it of clients: it closes what it hears nothing of.
const PING_EVERY: Duration = Duration::from_secs(45);
const PING_PATIENCE: Duration = Duration::from_secs(14);

/// Where the controller is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Dial {
    /// `host:port`, the preferred first.
    pub addresses: Vec<String>,
    /// The name its certificate must carry.
    pub name: String,
    /// What is trusted and presented.
    pub tls: Arc<ClientConfig>,
}

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Nobody answers at any of the addresses.
    #[error("the controller is not reached at {0}")]
    Unreachable(String),
    /// Whoever answers is not the controller.
    #[error("whoever answers at {address} is not your controller: {why}")]
    Stranger {
        /// Where.
        address: String,
        /// What its certificate lacks.
        why: String,
    },
    /// The controller does not take the certificate presented to it.
    #[error("the controller at {address} does not take this certificate: {why}")]
    Unwelcome {
        /// Where.
        address: String,
        /// Its reason.
        why: String,
    },
    /// The settings are wrong.
    #[error("{0:?} cannot be the controller's name")]
    BadName(String),
}

type Link = BufReader<TlsStream<TcpStream>>;

impl Dial {
    /// A channel whose first connection stands. If it is lost, the next call dials again.
    pub(super) async fn channel(self) -> Result<Channel, DialError> {
        let bad = || DialError::BadName(self.name.clone());
        let origin = format!("https://{}", self.name).parse().map_err(|_| bad())?;
        let mut first = Some(self.any().await?);
        // The scheme says nothing about the connection: the connector below brings the TLS.
        let endpoint = Endpoint::from_static("http://controller.palisade.internal")
            .origin(origin)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .keep_alive_while_idle(true);
        let addresses = self.addresses.join(", ");
        let dialled = tower::service_fn(move |_: tonic::transport::Uri| {
            let ready = first.take();
            let dial = self.clone();
            async move {
                match ready {
                    Some(link) => Ok(TokioIo::new(link)),
                    None => dial.any().await.map(TokioIo::new).map_err(io::Error::other),
                }
            }
        });
        let unreached = |_| DialError::Unreachable(addresses);
        endpoint.connect_with_connector(dialled).await.map_err(unreached)
    }

    async fn any(&self) -> Result<Link, DialError> {
        let name = ServerName::try_from(self.name.clone())
            .map_err(|_| DialError::BadName(self.name.clone()))?;
        let mut unreached = Vec::new();
        for address in &self.addresses {
            let tried = tokio::time::timeout(PATIENCE, self.one(address, name.clone())).await;
            match tried {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) => match judged(address, &error) {
                    Some(judged) => return Err(judged),
                    None => unreached.push(format!("{address} ({error})")),
                },
                Err(_) => unreached.push(format!("{address} (no answer)")),
            }
        }
        Err(DialError::Unreachable(unreached.join(", ")))
    }

    async fn one(&self, address: &str, name: ServerName<'static>) -> io::Result<Link> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let tls = TlsConnector::from(self.tls.clone()).connect(name, tcp).await?;
        let mut link = BufReader::with_capacity(1024, tls);
        if link.fill_buf().await?.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(link)
    }
}

/// A refusal that trying elsewhere does not mend; `None` for a network that fails.
fn judged(address: &str, error: &io::Error) -> Option<DialError> {
    let address = address.to_owned();
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match tls {
        rustls::Error::InvalidCertificate(reason) => {
            DialError::Stranger { address, why: stranger(reason) }
        }
        rustls::Error::AlertReceived(alert) => {
            DialError::Unwelcome { address, why: unwelcome(*alert) }
        }
        other => DialError::Stranger {
            address,
            why: format!("it does not speak TLS as ours does ({other})"),
        },
    })
}

fn stranger(reason: &CertificateError) -> String {
    match reason {
        // A root of the same name and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate leads to no root that you trust".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate is over; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate has not begun; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for somebody else".to_owned()
        }
        other => format!("its certificate is refused ({other:?})"),
    }
}

fn unwelcome(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRevoked => {
            "you were removed, or logged in anew elsewhere; ask an administrator for a new code and log in".to_owned()
        }
        AlertDescription::CertificateExpired => {
            "it is over by the controller's clock; ask an administrator for a new code and log in".to_owned()
        }
        AlertDescription::UnknownCA => {
            "its authority is not in use any more; ask an administrator for a new code and log in".to_owned()
        }
        other => format!("it says {other:?}"),
    }
}
