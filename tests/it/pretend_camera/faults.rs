//! Each fault does what it says.

use std::time::Duration;

use tests::devices::mobotix::{Camera, Fault, Faults, Line, Spec};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::Client;
use super::{FACTORY, start};

const PAGE: &str = "/admin/index.html";

async fn faulty(faults: Faults) -> (Camera, Client) {
    let camera = start(Spec { faults, ..Spec::new(Line::P3, "yard") }).await;
    let client = Client::http(camera.http_address()).await;
    (camera, client)
}

async fn raw(fault: Fault, most: usize) -> String {
    let (_camera, mut client) = faulty(Faults::none().with(fault)).await;
    String::from_utf8_lossy(&client.raw(PAGE, FACTORY, most).await).into_owned()
}

#[tokio::test]
async fn a_hanging_camera_never_answers_and_others_paths_still_do() {
    let (_camera, mut client) = faulty(Faults::none().on("/admin/", Fault::Hang)).await;
    assert_eq!(client.fetch("/robots.txt", None).await.status, 200);
    let answer = timeout(Duration::from_millis(100), client.fetch(PAGE, Some(FACTORY))).await;
    assert!(answer.is_err());
}

#[tokio::test]
async fn a_dripping_camera_sends_a_byte_at_a_time() {
    let fault = Fault::Drip(Duration::from_millis(1));
    let (_camera, mut client) = faulty(Faults::none().with(fault)).await;
    assert_eq!(client.raw(PAGE, FACTORY, 1).await, b"H");
    let fault = Fault::Drip(Duration::from_micros(1));
    let (_camera, mut client) = faulty(Faults::none().with(fault)).await;
    assert_eq!(client.fetch(PAGE, Some(FACTORY)).await.status, 200);
}

#[tokio::test]
async fn an_html_page_instead_of_the_configuration() {
    let (_camera, mut client) =
        faulty(Faults::none().on("/admin/remoteconfig", Fault::HtmlPage)).await;
    let answer = client.configure(FACTORY, "helo\nview configfile\nquit\n").await;
    assert!(answer.starts_with("<html>"), "{answer}");
}

#[tokio::test]
async fn endless_bodies_do_not_end() {
    let claimed = raw(Fault::EndlessBody, 2_000_000).await;
    assert!(claimed.contains("Content-Length: 10000000000\r\n") && claimed.len() >= 2_000_000);
    let chunked = raw(Fault::EndlessChunks, 2_000_000).await;
    assert!(chunked.contains("Transfer-Encoding: chunked\r\n") && chunked.len() >= 2_000_000);
    assert!(!chunked.contains("Content-Length"));
}

/// The bytes were checked against zlib once; here that they keep their shape: a header, and one pattern for ever.
#[tokio::test]
async fn a_gzip_bomb_says_it_is_gzip_and_goes_on() {
    let (_camera, mut client) = faulty(Faults::none().with(Fault::GzipBomb)).await;
    let answer = client.raw(PAGE, FACTORY, 300_000).await;
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (head, body) = answer.split_at(start);
    assert!(String::from_utf8_lossy(head).contains("Content-Encoding: gzip\r\n"));
    assert_eq!(body[..3], [0x1f, 0x8b, 8]);
    assert!(body[13..].chunks_exact(13).all(|chunk| chunk == &body[13..26]));
}

#[tokio::test]
async fn a_redirect_loop_leads_ever_on() {
    let (_camera, mut client) = faulty(Faults::none().on("/admin/", Fault::RedirectLoop)).await;
    let mut target = PAGE.to_owned();
    for hop in 1..5 {
        let answer = client.fetch(&target, Some(FACTORY)).await;
        target = answer.fields("Location")[0].to_owned();
        assert_eq!((answer.status, target.as_str()), (302, &*format!("{PAGE}?hop={hop}")));
    }
}

