//! The last configuration of a device that was proven, as it may be shown, and what of it was changed back since. Pure.
//!
//! While everything that the policy enforces is as it was, each look's lines take the place of those before. Once
//! something enforced is not met any more, the lines stay, until it is met again: what differs from them is what was
//! changed. A policy that changed is no drift: both looks are judged by today's.

use std::collections::BTreeSet;

use proto::text::printable;
use proto::wire::finding::{About, Found, Sign};
use proto::{
    Disruption, Evidence, Finding, LockoutRisk, Measure, Proof, Stance, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::facts::{Fact, Facts, WebLogSummary};
use crate::plan::{Drift, between, drift};

/// More lines than these, in bytes, are not kept: no camera has so many.
const MAX_BYTES: usize = 1 << 20;
/// Most lines that are told, of either side.
const MOST_LINES: usize = 20;
/// Longest line that is told, in characters.
const MOST_LINE: usize = 160;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proven {
    /// When the lines were read.
    at: Timestamp,
    /// The configuration, secrets hidden.
    lines: Vec<String>,
    /// What was changed back, and is not cured.
    pub drifted: BTreeSet<Measure>,
    /// How.
    pub drift: Option<Drift>,
}

/// A look at a device, and the look before it, judged by the same policy.
pub(super) struct Looks<'a> {
    /// When the later was.
    pub at: Timestamp,
    /// The later one's lines.
    pub lines: Option<Vec<String>>,
    /// The findings of the earlier.
    pub then: &'a [Finding],
    /// Of the later.
    pub now: &'a [Finding],
    /// What the earlier saw.
    pub facts_then: Option<&'a Facts>,
    /// What the later saw.
    pub facts_now: &'a Facts,
}

impl Proven {
    /// Reads what [`Proven::to_bytes`] made; nothing for what is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// As bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("lines are JSON")
    }

    /// What is known after a look, and whether somebody changed something back since the one before.
    pub fn learn(before: Option<Self>, looks: Looks<'_>) -> (Option<Self>, bool) {
        let unmet = enforced(looks.now, Verdict::Unmet);
        let met_then = enforced(looks.then, Verdict::Met);
        let news: BTreeSet<Measure> = unmet.intersection(&met_then).copied().collect();
        let size = |lines: &Vec<String>| lines.iter().map(|line| line.len() + 4).sum::<usize>();
        let lines = looks.lines.filter(|lines| size(lines) <= MAX_BYTES);
        let Some(mut known) = before else {
            let fresh = |lines| Self { at: looks.at, lines, drifted: BTreeSet::new(), drift: None };
            return (lines.map(fresh), false);
        };
        known.drifted = known.drifted.intersection(&unmet).copied().collect();
        let is_news = news.iter().any(|measure| !known.drifted.contains(measure));
        known.drifted.extend(news);
        let Some(lines) = lines else { return (Some(known), false) };
        if known.drifted.is_empty() {
            known.drift = None;
            // What is as it was is not written anew each hour.
            if known.lines != lines {
                (known.at, known.lines) = (looks.at, lines);
            }
            return (Some(known), false);
        }
        if !is_news {
            return (Some(known), false);
        }
        let unread = Fact::unreadable("the log was not read");
        let log = web_log(looks.facts_now).unwrap_or(&unread);
        let log_then = looks.facts_then.and_then(web_log).and_then(|log| log.seen());
        match drift(between(&known.lines, &lines), log_then, log) {
            Some(found) => {
                known.drift = Some(found);
                (Some(known), true)
            }
            // Nobody touched the configuration: it is the device that behaves otherwise, as its finding says.
            None => {
                known.drifted.clear();
                (Some(known), false)
            }
        }
    }

    /// What was changed back, as the audit log and a finding tell it; nothing if nothing was.
    pub fn told(&self) -> Option<String> {
        let drift = self.drift.as_ref().filter(|_| !self.drifted.is_empty())?;
        let codes: Vec<&str> = self.drifted.iter().map(|it| it.code()).collect();
        let lines: Vec<String> = changed(drift).collect();
        let present = match drift.present.as_slice() {
            [] => "nobody else was seen to log in".to_owned(),
            present => format!("logged in since: {}", present.join(", ")),
        };
        Some(format!("{}: {}; {present}", codes.join(", "), lines.join("; ")))
    }

    /// The same as a sign.
    pub fn sign(&self) -> Option<Found> {
        let told = self.told()?;
        let drift = self.drift.as_ref()?;
        let source = "configuration".to_owned();
        let piece = |text| Evidence { source: source.clone(), text };
        Some(Found {
            about: About::Sign(Sign::DriftFound),
            judgment: Verdict::Unmet,
            waived: false,
            stance: Stance::Report,
            proof: Proof::Observed,
            expected: format!("It stays as it was proven at {}.", self.at),
            observed: printable(&told, 2000),
            remedy: "Ask who was there why it was changed. It is cured in the next window, if there is one; else plan \
                     and apply."
                .to_owned(),
            disruption: Disruption::None,
            lockout_risk: LockoutRisk::None,
            evidence: changed(drift).map(piece).collect(),
        })
    }
}

