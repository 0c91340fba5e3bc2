//! Rounds with a clock that the test moves, a site file on disk, devices that do as they are told, and an outlet and a
//! shelf in memory.

mod credentials;
mod lookout;
mod site;
mod store;
mod world;

use proto::wire::finding::{About, FailureClass as Class, Report, Sign};

use self::world::{World, camera, refused, site_file, unreachable};
use super::*;

#[test]
fn an_idle_device_is_told_of_in_a_few_bytes() {
    let mut world = World::new("idle", &site_file("idle", &["yard"], ""));
    world.run(async |world| {
        let first = world.whole("yard").await;
        assert_eq!(first.findings.len(), 32);
        for hour in 1..=3 {
            world.pass(3600 * 11 / 10).await;
            let (short, whole) = world.unchanged("yard").await;
            assert_eq!(short.digest, wire::digest(&first), "hour {hour}");
            assert!(whole.observed_at > first.observed_at);
        }
    });
}

#[test]
fn a_restart_repeats_nothing_and_what_the_controller_lost_is_told_whole() {
    let mut world = World::new("restart", &site_file("restart", &["yard"], ""));
    world.run(async |world| drop(world.whole("yard").await));
    world.run(async |world| {
        world.pass(60).await;
        world.unchanged("yard").await;
        world.handle().resend(vec!["yard".parse().unwrap()]).await.unwrap();
        world.whole("yard").await;
    });
    assert_eq!(world.deeds(), ["site_taken"], "a site file is taken once");
}

#[test]
fn a_new_policy_is_judged_by_at_once_without_a_visit() {
    let mut world = World::new("policy", &site_file("policy", &["yard"], ""));
    world.run(async |world| {
        world.whole("yard").await;
        let visits = world.visits("yard");
        world.desire(3, "[stances]\nC01 = \"enforce\"\n");
        let report = Report::try_from(world.whole("yard").await).unwrap();
        assert_eq!((report.generation, report.findings[0].stance), (3, proto::Stance::Enforce));
        world.desire(4, "[firmware]\nminimum = [\"newest\"]\n");
        world.until(|progress| progress.policy_error.is_some()).await;
        assert_eq!(world.progress().generation, 3, "the one before stays in force");
        world.desire(2, "");
        world.desire(5, "[stances]\nC01 = \"enforce\"\n");
        let (short, _) = world.unchanged("yard").await;
        assert_eq!(short.generation, 5);
        assert_eq!(world.visits("yard"), visits);
    });
    assert_eq!(world.deeds(), ["site_taken", "policy_taken", "policy_refused", "policy_taken"]);
}

#[test]
fn a_device_that_fails_keeps_its_findings_and_says_why() {
    let mut world = World::new("fails", &site_file("fails", &["yard"], ""));
    world.run(async |world| {
        let good = world.whole("yard").await;
        world.script("yard", |_| Err(unreachable()));
        world.pass(4000).await;
        let report = Report::try_from(world.whole("yard").await).unwrap();
        assert_eq!(report.failure.unwrap().class, Class::Unreachable);
        assert_eq!(report.findings.len(), 32);
        assert_eq!(report.found_at.unwrap().unix(), good.found_at);
        assert_eq!(report.product, "MOBOTIX P3");
        world.script("yard", |_| Ok(camera()));
        world.pass(330).await;
        assert!(world.whole("yard").await.failure.is_none());
    });
    assert_eq!(world.deeds(), ["site_taken", "device_failed", "device_recovered"]);
}

#[test]
fn after_a_refusal_nobody_logs_in_until_an_order_or_a_change() {
    let mut world = World::new("refusal", &site_file("refusal", &["yard"], ""));
    world.script(
        "yard",
        |target| if target.login.is_some() { Err(refused()) } else { Ok(camera()) },
    );
    world.run(async |world| {
        assert!(world.whole("yard").await.failure.is_some());
        world.pass(70).await;
        let report = Report::try_from(world.whole("yard").await).unwrap();
        assert_eq!(report.failure.unwrap().class, Class::Refused, "its own word stands");
        assert_eq!(world.logins("yard"), 1, "the second look was a stranger's");
    });
    world.run(async |world| {
        world.pass(61).await;
        world.unchanged("yard").await;
        assert_eq!(world.logins("yard"), 1, "a restart makes no difference");
        world.order(1, &["yard"]).await.unwrap();
        assert_eq!(world.logins("yard"), 2, "an order does");
        world.write("yard.pw", "another\n");
        world.handle().reload().await.unwrap();
        world.until_logins("yard", 3).await;
        world.order(2, &["yard"]).await.unwrap();
        assert_eq!(world.logins("yard"), 3, "three in a day are enough");
    });
    let refusals = world.deeds().iter().filter(|deed| **deed == "login_refused").count();
    assert_eq!(refusals, 3);
}

