//! C12: MxMessage uses a key of our own.
//!
//! Only cameras that exchange messages need one. That a key is set is read; that it is nobody else's is not.

use proto::{Disruption, LockoutRisk};

use crate::change::Credential;
use crate::facts::{CameraFacts, KeyState};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Whoever knows the key can read the messages between cameras and send false ones.",
    expected: "If cameras exchange messages, a key of the site's own protects them.",
    remedy: "Set the same new password of at least 6 characters on every camera that takes part, \
             or switch messages off (Admin Menu > MxMessageSystem > Network Distribution of \
             Messages).",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["messages"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    camera.messages.judge(|setting| {
        let messages = &setting.value;
        if !messages.enabled {
            let reason = "no messages are exchanged with other cameras";
            return Judgment::not_applicable_if_sure(setting.confidence, reason);
        }
        match messages.key {
            Some(KeyState::Empty) => {
                Judgment::unmet_by(setting.confidence, "messages are exchanged without a key")
                    .rotate(Credential::MessageKey)
            }
            Some(KeyState::Set) => Judgment::met_if_sure(
                setting.confidence,
                "messages are exchanged with a key; that it is not one from the factory or from \
                 elsewhere, a person must judge",
            )
            .partial(),
            None => Judgment::unknown(
                "messages are exchanged, but whether a key is set could not \
                                       be read",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Messages;
    use crate::measures::testing::*;

    const OFF: Messages = Messages { enabled: false, key: None };

    fn on(key: Option<KeyState>) -> Messages {
        Messages { enabled: true, key }
    }

    #[test]
    fn a_camera_that_sends_no_messages_needs_no_key() {
        check(judge, |c| c.messages = sure(OFF), NOT_APPLICABLE, &["no messages"]);
    }

    #[test]
    fn an_inferred_off_does_not_excuse() {
        check(judge, |c| c.messages = inferred(OFF), UNKNOWN, &["inferred"]);
    }

    #[test]
    fn the_key_decides_and_whose_it_is_stays_with_a_person() {
        check(judge, |c| c.messages = sure(on(Some(KeyState::Empty))), UNMET, &["without a key"]);
        check(judge, |c| c.messages = inferred(on(Some(KeyState::Empty))), UNMET_PARTLY, &[]);
        check(
            judge,
            |c| c.messages = sure(on(Some(KeyState::Set))),
            MET_PARTLY,
            &["a person must judge"],
        );
        check(judge, |c| c.messages = inferred(on(Some(KeyState::Set))), UNKNOWN, &["inferred"]);
        check(judge, |c| c.messages = sure(on(None)), UNKNOWN, &["could not be read"]);
    }
}
