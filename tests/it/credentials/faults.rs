//! Passwords at cameras that lose, forget, lie, block, and reboot at the worst moment.

use agent::device::Fault as Why;
use agent::rotate::Ended;
use agent::rotate::hands::{Device as _, Login, Trouble};
use agent::rotation::Rotation;
use proto::Secret;
use tests::devices::mobotix::{Fault, Faults, Line, configs};

use super::stage::{Nothing, Stage, camera, only};

#[tokio::test]
async fn whatever_befalls_a_write_the_change_comes_to_its_end() {
    for fault in [Fault::LosesReplies, Fault::ComesLate, Fault::RebootsTooSoon] {
        for line in [Line::P3, Line::Mobotix7] {
            let (stage, camera) = (Stage::password(), camera(line, |_| ()).await);
            // Every other turn meets the fault, so that each effect does, and none for ever. What was late arrives
            // when the next turn is over.
            let between = |turn: usize| {
                if turn.is_multiple_of(2) {
                    camera.late_arrives();
                    camera.set_faults(only(fault));
                } else {
                    camera.set_faults(Faults::none());
                }
            };
            stage.ends(&camera, between).await;
            let new = stage.trusted().unwrap();
            assert!(camera.would_take("admin", &new), "{fault:?} {line:?}");
            assert_ne!(new.expose(), configs::FACTORY_PASSWORD);
        }
    }
}

#[tokio::test]
async fn killed_at_a_request_the_next_process_goes_on_from_what_is_on_the_disk() {
    let (mut requests, mut killed) = (1, 0);
    loop {
        let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
        let kill = async {
            while camera.counts().requests < requests {
                tokio::task::yield_now().await;
            }
        };
        let finished = tokio::select! {
            biased;
            () = kill => false,
            _ = stage.change(&camera) => true,
        };
        if finished {
            break;
        }
        // Every third: each story waits for many disks' worth of fsync.
        (requests, killed) = (requests + 3, killed + 1);
        stage.opens(&camera);
        camera.listening().await;
        stage.clock.turn(4000);
        stage.ends(&camera, |_| ()).await;
    }
    assert!(killed > 8, "a rotation has more requests than that: {killed}");
}

#[tokio::test]
async fn a_camera_that_answers_ok_and_does_nothing_keeps_its_password_and_is_found_out() {
    let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
    camera.set_faults(only(Fault::Lies));
    let before = camera.flash_config();
    let turned = stage.change(&camera).await;
    assert_eq!(turned.ended, Ended::Refused, "{turned:?}");
    assert_eq!((camera.running_config(), camera.flash_config()), (before.clone(), before));
    stage.opens(&camera);
    // Once it does as it is told, the change goes on where it was.
    camera.set_faults(Faults::none());
    stage.clock.turn(4000);
    stage.ends(&camera, |_| ()).await;
}

#[tokio::test]
async fn a_camera_that_forgets_to_save_is_found_out_by_its_reboot() {
    let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
    camera.set_faults(only(Fault::ForgetsOnStore));
    let turned = stage.change(&camera).await;
    assert!(turned.steps.contains(&("reboot", "done")), "{turned:?}");
    assert_eq!(
        turned.entry.changed.map(|_| ()),
        Some(()),
        "it ended, with the old one: {turned:?}"
    );
    assert_eq!(stage.trusted().unwrap().expose(), configs::FACTORY_PASSWORD);
    stage.opens(&camera);
}

#[tokio::test]
async fn a_clock_that_jumps_is_no_wrong_password() {
    let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
    camera.set_faults(only(Fault::CallsNoncesStale));
    for _ in 0..3 {
        let turned = stage.change(&camera).await;
        assert!(turned.steps.iter().all(|(_, outcome)| *outcome != "refused"), "{turned:?}");
        stage.clock.turn(4000);
    }
    let password = Secret::new(configs::FACTORY_PASSWORD);
    let told = stage.driver(&camera).probe(&Login::Main(&password)).await;
    assert!(matches!(told, Err(Trouble::Fault(Why::Nonsense(_)))), "{told:?}");
    assert_eq!(camera.counts().failed_logins, 0);
    camera.set_faults(Faults::none());
    stage.ends(&camera, |_| ()).await;
}

#[tokio::test]
async fn a_blocked_source_and_a_broken_server_are_no_wrong_password_and_cost_no_log_in() {
    let camera = camera(Line::P3, |spec| {
        let config = String::from_utf8(configs::factory(Line::P3).bytes().to_vec()).unwrap();
        let on = "IDS_HTTP_ENABLE=1\nIDS_HTTP_THRESHOLD=5\nIDS_HTTP_BLOCK=1\nENDSECTION httpd";
        let config = config.replace("ENDSECTION httpd", on);
        let config = config + "\nSECTION accesscontrol\nENABLE=1\nENDSECTION accesscontrol\n";
        spec.config = Some(config.into_bytes());
    })
    .await;
    let stage = Stage::password();
    let wrong = Secret::new("Not-This-One-9");
    for _ in 0..5 {
        let told = stage.driver(&camera).probe(&Login::Main(&wrong)).await;
        assert!(matches!(told, Err(Trouble::Fault(Why::Refused(_)))), "{told:?}");
    }
    let told = stage.driver(&camera).probe(&Login::Main(&wrong)).await;
    assert_eq!(told, Err(Trouble::NotSent), "it is blocked");
    for _ in 0..6 {
        let turned = stage.change(&camera).await;
        assert_eq!(turned.ended, Ended::Unanswered, "{turned:?}");
        assert_eq!(stage.charged(), 0);
    }
    camera.reboot().await;
    camera.listening().await;
    camera.set_faults(Faults::none().on("/admin/", Fault::ServerError));
    let turned = stage.change(&camera).await;
    assert_eq!((turned.ended, stage.charged()), (Ended::Unanswered, 0));
    camera.set_faults(Faults::none());
    let turned = stage.change(&camera).await;
    assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
    assert_eq!(camera.counts().failed_logins, 5, "none but the five that blocked us");
}

#[tokio::test]
async fn a_reboot_while_the_new_password_is_unsaved_brings_back_one_that_is_known() {
    let (stage, camera) = (Stage::password(), camera(Line::Mobotix7, |_| ()).await);
    // The store never comes through, so the new password stays in memory only.
    camera.set_faults(Faults::none().with(Fault::Ignores("access")));
    stage.change(&camera).await;
    camera.set_faults(Faults::none());
    stage.clock.turn(4000);
    camera.power_cut().await;
    camera.listening().await;
    stage.opens(&camera);
    stage.ends(&camera, |_| ()).await;
}

#[tokio::test]
async fn a_camera_that_refuses_everybody_is_left_alone_after_two_and_never_locked_out() {
    let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
    camera.set_faults(only(Fault::LosesLogins));
    for _ in 0..8 {
        let turned = stage.change(&camera).await;
        stage.opens(&camera);
        if matches!(turned.entry.rotation, Rotation::Stranded { .. }) {
            break;
        }
    }
    // The fault is over at a reboot, since nothing was saved.
    camera.power_cut().await;
    camera.listening().await;
    camera.set_faults(Faults::none());
    stage.clock.turn(8000);
    stage.ends(&camera, |_| ()).await;
    let mut driver = stage.driver(&camera);
    let turned = stage.turn(&mut driver, &mut Nothing).await;
    assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
}
