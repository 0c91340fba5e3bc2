//! N05: RAID level survives a failed disk.
//!
//! Redundancy is no backup: it survives a broken disk, not a deletion or a fire.

use proto::{Disruption, LockoutRisk};

use crate::facts::NasFacts;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Disks fail, and without redundancy the recordings fail with them; redundancy is still no \
          backup.",
    expected: "The RAID level keeps all recordings when a disk fails.",
    remedy: "Save the recordings and build the volume with a level that survives a failed disk, \
             such as RAID 1, 5, 6 or 10.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::None,
    reads: &["redundant_raid"],
};

pub(super) fn judge(nas: &NasFacts, _: &Site<'_>) -> Judgment {
    nas.redundant_raid.judge(|is_so| {
        if *is_so {
            Judgment::met("the RAID level survives a failed disk")
        } else {
            Judgment::unmet("a failed disk would lose recordings")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[track_caller]
    fn check_nas(redundant_raid: Fact<bool>, outcome: Outcome, says: &[&str]) {
        let nas = NasFacts { redundant_raid, ..NasFacts::unread(UNREAD) };
        assert_is(&judge(&nas, &Around::default().site()), outcome, says);
    }

    #[test]
    fn it_follows_what_was_read_and_nothing_else() {
        check_nas(Fact::Seen(true), MET, &["the RAID level survives a failed disk"]);
        check_nas(Fact::Seen(false), UNMET, &["a failed disk would lose recordings"]);
        check_nas(Fact::unreadable(UNREAD), UNKNOWN, &[UNREAD]);
    }
}
