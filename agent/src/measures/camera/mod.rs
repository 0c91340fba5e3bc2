//! The camera chapter.

use proto::Camera;

use super::Guidance;

/// What is always true of a measure.
pub(super) fn guidance(measure: Camera) -> &'static Guidance {
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
