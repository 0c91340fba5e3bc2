//! V01: Each operator has an account on the workstation.
//!
//! Nothing is read from the workstation; who sits at it, its administrator knows.

use proto::{Disruption, LockoutRisk, Measure, Vms};

use crate::facts::VmsFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Behind a shared desktop login nobody can tell who watched, exported or deleted what.",
    expected: "Each operator signs in to the workstation with an account of their own that is not \
               an administrator.",
    remedy: "Create an account without administrator rights for each operator on the computer, and \
             end the use of shared ones.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &[],
};

pub(super) fn judge(_: &VmsFacts, _: &Site<'_>) -> Judgment {
    Judgment::for_a_person(Measure::Vms(Vms::V01OsAccounts), "nothing is read from the workstation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        let judgment = judge(&unread_vms(), &Around::default().site());
        assert_is(&judgment, UNKNOWN, &["[[attestations]]", "V01"]);
    }
}
