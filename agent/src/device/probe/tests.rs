//! Probes against real ports.

use super::*;
use crate::device::testing::{self, Act, answer, serve, serve_tls};

#[tokio::test]
async fn an_https_port_beside_http_shows_its_certificate_without_a_second_connection() {
    let made = testing::certificate();
    let secure = serve_tls(testing::tls_server(&made), |_| Act::Close(String::new())).await;
    let clear = serve(|_| Act::Keep(answer("200 OK", "", ""))).await;
    let mut target = testing::target(&clear, false);
    target.web_ports.https = secure.at.port();
    let ports = ports(&target, clear.at).await;
    let Some(Fact::Seen(TlsSighting::Secure { certificate, .. })) = ports.tls else {
        panic!("{ports:?}")
    };
    assert_eq!(certificate.pin, testing::pin(&made));
    assert_eq!((secure.connections(), clear.connections()), (1, 0));
    let open: Vec<_> = ports.sightings.iter().map(|seen| seen.open).collect();
    assert_eq!(open.iter().filter(|open| **open == Some(true)).count(), 2);
    assert_eq!(ports.sightings[0], PortSighting { port: 1, open: Some(false) });
}

#[tokio::test]
async fn an_https_port_that_speaks_http_has_no_tls() {
    let other = serve(|_| Act::Close(String::new())).await;
    let fact = tls_of(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(fact, Fact::Seen(TlsSighting::None));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn old_tls_is_proven_by_an_old_hello() {
    // The first hello, ours, is refused; the old one is answered with TLS 1.0 and RC4.
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([1; 32]);
    hello.extend([0, 0, 5, 0]);
    let alert = b"\x15\x03\x01\x00\x02\x02\x46".to_vec();
    let fact = tls_from(vec![alert, hello]).await;
    let Fact::Seen(TlsSighting::Legacy(reason)) = fact else { panic!("{fact:?}") };
    assert!(reason.contains("ProtocolVersion") && reason.contains("TLSv1.0"), "{reason}");
}

#[tokio::test]
async fn a_handshake_declined_without_an_old_answer_is_no_verdict_about_tls() {
    let declined = b"\x15\x03\x03\x00\x02\x02\x28".to_vec();
    let fact = tls_from(vec![declined.clone(), declined.clone()]).await;
    assert!(matches!(fact, Fact::Unreadable(_)), "{fact:?}");
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([1; 32]);
    hello.extend([0, 0, 5, 0]);
    let fact = tls_from(vec![declined, hello]).await;
    assert!(matches!(fact, Fact::Seen(TlsSighting::Legacy(_))), "{fact:?}");
}

#[tokio::test]
async fn half_a_handshake_is_no_verdict_about_tls() {
    assert!(matches!(tls_of(b"\x16\x03\x03\x00").await, Fact::Unreadable(_)));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told() {
    let server = serve(|_| Act::Close(String::new())).await;
    let mut target = testing::target(&server, false);
    target.address.host = "no-such-host.invalid".to_owned();
    assert!(matches!(locate(&target).await, Err(Fault::Unreachable(_))));
}

#[tokio::test]
async fn a_name_leads_to_its_ipv4_address() {
    let server = serve(|_| Act::Close(String::new())).await;
    let mut target = testing::target(&server, false);
    target.address.host = "localhost".to_owned();
    assert_eq!(locate(&target).await, Ok(server.at));
}

#[tokio::test]
async fn our_own_address_is_known() {
    let device = "127.0.0.1:80".parse().unwrap();
    assert_eq!(own_address(device).await, Some("127.0.0.1".parse().unwrap()));
}

async fn tls_of(bytes: &'static [u8]) -> Fact<TlsSighting> {
    tls_from(vec![bytes.to_vec()]).await
}

/// What is concluded from a port that answers connection after connection with these bytes.
async fn tls_from(answers: Vec<Vec<u8>>) -> Fact<TlsSighting> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let clear = serve(|_| Act::Close(String::new())).await;
    let mut target = testing::target(&clear, false);
    target.web_ports.https = at.port();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(&answer).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    ports(&target, clear.at).await.tls.unwrap()
}
