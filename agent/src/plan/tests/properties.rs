//! No plan breaks a rule of safety, whatever was seen and whatever the policy says.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use proto::{Verdict, Waiver};

use super::*;
use crate::facts::{AuthSetting, KeyState, TlsSighting, VpnClient};

/// Addresses of a small world, so that they meet now and then.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        9 => (0..4u8, 0..4u8).prop_map(|(a, b)| IpAddr::V4(Ipv4Addr::new(10, a, 0, b))),
        1 => (0..3u16).prop_map(|n| IpAddr::V6([0x2001, 0xdb8, 0, 0, 0, 0, 0, n].into())),
    ]
}

fn names() -> impl Strategy<Value = Vec<(&'static str, &'static str, bool)>> {
    let name = proptest::sample::select(vec!["audit", "admin", "kim", "eve", "old"]);
    let group = proptest::sample::select(vec!["admins", "users", "guards"]);
    proptest::collection::vec((name, group, any::<bool>()), 0..6)
}

prop_compose! {
    fn policy()(
        stances in proptest::collection::vec(0..3u8, 22),
        allowed in proptest::collection::vec((address(), 0..=32u8), 0..3),
        vms in proptest::collection::vec(address(), 0..3),
        nas in proptest::collection::vec(address(), 0..3),
        expected in names(),
        groups in any::<bool>(),
        ports in (proptest::option::of(1..3u16), proptest::option::of(3..5u16)),
        waived in proptest::option::of(0..22usize),
    ) -> Policy {
        let mut policy = Policy::default();
        for (measure, stance) in Camera::ALL.iter().zip(stances) {
            let stance = [Stance::Ignore, Stance::Report, Stance::Enforce][usize::from(stance)];
            policy.stances.insert(Measure::Camera(*measure), stance);
        }
        policy.networks.allowed =
            allowed.into_iter().filter_map(|(ip, length)| ipnet::IpNet::new(ip, length).ok()).collect();
        (policy.networks.vms, policy.networks.nas) = (vms, nas);
        policy.accounts.expected = expected.into_iter().map(|(name, group, _)| {
            proto::policy::ExpectedAccount { name: name.to_owned(), group: group.to_owned() }
        }).collect();
        if groups {
            let rights = BTreeSet::from(["live_acl".to_owned()]);
            let one = |name: &str| proto::policy::ExpectedGroup { name: name.to_owned(), rights: rights.clone() };
            policy.accounts.groups = vec![one("guards"), one("users")];
        }
        (policy.change.http_port, policy.change.https_port) = ports;
        policy.waivers.extend(waived.map(|at| Waiver {
            measure: Measure::Camera(Camera::ALL[at]),
            devices: vec![],
            reason: "r".to_owned(),
            owner: "o".to_owned(),
            expires: "2999-01-01".parse().unwrap(),
        }));
        policy
    }
}

prop_compose! {
    fn camera()(
        own in proptest::option::of(address()),
        accounts in proptest::option::of(names()),
        list in proptest::option::of(any::<bool>()),
        intrusion in proptest::option::of(any::<bool>()),
        flags in proptest::collection::vec(any::<bool>(), 6),
        ports in proptest::collection::vec((1..8u16, any::<Option<bool>>()), 0..5),
        profiles in 0..3usize,
    ) -> CameraFacts {
        let mut facts = CameraFacts::unread("nobody looked");
        if let Some(own) = own { facts.own_address = Fact::Seen(own); }
        if let Some(all) = accounts {
            let one = |(name, group, factory): (&str, &str, bool)| {
                Account { factory_password: Fact::Seen(factory), ..account(name, group) }
            };
            facts.accounts = Fact::Seen(all.into_iter().map(one).collect());
            facts.groups = Fact::Seen(BTreeMap::from([("admins".to_owned(), BTreeSet::new())]));
        }
        if let Some(enabled) = list {
            facts.ip_access = sure(IpAccess { enabled, rules: vec![], refuses_others: Some(false) });
        }
        if let Some(enabled) = intrusion {
            facts.intrusion =
                sure(Intrusion { enabled, threshold: Some(20), blocks: Some(false), notifies: None });
        }
        if flags[0] { facts.robots = Fact::Seen(Robots::AllowsSome); }
        if flags[1] { facts.auth_setting = sure(AuthSetting::Auto); }
        if flags[2] { facts.tls = Fact::Seen(TlsSighting::None); }
        if flags[3] { facts.recording_key = sure(KeyState::Empty); }
        if flags[4] { facts.dot1x = sure(false); }
        if flags[5] { facts.vpn = sure(VpnClient { enabled: true, server_named: false }); }
        facts.web_ports = Fact::Seen(
            ports.into_iter().map(|(port, open)| PortSighting { port, open }).collect(),
        );
        facts.notify_profiles = Fact::Seen((0..profiles).map(|n| NotifyProfile {
            section: "mail".to_owned(), id: format!("m{n}"), name: None, dead_end: None,
        }).collect());
        facts
    }
}

