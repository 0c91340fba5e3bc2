//! The TLS side: the certificate slot, handshakes that cost their round trips, and handshakes that go wrong.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use certs::Pin;
use certs::authority::self_signed;
use proto::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::faults::{Fault, PROTOCOL_VERSION_ALERT, tls10_server_hello};
use super::media::{Slot, pin_of};
use super::spec::{Certificate, TlsVersions};

/// A certificate, ready to be presented.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The settings of the TLS server.
    pub settings: Arc<ServerConfig>,
    /// The certificate's fingerprint.
    pub pin: Pin,
}

/// The factory certificate: self-signed, for the factory address only, so that its names are wrong after the camera
/// got another. Its dates are INVENTED.
///
/// # Errors
/// When no key can be made.
pub fn factory_certificate(address: IpAddr) -> io::Result<Certificate> {
    let (from, until) = (Timestamp::from_unix(1_451_606_400), Timestamp::from_unix(2_082_758_400));
    let made = self_signed(&[], &[address], from, until).map_err(io::Error::other)?;
    Ok(Certificate { certificate_pem: made.certificate_pem, private_key_pem: made.private_key_pem })
}

/// The factory address: what the configuration's head says, or else 10 and the last three parts of `ip`.
pub fn factory_address(config: &[u8], ip: IpAddr) -> IpAddr {
    let head = String::from_utf8_lossy(config.get(..400).unwrap_or(config));
    let written = head.lines().find_map(|line| line.strip_prefix("# Camera IP: "));
    let derived = match ip {
        IpAddr::V4(four) => four.octets(),
        IpAddr::V6(_) => [0, 0, 0, 1],
    };
    let derived = Ipv4Addr::new(10, derived[1], derived[2], derived[3]);
    written.and_then(|text| text.trim().parse().ok()).unwrap_or(IpAddr::V4(derived))
}

/// What is presented with that slot. A key that does not fit, or a broken file, leaves the factory certificate in
/// use (INVENTED).
///
/// # Errors
/// When not even the factory certificate can be used.
pub fn present(slot: &Slot, factory: &Certificate, versions: TlsVersions) -> io::Result<Presented> {
    if let Slot { certificate: Some(certificate_pem), key: Some(private_key_pem) } = slot.clone()
        && let Ok(custom) = presented(&Certificate { certificate_pem, private_key_pem }, versions)
    {
        return Ok(custom);
    }
    presented(factory, versions)
}

fn presented(certificate: &Certificate, versions: TlsVersions) -> io::Result<Presented> {
    let chain = CertificateDer::pem_slice_iter(certificate.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(certificate.private_key_pem.expose().as_bytes())
        .map_err(io::Error::other)?;
    let versions: &[&rustls::SupportedProtocolVersion] = match versions {
        TlsVersions::Both => rustls::ALL_VERSIONS,
        TlsVersions::Only12 => &[&rustls::version::TLS12],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut settings = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    // Every handshake is a whole one, so that what it costs can be counted.
    settings.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    let pin = pin_of(&certificate.certificate_pem)
        .ok_or_else(|| io::Error::other("the PEM text holds no certificate"))?;
    Ok(Presented { settings: Arc::new(settings), pin })
}

/// Plays a handshake that goes wrong, until the client hangs up.
///
/// # Errors
/// Whatever the connection says.
pub async fn spoil(mut stream: TcpStream, fault: Fault) -> io::Result<()> {
    let mut hello = [0; 1024];
    if stream.read(&mut hello).await? == 0 {
        return Ok(());
    }
    match fault {
        Fault::ProtocolVersionAlert => {
            stream.write_all(&PROTOCOL_VERSION_ALERT).await?;
            return stream.shutdown().await;
        }
        Fault::Tls10Hello => stream.write_all(&tls10_server_hello()).await?,
        // The head of a TLS 1.2 `ServerHello` of 90 bytes, and half of those.
        _ => {
            stream.write_all(&[22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3]).await?;
            stream.write_all(&[0x5a; 39]).await?;
        }
    }
    while stream.read(&mut hello).await? > 0 {}
    Ok(())
}
