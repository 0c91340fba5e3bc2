//! Counts across devices: which measures are worst, and how the chapters stand. Counts only, no judgment.

use proto::{Finding, Measure};

use super::words::Rank;
use super::{Report, Summary};

/// One measure over all devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) measure: Measure,
    pub(super) counts: Summary,
}

impl Tally {
    /// Devices that the measure concerns.
    pub(super) fn concerned(&self) -> u32 {
        super::words::concerning(&self.counts)
    }

    /// Devices where it is unmet and not waived.
    pub(super) fn open(&self) -> u32 {
        Rank::Unmet.count(&self.counts)
    }
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.devices.iter().flat_map(|device| &device.findings)
}

/// The measures that are unmet and not waived on the most devices, at most `most` of them, the worst first.
pub(super) fn worst(report: &Report, most: usize) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Measure::all()
        .map(|measure| {
            let here = findings(report).filter(|finding| finding.measure == measure);
            Tally { measure, counts: Summary::of(here) }
        })
        .filter(|tally| tally.open() > 0)
        .collect();
    tallies.sort_by_key(|tally| {
        (std::cmp::Reverse((tally.open(), tally.counts.unknown)), tally.measure)
    });
    tallies.truncate(most);
    tallies
}

/// The guide's chapters that concern a device looked at, with their counts.
pub(super) fn chapters(report: &Report) -> Vec<(&'static str, Summary)> {
    ["Camera", "VMS", "NAS"]
        .into_iter()
        .map(|chapter| {
            let here = findings(report).filter(|finding| finding.measure.chapter() == chapter);
            (chapter, Summary::of(here))
        })
        .filter(|(_, counts)| super::words::concerning(counts) + counts.ignored > 0)
        .collect()
}
