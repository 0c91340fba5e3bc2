//! Certificates: into force at a reboot, known before and after, and by hand where no program is known to do it.

use agent::device::mobotix::credential::{Certificate, known_by, leaf};
use agent::device::{BasicInClear, Fault as Why, Login as Entrance};
use agent::rotate::Ended;
use agent::rotate::hands::{Device as _, IsUsed, Login, Maker, Trouble};
use agent::rotation::{Escrow, Proof, Rotation, Rules, Second};
use agent::store::subject::Kind;
use async_trait::async_trait;
use certs::Pin;
use proto::{Secret, Timestamp};
use tests::devices::mobotix::{self, Camera, Fault, Faults, Line, configs};

use super::stage::{Stage, camera, dialects, only, target};

/// Makes certificates for the camera.
struct Makes<'a>(&'a Camera);

fn made(camera: &Camera) -> Secret {
    let at = camera.https_address().unwrap().ip();
    let (from, until) = (Timestamp::from_unix(1_700_000_000), Timestamp::from_unix(2_000_000_000));
    let made = certs::authority::self_signed(&["yard"], &[at], from, until).unwrap();
    Secret::new(format!("{}{}", made.certificate_pem, made.private_key_pem.expose()))
}

#[async_trait]
impl Maker for Makes<'_> {
    async fn make(&mut self, _: Second, _: &IsUsed) -> Result<(Secret, Option<Secret>), Why> {
        Ok((made(self.0), None))
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix(now.unix() + 60 * 24 * 3600)
    }
}

/// The certificate that the camera left the factory with is in use, and due.
fn stage(camera: &Camera) -> Stage {
    let rules = Rules { escrow: Escrow::Acknowledged, second: Second::None, proof: Proof::Word };
    Stage::adopting(Kind::Certificate, &known_by(camera.pin()), rules)
}

fn driver_as(stage: &Stage, camera: &Camera, password: &str) -> Certificate {
    let (user, password) = ("admin".to_owned(), Secret::new(password));
    let login = Entrance { user, password, basic_in_clear: BasicInClear::Never };
    let known = stage.known().iter().filter_map(leaf).collect::<Vec<_>>();
    Certificate::new(target(camera), login, dialects(), known, stage.reboots())
}

fn driver(stage: &Stage, camera: &Camera) -> Certificate {
    driver_as(stage, camera, configs::FACTORY_PASSWORD)
}

async fn change(stage: &Stage, camera: &Camera) -> agent::rotate::Turned {
    stage.turn(&mut driver(stage, camera), &mut Makes(camera)).await
}

/// What it presents is in the journal.
fn known(stage: &Stage, camera: &Camera) {
    let pins: Vec<Pin> = stage.known().iter().filter_map(leaf).collect();
    assert!(pins.contains(&camera.pin()), "{:?}", stage.entry());
    stage.is_far_from_blocked(camera);
}

#[tokio::test]
async fn a_certificate_is_replaced_and_what_it_is_known_by_follows() {
    let camera = camera(Line::Mobotix7, |_| ()).await;
    let (stage, factory) = (stage(&camera), camera.pin());
    let turned = change(&stage, &camera).await;
    assert!(
        matches!(turned.ended, Ended::Settled(_)) && turned.entry.changed.is_some(),
        "{turned:?}"
    );
    let first = leaf(&stage.trusted().unwrap()).unwrap();
    assert_eq!(camera.pin(), first);
    assert_ne!(first, factory);
    assert_eq!((camera.counts().failed_logins, stage.logs()), (0, 1));
    // From one of ours to the next, and proven by one more reboot.
    let mut stage = stage;
    stage.rules.proof = Proof::Reboot;
    stage.hurry();
    let turned = change(&stage, &camera).await;
    assert!(turned.steps.contains(&("reboot", "done")), "{turned:?}");
    let second = leaf(&stage.trusted().unwrap()).unwrap();
    assert_eq!(camera.pin(), second);
    assert_ne!(second, first);
    // A password is rotated over the connection that the new certificate vouches for.
    let passwords = Stage::password();
    let turned = passwords.change(&camera).await;
    assert!(
        matches!(turned.ended, Ended::Settled(_)) && turned.entry.changed.is_some(),
        "{turned:?}"
    );
    assert_eq!(camera.pin(), second);
}

#[tokio::test]
async fn after_every_fault_what_it_presents_is_known_and_the_change_comes_to_its_end() {
    for fault in [Fault::LosesReplies, Fault::ComesLate, Fault::Lies, Fault::RebootsTooSoon] {
        let camera = camera(Line::Mobotix7, |_| ()).await;
        let stage = stage(&camera);
        let mut done = false;
        for turn in 0..12 {
            camera.late_arrives();
            camera.set_faults(if turn % 2 == 0 { only(fault) } else { Faults::none() });
            let turned = change(&stage, &camera).await;
            camera.listening().await;
            known(&stage, &camera);
            stage.clock.turn(4000);
            done = turned.entry.changed.is_some() && matches!(turned.ended, Ended::Settled(_));
            if done {
                break;
            }
        }
        assert!(done, "{fault:?}: {:?}", stage.entry());
        assert_eq!(camera.counts().failed_logins, 0);
    }
}

