//! The driver against small real servers that answer as a camera does, well or badly.

mod questions;

use proto::Secret;

use super::findings::Findings;
use super::member::{Spent, Visitor};
use super::*;
use crate::device::http::Session;
use crate::device::testing::{self, Act, Request, Server, answer, serve, serve_tls};
use crate::device::{BasicInClear, Login, Trials};
use crate::facts::{Account, BasicLogin, Robots, WebLogSummary};

const DIGEST: &str =
    "WWW-Authenticate: Digest realm=\"MOBOTIX Camera User\", nonce=\"n1\", qop=\"auth\"\r\n";
const BASIC: &str = "WWW-Authenticate: Basic realm=\"MOBOTIX Camera User\"\r\n";
const CONFIG: &str = "#read::\n2\n3\n4\nSECTION a\nENDSECTION a\n1\n2\n3\n";

/// A camera that knows kim, by Digest only, and shows strangers one picture.
fn camera(request: &Request) -> Act {
    let known =
        request.authorization().is_some_and(|said| said.starts_with("Digest username=\"kim\""));
    let text = match request.what().as_str() {
        "GET /cgi-bin/image.jpg" => answer("200 OK", "", "jpeg"),
        "GET /robots.txt" => answer("200 OK", "", "User-agent: *\nDisallow: /\n"),
        "POST /admin/remoteconfig" if known => answer("200 OK", "", CONFIG),
        "GET /admin/webserverlog" if known => answer("200 OK", "", &log(0)),
        _ => answer("401 Unauthorized", DIGEST, ""),
    };
    Act::Keep(text)
}

/// A web server log with that many failures of ours.
fn log(failures: usize) -> String {
    let row = |status: &str| format!("<tr><td>x<td>127.0.0.1<td>{status}<td>kim<td>today 11:00:00");
    let failed = row("Unauthorized").repeat(failures);
    format!(
        "<table><tr><th>IP</th><th>x</th></tr></table><table><tr><th>Host Name<th>IP<th>Status<th>User<th>Date & Time{}{failed}</table>",
        row("Successful")
    )
}

fn login(user: &str, password: &str) -> Login {
    let password = Secret::new(password);
    Login { user: user.to_owned(), password, basic_in_clear: BasicInClear::Never }
}

fn target(server: &Server, tls: bool) -> Target {
    Target { login: Some(login("kim", "s3cret")), ..testing::target(server, tls) }
}

async fn observe(target: Target) -> Result<(Identity, CameraFacts), Fault> {
    let mut camera = Camera::new(target, Arc::new(Dialects::builtin()));
    let (identity, facts) = camera.observe().await?;
    let Facts::Camera(facts) = facts else { panic!("not a camera") };
    Ok((identity, *facts))
}

fn logins(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.authorization().is_some()).count()
}

/// The answer to every first request, judged by a visit with a login.
async fn first_answer(status: &'static str, headers: &'static str, body: &'static str) -> Fault {
    let server = serve(move |_| Act::Keep(answer(status, headers, body))).await;
    let fault = observe(target(&server, false)).await.unwrap_err();
    assert_eq!((logins(&server), server.most()), (0, 1), "{fault}");
    fault
}

#[tokio::test]
async fn without_a_login_only_what_a_stranger_sees_is_told() {
    let server = serve(camera).await;
    let (identity, facts) = observe(testing::target(&server, false)).await.unwrap();
    assert_eq!(identity, Identity::default());
    let served: Vec<_> =
        facts.public_pages.seen().unwrap().iter().map(|page| page.served).collect();
    assert_eq!(served, [false, false, true, false]);
    assert_eq!(facts.robots, Fact::Seen(Robots::DisallowsAll));
    assert_eq!(facts.auth_offered, Fact::Seen(["digest".to_owned()].into()));
    assert_eq!(facts.web_ports.seen().unwrap().len(), 3);
    assert_eq!(facts.addresses, Fact::Seen(vec![server.at.ip()]));
    assert_eq!(facts.accounts, Fact::unreadable("no login was given"));
    assert_eq!((server.connections(), logins(&server), server.requests().len()), (1, 0, 6));
    let evidence = facts.evidence.for_facts(&["robots"]);
    assert_eq!(evidence[0].source, "GET /robots.txt");
    assert_eq!(evidence[0].text, "HTTP 200, disallows everything");
}

