//! An audit of a camera on the network: what its file shows, and what only a look at the camera itself can show.

use proto::Secret;
use tests::devices::mobotix::{
    Algorithm, Camera, DigestSettings, Line, LogRow, Order, Outcome, Placement, Spec, configs,
};

use super::desk::{Desk, Judged, current, http, https, start};

/// The wrong password that some stories log in with.
const WRONG: &str = "not-Her-5ecret!";

async fn neglected() -> Camera {
    let config = configs::neglected(Line::P3, "10.12.1.7".parse().unwrap());
    start(Spec { config: Some(config), ..Spec::new(Line::P3, "yard") }).await
}

async fn hardened(line: Line) -> Camera {
    let config = current(&configs::hardened(line, "10.12.1.7".parse().unwrap()));
    start(Spec { config: Some(config), ..Spec::new(line, "hall") }).await
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.secret("factory.pw", configs::FACTORY_PASSWORD);
    desk.secret("audit.pw", configs::AUDITOR.1);
    desk.secret("wrong.pw", WRONG);
    desk
}

/// Asserts how the camera was treated: one connection at a time, and that many failed log-ins.
#[track_caller]
fn treated(camera: &Camera, failed_logins: u64) {
    let counts = camera.counts();
    assert_eq!((counts.most_open, counts.failed_logins), (1, failed_logins), "{counts:?}");
}

#[track_caller]
fn shows_the_sins_of_the_file(yard: &Judged) {
    assert_eq!(yard.findings().len(), 32);
    yard.says("C01", "unmet", &["MX-V4.7.3.11-r6"]);
    yard.says("C03", "unmet", &["factory password still works for \"admin\""]);
    yard.says("C06", "unmet", &["10 rights", "pda_acl"]);
    yard.says("C09", "unmet", &["/robots.txt"]);
    yard.says("C10", "unmet", &["offers Basic"]);
    yard.says("C11", "unmet", &["no key"]);
    yard.says("C13", "unmet", &["LED and live image"]);
}

#[tokio::test]
async fn a_neglected_camera_shows_live_what_its_file_shows_and_more() {
    let desk = desk();
    for is_tls in [true, false] {
        let camera = neglected().await;
        let address = if is_tls { https(&camera) } else { http(&camera) };
        let words = format!("audit {address} --user admin --password-file @factory.pw");
        let (ended, yard) = desk.judged(&words).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        shows_the_sins_of_the_file(&yard);
        yard.says("C06", "unmet", &["served without a login", "/control/event.jpg"]);
        // No finding of these can be made from a file: the ports, the certificate, the log.
        assert_ne!(yard.judgment("C15"), "unknown", "{}", yard.observed("C15"));
        yard.says("C21", "unknown", &["no address failed 5 times", "127.0.0.1"]);
        if is_tls {
            yard.says("C16", "unmet", &[]);
            assert_eq!(yard.0["device"]["pin"], camera.pin().to_string());
            assert!(ended.err.contains(&format!("--pin {}", camera.pin())), "{ended:?}");
        }
        assert_eq!(yard.0["device"]["source"], "live");
        treated(&camera, 0);
    }
}

#[tokio::test]
async fn without_a_login_a_stranger_sees_what_a_stranger_sees() {
    let (desk, camera) = (desk(), neglected().await);
    let (ended, yard) = desk.judged(&format!("audit {}", https(&camera))).await;
    assert_eq!(ended.code, Some(1));
    yard.says("C06", "unmet", &["/control/event.jpg"]);
    yard.says("C10", "unmet", &["offers Basic"]);
    for measure in ["C01", "C03", "C11", "C13", "C21"] {
        yard.says(measure, "unknown", &["no login was given"]);
    }
    treated(&camera, 0);
}

#[tokio::test]
async fn a_hardened_camera_proves_itself_by_what_it_does() {
    let desk = desk();
    for line in [Line::Mobotix7, Line::P3, Line::Mx6] {
        let camera = hardened(line).await;
        let login = "--user audit --password-file @audit.pw";
        let words = format!("audit {} {login} --pin {}", https(&camera), camera.pin());
        let (ended, hall) = desk.judged(&words).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        hall.says("C03", "met", &["4 accounts"]);
        hall.says("C06", "met", &["no right", "none was served"]);
        hall.says("C09", "met", &["/robots.txt disallows everything"]);
        hall.says("C10", "met", &["refused a log-in with Basic"]);
        // The refused log-in with Basic is the one failure that an audit may cost.
        treated(&camera, 1);
    }
}