#[test]
fn a_program_that_dies_over_and_over_logs_in_once() {
    let mut world = World::new("dies", &site_file("dies", &["yard"], ""));
    world.script("yard", |_| Err(refused()));
    for _ in 0..5 {
        world.crash(async |world| drop(world.whole("yard").await));
    }
    assert_eq!((world.logins("yard"), world.visits("yard")), (1, 5));
}

#[test]
fn a_camera_is_asked_once_a_week_what_may_cost_a_failed_log_in() {
    let mut world = World::new("trials", &site_file("trials", &["yard"], ""));
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = asked.clone();
    world.script("yard", move |target| {
        seen.lock().unwrap().push(target.trials);
        Ok(camera())
    });
    world.run(async |world| {
        world.whole("yard").await;
        for seconds in [4000, 6 * 86_400, 86_400] {
            world.pass(seconds).await;
            world.unchanged("yard").await;
        }
    });
    use crate::device::Trials::{Allowed, Spared};
    assert_eq!(*asked.lock().unwrap(), [Allowed, Spared, Spared, Allowed]);
}

#[test]
fn a_device_is_held_to_the_first_certificate_seen_and_another_is_a_sign() {
    let mut world = World::new("pin", &site_file("pin", &["yard"], ""));
    let presents = |pin: certs::Pin| {
        move |target: &Target| match target.pin.or(target.seen_before) {
            Some(held) if held != pin => Err(refused()),
            _ => Ok(world::with_pin(pin)),
        }
    };
    let (old, new) = (certs::Pin::of(b"old"), certs::Pin::of(b"new"));
    world.script("yard", presents(old));
    world.run(async |world| {
        assert_eq!(world.whole("yard").await.pin, old.to_string());
        world.script("yard", presents(new));
        world.pass(4000).await;
        assert!(world.whole("yard").await.failure.is_some());
        world.pass(70).await;
        let report = Report::try_from(world.whole("yard").await).unwrap();
        let sign = report.findings.last().unwrap();
        assert_eq!(sign.about, About::Sign(Sign::ChangedCertificate));
        assert!(sign.remedy.contains(&new.to_string()));
        let pinned = site_file("pin", &["yard"], &format!("pin = \"{new}\"\n"));
        world.write("site.toml", &pinned);
        world.handle().reload().await.unwrap();
        let report = world.whole_where("yard", |report| report.failure.is_none()).await;
        assert_eq!(report.findings.len(), 32);
    });
    assert!(world.deeds().contains(&"sign_appeared"));
}

#[test]
fn an_order_looks_now_tells_when_it_is_done_and_is_begun_once() {
    let mut world = World::new("order", &site_file("order", &["yard", "gate"], ""));
    world.run(async |world| {
        world.whole("yard").await;
        let (yard, gate) = (world.visits("yard"), world.visits("gate"));
        world.order(1, &["yard", "nobody"]).await.unwrap();
        assert_eq!(world.visits("yard"), yard + 1);
        world.order(2, &[]).await.unwrap();
        assert!(world.visits("yard") == yard + 2 && world.visits("gate") > gate);
        world.expired_order(3).await.unwrap_err();
    });
}

#[test]
fn while_the_time_is_unknown_nobody_is_visited() {
    let mut world = World::new("time", &site_file("time", &["yard"], ""));
    world.set_system(30);
    world.run(async |world| {
        world.until(|progress| progress.waits_for_time && progress.devices == 1).await;
        world.pass(7200).await;
        world.until(|progress| progress.waits_for_time).await;
        assert_eq!(world.visits("yard"), 0);
        world.confirm_time();
        assert!(world.whole("yard").await.observed_at >= world::FLOOR);
    });
}

#[test]
fn ninety_days_in_one_jump_cost_one_visit_per_device() {
    let mut world = World::new("jump", &site_file("jump", &["yard", "gate"], ""));
    world.run(async |world| {
        world.whole("yard").await;
        world.whole("gate").await;
        world.pass(90 * 86_400).await;
        world.unchanged("yard").await;
        world.unchanged("gate").await;
        world.settle().await;
        assert_eq!((world.visits("yard"), world.visits("gate")), (2, 2));
    });
}

#[test]
fn what_cannot_be_queued_is_told_with_the_next_look() {
    let mut world = World::new("full", &site_file("full", &["yard"], ""));
    world.fill_disk(true);
    world.run(async |world| {
        world.until(|progress| progress.last_visit.is_some() && progress.under_way == 0).await;
        world.fill_disk(false);
        world.pass(4000).await;
        world.whole("yard").await;
    });
}
