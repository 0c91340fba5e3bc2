//! N04: Storage volumes are encrypted.
//!
//! Every volume that holds footage counts; one in clear is enough to be unmet.

use proto::{Disruption, LockoutRisk};

use crate::facts::NasFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Disks that are stolen, sent in for repair or thrown away still hold the recordings.",
    expected: "Every volume that holds recordings is encrypted.",
    remedy: "Save the recordings, create the volumes anew with encryption, and keep the key away \
             from the storage.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::Severe,
    reads: &["encrypted_volumes"],
};

pub(super) fn judge(nas: &NasFacts, _: &Site<'_>) -> Judgment {
    nas.encrypted_volumes.judge(|is_so| {
        if *is_so {
            Judgment::met("every volume with recordings is encrypted")
        } else {
            Judgment::unmet("not every volume with recordings is encrypted")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[track_caller]
    fn check_nas(encrypted_volumes: Fact<bool>, outcome: Outcome, says: &[&str]) {
        let nas = NasFacts { encrypted_volumes, ..NasFacts::unread(UNREAD) };
        assert_is(&judge(&nas, &Around::default().site()), outcome, says);
    }

    #[test]
    fn it_follows_what_was_read_and_nothing_else() {
        check_nas(Fact::Seen(true), MET, &["every volume with recordings is encrypted"]);
        check_nas(Fact::Seen(false), UNMET, &["not every volume with recordings is encrypted"]);
        check_nas(Fact::unreadable(UNREAD), UNKNOWN, &[UNREAD]);
    }
}
