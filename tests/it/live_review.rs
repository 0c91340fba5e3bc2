//! A live look at cameras that log, count and lock out: what a visit costs them, and what it may not conclude from
//! traces of its own.

use std::sync::Arc;

use agent::device::mobotix::Dialects;
use agent::device::{self, Address, BasicInClear, Limits, Login, Target};
use agent::facts::{BasicLogin, CameraFacts, Fact, Facts};
use proto::{Policy, Secret};
use tests::devices::mobotix::{Camera, Line, LogRow, Outcome, Spec, configs};

/// A hardened camera that enters each of its challenges in its log.
async fn logging_camera(log: Vec<LogRow>) -> Camera {
    let serial = "10.12.159.37".parse().unwrap();
    let config = Some(configs::hardened(Line::P3, serial));
    let spec = Spec::new(Line::P3, "yard");
    Camera::start(Spec { config, log, logs_challenges: true, ..spec }).await.unwrap()
}

async fn look(camera: &Camera, password: &str) -> Result<CameraFacts, device::Fault> {
    let at = camera.https_address().unwrap();
    let login = Login {
        user: configs::AUDITOR.0.to_owned(),
        password: Secret::new(password),
        basic_in_clear: BasicInClear::Never,
    };
    let target = Target {
        name: "yard".parse().unwrap(),
        address: Address { tls: true, host: at.ip().to_string(), port: at.port() },
        login: Some(login),
        seen_before: None,
        trials: agent::device::Trials::Allowed,
        pin: Some(camera.pin()),
        web_ports: Policy::default().web_ports,
        password_rules: Policy::default().passwords,
        limits: Limits::default(),
    };
    let (_, facts) = device::open(target, Arc::new(Dialects::builtin())).observe().await?;
    let Facts::Camera(facts) = facts else { panic!("not a camera") };
    Ok(*facts)
}

fn our_failure(seconds_ago: i64) -> LogRow {
    let address = "127.0.0.1".parse().unwrap();
    let user = Some(configs::AUDITOR.0.to_owned());
    LogRow { seconds_ago, address, host: None, user, outcome: Outcome::Failed }
}

#[tokio::test]
async fn a_dozen_audits_in_a_row_cost_one_failed_log_in() {
    let camera = logging_camera(Vec::new()).await;
    let first = look(&camera, configs::AUDITOR.1).await.unwrap();
    assert_eq!(first.basic_login, Fact::Seen(BasicLogin::Refused));
    for _ in 0..11 {
        let again = look(&camera, configs::AUDITOR.1).await.unwrap();
        let Fact::Unreadable(why) = again.basic_login else { panic!("asked again") };
        assert!(why.contains("a failed log-in of our address"), "{why}");
    }
    let counts = camera.counts();
    assert_eq!((counts.failed_logins, counts.most_open), (1, 1));
}

#[tokio::test]
async fn last_nights_audit_does_not_keep_tonights_from_asking() {
    let nights = vec![our_failure(24 * 3600), our_failure(48 * 3600), our_failure(72 * 3600)];
    let camera = logging_camera(nights).await;
    let facts = look(&camera, configs::AUDITOR.1).await.unwrap();
    assert_eq!(facts.basic_login, Fact::Seen(BasicLogin::Refused));
    assert_eq!(camera.counts().failed_logins, 1);
}

#[tokio::test]
async fn our_looks_without_a_login_are_told_from_failed_log_ins() {
    let camera = logging_camera(Vec::new()).await;
    let facts = look(&camera, configs::AUDITOR.1).await.unwrap();
    let log = facts.web_log.seen().unwrap();
    let ours = &log.sources[&log.own.unwrap()];
    assert!(ours.failed > 0, "the camera entered its challenges");
    assert_eq!((ours.failed_logins(), ours.last_failed), (0, None));
}

#[tokio::test]
async fn a_wrong_password_costs_one_failed_log_in_and_is_not_told() {
    let camera = logging_camera(Vec::new()).await;
    let fault = look(&camera, "Not-the-password-1").await.unwrap_err().to_string();
    assert!(fault.contains("the camera refused it") && !fault.contains("Not-the"), "{fault}");
    assert_eq!(camera.counts().failed_logins, 1);
}
