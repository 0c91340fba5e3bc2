//! Cameras that hang, drip, lie about lengths or are none: each is told of by name, and none keeps the others from
//! being judged.

use tests::agent_binary::AgentBinary;
use tests::bad_cameras::{Outing, bad_cameras, outing};
use tests::devices::mobotix::{Fault, Faults, Line, Spec, configs};

use super::desk::{Desk, https, start};

/// Seconds that a visit may take here, so that the story is short.
const LIMIT: u16 = 5;

#[track_caller]
fn is_sound(outing: &Outing) {
    let err = &outing.ended.err;
    assert!(!outing.crashed(), "{:?} {err}", outing.ended.code);
    assert_eq!(outing.unclear(), [""; 0], "{err}");
    assert_eq!(outing.misjudged(), [""; 0], "{err}");
    assert!(!outing.leaks());
    assert_eq!(outing.most_open, 1);
}

#[tokio::test]
async fn every_fault_over_http_is_told_and_the_good_cameras_are_judged() {
    is_sound(&outing(&AgentBinary::find().unwrap(), &bad_cameras(false), LIMIT).await.unwrap());
}

#[tokio::test]
async fn every_fault_over_https_is_told_and_the_good_cameras_are_judged() {
    is_sound(&outing(&AgentBinary::find().unwrap(), &bad_cameras(true), LIMIT).await.unwrap());
}

#[tokio::test]
async fn a_page_that_makes_no_sense_leaves_its_own_measure_unknown_and_the_others_judged() {
    let desk = Desk::new();
    desk.secret("pw", configs::AUDITOR.1);
    for (path, measure) in [("/admin/webserverlog", "C21"), ("/robots.txt", "C09")] {
        for fault in [
            Fault::HtmlPage,
            Fault::EndlessBody,
            Fault::EndlessChunks,
            Fault::GzipBomb,
            Fault::RedirectLoop,
            Fault::LengthTooLong,
            Fault::ServerError,
            Fault::Garbage,
        ] {
            let config = configs::hardened(Line::P3, "10.12.1.7".parse().unwrap());
            let config = String::from_utf8(config).unwrap().replace("ROBOTS_TXT", "UNKNOWN");
            let faults = Faults::none().on(path, fault);
            let spec =
                Spec { faults, config: Some(config.into_bytes()), ..Spec::new(Line::P3, "yard") };
            let camera = start(spec).await;
            let words = format!("audit {} --user audit --password-file @pw", https(&camera));
            let (ended, yard) = desk.judged(&words).await;
            assert_eq!(ended.code, Some(1), "{path} {fault:?}: {ended:?}");
            // A page of no rules at all does let crawlers in (RFC 9309, section 2.2).
            let lets_in = (path, fault) == ("/robots.txt", Fault::HtmlPage);
            yard.says(measure, if lets_in { "unmet" } else { "unknown" }, &[]);
            yard.says("C03", "met", &["4 accounts"]);
            assert_eq!(camera.counts().most_open, 1, "{path} {fault:?}");
        }
    }
}
