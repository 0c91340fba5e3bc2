//! Proves that a device speaks old TLS, with a ClientHello made by hand (RFC 5246, section 7.4.1.2) that offers only
//! what our own TLS does not have. The handshake goes no further than the device's answer.

use std::fmt;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{close, connect};
use crate::device::Limits;

/// Suites that rustls does not have: RSA key exchange, CBC, 3DES, RC4.
const SUITES: [u16; 15] = [
    0xc013, 0xc014, 0xc009, 0xc00a, 0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035,
    0x000a, 0x0005, 0x0004,
];

/// `supported_groups`, `ec_point_formats` and `signature_algorithms` (SHA-256 and SHA-1, with RSA and ECDSA).
const EXTENSIONS: [u8; 34] = [
    0, 10, 0, 6, 0, 4, 0, 23, 0, 24, //
    0, 11, 0, 2, 1, 0, //
    0, 13, 0, 14, 0, 12, 4, 1, 5, 1, 4, 3, 5, 3, 2, 1, 2, 3,
];

/// What a device answered to the old ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldHello {
    version: u16,
    suite: u16,
}

impl fmt::Display for OldHello {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.version {
            0x0300 => "SSLv3",
            0x0301 => "TLSv1.0",
            0x0302 => "TLSv1.1",
            _ => "TLSv1.2",
        };
        write!(out, "to an old hello it answered {version} with cipher suite 0x{:04x}", self.suite)
    }
}

/// Asks with old means; `None` if that leads nowhere either.
pub async fn speaks_legacy(at: SocketAddr, limits: Limits) -> Option<OldHello> {
    let mut stream = connect(at, limits).await.ok()?;
    let answer = async {
        stream.write_all(&client_hello()).await.ok()?;
        // Record header, handshake header, version, random, a session id of up to 32 bytes, suite.
        let mut answer = Vec::with_capacity(128);
        while answer.len() < 128 && server_hello(&answer).is_none() {
            let mut part = [0; 128];
            let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
            answer.extend(part.iter().take(read));
        }
        server_hello(&answer)
    };
    let hello = timeout(limits.connect, answer).await.ok().flatten();
    close(stream).await;
    hello
}

fn client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    // No secret ever rests on this random number: the handshake is never completed.
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend(size(SUITES.len() * 2));
    body.extend(SUITES.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend(size(EXTENSIONS.len()));
    body.extend(EXTENSIONS);
    let mut hello = vec![22, 3, 1];
    hello.extend(size(body.len() + 4));
    hello.extend([1, 0]);
    hello.extend(size(body.len()));
    hello.extend(body);
    hello
}

fn size(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// Version and suite of a ServerHello, as soon as that much of it is there.
fn server_hello(record: &[u8]) -> Option<OldHello> {
    let pair = |at: usize| Some(u16::from_be_bytes([*record.get(at)?, *record.get(at + 1)?]));
    if (*record.first()?, *record.get(5)?) != (22, 2) {
        return None;
    }
    let version = pair(9)?;
    let session = usize::from(*record.get(43)?);
    let suite = pair(44 + session)?;
    let old = (0x0300..=0x0303).contains(&version) && SUITES.contains(&suite);
    old.then_some(OldHello { version, suite })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(version: u16, session: u8, suite: u16) -> Vec<u8> {
        let mut bytes = vec![22, 3, 1, 0, 80, 2, 0, 0, 76];
        bytes.extend(version.to_be_bytes());
        bytes.extend([7; 32]);
        bytes.push(session);
        bytes.extend(vec![9; session.into()]);
        bytes.extend(suite.to_be_bytes());
        bytes
    }

    #[test]
    fn an_old_answer_names_its_version_and_suite() {
        let hello = server_hello(&answer(0x0301, 32, 0x000a)).unwrap();
        assert_eq!(
            hello.to_string(),
            "to an old hello it answered TLSv1.0 with cipher suite 0x000a"
        );
    }

    #[test]
    fn an_alert_or_a_suite_we_did_not_offer_proves_nothing() {
        assert_eq!(server_hello(&[21, 3, 1, 0, 2, 2, 40]), None);
        assert_eq!(server_hello(&answer(0x0303, 0, 0xc02f)), None);
        assert_eq!(server_hello(&answer(0x0304, 0, 0x000a)), None);
    }

    #[test]
    fn the_hello_is_one_that_a_tls_server_understands() {
        let (from, until) = (proto::Timestamp::from_unix(0), proto::Timestamp::from_unix(1 << 32));
        let made = certs::authority::self_signed(&["cam"], &[], from, until).unwrap();
        let settings = crate::device::testing::tls_server(&made);
        let mut server = rustls::ServerConnection::new(settings).unwrap();
        server.read_tls(&mut client_hello().as_slice()).unwrap();
        let error = server.process_new_packets().unwrap_err();
        // It was read to its end, and found to have no cipher in common.
        assert!(
            matches!(
                error,
                rustls::Error::PeerIncompatible(
                    rustls::PeerIncompatible::NoCipherSuitesInCommon
                        | rustls::PeerIncompatible::ExtendedMasterSecretExtensionRequired
                )
            ),
            "{error:?}"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = server_hello(&bytes);
        }
    }
}
