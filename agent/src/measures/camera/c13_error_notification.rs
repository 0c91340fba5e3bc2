//! C13: Errors are reported to somebody elsewhere.
//!
//! A blinking lamp or a mark in the picture tells nobody who is not looking, so only remote ways count.

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{CameraFacts, Notification};
use crate::measures::words::list;
use crate::measures::{Guidance, Judgment, Remedy, remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A camera that fails or reboots unnoticed is missed only when its recording is needed.",
    expected: "At least one notification leads away from the camera, by a profile that exists.",
    remedy: "Choose an e-mail, network message or call profile that exists \
             (Admin Menu > System Information > Error Notification) and send a test message.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["error_notification"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    match remedy::profile(site.policy, &camera.notify_profiles) {
        Ok(profile) => seen(camera).change(Change::ReportErrors { profile }),
        Err(why) => seen(camera).cure(Remedy::Person(why)),
    }
}

fn seen(camera: &CameraFacts) -> Judgment {
    camera.error_notification.judge(|setting| {
        let Notification { remote, dangling, unread, .. } = &setting.value;
        if !remote.is_empty() {
            let dead = match dangling.as_slice() {
                [] => String::new(),
                dead => format!("; named, but leading nowhere: {}", list(dead)),
            };
            let observed = format!("errors are reported by {}{dead}", list(remote));
            return Judgment::met_if_sure(setting.confidence, observed);
        }
        let judgment = Judgment::unmet_by(setting.confidence, describe(&setting.value));
        if unread.is_empty() { judgment } else { judgment.partial() }
    })
}

fn describe(notification: &Notification) -> String {
    let Notification { local, dangling, unread, .. } = notification;
    let mut clauses = vec!["nobody elsewhere hears of errors".to_owned()];
    for (names, what) in [
        (dangling, "named, but leading nowhere"),
        (local, "only at the camera"),
        (unread, "whether these are set could not be read"),
    ] {
        if !names.is_empty() {
            clauses.push(format!("{what}: {}", list(names)));
        }
    }
    clauses.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    fn notification([remote, local, dangling, unread]: [&[&str]; 4]) -> Notification {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Notification {
            remote: owned(remote),
            local: owned(local),
            dangling: owned(dangling),
            unread: owned(unread),
        }
    }

    #[test]
    fn ways_that_are_noticed_only_at_the_camera_do_not_count() {
        let local = notification([&[], &["LED", "live image"], &[], &[]]);
        check(
            judge,
            |c| c.error_notification = sure(local),
            UNMET,
            &["only at the camera: LED and live image"],
        );
    }

    #[test]
    fn unread_ways_leave_room_for_doubt() {
        let half = notification([&[], &["LED"], &[], &["mail"]]);
        check(
            judge,
            |c| c.error_notification = sure(half),
            UNMET_PARTLY,
            &["could not be read: mail"],
        );
    }

    #[test]
    fn a_profile_that_does_not_exist_reaches_nobody() {
        let dangling = notification([&[], &[], &["network message profile x"], &[]]);
        check(
            judge,
            |c| c.error_notification = sure(dangling),
            UNMET,
            &["leading nowhere: network message profile x"],
        );
    }

    #[test]
    fn one_way_that_leads_elsewhere_is_enough() {
        let remote = || notification([&["mail profile ops"], &["LED"], &["profile x"], &["sip"]]);
        check(
            judge,
            |c| c.error_notification = sure(remote()),
            MET,
            &["mail profile ops", "profile x"],
        );
        check(judge, |c| c.error_notification = inferred(remote()), UNKNOWN, &["inferred"]);
    }

    #[test]
    fn nothing_at_all_is_unmet() {
        let nothing = notification([&[], &[], &[], &[]]);
        check(
            judge,
            |c| c.error_notification = inferred(nothing),
            UNMET_PARTLY,
            &["nobody elsewhere"],
        );
    }
}
