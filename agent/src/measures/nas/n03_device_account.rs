//! N03: Cameras use a limited storage account.
//!
//! What counts is how far the account reaches, not what it is called.

use proto::{Disruption, LockoutRisk};

use crate::facts::NasFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A stolen camera holds the password of its storage account, so that account must not \
          reach further than the camera does.",
    expected: "Cameras use an account that reaches only their own share.",
    remedy: "Create an account without administrator rights that reaches only the share for \
             recordings, and enter it in every camera.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::None,
    reads: &["limited_device_account"],
};

pub(super) fn judge(nas: &NasFacts, _: &Site<'_>) -> Judgment {
    nas.limited_device_account.judge(|is_so| {
        if *is_so {
            Judgment::met("cameras use an account that reaches only their share")
        } else {
            Judgment::unmet("cameras use an account that reaches further than their share")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[track_caller]
    fn check_nas(limited_device_account: Fact<bool>, outcome: Outcome, says: &[&str]) {
        let nas = NasFacts { limited_device_account, ..NasFacts::unread(UNREAD) };
        assert_is(&judge(&nas, &Around::default().site()), outcome, says);
    }

    #[test]
    fn it_follows_what_was_read_and_nothing_else() {
        check_nas(Fact::Seen(true), MET, &["cameras use an account that reaches only their share"]);
        check_nas(
            Fact::Seen(false),
            UNMET,
            &["cameras use an account that reaches further than their share"],
        );
        check_nas(Fact::unreadable(UNREAD), UNKNOWN, &[UNREAD]);
    }
}