#[tokio::test]
async fn wrong_lengths_are_wrong() {
    for (fault, is_wrong) in [
        (Fault::LengthTooLong, (|claimed, sent| claimed == sent + 100) as fn(usize, usize) -> bool),
        (Fault::LengthTooShort, |claimed, sent| claimed == sent / 2),
    ] {
        let camera = start(Spec {
            faults: Faults::none().with(fault).with(Fault::CloseEachTime),
            ..Spec::new(Line::P3, "yard")
        })
        .await;
        let mut client = Client::http(camera.http_address()).await;
        let answer = String::from_utf8(client.raw(PAGE, FACTORY, usize::MAX).await).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let claimed = head.split_once("Content-Length: ").unwrap().1.lines().next().unwrap();
        assert!(is_wrong(claimed.parse().unwrap(), body.len()), "{fault:?} {answer}");
    }
}

#[tokio::test]
async fn errors_garbage_and_other_products() {
    assert!(raw(Fault::ServerError, 12).await.starts_with("HTTP/1.1 500"));
    assert!(!raw(Fault::Garbage, 100).await.starts_with("HTTP"));
    let other = raw(Fault::OtherProduct, 100).await;
    assert!(other.starts_with("HTTP/1.1 401") && !other.contains("MOBOTIX"), "{other}");
}

#[tokio::test]
async fn connections_are_closed_each_time_or_when_idle() {
    let (_camera, mut client) = faulty(Faults::none().with(Fault::CloseEachTime)).await;
    let answer = client.fetch(PAGE, Some(FACTORY)).await;
    assert_eq!(answer.fields("Connection"), ["close"]);
    assert!(client.is_closed().await);
    let idle = Fault::CloseIdle(Duration::from_millis(5));
    let (_camera, mut client) = faulty(Faults::none().with(idle)).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_liar_says_what_an_honest_camera_says_and_does_nothing() {
    for fault in [Fault::Lies, Fault::ForgetsOnStore] {
        let (camera, mut client) = faulty(Faults::none().with(fault)).await;
        let before = camera.flash_config();
        let answer = client
            .configure(FACTORY, "helo\nwrite params\nhttpd/AUTHTYPE=basic\nstore\nquit\n")
            .await;
        assert!(answer.starts_with("#read::") && !answer.contains("error"), "{answer}");
        assert_eq!(camera.flash_config(), before);
        assert_eq!(camera.running_config() == before, fault == Fault::Lies);
    }
}

/// What comes back to a client's hello, up to so many bytes.
async fn after_hello(fault: Fault, most: usize) -> Vec<u8> {
    let camera =
        start(Spec { faults: Faults::none().with(fault), ..Spec::new(Line::P3, "yard") }).await;
    let mut stream = TcpStream::connect(camera.https_address().unwrap()).await.unwrap();
    stream.write_all(&[22, 3, 1, 0, 4, 1, 0, 0, 0]).await.unwrap();
    let mut answer = vec![0; most];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn tls_handshakes_go_wrong_in_three_ways() {
    let half = after_hello(Fault::HalfHandshake, 50).await;
    assert_eq!((half[..3].to_vec(), half[4]), (vec![22, 3, 3], 90));
    let old = after_hello(Fault::Tls10Hello, 47).await;
    assert_eq!((old[1], old[2], old[9], old[10]), (3, 1, 3, 1));
    assert_eq!(after_hello(Fault::ProtocolVersionAlert, 7).await, [21, 3, 1, 0, 2, 2, 70]);
}

#[tokio::test]
async fn a_real_client_takes_old_tls_for_old_tls() {
    for fault in [Fault::Tls10Hello, Fault::ProtocolVersionAlert] {
        let faults = Faults::none().with(fault);
        let camera = start(Spec { faults, ..Spec::new(Line::P3, "yard") }).await;
        let Err(refused) = Client::try_https(camera.https_address()).await else {
            panic!("{fault:?} made a connection");
        };
        let text = format!("{refused:?}").to_lowercase();
        assert!(text.contains("version") || text.contains("tls12"), "{fault:?}: {text}");
    }
}
