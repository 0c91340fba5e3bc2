//! What it remembers, and for how long.

use std::net::IpAddr;

use proto::Timestamp;
use tests::devices::mobotix::{Camera, Line, LogRow, Outcome, Spec, configs};
use tokio::net::TcpStream;

use super::client::{Client, basic};
use super::{FACTORY, factory, hardened, start};

const FORBID: &str = "helo\nwrite params\nhomepage/ROBOTS_TXT_MODE=allowed\nupdate\n";

async fn robots(camera: &Camera) -> String {
    let mut client = Client::http(camera.http_address()).await;
    client.fetch("/robots.txt", None).await.text()
}

#[tokio::test]
async fn a_power_cut_loses_what_was_not_stored() {
    for (store, after) in [("", "Disallow: /\n"), ("store\n", "Disallow:\n")] {
        let camera = factory().await;
        let mut client = Client::http(camera.http_address()).await;
        client.configure(FACTORY, &format!("{FORBID}{store}quit\n")).await;
        assert!(robots(&camera).await.ends_with("Disallow:\n"));
        camera.power_cut().await;
        camera.listening().await;
        assert!(robots(&camera).await.ends_with(after), "{store:?}");
        assert_eq!(camera.running_config(), camera.flash_config());
    }
}

#[tokio::test]
async fn a_reboot_is_answered_then_refuses_connections_then_comes_back() {
    let camera = factory().await;
    let mut client = Client::http(camera.http_address()).await;
    let fields = [("Authorization", &*basic(FACTORY.0, FACTORY.1))];
    let answer = client.ask("POST", "/admin/rcontrol?action=reboot", &fields, b"").await.unwrap();
    assert!(answer.text().contains("OK - Reboot"));
    assert!(client.is_closed().await);
    camera.booted(1).await;
    assert!(robots(&camera).await.contains("Disallow"));
    camera.reboot().await;
    assert!(TcpStream::connect(camera.http_address().unwrap()).await.is_err());
}

#[tokio::test]
async fn the_whole_configuration_comes_back_to_the_byte() {
    let camera = factory().await;
    let mut client = Client::https(camera.https_address()).await;
    let answer = client.configure(FACTORY, "\nhelo\nview configfile\nquit\n\n").await;
    let lines: Vec<&str> = answer.split_inclusive('\n').collect();
    assert_eq!(lines[4..lines.len() - 3].concat().as_bytes(), camera.flash_config());
    assert_eq!(client.pin, Some(camera.pin()));
}

#[tokio::test]
async fn a_new_password_logs_in_once_it_is_in_force() {
    let camera = factory().await;
    let mut client = Client::http(camera.http_address()).await;
    let shown = client.configure(FACTORY, "helo\nview section access\nquit\n").await;
    let start = shown.find("SECTION access").unwrap();
    let end = shown.find("ENDSECTION access\n").unwrap() + "ENDSECTION access\n".len();
    let old = configs::user_line(Line::P3, FACTORY.0, "admins", FACTORY.1);
    let new = configs::user_line(Line::P3, FACTORY.0, "admins", "Plum-Cedar7+orbit");
    let section = shown[start..end].replace(&old, &new);
    client.configure(FACTORY, &format!("helo\nwrite\n{section}update\nquit\n")).await;
    assert_eq!(client.fetch("/admin/index.html", Some(FACTORY)).await.status, 401);
    let login = (FACTORY.0, "Plum-Cedar7+orbit");
    assert_eq!(client.fetch("/admin/index.html", Some(login)).await.status, 200);
}

