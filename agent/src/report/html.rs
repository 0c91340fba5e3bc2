//! One self-contained page that an integrator can hand to a customer. It asks nothing of any network, runs no script,
//! and is written so that it reads in light, in dark, narrow and on paper. The template escapes every string; foreign
//! ones lose their harmful characters first.
//!
//! The page is written device by device, so that a site of 300 cameras does not stand in memory twice.

mod chart;
#[cfg(test)]
mod tests;
mod waiver;

use std::io;

use askama::Template;
use proto::{Finding, Measure, Verdict, Waiver};

use self::chart::{Bar, Donut};
use self::waiver::Accepted;
use super::words::{self, NAME, Rank, Shown, TEXT};
use super::{DeviceReport, Report, tally};
use crate::facts::{Failure, Kind};

/// So many of the worst measures are named at the top.
const WORST: usize = 8;

/// With more devices than this, their cards come closed.
const OPEN_CARDS: usize = 8;

/// Writes the page.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    Page { report }.write_into(out)?;
    out.write_all(b"\n")
}

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Page<'a> {
    report: &'a Report,
}

impl Page<'_> {
    fn title(&self) -> Shown<'_> {
        match (self.report.devices.as_slice(), &self.report.site) {
            (_, Some(site)) => Shown(site, NAME),
            ([device], None) => Shown(device.device.name.as_str(), NAME),
            (_, None) => Shown("All devices", NAME),
        }
    }

    fn agent(&self) -> Shown<'_> {
        Shown(&self.report.agent, NAME)
    }

    fn when(&self) -> String {
        words::period(&self.report.devices)
    }

    fn headline(&self) -> String {
        words::headline(self.report)
    }

    /// Whether there is more than one device to compare.
    fn is_site(&self) -> bool {
        self.report.devices.len() > 1
    }

    fn donut(&self) -> Donut {
        Donut::new(&self.report.summary)
    }

    fn tiles(&self) -> Vec<(Rank, u32, String)> {
        words::counts(&self.report.summary)
    }

    fn chapters(&self) -> impl Iterator<Item = (&'static str, Bar)> {
        tally::chapters(self.report)
            .into_iter()
            .map(|(chapter, counts)| (chapter, Bar::new(&counts)))
    }

    fn worst(&self) -> Vec<Worst> {
        let devices = f64::from(self.report.summary.devices.max(1));
        tally::worst(self.report, WORST)
            .into_iter()
            .map(|tally| Worst {
                measure: tally.measure,
                open: tally.open(),
                concerned: tally.concerned(),
                open_share: f64::from(tally.open()) * 100.0 / devices,
                concerned_share: f64::from(tally.concerned()) * 100.0 / devices,
            })
            .collect()
    }

    fn waivers(&self) -> Vec<Accepted<'_>> {
        waiver::accepted(self.report)
    }

    fn cards(&self) -> impl Iterator<Item = Card<'_>> {
        let open = self.report.devices.len() <= OPEN_CARDS;
        self.report.devices.iter().enumerate().map(move |(at, report)| Card {
            at,
            open: open || report.failure.is_some(),
            report,
        })
    }
}

struct Worst {
    measure: Measure,
    open: u32,
    concerned: u32,
    /// Percent of the audited devices.
    open_share: f64,
    /// Percent of the audited devices.
    concerned_share: f64,
}

/// One device on the page.
struct Card<'a> {
    at: usize,
    open: bool,
    report: &'a DeviceReport,
}

