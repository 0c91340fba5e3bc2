//! V03: VMS accounts hold only the rights they need.
//!
//! Which rights somebody needs is known to people only.

use proto::{Disruption, LockoutRisk, Measure, Vms};

use crate::facts::VmsFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "An operator who may only watch cannot delete recordings or change cameras, by mistake or \
          otherwise.",
    expected: "Each VMS account holds the rights that its person needs and no others.",
    remedy: "Go through the rights of each MxManagementCenter user and take away what the task \
             does not need.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &[],
};

pub(super) fn judge(_: &VmsFacts, _: &Site<'_>) -> Judgment {
    Judgment::for_a_person(
        Measure::Vms(Vms::V03LimitedRights),
        "which rights the accounts of the VMS hold, and need, is not read",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        let judgment = judge(&unread_vms(), &Around::default().site());
        assert_is(&judgment, UNKNOWN, &["[[attestations]]", "V03"]);
    }
}
