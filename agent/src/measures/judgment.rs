//! What a measure concludes, and the few ways to conclude it. Every measure ends in one of these constructors, so that
//! no measure can count silence as met or let an inference acquit.

use proto::{Disruption, Evidence, LockoutRisk, Measure, Proof, Verdict};

use super::Remedy;
use crate::change::{Change, Credential};
use crate::facts::{Confidence, Fact};

/// What a measure concludes from facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgment {
    /// The conclusion.
    pub verdict: Verdict,
    /// How far it is proven.
    pub proof: Proof,
    /// What was observed; for `unknown`, why it could not be. A clause, without a full stop.
    pub observed: String,
    /// What to do, where it differs from the measure's general remedy.
    pub remedy: Option<String>,
    /// What would cure it, in order; empty where it is met, or where nobody can tell.
    pub cures: Vec<Remedy>,
    /// Who could tell what is unknown.
    pub open: Open,
    /// What the conclusion rests on, where that is not simply the evidence of the facts it reads.
    pub evidence: Vec<Evidence>,
}

/// Who could tell what is unknown about a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Whoever sees more of the device, or learns what its firmware calls it.
    #[default]
    ToALook,
    /// Only a person: it does not show on the device.
    ToAPerson,
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

/// Said of every conclusion from what a dialect only infers: the key, a value's meaning, or the factory default.
const INFERRED: &str = "that reading is only inferred";

impl Judgment {
    fn new(verdict: Verdict, proof: Proof, observed: impl Into<String>) -> Self {
        let observed = observed.into();
        Self {
            verdict,
            proof,
            observed,
            remedy: None,
            cures: Vec::new(),
            open: Open::ToALook,
            evidence: Vec::new(),
        }
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

    /// The device cannot tell, `open` says what is left open, and a person can vouch for it.
    pub fn for_a_person(measure: Measure, open: impl std::fmt::Display) -> Self {
        let unknown = Self::unknown(format!(
            "{open}; a person can vouch for it with an [[attestations]] entry for {measure} in the \
             site file (by, until, evidence)"
        ));
        Self { open: Open::ToAPerson, ..unknown }
    }

    /// Met, unless the meaning of what was read is only inferred: then it is unknown, and `observed` says so.
    pub fn met_if_sure(confidence: Confidence, observed: impl Into<String>) -> Self {
        Self::met(observed).if_sure(confidence)
    }

    /// Not applicable, unless the meaning of what was read is only inferred: to excuse a device is to acquit it.
    pub fn not_applicable_if_sure(confidence: Confidence, reason: impl Into<String>) -> Self {
        Self::not_applicable(reason).if_sure(confidence)
    }

    /// Unmet; where the meaning of what was read is only inferred, the proof is partial.
    pub fn unmet_by(confidence: Confidence, observed: impl Into<String>) -> Self {
        let judgment = Self::unmet(observed);
        match confidence {
            Confidence::Documented | Confidence::Observed => judgment,
            Confidence::Inferred => {
                let observed = format!("{}; {INFERRED}", judgment.observed);
                Self { observed, ..judgment }.partial()
            }
        }
    }

    fn if_sure(self, confidence: Confidence) -> Self {
        match confidence {
            Confidence::Documented | Confidence::Observed => self,
            Confidence::Inferred => Self::unknown(format!(
                "{}; {INFERRED}, so it proves nothing yet (palisade-agent learn turns it into \
                 knowledge)",
                self.observed
            )),
        }
    }

    /// The same, but a person must judge the rest.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.proof = Proof::Partial;
        self
    }

    /// The same if met; otherwise `but`, what was found before it, goes before its reason.
    #[must_use]
    pub(super) fn unless_met(mut self, but: &str) -> Self {
        if self.verdict != Verdict::Met {
            self.observed = format!("{but}, but {}", self.observed);
        }
        self
    }

    /// The same, with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same, cured by a change.
    #[must_use]
    pub(super) fn change(self, change: Change) -> Self {
        self.cure(Remedy::Change(change))
    }

    /// The same, cured by replacing a secret.
    #[must_use]
    pub(super) fn rotate(self, credential: Credential) -> Self {
        self.cure(Remedy::Rotate(credential))
    }

    /// The same, with one step more towards met. What is met needs none.
    #[must_use]
    pub(super) fn cure(mut self, remedy: Remedy) -> Self {
        if self.verdict == Verdict::Unmet {
            self.cures.push(remedy);
        }
        self
    }
}

impl<T> Fact<T> {
    /// Judges what was seen. What is absent does not apply; what is unreadable is unknown, with that reason.
    pub(super) fn judge(&self, judge: impl FnOnce(&T) -> Judgment) -> Judgment {
        match self {
            Self::Seen(value) => judge(value),
            Self::Absent => Judgment::not_applicable("this device has nothing of the kind"),
            Self::Unreadable(reason) => Judgment::unknown(reason.clone()),
        }
    }

    /// Why there is no value, as a clause; nothing if there is one.
    pub(super) fn why_unseen(&self) -> Option<&str> {
        match self {
            Self::Seen(_) => None,
            Self::Absent => Some("this device has nothing of the kind"),
            Self::Unreadable(reason) => Some(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inference_accuses_with_partial_proof() {
        let judgment = Judgment::unmet_by(Confidence::Inferred, "x");
        assert_eq!((judgment.verdict, judgment.proof), (Verdict::Unmet, Proof::Partial));
        assert_eq!(judgment.observed, "x; that reading is only inferred");
        let sure = Judgment::unmet_by(Confidence::Observed, "x");
        assert_eq!((sure.proof, &*sure.observed), (Proof::Observed, "x"));
    }

    #[test]
    fn an_inference_neither_acquits_nor_excuses() {
        for judgment in [
            Judgment::met_if_sure(Confidence::Inferred, "digest is set"),
            Judgment::not_applicable_if_sure(Confidence::Inferred, "digest is set"),
        ] {
            assert_eq!((judgment.verdict, judgment.proof), (Verdict::Unknown, Proof::Partial));
            assert!(judgment.observed.starts_with("digest is set; "), "{}", judgment.observed);
        }
    }

    #[test]
    fn silence_is_unknown_and_absence_does_not_apply() {
        let silent = Fact::<u8>::unreadable("no answer").judge(|_| Judgment::met("never"));
        assert_eq!((silent.verdict, &*silent.observed), (Verdict::Unknown, "no answer"));
        let absent = Fact::<u8>::Absent.judge(|_| Judgment::met("never"));
        assert_eq!(absent.verdict, Verdict::NotApplicable);
    }
}