#[tokio::test]
async fn a_password_of_which_basic_would_tell_is_not_sent_to_whoever_listens_or_answers() {
    let (desk, camera) = (desk(), hardened(Line::P3).await);
    // In clear anybody on the way could read it, and without a pin anybody could answer in the camera's place.
    for address in [http(&camera), https(&camera)] {
        let words = format!("audit {address} --user audit --password-file @audit.pw");
        let (_, hall) = desk.judged(&words).await;
        assert_ne!(hall.judgment("C10"), "met", "{}", hall.observed("C10"));
        treated(&camera, 0);
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let desk = desk();
    for is_tls in [true, false] {
        let camera = neglected().await;
        let address = if is_tls { https(&camera) } else { http(&camera) };
        let words = format!("audit {address} --user admin --password-file @wrong.pw");
        let (ended, yard) = desk.judged(&words).await;
        assert_eq!((ended.code, yard.findings().len()), (Some(2), 0));
        assert_eq!(yard.0["failure"]["class"], "refused");
        for word in ["\"admin\"", "refused", "not tried again", "Check the user and the password"] {
            assert!(ended.err.contains(word), "{ended:?}");
        }
        assert!(!ended.err.contains("clock"), "{ended:?}");
        treated(&camera, 1);
    }
}

#[tokio::test]
async fn a_wrong_clock_is_mentioned_when_a_password_is_refused() {
    let desk = desk();
    for (offset, word) in [(7200, "120 minutes ahead"), (-90_000, "1500 minutes behind")] {
        let spec = Spec::new(Line::P3, "yard");
        let camera = start(Spec { clock_offset_s: offset, ..spec }).await;
        let words = format!("audit {} --user admin --password-file @wrong.pw", https(&camera));
        let ended = desk.agent(&words).await;
        assert_eq!(ended.code, Some(2));
        // A second may pass between two clocks.
        let nearly = word.replace("120", "119").replace("1500", "1499");
        let told = ended.err.contains(word) || ended.err.contains(&nearly);
        assert!(told && ended.err.contains("wrong clock"), "{ended:?}");
        treated(&camera, 1);
    }
}

#[tokio::test]
async fn credentials_go_to_the_pinned_certificate_and_to_no_other() {
    let (desk, camera, other) = (desk(), neglected().await, neglected().await);
    let login = "--user admin --password-file @wrong.pw";
    let words = format!("audit {} --pin {} {login}", https(&camera), other.pin());
    let ended = desk.agent(&words).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("certificate") && ended.err.contains("pin"), "{ended:?}");
    // Not one request came through, so that no password can have been in it.
    assert_eq!((camera.counts().requests, camera.counts().failed_logins), (0, 0));

    let login = "--user admin --password-file @factory.pw";
    let words = format!("audit {} --pin {} {login}", https(&camera), camera.pin());
    let (ended, yard) = desk.judged(&words).await;
    assert_eq!(ended.code, Some(1));
    assert!(!ended.err.contains("taken on trust"), "{ended:?}");
    shows_the_sins_of_the_file(&yard);
    treated(&camera, 0);
}

#[tokio::test]
async fn the_password_may_come_from_the_environment() {
    let desk = desk().with("PALISADE_PASSWORD", configs::FACTORY_PASSWORD);
    let camera = neglected().await;
    let (_, yard) = desk.judged(&format!("audit {} --user admin", https(&camera))).await;
    shows_the_sins_of_the_file(&yard);
    treated(&camera, 0);
}

#[tokio::test]
async fn nothing_that_may_fail_is_tried_near_the_lock_out() {
    let desk = desk();
    // A failure of ours in the camera's last 12 hours, and nothing is risked.
    for (seconds_ago, tried) in [(None, 1), (Some(4000), 0), (Some(50_000), 1)] {
        let row = |seconds_ago| LogRow {
            seconds_ago,
            address: "127.0.0.1".parse().unwrap(),
            host: None,
            user: Some("audit".to_owned()),
            outcome: Outcome::Failed,
        };
        let config = configs::hardened(Line::Mobotix7, "10.12.1.7".parse().unwrap());
        let log = seconds_ago.into_iter().map(row).collect();
        let spec = Spec::new(Line::Mobotix7, "hall");
        let camera = start(Spec { config: Some(config), log, ..spec }).await;
        let login = "--user audit --password-file @audit.pw";
        let words = format!("audit {} {login} --pin {}", https(&camera), camera.pin());
        let (_, hall) = desk.judged(&words).await;
        assert_eq!(hall.judgment("C10") == "met", tried == 1, "{}", hall.observed("C10"));
        treated(&camera, tried);
    }
}

#[tokio::test]
async fn every_algorithm_and_order_of_challenges_lets_us_in() {
    let desk = desk();
    let known = vec![(configs::AUDITOR.0.to_owned(), Secret::new(configs::AUDITOR.1))];
    for (algorithms, placement, order) in [
        (vec![Algorithm::Md5Sess], Placement::Joined, Order::BasicFirst),
        (vec![Algorithm::Sha256, Algorithm::Md5], Placement::Separate, Order::DigestFirst),
        (vec![Algorithm::Md5, Algorithm::Sha256], Placement::Joined, Order::DigestFirst),
    ] {
        let digest = DigestSettings {
            algorithms,
            placement,
            order,
            known_passwords: known.clone(),
            ..DigestSettings::default()
        };
        let config = configs::hardened(Line::P3, "10.12.1.7".parse().unwrap());
        let spec = Spec::new(Line::P3, "hall");
        let camera = start(Spec { digest, config: Some(config), ..spec }).await;
        let words = format!("audit {} --user audit --password-file @audit.pw", http(&camera));
        let (ended, hall) = desk.judged(&words).await;
        assert_eq!(hall.findings().len(), 32, "{ended:?}");
        treated(&camera, 0);
    }
}
