//! From what is known of a device to the report that is uploaded. Pure.
//!
//! A report is bounded whatever a device put into its names and logs: each text is cut, and if the whole is still too
//! large, evidence goes first and words last. A verdict never goes. Nothing in it changes from look to look unless the
//! device did, so that a look that brings nothing new is told in a few bytes.

use proto::text::printable;
use proto::wire::finding::{
    About, DeviceKind, Failure, FailureClass, Found, MAX_EVIDENCE, MAX_EVIDENCE_TEXT, MAX_MESSAGE,
    MAX_REPORT, MAX_TEXT, MAX_WORD, Report, digest_form, size,
};
use proto::wire::v1;
use proto::{Evidence, Finding, Timestamp, Verdict};

use super::coarse::coarse;
use crate::facts::{self, Device, Kind};
use crate::measures;

/// How much of a report stays, from all that may be sent to what always fits: bytes of a text, pieces of evidence.
const SIZES: [(usize, usize); 5] =
    [(MAX_TEXT, MAX_EVIDENCE), (MAX_TEXT, 4), (MAX_TEXT, 0), (1000, 0), (200, 0)];

/// What is known of a device, ready to be told.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// Which device.
    pub device: &'a Device,
    /// When it was last looked at.
    pub observed_at: Timestamp,
    /// Why that look failed, if it did.
    pub failure: Option<&'a facts::Failure>,
    /// When the look behind the findings was, if there was one.
    pub found_at: Option<Timestamp>,
    /// What was found then.
    pub findings: &'a [Finding],
    /// What the inventory shows.
    pub signs: Vec<Found>,
    /// Generation of the desired state that it was judged by.
    pub generation: u64,
}

/// The report of a device of the site.
pub fn report(known: &Known<'_>) -> v1::DeviceReport {
    let Device { name, kind, address, product, model, firmware, serial, pin, .. } = known.device;
    let word = |text: &Option<String>| cut(text.as_deref().unwrap_or_default(), MAX_WORD);
    let mut findings: Vec<_> = known.findings.iter().map(found).collect();
    findings.extend(known.signs.iter().cloned());
    let report = Report {
        device: name.clone(),
        kind: device_kind(*kind),
        address: cut(address, MAX_WORD),
        product: word(product),
        model: word(model),
        firmware: word(firmware),
        serial: word(serial),
        pin: pin.clone().unwrap_or_default(),
        observed_at: known.observed_at,
        failure: known.failure.map(failure),
        found_at: known.found_at,
        findings,
        generation: known.generation,
    };
    fitted(report)
}

/// The report as it goes onto the wire, small enough for it.
pub fn fitted(mut report: Report) -> v1::DeviceReport {
    for (most_text, most_evidence) in SIZES {
        report.findings.iter_mut().for_each(|found| shorten(found, most_text, most_evidence));
        let wire = v1::DeviceReport::from(&report);
        if size(&wire) <= MAX_REPORT {
            return wire;
        }
    }
    v1::DeviceReport::from(&Report { findings: Vec::new(), ..report })
}

/// SHA-256 over what does not change from look to look.
pub fn digest(report: &v1::DeviceReport) -> [u8; 32] {
    certs::random::digest(&digest_form(report))
}

/// That a device was looked at again and is as the report says.
pub fn unchanged(report: &v1::DeviceReport) -> v1::DeviceUnchanged {
    v1::DeviceUnchanged {
        device: report.device.clone(),
        observed_at: report.observed_at,
        digest: digest(report).to_vec(),
        generation: report.generation,
    }
}

/// A finding as it travels. What the catalogue knows of every camera is left out, and so is a remedy for what is well.
fn found(finding: &Finding) -> Found {
    let concerned = finding.judgment != Verdict::NotApplicable;
    let is_well = matches!(finding.judgment, Verdict::Met | Verdict::NotApplicable);
    let counts = measures::guidance(finding.measure).reads.contains(&"web_log");
    let steady = |text: &str| if counts { coarse(text) } else { text.to_owned() };
    let piece = |piece: &Evidence| Evidence {
        source: printable(&piece.source, MAX_EVIDENCE_TEXT),
        text: steady(&piece.text),
    };
    Found {
        about: About::Measure(finding.measure),
        judgment: finding.judgment,
        waived: finding.waived,
        stance: finding.stance,
        proof: finding.proof,
        expected: if concerned { finding.expected.clone() } else { String::new() },
        observed: steady(&finding.observed),
        remedy: if is_well { String::new() } else { finding.remedy.clone() },
        disruption: finding.disruption,
        lockout_risk: finding.lockout_risk,
        evidence: finding.evidence.iter().filter(|_| concerned).map(piece).collect(),
    }
}

fn shorten(found: &mut Found, most_text: usize, most_evidence: usize) {
    for text in [&mut found.expected, &mut found.observed, &mut found.remedy] {
        *text = cut(text, most_text);
    }
    found.evidence.truncate(most_evidence);
    for piece in &mut found.evidence {
        piece.source = cut(&piece.source, MAX_EVIDENCE_TEXT);
        piece.text = cut(&piece.text, MAX_EVIDENCE_TEXT);
    }
}

/// The text, printable and at most so many bytes long.
fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "\u{2026}";
    let mut text = printable(text, most);
    if text.len() > most {
        let mut end = most.saturating_sub(MARK.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(MARK);
    }
    text
}

fn device_kind(kind: Kind) -> DeviceKind {
    match kind {
        Kind::Mobotix => DeviceKind::Mobotix,
        Kind::Vms => DeviceKind::Vms,
        Kind::Nas => DeviceKind::Nas,
    }
}

fn failure(failure: &facts::Failure) -> Failure {
    let class = match failure.class {
        facts::FailureClass::Unreachable => FailureClass::Unreachable,
        facts::FailureClass::Refused => FailureClass::Refused,
        facts::FailureClass::Rejected => FailureClass::Rejected,
        facts::FailureClass::Unsupported => FailureClass::Unsupported,
        facts::FailureClass::Nonsense => FailureClass::Nonsense,
    };
    Failure { class, message: cut(&failure.message, MAX_MESSAGE) }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
