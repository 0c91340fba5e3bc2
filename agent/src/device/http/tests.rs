//! The browser against real servers that behave badly.

use super::*;
use crate::device::testing::{self, Act, Server, answer, serve, serve_tls};
use crate::device::{BasicInClear, Login};

fn browser(server: &Server, tls: bool) -> Browser {
    let target = testing::target(server, tls);
    Browser::new(target.address, server.at, None, target.limits)
}

async fn fault(act: impl Fn() -> Act + Send + Sync + 'static) -> Fault {
    let server = serve(move |_| act()).await;
    browser(&server, false).ask(Ask::get("/x")).await.unwrap_err()
}

fn says(fault: &Fault, words: &str) -> bool {
    fault.to_string().contains(words)
}

fn login(basic_in_clear: BasicInClear) -> Login {
    Login { user: "kim".to_owned(), password: proto::Secret::new("s3cret"), basic_in_clear }
}

#[tokio::test]
async fn thousands_of_requests_never_open_a_second_connection() {
    let server = serve(|_| Act::Keep(answer("200 OK", "", "hello"))).await;
    let mut browser = browser(&server, false);
    for _ in 0..3000 {
        assert_eq!(browser.ask(Ask::get("/x")).await.unwrap().body, b"hello");
    }
    assert_eq!((server.connections(), server.most()), (1, 1));
}

