//! The table for a terminal: grouped by device, chapter and verdict, what needs attention first. Colour only repeats
//! what a mark and a word say. No foreign string reaches the terminal unescaped, and none is longer than a paragraph.

mod lines;
mod site;
#[cfg(test)]
mod tests;

use proto::{Finding, Verdict};

use self::lines::{Lines, Paint};
use super::words::{self, NAME, Rank, Shown};
use super::{DeviceReport, Report, Summary};

/// Most characters shown of a sentence: a paragraph. The JSON report holds the whole text.
const SENTENCE: usize = 600;

/// How to write for this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns; below 40 counts as 40, and lines end at 140 for the eye's sake.
    pub width: usize,
    /// Whether the terminal shows colours (ANSI SGR).
    pub colour: bool,
    /// Whether to show every measure with expectation, reason, remedy and evidence.
    pub verbose: bool,
}

impl Default for Style {
    /// 80 columns, no colour, not verbose.
    fn default() -> Self {
        Self { width: 80, colour: false, verbose: false }
    }
}

/// Writes the table.
pub(super) fn render(report: &Report, style: &Style) -> String {
    let mut lines = Lines::new(style);
    // On a site only what needs attention is spelt out, so that 300 devices stay readable.
    let detail = match report.devices.as_slice() {
        [] | [_] => Detail::All,
        _ if style.verbose => Detail::All,
        _ => Detail::Attention,
    };
    for device in &report.devices {
        write_device(&mut lines, device, detail, style);
    }
    if report.devices.len() != 1 {
        site::write(&mut lines, report);
    }
    lines.paragraph(0, Paint::Plain, &words::headline(report));
    if Rank::Unmet.count(&report.summary) > 0 && !style.verbose {
        lines.paragraph(
            0,
            Paint::Dim,
            "How to put it right: --verbose, or palisade-agent explain CODE",
        );
    }
    lines.into_text()
}

/// How much is said about each device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Every finding.
    All,
    /// The unmet and the unknown ones; the others by code.
    Attention,
}

fn write_device(lines: &mut Lines, report: &DeviceReport, detail: Detail, style: &Style) {
    let device = &report.device;
    lines.rule();
    lines.paragraph(0, Paint::Bold, &Shown(device.name.as_str(), NAME).to_string());
    let kind = words::kind(device.kind);
    let known = [
        Some(kind),
        device.product.as_deref(),
        device.model.as_deref(),
        device.firmware.as_deref(),
    ];
    let known: Vec<_> =
        known.into_iter().flatten().map(|text| Shown(text, NAME).to_string()).collect();
    lines.paragraph(0, Paint::Plain, &known.join(" · "));
    let (address, source) = (Shown(&device.address, NAME), words::source(device.source));
    let time = words::moment(report.observed_at);
    lines.paragraph(0, Paint::Dim, &format!("{address} · {source} · {time}"));
    if let Some(failure) = &report.failure {
        let class = format!("✗ not audited: {}", words::failure(failure.class));
        lines.entry(&[(Paint::Rank(Rank::Unmet), &class)], 4, "");
        lines.paragraph(4, Paint::Plain, &Shown(&failure.message, SENTENCE).to_string());
        lines.labelled(4, "advice", words::advice(failure.class));
        lines.blank();
        return;
    }
    write_counts(lines, &report.summary);
    for chapter in ["Camera", "VMS", "NAS"] {
        write_chapter(lines, report, chapter, detail, style);
    }
    lines.blank();
}

fn write_counts(lines: &mut Lines, summary: &Summary) {
    let pieces: Vec<_> = words::counts(summary)
        .into_iter()
        .map(|(rank, count, word)| (Paint::Rank(rank), format!("{count} {word}")))
        .collect();
    lines.pieces(0, &pieces, " · ");
}

fn write_chapter(
    lines: &mut Lines,
    report: &DeviceReport,
    chapter: &str,
    detail: Detail,
    style: &Style,
) {
    let mut findings: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.measure.chapter() == chapter).collect();
    if findings.is_empty() {
        return;
    }
    if findings.iter().all(|finding| finding.judgment == Verdict::NotApplicable) {
        let rank = Rank::NotApplicable;
        let text = format!("{chapter}: {} ({} measures)", rank.word(), findings.len());
        lines.entry(&[(Paint::Rank(rank), rank.mark()), (Paint::Dim, &text)], 2, "");
        return;
    }
    // A stable sort: inside a verdict the guide's order stays.
    findings.sort_by_key(|finding| Rank::of(finding));
    lines.blank();
    lines.paragraph(0, Paint::Bold, chapter);
    for rank in Rank::ALL {
        let here: Vec<_> = findings.iter().filter(|finding| Rank::of(finding) == rank).collect();
        let spelt_out = detail == Detail::All || matches!(rank, Rank::Unmet | Rank::Unknown);
        match here.as_slice() {
            [] => {}
            here if spelt_out => {
                for finding in here {
                    write_finding(lines, finding, rank, style);
                }
            }
            here => {
                let codes: Vec<_> = here.iter().map(|finding| finding.measure.code()).collect();
                let head = [(Paint::Rank(rank), rank.mark()), (Paint::Rank(rank), rank.word())];
                lines.entry(&head, 4, &codes.join(" "));
            }
        }
    }
}

fn write_finding(lines: &mut Lines, finding: &Finding, rank: Rank, style: &Style) {
    let paint = Paint::Rank(rank);
    let word = format!("{:<14}", rank.word());
    let mut head = vec![(paint, rank.mark()), (Paint::Bold, finding.measure.code())];
    // A narrow terminal has no room for a column of verdicts beside the titles.
    head.push((paint, if lines.is_narrow() { rank.word() } else { &word }));
    let title = Shown(&finding.title, SENTENCE).to_string();
    let (hang, below) = match lines.width() {
        _ if lines.is_narrow() => (4, 4),
        ..96 => (21, 6),
        _ => (21, 21),
    };
    lines.entry(&head, hang, &title);
    let observed = Shown(&finding.observed, SENTENCE).to_string();
    if rank == Rank::Ignored {
        lines.labelled(below, finding.judgment.as_str(), &observed);
    } else {
        lines.paragraph(below, Paint::Plain, &observed);
    }
    if let (true, Some(waiver)) = (finding.waived, &finding.waiver) {
        let (owner, reason) = (Shown(&waiver.owner, NAME), Shown(&waiver.reason, SENTENCE));
        let text = format!("by {owner} until {}: {reason}", waiver.expires);
        lines.labelled(below, "waived", &text);
    }
    if style.verbose {
        write_reasons(lines, finding, rank, below);
    }
}

fn write_reasons(lines: &mut Lines, finding: &Finding, rank: Rank, below: usize) {
    if matches!(rank, Rank::Unmet | Rank::Waived | Rank::Unknown) {
        for (label, text) in
            [("expected", &finding.expected), ("why", &finding.why), ("remedy", &finding.remedy)]
        {
            if !text.is_empty() {
                lines.labelled(below, label, &Shown(text, SENTENCE).to_string());
            }
        }
        let harm = format!(
            "{}; lock-out risk: {}",
            words::disruption(finding.disruption),
            words::lockout(finding.lockout_risk)
        );
        lines.labelled(below, "disruption", &harm);
    }
    for piece in &finding.evidence {
        let (source, text) = (Shown(&piece.source, NAME), Shown(&piece.text, SENTENCE));
        lines.labelled(below, "evidence", &format!("{source}: {text}"));
    }
    if rank != Rank::NotApplicable {
        lines.labelled(below, "proof", words::proof(finding.proof));
    }
}