#[tokio::test]
async fn a_camera_that_takes_the_key_and_not_the_certificate_gets_its_old_key_back() {
    for fault in [Fault::IgnoresCertificates, Fault::FailsOnCertificates] {
        let camera = camera(Line::Mobotix7, |_| ()).await;
        let stage = stage(&camera);
        change(&stage, &camera).await;
        let ours = camera.pin();
        camera.set_faults(only(fault));
        stage.hurry();
        let turned = change(&stage, &camera).await;
        assert!(turned.steps.contains(&("install", "unknown")), "{turned:?}");
        camera.power_cut().await;
        camera.listening().await;
        assert_eq!(camera.pin(), ours, "{fault:?}: key and certificate still belong together");
        known(&stage, &camera);
        camera.set_faults(Faults::none());
        let turned = change(&stage, &camera).await;
        assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
        assert_ne!(camera.pin(), ours);
        known(&stage, &camera);
    }
}

#[tokio::test]
async fn after_a_reboot_between_key_and_certificate_one_from_before_is_remembered() {
    let camera = camera(Line::Mobotix7, |_| ()).await;
    let (stage, factory) = (stage(&camera), camera.pin());
    change(&stage, &camera).await;
    stage.hurry();
    camera.set_faults(only(Fault::RebootsTooSoon));
    change(&stage, &camera).await;
    camera.listening().await;
    camera.set_faults(Faults::none());
    // INVENTED by the pretend camera: with a key that does not fit, the factory certificate is in use again.
    assert_eq!(camera.pin(), factory);
    let requests = camera.counts().requests;
    for _ in 0..3 {
        change(&stage, &camera).await;
    }
    assert!(matches!(stage.entry().rotation, Rotation::Stranded { .. }), "{:?}", stage.entry());
    assert_eq!(camera.counts().requests, requests, "nothing more is sent than handshakes");
    // It is asked slowly for each that it had before, and that one is found.
    for _ in 0..6 {
        stage.clock.turn(8000);
        change(&stage, &camera).await;
    }
    assert!(matches!(stage.entry().rotation, Rotation::Settled { .. }), "{:?}", stage.entry());
    assert!(
        camera.pin() != factory && stage.known().iter().any(|one| leaf(one) == Some(camera.pin()))
    );
}

#[tokio::test]
async fn lines_that_no_program_is_known_to_upload_to_are_left_to_a_person() {
    for line in [Line::P3, Line::Mx6] {
        let camera = camera(line, |_| ()).await;
        let (stage, before) = (stage(&camera), camera.running_config());
        let turned = change(&stage, &camera).await;
        assert!(turned.steps.contains(&("install", "rejected")), "{turned:?}");
        assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
        assert_eq!((camera.running_config(), camera.counts().writes), (before, 0));
        known(&stage, &camera);
        let old = known_by(camera.pin());
        let told = driver(&stage, &camera).install(&Login::Main(&old), &made(&camera)).await;
        let Err(Trouble::Fault(Why::Unsupported(why))) = told else { panic!("{told:?}") };
        assert!(why.contains("a person uploads") && why.contains("nothing was touched"), "{why}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_of_ours_gets_nothing_of_us() {
    let camera = camera(Line::Mobotix7, |_| ()).await;
    let stage = stage(&camera);
    change(&stage, &camera).await;
    let at = camera.https_address().unwrap().ip();
    let foreign = self::camera(Line::Mobotix7, |spec| {
        let (from, until) =
            (Timestamp::from_unix(1_700_000_000), Timestamp::from_unix(2_000_000_000));
        let made = certs::authority::self_signed(&["yard"], &[at], from, until).unwrap();
        spec.certificate = Some(mobotix::Certificate {
            certificate_pem: made.certificate_pem,
            private_key_pem: made.private_key_pem,
        });
    })
    .await;
    stage.hurry();
    for _ in 0..3 {
        let turned = change(&stage, &foreign).await;
        assert!(!matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
    }
    assert!(matches!(stage.entry().rotation, Rotation::Stranded { .. }), "{:?}", stage.entry());
    assert_eq!(foreign.counts().requests, 0, "handshakes and nothing more");
}

#[tokio::test]
async fn a_password_that_is_refused_says_nothing_about_the_certificate() {
    let camera = camera(Line::Mobotix7, |_| ()).await;
    let stage = stage(&camera);
    let pin = camera.pin();
    for _ in 0..6 {
        let mut driver = driver_as(&stage, &camera, "Not-This-One-9");
        let turned = stage.turn(&mut driver, &mut Makes(&camera)).await;
        assert!(turned.steps.iter().all(|step| *step != ("install", "refused")), "{turned:?}");
        known(&stage, &camera);
    }
    assert_eq!(camera.pin(), pin);
}
