//! Looks at a device's ports before the HTTP connection is opened, one at a time, each closed before the next: a
//! camera never has two connections of ours. Sends no password.

mod legacy;
mod trouble;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use certs::Pin;
use certs::tls::Witness;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Fault, Limits, Target};
use crate::facts::{Fact, PortSighting, TlsSighting};

pub use legacy::speaks_legacy;
pub use trouble::Trouble;

/// How long a device may take to close its side of a connection that we are done with.
const GOODBYE: Duration = Duration::from_millis(250);

/// What was found on the standard web ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Every standard port and the one in use, in ascending order.
    pub sightings: Vec<PortSighting>,
    /// For a device that is spoken to without TLS: what its standard HTTPS port presents.
    pub tls: Option<Fact<TlsSighting>>,
}

/// Where a device is. One address of a name is taken, and kept for the visit: an IPv4 one if there is one, since cameras
/// come with IPv6 switched off.
///
/// # Errors
/// [`Fault::Unreachable`] if the name leads nowhere.
pub async fn locate(target: &Target) -> Result<SocketAddr, Fault> {
    let (host, port) = (target.address.host.as_str(), target.address.port);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let found = timeout(target.limits.connect, lookup_host((host, port))).await;
    let first = found.ok().and_then(Result::ok).and_then(|all| all.min_by_key(SocketAddr::is_ipv6));
    first.ok_or_else(|| {
        let host = proto::text::printable(host, 100);
        Fault::Unreachable(format!(
            "looking up {host}: the name leads to no address; check its spelling and the name server, or give the address"
        ))
    })
}

/// The address of ours that the device sees, unless it is translated on the way. Sends nothing.
pub async fn own_address(device: SocketAddr) -> Option<IpAddr> {
    let any = if device.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(device).await.ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Tries the standard ports that are not the one in use.
pub async fn ports(target: &Target, at: SocketAddr) -> Ports {
    let used = target.address.port;
    let (http, https) = (target.web_ports.http, target.web_ports.https);
    let mut ports = Ports { sightings: Vec::new(), tls: None };
    for port in [http, https] {
        if port == used || ports.sightings.iter().any(|seen| seen.port == port) {
            continue;
        }
        let door = SocketAddr::new(at.ip(), port);
        let open = match connect(door, target.limits).await {
            Ok(stream) if port == https && !target.address.tls => {
                ports.tls = Some(look(stream, door, target).await);
                Some(true)
            }
            Ok(stream) => {
                close(stream).await;
                Some(true)
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(false),
            Err(_) => None,
        };
        ports.sightings.push(PortSighting { port, open });
    }
    ports.sightings.push(PortSighting { port: used, open: Some(true) });
    ports.sightings.sort_by_key(|seen| seen.port);
    ports
}

async fn connect(at: SocketAddr, limits: Limits) -> io::Result<TcpStream> {
    timeout(limits.connect, TcpStream::connect(at)).await?
}

/// What a TLS port presents.
async fn look(stream: TcpStream, at: SocketAddr, target: &Target) -> Fact<TlsSighting> {
    match handshake(stream, &target.address.host, target.pin, target.limits).await {
        Ok(witness) => sighting(&witness),
        Err(Trouble::Legacy(reason)) => {
            let proof = speaks_legacy(at, target.limits).await;
            let proof = proof.map_or(String::new(), |hello| format!("; {hello}"));
            Fact::Seen(TlsSighting::Legacy(format!("{reason}{proof}")))
        }
        // Much may be behind a handshake that was declined; only the answer to an old hello says what.
        Err(Trouble::Declined(reason)) => match speaks_legacy(at, target.limits).await {
            Some(hello) => Fact::Seen(TlsSighting::Legacy(format!("{reason}; {hello}"))),
            None => Fact::Unreadable(Trouble::Declined(reason).to_string()),
        },
        Err(Trouble::NotTls(_)) => Fact::Seen(TlsSighting::None),
        Err(trouble) => Fact::Unreadable(trouble.to_string()),
    }
}

async fn handshake(
    stream: TcpStream,
    host: &str,
    pin: Option<Pin>,
    limits: Limits,
) -> Result<Arc<Witness>, Trouble> {
    let (config, witness) = certs::tls::first_contact(pin);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Trouble::Broken("the host name cannot be asked for over TLS".to_owned()))?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = match timeout(limits.connect, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Trouble::of_io(&error)),
        Err(_) => {
            return Err(Trouble::Broken("the TLS handshake was not completed in time".to_owned()));
        }
    };
    close(stream).await;
    Ok(witness)
}

/// The certificate that a device presents, whichever it is, once it has proven to have its key. Nothing is sent but a
/// handshake.
///
/// # Errors
/// [`Fault::Unreachable`] if there is no connection or no handshake, whatever the reason.
pub async fn presented(target: &Target) -> Result<Pin, Fault> {
    let at = locate(target).await?;
    let doing = format!("looking at the certificate of {}", target.address);
    let no_answer = |what: &dyn std::fmt::Display| {
        Fault::Unreachable(format!("{doing}: {what}; nothing can be concluded, try again later"))
    };
    let stream = connect(at, target.limits).await.map_err(|error| no_answer(&error.kind()))?;
    let shaken = handshake(stream, &target.address.host, None, target.limits).await;
    let witness = shaken.map_err(|trouble| no_answer(&trouble))?;
    witness.pin().ok_or_else(|| no_answer(&"no handshake came about"))
}

/// What a witness has to say after a handshake.
pub fn sighting(witness: &Witness) -> Fact<TlsSighting> {
    match witness.sighting() {
        Some(Ok((version, leaf))) => Fact::Seen(TlsSighting::Secure {
            version: version.to_owned(),
            certificate: Box::new(leaf),
        }),
        Some(Err(bad)) => Fact::Unreadable(bad.to_string()),
        None => Fact::unreadable("no TLS handshake came about"),
    }
}

/// Says goodbye and waits, briefly, until the device has closed its side.
async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let farewell = async {
        let _ = stream.shutdown().await;
        let mut rest = [0; 512];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    };
    let _ = timeout(GOODBYE, farewell).await;
}

#[cfg(test)]
mod tests;
