//! What holds for all measures together: 32 findings whatever was read, and nothing met by silence or inference.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proto::{Evidence, Finding, Measure, Proof, Verdict};

use super::testing::*;
use super::{assess, guidance};
use crate::facts::*;
use crate::firmware::Version;

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.measure.code()).collect()
}

fn find<'a>(findings: &'a [Finding], code: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.measure.code() == code).unwrap()
}

fn unread_devices() -> [Facts; 3] {
    [
        Facts::Camera(Box::new(CameraFacts::unread(UNREAD))),
        Facts::Vms(unread_vms()),
        Facts::Nas(NasFacts::unread(UNREAD)),
    ]
}

#[test]
fn every_device_gets_all_32_in_the_guides_order_and_silence_is_never_met() {
    let expected: Vec<&str> = Measure::all().map(Measure::code).collect();
    for facts in unread_devices() {
        let findings = assess(&facts, &Around::default().site());
        assert_eq!(codes(&findings), expected);
        for finding in &findings {
            let silent = matches!(finding.judgment, Verdict::Unknown | Verdict::NotApplicable);
            assert!(silent, "{}: {}", finding.measure, finding.observed);
        }
    }
}

#[test]
fn a_device_is_told_whom_the_other_chapters_concern() {
    let [camera, vms, nas] =
        unread_devices().map(|facts| assess(&facts, &Around::default().site()));
    for (findings, own, others) in [(&camera, 22, 10), (&vms, 5, 27), (&nas, 5, 27)] {
        let count = |verdict| findings.iter().filter(|finding| finding.judgment == verdict).count();
        assert_eq!((count(Verdict::Unknown), count(Verdict::NotApplicable)), (own, others));
    }
    assert!(find(&camera, "N04").observed.contains("a question for the storage"));
    assert!(find(&camera, "V01").observed.contains("a question for the video workstation"));
    assert!(find(&nas, "C07").observed.contains("a question for the cameras"));
    assert!(find(&vms, "N04").observed.contains("not for this device"));
}

#[test]
fn a_camera_answers_for_the_workstation_once_its_address_is_known() {
    let [camera, ..] = unread_devices();
    let mut around = Around::default();
    assert!(find(&assess(&camera, &around.site()), "V04").observed.contains("networks.vms"));
    around.policy.networks.vms = addresses(["192.168.7.7"]);
    assert_eq!(find(&assess(&camera, &around.site()), "V04").judgment, Verdict::Unknown);
}

#[test]
fn a_finding_carries_stance_waiver_evidence_and_guidance() {
    let mut camera = CameraFacts::unread(UNREAD);
    camera.dot1x = sure(false);
    camera.evidence.note("dot1x", "configuration line 12", "DOT1X=0");
    camera.evidence.note("vpn", "configuration line 13", "USE_VPN=0");
    let waiver = "measure='C20'\nreason='no switch'\nowner='Kim'\nexpires='2027-01-01'";
    let text = format!("[stances]\nC20 = 'enforce'\n[[waivers]]\n{waiver}\n");
    let policy = proto::Policy::from_toml(&text).unwrap();
    let around = Around { policy, ..Around::default() };
    let findings = assess(&Facts::Camera(Box::new(camera)), &around.site());
    let finding = find(&findings, "C20");
    assert_eq!((finding.judgment, finding.waived), (Verdict::Unmet, true));
    assert_eq!(finding.waiver.as_ref().map(|waiver| waiver.owner.as_str()), Some("Kim"));
    assert_eq!(finding.stance, proto::Stance::Enforce);
    let (source, text) = ("configuration line 12".to_owned(), "DOT1X=0".to_owned());
    assert_eq!(finding.evidence, vec![Evidence { source, text }]);
    assert_eq!(finding.expected, guidance(finding.measure).expected);
    assert!(!find(&findings, "C19").waived);
}

#[test]
fn facts_that_a_measure_names_are_fields_of_the_facts() {
    let json: Vec<serde_json::Value> =
        unread_devices().iter().map(|facts| serde_json::to_value(facts).unwrap()).collect();
    for measure in Measure::all() {
        for fact in guidance(measure).reads {
            let known = ["camera", "vms", "nas"]
                .iter()
                .zip(&json)
                .any(|(kind, facts)| facts[kind].get(fact).is_some());
            assert!(known, "{measure} reads {fact}");
        }
    }
}

