//! What is known about a device, between the wire and checked words.
//!
//! Nothing behind here sees a verdict, a measure or a sign that this version does not know, a text that drives a
//! terminal, or a report larger than [`MAX_REPORT`].

use std::collections::BTreeSet;

use prost::Message;

use super::malformed::{self, Malformed};
use super::v1;
use super::words::word;
pub use super::words::{DeviceKind, FailureClass, Sign};
use crate::{
    DeviceName, Disruption, Evidence, LockoutRisk, Measure, Proof, Stance, Timestamp, Verdict,
};

/// A larger report of one device is refused, in encoded bytes.
pub const MAX_REPORT: usize = 256 << 10;
/// Longest `expected`, `observed` or `remedy`, in bytes.
pub const MAX_TEXT: usize = 8 << 10;
/// Longest source and text of a piece of evidence, in bytes.
pub const MAX_EVIDENCE_TEXT: usize = 2 << 10;
/// Most pieces of evidence of one finding.
pub const MAX_EVIDENCE: usize = 64;
/// Most findings of one device: the 32 measures and the signs, with room for more.
pub const MAX_FINDINGS: usize = 64;
/// Longest address, product, model, firmware, serial number or pin, in bytes.
pub const MAX_WORD: usize = 512;
/// Longest reason why a device could not be looked at, in bytes.
pub const MAX_MESSAGE: usize = 4 << 10;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// One of the 32.
    Measure(Measure),
    /// What the inventory shows.
    Sign(Sign),
}

impl About {
    /// A measure's code, such as `C07`, or a sign's word, such as `gone_device`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measure(measure) => measure.code(),
            Self::Sign(sign) => sign.as_str(),
        }
    }
}

/// A finding as it travels: [`crate::Finding`] without what the catalogue knows, or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is about.
    pub about: About,
    /// The conclusion.
    pub judgment: Verdict,
    /// Whether a waiver in force accepts it.
    pub waived: bool,
    /// What the policy wants done about it.
    pub stance: Stance,
    /// How far the conclusion is proven.
    pub proof: Proof,
    /// What was expected, at most [`MAX_TEXT`] bytes, as the other two.
    pub expected: String,
    /// What was observed; for `unknown`, why it could not be.
    pub observed: String,
    /// What to do about it.
    pub remedy: String,
    /// What the remedy costs at worst.
    pub disruption: Disruption,
    /// Whether the remedy can lock its administrator out.
    pub lockout_risk: LockoutRisk,
    /// What the conclusion rests on, at most [`MAX_EVIDENCE`] pieces.
    pub evidence: Vec<Evidence>,
}

/// Why a device could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What may be concluded.
    pub class: FailureClass,
    /// What went wrong and what to do, at most [`MAX_MESSAGE`] bytes.
    pub message: String,
}

/// The latest of what is known about one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name in the site.
    pub device: DeviceName,
    /// What it is.
    pub kind: DeviceKind,
    /// Address or file name, as the texts that follow at most [`MAX_WORD`] bytes and empty if not known.
    pub address: String,
    /// Product line, such as `MOBOTIX P3`.
    pub product: String,
    /// Model, such as `M16`.
    pub model: String,
    /// Firmware as the device writes it.
    pub firmware: String,
    /// Serial number.
    pub serial: String,
    /// `sha256:` and 64 hex digits, or empty.
    pub pin: String,
    /// When it was last looked at, by the agent's clock.
    pub observed_at: Timestamp,
    /// Why it could not be looked at, if it could not.
    pub failure: Option<Failure>,
    /// When the look behind `findings` was, if there was one.
    pub found_at: Option<Timestamp>,
    /// Each measure and each sign at most once.
    pub findings: Vec<Found>,
    /// Generation of the desired state that the findings were judged by; 0 for none.
    pub generation: u64,
}

/// The device was looked at again, and nothing but the time differs from the report with this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// Which device.
    pub device: DeviceName,
    /// When it was looked at, by the agent's clock.
    pub observed_at: Timestamp,
    /// SHA-256 over [`digest_form`] of the report.
    pub digest: [u8; 32],
    /// Generation of the desired state that it was judged by again.
    pub generation: u64,
}

/// How many bytes a report takes on the wire; at most [`MAX_REPORT`] are taken.
pub fn size(report: &v1::DeviceReport) -> usize {
    report.encoded_len()
}

/// What a report's digest is made over: its bytes with the times and the generation set to 0.
pub fn digest_form(report: &v1::DeviceReport) -> Vec<u8> {
    let same = v1::DeviceReport { observed_at: 0, found_at: 0, generation: 0, ..report.clone() };
    same.encode_to_vec()
}

impl From<&Report> for v1::DeviceReport {
    fn from(report: &Report) -> Self {
        Self {
            device: report.device.to_string(),
            kind: v1::DeviceKind::from(report.kind).into(),
            address: report.address.clone(),
            product: report.product.clone(),
            model: report.model.clone(),
            firmware: report.firmware.clone(),
            serial: report.serial.clone(),
            pin: report.pin.clone(),
            observed_at: report.observed_at.unix(),
            failure: report.failure.as_ref().map(|failure| v1::Failure {
                class: v1::FailureClass::from(failure.class).into(),
                message: failure.message.clone(),
            }),
            found_at: report.found_at.map_or(0, Timestamp::unix),
            findings: report.findings.iter().map(v1::Finding::from).collect(),
            generation: report.generation,
        }
    }
}

impl TryFrom<v1::DeviceReport> for Report {
    type Error = Malformed;

