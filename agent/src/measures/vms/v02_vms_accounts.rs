//! V02: Each operator has an account in the VMS.
//!
//! The accounts of the video management system are not read.

use proto::{Disruption, LockoutRisk, Measure, Vms};

use crate::facts::VmsFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Only personal accounts let the VMS log say who did what, and let one person be shut out \
          alone.",
    expected: "Each operator has an account of their own in the VMS, protected by a password.",
    remedy: "Create a user for each operator in MxManagementCenter and remove shared ones.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &[],
};

pub(super) fn judge(_: &VmsFacts, _: &Site<'_>) -> Judgment {
    Judgment::for_a_person(
        Measure::Vms(Vms::V02VmsAccounts),
        "the accounts of the VMS are not read",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        let judgment = judge(&unread_vms(), &Around::default().site());
        assert_is(&judgment, UNKNOWN, &["[[attestations]]", "V02"]);
    }
}
