//! C22: Configuration backup exists and is kept safe.
//!
//! The camera does not know where copies of its configuration lie. How much they would give away is counted.

use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::facts::{CameraFacts, Fact};
use crate::measures::words::counted;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A backup brings a dead camera back in minutes, and a stolen one gives away the passwords \
          in it.",
    expected: "A recent backup of the configuration, encrypted and kept where only administrators \
               reach it.",
    remedy: "Save the configuration (Admin Menu > Configuration > Save current configuration to \
             local computer), encrypt the file with a passphrase, and keep it off the camera \
             network.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["clear_secrets"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    let holds = match &camera.clear_secrets {
        Fact::Seen(0) => "an export holds no password in clear that we know of; ".to_owned(),
        Fact::Seen(count) => {
            format!("an export holds {} in clear; ", counted(*count as usize, "password"))
        }
        Fact::Absent | Fact::Unreadable(_) => String::new(),
    };
    let open =
        format!("{holds}whether a backup exists and is kept safe does not show on the camera");
    Judgment::for_a_person(Measure::Camera(Camera::C22Backup), open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn what_a_stolen_export_gives_away_is_counted() {
        check(
            judge,
            |c| c.clear_secrets = Fact::Seen(11),
            UNKNOWN,
            &["11 passwords in clear", "C22"],
        );
        check(judge, |c| c.clear_secrets = Fact::Seen(1), UNKNOWN, &["1 password in clear"]);
        check(judge, |c| c.clear_secrets = Fact::Seen(0), UNKNOWN, &["no password in clear"]);
        check(judge, |_| (), UNKNOWN, &["[[attestations]]"]);
    }
}
