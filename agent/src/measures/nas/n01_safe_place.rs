//! N01: Storage stands in a protected place.
//!
//! Where a box stands, no network tells.

use proto::{Disruption, LockoutRisk, Measure, Nas};

use crate::facts::NasFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Who can carry the storage away has all the recordings, and can also end them.",
    expected: "The storage stands locked away, where only authorised people reach it.",
    remedy: "Move the storage to a locked room or rack, and keep the list of who holds a key.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::None,
    reads: &[],
};

pub(super) fn judge(_: &NasFacts, _: &Site<'_>) -> Judgment {
    Judgment::for_a_person(
        Measure::Nas(Nas::N01SafePlace),
        "where the storage stands does not show on the network",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        let judgment = judge(&NasFacts::unread(UNREAD), &Around::default().site());
        assert_is(&judgment, UNKNOWN, &["[[attestations]]", "N01"]);
    }
}
