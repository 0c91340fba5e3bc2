//! Keys that the cameras of a site share: all go round to one value, whatever fails on the way, and one that somebody
//! else set is not touched.

use std::sync::Arc;

use agent::device::Target;
use agent::device::mobotix::Dialects;
use agent::device::mobotix::credential::{GroupKey, none_set};
use agent::rotate::group::Group;
use agent::rotate::{Ended, Turned};
use agent::rotation::{Escrow, Proof, Rotation, Rules, Second};
use agent::store::subject::Kind;
use proto::Secret;
use tests::devices::mobotix::{Camera, Configuration, Fault, Faults, Line, configs, dialect};

use super::stage::{Stage, camera, only, passwords, target};

const NAMES: [&str; 3] = ["yard", "gate", "dock"];

fn rules(proof: Proof) -> Rules {
    Rules { escrow: Escrow::Acknowledged, second: Second::None, proof }
}

/// A camera without keys, and with the invented section of messages.
async fn keyless() -> Camera {
    camera(Line::P3, |spec| {
        let mut config: Configuration = configs::factory(Line::P3);
        let section = format!("SECTION {0}\nPASSWORD=\nENDSECTION {0}\n", dialect::MESSAGES);
        config.replace(dialect::MESSAGES, section.as_bytes());
        spec.config = Some(config.bytes().to_vec());
    })
    .await
}

fn taught() -> Arc<Dialects> {
    let mut dialects = Dialects::builtin();
    dialects.add(&dialect::learned_keys(Line::P3)).unwrap();
    Arc::new(dialects)
}

fn stage(kind: Kind, proof: Proof) -> Stage {
    let mut stage = Stage::adopting(kind, &none_set(), rules(proof));
    NAMES[1..].iter().for_each(|name| stage.beside(name, &none_set()));
    stage
}

fn at(camera: &Camera) -> Target {
    let mut target = target(camera);
    target.login.as_mut().unwrap().password = Secret::new(configs::FACTORY_PASSWORD);
    target
}

/// One turn at one camera's key, as one of a process that was just started.
async fn turn(stage: &mut Stage, place: usize, camera: &Camera, dialects: Arc<Dialects>) -> Turned {
    stage.about(NAMES[place]);
    let kind = stage.subject.kind.clone();
    let mut device = match kind {
        Kind::MessageKey => GroupKey::message(at(camera), dialects, stage.reboots()),
        _ => GroupKey::recording(at(camera), dialects, stage.reboots()),
    };
    let mut maker = Group {
        vault: stage.vault(),
        journal: stage.journal(),
        kind,
        own: NAMES[place].parse().unwrap(),
        members: NAMES.into_iter().map(|name| name.parse().unwrap()).collect(),
        passwords: passwords(),
        clock: Arc::new(stage.clock.clone()),
    };
    let turned = stage.turn(&mut device, &mut maker).await;
    camera.listening().await;
    let key = camera.recording_key();
    let safe = stage.escrowed().iter().any(|secret| secret.expose() == key);
    assert!(key.is_empty() || safe, "what a camera encrypts with is in escrow: {turned:?}");
    turned
}

fn has_settled(turned: &Turned) -> bool {
    matches!(turned.ended, Ended::Settled(_)) && turned.entry.changed.is_some()
}

#[tokio::test]
async fn three_cameras_go_round_to_one_key_of_recordings_with_one_of_them_dead_for_a_while() {
    let mut stage = stage(Kind::RecordingKey, Proof::Reboot);
    let cameras = [keyless().await, keyless().await, keyless().await];
    cameras[2].set_faults(only(Fault::ServerError));
    let mut firsts = Vec::new();
    for (place, camera) in cameras.iter().enumerate() {
        let turned = turn(&mut stage, place, camera, taught()).await;
        assert_eq!(has_settled(&turned), place < 2, "{turned:?}");
        firsts.push(camera.recording_key());
    }
    assert!(!firsts[0].is_empty() && firsts[0] == firsts[1] && firsts[2].is_empty());
    assert_eq!(stage.logs(), 2, "the log of each was kept before its reboot");
    // Due again, the first does not move on while the last lags behind.
    stage.about(NAMES[0]);
    stage.hurry();
    let turned = turn(&mut stage, 0, &cameras[0], taught()).await;
    assert_eq!(turned.steps, [("mint", "not sent")], "{turned:?}");
    cameras[2].set_faults(Faults::none());
    stage.clock.turn(4000);
    let mut turned = turn(&mut stage, 2, &cameras[2], taught()).await;
    if !has_settled(&turned) {
        stage.clock.turn(4000);
        turned = turn(&mut stage, 2, &cameras[2], taught()).await;
    }
    assert!(has_settled(&turned), "{turned:?}");
    assert_eq!(cameras[2].recording_key(), firsts[0]);
    // Now the whole group may go on, and the old key stays in the vault.
    let turned = turn(&mut stage, 0, &cameras[0], taught()).await;
    assert!(has_settled(&turned), "{turned:?}");
    assert_ne!(cameras[0].recording_key(), firsts[0]);
    let vault = stage.vault();
    let history = vault.history(&stage.subject).unwrap();
    let old = history.iter().any(|(id, _)| stage.secret(*id).expose() == firsts[0]);
    assert!(old, "old recordings stay readable");
    assert!(cameras.iter().all(|camera| camera.counts().failed_logins == 0));
}