/// The lines that were changed, as a difference is written.
fn changed(drift: &Drift) -> impl Iterator<Item = String> + '_ {
    let side = |mark: char, lines: &'_ [String]| {
        let shown = lines.iter().take(MOST_LINES);
        let mut shown: Vec<String> =
            shown.map(|line| format!("{mark} {}", printable(line, MOST_LINE))).collect();
        if lines.len() > MOST_LINES {
            shown.push(format!("{mark} and {} more lines", lines.len() - MOST_LINES));
        }
        shown
    };
    side('-', &drift.lines.gone).into_iter().chain(side('+', &drift.lines.new))
}

fn web_log(facts: &Facts) -> Option<&Fact<WebLogSummary>> {
    match facts {
        Facts::Camera(camera) => Some(&camera.web_log),
        Facts::Vms(_) | Facts::Nas(_) => None,
    }
}

/// The measures that the policy enforces and that were judged so.
pub(super) fn enforced(findings: &[Finding], verdict: Verdict) -> BTreeSet<Measure> {
    let wanted =
        |it: &&Finding| it.stance == Stance::Enforce && !it.waived && it.judgment == verdict;
    findings.iter().filter(wanted).map(|it| it.measure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::CameraFacts;

    /// A finding about C09 and one about C13, both enforced.
    fn findings(crawling: Verdict) -> Vec<Finding> {
        let facts = Facts::Camera(Box::new(CameraFacts::unread("a test")));
        let policy = proto::Policy::from_toml("[stances]\nC09 = \"enforce\"\n").unwrap();
        let advisories = crate::firmware::Advisories::builtin();
        let site = crate::site::Site {
            policy: &policy,
            advisories: &advisories,
            device: &"yard".parse().unwrap(),
            now: Timestamp::from_unix(1_800_000_000),
            attestations: &[],
            vms_addresses: &[],
        };
        let mut all = crate::measures::assess(&facts, &site);
        let ours = all.iter_mut().filter(|it| it.measure.code() == "C09");
        ours.for_each(|it| it.judgment = crawling);
        all
    }

    fn look(
        before: Option<Proven>,
        (then, now): (Verdict, Verdict),
        line: &str,
    ) -> (Option<Proven>, bool) {
        let facts = Facts::Camera(Box::new(CameraFacts::unread("a test")));
        let looks = Looks {
            at: Timestamp::from_unix(1_800_000_000),
            lines: Some(vec!["a: b=1".to_owned(), line.to_owned()]),
            then: &findings(then),
            now: &findings(now),
            facts_then: None,
            facts_now: &facts,
        };
        Proven::learn(before, looks)
    }

    #[test]
    fn what_is_changed_back_is_told_once_until_it_is_cured() {
        use Verdict::{Met, Unmet};
        let (good, bad) = ("homepage: MODE=forbidden", "homepage: MODE=allowed");
        let (known, is_news) = look(None, (Unmet, Met), good);
        assert!(!is_news && known.as_ref().unwrap().sign().is_none());
        let (known, is_news) = look(known, (Met, Unmet), bad);
        let told = known.as_ref().unwrap().told().unwrap();
        assert!(is_news && told.starts_with(&format!("C09: - {good}; + {bad}; ")), "{told}");
        let (known, is_news) = look(known, (Unmet, Unmet), bad);
        assert!(
            !is_news && known.as_ref().unwrap().sign().is_some(),
            "it stands until it is cured"
        );
        let (known, is_news) = look(known, (Unmet, Met), good);
        assert!(!is_news && known.as_ref().unwrap().sign().is_none());
        let (known, is_news) = look(known, (Met, Unmet), bad);
        assert!(is_news, "and once more");
        assert_eq!(Proven::from_bytes(&known.as_ref().unwrap().to_bytes()), known);
    }

    #[test]
    fn neither_another_policy_nor_a_camera_that_behaves_otherwise_is_drift() {
        use Verdict::{Met, Unmet};
        let (known, _) = look(None, (Met, Met), "x: y=1");
        let (known, is_news) = look(known, (Unmet, Unmet), "x: y=2");
        assert!(!is_news, "by today's policy it was not met before either");
        let (known, is_news) = look(known, (Met, Unmet), "x: y=2");
        assert!(!is_news && known.unwrap().sign().is_none(), "no line differs");
    }
}
