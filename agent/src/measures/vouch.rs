//! What people say about a measure: an attestation answers what the device cannot, a waiver accepts what is unmet.
//! Neither ever overrules what was seen.

use proto::finding::Attestation;
use proto::text::printable;
use proto::{Evidence, Measure, Proof, Verdict, Waiver};

use super::Judgment;
use crate::site::Site;

/// Most characters that a person's own words take in a finding.
const MOST_WORDS: usize = 300;

/// Lifts what is unknown to attested while somebody vouches for it; where the last attestation has ended, says so.
pub(super) fn attest(judgment: Judgment, measure: Measure, site: &Site<'_>) -> Judgment {
    if judgment.verdict != Verdict::Unknown {
        return judgment;
    }
    let Some(attestation) = latest(measure, site) else { return judgment };
    let by = printable(&attestation.by, MOST_WORDS);
    let until = attestation.until;
    if until.is_over(site.now) {
        let observed = format!("{}; the attestation of {by} ended on {until}", judgment.observed);
        return Judgment { observed, ..judgment };
    }
    let saw = printable(&attestation.evidence, MOST_WORDS);
    // What only a person can tell leaves nothing of the device to report.
    let rest = match measure.proof() {
        Proof::Attested => String::new(),
        Proof::Observed | Proof::Partial => format!("; the device itself: {}", judgment.observed),
    };
    let mut lifted = Judgment {
        verdict: Verdict::Attested,
        proof: Proof::Attested,
        observed: format!("{by} vouches for it until {until}: {saw}{rest}"),
        ..judgment
    };
    let source = format!("attestation by {by} until {until}");
    lifted.evidence.push(Evidence { source, text: saw });
    lifted
}

/// The waiver in force for a judgment. Only what is unmet can be waived.
pub(super) fn waiver(judgment: &Judgment, measure: Measure, site: &Site<'_>) -> Option<Waiver> {
    match judgment.verdict {
        Verdict::Unmet => site.policy.waiver(measure, site.device, site.now).cloned(),
        Verdict::Met | Verdict::NotApplicable | Verdict::Unknown | Verdict::Attested => None,
    }
}

/// The same; where nobody accepts any more what is unmet, `observed` says whose waiver ended and when.
pub(super) fn name_ended_waiver(judgment: Judgment, measure: Measure, site: &Site<'_>) -> Judgment {
    if judgment.verdict != Verdict::Unmet || waiver(&judgment, measure, site).is_some() {
        return judgment;
    }
    let here = |it: &&Waiver| it.devices.is_empty() || it.devices.contains(site.device);
    let of_measure = site.policy.waivers.iter().filter(|it| it.measure == measure);
    let Some(ended) = of_measure.filter(here).max_by_key(|it| it.expires) else { return judgment };
    let (owner, expires) = (printable(&ended.owner, MOST_WORDS), ended.expires);
    let observed = format!("{}; the waiver of {owner} ended on {expires}", judgment.observed);
    Judgment { observed, ..judgment }
}

/// The attestation for this measure and device that lasts longest.
fn latest<'a>(measure: Measure, site: &Site<'a>) -> Option<&'a Attestation> {
    site.attestations
        .iter()
        .filter(|attestation| {
            let here = attestation.devices.is_empty() || attestation.devices.contains(site.device);
            attestation.measure == measure && here
        })
        .max_by_key(|attestation| attestation.until)
}

#[cfg(test)]
mod tests {
    use proto::{Camera, DeviceName};

    use super::*;
    use crate::measures::testing::Around;

    const C19: Measure = Measure::Camera(Camera::C19Vlan);
    const C20: Measure = Measure::Camera(Camera::C20Dot1x);

    fn attestation(measure: Measure, by: &str, until: &str) -> Attestation {
        let evidence = "switch export".to_owned();
        let until = until.parse().unwrap();
        Attestation { measure, devices: Vec::new(), by: by.to_owned(), until, evidence }
    }

