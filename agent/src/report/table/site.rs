//! The end of a site's table: counts per device, and the measures that are unmet on the most devices.

use unicode_width::UnicodeWidthStr;

use super::super::words::{self, NAME, Rank, Shown};
use super::super::{Report, Summary, tally};
use super::lines::{Lines, Paint};

/// So many of the worst measures are named.
const WORST: usize = 5;

const COLUMNS: [(Rank, &str); 6] = [
    (Rank::Unmet, "unmet"),
    (Rank::Waived, "waived"),
    (Rank::Unknown, "unknown"),
    (Rank::Attested, "attested"),
    (Rank::Met, "met"),
    (Rank::NotApplicable, "n/a"),
];

/// Writes the summary of a site.
pub(super) fn write(lines: &mut Lines, report: &Report) {
    lines.rule();
    let name = report.site.as_deref().map(|site| Shown(site, NAME).to_string());
    let name = name.map_or_else(|| "All devices".to_owned(), |name| format!("Site {name}"));
    lines.paragraph(0, Paint::Bold, &name);
    lines.paragraph(0, Paint::Dim, &words::period(&report.devices));
    lines.blank();
    write_counts(lines, report);
    write_worst(lines, report);
    lines.blank();
}

fn write_counts(lines: &mut Lines, report: &Report) {
    let narrow = lines.is_narrow();
    let widths = COLUMNS.map(|(_, word)| if narrow { 4 } else { word.width() + 2 });
    let room = lines.width() - widths.iter().sum::<usize>();
    let longest = report.devices.iter().map(|device| device.device.name.as_str().width()).max();
    let first = longest.unwrap_or(0).max("in all".len()).min(room);
    let row = |label: &str, counts: [String; 6]| {
        let mut cells = vec![(first, label.to_owned())];
        cells.extend(widths.into_iter().zip(counts));
        cells
    };
    let heads = COLUMNS.map(|(rank, word)| if narrow { rank.mark() } else { word }.to_owned());
    lines.row(Paint::Dim, &row("", heads));
    for device in &report.devices {
        let name = Shown(device.device.name.as_str(), NAME).to_string();
        match &device.failure {
            None => lines.row(Paint::Plain, &row(&name, counts(&device.summary))),
            Some(failure) => {
                let class = format!("  not audited: {}", words::failure(failure.class));
                let rest = lines.width() - first;
                let class = if class.width() > rest { "  not audited".to_owned() } else { class };
                let cells = [(first, name), (class.width(), class)];
                lines.row(Paint::Rank(Rank::Unmet), &cells);
            }
        }
    }
    lines.row(Paint::Bold, &row("in all", counts(&report.summary)));
    if narrow {
        let key: Vec<_> = COLUMNS
            .iter()
            .map(|(rank, word)| (Paint::Dim, format!("{} {word}", rank.mark())))
            .collect();
        lines.pieces(0, &key, "  ");
    }
}

fn counts(summary: &Summary) -> [String; 6] {
    COLUMNS.map(|(rank, _)| match counted(rank, summary) {
        0 => "·".to_owned(),
        some => some.to_string(),
    })
}

/// The unmet ones with the waived ones among them.
fn counted(rank: Rank, summary: &Summary) -> u32 {
    if rank == Rank::Unmet { summary.unmet } else { rank.count(summary) }
}

fn write_worst(lines: &mut Lines, report: &Report) {
    let worst = tally::worst(report, WORST);
    if worst.is_empty() {
        return;
    }
    lines.blank();
    lines.paragraph(0, Paint::Bold, "Unmet on the most devices");
    for tally in worst {
        let share = format!("{} of {}", tally.open(), tally.concerned());
        let head = [
            (Paint::Rank(Rank::Unmet), Rank::Unmet.mark()),
            (Paint::Bold, tally.measure.code()),
            (Paint::Plain, share.as_str()),
        ];
        lines.entry(&head, 6, tally.measure.title());
    }
}
