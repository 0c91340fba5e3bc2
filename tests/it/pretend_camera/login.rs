//! Who gets in, and how.

use std::time::Duration;

use proto::Secret;
use tests::devices::mobotix::{Algorithm, DigestSettings, Line, Order, Placement, Spec, configs};

use super::client::{Client, digest, parameter};
use super::{FACTORY, factory, hardened, start};

#[tokio::test]
async fn strangers_see_what_is_public_and_nothing_else() {
    let camera = factory().await;
    let mut client = Client::http(camera.http_address()).await;
    for (path, status) in [
        ("/cgi-bin/guestimage.html", 200),
        ("/cgi-bin/image.jpg", 200),
        ("/control/userimage.html", 200),
        ("/control/event.jpg", 200),
        ("/control/rcontrol?action=gettext&message=x", 401),
        ("/admin/index.html", 401),
        ("/admin/remoteconfig", 401),
        ("/no/such/page", 401),
    ] {
        assert_eq!(client.fetch(path, None).await.status, status, "{path}");
    }
    let camera = hardened(Line::Mx6).await;
    let mut client = Client::http(camera.http_address()).await;
    for path in [
        "/cgi-bin/image.jpg",
        "/control/userimage.html",
        "/control/event.jpg",
        "/record/current.jpg",
    ] {
        assert_eq!(client.fetch(path, None).await.status, 401, "{path}");
    }
    assert_eq!(client.fetch("/robots.txt", None).await.text(), "User-agent: *\nDisallow: /\n");
}

#[tokio::test]
async fn rights_gate_users_by_their_group() {
    let camera = hardened(Line::P3).await;
    let mut client = Client::http(camera.http_address()).await;
    let (user, guest) =
        (("anna.guard", "Wv3:harbor=Thimble-61"), ("recorder", "Lm9;copper_Meadow-40"));
    for (login, path, status) in [
        (guest, "/cgi-bin/image.jpg", 200),
        (guest, "/control/userimage.html", 403),
        (user, "/control/userimage.html", 200),
        (user, "/admin/index.html", 403),
        (configs::AUDITOR, "/admin/index.html", 200),
        (configs::AUDITOR, "/no/such/page", 404),
    ] {
        assert_eq!(client.fetch(path, Some(login)).await.status, status, "{} {path}", login.0);
    }
    assert_eq!(camera.counts().failed_logins, 0);
}

