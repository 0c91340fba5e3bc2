//! The words, marks and sentences that the faces for people share, so that table, page and test report never call one
//! thing by two names. Nothing here judges.

use std::fmt;

use proto::text::printable;
use proto::{Disruption, Finding, LockoutRisk, Proof, Stance, Timestamp, Verdict};

use super::{DeviceReport, Report, Summary};
use crate::facts::{Device, FailureClass, Kind, Source};

/// Most characters shown of a name, an address or a version.
pub(super) const NAME: usize = 120;
/// Most characters shown of a sentence or a piece of evidence on a page. The JSON report holds the whole text.
pub(super) const TEXT: usize = 2000;

/// A foreign string made fit to be shown, formatted only when it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a>(pub(super) &'a str, pub(super) usize);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&printable(self.0, self.1))
    }
}

/// Where a finding is listed: its verdict, unless the policy leaves it out of every count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Unmet,
    Waived,
    Unknown,
    Attested,
    Met,
    NotApplicable,
    Ignored,
}

impl Rank {
    /// Those that need attention first.
    pub(super) const ALL: [Self; 7] = [
        Self::Unmet,
        Self::Waived,
        Self::Unknown,
        Self::Attested,
        Self::Met,
        Self::NotApplicable,
        Self::Ignored,
    ];

    pub(super) fn of(finding: &Finding) -> Self {
        if finding.stance == Stance::Ignore {
            return Self::Ignored;
        }
        match finding.judgment {
            Verdict::Unmet if finding.waived => Self::Waived,
            Verdict::Unmet => Self::Unmet,
            Verdict::Unknown => Self::Unknown,
            Verdict::Attested => Self::Attested,
            Verdict::Met => Self::Met,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }

    /// How many findings have it. Waived ones are here only, not under unmet, so that the ranks add up.
    pub(super) fn count(self, summary: &Summary) -> u32 {
        match self {
            Self::Unmet => summary.unmet.saturating_sub(summary.waived),
            Self::Waived => summary.waived,
            Self::Unknown => summary.unknown,
            Self::Attested => summary.attested,
            Self::Met => summary.met,
            Self::NotApplicable => summary.not_applicable,
            Self::Ignored => summary.ignored,
        }
    }

    /// One column wide, and different in black and white.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Unmet => "✗",
            Self::Waived => "W",
            Self::Unknown => "?",
            Self::Attested => "◆",
            Self::Met => "✓",
            Self::NotApplicable => "–",
            Self::Ignored => "·",
        }
    }

    /// The verdict in words. A waived measure is still unmet, and the words say so.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unmet => "unmet",
            Self::Waived => "unmet, waived",
            Self::Unknown => "unknown",
            Self::Attested => "attested",
            Self::Met => "met",
            Self::NotApplicable => "not applicable",
            Self::Ignored => "ignored",
        }
    }

    /// The word as a name in a style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Unmet => "unmet",
            Self::Waived => "waived",
            Self::Unknown => "unknown",
            Self::Attested => "attested",
            Self::Met => "met",
            Self::NotApplicable => "na",
            Self::Ignored => "ignored",
        }
    }

    /// What it means, for a reader who sees such a report for the first time.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Unmet => "What was seen on the device is not what the measure asks for.",
            Self::Waived => {
                "Unmet, and somebody accepts that for a stated reason until a stated day. It still counts as unmet."
            }
            Self::Unknown => {
                "It could not be seen. It is not counted as met, and the reason is given."
            }
            Self::Attested => {
                "It cannot be read from a device; a named person vouches for it until a stated day."
            }
            Self::Met => {
                "What the measure asks for was seen on the device at the time of the look."
            }
            Self::NotApplicable => "The measure does not concern this device.",
            Self::Ignored => "The site's policy leaves the measure out of every count.",
        }
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Mobotix => "camera",
        Kind::Vms => "video management workstation",
        Kind::Nas => "network attached storage",
    }
}

pub(super) fn source(source: Source) -> &'static str {
    match source {
        Source::Live => "read live",
        Source::File => "read from a configuration file",
        Source::Declared => "declared in the site file",
    }
}

