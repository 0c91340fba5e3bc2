//! C20: Network port asks for IEEE 802.1X.
//!
//! The camera's half is read. Whether the switch insists is the switch's half, and is not claimed.

use proto::{Disruption, LockoutRisk, Verdict};

use crate::change::Change;
use crate::facts::CameraFacts;
use crate::measures::{Guidance, Judgment, Remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Otherwise whoever unplugs a camera outdoors has a socket in the CCTV network.",
    expected: "IEEE 802.1X is on at the camera, and its switch port demands it.",
    remedy: "Agree the procedure with the network administrator, then enable it (Admin Menu > \
             Network Setup > Ethernet Interface (for experts) > IEEE 802.1X); wrong data takes the \
             camera off the network.",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["dot1x"],
};

/// What no camera can tell, and what wrong data would cost.
const PREPARE: &str = "Put the data for IEEE 802.1X into the camera, agree it with whoever runs the \
                       switches, and say so in the policy (change.dot1x_prepared).";

/// Said of what is not known, since to learn it is to set it.
const CAREFUL: &str = "; wrong data takes the camera off the network, so whoever sets it agrees it with \
                       whoever runs the switches first";

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let mut judgment = seen(camera);
    if judgment.verdict == Verdict::Unknown {
        judgment.observed.push_str(CAREFUL);
    }
    if site.policy.change.dot1x_prepared {
        judgment.change(Change::RequireDot1x)
    } else {
        judgment.cure(Remedy::Person(PREPARE.to_owned()))
    }
}

fn seen(camera: &CameraFacts) -> Judgment {
    camera.dot1x.judge(|setting| {
        if setting.value {
            let observed = "IEEE 802.1X is on at the camera; that the switch port demands it, a \
                            person must judge";
            Judgment::met_if_sure(setting.confidence, observed).partial()
        } else {
            Judgment::unmet_by(setting.confidence, "IEEE 802.1X is off")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[test]
    fn the_cameras_half_is_judged_and_the_switchs_half_named() {
        check(judge, |c| c.dot1x = sure(true), MET_PARTLY, &["switch port"]);
        check(judge, |c| c.dot1x = sure(false), UNMET, &["off"]);
    }

    #[test]
    fn inference_accuses_and_does_not_acquit() {
        check(judge, |c| c.dot1x = inferred(true), UNKNOWN, &["inferred"]);
        check(judge, |c| c.dot1x = inferred(false), UNMET_PARTLY, &["off"]);
        check(judge, |c| c.dot1x = Fact::Absent, NOT_APPLICABLE, &[]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
