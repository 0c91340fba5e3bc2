//! The waivers in force, each with all its devices, so that one decision about 300 cameras is one line.

use proto::{Day, Finding, Measure, Waiver};

use super::super::words::{NAME, Shown, TEXT, counted};
use super::super::{DeviceReport, Report};

/// So many devices are named; the others are counted.
const NAMED: usize = 8;

/// One waiver and where it is used.
pub(super) struct Accepted<'a> {
    pub(super) measure: Measure,
    pub(super) devices: String,
    pub(super) reason: Shown<'a>,
    pub(super) owner: Shown<'a>,
    pub(super) expires: Day,
}

/// The waiver that accepts an unmet finding.
pub(super) fn in_force(finding: &Finding) -> Option<&Waiver> {
    finding.waiver.as_ref().filter(|_| finding.waived)
}

/// The waivers used in a report, in the order of their measures.
pub(super) fn accepted(report: &Report) -> Vec<Accepted<'_>> {
    let mut used: Vec<(Measure, &Waiver, Vec<&DeviceReport>)> = Vec::new();
    for device in &report.devices {
        for finding in &device.findings {
            let Some(waiver) = in_force(finding) else { continue };
            let known = used
                .iter_mut()
                .find(|(measure, other, _)| *measure == finding.measure && *other == waiver);
            match known {
                Some((.., devices)) => devices.push(device),
                None => used.push((finding.measure, waiver, vec![device])),
            }
        }
    }
    used.sort_by_key(|(measure, ..)| *measure);
    used.into_iter()
        .map(|(measure, waiver, devices)| Accepted {
            measure,
            devices: names(&devices),
            reason: Shown(&waiver.reason, TEXT),
            owner: Shown(&waiver.owner, NAME),
            expires: waiver.expires,
        })
        .collect()
}

fn names(devices: &[&DeviceReport]) -> String {
    let named: Vec<_> = devices
        .iter()
        .take(NAMED)
        .map(|report| Shown(report.device.name.as_str(), NAME).to_string())
        .collect();
    match u32::try_from(devices.len().saturating_sub(NAMED)) {
        Ok(0) | Err(_) => named.join(", "),
        Ok(more) => format!("{} and {}", named.join(", "), counted(more, "other", "others")),
    }
}