impl<'a> Card<'a> {
    fn name(&self) -> Shown<'a> {
        Shown(self.report.device.name.as_str(), NAME)
    }

    fn kind(&self) -> &'static str {
        match self.report.device.kind {
            Kind::Mobotix => "Camera",
            Kind::Vms => "Video management",
            Kind::Nas => "Storage",
        }
    }

    /// The head of the card: what is known about the device.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let device = &self.report.device;
        let optional = [
            ("Product", &device.product),
            ("Model", &device.model),
            ("Firmware", &device.firmware),
            ("Serial number", &device.serial),
            ("Certificate", &device.pin),
        ];
        let mut facts = vec![("Address", Shown(&device.address, NAME).to_string())];
        facts.extend(optional.into_iter().filter_map(|(label, value)| {
            value.as_deref().map(|value| (label, Shown(value, NAME).to_string()))
        }));
        facts.push(("Facts", words::source(device.source).to_owned()));
        facts.push(("Looked at", words::moment(self.report.observed_at)));
        facts
    }

    fn failure(&self) -> Option<&'a Failure> {
        self.report.failure.as_ref()
    }

    fn failure_class(&self, failure: &Failure) -> &'static str {
        words::failure(failure.class)
    }

    fn failure_message(&self, failure: &'a Failure) -> Shown<'a> {
        Shown(&failure.message, TEXT)
    }

    fn advice(&self, failure: &Failure) -> &'static str {
        words::advice(failure.class)
    }

    fn bar(&self) -> Bar {
        Bar::new(&self.report.summary)
    }

    fn of_rank(&self, rank: Rank) -> Vec<Item<'a>> {
        let here = self.report.findings.iter().filter(|finding| Rank::of(finding) == rank);
        here.filter(|finding| {
            rank != Rank::NotApplicable || !self.is_silent(finding.measure.chapter())
        })
        .map(|finding| Item { finding, report: self.report })
        .collect()
    }

    /// The unmet findings, the waived ones last.
    fn unmet(&self) -> Vec<Item<'a>> {
        let mut unmet = self.of_rank(Rank::Unmet);
        unmet.extend(self.of_rank(Rank::Waived));
        unmet
    }

    fn unknown(&self) -> Vec<Item<'a>> {
        self.of_rank(Rank::Unknown)
    }

    /// The findings that need no attention, under their headings.
    fn quiet(&self) -> impl Iterator<Item = (Rank, &'static str, Vec<Item<'a>>)> {
        let headings = [
            (Rank::Attested, "Attested"),
            (Rank::Met, "Met"),
            (Rank::Ignored, "Ignored by policy"),
            (Rank::NotApplicable, "Not applicable"),
        ];
        headings
            .into_iter()
            .map(|(rank, heading)| (rank, heading, self.of_rank(rank)))
            .filter(|(.., items)| !items.is_empty())
    }

    /// Whether no measure of the chapter concerns the device.
    fn is_silent(&self, chapter: &str) -> bool {
        let mut here =
            self.report.findings.iter().filter(|finding| finding.measure.chapter() == chapter);
        here.all(|finding| finding.judgment == Verdict::NotApplicable)
    }

    /// The chapters of which no measure concerns the device.
    fn silent(&self) -> String {
        let chapters = ["Camera", "VMS", "NAS"];
        let silent: Vec<_> =
            chapters.into_iter().filter(|chapter| self.is_silent(chapter)).collect();
        silent.join(" and ")
    }

    /// One mark per measure, in the guide's order.
    fn cells(&self) -> impl Iterator<Item = (Rank, &'static str)> {
        self.report.findings.iter().map(|finding| (Rank::of(finding), finding.measure.code()))
    }
}

/// One finding on the page.
#[derive(Clone, Copy)]
struct Item<'a> {
    finding: &'a Finding,
    report: &'a DeviceReport,
}

impl<'a> Item<'a> {
    fn code(&self) -> &'static str {
        self.finding.measure.code()
    }

    fn rank(&self) -> Rank {
        Rank::of(self.finding)
    }

    fn text(&self, of: fn(&Finding) -> &String) -> Shown<'a> {
        Shown(of(self.finding), TEXT)
    }

    fn title(&self) -> Shown<'a> {
        self.text(|finding| &finding.title)
    }

    fn observed(&self) -> Shown<'a> {
        self.text(|finding| &finding.observed)
    }

    fn expected(&self) -> Shown<'a> {
        self.text(|finding| &finding.expected)
    }

    fn why(&self) -> Shown<'a> {
        self.text(|finding| &finding.why)
    }

    fn remedy(&self) -> Shown<'a> {
        self.text(|finding| &finding.remedy)
    }

    /// An ignored measure's verdict, which its rank hides.
    fn is_ignored(&self) -> bool {
        self.rank() == Rank::Ignored
    }

    fn verdict(&self) -> String {
        self.finding.judgment.as_str().replace('_', " ")
    }

    fn is_partial(&self) -> bool {
        self.finding.proof == proto::Proof::Partial
    }

    fn disruption(&self) -> &'static str {
        words::disruption(self.finding.disruption)
    }

    fn lockout(&self) -> &'static str {
        words::lockout(self.finding.lockout_risk)
    }

    fn is_harmful(&self) -> bool {
        self.finding.lockout_risk == proto::LockoutRisk::Severe
    }

    fn settles(&self) -> &'static str {
        words::settles(self.finding, &self.report.device)
    }

    fn waiver(&self) -> Option<&'a Waiver> {
        waiver::in_force(self.finding)
    }

    fn reason(&self, waiver: &'a Waiver) -> Shown<'a> {
        Shown(&waiver.reason, TEXT)
    }

    fn owner(&self, waiver: &'a Waiver) -> Shown<'a> {
        Shown(&waiver.owner, NAME)
    }

    fn evidence(&self) -> impl ExactSizeIterator<Item = (Shown<'a>, Shown<'a>)> {
        let pieces = self.finding.evidence.iter();
        pieces.map(|piece| (Shown(&piece.source, NAME), Shown(&piece.text, TEXT)))
    }
}
