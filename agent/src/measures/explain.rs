//! What a measure is about, for a person (`palisade-agent explain C07`) and for a script.

use std::fmt::Write as _;

use proto::{Disruption, LockoutRisk, Measure, Proof};
use serde::Serialize;

use super::crosswalk::{self, Crosswalk, Framework};
use super::guidance;

/// The sentence that goes with every crosswalk.
const NO_CONFORMITY: &str = "A met measure shows that a capability is used here; it shows no \
                             conformity with any of these frameworks, two of which bind the maker \
                             of a product rather than its operator.";

/// Columns of the explanation for a person.
const WIDTH: usize = 96;

/// Columns before its text.
const INDENT: usize = 12;

/// Everything that is always true of a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `C01`..`C22`, `V01`..`V05`, `N01`..`N05`.
    pub code: &'static str,
    /// The wanted state, in a few words.
    pub title: &'static str,
    /// The guide's chapter: `Camera`, `VMS` or `NAS`.
    pub chapter: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What is expected.
    pub expected: &'static str,
    /// What to do when it is unmet.
    pub remedy: &'static str,
    /// The best proof there can be.
    pub proof: Proof,
    /// What the remedy costs at worst.
    pub disruption: Disruption,
    /// Whether the remedy can lock its administrator out.
    pub lockout_risk: LockoutRisk,
    /// The facts it is judged by, by field name.
    pub reads: &'static [&'static str],
    /// Which requirements of four frameworks it touches.
    pub crosswalk: &'static Crosswalk,
    /// What a crosswalk does not say.
    pub conformity: &'static str,
}

/// Everything that is always true of a measure.
pub fn explanation(measure: Measure) -> Explanation {
    let guidance = guidance(measure);
    Explanation {
        code: measure.code(),
        title: measure.title(),
        chapter: measure.chapter(),
        why: guidance.why,
        expected: guidance.expected,
        remedy: guidance.remedy,
        proof: measure.proof(),
        disruption: guidance.disruption,
        lockout_risk: guidance.lockout_risk,
        reads: guidance.reads,
        crosswalk: crosswalk::row(measure),
        conformity: NO_CONFORMITY,
    }
}

/// The same as text for a person, at most 96 columns wide.
pub fn explain(measure: Measure) -> String {
    let is = explanation(measure);
    let reads = if is.reads.is_empty() {
        "nothing: only a person can tell".to_owned()
    } else {
        is.reads.join(", ")
    };
    let mut out = format!("{}  {} ({} chapter of the guide)\n\n", is.code, is.title, is.chapter);
    for (name, text) in [
        ("Why", is.why),
        ("Expected", is.expected),
        ("Remedy", is.remedy),
        ("Proof", proof(is.proof)),
        ("Disruption", disruption(is.disruption)),
        ("Lock-out", lockout_risk(is.lockout_risk)),
        ("Reads", &reads),
    ] {
        paragraph(&mut out, name, text);
    }
    let confidence = is.crosswalk.confidence.as_str();
    let _ = writeln!(out, "\nCrosswalk (confidence of the whole row: {confidence})");
    for framework in &is.crosswalk.frameworks {
        let _ = writeln!(out, "  {:<24}{}", framework.name, references(framework));
    }
    out.push('\n');
    if let Some(note) = &is.crosswalk.note {
        paragraph(&mut out, "Note", note);
    }
    paragraph(&mut out, "Mind", is.conformity);
    out
}

fn references(framework: &Framework) -> String {
    let ids = framework.references.iter().map(|reference| match reference.confidence {
        None => reference.id.clone(),
        Some(confidence) => format!("{} [{}]", reference.id, confidence.as_str()),
    });
    let ids: Vec<String> = ids.collect();
    if ids.is_empty() { "nothing that fits".to_owned() } else { ids.join(", ") }
}

fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Observed => "observed: read from the device or seen in its behaviour",
        Proof::Partial => "partial: read from the device, and a person must judge the rest",
        Proof::Attested => "attested: only a person can vouch for it, until a date",
    }
}

fn disruption(disruption: Disruption) -> &'static str {
    match disruption {
        Disruption::None => "none",
        Disruption::VideoGap => "video gap: seconds without video or recording for some",
        Disruption::Reboot => "reboot: minutes without video",
        Disruption::LinkLoss => "link loss: done wrong, the device drops off the network",
    }
}

fn lockout_risk(risk: LockoutRisk) -> &'static str {
    match risk {
        LockoutRisk::None => "none",
        LockoutRisk::Recoverable => {
            "recoverable: a reboot, another account or another way in brings you back"
        }
        LockoutRisk::Severe => {
            "severe: the way back may lead through the device's maker, or there is none"
        }
    }
}

/// `name` in the left column, `text` wrapped at words beside it.
fn paragraph(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, "{name:<INDENT$}");
    let mut column = INDENT;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > INDENT && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:INDENT$}", "");
            column = INDENT;
        }
        if column > INDENT {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_everything_within_96_columns() {
        for measure in Measure::all() {
            let text = explain(measure);
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(WIDTH), "{measure}: {longest:?}");
            for part in ["Why", "Expected", "Remedy", "NIST SP 800-53", "no conformity"] {
                assert!(text.contains(part), "{measure}: {part}");
            }
        }
    }

    #[test]
    fn the_ip_access_list_warns_of_its_dangers() {
        let text = explain("C07".parse().unwrap());
        for part in
            ["C07  Only listed", "link loss", "severe", "IP-Level Access", "SC-7(5) [unchecked]"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_script_reads_the_same_words() {
        let json = serde_json::to_value(explanation("C16".parse().unwrap())).unwrap();
        assert_eq!(json["code"], "C16");
        assert_eq!(json["disruption"], "reboot");
        assert_eq!(json["crosswalk"]["confidence"], "high");
        assert_eq!(json["crosswalk"]["frameworks"][1]["references"][0]["id"], "CR 1.8");
        assert!(json["conformity"].as_str().is_some_and(|text| text.contains("no conformity")));
    }

    #[test]
    fn every_text_is_one_plain_sentence() {
        for measure in Measure::all() {
            let is = guidance(measure);
            for text in [is.why, is.expected, is.remedy] {
                let inner = text.trim_end_matches('.');
                let starts_well = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '/');
                assert!(
                    text.ends_with('.') && inner.len() + 1 == text.len() && starts_well,
                    "{measure}: {text}"
                );
                assert!(
                    text.is_ascii() && !inner.contains(". ") && !text.contains("  "),
                    "{measure}: {text}"
                );
            }
        }
    }
}
