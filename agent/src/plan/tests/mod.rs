mod properties;
mod rollout;

use proto::{Camera, Policy, Stance};

use super::*;
use crate::change::{AddressList, Shows, Takes, Untranslated};
use crate::facts::{
    Account, CameraFacts, Confidence, Device, Fact, Facts, Intrusion, IpAccess, Kind,
    NotifyProfile, PortSighting, Robots, Setting, Source, SourceSummary, WebLogSummary,
};
use crate::firmware::Advisories;
use crate::measures::{Conclusion, conclude};
use crate::site::Site;

/// A policy that enforces every camera measure.
fn enforcing() -> Policy {
    let mut policy = Policy::default();
    for measure in Camera::ALL {
        policy.stances.insert(Measure::Camera(*measure), Stance::Enforce);
    }
    policy.networks.allowed = vec!["10.1.0.0/16".parse().unwrap()];
    policy
}

fn device() -> Device {
    Device {
        name: "yard".parse().unwrap(),
        kind: Kind::Mobotix,
        source: Source::Live,
        address: "https://10.1.2.3:443".to_owned(),
        product: Some("MOBOTIX P3".to_owned()),
        model: None,
        firmware: None,
        serial: None,
        pin: None,
    }
}

fn conclusions(facts: &CameraFacts, policy: &Policy) -> Vec<Conclusion> {
    let (advisories, device) = (Advisories::default(), device().name);
    let site = Site {
        policy,
        advisories: &advisories,
        device: &device,
        now: Timestamp::from_unix(1_800_000_000),
        attestations: &[],
        vms_addresses: &[],
    };
    conclude(&Facts::Camera(Box::new(facts.clone())), &site)
}

/// An edit that could be anybody's.
fn edit() -> Edit {
    let line = crate::change::LineEdit {
        section: "a".to_owned(),
        before: None,
        after: Some("B=1".to_owned()),
    };
    Edit {
        lines: vec![line],
        takes: Takes::Update,
        shows: Shows::Behaviour,
        digest: Digest::of(b"B=1"),
    }
}

/// Draws the plan of a camera on which every change can be made.
fn drawn(facts: &CameraFacts, policy: &Policy, surroundings: &Surroundings) -> DevicePlan {
    drawn_with(facts, policy, surroundings, &mut |_| Ok(edit()))
}

fn drawn_with(
    facts: &CameraFacts,
    policy: &Policy,
    surroundings: &Surroundings,
    translate: &mut Translate<'_>,
) -> DevicePlan {
    let (device, conclusions) = (device(), conclusions(facts, policy));
    let subject = Subject {
        device: &device,
        user: Some("audit"),
        facts,
        conclusions: &conclusions,
        configuration: Digest::of(b"configuration"),
        surroundings,
        rotates: &|_| Ok(()),
    };
    draw(&subject, translate)
}

fn sure<T>(value: T) -> Fact<Setting<T>> {
    Fact::Seen(Setting { value, confidence: Confidence::Observed })
}

fn account(name: &str, group: &str) -> Account {
    let factory_password = Fact::Seen(false);
    Account { name: name.to_owned(), group: group.to_owned(), factory_password }
}

/// A camera with no access list and no intrusion detection, which lets crawlers in.
fn open_camera() -> CameraFacts {
    let mut facts = CameraFacts::unread("nobody looked");
    facts.robots = Fact::Seen(Robots::AllowsSome);
    facts.ip_access = sure(IpAccess { enabled: false, rules: vec![], refuses_others: None });
    facts.intrusion =
        sure(Intrusion { enabled: false, threshold: None, blocks: None, notifies: None });
    facts.own_address = Fact::Seen("10.9.0.5".parse().unwrap());
    facts.accounts = Fact::Seen(vec![account("audit", "admins")]);
    facts.notify_profiles = Fact::Seen(vec![NotifyProfile {
        section: "ipnotify".to_owned(),
        id: "ip0".to_owned(),
        name: None,
        dead_end: None,
    }]);
    facts
}

fn codes(plan: &DevicePlan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.measure.code()).collect()
}

#[track_caller]
fn task<'p>(plan: &'p DevicePlan, code: &str) -> &'p Task {
    let mut tasks = plan.tasks.iter().filter(|task| task.measure.code() == code);
    tasks.next().unwrap_or_else(|| panic!("no task for {code}: {plan:?}"))
}

#[test]
fn what_the_policy_does_not_enforce_is_left_alone() {
    let facts = open_camera();
    let plan = drawn(&facts, &Policy::default(), &Surroundings::default());
    assert!(plan.steps.is_empty() && plan.tasks.is_empty(), "{plan:?}");
    let mut one = Policy::default();
    one.stances.insert("C09".parse().unwrap(), Stance::Enforce);
    assert_eq!(codes(&drawn(&facts, &one, &Surroundings::default())), ["C09"]);
}

