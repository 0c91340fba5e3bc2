//! Reports of ordinary and of hostile devices.

use proto::{Measure, Policy};

use super::*;
use crate::facts::{CameraFacts, Fact, Facts, Source, SourceSummary, WebLogSummary};
use crate::firmware::Advisories;
use crate::site::Site;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
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

/// A camera whose log shows so many accesses of somebody.
fn facts(address: &str, successful: u32) -> CameraFacts {
    let mut facts = CameraFacts::unread("it is a test");
    let source = SourceSummary { successful, ..SourceSummary::default() };
    let sources = [(address.parse().unwrap(), source)].into();
    let log =
        WebLogSummary { rows: successful, sources, counted: true, ..WebLogSummary::default() };
    facts.evidence.note("web_log", "GET /log", &format!("{successful} rows, 1 source"));
    facts.web_log = Fact::Seen(log);
    facts
}

fn judged(facts: CameraFacts) -> Vec<Finding> {
    let mut policy = Policy::default();
    policy.networks.allowed = vec!["10.1.0.0/16".parse().unwrap()];
    let device = device();
    let site = Site {
        policy: &policy,
        advisories: &Advisories::builtin(),
        device: &device.name,
        now: at(0),
        attestations: &[],
        vms_addresses: &[],
    };
    measures::assess(&Facts::Camera(Box::new(facts)), &site)
}

fn told(findings: &[Finding], seconds: i64, generation: u64) -> v1::DeviceReport {
    report(&Known {
        device: &device(),
        observed_at: at(seconds),
        failure: None,
        found_at: Some(at(seconds)),
        findings,
        signs: Vec::new(),
        generation,
    })
}

#[test]
fn every_report_is_one_that_the_other_side_takes() {
    let wire = told(&judged(facts("10.1.2.9", 3)), 0, 1);
    let read = Report::try_from(wire.clone()).unwrap();
    assert_eq!(read.findings.len(), 32);
    let measures: Vec<_> = Measure::all().map(About::Measure).collect();
    assert_eq!(read.findings.iter().map(|found| found.about).collect::<Vec<_>>(), measures);
    assert!(size(&wire) < 16 << 10, "{} bytes", size(&wire));
}

#[test]
fn a_log_that_only_grew_is_no_news_and_a_new_address_in_it_is() {
    let first = told(&judged(facts("10.1.2.9", 21)), 0, 1);
    let grown = told(&judged(facts("10.1.2.9", 49)), 3600, 2);
    assert_eq!(digest(&first), digest(&grown));
    assert_eq!(unchanged(&grown).digest, digest(&first));
    let stranger = told(&judged(facts("203.0.113.77", 49)), 3600, 2);
    assert_ne!(digest(&first), digest(&stranger));
}

#[test]
fn a_device_full_of_words_is_cut_and_keeps_its_verdicts() {
    let mut findings = judged(facts("10.1.2.9", 3));
    for finding in &mut findings {
        finding.observed = "\u{202e}ü".repeat(20_000);
        finding.remedy = "x".repeat(20_000);
        let text = "y".repeat(5000);
        finding.evidence = vec![Evidence { source: text.clone(), text }; 100];
    }
    let mut full = device();
    full.model = Some("m".repeat(10_000));
    full.firmware = Some("\u{1b}[2J".to_owned());
    let failure =
        facts::Failure { class: facts::FailureClass::Nonsense, message: "z".repeat(100_000) };
    let wire = report(&Known {
        device: &full,
        observed_at: at(0),
        failure: Some(&failure),
        found_at: Some(at(0)),
        findings: &findings,
        signs: Vec::new(),
        generation: 1,
    });
    let read = Report::try_from(wire).unwrap();
    assert_eq!(read.findings.len(), 32);
    for (found, finding) in read.findings.iter().zip(&findings) {
        assert_eq!(found.judgment, finding.judgment);
    }
    assert_eq!(read.firmware, "\\u{1b}[2J");
}

#[test]
fn what_does_not_concern_the_device_and_what_is_well_need_no_words() {
    let wire = told(&judged(facts("10.1.2.9", 3)), 0, 1);
    let read = Report::try_from(wire).unwrap();
    for found in &read.findings {
        let wordless = matches!(found.judgment, Verdict::Met | Verdict::NotApplicable);
        assert_eq!(found.remedy.is_empty(), wordless, "{}", found.about.as_str());
    }
}

proptest::proptest! {
    #[test]
    fn a_cut_text_is_short_and_printable(text in ".{0,80}", most in 3usize..60) {
        let short = cut(&text, most);
        assert!(short.len() <= most && !short.chars().any(proto::text::is_harmful));
    }
}
