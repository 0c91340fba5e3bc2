//! The logs of a site's cameras, watched together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proto::record::EventKind;

use super::super::*;
use super::world::{FLOOR, World, camera, refused, site_file};
use crate::device::{Fault, Identity};
use crate::facts::{Fact, Facts, LogLine, WebLogSummary};

const ATTACKER: &str = "10.9.9.9";

/// A camera whose log shows so many failed log-ins of one address so many seconds ago, and ours now.
fn attacked(failures: u32, ago: i64) -> Result<(Identity, Facts), Fault> {
    let (identity, mut facts) = camera();
    let Facts::Camera(it) = &mut facts else { unreachable!() };
    let line = LogLine {
        source: ATTACKER.parse().unwrap(),
        success: false,
        named: true,
        user: None,
        time: Timestamp::from_unix(FLOOR),
        times: failures,
    };
    it.web_log = Fact::Seen(WebLogSummary {
        newest: Some(Timestamp::from_unix(FLOOR + ago)),
        counted: true,
        lines: if failures > 0 { vec![line] } else { Vec::new() },
        ..WebLogSummary::default()
    });
    Ok((identity, facts))
}

#[test]
fn what_visits_bring_is_watched_and_told_once_over_a_restart() {
    let mut world = World::new("watched", &site_file("watched", &["yard", "gate"], ""));
    for name in ["yard", "gate"] {
        let mut visits = -1;
        world.script(name, move |_| {
            visits += 1;
            attacked(2, visits * 4_000)
        });
    }
    for run in 0..2 {
        world.run(async |world| {
            for name in ["yard", "gate"] {
                match run {
                    0 => drop(world.whole(name).await),
                    _ => drop(world.unchanged(name).await),
                }
            }
            world.settle().await;
            let events = world.store.events();
            assert_eq!(events.len(), 1, "{events:?}");
            assert_eq!((events[0].kind, events[0].count), (EventKind::BruteForce, 4));
            assert_eq!(events[0].devices.len(), 2);
            world.pass(4000).await;
        });
    }
    let told = world.deeds().into_iter().filter(|deed| *deed == "event_seen");
    assert_eq!(told.count(), 1);
}

#[test]
fn between_visits_logs_are_looked_at_only_if_the_policy_wants_it() {
    let mut world = World::new("looked", &site_file("looked", &["yard"], ""));
    let failures = Arc::new(AtomicU32::new(0));
    let now = failures.clone();
    world.script("yard", move |_| attacked(now.load(Ordering::SeqCst), 0));
    world.run(async |world| {
        world.whole("yard").await;
        let (visits, logins) = (world.visits("yard"), world.logins("yard"));
        failures.store(20, Ordering::SeqCst);
        world.pass(100).await;
        world.settle().await;
        assert_eq!(world.logins("yard"), logins);
        assert!(world.store.events().is_empty());
        world.desire(3, "[watch]\non = true\nevery_s = 40\n");
        world.until_logins("yard", logins + 1).await;
        assert_eq!(world.store.events().len(), 1);
        for more in 2..=4 {
            world.pass(40).await;
            world.until_logins("yard", logins + more).await;
        }
        assert_eq!(world.visits("yard"), visits, "nothing else was looked at");
        assert_eq!(world.store.events().len(), 1);
    });
}

#[test]
fn a_camera_that_refuses_a_look_at_its_log_is_left_alone() {
    let mut world = World::new("shut", &site_file("shut", &["yard"], ""));
    world.run(async |world| {
        world.whole("yard").await;
        let logins = world.logins("yard");
        world.script("yard", |_| Err(refused()));
        world.desire(3, "[watch]\non = true\nevery_s = 15\n");
        world.until_logins("yard", logins + 1).await;
        for _ in 0..5 {
            world.pass(1000).await;
            world.settle().await;
        }
        assert_eq!(world.logins("yard"), logins + 1);
    });
    assert!(world.deeds().contains(&"login_refused"));
}
