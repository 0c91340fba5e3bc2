//! V05: VMS logs off idle operators.
//!
//! The settings of the video management system are not read.

use proto::{Disruption, LockoutRisk, Measure, Vms};

use crate::facts::VmsFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A workstation left alone is open to whoever passes by, unless it logs itself off.",
    expected: "The VMS logs an operator off after a time without activity.",
    remedy: "Enable Auto log-off in MxManagementCenter with a time that suits the control room.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &[],
};

pub(super) fn judge(_: &VmsFacts, _: &Site<'_>) -> Judgment {
    Judgment::for_a_person(Measure::Vms(Vms::V05AutoLogOff), "the settings of the VMS are not read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        let judgment = judge(&unread_vms(), &Around::default().site());
        assert_is(&judgment, UNKNOWN, &["[[attestations]]", "V05"]);
    }
}
