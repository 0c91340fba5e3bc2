//! Handshakes in memory between our settings and a real rustls server.

use proto::Timestamp;
use rustls::{ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion, version};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::*;
use crate::authority::self_signed;
use crate::testing;

struct Device {
    settings: Arc<ServerConfig>,
    pin: Pin,
}

fn device(versions: &[&'static SupportedProtocolVersion]) -> Device {
    let (from, until) = (Timestamp::from_unix(0), Timestamp::from_unix(4_000_000_000));
    let made = self_signed(&["cam"], &[], from, until).unwrap();
    let der = testing::der(&made);
    let key = PrivateKeyDer::from_pem_slice(made.private_key_pem.expose().as_bytes()).unwrap();
    let settings = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone().into()], key)
        .unwrap();
    Device { settings: Arc::new(settings), pin: Pin::of(&der) }
}

fn shake_hands(config: &ClientConfig, device: &Device) -> Result<(), Error> {
    let name = ServerName::try_from("10.1.2.3").unwrap();
    let mut client = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
    let mut server = ServerConnection::new(device.settings.clone()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn the_first_device_seen_is_held_on_to() {
    let (config, witness) = first_contact(None);
    let (camera, other) = (device(&[&version::TLS13]), device(&[&version::TLS13]));
    assert!(witness.sighting().is_none());
    shake_hands(&config, &camera).unwrap();
    assert_eq!(witness.pin(), Some(camera.pin));
    let refused = shake_hands(&config, &other).unwrap_err();
    let expected = WrongPin { expected: camera.pin, presented: other.pin };
    assert_eq!(wrong_pin(&refused), Some(expected));
    shake_hands(&config, &camera).unwrap();
    let (version, leaf) = witness.sighting().unwrap().unwrap();
    assert_eq!((version, leaf.pin), ("TLSv1.3", camera.pin));
}

#[test]
fn only_the_pinned_device_is_accepted() {
    let (camera, other) = (device(&[&version::TLS12]), device(&[&version::TLS12]));
    let (config, witness) = first_contact(Some(camera.pin));
    assert!(wrong_pin(&shake_hands(&config, &other).unwrap_err()).is_some());
    assert!(witness.sighting().is_none(), "a stranger is not witnessed");
    shake_hands(&config, &camera).unwrap();
    assert_eq!(witness.sighting().unwrap().unwrap().0, "TLSv1.2");
}

#[test]
fn a_certificate_without_its_key_is_neither_accepted_nor_held_on_to() {
    let (config, witness) = first_contact(None);
    assert!(shake_hands(&config, &thief()).is_err());
    assert_eq!(witness.pin(), None);
    assert!(witness.sighting().is_none());
}

#[derive(Debug)]
struct Stolen(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Stolen {
    fn resolve(
        &self,
        _: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Presents one device's certificate and signs with another's key.
fn thief() -> Device {
    let (from, until) = (Timestamp::from_unix(0), Timestamp::from_unix(4_000_000_000));
    let make = || self_signed(&["cam"], &[], from, until).unwrap();
    let (camera, own) = (testing::der(&make()), make());
    let key = PrivateKeyDer::from_pem_slice(own.private_key_pem.expose().as_bytes()).unwrap();
    let key = PROVIDER.key_provider.load_private_key(key).unwrap();
    let stolen = rustls::sign::CertifiedKey::new(vec![camera.clone().into()], key);
    let settings = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Stolen(Arc::new(stolen))));
    Device { settings: Arc::new(settings), pin: Pin::of(&camera) }
}

#[test]
fn nothing_is_resumed() {
    let (config, witness) = first_contact(None);
    let camera = device(&[&version::TLS12]);
    shake_hands(&config, &camera).unwrap();
    *witness.seen.lock().unwrap() = Seen::default();
    shake_hands(&config, &camera).unwrap();
    assert!(witness.sighting().is_some(), "the second handshake was witnessed in full");
}
