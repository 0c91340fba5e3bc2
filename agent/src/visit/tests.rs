//! What a site full of trouble looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use proto::policy::{PasswordRules, WebPorts};

use super::*;
use crate::device::{Address, Limits, Trials};
use crate::facts::{
    Account, CameraFacts, CameraLogin, Fact, FailureClass, SourceSummary, VmsFacts, WebLogSummary,
};

/// A driver that does what its device is called.
struct Scripted(String);

#[async_trait]
impl Driver for Scripted {
    async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
        match self.0.split('-').next().unwrap_or_default() {
            "hang" => std::future::pending().await,
            "panic" => panic!("as its name says"),
            "refuse" => Err(Fault::Refused("the password is wrong".to_owned())),
            "silent" => Ok((
                Identity::default(),
                Facts::Camera(Box::new(CameraFacts::unread("it is a test"))),
            )),
            "admin" => Ok((Identity::default(), camera("root", "admins"))),
            _ => Ok((Identity::default(), camera("viewer", "users"))),
        }
    }
}

/// A camera at which the workstation 192.0.2.5 logged in.
fn camera(user: &str, group: &str) -> Facts {
    let mut facts = CameraFacts::unread("it is a test");
    let source = SourceSummary {
        successful: 3,
        users: BTreeSet::from([user.to_owned(), "gone".to_owned()]),
        ..SourceSummary::default()
    };
    let sources = BTreeMap::from([
        ("::ffff:192.0.2.5".parse().unwrap(), source.clone()),
        ("192.0.2.99".parse().unwrap(), source),
    ]);
    facts.web_log = Fact::Seen(WebLogSummary { sources, ..WebLogSummary::default() });
    facts.accounts = Fact::Seen(vec![Account {
        name: user.to_owned(),
        group: group.to_owned(),
        factory_password: Fact::Seen(false),
    }]);
    let may = |right: &str| BTreeSet::from([right.to_owned()]);
    let groups = [("admins", "admin_acl"), ("users", "live_acl")];
    let groups = groups.map(|(group, right)| (group.to_owned(), may(right)));
    facts.groups = Fact::Seen(groups.into());
    Facts::Camera(Box::new(facts))
}

fn scripted(target: Target, _: Arc<Dialects>) -> Box<dyn Driver> {
    Box::new(Scripted(target.name.to_string()))
}

fn call(name: &str, way: Way, limit: Duration) -> Call {
    Call {
        name: name.parse().unwrap(),
        address: name.to_owned(),
        way,
        limit,
        attestations: Vec::new(),
        vms_addresses: Vec::new(),
    }
}

fn live(name: &str) -> Call {
    let target = Target {
        name: name.parse().unwrap(),
        address: Address { tls: true, host: name.to_owned(), port: 443 },
        login: None,
        pin: None,
        seen_before: None,
        trials: Trials::Allowed,
        web_ports: WebPorts::default(),
        password_rules: PasswordRules::default(),
        limits: Limits::default(),
    };
    let limit = Duration::from_millis(if name.starts_with("hang") { 20 } else { 60_000 });
    call(name, Way::Live(Box::new(target)), limit)
}

fn workstation_at(addresses: &[&str]) -> Call {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    call("vms", Way::Workstation(addresses), Duration::from_secs(60))
}

fn look_with(
    open: fn(Target, Arc<Dialects>) -> Box<dyn Driver>,
    concurrency: usize,
    calls: Vec<Call>,
    on_done: impl FnMut(&Observation),
) -> Vec<Observation> {
    let equipment = Equipment {
        dialects: Arc::new(Dialects::builtin()),
        open,
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(visit_all(calls, &equipment, on_done))
}

fn look_at(calls: Vec<Call>) -> Vec<Observation> {
    look_with(scripted, 2, calls, |_| {})
}

fn class(observation: &Observation) -> Option<FailureClass> {
    observation.outcome.as_ref().err().map(|failure| failure.class)
}

fn logins(observations: &[Observation]) -> &Fact<Vec<CameraLogin>> {
    let found = observations.iter().find_map(|seen| match &seen.outcome {
        Ok(Facts::Vms(VmsFacts { camera_logins, .. })) => Some(camera_logins),
        _ => None,
    });
    found.expect("a workstation was looked at")
}

#[test]
fn a_device_that_hangs_or_panics_or_refuses_costs_only_itself() {
    let names = ["hang-1", "good-1", "panic-1", "good-2", "hang-2", "refuse-1", "good-3"];
    let seen = look_at(names.map(live).into());
    let order: Vec<_> = seen.iter().map(|seen| seen.device.name.as_str().to_owned()).collect();
    assert_eq!(order, names, "in the order they were asked for");
    let late = Some(FailureClass::Unreachable);
    let bug = Some(FailureClass::Nonsense);
    let refused = Some(FailureClass::Refused);
    let classes: Vec<_> = seen.iter().map(class).collect();
    assert_eq!(classes, [late, None, bug, None, late, refused, None]);
    let bug = &seen[2].outcome.as_ref().unwrap_err().message;
    assert!(bug.contains("this is a bug") && !bug.contains("as its name says"), "{bug}");
}

#[test]
fn everyone_is_announced_once_as_they_are_done() {
    let mut told = Vec::new();
    let calls = vec![workstation_at(&["192.0.2.5"]), live("hang-1"), live("good-1")];
    look_with(scripted, 3, calls, |seen| told.push(seen.device.name.to_string()));
    assert_eq!(told, ["good-1", "hang-1", "vms"]);
}

#[test]
fn no_more_devices_are_looked_at_at_once_than_allowed() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    struct Counting;
    #[async_trait]
    impl Driver for Counting {
        async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
            let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(now, Ordering::SeqCst);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            NOW.fetch_sub(1, Ordering::SeqCst);
            Ok((Identity::default(), camera("viewer", "users")))
        }
    }
    let calls = (0..40).map(|number| live(&format!("good-{number}"))).collect();
    let seen = look_with(|_, _| Box::new(Counting), 7, calls, |_| {});
    assert_eq!((seen.len(), MOST.load(Ordering::SeqCst)), (40, 7));
}