#[tokio::test]
async fn over_tls_the_certificate_is_a_fact_and_the_identity() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), camera).await;
    let (identity, facts) = observe(testing::target(&server, true)).await.unwrap();
    assert_eq!(identity.pin, Some(testing::pin(&made)));
    let Fact::Seen(TlsSighting::Secure { version, certificate }) = facts.tls else { panic!() };
    assert_eq!(
        (version.as_str(), certificate.names.as_slice()),
        ("TLSv1.3", &["cam".to_owned()][..])
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_no_mobotix_camera_gets_no_password() {
    let router = "WWW-Authenticate: Digest realm=\"Router\", nonce=\"1\", qop=\"auth\"\r\nServer: thttpd/2.19-MX\r\n";
    let fault = first_answer("401 Unauthorized", router, "").await;
    assert!(matches!(fault, Fault::Unsupported(_)), "{fault}");
    assert!(fault.to_string().contains("does not look like a MOBOTIX camera"), "{fault}");
    let page = first_answer("200 OK", "", "<html>hello</html>").await;
    assert!(page.to_string().contains("does not look like a MOBOTIX camera"), "{page}");
}

#[tokio::test]
async fn a_camera_with_an_odd_realm_shows_itself_by_its_start_page() {
    let server = serve(|request| match request.what().as_str() {
        "GET /" => Act::Keep(answer("302 Found", "Location: /control/userimage.html\r\n", "")),
        _ => Act::Keep(answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "")),
    })
    .await;
    assert!(observe(testing::target(&server, false)).await.is_ok());
}

#[tokio::test]
async fn whatever_turns_us_away_is_told_apart() {
    let publisher = "<meta name=\"publisher\" content=\"MOBOTIX AG, Germany\">";
    let fault = first_answer("200 OK", "", publisher).await;
    assert!(matches!(fault, Fault::Nonsense(_)), "{fault}");
    let fault = first_answer("302 Found", "Location: /control/userimage.html\r\n", "").await;
    assert!(matches!(fault, Fault::Unsupported(_)) && fault.to_string().contains("redirects"));
    let fault = first_answer("403 Forbidden", "", publisher).await;
    assert!(matches!(fault, Fault::Refused(_)) && fault.to_string().contains("IP access list"));
    // A camera that starts shows no sign of itself yet.
    let fault = first_answer("503 Busy", "", "").await;
    assert!(matches!(fault, Fault::Rejected(_)), "{fault}");
    let fault = first_answer("404 Not Found", "", publisher).await;
    assert!(matches!(fault, Fault::Unsupported(_)) && fault.to_string().contains("exported"));
}

#[tokio::test]
async fn a_stumble_or_a_way_elsewhere_is_not_called_another_product() {
    let fault = first_answer("500 Internal Server Error", "", "").await;
    assert!(matches!(fault, Fault::Rejected(_)) && fault.to_string().contains("overloaded"));
    let fault = first_answer("301 Moved", "Location: https://192.0.2.7/\r\n", "").await;
    assert!(matches!(fault, Fault::Unsupported(_)), "{fault}");
    assert!(fault.to_string().contains("redirects to https://192.0.2.7/"), "{fault}");
}