#[test]
fn the_catalogue_promises_no_more_proof_than_a_measure_gives_at_best() {
    let mut camera = CameraFacts::unread(UNREAD);
    camera.messages = sure(Messages { enabled: true, key: Some(KeyState::Set) });
    let remote = vec!["mail profile ops".to_owned()];
    let [local, dangling, unread] = [const { Vec::new() }; 3];
    let notification = Notification { remote, local, dangling, unread };
    camera.storage_check = sure(StorageCheck { enabled: true, tests: Some(true), notification });
    camera.dot1x = sure(true);
    camera.vpn = sure(VpnClient { enabled: true, server_named: true });
    let findings = assess(&Facts::Camera(Box::new(camera)), &Around::default().site());
    for code in ["C12", "C14", "C17", "C20"] {
        let finding = find(&findings, code);
        assert_eq!(finding.judgment, Verdict::Met, "{code}");
        assert_eq!(finding.proof, finding.measure.proof(), "{code}");
    }
}

#[test]
fn hostile_names_stay_printable_and_bounded() {
    let mut camera = CameraFacts::unread(UNREAD);
    let name = "\u{1b}[2J\u{202e}".repeat(100_000);
    camera.accounts = Fact::Seen(vec![account(&name, &name); 100]);
    camera.model = Fact::Seen(name.clone());
    camera.vpn = Fact::Unreadable(name);
    for finding in assess(&Facts::Camera(Box::new(camera)), &Around::default().site()) {
        assert!(finding.observed.len() < 80_000, "{}", finding.measure);
        assert!(!finding.observed.chars().any(|c| c.is_control() || c == '\u{202e}'));
    }
}

/// Draws facts from bytes, so that a short list of bytes gives any mix.
struct Dice(Vec<u8>, usize);

impl Dice {
    fn roll(&mut self) -> u8 {
        self.1 += 1;
        self.0.get(self.1 % self.0.len().max(1)).copied().unwrap_or(0)
            ^ (self.1 as u8).wrapping_mul(37)
    }

    fn flip(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flip() { Some(draw(self)) } else { None }
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::from(self.roll()) % from.len()].clone()
    }

    fn fact<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Fact<T> {
        match self.roll() % 6 {
            0 => Fact::Absent,
            1 => Fact::unreadable(UNREAD),
            _ => Fact::Seen(draw(self)),
        }
    }

    fn setting<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Fact<Setting<T>> {
        let confidence =
            self.pick(&[Confidence::Inferred, Confidence::Observed, Confidence::Documented]);
        self.fact(draw).map(|value| Setting { value, confidence })
    }

    fn words(&mut self) -> Vec<String> {
        let word = |dice: &mut Self| {
            dice.pick(&["", "live_acl", "admins", "\u{7}", "basic", "digest", "allow ::/0"])
                .to_owned()
        };
        (0..self.roll() % 4).map(|_| word(self)).collect()
    }

    fn address(&mut self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(self.roll(), self.roll(), self.roll(), self.roll()))
    }

    fn notification(&mut self) -> Notification {
        Notification {
            remote: self.words(),
            local: self.words(),
            dangling: self.words(),
            unread: self.words(),
        }
    }

    fn account(&mut self) -> Account {
        let factory_password = self.fact(Self::flip);
        Account {
            factory_password,
            ..account(
                self.pick(&["admin", "kim", ""]),
                self.pick(&["admins", "users", "undefined"]),
            )
        }
    }

    fn log(&mut self) -> WebLogSummary {
        let source = |dice: &mut Self| SourceSummary {
            successful: dice.roll().into(),
            failed: dice.roll().into(),
            nameless: dice.roll().into(),
            last_failed: None,
            users: dice.words().into_iter().collect(),
        };
        let sources = (0..self.roll() % 3).map(|_| (self.address(), source(self))).collect();
        WebLogSummary {
            rows: self.roll().into(),
            odd_rows: u32::from(self.roll() % 2),
            cut: self.flip(),
            oldest: None,
            newest: None,
            counted: self.flip(),
            own: None,
            sources,
            lines: Vec::new(),
        }
    }
}

/// The facts that a configuration gives; each is drawn.
fn draw_settings(dice: &mut Dice, camera: &mut CameraFacts) {
    camera.public_rights = dice.setting(|d| d.words().into_iter().collect());
    camera.ip_access = dice.setting(|d| IpAccess {
        enabled: d.flip(),
        rules: d.words(),
        refuses_others: d.maybe(Dice::flip),
    });
    camera.intrusion = dice.setting(|d| Intrusion {
        enabled: d.flip(),
        threshold: d.maybe(|d| d.roll().into()),
        blocks: d.maybe(Dice::flip),
        notifies: d.maybe(Dice::flip),
    });
    camera.crawling = dice.setting(|d| d.pick(&[Crawling::Allowed, Crawling::Forbidden]));
    camera.auth_setting =
        dice.setting(|d| d.pick(&[AuthSetting::Basic, AuthSetting::Digest, AuthSetting::Auto]));
    camera.recording_key = dice.setting(|d| d.pick(&[KeyState::Set, KeyState::Empty]));
    camera.messages = dice.setting(|d| Messages {
        enabled: d.flip(),
        key: d.maybe(|d| d.pick(&[KeyState::Set, KeyState::Empty])),
    });
    camera.error_notification = dice.setting(Dice::notification);
    camera.storage_check = dice.setting(|d| StorageCheck {
        enabled: d.flip(),
        tests: d.maybe(Dice::flip),
        notification: d.notification(),
    });
    camera.vpn = dice.setting(|d| VpnClient { enabled: d.flip(), server_named: d.flip() });
    camera.vlan = dice.setting(Dice::flip);
    camera.dot1x = dice.setting(Dice::flip);
}