    fn attested(attestations: Vec<Attestation>, measure: Measure, judgment: Judgment) -> Judgment {
        let around = Around { attestations, ..Around::default() };
        attest(judgment, measure, &around.site())
    }

    #[test]
    fn a_person_answers_what_the_device_cannot() {
        let vouched = vec![attestation(C19, "Kim", "2026-11-24")];
        let judgment = attested(vouched, C19, Judgment::unknown("reason"));
        assert_eq!((judgment.verdict, judgment.proof), (Verdict::Attested, Proof::Attested));
        assert_eq!(judgment.observed, "Kim vouches for it until 2026-11-24: switch export");
        assert_eq!(judgment.evidence[0].source, "attestation by Kim until 2026-11-24");
    }

    #[test]
    fn what_the_device_could_not_tell_stays_visible() {
        let vouched = vec![attestation(C20, "Kim", "2027-01-01")];
        let judgment = attested(vouched, C20, Judgment::unknown("that key is not known"));
        assert!(judgment.observed.ends_with("; the device itself: that key is not known"));
    }

    #[test]
    fn an_attestation_that_ended_leaves_it_unknown_and_says_whose_it_was() {
        let ended =
            vec![attestation(C19, "Kim", "2026-11-23"), attestation(C19, "Lee", "2025-01-01")];
        let judgment = attested(ended, C19, Judgment::unknown("reason"));
        assert_eq!(judgment.verdict, Verdict::Unknown);
        assert_eq!(judgment.observed, "reason; the attestation of Kim ended on 2026-11-23");
    }

    #[test]
    fn the_attestation_that_lasts_longest_counts() {
        let both =
            vec![attestation(C19, "Kim", "2027-01-01"), attestation(C19, "Lee", "2025-01-01")];
        assert_eq!(attested(both, C19, Judgment::unknown("x")).verdict, Verdict::Attested);
    }

    #[test]
    fn an_attestation_overrules_nothing_that_was_seen() {
        for seen in [Judgment::met("x"), Judgment::unmet("x"), Judgment::not_applicable("x")] {
            let vouched = vec![attestation(C19, "Kim", "2027-01-01")];
            assert_eq!(attested(vouched, C19, seen.clone()), seen);
        }
    }

    #[test]
    fn an_attestation_for_another_device_or_measure_says_nothing() {
        let unknown = Judgment::unknown("x");
        let other: DeviceName = "other".parse().unwrap();
        let elsewhere =
            Attestation { devices: vec![other], ..attestation(C19, "Kim", "2027-01-01") };
        assert_eq!(attested(vec![elsewhere], C19, unknown.clone()), unknown);
        let about_c20 = vec![attestation(C20, "Kim", "2027-01-01")];
        assert_eq!(attested(about_c20, C19, unknown.clone()), unknown);
    }

    #[test]
    fn only_what_is_unmet_is_waived() {
        let mut around = Around::default();
        let (reason, owner) = ("until the move".to_owned(), "Kim".to_owned());
        let expires = "2026-11-24".parse().unwrap();
        around.policy.waivers =
            vec![Waiver { measure: C20, devices: Vec::new(), reason, owner, expires }];
        assert!(waiver(&Judgment::unmet("x"), C20, &around.site()).is_some());
        assert!(waiver(&Judgment::unmet("x"), C19, &around.site()).is_none());
        for other in [Judgment::met("x"), Judgment::unknown("x"), Judgment::not_applicable("x")] {
            assert!(waiver(&other, C20, &around.site()).is_none());
        }
        let named = |around: &Around, judgment| name_ended_waiver(judgment, C20, &around.site());
        assert_eq!(named(&around, Judgment::unmet("x")).observed, "x");
        around.now = "2026-11-25T00:00:00Z".parse().unwrap();
        assert!(waiver(&Judgment::unmet("x"), C20, &around.site()).is_none());
        let ended = named(&around, Judgment::unmet("x"));
        assert_eq!(ended.observed, "x; the waiver of Kim ended on 2026-11-24");
        assert_eq!(named(&around, Judgment::met("x")).observed, "x");
    }
}
