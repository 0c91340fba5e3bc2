//! What passes the edge and what does not.

use super::*;

fn wire() -> v1::DeviceReport {
    let finding = |about| v1::Finding {
        about: Some(about),
        judgment: v1::Verdict::Unmet.into(),
        waived: true,
        stance: v1::Stance::Enforce.into(),
        proof: v1::Proof::Partial.into(),
        expected: "a list".to_owned(),
        observed: "no list".to_owned(),
        remedy: "write one".to_owned(),
        disruption: v1::Disruption::VideoGap.into(),
        lockout_risk: v1::LockoutRisk::Severe.into(),
        evidence: vec![v1::Evidence { source: "line 12".to_owned(), text: "x=1".to_owned() }],
    };
    v1::DeviceReport {
        device: "yard".to_owned(),
        kind: v1::DeviceKind::Mobotix.into(),
        address: "https://10.1.2.3:443".to_owned(),
        product: "MOBOTIX P3".to_owned(),
        model: "M16".to_owned(),
        firmware: "MX-V4.7.3.11-r4".to_owned(),
        serial: "10.22.7.12".to_owned(),
        pin: format!("sha256:{}", "0f".repeat(32)),
        observed_at: 1_800_000_000,
        failure: Some(v1::Failure {
            class: v1::FailureClass::Refused.into(),
            message: "the password is wrong".to_owned(),
        }),
        found_at: 1_790_000_000,
        findings: vec![
            finding(v1::finding::About::Measure("C07".to_owned())),
            finding(v1::finding::About::Sign(v1::Sign::GoneDevice.into())),
        ],
        generation: 7,
    }
}

fn refused(change: impl FnOnce(&mut v1::DeviceReport)) -> Malformed {
    let mut report = wire();
    change(&mut report);
    Report::try_from(report).unwrap_err()
}

#[test]
fn a_report_reads_back_the_same() {
    let read = Report::try_from(wire()).unwrap();
    assert_eq!(v1::DeviceReport::from(&read), wire());
    assert_eq!(read.findings[1].about.as_str(), "gone_device");
}

#[test]
fn a_word_of_a_newer_version_is_refused_and_so_is_none() {
    let unknown = Malformed::Unknown;
    assert_eq!(refused(|it| it.kind = 99), unknown("device kind"));
    assert_eq!(refused(|it| it.kind = 0), Malformed::Missing("device kind"));
    assert_eq!(refused(|it| it.findings[0].judgment = 6), unknown("verdict"));
    assert_eq!(refused(|it| it.findings[0].stance = -1), unknown("stance"));
    assert_eq!(refused(|it| it.findings[0].proof = 4), unknown("proof"));
    assert_eq!(refused(|it| it.findings[0].disruption = 5), unknown("disruption"));
    assert_eq!(refused(|it| it.findings[0].lockout_risk = 4), unknown("lock-out risk"));
    let about = |about| move |it: &mut v1::DeviceReport| it.findings[0].about = about;
    assert_eq!(refused(about(None)), Malformed::Missing("what a finding is about"));
    assert_eq!(refused(about(Some(v1::finding::About::Sign(99)))), unknown("sign"));
    let code = v1::finding::About::Measure("C23".to_owned());
    assert_eq!(refused(about(Some(code))), unknown("measure"));
}

#[test]
fn what_is_too_much_is_refused() {
    let large = Malformed::TooLarge;
    let long = "x".repeat(MAX_TEXT + 1);
    assert_eq!(refused(|it| it.findings[0].observed = long), large("observed", MAX_TEXT));
    assert_eq!(refused(|it| it.model = "x".repeat(MAX_WORD + 1)), large("model", MAX_WORD));
    assert_eq!(
        refused(|it| it.findings = vec![it.findings[0].clone(); MAX_FINDINGS + 1]),
        large("findings", MAX_FINDINGS)
    );
    let piece = wire().findings[0].evidence[0].clone();
    assert_eq!(
        refused(|it| it.findings[0].evidence = vec![piece; MAX_EVIDENCE + 1]),
        large("evidence", MAX_EVIDENCE)
    );
    assert_eq!(
        refused(|it| it.address = "x".repeat(MAX_REPORT)),
        large("device report", MAX_REPORT)
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let bad = Malformed::Bad;
    assert_eq!(refused(|it| it.device = "a b".to_owned()), bad("device name"));
    assert_eq!(refused(|it| it.pin = "sha256:00".to_owned()), bad("pin"));
    assert_eq!(refused(|it| it.observed_at = -1), bad("time of the look"));
    assert_eq!(refused(|it| it.found_at = i64::MAX), bad("time of the findings"));
    assert_eq!(refused(|it| it.firmware = "\u{202e}6r".to_owned()), bad("firmware"));
    assert_eq!(refused(|it| it.findings.push(it.findings[0].clone())), bad("findings"));
}

#[test]
fn the_digest_tells_everything_but_times_and_generation_apart() {
    let form = digest_form(&wire());
    let later = v1::DeviceReport { observed_at: 2, found_at: 1, generation: 9, ..wire() };
    assert_eq!(digest_form(&later), form);
    let mut other = wire();
    other.findings[0].waived = false;
    assert_ne!(digest_form(&other), form);
}

#[test]
fn an_unchanged_device_reads_back_and_a_short_digest_does_not() {
    let digest = vec![7; 32];
    let wire =
        v1::DeviceUnchanged { device: "yard".to_owned(), observed_at: 5, digest, generation: 1 };
    let read = Unchanged::try_from(wire.clone()).unwrap();
    assert_eq!(v1::DeviceUnchanged::from(&read), wire);
    let short = v1::DeviceUnchanged { digest: vec![7; 31], ..wire };
    assert_eq!(Unchanged::try_from(short), Err(Malformed::Bad("digest")));
}

#[test]
fn every_word_comes_back_from_the_wire() {
    for verdict in Verdict::ALL {
        assert_eq!(Verdict::try_from(v1::Verdict::from(verdict)), Ok(verdict));
    }
    for sign in Sign::ALL {
        assert_eq!(Sign::try_from(v1::Sign::from(sign)), Ok(sign));
        assert_eq!(word::<v1::Sign, Sign>(v1::Sign::from(sign).into(), "sign"), Ok(sign));
    }
}
