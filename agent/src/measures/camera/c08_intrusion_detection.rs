//! C08: Repeated failed log-ins are reported and blocked.
//!
//! Blocking works only while the IP access list (C07) is on, and only until the next reboot; a block that cannot work
//! is not counted.

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{CameraFacts, Confidence, Fact, Intrusion};
use crate::measures::words::list;
use crate::measures::{Guidance, Judgment, Remedy, remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Passwords fall to patience: who may try for ever gets in, unless somebody is told and \
          the address is blocked.",
    expected: "Intrusion detection is on with a threshold of 5 to 10, notifies somebody and blocks \
               the address, and IP access control is on so that the block works.",
    remedy: "With IP access control on and this agent and the video workstations allowed there, \
             enable intrusion detection with a notification and Block IP Address (Admin Menu > \
             Network Setup > Web Server (for experts) > Intrusion Detection Settings).",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["intrusion", "ip_access"],
};

/// Failed log-ins above which a notification comes too late, by our own judgment: the dialog takes 5 or more, the
/// guide's example is 7.
const MOST_FAILURES: u32 = 10;

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    match remedy::profile(site.policy, &camera.notify_profiles) {
        Ok(profile) => {
            let threshold = site.policy.change.intrusion_threshold;
            seen(camera).change(Change::DetectIntrusion { threshold, profile })
        }
        Err(why) => seen(camera).cure(Remedy::Person(why)),
    }
}

fn seen(camera: &CameraFacts) -> Judgment {
    camera.intrusion.judge(|setting| {
        if !setting.value.enabled {
            return Judgment::unmet_by(setting.confidence, "intrusion detection is off");
        }
        let list_is_on = match &camera.ip_access {
            Fact::Seen(access) => Fact::Seen((access.value.enabled, access.confidence)),
            Fact::Absent => Fact::Seen((false, setting.confidence)),
            Fact::Unreadable(reason) => Fact::unreadable(reason.clone()),
        };
        accuse(&setting.value, setting.confidence, &list_is_on)
            .unwrap_or_else(|| acquit(&setting.value, setting.confidence, &list_is_on))
    })
}

fn accuse(
    set: &Intrusion,
    confidence: Confidence,
    list_is_on: &Fact<(bool, Confidence)>,
) -> Option<Judgment> {
    let mut against = Vec::new();
    if set.notifies == Some(false) {
        against.push((confidence, "nobody is notified".to_owned()));
    }
    if set.blocks == Some(false) {
        against.push((confidence, "the address is not blocked".to_owned()));
    }
    if let (Some(true), Fact::Seen((false, of_list))) = (set.blocks, list_is_on) {
        let no_effect = "blocking is set, but has no effect while IP access control is off (C07)";
        against.push((confidence.min(*of_list), no_effect.to_owned()));
    }
    if let Some(threshold) = set.threshold.filter(|threshold| *threshold > MOST_FAILURES) {
        against.push((confidence, format!("{threshold} failures pass before anything happens")));
    }
    // One accusation that is sure is enough to be sure.
    let surest = against.iter().map(|(confidence, _)| *confidence).max()?;
    let against = list(against.into_iter().map(|(_, clause)| clause));
    Some(Judgment::unmet_by(surest, format!("intrusion detection is on, but {against}")))
}

fn acquit(
    set: &Intrusion,
    confidence: Confidence,
    list_is_on: &Fact<(bool, Confidence)>,
) -> Judgment {
    let unread: Vec<&str> = [
        (set.threshold.is_none(), "the threshold"),
        (set.notifies.is_none(), "the notification"),
        (set.blocks.is_none(), "blocking"),
    ]
    .into_iter()
    .filter_map(|(unread, what)| unread.then_some(what))
    .collect();
    if !unread.is_empty() {
        return Judgment::unknown(format!(
            "intrusion detection is on, but what is set could not be read for {}",
            list(unread)
        ));
    }
    let of_list = match list_is_on {
        Fact::Seen((_, of_list)) => *of_list,
        Fact::Absent => confidence,
        Fact::Unreadable(reason) => {
            return Judgment::unknown(format!(
                "blocking is set, but whether IP access control, on which it depends, is on is not \
                 known: {reason}"
            ));
        }
    };
    let threshold = set.threshold.unwrap_or_default();
    let observed = format!(
        "intrusion detection is on: after {threshold} failures it notifies and blocks until the \
         next reboot"
    );
    Judgment::met_if_sure(confidence.min(of_list), observed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{IpAccess, Setting};
    use crate::measures::testing::*;

    const GOOD: Intrusion =
        Intrusion { enabled: true, threshold: Some(7), blocks: Some(true), notifies: Some(true) };

    fn list_is(enabled: bool) -> Fact<Setting<IpAccess>> {
        sure(IpAccess { enabled, rules: Vec::new(), refuses_others: None })
    }

    #[track_caller]
    fn check_with_list(
        intrusion: Intrusion,
        enabled: bool,
        outcome: Outcome,
        says: &[&str],
    ) -> Judgment {
        let set = |c: &mut CameraFacts| {
            c.intrusion = sure(intrusion);
            c.ip_access = list_is(enabled);
        };
        check(judge, set, outcome, says)
    }

    #[test]
    fn notifying_and_blocking_with_the_list_on_is_met() {
        check_with_list(GOOD, true, MET, &["after 7 failures"]);
    }

    #[test]
    fn off_is_unmet_and_only_partly_so_by_inference() {
        let off = Intrusion { enabled: false, ..GOOD };
        check_with_list(off.clone(), true, UNMET, &["off"]);
        check(judge, |c| c.intrusion = inferred(off), UNMET_PARTLY, &["off"]);
    }

    #[test]
    fn a_block_without_the_ip_access_list_has_no_effect() {
        check_with_list(GOOD, false, UNMET, &["no effect while IP access control is off (C07)"]);
    }

    #[test]
    fn a_block_is_not_believed_while_the_list_is_unread() {
        check(judge, |c| c.intrusion = sure(GOOD), UNKNOWN, &["IP access control", UNREAD]);
    }

    #[test]
    fn each_half_is_missed() {
        check_with_list(Intrusion { blocks: Some(false), ..GOOD }, true, UNMET, &["not blocked"]);
        check_with_list(
            Intrusion { notifies: Some(false), ..GOOD },
            true,
            UNMET,
            &["nobody is notified"],
        );
        check_with_list(Intrusion { threshold: Some(500), ..GOOD }, true, UNMET, &["500 failures"]);
    }

    #[test]
    fn a_key_that_could_not_be_read_leaves_it_unknown() {
        check_with_list(Intrusion { threshold: None, ..GOOD }, true, UNKNOWN, &["the threshold"]);
        check_with_list(
            Intrusion { blocks: None, notifies: None, ..GOOD },
            true,
            UNKNOWN,
            &["the notification and blocking"],
        );
    }

    #[test]
    fn the_weaker_of_both_settings_decides() {
        let set = |c: &mut CameraFacts| {
            c.intrusion = inferred(GOOD);
            c.ip_access = list_is(true);
        };
        check(judge, set, UNKNOWN, &["inferred"]);
        let set = |c: &mut CameraFacts| {
            c.intrusion = sure(GOOD);
            c.ip_access =
                inferred(IpAccess { enabled: false, rules: Vec::new(), refuses_others: None });
        };
        check(judge, set, UNMET_PARTLY, &[]);
    }
}