/// The facts that behaviour gives; each is drawn.
fn draw_behaviour(dice: &mut Dice, camera: &mut CameraFacts) {
    camera.firmware =
        dice.fact(|d| Version { numbers: [4, d.roll().into(), u32::MAX, 0], revision: 0 });
    camera.model = dice.fact(|_| "M16".to_owned());
    camera.accounts = dice.fact(|d| (0..d.roll() % 4).map(|_| d.account()).collect());
    camera.login_password = dice.fact(Dice::words);
    camera.groups = dice.fact(|d| {
        d.words().into_iter().map(|group| (group, BTreeSet::new())).collect::<BTreeMap<_, _>>()
    });
    camera.public_pages = dice.fact(|d| {
        vec![PublicPage { path: "/".to_owned(), status: u16::from(d.roll()) * 4, served: d.flip() }]
    });
    camera.robots = dice.fact(|d| {
        d.pick(&[Robots::DisallowsAll, Robots::AllowsSome, Robots::NoPage, Robots::WantsLogin])
    });
    camera.auth_offered = dice.fact(|d| d.words().into_iter().collect());
    camera.basic_login = dice.fact(|d| d.pick(&[BasicLogin::Accepted, BasicLogin::Refused]));
    camera.web_ports =
        dice.fact(|d| vec![PortSighting { port: d.pick(&[80, 443]), open: d.maybe(Dice::flip) }]);
    camera.tls = dice.fact(|d| d.pick(&[TlsSighting::None, TlsSighting::Legacy("x".to_owned())]));
    camera.addresses = dice.fact(|d| vec![d.address()]);
    camera.web_log = dice.fact(Dice::log);
    camera.clear_secrets = dice.fact(|d| d.roll().into());
}

fn make_inferred(camera: &mut CameraFacts) {
    fn infer<T>(fact: &mut Fact<Setting<T>>) {
        if let Fact::Seen(setting) = fact {
            setting.confidence = Confidence::Inferred;
        }
    }
    infer(&mut camera.public_rights);
    infer(&mut camera.ip_access);
    infer(&mut camera.intrusion);
    infer(&mut camera.crawling);
    infer(&mut camera.auth_setting);
    infer(&mut camera.recording_key);
    infer(&mut camera.messages);
    infer(&mut camera.error_notification);
    infer(&mut camera.storage_check);
    infer(&mut camera.vpn);
    infer(&mut camera.vlan);
    infer(&mut camera.dot1x);
}

proptest! {
    #[test]
    fn any_mix_of_facts_gives_32_sober_findings(
        bytes in proptest::collection::vec(any::<u8>(), 1..200),
        networks in any::<bool>(),
    ) {
        let mut dice = Dice(bytes, 0);
        let mut camera = CameraFacts::unread(UNREAD);
        draw_settings(&mut dice, &mut camera);
        draw_behaviour(&mut dice, &mut camera);
        let mut around = Around { vms_addresses: vec![dice.address()], ..Around::default() };
        if networks {
            around.policy.networks.allowed = vec!["0.0.0.0/1".parse().unwrap()];
        }
        let findings = assess(&Facts::Camera(Box::new(camera)), &around.site());
        prop_assert_eq!(codes(&findings), Measure::all().map(Measure::code).collect::<Vec<_>>());
        for finding in &findings {
            prop_assert!(!finding.observed.is_empty());
            prop_assert!(!finding.observed.chars().any(char::is_control));
            if finding.judgment == Verdict::Met {
                // No measure is prouder than the catalogue allows.
                prop_assert!(finding.proof >= finding.measure.proof() && finding.proof != Proof::Attested);
            }
            prop_assert!(!finding.waived);
        }
    }

    #[test]
    fn inferred_settings_alone_never_acquit(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let mut camera = CameraFacts::unread(UNREAD);
        draw_settings(&mut Dice(bytes, 0), &mut camera);
        make_inferred(&mut camera);
        for finding in assess(&Facts::Camera(Box::new(camera)), &Around::default().site()) {
            let said = format!("{}: {}", finding.measure, finding.observed);
            prop_assert!(finding.judgment != Verdict::Met, "{}", said);
            let sober = finding.judgment != Verdict::Unmet || finding.proof == Proof::Partial;
            prop_assert!(sober, "{}", said);
        }
    }
}