#[test]
fn a_file_that_cannot_be_read_is_that_devices_failure() {
    let missing = Way::Export(Box::new(|| Err(Fault::Unreachable("no such file".to_owned()))));
    let broken = Way::Export(Box::new(|| panic!("as it says")));
    let limit = Duration::from_secs(60);
    let seen = look_at(vec![call("a", missing, limit), call("b", broken, limit), live("good-1")]);
    let classes: Vec<_> = seen.iter().map(class).collect();
    assert_eq!(classes, [Some(FailureClass::Unreachable), Some(FailureClass::Nonsense), None]);
    assert_eq!((seen[0].device.source, seen[2].device.source), (Source::File, Source::Live));
}

#[test]
fn a_log_that_was_not_read_whole_clears_nobody_and_still_accuses() {
    fn cut(user: &str, group: &str) -> Facts {
        let Facts::Camera(mut camera) = camera(user, group) else { panic!("it is a camera") };
        camera.web_log = camera.web_log.map(|log| WebLogSummary { cut: true, ..log });
        Facts::Camera(camera)
    }
    struct Cut(Facts);
    #[async_trait]
    impl Driver for Cut {
        async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
            Ok((Identity::default(), self.0.clone()))
        }
    }
    let seen_whole = |open| {
        let calls = vec![workstation_at(&["192.0.2.5"]), live("good-1")];
        logins(&look_with(open, 2, calls, |_| {})).seen().is_some()
    };
    assert!(!seen_whole(|_, _| Box::new(Cut(cut("viewer", "users")))));
    assert!(seen_whole(|_, _| Box::new(Cut(cut("root", "admins")))));
}

#[test]
fn storage_is_declared_and_unread() {
    let seen = look_at(vec![call("nas", Way::Storage, Duration::from_secs(60))]);
    assert_eq!((seen[0].device.kind, seen[0].device.source), (Kind::Nas, Source::Declared));
    let Ok(Facts::Nas(facts)) = &seen[0].outcome else { panic!("{:?}", seen[0].outcome) };
    assert!(matches!(&facts.redundant_raid, Fact::Unreadable(why) if why.contains("vouch")));
}

#[test]
fn the_cameras_logs_tell_how_the_workstation_logs_in() {
    let seen = look_at(vec![workstation_at(&["192.0.2.5"]), live("good-1"), live("admin-1")]);
    let found: Vec<_> = logins(&seen)
        .seen()
        .unwrap()
        .iter()
        .map(|it| (it.camera.as_str(), it.user.as_str(), it.administrator.seen().copied()))
        .collect();
    let wanted = [
        ("admin-1", "gone", None),
        ("admin-1", "root", Some(true)),
        ("good-1", "gone", None),
        ("good-1", "viewer", Some(false)),
    ];
    assert_eq!(found, wanted);
    assert!(
        logins(&seen).seen().unwrap().iter().all(|it| it.from.to_string() == "192.0.2.5"),
        "one address, however it is written"
    );
}

#[test]
fn one_unread_log_keeps_the_workstation_from_being_cleared() {
    let seen = look_at(vec![workstation_at(&["192.0.2.5"]), live("good-1"), live("silent-1")]);
    assert!(
        matches!(logins(&seen), Fact::Unreadable(why) if why.contains("1 of 2") && why.contains("silent-1"))
    );
    let seen = look_at(vec![workstation_at(&["192.0.2.5"]), live("good-1"), live("refuse-1")]);
    assert!(matches!(logins(&seen), Fact::Unreadable(why) if why.contains("refuse-1")));
}

#[test]
fn one_log_is_enough_to_accuse_the_workstation() {
    let seen = look_at(vec![live("admin-1"), live("hang-1"), workstation_at(&["192.0.2.5"])]);
    let found = logins(&seen).seen().unwrap();
    assert!(found.iter().any(|login| login.administrator == Fact::Seen(true)));
}

#[test]
fn a_workstation_nobody_can_tell_about_is_unread() {
    for calls in [
        vec![workstation_at(&["192.0.2.5"])],
        vec![workstation_at(&[]), live("good-1")],
        vec![workstation_at(&["192.0.2.5"]), live("silent-1")],
    ] {
        let seen = look_at(calls);
        assert!(matches!(logins(&seen), Fact::Unreadable(_)), "{:?}", logins(&seen));
    }
}
