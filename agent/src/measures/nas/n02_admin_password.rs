//! N02: Storage administrator has a strong password.
//!
//! The password itself is never part of the facts, only whether it was found strong.

use proto::{Disruption, LockoutRisk};

use crate::facts::NasFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "The administrator of the storage can delete every recording of every camera.",
    expected: "The administrator's password is not the factory one and obeys the policy.",
    remedy: "Set a strong password for the administrator in the storage's own pages, and keep it \
             in a safe place.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["strong_admin_password"],
};

pub(super) fn judge(nas: &NasFacts, _: &Site<'_>) -> Judgment {
    nas.strong_admin_password.judge(|is_so| {
        if *is_so {
            Judgment::met("the administrator's password is strong")
        } else {
            Judgment::unmet("the administrator's password is the factory one or weak")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[track_caller]
    fn check_nas(strong_admin_password: Fact<bool>, outcome: Outcome, says: &[&str]) {
        let nas = NasFacts { strong_admin_password, ..NasFacts::unread(UNREAD) };
        assert_is(&judge(&nas, &Around::default().site()), outcome, says);
    }

    #[test]
    fn it_follows_what_was_read_and_nothing_else() {
        check_nas(Fact::Seen(true), MET, &["the administrator's password is strong"]);
        check_nas(
            Fact::Seen(false),
            UNMET,
            &["the administrator's password is the factory one or weak"],
        );
        check_nas(Fact::unreadable(UNREAD), UNKNOWN, &[UNREAD]);
    }
}