#[tokio::test]
async fn thousands_of_requests_over_tls_share_one_handshake() {
    let made = testing::certificate();
    let server =
        serve_tls(testing::tls_server(&made), |_| Act::Keep(answer("200 OK", "", "hello"))).await;
    let mut browser = browser(&server, true);
    for _ in 0..1000 {
        browser.ask(Ask::get("/x")).await.unwrap();
    }
    assert_eq!((server.connections(), server.most()), (1, 1));
    assert_eq!(browser.witness().pin(), Some(testing::pin(&made)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_several_threads_there_is_no_second_connection_either() {
    let server = serve(|_| Act::Keep(answer("200 OK", "", "hello"))).await;
    let mut browser = browser(&server, false);
    for _ in 0..3000 {
        browser.ask(Ask::get("/x")).await.unwrap();
    }
    assert_eq!((server.connections(), server.most()), (1, 1));
}

#[tokio::test]
async fn a_device_that_closes_after_each_answer_has_one_connection_at_a_time() {
    for headers in ["Connection: close\r\n", ""] {
        let server = serve(move |_| Act::Close(answer("200 OK", headers, "hello"))).await;
        let mut browser = browser(&server, false);
        for _ in 0..100 {
            assert_eq!(browser.ask(Ask::get("/x")).await.unwrap().body, b"hello");
        }
        assert_eq!((server.connections(), server.most()), (100, 1), "{headers:?}");
    }
}

#[tokio::test]
async fn an_answer_of_http_1_0_ends_with_its_connection() {
    let server = serve(|_| Act::Close("HTTP/1.0 200 OK\r\n\r\nold".to_owned())).await;
    let mut browser = browser(&server, false);
    for _ in 0..100 {
        assert_eq!(browser.ask(Ask::get("/x")).await.unwrap().body, b"old");
    }
    assert_eq!(server.most(), 1);
}

#[tokio::test]
async fn a_body_that_is_cut_off_closes_its_connection_before_the_next_opens() {
    let server =
        serve(|_| Act::Flood("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n".to_owned()))
            .await;
    let mut browser = browser(&server, false);
    for _ in 0..200 {
        let reply = browser.ask(Ask::get("/x").discard()).await.unwrap();
        assert!(reply.has_body && reply.body.is_empty());
    }
    assert_eq!((server.connections(), server.most()), (200, 1));
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let flood = || Act::Flood("HTTP/1.1 200 OK\r\n\r\n".to_owned());
    let fault = fault(flood).await;
    assert!(
        matches!(fault, Fault::Nonsense(_)) && says(&fault, "more than 65536 bytes"),
        "{fault}"
    );
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_is_read() {
    let giant = || Act::Hang("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n".to_owned());
    assert!(matches!(fault(giant).await, Fault::Nonsense(_)));
}

#[tokio::test]
async fn packed_bodies_are_not_unpacked() {
    let packed = answer("200 OK", "Content-Encoding: gzip\r\n", "not really gzip");
    let server = serve(move |_| Act::Keep(packed.clone())).await;
    let reply = browser(&server, false).ask(Ask::get("/x")).await.unwrap();
    assert_eq!(reply.body, b"not really gzip");
    assert!(!server.requests()[0].head.contains("accept-encoding"));
}

#[tokio::test]
async fn a_device_that_hangs_or_drips_ends_in_time() {
    for act in [
        || Act::Hang(String::new()),
        || Act::Hang("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab".to_owned()),
        || Act::Drip("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n".to_owned()),
        || Act::Drip("HTTP/1.1 200 OK\r\nX: ".to_owned()),
    ] {
        let fault = fault(act).await;
        assert!(matches!(fault, Fault::Unreachable(_)) && says(&fault, "within 0.6 s"), "{fault}");
    }
}

#[tokio::test]
async fn a_wrong_length_is_told() {
    let short = || Act::Close("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort".to_owned());
    let fault = fault(short).await;
    assert!(
        matches!(fault, Fault::Nonsense(_)) && says(&fault, "ended before the length"),
        "{fault}"
    );
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let fault_ssh = fault(|| Act::Close("SSH-2.0-dropbear\r\n".to_owned())).await;
    assert!(
        matches!(fault_ssh, Fault::Nonsense(_)) && says(&fault_ssh, "no HTTP answer"),
        "{fault_ssh}"
    );
    let silent = fault(|| Act::Close(String::new())).await;
    assert!(
        matches!(silent, Fault::Unreachable(_)) && says(&silent, "without an answer"),
        "{silent}"
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200));
    assert!(matches!(fault(move || Act::Close(many.clone())).await, Fault::Nonsense(_)));
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_opened_again() {
    let server = serve(|request| match request.what().as_str() {
        "GET /last" => Act::Close(answer("200 OK", "", "bye")),
        _ => Act::Keep(answer("200 OK", "", "hello")),
    })
    .await;
    let mut browser = browser(&server, false);
    for _ in 0..20 {
        browser.ask(Ask::get("/last")).await.unwrap();
        browser.ask(Ask::get("/x")).await.unwrap();
    }
    assert_eq!(server.most(), 1);
}

#[tokio::test]
async fn nothing_listening_is_told() {
    let server = serve(|_| Act::Close(String::new())).await;
    let mut target = testing::target(&server, false);
    let nowhere = SocketAddr::new(server.at.ip(), 1);
    target.address.port = 1;
    let mut browser = Browser::new(target.address, nowhere, None, target.limits);
    let fault = browser.ask(Ask::get("/x")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unreachable(_)) && says(&fault, "refused"), "{fault}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = serve(|_| Act::Keep(answer("302 Found", "Location: /x\r\n", ""))).await;
    assert_eq!(browser(&server, false).ask(Ask::get("/x")).await.unwrap().status, 302);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_gets_no_request() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), |_| Act::Close(String::new())).await;
    let target = testing::target(&server, true);
    let pin = Some(testing::pin(&testing::certificate()));
    let mut browser = Browser::new(target.address, server.at, pin, target.limits);
    let fault = browser.ask(Ask::get("/x")).await.unwrap_err();
    assert!(
        matches!(fault, Fault::Refused(_)) && says(&fault, "credentials were not sent"),
        "{fault}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_that_breaks_off() {
    let server = serve(|_| Act::Close(String::new())).await;
    let _ = server;
    let plain = raw(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
    assert!(
        matches!(plain, Fault::Unsupported(_)) && says(&plain, "does not speak HTTPS"),
        "{plain}"
    );
    let broken = raw(b"\x16\x03\x03\x00").await;
    assert!(matches!(broken, Fault::Unreachable(_)), "{broken}");
    let old = raw(b"\x15\x03\x01\x00\x02\x02\x46").await;
    assert!(matches!(old, Fault::Unsupported(_)) && says(&old, "older than 1.2"), "{old}");
}

/// What a TLS client is told by a server that answers any hello with these bytes.
async fn raw(bytes: &'static [u8]) -> Fault {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
    });
    let address = Address { tls: true, host: at.ip().to_string(), port: at.port() };
    let mut browser = Browser::new(address, at, None, testing::limits());
    browser.ask(Ask::get("/x")).await.unwrap_err()
}

#[test]
fn basic_is_not_sent_where_everybody_can_read_it() {
    let mut headers = HeaderMap::new();
    headers.append("www-authenticate", "Basic realm=\"MOBOTIX\"".parse().unwrap());
    let basic = Challenges::read(&headers);
    let (never, allowed) = (login(BasicInClear::Never), login(BasicInClear::Allowed));
    assert_eq!(Session::begin(&never, &basic, false).err(), Some(NoSession::Readable));
    assert!(Session::begin(&allowed, &basic, false).is_ok());
    assert!(Session::begin(&never, &basic, true).is_ok());
    assert_eq!(Session::basic_unasked(&never, false).err(), Some(NoSession::Readable));
    assert_eq!(
        Session::begin(&never, &Challenges::default(), true).err(),
        Some(NoSession::Unknown)
    );
}

#[tokio::test]
async fn a_log_in_under_which_the_connection_breaks_off_is_not_repeated() {
    let server = serve(|request| match request.authorization() {
        Some(_) => Act::Close(String::new()),
        None => {
            Act::Keep(answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""))
        }
    })
    .await;
    let mut browser = browser(&server, false);
    let challenges = browser.ask(Ask::get("/x")).await.unwrap().challenges();
    let login = login(BasicInClear::Allowed);
    let mut session = Session::begin(&login, &challenges, false).unwrap();
    assert!(browser.ask_as(&mut session, Ask::get("/x")).await.is_err());
    let sent = server.requests().iter().filter(|it| it.authorization().is_some()).count();
    assert_eq!(sent, 1, "the device may have counted it");
}
