//! C02: Configuration started from factory defaults.
//!
//! A configuration does not tell what it grew from. Only who set the camera up can say.

use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::facts::CameraFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A camera that was used before can carry accounts, rules and keys of people nobody \
          remembers.",
    expected: "The camera was reset to factory defaults before it was configured for this site.",
    remedy: "When the camera is next commissioned, save its configuration and web server log, \
             reset it (Admin Menu > Configuration > Reset configuration to factory defaults) and \
             change the factory login at once.",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &[],
};

pub(super) fn judge(_: &CameraFacts, _: &Site<'_>) -> Judgment {
    let measure = Measure::Camera(Camera::C02FactoryReset);
    Judgment::for_a_person(
        measure,
        "a configuration does not show whether it began from factory defaults",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn it_is_unknown_and_says_how_to_vouch() {
        check(judge, |_| (), UNKNOWN, &["[[attestations]]", "C02", "site file"]);
    }
}
