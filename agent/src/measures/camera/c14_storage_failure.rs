//! C14: Storage failures are detected.
//!
//! The tests being on is read; whether whoever is told does something about it is for a person.

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{CameraFacts, Notification, StorageCheck};
use crate::measures::words::list;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A full, broken or unreachable storage target loses recordings silently unless the camera \
          tests it.",
    expected: "Storage failure detection is on, with at least one test, and tells somebody.",
    remedy: "Switch the tests on, choose who is told, and reboot the first time \
             (Admin Menu > Storage > Storage Failure Detection).",
    disruption: Disruption::Reboot,
    lockout_risk: LockoutRisk::None,
    reads: &["storage_check"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    seen(camera).change(Change::DetectStorageFailure)
}

fn seen(camera: &CameraFacts) -> Judgment {
    camera.storage_check.judge(|setting| {
        let StorageCheck { enabled, tests, notification } = &setting.value;
        let unmet = |observed: &str| Judgment::unmet_by(setting.confidence, observed);
        match (enabled, tests) {
            (false, _) => unmet("storage failure detection is off"),
            (true, Some(false)) => unmet("storage failure detection is on, but no test is chosen"),
            (true, None) => Judgment::unknown(
                "storage failure detection is on, but which tests are chosen could not be read",
            ),
            (true, Some(true)) if hears_nobody(notification) => {
                unmet("storage failure detection is on, but nobody hears of a failure")
            }
            (true, Some(true)) => Judgment::met_if_sure(
                setting.confidence,
                format!("storage failure detection is on; {}", audience(notification)),
            )
            .partial(),
        }
    })
}

fn hears_nobody(notification: &Notification) -> bool {
    let Notification { remote, local, dangling: _, unread } = notification;
    remote.is_empty() && local.is_empty() && unread.is_empty()
}

fn audience(notification: &Notification) -> String {
    let Notification { remote, local, dangling, unread } = notification;
    let clauses = [
        (remote, "a failure is reported by "),
        (local, "at the camera it shows by "),
        (dangling, "named, but leading nowhere: "),
        (unread, "whether these are set could not be read: "),
    ];
    let clauses = clauses.iter().filter(|(names, _)| !names.is_empty());
    let clauses: Vec<String> =
        clauses.map(|(names, what)| format!("{what}{}", list(*names))).collect();
    clauses.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    fn storage(
        enabled: bool,
        tests: Option<bool>,
        local: &[&str],
        unread: &[&str],
    ) -> StorageCheck {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let notification = Notification {
            remote: Vec::new(),
            local: owned(local),
            dangling: Vec::new(),
            unread: owned(unread),
        };
        StorageCheck { enabled, tests, notification }
    }

    #[test]
    fn off_or_without_tests_is_unmet() {
        check(
            judge,
            |c| c.storage_check = sure(storage(false, Some(true), &[], &[])),
            UNMET,
            &["off"],
        );
        check(
            judge,
            |c| c.storage_check = sure(storage(true, Some(false), &["LED"], &[])),
            UNMET,
            &["no test"],
        );
        check(
            judge,
            |c| c.storage_check = inferred(storage(false, None, &[], &[])),
            UNMET_PARTLY,
            &["off"],
        );
    }

    #[test]
    fn on_with_tests_is_met_as_far_as_can_be_seen_and_says_who_hears() {
        let lit = storage(true, Some(true), &["LED"], &["mail"]);
        check(
            judge,
            |c| c.storage_check = sure(lit.clone()),
            MET_PARTLY,
            &["shows by LED", "read: mail"],
        );
        check(judge, |c| c.storage_check = inferred(lit), UNKNOWN, &["inferred"]);
    }

    #[test]
    fn a_detection_that_tells_nobody_is_unmet() {
        check(
            judge,
            |c| c.storage_check = sure(storage(true, Some(true), &[], &[])),
            UNMET,
            &["nobody hears"],
        );
    }

    #[test]
    fn unread_tests_are_unknown() {
        check(
            judge,
            |c| c.storage_check = sure(storage(true, None, &["LED"], &[])),
            UNKNOWN,
            &["which tests"],
        );
    }
}
