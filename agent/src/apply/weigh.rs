//! What became of steps, as a fresh look shows it: the lines first, then what the measure says.

use proto::Verdict;

use super::device::{Stage, Stop, Work};
use super::outcome::{By, Outcome};
use crate::change::{Change, Shows, Takes};
use crate::device::{Comparison, Inspection, Snapshot};
use crate::facts::Facts;
use crate::measures::{Conclusion, conclude};
use crate::plan::Step;
use crate::site::Site;

/// When something is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// What takes effect at a reboot has not taken effect yet.
    BeforeReboot,
    /// Everything that was saved is in force.
    AfterReboot,
}

impl Work<'_> {
    /// What became of each step of a stage, as a fresh look shows it. `Reverted` where it is to be undone.
    pub fn weigh<'p>(
        &self,
        stage: &Stage<'p>,
        before: &Snapshot,
        seen: &Inspection,
    ) -> Result<Vec<(&'p Step, Outcome)>, Stop> {
        let changes: Vec<Change> = stage.iter().map(|step| step.change.clone()).collect();
        let compared = self.driver().compare(before, &changes, &seen.configuration);
        let Comparison { standing, surprises } = compared
            .map_err(|why| Stop(format!("what came of the change cannot be told: {why}")))?;
        if !surprises.is_empty() {
            let lines = proto::text::printable(&surprises.join(", "), 400);
            let why = format!("lines changed that no step touches: {lines}");
            let undone = |step: &&'p Step| (*step, reverted(why.clone()));
            return Ok(stage.iter().map(undone).collect());
        }
        if self.was_away && seen.configuration.digest() == before.digest() {
            let why = "it went away after the change, and came back as it was before".to_owned();
            let outcome = Outcome::Reverted { why, by: By::ItsReboot };
            return Ok(stage.iter().map(|step| (*step, outcome.clone())).collect());
        }
        let conclusions = self.conclude(&seen.facts);
        let judged = |(step, stands): (&&'p Step, bool)| {
            let outcome = if stands {
                self.judged(step, &conclusions, When::BeforeReboot)
            } else {
                let why = "it answered as if all were well, and its configuration is as it was"
                    .to_owned();
                Outcome::Ineffective { why }
            };
            (*step, outcome)
        };
        Ok(stage.iter().zip(standing).map(judged).collect())
    }

    /// What a look says about a step whose lines stand.
    pub fn judged(&self, step: &Step, conclusions: &[Conclusion], when: When) -> Outcome {
        let found = conclusions.iter().find(|it| it.finding.measure == step.measure);
        let Some(finding) = found.map(|it| &it.finding) else {
            return Outcome::Standing { why: "nobody judged it".to_owned() };
        };
        let observed = finding.observed.clone();
        let more = self
            .job
            .plan
            .steps
            .iter()
            .any(|other| other.measure == step.measure && other.number > step.number);
        match finding.judgment {
            Verdict::Met | Verdict::NotApplicable => Outcome::Proven { observed },
            Verdict::Unknown | Verdict::Attested => Outcome::Standing { why: observed },
            Verdict::Unmet if more => Outcome::Standing {
                why: format!("another step of this measure follows; {observed}"),
            },
            Verdict::Unmet if step.edit.takes == Takes::Reboot && when == When::BeforeReboot => {
                Outcome::Standing { why: format!("it takes effect at a reboot; {observed}") }
            }
            Verdict::Unmet => match step.edit.shows {
                Shows::Behaviour => {
                    reverted(format!("its lines stand, yet nothing came of it: {observed}"))
                }
                Shows::Setting => Outcome::Standing { why: format!("still unmet: {observed}") },
            },
        }
    }

    pub fn conclude(&self, facts: &Facts) -> Vec<Conclusion> {
        let site = Site {
            policy: &self.shop.policy,
            advisories: &self.shop.advisories,
            device: &self.job.plan.device,
            now: self.shop.clock.now(),
            attestations: &self.job.attestations,
            vms_addresses: &self.job.vms_addresses,
        };
        conclude(facts, &site)
    }
}

/// Undone by writing back, for that reason.
pub(super) fn reverted(why: String) -> Outcome {
    Outcome::Reverted { why, by: By::WritingBack }
}