#[tokio::test]
async fn the_web_log_tells_who_came_and_forgets_it_at_a_reboot() {
    let row = |address: &str, user: &str, outcome| LogRow {
        seconds_ago: 90_000,
        address: address.parse().unwrap(),
        host: Some("vms.example.com".to_owned()),
        user: Some(user.to_owned()),
        outcome,
    };
    let log = vec![
        row("10.40.0.9", "admin", Outcome::Successful),
        row("203.0.113.66", "root", Outcome::Failed),
    ];
    let camera = start(Spec { log, ..Spec::new(Line::P3, "yard") }).await;
    let mut client = Client::http(camera.http_address()).await;
    client.fetch("/admin/index.html", Some(("mallory", "x"))).await;
    client.fetch("/control/userimage.html", None).await;
    let page = client.fetch("/admin/webserverlog", Some(FACTORY)).await.text();
    let here = "127.0.0.1";
    for cells in [
        format!("<td>{here}</td><td>Failed</td><td>mallory</td><td>"),
        format!("<tr><td>{here}</td><td>{here}</td><td>Successful</td><td>admin</td><td>today "),
        "<tr><td></td><td></td><td></td><td>-</td><td>".to_owned(),
        "<td>10.40.0.9</td><td>Successful</td><td>admin</td>".to_owned(),
        "<td>203.0.113.66</td><td>Failed</td><td>root</td>".to_owned(),
    ] {
        assert!(page.contains(&cells), "{cells} not in {page}");
    }
    camera.reboot().await;
    camera.listening().await;
    let mut client = Client::http(camera.http_address()).await;
    let page = client.fetch("/admin/webserverlog", Some(FACTORY)).await.text();
    assert!(!page.contains("203.0.113.66") && page.contains("<td>admin</td>"), "{page}");
}

#[tokio::test]
async fn challenges_are_rows_of_the_web_log_only_where_asked_for() {
    for logs_challenges in [false, true] {
        let camera = start(Spec { logs_challenges, ..Spec::new(Line::P3, "yard") }).await;
        let mut client = Client::http(camera.http_address()).await;
        client.fetch("/admin/index.html", None).await;
        let page = client.fetch("/admin/webserverlog", Some(FACTORY)).await.text();
        assert_eq!(page.contains("<td>Failed</td><td>-</td>"), logs_challenges, "{page}");
    }
}

#[tokio::test]
async fn an_uploaded_certificate_is_presented_after_a_reboot() {
    let camera = hardened(Line::Mobotix7).await;
    let (login, factory) = (configs::AUDITOR, camera.pin());
    let until = Timestamp::from_unix(2_000_000_000);
    let names = ["yard.example.com"];
    let made = certs::authority::self_signed(&names, &[], Timestamp::from_unix(0), until).unwrap();
    let mut client = Client::https(camera.https_address()).await;
    let slot = "/config/camera/media?file=httpd_cert.pem";
    assert_eq!(client.fetch(slot, Some(login)).await.text(), "");
    let authorization = basic(login.0, login.1);
    for (file, pem) in [
        ("httpd_privkey.pem", made.private_key_pem.expose()),
        ("httpd_cert.pem", &*made.certificate_pem),
    ] {
        let body = format!(
            "--b7\r\nContent-Disposition: form-data; name=\"some_file\"; filename=\"{file}\"\r\n\
             Content-Type: application/x-x509-ca-cert\r\n\r\n{pem}\r\n--b7--\r\n"
        );
        let fields = [
            ("Authorization", &*authorization),
            ("Content-Type", "multipart/form-data; boundary=b7"),
        ];
        client.ask("POST", "/config/camera/media", &fields, body.as_bytes()).await.unwrap();
    }
    assert_eq!(client.fetch(slot, Some(login)).await.text(), made.certificate_pem);
    assert_eq!(camera.pin(), factory);
    camera.reboot().await;
    camera.listening().await;
    let client = Client::https(camera.https_address()).await;
    assert_eq!(client.pin, Some(made.pin));
}

#[tokio::test]
async fn its_clock_may_be_wrong() {
    let day = 86_400;
    let camera = start(Spec { clock_offset_s: -day, ..Spec::new(Line::P3, "yard") }).await;
    let mut client = Client::http(camera.http_address()).await;
    let before = agent::clock::now().unix() - day;
    let answer = client.fetch("/robots.txt", None).await;
    let told = jiff::fmt::rfc2822::parse(answer.fields("Date")[0]).unwrap().timestamp().as_second();
    let after = agent::clock::now().unix() - day;
    assert!((before..=after).contains(&told));
}

#[tokio::test]
async fn it_refuses_to_listen_where_others_can_reach_it() {
    let ip: IpAddr = "0.0.0.0".parse().unwrap();
    let refused = Camera::start(Spec { ip, ..Spec::new(Line::P3, "yard") }).await.unwrap_err();
    assert!(refused.to_string().contains("loopback only"), "{refused}");
}

#[tokio::test]
async fn a_stopped_camera_frees_its_port() {
    let camera = factory().await;
    let address = camera.http_address().unwrap();
    camera.stop().await;
    let spec = Spec::new(Line::P3, "yard");
    start(Spec { ip: address.ip(), http_port: Some(address.port()), ..spec }).await;
}