    fn try_from(report: v1::DeviceReport) -> Result<Self, Malformed> {
        malformed::within(report.encoded_len(), "device report", MAX_REPORT)?;
        malformed::within(report.findings.len(), "findings", MAX_FINDINGS)?;
        let findings: Result<Vec<Found>, _> =
            report.findings.into_iter().map(Found::try_from).collect();
        let findings = findings?;
        let about: BTreeSet<About> = findings.iter().map(|found| found.about).collect();
        if about.len() != findings.len() {
            return Err(Malformed::Bad("findings"));
        }
        let word = |text, field| malformed::text(text, field, MAX_WORD);
        let found_at = match report.found_at {
            0 => None,
            seconds => Some(malformed::time(seconds, "time of the findings")?),
        };
        Ok(Self {
            device: malformed::device(report.device)?,
            kind: self::word::<v1::DeviceKind, _>(report.kind, "device kind")?,
            address: word(report.address, "address")?,
            product: word(report.product, "product")?,
            model: word(report.model, "model")?,
            firmware: word(report.firmware, "firmware")?,
            serial: word(report.serial, "serial number")?,
            pin: pin(report.pin)?,
            observed_at: malformed::time(report.observed_at, "time of the look")?,
            failure: report.failure.map(Failure::try_from).transpose()?,
            found_at,
            findings,
            generation: report.generation,
        })
    }
}

fn pin(text: String) -> Result<String, Malformed> {
    let digits = text.strip_prefix("sha256:");
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let good = digits.is_some_and(|digits| digits.len() == 64 && digits.chars().all(is_hex));
    if good || text.is_empty() { Ok(text) } else { Err(Malformed::Bad("pin")) }
}

impl TryFrom<v1::Failure> for Failure {
    type Error = Malformed;

    fn try_from(failure: v1::Failure) -> Result<Self, Malformed> {
        Ok(Self {
            class: word::<v1::FailureClass, _>(failure.class, "failure class")?,
            message: malformed::text(failure.message, "failure", MAX_MESSAGE)?,
        })
    }
}

impl From<&Found> for v1::Finding {
    fn from(found: &Found) -> Self {
        let about = match found.about {
            About::Measure(measure) => v1::finding::About::Measure(measure.code().to_owned()),
            About::Sign(sign) => v1::finding::About::Sign(v1::Sign::from(sign).into()),
        };
        let evidence = found
            .evidence
            .iter()
            .map(|piece| v1::Evidence { source: piece.source.clone(), text: piece.text.clone() });
        Self {
            about: Some(about),
            judgment: v1::Verdict::from(found.judgment).into(),
            waived: found.waived,
            stance: v1::Stance::from(found.stance).into(),
            proof: v1::Proof::from(found.proof).into(),
            expected: found.expected.clone(),
            observed: found.observed.clone(),
            remedy: found.remedy.clone(),
            disruption: v1::Disruption::from(found.disruption).into(),
            lockout_risk: v1::LockoutRisk::from(found.lockout_risk).into(),
            evidence: evidence.collect(),
        }
    }
}

impl TryFrom<v1::Finding> for Found {
    type Error = Malformed;

    fn try_from(finding: v1::Finding) -> Result<Self, Malformed> {
        let about = match finding.about.ok_or(Malformed::Missing("what a finding is about"))? {
            v1::finding::About::Measure(code) => About::Measure(malformed::measure(&code)?),
            v1::finding::About::Sign(sign) => About::Sign(word::<v1::Sign, _>(sign, "sign")?),
        };
        malformed::within(finding.evidence.len(), "evidence", MAX_EVIDENCE)?;
        let piece = |piece: v1::Evidence| -> Result<Evidence, Malformed> {
            let source = malformed::text(piece.source, "evidence", MAX_EVIDENCE_TEXT)?;
            let text = malformed::text(piece.text, "evidence", MAX_EVIDENCE_TEXT)?;
            Ok(Evidence { source, text })
        };
        let evidence: Result<Vec<Evidence>, _> = finding.evidence.into_iter().map(piece).collect();
        let risk = finding.lockout_risk;
        Ok(Self {
            about,
            judgment: word::<v1::Verdict, _>(finding.judgment, "verdict")?,
            waived: finding.waived,
            stance: word::<v1::Stance, _>(finding.stance, "stance")?,
            proof: word::<v1::Proof, _>(finding.proof, "proof")?,
            expected: malformed::text(finding.expected, "expected", MAX_TEXT)?,
            observed: malformed::text(finding.observed, "observed", MAX_TEXT)?,
            remedy: malformed::text(finding.remedy, "remedy", MAX_TEXT)?,
            disruption: word::<v1::Disruption, _>(finding.disruption, "disruption")?,
            lockout_risk: word::<v1::LockoutRisk, _>(risk, "lock-out risk")?,
            evidence: evidence?,
        })
    }
}

impl From<&Unchanged> for v1::DeviceUnchanged {
    fn from(unchanged: &Unchanged) -> Self {
        Self {
            device: unchanged.device.to_string(),
            observed_at: unchanged.observed_at.unix(),
            digest: unchanged.digest.to_vec(),
            generation: unchanged.generation,
        }
    }
}

impl TryFrom<v1::DeviceUnchanged> for Unchanged {
    type Error = Malformed;

    fn try_from(unchanged: v1::DeviceUnchanged) -> Result<Self, Malformed> {
        let digest = unchanged.digest.try_into().map_err(|_| Malformed::Bad("digest"))?;
        Ok(Self {
            device: malformed::device(unchanged.device)?,
            observed_at: malformed::time(unchanged.observed_at, "time of the look")?,
            digest,
            generation: unchanged.generation,
        })
    }
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
