//! The vms chapter.

use proto::Vms;

use super::Guidance;

/// What is always true of a measure.
pub(super) fn guidance(measure: Vms) -> &'static Guidance {
    let _ = measure;
    &Guidance {
        why: "",
        expected: "",
        remedy: "",
        disruption: proto::Disruption::None,
        lockout_risk: proto::LockoutRisk::None,
        reads: &[],
    }
}