#[tokio::test]
async fn after_every_fault_in_the_middle_all_end_with_one_key_that_is_in_escrow() {
    for fault in
        [Fault::LosesReplies, Fault::ComesLate, Fault::RebootsTooSoon, Fault::ForgetsOnStore]
    {
        let mut stage = stage(Kind::RecordingKey, Proof::Reboot);
        let cameras = [keyless().await, keyless().await, keyless().await];
        let mut done = [false; 3];
        for round in 0..14 {
            for (place, camera) in cameras.iter().enumerate() {
                if done[place] {
                    continue;
                }
                camera.late_arrives();
                camera.set_faults(if round == 0 { only(fault) } else { Faults::none() });
                let turned = turn(&mut stage, place, camera, taught()).await;
                // One that was given up is settled too, and tried again later.
                done[place] = has_settled(&turned) && !camera.recording_key().is_empty();
            }
            stage.clock.turn(8000);
        }
        assert_eq!(done, [true; 3], "{fault:?}");
        let keys = cameras.each_ref().map(Camera::recording_key);
        assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{fault:?}");
    }
}

#[tokio::test]
async fn a_key_that_somebody_else_set_is_not_touched() {
    let mut stage = stage(Kind::RecordingKey, Proof::Reboot);
    let foreign = camera(Line::P3, |spec| {
        let mut config = configs::factory(Line::P3);
        config.set("fileserver", "SECURITY_PASSWORD", "somebody.Else-7");
        spec.config = Some(config.bytes().to_vec());
    })
    .await;
    let before = foreign.running_config();
    let mut turned = turn_foreign(&mut stage, &foreign).await;
    for _ in 0..3 {
        stage.clock.turn(4000);
        turned = turn_foreign(&mut stage, &foreign).await;
    }
    assert!(matches!(turned.entry.rotation, Rotation::Stranded { .. }), "{turned:?}");
    assert_eq!(foreign.running_config(), before);
    assert_eq!(foreign.counts().failed_logins, 0);
}

/// As [`turn`], at a camera whose key nobody has in escrow.
async fn turn_foreign(stage: &mut Stage, camera: &Camera) -> Turned {
    stage.about(NAMES[0]);
    let mut device = GroupKey::recording(at(camera), taught(), stage.reboots());
    stage.turn(&mut device, &mut passwords()).await
}

#[tokio::test]
async fn what_is_only_inferred_is_not_written() {
    let mut stage = stage(Kind::RecordingKey, Proof::Reboot);
    let camera = keyless().await;
    let before = camera.running_config();
    let turned = turn(&mut stage, 0, &camera, Arc::new(Dialects::builtin())).await;
    assert!(turned.steps.contains(&("install", "rejected")), "{turned:?}");
    assert_eq!(camera.running_config(), before);
}

#[tokio::test]
async fn where_the_dialect_was_taught_the_messages_get_one_key_without_a_reboot() {
    let mut stage = stage(Kind::MessageKey, Proof::Word);
    let cameras = [keyless().await, keyless().await, keyless().await];
    let mut keys = Vec::new();
    for (place, camera) in cameras.iter().enumerate() {
        assert!(has_settled(&turn(&mut stage, place, camera, taught()).await));
        let flash = Configuration::new(camera.flash_config());
        keys.push(flash.value(dialect::MESSAGES, "PASSWORD").unwrap());
    }
    assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]));
    assert_eq!(stage.logs(), 0);
}
