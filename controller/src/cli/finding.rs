//! A finding as it is listed.

use proto::Timestamp;
use proto::wire::v1;
use proto::wire::v1::finding::About;
use serde::Serialize;

use super::stop::Stop;
use super::table::{self, Row};
use super::words::{self, nonsense};

/// One finding about one device.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    /// Where.
    pub site: String,
    /// Which device.
    pub device: String,
    /// When it was last looked at.
    pub observed_at: Option<Timestamp>,
    /// A measure such as C07, or a sign such as `new_device`.
    pub about: String,
    /// The conclusion.
    pub judgment: &'static str,
    /// Whether somebody accepts it.
    pub waived: bool,
    stance: &'static str,
    proof: &'static str,
    expected: String,
    observed: String,
    remedy: String,
    disruption: &'static str,
    lockout_risk: &'static str,
    evidence: Vec<Evidence>,
}

#[derive(Debug, Serialize)]
struct Evidence {
    source: String,
    text: String,
}

impl TryFrom<v1::FindingRow> for FindingRow {
    type Error = Stop;

    fn try_from(row: v1::FindingRow) -> Result<Self, Stop> {
        let finding = row.finding.ok_or_else(|| nonsense("a finding without content"))?;
        let about = match finding.about {
            Some(About::Measure(code)) => code,
            Some(About::Sign(sign)) => words::sign(sign)?.to_owned(),
            None => return Err(nonsense("a finding about nothing")),
        };
        let evidence = finding.evidence.into_iter();
        Ok(Self {
            site: row.site,
            device: row.device,
            observed_at: table::time(row.observed_at),
            about,
            judgment: words::judgment(finding.judgment)?,
            waived: finding.waived,
            stance: words::stance(finding.stance)?,
            proof: words::proof(finding.proof)?,
            expected: finding.expected,
            observed: finding.observed,
            remedy: finding.remedy,
            disruption: words::disruption(finding.disruption)?,
            lockout_risk: words::lockout_risk(finding.lockout_risk)?,
            evidence: evidence.map(|it| Evidence { source: it.source, text: it.text }).collect(),
        })
    }
}

impl FindingRow {
    /// Whether it is something to be seen to: unmet and not waived, or not seen.
    pub fn is_bad(&self) -> bool {
        match self.judgment {
            "unmet" => !self.waived,
            "unknown" => true,
            _ => false,
        }
    }
}

impl Row for FindingRow {
    const TITLES: &'static [&'static str] =
        &["SITE", "DEVICE", "ABOUT", "JUDGMENT", "SEEN", "OBSERVED"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let waived = if self.waived { " (waived)" } else { "" };
        vec![
            self.site.clone(),
            self.device.clone(),
            self.about.clone(),
            format!("{}{waived}", self.judgment),
            table::ago(self.observed_at, now),
            self.observed.clone(),
        ]
    }
}
