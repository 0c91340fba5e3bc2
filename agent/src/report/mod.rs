//! Reports: from observations and policy to what a person, a script or a customer reads. Pure; the same facts, policy
//! and advisories give the same bytes.

mod csv;
mod format;
mod html;
mod json;
mod junit;
#[cfg(test)]
mod sample;
mod table;
mod tally;
mod words;

use std::io;

use proto::{Finding, Policy, Stance, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

use crate::facts::{Device, Failure, Record};
use crate::firmware::Advisories;
use crate::measures;
use crate::site::Site;

pub use format::{Format, UnknownFormat};
pub use json::SCHEMA;
pub use table::Style;

/// What was found on the devices that were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The version of the agent that looked.
    pub agent: String,
    /// The site's name, if a site file gave one.
    pub site: Option<String>,
    /// Whether one device was asked for, which decides the shape of the JSON document.
    pub single: bool,
    /// In the order of the observations.
    pub devices: Vec<DeviceReport>,
    /// Over all devices.
    pub summary: Summary,
}

/// What was found on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Which device.
    pub device: Device,
    /// When it was looked at, by the agent's clock.
    pub observed_at: Timestamp,
    /// Why it could not be audited, if it could not; then there are no findings.
    pub failure: Option<Failure>,
    /// All 32, in the guide's order.
    pub findings: Vec<Finding>,
    /// The counts.
    pub summary: Summary,
}

/// How many findings there are of each kind. `unmet` counts waived ones too; `ignored` ones are in no other count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Devices that were audited.
    pub devices: u32,
    /// Devices that could not be audited.
    pub failed_devices: u32,
    /// What was seen is what is wanted.
    pub met: u32,
    /// What was seen is not what is wanted, waived or not.
    pub unmet: u32,
    /// Of `unmet`, how many a waiver in force accepts.
    pub waived: u32,
    /// Could not be seen.
    pub unknown: u32,
    /// A person vouches.
    pub attested: u32,
    /// Does not concern the device.
    pub not_applicable: u32,
    /// The policy's stance is `ignore`.
    pub ignored: u32,
}

impl Summary {
    fn count(findings: &[Finding]) -> Self {
        Self { devices: 1, ..Self::of(findings) }
    }

    /// The counts of some findings, wherever they come from; `devices` stays 0.
    fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut summary = Self::default();
        for finding in findings {
            if finding.stance == Stance::Ignore {
                summary.ignored += 1;
                continue;
            }
            summary.waived += u32::from(finding.waived);
            match finding.judgment {
                Verdict::Met => summary.met += 1,
                Verdict::Unmet => summary.unmet += 1,
                Verdict::NotApplicable => summary.not_applicable += 1,
                Verdict::Unknown => summary.unknown += 1,
                Verdict::Attested => summary.attested += 1,
            }
        }
        summary
    }

    fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.failed_devices += other.failed_devices;
        self.met += other.met;
        self.unmet += other.unmet;
        self.waived += other.waived;
        self.unknown += other.unknown;
        self.attested += other.attested;
        self.not_applicable += other.not_applicable;
        self.ignored += other.ignored;
    }
}

/// Judges a record of observations.
pub fn report(record: &Record, policy: &Policy, advisories: &Advisories) -> Report {
    let mut summary = Summary::default();
    let mut devices = Vec::with_capacity(record.observations.len());
    for observation in &record.observations {
        let site = Site {
            policy,
            advisories,
            device: &observation.device.name,
            now: observation.observed_at,
            attestations: &observation.attestations,
            vms_addresses: &observation.vms_addresses,
        };
        let (findings, failure, counts) = match &observation.outcome {
            Ok(facts) => {
                let findings = measures::assess(facts, &site);
                let counts = Summary::count(&findings);
                (findings, None, counts)
            }
            Err(failure) => (
                Vec::new(),
                Some(failure.clone()),
                Summary { failed_devices: 1, ..Summary::default() },
            ),
        };
        summary.add(counts);
        let (device, observed_at) = (observation.device.clone(), observation.observed_at);
        devices.push(DeviceReport { device, observed_at, failure, findings, summary: counts });
    }
    Report {
        agent: record.agent.clone(),
        site: record.site.clone(),
        single: record.single,
        devices,
        summary,
    }
}

/// What `palisade-agent audit` exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: everything that concerns the devices is met, attested or waived.
    Good = 0,
    /// 1: something is unmet and not waived, or could not be seen (silence is not consent).
    Bad = 1,
    /// 2: a device could not be audited.
    Failed = 2,
}

impl Report {
    /// The exit code this report stands for. With `unknown_is_good`, what could not be seen does not count as bad.
    pub fn exit(&self, unknown_is_good: UnknownIs) -> Exit {
        let Summary { failed_devices, unmet, waived, unknown, .. } = self.summary;
        let unknown = match unknown_is_good {
            UnknownIs::Bad => unknown,
            UnknownIs::Tolerated => 0,
        };
        match (failed_devices, unmet.saturating_sub(waived) + unknown) {
            (0, 0) => Exit::Good,
            (0, _) => Exit::Bad,
            _ => Exit::Failed,
        }
    }
}

/// Whether a measure that could not be seen counts as bad in the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownIs {
    /// It does. The default.
    Bad,
    /// It does not.
    Tolerated,
}

/// Writes a report in a format. `style` concerns the table only.
///
/// # Errors
/// Only those of `out`.
pub fn write(
    report: &Report,
    format: Format,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(table::render(report, style).as_bytes()),
        Format::Json => json::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Html => html::write(report, out),
    }
}

/// The same as a string.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    let mut bytes = Vec::new();
    write(report, format, style, &mut bytes).expect("memory takes every write");
    String::from_utf8(bytes).expect("every face writes UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_report_gives_the_same_bytes_in_every_face() {
        for format in Format::ALL {
            let once = render(&sample::site(), format, &Style::default());
            assert_eq!(once, render(&sample::site(), format, &Style::default()));
            assert!(!once.is_empty() && once.ends_with('\n'), "{format}");
        }
    }

    #[test]
    fn a_device_that_failed_is_never_good_news() {
        assert_eq!(sample::camera().exit(UnknownIs::Tolerated), Exit::Bad);
        assert_eq!(sample::silent().exit(UnknownIs::Tolerated), Exit::Failed);
        assert_eq!(sample::site().exit(UnknownIs::Bad), Exit::Failed);
    }
}
