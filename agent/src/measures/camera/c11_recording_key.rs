//! C11: Recordings are encrypted.
//!
//! Whether a key is set is read, never the key. What a new key does to recordings that exist is not documented.

use proto::{Disruption, LockoutRisk};

use crate::change::Credential;
use crate::facts::{CameraFacts, KeyState};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Whoever takes the card or reads the share takes the recordings with it, unless they are \
          encrypted.",
    expected: "An encryption key for recordings is set.",
    remedy: "Set an encryption key, keep it in a safe place and reboot \
             (Admin Menu > Storage > Storage on External File Server / Flash Device).",
    disruption: Disruption::Reboot,
    lockout_risk: LockoutRisk::None,
    reads: &["recording_key"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    camera.recording_key.judge(|setting| match setting.value {
        KeyState::Set => Judgment::met_if_sure(setting.confidence, "a key for recordings is set"),
        KeyState::Empty => Judgment::unmet_by(setting.confidence, "no key for recordings is set")
            .rotate(Credential::RecordingKey),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[test]
    fn a_key_is_met_if_the_settings_meaning_is_sure() {
        check(judge, |c| c.recording_key = sure(KeyState::Set), MET, &["is set"]);
        check(judge, |c| c.recording_key = inferred(KeyState::Set), UNKNOWN, &["inferred"]);
    }

    #[test]
    fn no_key_accuses_even_by_inference() {
        check(judge, |c| c.recording_key = sure(KeyState::Empty), UNMET, &["no key"]);
        check(judge, |c| c.recording_key = inferred(KeyState::Empty), UNMET_PARTLY, &["no key"]);
    }

    #[test]
    fn a_camera_that_cannot_record_needs_no_key() {
        check(judge, |c| c.recording_key = Fact::Absent, NOT_APPLICABLE, &[]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
