//! Site files that change, workstations, and strangers.

use std::net::IpAddr;

use async_trait::async_trait;
use proto::Evidence;
use proto::wire::finding::DeviceKind;
use proto::wire::v1;

use super::*;
use crate::discovery::Prober;

const VMS: &str = "[[devices]]\nname = 'vms'\nkind = 'vms'\naddresses = ['10.1.2.9']\n";

#[test]
fn a_changed_site_file_is_taken_up_within_a_minute_and_a_broken_one_is_not() {
    let mut world = World::new("changes", &site_file("changes", &["yard"], ""));
    world.run(async |world| {
        world.whole("yard").await;
        world.write("site.toml", "[[devices]]\nname = 'yard'\n");
        world.pass(61).await;
        world.until(|progress| progress.site_error.is_some()).await;
        assert_eq!(world.progress().devices, 1, "the one before stays in force");
        world.pass(61).await;
        world.write("site.toml", &site_file("changes", &["gate"], ""));
        world.pass(61).await;
        assert_eq!(world.forgotten().await, "yard");
        world.pass(61).await;
        world.whole("gate").await;
        assert_eq!(world.progress().site_error, None);
    });
    assert_eq!(world.deeds(), ["site_taken", "site_refused", "site_taken"]);
}

#[test]
fn an_agent_without_a_usable_site_file_waits_for_one() {
    let mut world = World::new("none", "");
    world.run(async |world| {
        world.until(|progress| progress.site_error.is_some()).await;
        world.write("site.toml", &site_file("none", &["yard"], ""));
        world.pass(61).await;
        world.pass(61).await;
        world.whole("yard").await;
    });
}

#[test]
fn a_password_that_cannot_be_read_fails_its_device_alone() {
    let mut world = World::new("pw", &site_file("pw", &["yard", "gate"], ""));
    world.remove("yard.pw");
    world.run(async |world| {
        world.whole("gate").await;
        let report = Report::try_from(world.whole("yard").await).unwrap();
        let failure = report.failure.unwrap();
        assert_eq!(failure.class, Class::Unsupported);
        assert!(failure.message.contains("password file"), "{}", failure.message);
    });
}

#[test]
fn the_cameras_logs_tell_of_the_workstation_once_all_were_looked_at() {
    let site = format!("{}{VMS}", site_file("vms", &["yard", "gate"], ""));
    let mut world = World::new("vms", &site);
    world.run(async |world| {
        let report = Report::try_from(world.whole("vms").await).unwrap();
        assert_eq!((report.kind, report.address.as_str()), (DeviceKind::Vms, "10.1.2.9"));
        assert!(world.visits("yard") > 0 && world.visits("gate") > 0);
        world.pass(4000).await;
        world.unchanged("vms").await;
    });
}

/// Everybody is a camera.
struct Cameras;

#[async_trait]
impl Prober for Cameras {
    async fn probe(&self, _: IpAddr) -> Vec<Evidence> {
        vec![Evidence { source: "GET /".to_owned(), text: "a camera".to_owned() }]
    }
}

#[test]
fn a_camera_that_nobody_listed_is_a_stranger_until_somebody_does() {
    let discovery = "[discovery]\nnetworks = ['10.1.2.0/24']\n";
    let stranger = "[[devices]]\nname = 'new'\nkind = 'nas'\naddresses = ['10.1.2.77']\n";
    let site = site_file("strangers", &["yard"], "");
    let mut world = World::new("strangers", &format!("{discovery}{site}"));
    world.write("arp", "head\n10.1.2.77 0x1 0x2 00:03:c5:0c:9f:25 * eth0\n");
    world.prober = Some(Arc::new(Cameras));
    let name = "new-00:03:c5:0c:9f:25";
    world.run(async |world| {
        world.pass(61).await;
        let report = Report::try_from(world.whole(name).await).unwrap();
        assert_eq!(report.kind, DeviceKind::Stranger);
        assert_eq!(report.findings[0].about, About::Sign(Sign::NewDevice));
        world.until(|progress| progress.strangers == 1).await;
        world.pass(3600).await;
        let (short, _): (v1::DeviceUnchanged, _) = world.unchanged(name).await;
        assert_eq!(short.device, name);
        world.write("site.toml", &format!("{discovery}{site}{stranger}"));
        world.pass(61).await;
        world.pass(3600).await;
        assert_eq!(world.forgotten().await, name);
    });
    assert_eq!(world.deeds(), ["site_taken", "sign_appeared", "site_taken"]);
}
