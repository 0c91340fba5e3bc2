//! Measures: facts in, judgments out. Pure: no I/O, no clock, no randomness.
//!
//! One file per measure, each with one `judge` function, its words on top and its tests below. The registry is
//! an exhaustive `match`, so a measure without a function does not compile.
//!
//! Two rules hold for all of them. What could not be read is never met. What is only inferred may accuse, never
//! acquit: see [`Judgment::met_if_sure`].

mod camera;
mod crosswalk;
#[cfg(test)]
mod cure_tests;
mod explain;
mod judgment;
mod nas;
mod remedy;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod vms;
mod vouch;
mod words;

use proto::text::printable;
use proto::{Evidence, Finding, Measure, Verdict, Vms};

use crate::facts::Facts;
use crate::site::Site;

pub use crosswalk::{Certainty, Crosswalk, Framework, Reference};
pub use explain::{Explanation, explain, explanation};
pub use judgment::{Guidance, Judgment, Open};
pub use remedy::Remedy;

/// Most characters of `observed` and `remedy` in a finding, whatever a device put into its names.
const MOST_TEXT: usize = 8000;

/// What is always true of a measure.
pub fn guidance(measure: Measure) -> &'static Guidance {
    match measure {
        Measure::Camera(measure) => camera::guidance(measure),
        Measure::Vms(measure) => vms::guidance(measure),
        Measure::Nas(measure) => nas::guidance(measure),
    }
}

/// A finding, and what would cure it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// As it is reported.
    pub finding: Finding,
    /// The steps towards met, in order. For what is unmet there is at least one, if only for a person.
    pub cures: Vec<Remedy>,
    /// Who could tell what is unknown.
    pub open: Open,
}

/// Judges a device by all 32 measures, in the guide's order. Those of the other chapters are not applicable to it,
/// except V04, which a camera's web server log tells about the workstation.
pub fn assess(facts: &Facts, site: &Site<'_>) -> Vec<Finding> {
    conclude(facts, site).into_iter().map(|conclusion| conclusion.finding).collect()
}

/// The same, with what would cure each.
pub fn conclude(facts: &Facts, site: &Site<'_>) -> Vec<Conclusion> {
    Measure::all().map(|measure| conclusion(measure, facts, site)).collect()
}

fn conclusion(measure: Measure, facts: &Facts, site: &Site<'_>) -> Conclusion {
    let guidance = guidance(measure);
    let mut judgment = judge(measure, facts, site);
    if judgment.evidence.is_empty() {
        judgment.evidence = evidence(facts, guidance.reads);
    }
    let judgment = vouch::attest(judgment, measure, site);
    let judgment = vouch::name_ended_waiver(judgment, measure, site);
    let waiver = vouch::waiver(&judgment, measure, site);
    let remedy = judgment.remedy.as_deref().unwrap_or(guidance.remedy);
    let (open, mut cures) = (judgment.open, judgment.cures);
    if judgment.verdict == Verdict::Unmet && cures.is_empty() {
        cures.push(Remedy::Person(remedy.to_owned()));
    }
    let finding = Finding {
        measure,
        title: measure.title().to_owned(),
        judgment: judgment.verdict,
        waived: waiver.is_some(),
        waiver,
        stance: site.policy.stance(measure),
        proof: judgment.proof,
        expected: guidance.expected.to_owned(),
        observed: printable(&judgment.observed, MOST_TEXT),
        why: guidance.why.to_owned(),
        remedy: printable(remedy, MOST_TEXT),
        disruption: guidance.disruption,
        lockout_risk: guidance.lockout_risk,
        evidence: judgment.evidence,
    };
    Conclusion { finding, cures, open }
}

fn judge(measure: Measure, facts: &Facts, site: &Site<'_>) -> Judgment {
    let elsewhere =
        |who: &str| Judgment::not_applicable(format!("a question for {who}, not for this device"));
    match (measure, facts) {
        (Measure::Camera(measure), Facts::Camera(camera)) => camera::judge(measure, camera, site),
        (Measure::Vms(measure), Facts::Vms(vms)) => vms::judge(measure, vms, site),
        (Measure::Nas(measure), Facts::Nas(nas)) => nas::judge(measure, nas, site),
        (Measure::Vms(Vms::V04NoAdmin), Facts::Camera(camera)) => vms::judge_camera(camera, site),
        (Measure::Camera(_), Facts::Vms(_) | Facts::Nas(_)) => elsewhere("the cameras"),
        (Measure::Vms(_), Facts::Camera(_) | Facts::Nas(_)) => elsewhere("the video workstation"),
        (Measure::Nas(_), Facts::Camera(_) | Facts::Vms(_)) => elsewhere("the storage"),
    }
}

fn evidence(facts: &Facts, reads: &[&str]) -> Vec<Evidence> {
    match facts {
        Facts::Camera(camera) => camera.evidence.for_facts(reads),
        Facts::Vms(vms) => vms.evidence.for_facts(reads),
        Facts::Nas(nas) => nas.evidence.for_facts(reads),
    }
}
