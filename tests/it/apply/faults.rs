//! Cameras that lie, forget, meddle and shut everybody out; and what is never lost.

use agent::apply::{By, DeviceResult, Leave, Order, Outcome, apply_all};
use agent::change::Digest;
use agent::device::Target;
use agent::plan::{DevicePlan, RollOut};
use proto::Stance;
use tests::devices::mobotix::{Camera, Fault, Faults, Line, configs};

use super::shop::{Shop, elsewhere, job, neglected, outcomes};

/// A shop that enforces only these.
fn shop(codes: &[&str]) -> Shop {
    Shop::new(|policy| {
        policy.web_ports = elsewhere();
        policy.stances.clear();
        for code in codes {
            policy.stances.insert(code.parse().unwrap(), Stance::Enforce);
        }
    })
}

async fn applied(shop: &Shop, camera: &Camera) -> DeviceResult {
    let target = shop.target(camera, "yard");
    let plan = shop.plan(&target).await;
    shop.apply(&target, plan).await
}

#[tokio::test]
async fn a_camera_that_answers_ok_and_does_nothing_is_reported_as_such() {
    let shop = shop(&["C09", "C10"]);
    let camera = neglected(Line::P3, |spec| spec.faults = Faults::none().with(Fault::Lies)).await;
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C09", "ineffective"), ("C10", "not tried")], "{result:?}");
    let Outcome::Ineffective { why } = &result.steps[0].outcome else { panic!() };
    assert!(why.contains("as if all were well"), "{why}");
    assert!(result.trouble(300).is_some(), "a roll-out goes no further");
    assert_eq!(camera.running_config(), camera.flash_config());
}

#[tokio::test]
async fn what_a_camera_ignores_is_told_apart_from_what_it_did() {
    let shop = shop(&["C09", "C13"]);
    let deaf = Faults::none().with(Fault::Ignores("systemalarm"));
    let camera = neglected(Line::P3, |spec| spec.faults = deaf).await;
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C09", "proven"), ("C13", "ineffective")], "{result:?}");
    let flash = String::from_utf8_lossy(&camera.flash_config()).into_owned();
    assert!(flash.contains("ROBOTS_TXT_MODE=forbidden"), "what was proven is saved");
}

#[tokio::test]
async fn a_setting_without_effect_is_written_back_and_never_saved() {
    let shop = shop(&["C06"]);
    let camera = neglected(Line::P3, |spec| {
        spec.faults = Faults::none().with(Fault::NeverUpdates);
    })
    .await;
    let before = camera.flash_config();
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C06", "reverted")], "{result:?}");
    let Outcome::Reverted { why, by: By::WritingBack } = &result.steps[0].outcome else { panic!() };
    assert!(why.contains("nothing came of it"), "{why}");
    assert_eq!((camera.running_config(), camera.flash_config()), (before.clone(), before));
}

#[tokio::test]
async fn a_camera_that_changes_more_than_it_was_told_is_not_saved() {
    let shop = shop(&["C09"]);
    let camera =
        neglected(Line::P3, |spec| spec.faults = Faults::none().with(Fault::Meddles)).await;
    let before = camera.flash_config();
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C09", "reverted")], "{result:?}");
    let Outcome::Reverted { why, .. } = &result.steps[0].outcome else { panic!() };
    assert!(why.contains("ZEROCONF=NO"), "{why}");
    assert_eq!(camera.flash_config(), before);
}