#[tokio::test]
async fn the_start_page_shows_a_mobotix_camera() {
    let camera = factory().await;
    let mut client = Client::http(camera.http_address()).await;
    let start = client.fetch("/", None).await;
    assert_eq!((start.status, start.fields("Location")), (302, vec!["/control/userimage.html"]));
    let page = client.fetch("/control/userimage.html", None).await.text();
    assert!(page.contains(r#"<meta name="publisher" content="MOBOTIX AG, Germany">"#), "{page}");
    let picture = client.fetch("/cgi-bin/image.jpg", None).await.body;
    assert!(picture.starts_with(&[0xff, 0xd8, 0xff, 0xfe]));
    assert!(String::from_utf8_lossy(&picture).contains("PRD=MOBOTIX"));
    let version = "/control/rcontrol?action=gettext&message=%24(id.swv)";
    assert_eq!(client.fetch(version, Some(FACTORY)).await.text(), "MX-V4.7.3.11-r4\n");
    assert_eq!(
        client.fetch("/control/rcontrol?action=nonsense", Some(FACTORY)).await.text(),
        "OK\n"
    );
}

#[tokio::test]
async fn digest_logs_in_with_every_algorithm_and_keeps_its_nonce() {
    for algorithm in [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256] {
        let known_passwords = vec![(FACTORY.0.to_owned(), Secret::new(FACTORY.1))];
        let digest_settings = DigestSettings {
            algorithms: vec![algorithm],
            known_passwords,
            ..DigestSettings::default()
        };
        let camera = start(Spec { digest: digest_settings, ..Spec::new(Line::P3, "yard") }).await;
        let mut client = Client::http(camera.http_address()).await;
        let refused = client.fetch("/admin/index.html", None).await;
        let challenge = refused.fields("WWW-Authenticate")[0].to_owned();
        for (password, count, status) in [("meinsm", 1, 200), ("meinsm", 2, 200), ("wrong", 3, 401)]
        {
            let answer = digest(&challenge, "/admin/index.html", ("admin", password), count);
            let fields = [("Authorization", &*answer)];
            let page = client.ask("GET", "/admin/index.html", &fields, b"").await.unwrap();
            assert_eq!(page.status, status, "{algorithm:?} {count}");
        }
        assert_eq!(camera.counts().failed_logins, 1);
    }
}

#[tokio::test]
async fn an_old_nonce_and_a_replayed_count_are_stale_and_no_failed_log_ins() {
    let short = DigestSettings { nonce_lifetime: Duration::ZERO, ..DigestSettings::default() };
    let long = DigestSettings::default();
    for (digest_settings, count) in [(short, 1), (long, 0)] {
        let camera = start(Spec { digest: digest_settings, ..Spec::new(Line::P3, "yard") }).await;
        let mut client = Client::http(camera.http_address()).await;
        let refused = client.fetch("/admin/index.html", None).await;
        let old =
            digest(refused.fields("WWW-Authenticate")[0], "/admin/index.html", FACTORY, count);
        let late =
            client.ask("GET", "/admin/index.html", &[("Authorization", &*old)], b"").await.unwrap();
        assert_eq!(late.status, 401);
        let challenge = late.fields("WWW-Authenticate")[0];
        assert!(challenge.contains("stale=true"), "{challenge}");
        assert_ne!(parameter(challenge, "nonce"), parameter(&old, "nonce"));
        assert_eq!(camera.counts().failed_logins, 0);
    }
}

#[tokio::test]
async fn authtype_decides_what_is_offered_and_taken() {
    for (authtype, schemes, basic_status) in [
        ("basic", vec!["Basic"], 200),
        ("digest", vec!["Digest"], 401),
        ("auto", vec!["Digest", "Basic"], 200),
    ] {
        let camera = factory().await;
        let mut client = Client::http(camera.http_address()).await;
        let body = format!("helo\nwrite params\nhttpd/AUTHTYPE={authtype}\nupdate\nquit\n");
        client.configure(FACTORY, &body).await;
        let refused = client.fetch("/admin/index.html", None).await;
        let offered: Vec<_> = refused
            .fields("WWW-Authenticate")
            .iter()
            .map(|challenge| challenge.split(' ').next().unwrap())
            .collect();
        assert_eq!(offered, schemes);
        assert_eq!(client.fetch("/admin/index.html", Some(FACTORY)).await.status, basic_status);
    }
}

#[tokio::test]
async fn challenges_may_share_one_field_and_come_in_either_order() {
    let joined = DigestSettings {
        placement: Placement::Joined,
        order: Order::BasicFirst,
        ..DigestSettings::default()
    };
    let camera = start(Spec { digest: joined, ..Spec::new(Line::P3, "yard") }).await;
    let mut client = Client::http(camera.http_address()).await;
    let refused = client.fetch("/admin/index.html", None).await;
    let fields = refused.fields("WWW-Authenticate");
    assert_eq!(fields.len(), 1);
    assert!(fields[0].starts_with("Basic ") && fields[0].contains(", Digest realm="), "{fields:?}");
}

#[tokio::test]
async fn the_fifth_wrong_password_is_the_last_until_a_reboot() {
    let config = configs::hardened(Line::P3, "10.12.1.7".parse().unwrap());
    let config = String::from_utf8(config).unwrap().replace("THRESHOLD=7", "THRESHOLD=5");
    let camera =
        start(Spec { config: Some(config.into_bytes()), ..Spec::new(Line::P3, "yard") }).await;
    for _ in 0..5 {
        let mut client = Client::http(camera.http_address()).await;
        assert_eq!(client.fetch("/admin/index.html", Some(FACTORY)).await.status, 401);
    }
    let mut blocked = Client::http(camera.http_address()).await;
    assert!(blocked.ask("GET", "/robots.txt", &[], b"").await.is_none());
    assert_eq!(camera.counts().failed_logins, 5);
    camera.reboot().await;
    camera.listening().await;
    let mut client = Client::http(camera.http_address()).await;
    assert_eq!(client.fetch("/robots.txt", None).await.status, 200);
}