#[test]
fn the_list_comes_before_intrusion_detection_and_harmless_changes_before_both() {
    let plan = drawn(&open_camera(), &enforcing(), &Surroundings::default());
    assert_eq!(codes(&plan), ["C09", "C07", "C08"]);
    assert_eq!(plan.steps.iter().map(|step| step.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn intrusion_detection_waits_for_a_list_that_cannot_be_written_yet() {
    let unknown = |change: &Change| match change {
        Change::RestrictAddresses(_) => Err(Untranslated::Unknown("learn it".to_owned())),
        _ => Ok(edit()),
    };
    let surroundings = Surroundings::default();
    let plan = drawn_with(&open_camera(), &enforcing(), &surroundings, &mut { unknown });
    assert_eq!(codes(&plan), ["C09"]);
    assert_eq!(task(&plan, "C07").kind, TaskKind::Learn);
    assert!(task(&plan, "C08").words.contains("comes first (C07)"), "{plan:?}");
}

#[test]
fn the_list_holds_agent_workstation_and_storage_whatever_the_policy_names() {
    let surroundings = Surroundings {
        vms: ["192.0.2.9".parse().unwrap()].into(),
        nas: ["::ffff:192.0.2.20".parse().unwrap()].into(),
    };
    let unknown = drawn(&open_camera(), &enforcing(), &surroundings);
    assert!(task(&unknown, "C07").words.contains("192.0.2.20 is storage"), "{unknown:?}");
    let mut policy = enforcing();
    policy.networks.nas = vec!["192.0.2.20".parse().unwrap()];
    let plan = drawn(&open_camera(), &policy, &surroundings);
    let lists = plan.steps.iter().filter_map(|step| match &step.change {
        Change::RestrictAddresses(list) => Some(list),
        _ => None,
    });
    let lists: Vec<&AddressList> = lists.collect();
    for address in ["10.1.7.7", "10.9.0.5", "192.0.2.9", "192.0.2.20"] {
        assert!(lists[0].admits(address.parse().unwrap()), "{address}");
    }
    assert!(!lists[0].admits("10.9.0.6".parse().unwrap()));
}

#[test]
fn a_list_that_would_lock_somebody_out_is_never_proposed() {
    let mut unknown = open_camera();
    unknown.own_address = Fact::unreadable("translated on the way");
    let plan = drawn(&unknown, &enforcing(), &Surroundings::default());
    assert_eq!(codes(&plan), ["C09"]);
    assert!(task(&plan, "C07").words.contains("would lock us out"), "{plan:?}");
    let six =
        Surroundings { vms: ["2001:db8::7".parse().unwrap()].into(), ..Surroundings::default() };
    let plan = drawn(&open_camera(), &enforcing(), &six);
    assert!(task(&plan, "C07").words.contains("2001:db8::7"), "{plan:?}");
}

#[test]
fn the_account_that_we_log_in_as_is_never_touched() {
    let mut policy = enforcing();
    let expected = |name: &str, group: &str| proto::policy::ExpectedAccount {
        name: name.to_owned(),
        group: group.to_owned(),
    };
    policy.accounts.expected = vec![expected("kim", "users"), expected("eve", "users")];
    let mut facts = open_camera();
    let accounts = [("audit", "admins"), ("kim", "guests"), ("eve", "users"), ("old", "users")];
    facts.accounts = Fact::Seen(accounts.map(|(name, group)| account(name, group)).to_vec());
    let plan = drawn(&facts, &policy, &Surroundings::default());
    assert_eq!(codes(&plan), ["C09", "C05", "C05", "C07", "C08"]);
    assert_eq!(plan.steps[1].words, "move \"kim\" to the group \"users\"");
    assert_eq!(plan.steps[2].words, "remove the account \"old\"");
    assert!(task(&plan, "C05").words.contains("the account that we log in as"), "{plan:?}");
}

#[test]
fn who_else_is_touched_is_told_from_the_cameras_log() {
    let source = |user: Option<&str>| SourceSummary {
        successful: 3,
        users: user.map(str::to_owned).into_iter().collect(),
        ..SourceSummary::default()
    };
    let sources = [
        ("10.1.3.3", source(Some("kim"))),
        ("203.0.113.4", source(Some("kim"))),
        ("10.9.0.5", source(Some("audit"))),
    ];
    let mut facts = open_camera();
    facts.web_log = Fact::Seen(WebLogSummary {
        sources: sources.map(|(address, seen)| (address.parse().unwrap(), seen)).into(),
        ..WebLogSummary::default()
    });
    facts.own_reboots = Fact::Seen(vec!["03:30 by the camera's clock, every day".to_owned()]);
    let plan = drawn(&facts, &enforcing(), &Surroundings::default());
    let harm = &plan.steps[1].harm;
    assert_eq!(harm.others, ["203.0.113.4 gets in today and would be shut out (as kim)"]);
    assert!(harm.way_back.as_deref().unwrap().contains("03:30"), "{harm:?}");
}

#[test]
fn a_port_moves_only_while_the_other_door_is_the_way_back() {
    let mut policy = enforcing();
    (policy.change.http_port, policy.change.https_port) = (Some(8080), Some(8443));
    let mut facts = open_camera();
    let seen = |port, open| PortSighting { port, open: Some(open) };
    facts.web_ports = Fact::Seen(vec![seen(80, true), seen(443, true)]);
    let plan = drawn(&facts, &policy, &Surroundings::default());
    assert_eq!(codes(&plan), ["C09", "C07", "C08", "C15", "C15"]);
    assert_eq!(plan.steps[3].words, "move HTTPS to port 8443");
    facts.web_ports = Fact::Seen(vec![seen(80, false), seen(443, true)]);
    let plan = drawn(&facts, &policy, &Surroundings::default());
    assert!(task(&plan, "C15").words.contains("as the way back"), "{plan:?}");
}

#[test]
fn certificate_and_passwords_have_windows_of_their_own_and_tls_comes_first() {
    let mut facts = open_camera();
    let mut admin = account("admin", "admins");
    admin.factory_password = Fact::Seen(true);
    facts.accounts = Fact::Seen(vec![admin, account("audit", "admins")]);
    facts.tls = Fact::Seen(crate::facts::TlsSighting::None);
    facts.recording_key = sure(crate::facts::KeyState::Empty);
    let plan = drawn(&facts, &enforcing(), &Surroundings::default());
    let windows: BTreeMap<&str, u32> = plan
        .tasks
        .iter()
        .filter_map(|task| match &task.kind {
            TaskKind::Rotate { window, .. } => Some((task.measure.code(), *window)),
            TaskKind::Person | TaskKind::Learn => None,
        })
        .collect();
    assert_eq!(windows, BTreeMap::from([("C16", 2), ("C03", 3), ("C11", 4)]));
}

#[test]
fn a_plan_reads_back_and_one_that_somebody_changed_is_refused() {
    let device = drawn(&open_camera(), &enforcing(), &Surroundings::default());
    let now = Timestamp::from_unix(1_800_000_000);
    let plan = Plan::new(now, &enforcing().change, None, vec![device], vec![]);
    let text = serde_json::to_string_pretty(&plan).unwrap();
    assert_eq!(Plan::parse(text.as_bytes()), Ok(plan.clone()));
    let wider = text.replace("10.1.0.0/16", "10.0.0.0/8");
    assert_ne!(text, wider);
    assert_eq!(Plan::parse(wider.as_bytes()), Err(BadPlan::Changed));
    let other = text.replace("\"palisade_plan\": 1", "\"palisade_plan\": 2");
    assert_eq!(Plan::parse(other.as_bytes()), Err(BadPlan::OtherFormat(2)));
    assert!(matches!(Plan::parse(b"{}"), Err(BadPlan::Unreadable(_))));
    let shown = write(&plan);
    for says in ["1. C09  tell crawlers", "+ a: B=1", "may cut us off", "undo: ", "no return: "] {
        assert!(shown.contains(says), "{says}\n{shown}");
    }
}

#[test]
fn a_finished_plan_is_asked_again_before_it_is_carried_out() {
    let plan = drawn(&open_camera(), &enforcing(), &Surroundings::default());
    let own: IpAddr = "10.9.0.5".parse().unwrap();
    assert_eq!(violations(&plan, Some(own), &BTreeSet::new()), Vec::<String>::new());
    // The agent has moved, or a workstation has come: the list no longer holds everybody.
    let elsewhere = violations(&plan, Some("10.9.0.6".parse().unwrap()), &BTreeSet::new());
    assert!(elsewhere[0].contains("10.9.0.6"), "{elsewhere:?}");
    let newcomer = violations(&plan, Some(own), &["192.0.2.1".parse().unwrap()].into());
    assert!(newcomer[0].contains("192.0.2.1"), "{newcomer:?}");
    assert!(!violations(&plan, None, &BTreeSet::new()).is_empty());
    let mut swapped = plan.clone();
    swapped.steps.swap(1, 2);
    assert!(violations(&swapped, Some(own), &BTreeSet::new())[0].contains("too late"));
}
