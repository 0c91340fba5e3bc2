//! One row per device and measure, for a spreadsheet: RFC 4180 with CRLF and a header, UTF-8 without a byte order mark.
//! A device that could not be audited has one row with no measure and its failure, so that it is not forgotten.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, also behind blanks, a tab or a line
//! break. Such a cell gets an apostrophe in front, which spreadsheets show as plain text; a script that reads the file
//! takes one leading apostrophe off. Harmful characters become `\u{..}` escapes, and what is beyond a spreadsheet's
//! 32,767 characters per cell is cut: the JSON report holds the whole text.

use std::borrow::Cow;
use std::io;

use proto::Finding;
use proto::text::printable;

use super::{DeviceReport, Report, words};

/// Most characters in a cell, with room for escapes.
const CELL: usize = 32_000;

const HEADER: [&str; 29] = [
    "site",
    "device",
    "kind",
    "source",
    "address",
    "product",
    "model",
    "firmware",
    "serial",
    "observed_at",
    "failure",
    "failure_message",
    "measure",
    "chapter",
    "title",
    "judgment",
    "waived",
    "waiver_reason",
    "waiver_owner",
    "waiver_expires",
    "stance",
    "proof",
    "expected",
    "observed",
    "why",
    "remedy",
    "disruption",
    "lockout_risk",
    "evidence",
];

/// Writes the rows.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let terminator = ::csv::Terminator::CRLF;
    let mut rows = ::csv::WriterBuilder::new().terminator(terminator).from_writer(out);
    rows.write_record(HEADER)?;
    let site = report.site.as_deref().unwrap_or_default();
    for device in &report.devices {
        let head = device_cells(site, device);
        if device.failure.is_some() || device.findings.is_empty() {
            let blanks = std::iter::repeat_n(String::new(), HEADER.len() - head.len());
            rows.write_record(head.iter().cloned().chain(blanks))?;
        }
        for finding in &device.findings {
            rows.write_record(head.iter().cloned().chain(finding_cells(finding)))?;
        }
    }
    rows.flush()
}

fn device_cells(site: &str, report: &DeviceReport) -> [String; 12] {
    let device = &report.device;
    let or_blank = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    let failure = report.failure.as_ref();
    [
        cell(site),
        cell(device.name.as_str()),
        word(&device.kind),
        word(&device.source),
        cell(&device.address),
        or_blank(&device.product),
        or_blank(&device.model),
        or_blank(&device.firmware),
        or_blank(&device.serial),
        report.observed_at.to_string(),
        failure.map_or_else(String::new, |failure| words::failure(failure.class).to_owned()),
        failure.map_or_else(String::new, |failure| cell(&failure.message)),
    ]
}

fn finding_cells(finding: &Finding) -> [String; 17] {
    let waiver = finding.waiver.as_ref();
    let evidence: Vec<_> =
        finding.evidence.iter().map(|piece| format!("{}: {}", piece.source, piece.text)).collect();
    [
        finding.measure.code().to_owned(),
        finding.measure.chapter().to_owned(),
        cell(&finding.title),
        finding.judgment.as_str().to_owned(),
        finding.waived.to_string(),
        waiver.map_or_else(String::new, |waiver| cell(&waiver.reason)),
        waiver.map_or_else(String::new, |waiver| cell(&waiver.owner)),
        waiver.map_or_else(String::new, |waiver| waiver.expires.to_string()),
        word(&finding.stance),
        word(&finding.proof),
        cell(&finding.expected),
        cell(&finding.observed),
        cell(&finding.why),
        cell(&finding.remedy),
        word(&finding.disruption),
        word(&finding.lockout_risk),
        cell(&evidence.join(" | ")),
    ]
}

/// An enum's word in files, the same as in the JSON document.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn cell(text: &str) -> String {
    let text = printable(text, CELL);
    defused(&text).into_owned()
}

/// The full-width signs are formulas to some spreadsheets too.
fn defused(text: &str) -> Cow<'_, str> {
    let dangerous = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let first_is_blank = text.starts_with(['\t', '\r', '\n']);
    if first_is_blank || text.trim_start().starts_with(dangerous) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Format, Style, render, sample};
    use super::*;

    fn rows(text: &str) -> Vec<::csv::StringRecord> {
        ::csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
    }

    fn written(report: &Report) -> String {
        render(report, Format::Csv, &Style::default())
    }

    #[test]
    fn there_is_a_row_per_device_and_measure_and_one_for_a_failed_device() {
        let text = written(&sample::site());
        assert!(text.starts_with("site,device,kind,source,address,") && text.ends_with("\r\n"));
        let rows = rows(&text);
        assert_eq!(rows.len(), 5 * 32 + 1);
        let failed: Vec<_> = rows.iter().filter(|row| &row[10] == "unreachable").collect();
        assert_eq!(failed.len(), 1);
        assert_eq!((&failed[0][1], &failed[0][12]), ("gate-west", ""));
        assert!(failed[0][11].contains("no answer"));
    }

    #[test]
    fn a_row_says_what_the_finding_says() {
        let rows = rows(&written(&sample::camera()));
        let row = rows.iter().find(|row| &row[12] == "C15").unwrap();
        assert_eq!(
            (&row[15], &row[16], &row[18], &row[19]),
            ("unmet", "true", "Kim Berg", "2027-04-30")
        );
        assert_eq!((&row[20], &row[21], &row[26]), ("report", "observed", "video_gap"));
        assert!(row[28].contains("configuration line 812: ACCESS_MODE=public | GET /robots.txt"));
    }

    #[test]
    fn no_hostile_string_is_a_formula_or_drives_a_terminal() {
        let text = written(&sample::hostile());
        assert!(text.contains("'=cmd|"));
        let lines = text.replace("\r\n", "");
        assert!(!lines.chars().any(proto::text::is_harmful));
        for row in rows(&text) {
            assert_eq!(row.len(), HEADER.len());
            assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_formula(text in "[\\s=+@＝-]{0,3}(?s).{0,40}") {
            let cell = cell(&text);
            prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']));
        }
    }
}