/// What the guide, the design and plain caution forbid, said without the code that keeps it.
fn check(
    plan: &DevicePlan,
    facts: &CameraFacts,
    must: &BTreeSet<IpAddr>,
) -> Result<(), TestCaseError> {
    let mut list_is_on = facts.ip_access.seen().is_some_and(|access| access.value.enabled);
    let mut cuts_off = false;
    for step in &plan.steps {
        prop_assert!(
            !cuts_off || step.change.risk() == Risk::CutOff,
            "what may cut us off is last"
        );
        cuts_off = step.change.risk() == Risk::CutOff;
        match &step.change {
            Change::RestrictAddresses(list) => {
                prop_assert!(facts.own_address.seen().is_some());
                prop_assert!(must.iter().all(|address| list.admits(*address)), "{list:?} {must:?}");
                prop_assert!(!list.is_void());
                list_is_on = true;
            }
            Change::DetectIntrusion { .. } => prop_assert!(list_is_on, "C07 before C08"),
            Change::RemoveAccount { name } | Change::MoveAccount { name, .. } => {
                prop_assert_ne!(name.as_str(), "audit");
            }
            Change::SetGroups(groups) => prop_assert!(!groups.contains_key("admins")),
            Change::MoveWebPort { .. } => {
                let open =
                    facts.web_ports.seen().unwrap().iter().filter(|it| it.open == Some(true));
                prop_assert!(open.count() >= 2, "no way back");
            }
            _ => {}
        }
    }
    let windows = |certificate: bool| {
        plan.tasks.iter().filter_map(move |task| match &task.kind {
            TaskKind::Rotate { credential: Credential::Certificate, window } if certificate => {
                Some(*window)
            }
            TaskKind::Rotate { credential: Credential::Password { .. }, window }
                if !certificate =>
            {
                Some(*window)
            }
            _ => None,
        })
    };
    for certificate in windows(true) {
        prop_assert!(windows(false).all(|password| certificate < password), "TLS before passwords");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_plan_breaks_a_rule_of_safety(
        policy in policy(),
        facts in camera(),
        vms in proptest::collection::btree_set(address(), 0..3),
        nas in proptest::collection::btree_set(address(), 0..3),
        unknown in any::<u32>(),
    ) {
        let must: BTreeSet<IpAddr> =
            vms.iter().chain(&nas).copied().chain(facts.own_address.seen().copied()).collect();
        let surroundings = Surroundings { vms, nas };
        let mut asked = 0;
        let plan = drawn_with(&facts, &policy, &surroundings, &mut |_| {
            asked += 1;
            if unknown >> (asked % 32) & 3 == 0 {
                Err(Untranslated::Unknown("learn it".to_owned()))
            } else {
                Ok(edit())
            }
        });
        check(&plan, &facts, &must)?;
        let own = facts.own_address.seen().copied();
        prop_assert_eq!(violations(&plan, own, &must), Vec::<String>::new());
        // Nothing is done that nobody asked for, and nothing that was asked for is passed over in silence.
        for conclusion in conclusions(&facts, &policy) {
            let (finding, code) = (&conclusion.finding, conclusion.finding.measure);
            let wanted = finding.stance == Stance::Enforce && !finding.waived;
            let named = plan.steps.iter().any(|step| step.measure == code)
                || plan.tasks.iter().any(|task| task.measure == code);
            if !wanted {
                prop_assert!(!plan.tasks.iter().any(|task| task.measure == code), "{}", code);
            } else if finding.judgment == Verdict::Unmet || finding.judgment == Verdict::Unknown {
                prop_assert!(named || shared(code, &plan), "{} is passed over", code);
            }
        }
    }
}

/// The password of an account that C05 misses is made once, whichever of C03 and C05 asks for it first.
fn shared(code: Measure, plan: &DevicePlan) -> bool {
    let passwords = plan.tasks.iter().any(|task| {
        matches!(&task.kind, TaskKind::Rotate { credential: Credential::Password { .. }, .. })
    });
    matches!(code.code(), "C03" | "C05") && passwords
}