pub(super) fn disruption(disruption: Disruption) -> &'static str {
    match disruption {
        Disruption::None => "none",
        Disruption::VideoGap => "seconds without video",
        Disruption::Reboot => "a reboot, minutes without video",
        Disruption::LinkLoss => "the network link may be lost",
    }
}

pub(super) fn lockout(risk: LockoutRisk) -> &'static str {
    match risk {
        LockoutRisk::None => "none",
        LockoutRisk::Recoverable => "possible; a reboot or another account is the way back",
        LockoutRisk::Severe => "severe; the way back may be the maker",
    }
}

pub(super) fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Observed => "observed",
        Proof::Partial => "partial; a person must judge the rest",
        Proof::Attested => "attested by a person",
    }
}

pub(super) fn failure(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Unreachable => "unreachable",
        FailureClass::Refused => "refused",
        FailureClass::Rejected => "rejected",
        FailureClass::Unsupported => "unsupported",
        FailureClass::Nonsense => "nonsense",
    }
}

/// What to do about a device that could not be audited.
pub(super) fn advice(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Unreachable => {
            "check that it has power, that the address and port are right, and that this machine may reach it"
        }
        FailureClass::Refused => {
            "check account and password before the next look, and whether the device blocks this machine: \
             it may count failed log-ins"
        }
        FailureClass::Rejected => {
            "check that the account has administrator rights and that the device is not busy"
        }
        FailureClass::Unsupported => {
            "of a camera that cannot be read over the network audit an exported configuration file; for a product line \
             that is not known bring a dialect file (--dialect)"
        }
        FailureClass::Nonsense => {
            "check that this is the device it is taken for and that the file is complete"
        }
    }
}

/// What would turn an unknown finding into a known one.
pub(super) fn settles(finding: &Finding, device: &Device) -> &'static str {
    match (finding.measure.proof(), device.source) {
        (Proof::Attested, _) => {
            "A named person vouches for it in the site file: who, until which day, and what they looked at."
        }
        (Proof::Observed | Proof::Partial, Source::File) => {
            "A live look at the device, where the reason given is that a file cannot show it; otherwise what the \
             reason names."
        }
        (Proof::Observed | Proof::Partial, Source::Live) => {
            "What the reason names, put right or supplied; then another look."
        }
        (Proof::Observed | Proof::Partial, Source::Declared) => {
            "A named person vouches for it in the site file, or what the reason names; the device itself is not read."
        }
    }
}

/// A time for people: `2026-11-24 08:15 UTC`.
pub(super) fn moment(time: Timestamp) -> String {
    let second = time.unix().rem_euclid(86_400);
    format!("{} {:02}:{:02} UTC", time.day(), second / 3600, second / 60 % 60)
}

/// `1 device`, `2 devices`.
pub(super) fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The counts in words, those that need attention first and none that is 0. Waived ones are inside the unmet ones,
/// because a waiver takes nothing out of a count.
pub(super) fn counts(summary: &Summary) -> Vec<(Rank, u32, String)> {
    let ranks = Rank::ALL.into_iter().filter(|rank| *rank != Rank::Waived);
    ranks
        .map(|rank| match (rank, summary.waived) {
            (Rank::Unmet, 0) => (rank, summary.unmet, rank.word().to_owned()),
            (Rank::Unmet, some) => {
                (rank, summary.unmet, format!("{} ({some} waived)", rank.word()))
            }
            _ => (rank, rank.count(summary), rank.word().to_owned()),
        })
        .filter(|(_, count, _)| *count > 0)
        .collect()
}

/// How many findings concern the devices: all but the not applicable and the ignored.
pub(super) fn concerning(summary: &Summary) -> u32 {
    summary.met + summary.unmet + summary.unknown + summary.attested
}