#[tokio::test]
async fn a_camera_that_forgets_to_store_is_found_out_by_its_reboot() {
    let shop = shop(&["C14"]);
    let camera = neglected(Line::P3, |spec| {
        spec.faults = Faults::none().with(Fault::ForgetsOnStore);
    })
    .await;
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C14", "ineffective")], "{result:?}");
    assert!(
        result.stopped.as_deref().unwrap().contains("after a reboot it was gone"),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_camera_that_shuts_us_out_is_not_saved_and_comes_back_by_its_own_reboot() {
    let shop = shop(&["C07"]);
    let camera = neglected(Line::P3, |spec| {
        spec.faults = Faults::none().with(Fault::MisreadsAddressList);
    })
    .await;
    let (before, target) = (camera.flash_config(), shop.target(&camera, "yard"));
    let plan = shop.plan(&target).await;
    assert!(plan.steps[0].harm.way_back.as_deref().unwrap().contains("reboots by itself at 03:30"));
    let night = async {
        camera.turned_away().await;
        assert_ne!(camera.running_config(), before);
        camera.reboot().await;
    };
    let (result, ()) = tokio::join!(shop.apply(&target, plan), night);
    assert_eq!(outcomes(&result), [("C07", "reverted")], "{result:?}");
    let by = match &result.steps[0].outcome {
        Outcome::Reverted { by, .. } => *by,
        other => panic!("{other:?}"),
    };
    assert_eq!(by, By::ItsReboot);
    assert_eq!((camera.running_config(), camera.flash_config()), (before.clone(), before));
    assert_eq!(shop.plan(&target).await.steps.len(), 1, "we get in as before");
}

#[tokio::test]
async fn a_camera_that_does_not_come_back_is_called_lost_and_nothing_of_it_is_saved() {
    let mut shop = shop(&["C07"]);
    shop.workshop.patience.comeback = std::time::Duration::ZERO;
    let camera = neglected(Line::P3, |spec| {
        spec.faults = Faults::none().with(Fault::MisreadsAddressList);
    })
    .await;
    let before = camera.flash_config();
    let result = applied(&shop, &camera).await;
    let Outcome::CutOff { why } = &result.steps[0].outcome else { panic!("{result:?}") };
    assert!(why.contains("not saved") && why.contains("03:30"), "{why}");
    assert_eq!(camera.flash_config(), before);
}

#[tokio::test]
async fn after_one_refused_log_in_nothing_more_is_tried_and_nothing_is_saved() {
    let shop = shop(&["C10"]);
    // One that shows strangers nothing, so that every look and picture costs a log-in.
    let camera = neglected(Line::Mobotix7, |spec| {
        spec.config = Some(configs::factory(Line::Mobotix7).bytes().to_vec());
        spec.faults = Faults::none().with(Fault::LosesLogins);
    })
    .await;
    let before = camera.flash_config();
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C10", "cut off")], "{result:?}");
    assert!(result.stopped.as_deref().unwrap().contains("not tried again"), "{result:?}");
    assert_eq!(camera.counts().failed_logins, 1);
    assert!(camera.flash_config() == before, "nothing is saved");
    camera.reboot().await;
    camera.listening().await;
    assert_eq!(camera.running_config(), before, "a reboot brings it back");
}

#[tokio::test]
async fn a_port_that_nobody_answers_on_is_mended_through_the_other_door() {
    let camera = neglected(Line::P3, |spec| {
        spec.faults = Faults::none().with(Fault::LosesMovedPorts);
    })
    .await;
    let ports = (camera.http_address().unwrap().port(), camera.https_address().unwrap().port());
    let mut shop = Shop::new(|policy| {
        policy.stances.clear();
        policy.stances.insert("C15".parse().unwrap(), Stance::Enforce);
        (policy.web_ports.http, policy.web_ports.https) = ports;
        policy.change.https_port = Some(9);
    });
    shop.workshop.patience.reboot = std::time::Duration::from_millis(600);
    let before = camera.flash_config();
    let result = applied(&shop, &camera).await;
    assert_eq!(outcomes(&result), [("C15", "reverted")], "{result:?}");
    assert_eq!(camera.https_address().map(|at| at.port()), Some(ports.1));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', " ");
    assert_eq!(text(&camera.flash_config()), text(&before));
}

#[tokio::test]
async fn a_plan_is_refused_on_a_camera_that_changed_since() {
    let shop = shop(&["C09"]);
    let camera = neglected(Line::P3, |_| ()).await;
    let target = shop.target(&camera, "yard");
    let plan = shop.plan(&target).await;
    let other = super::super::pretend_camera::configure(
        &camera,
        "helo\nwrite params\ntime/TZ=Europe/Lisbon\nupdate\nquit\n",
    );
    other.await;
    let writes = camera.counts().writes;
    let result = shop.apply(&target, plan).await;
    assert!(result.stopped.as_deref().unwrap().contains("changed since"), "{result:?}");
    assert_eq!((outcomes(&result)[0].1, camera.counts().writes), ("not tried", writes));
}

#[tokio::test]
async fn a_list_that_no_longer_holds_everybody_is_refused_before_anything_is_done() {
    let mut shop = shop(&["C09", "C07"]);
    let camera = neglected(Line::P3, |_| ()).await;
    let target = shop.target(&camera, "yard");
    let plan = shop.plan(&target).await;
    shop.workshop.surroundings.vms.insert("192.0.2.50".parse().unwrap());
    let result = shop.apply(&target, plan).await;
    assert!(result.stopped.as_deref().unwrap().contains("192.0.2.50"), "{result:?}");
    assert_eq!(camera.counts().writes, 0);
}

#[tokio::test]
async fn a_failure_on_the_canary_halts_the_roll_out() {
    let shop = shop(&["C09"]);
    let mut cameras = Vec::new();
    for name in ["gate", "yard", "dock"] {
        let faults = if name == "yard" { Faults::none().with(Fault::Lies) } else { Faults::none() };
        let camera = neglected(Line::P3, |spec| spec.faults = faults).await;
        cameras.push((name, camera));
    }
    let mut jobs = Vec::new();
    for (name, camera) in &cameras {
        let target: Target = shop.target(camera, name);
        let plan: DevicePlan = shop.plan(&target).await;
        jobs.push(job(&target, plan));
    }
    let rules = RollOut { at_once: 3, canary: vec!["yard".parse().unwrap()], ..RollOut::default() };
    let (plan, leave) = (Digest::of(b"plan"), Leave::Person);
    let order = Order { rules, plan, leave };
    let applied = apply_all(jobs.clone(), order, &shop.workshop, |_| ()).await;
    assert!(applied.halted.as_deref().unwrap().starts_with("yard: "), "{applied:?}");
    let left: Vec<&str> = applied.left.iter().map(|name| name.as_str()).collect();
    assert_eq!((applied.devices.len(), left), (1, vec!["gate", "dock"]));
    for (name, camera) in &cameras {
        let untouched = camera.counts().writes == 0;
        assert_eq!(untouched, *name != "yard", "{name}");
    }
    cameras[1].1.set_faults(Faults::none());
    let rules = RollOut { at_once: 2, ..RollOut::default() };
    // A window that ends too soon for a single device leaves all of them as they are.
    let writes = |cameras: &[(&str, Camera)]| -> u64 {
        cameras.iter().map(|(_, camera)| camera.counts().writes).sum()
    };
    let before = writes(&cameras);
    let leave = Leave::Until(agent::clock::now());
    let order = Order { rules: rules.clone(), plan, leave };
    let applied = apply_all(jobs.clone(), order, &shop.workshop, |_| ()).await;
    assert_eq!((applied.halted, applied.left.len(), writes(&cameras)), (None, 3, before));
    let order = Order { rules, plan, leave: Leave::Person };
    let applied = apply_all(jobs, order, &shop.workshop, |_| ()).await;
    assert_eq!((applied.halted, applied.devices.len()), (None, 3));
}

#[tokio::test]
async fn what_somebody_changed_back_is_found_with_who_was_there_and_cured_again() {
    let shop = shop(&["C09"]);
    let camera = neglected(Line::P3, |_| ()).await;
    let target = shop.target(&camera, "yard");
    let look = || async {
        let mut driver = agent::device::open(target.clone(), shop.workshop.dialects.clone());
        (driver.inspect().await.unwrap(), driver)
    };
    assert_eq!(outcomes(&applied(&shop, &camera).await), [("C09", "proven")]);
    let (then, _) = look().await;
    let back = "helo\nwrite params\nhomepage/ROBOTS_TXT_MODE=allowed\nupdate\nstore\nquit\n";
    super::super::pretend_camera::configure(&camera, back).await;
    let (now, driver) = look().await;
    let lines = driver.differences(&then.configuration, &now.configuration).unwrap();
    let agent::facts::Facts::Camera(facts) = now.facts else { panic!() };
    let drift = agent::plan::drift(lines, None, &facts.web_log).unwrap();
    assert_eq!(drift.lines.gone, ["homepage: ROBOTS_TXT_MODE=forbidden"]);
    assert_eq!(drift.lines.new, ["homepage: ROBOTS_TXT_MODE=allowed"]);
    assert_eq!(outcomes(&applied(&shop, &camera).await), [("C09", "proven")]);
}