#[tokio::test]
async fn basic_in_clear_is_refused_before_anything_is_sent() {
    let fault = first_answer("401 Unauthorized", BASIC, "").await;
    assert!(
        matches!(fault, Fault::Refused(_)) && fault.to_string().contains("was not sent"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_refused_password_is_tried_once_and_a_wrong_clock_is_told() {
    for (date, clock) in
        [("", None), ("06 Nov 1994", Some("behind")), ("06 Nov 2094", Some("ahead of"))]
    {
        let date = format!("Date: {date} 08:49:37 GMT\r\n");
        let server =
            serve(move |_| Act::Keep(answer("401 Unauthorized", &format!("{DIGEST}{date}"), "")))
                .await;
        let fault = observe(target(&server, false)).await.unwrap_err();
        assert!(matches!(fault, Fault::Refused(_)), "{fault}");
        let told = clock.map_or("Check the user".to_owned(), |way| format!("minutes {way} ours"));
        assert!(fault.to_string().contains(&told), "{fault}");
        assert_eq!(fault.to_string().contains("clock"), clock.is_some(), "{fault}");
        assert!(!fault.to_string().contains("s3cret"));
        assert_eq!(logins(&server), 1);
    }
}

#[tokio::test]
async fn a_page_that_hangs_leaves_public_access_open() {
    let server = serve(|request| match request.what().as_str() {
        "GET /cgi-bin/guestimage.html" => Act::Hang(String::new()),
        _ => camera(request),
    })
    .await;
    let (_, facts) = observe(testing::target(&server, false)).await.unwrap();
    assert!(matches!(facts.public_pages, Fact::Unreadable(_)));
    assert_eq!(facts.robots, Fact::Seen(Robots::DisallowsAll));
    assert_eq!(server.most(), 1);
}

#[tokio::test]
async fn a_visit_ends_in_time() {
    let server = serve(|_| Act::Hang(String::new())).await;
    let mut target = testing::target(&server, false);
    target.limits.visit = std::time::Duration::from_millis(50);
    let fault = observe(target).await.unwrap_err();
    assert!(
        matches!(fault, Fault::Unreachable(_)) && fault.to_string().contains("0.05 s"),
        "{fault}"
    );
}

/// A visit up to its log-in, from where the questions behind the door can be asked.
struct Visit {
    target: Target,
    browser: Browser,
    outside: Outside,
    challenges: crate::device::http::Challenges,
}

impl Visit {
    async fn to(server: &Server, tls: bool) -> Self {
        Self::with(target(server, tls), server).await
    }

    async fn with(target: Target, server: &Server) -> Self {
        let mut browser =
            Browser::new(target.address.clone(), server.at, target.pin, target.limits);
        let reply = browser.ask(Ask::post(REMOTE, VIEW)).await.unwrap();
        let outside = stranger::look(&mut browser, &target, reply).await.unwrap();
        let Door::Challenged(challenges) = &outside.door else { panic!("no challenge") };
        let challenges = challenges.clone();
        Self { target, browser, outside, challenges }
    }

    /// Logs in, and then does what is asked.
    async fn log_in(&mut self) -> (Visitor<'_>, &mut Browser, Session, Findings) {
        let visitor = Visitor {
            login: self.target.login.as_ref().unwrap(),
            target: &self.target,
            challenges: &self.challenges,
            outside: &self.outside,
            own: Some("127.0.0.1".parse().unwrap()),
        };
        let (session, body, findings) = visitor.log_in(&mut self.browser).await.unwrap();
        assert_eq!(body, CONFIG.as_bytes());
        (visitor, &mut self.browser, session, findings)
    }
}

fn seen_log(failures: usize) -> Fact<WebLogSummary> {
    let today = "2026-11-24".parse().unwrap();
    Fact::Seen(super::super::weblog::summarise(log(failures).as_bytes(), today).unwrap())
}

fn unread_log() -> Fact<WebLogSummary> {
    Fact::unreadable("no such page")
}

fn odd_log() -> Fact<WebLogSummary> {
    seen_log(0).map(|log| WebLogSummary { odd_rows: 1, ..log })
}

fn foreign_log() -> Fact<WebLogSummary> {
    seen_log(0).map(|log| WebLogSummary { sources: Default::default(), ..log })
}

fn account(factory_password: Fact<bool>) -> CameraFacts {
    let mut facts = CameraFacts::unread("test");
    let account = |name: &str, factory_password| Account {
        name: name.to_owned(),
        group: "admins".to_owned(),
        factory_password,
    };
    let all =
        vec![account("kim", Fact::unreadable("odd hash")), account("admin", factory_password)];
    facts.accounts = Fact::Seen(all);
    facts
}

#[tokio::test]
async fn one_challenge_serves_the_whole_visit() {
    let server = serve(camera).await;
    let mut visit = Visit::to(&server, false).await;
    let (_, browser, mut session, findings) = visit.log_in().await;
    browser.ask_as(&mut session, Ask::get(WEB_LOG)).await.unwrap();
    assert_eq!(server.whats().last().unwrap(), "GET /admin/webserverlog");
    let requests = server.requests();
    assert!(requests.last().unwrap().authorization().unwrap().contains("nc=00000002"));
    assert_eq!((requests.len(), server.connections()), (8, 1));
    assert_eq!(requests[6].body, VIEW);
    assert_eq!(
        findings.login_password.seen().unwrap().len(),
        3,
        "short, no upper case, no special"
    );
}

#[tokio::test]
async fn a_stale_nonce_is_renewed_and_is_no_refusal() {
    let server = serve(|request| match request.authorization() {
        Some(said) if said.contains("nonce=\"n1\"") => Act::Keep(answer(
            "401 Unauthorized",
            "WWW-Authenticate: Digest realm=\"MOBOTIX\", nonce=\"n2\", stale=true, qop=\"auth\"\r\n",
            "",
        )),
        _ => camera(request),
    })
    .await;
    let mut visit = Visit::to(&server, false).await;
    visit.log_in().await;
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_nonce_that_is_always_stale_ends_and_is_not_blamed_on_the_password() {
    let stale =
        "WWW-Authenticate: Digest realm=\"MOBOTIX\", nonce=\"n\", stale=true, qop=\"auth\"\r\n";
    let server = serve(move |_| Act::Keep(answer("401 Unauthorized", stale, ""))).await;
    let fault = observe(target(&server, false)).await.unwrap_err();
    assert!(matches!(fault, Fault::Nonsense(_)), "{fault}");
    assert!(fault.to_string().contains("tells nothing about the password"), "{fault}");
    assert_eq!(logins(&server), 2);
}