/// The result in one or two plain sentences.
pub(super) fn headline(report: &Report) -> String {
    match report.devices.as_slice() {
        [] => "No device was looked at.".to_owned(),
        [device] => {
            if device.failure.is_some() {
                return "The device could not be audited, so nothing is known about it.".to_owned();
            }
            let counts = &device.summary;
            let concern = concerning(counts);
            let measures = counted(concern, "measure that concerns", "measures that concern");
            let device = kind(device.device.kind);
            sentence(&format!("Of the {measures} this {device}"), concern, counts)
        }
        _ => {
            let Summary { devices, failed_devices, .. } = report.summary;
            let looked = counted(devices, "device was", "devices were");
            let failed = match failed_devices {
                0 => String::new(),
                some => {
                    format!(", and {some} could not be, so nothing is known about {}", them(some))
                }
            };
            let concern = concerning(&report.summary);
            let findings = counted(concern, "finding that concerns", "findings that concern");
            let rest = sentence(
                &format!("Of the {findings} the audited devices"),
                concern,
                &report.summary,
            );
            format!("{looked} audited{failed}. {}", if devices == 0 { "" } else { &rest })
                .trim_end()
                .to_owned()
        }
    }
}

fn them(count: u32) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

fn sentence(start: &str, concern: u32, counts: &Summary) -> String {
    let mut clauses = Vec::new();
    if counts.unmet > 0 {
        let accepted = match counts.waived {
            0 => String::new(),
            some => format!(" ({some} accepted by a waiver)"),
        };
        clauses.push(format!("{} unmet{accepted}", is(counts.unmet)));
    }
    if counts.unknown > 0 {
        clauses.push(format!("{} could not be seen", counts.unknown));
    }
    if counts.attested > 0 {
        clauses.push(format!("{} vouched for by a person", is(counts.attested)));
    }
    if counts.met > 0 {
        clauses.push(format!("{} met", is(counts.met)));
    }
    match clauses.as_slice() {
        [] => "No measure concerns what was looked at.".to_owned(),
        [only] if counts.met == concern => {
            only.replacen(&is(concern), &format!("{start}, all {concern} are"), 1) + "."
        }
        [only] => format!("{start}, {only}."),
        [most @ .., last] => format!("{start}, {} and {last}.", most.join(", ")),
    }
}

fn is(count: u32) -> String {
    format!("{count} {}", if count == 1 { "is" } else { "are" })
}

/// When the devices were looked at: one moment, or the first and the last.
pub(super) fn period(devices: &[DeviceReport]) -> String {
    let times = || devices.iter().map(|device| device.observed_at);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if moment(first) == moment(last) => moment(first),
        (Some(first), Some(last)) => format!("{} to {}", moment(first), moment(last)),
        (None, _) | (_, None) => "never".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn said(summary: Summary) -> String {
        let mut report = sample::camera();
        report.devices[0].summary = summary;
        headline(&report)
    }

    #[test]
    fn the_headline_is_plain_and_counts_the_waived_as_unmet() {
        assert_eq!(
            headline(&sample::camera()),
            "Of the 19 measures that concern this camera, 9 are unmet (1 accepted by a waiver), \
             4 could not be seen, 2 are vouched for by a person and 4 are met."
        );
        assert_eq!(
            said(Summary { met: 22, ..Summary::default() }),
            "Of the 22 measures that concern this camera, all 22 are met."
        );
        assert_eq!(
            said(Summary { unknown: 1, ..Summary::default() }),
            "Of the 1 measure that concerns this camera, 1 could not be seen."
        );
        assert_eq!(said(Summary::default()), "No measure concerns what was looked at.");
    }

    #[test]
    fn no_advice_asks_for_what_was_done_already_or_cannot_be() {
        assert!(advice(FailureClass::Unsupported).contains("dialect file"));
        let mut report = sample::camera();
        report.devices[0].device.source = Source::Declared;
        let DeviceReport { device, findings, .. } = &report.devices[0];
        let read = findings.iter().find(|finding| finding.measure.proof() != Proof::Attested);
        assert!(settles(read.unwrap(), device).contains("vouches"));
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(moment("2026-01-02T03:04:59Z".parse().unwrap()), "2026-01-02 03:04 UTC");
        assert_eq!(moment(Timestamp::from_unix(-1)), "1969-12-31 23:59 UTC");
        let site = sample::site();
        assert_eq!(period(&site.devices), "2026-11-24 08:15 UTC to 2026-11-24 08:17 UTC");
        assert_eq!(period(&[]), "never");
    }
}
