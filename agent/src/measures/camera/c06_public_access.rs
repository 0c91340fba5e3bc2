//! C06: Nothing is public without a login.
//!
//! Behaviour and setting must both be clean to acquit; either alone accuses. Every right is looked at, not only the
//! screens: a right that was ticked along with a screen stays when the screen is unticked (camera help, `acl`).

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{CameraFacts, Confidence, PublicPage};
use crate::measures::words::{counted, list};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "What is public can be watched, and sometimes driven, by anyone who reaches the camera.",
    expected: "No right is marked as public, and no page is served to someone who did not log in.",
    remedy: "Untick every box of the Public Access row (Admin Menu > Security > Group Access \
             Control Lists), after giving accounts to the screens, recorders and web pages that use \
             it.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::None,
    reads: &["public_rights", "public_pages"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    seen(camera).change(Change::ClosePublicAccess)
}

fn seen(camera: &CameraFacts) -> Judgment {
    let pages = camera.public_pages.seen().map_or(&[][..], Vec::as_slice);
    let served: Vec<&str> =
        pages.iter().filter(|page| page.served).map(|page| &*page.path).collect();
    let marked = camera.public_rights.seen().filter(|rights| !rights.value.is_empty());
    let rights = marked.map(|rights| {
        let count = counted(rights.value.len(), "right");
        format!("{count} marked as public: {}", list(&rights.value))
    });
    if !served.is_empty() {
        let served = format!("served without a login: {}", list(served));
        let rights = rights.map_or(String::new(), |rights| format!("; {rights}"));
        return Judgment::unmet(served + &rights);
    }
    if let (Some(marked), Some(rights)) = (marked, rights) {
        return Judgment::unmet_by(marked.confidence, rights);
    }
    camera.public_rights.judge(|marked| {
        let Some(pages) = camera.public_pages.seen() else {
            let reason = camera.public_pages.why_unseen().unwrap_or_default();
            return Judgment::unknown(format!(
                "no right is marked as public; what is served without a login is not known: {reason}"
            ));
        };
        refused(pages, marked.confidence).unless_met("no right is marked as public")
    })
}

/// Whether the camera turned the stranger away, when nothing was served. Pages cannot show every right: where the mark
/// is only inferred, the rest is for a person.
fn refused(pages: &[PublicPage], mark: Confidence) -> Judgment {
    // An error or an empty success tells nothing about what a luckier stranger would get.
    let odd = pages.iter().filter(|page| page.status < 300 || page.status >= 500);
    let odd: Vec<String> = odd.map(|page| format!("{} gave {}", page.path, page.status)).collect();
    let turned_away = pages.iter().filter(|page| matches!(page.status, 401 | 403)).count();
    if !odd.is_empty() {
        return Judgment::unknown(format!(
            "what it serves without a login was not to be told: {}",
            list(odd)
        ));
    }
    match turned_away {
        0 => Judgment::unknown(
            "no page that was asked for without a login was refused with 401 or 403",
        ),
        _ => {
            let observed = format!(
                "no right is marked as public, and of {} asked for without a login none was served",
                counted(pages.len(), "page")
            );
            match mark {
                Confidence::Documented | Confidence::Observed => Judgment::met(observed),
                Confidence::Inferred => Judgment::met(format!(
                    "{observed}; what marks a right as public is only inferred, so for rights \
                     beyond these pages a person must judge"
                ))
                .partial(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn rights(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn pages(pages: &[(&str, u16, bool)]) -> Fact<Vec<PublicPage>> {
        let page = |&(path, status, served): &(&str, u16, bool)| PublicPage {
            path: path.to_owned(),
            status,
            served,
        };
        Fact::Seen(pages.iter().map(page).collect())
    }

    #[test]
    fn every_public_right_is_named() {
        let marked = rights(&["live_acl", "mxcc_acl", "api_acl"]);
        let says = ["3 rights marked as public: api_acl, live_acl and mxcc_acl"];
        check(judge, |c| c.public_rights = sure(marked), UNMET, &says);
    }

    #[test]
    fn an_inferred_mark_accuses_only_partly() {
        check(
            judge,
            |c| c.public_rights = inferred(rights(&["live_acl"])),
            UNMET_PARTLY,
            &["live_acl"],
        );
    }

    #[test]
    fn a_page_that_is_served_proves_it_whatever_the_configuration_says() {
        let open =
            || pages(&[("/control/event.jpg", 200, true), ("/cgi-bin/image.jpg", 401, false)]);
        let judgment = check(judge, |c| c.public_pages = open(), UNMET, &["/control/event.jpg"]);
        assert!(!judgment.observed.contains("/cgi-bin/image.jpg"));
        for marked in [rights(&[]), rights(&["live_acl"])] {
            let set = |c: &mut CameraFacts| {
                c.public_pages = open();
                c.public_rights = inferred(marked);
            };
            check(judge, set, UNMET, &["/control/event.jpg"]);
        }
    }

    #[test]
    fn refusals_do_not_outweigh_a_marked_right() {
        let set = |c: &mut CameraFacts| {
            c.public_pages = pages(&[("/control/event.jpg", 401, false)]);
            c.public_rights = sure(rights(&["live_acl"]));
        };
        check(judge, set, UNMET, &["live_acl"]);
    }

    #[test]
    fn it_takes_a_clean_setting_and_clean_behaviour_to_be_met() {
        let set = |c: &mut CameraFacts| {
            c.public_pages = pages(&[("/control/event.jpg", 401, false), ("/", 302, false)]);
            c.public_rights = sure(rights(&[]));
        };
        check(judge, set, MET, &["2 pages"]);
        check(
            judge,
            |c| c.public_rights = sure(rights(&[])),
            UNKNOWN,
            &["no right is marked", "served without a login is not known", UNREAD],
        );
        check(judge, |c| c.public_pages = pages(&[("/", 401, false)]), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn refusals_beside_an_inferred_mark_leave_the_other_rights_to_a_person() {
        let set = |c: &mut CameraFacts| {
            c.public_pages = pages(&[("/control/event.jpg", 401, false)]);
            c.public_rights = inferred(rights(&[]));
        };
        check(judge, set, MET_PARTLY, &["none was served", "inferred", "a person must judge"]);
    }

    #[test]
    fn a_camera_that_stumbles_has_refused_nobody() {
        for answers in [&[("/a", 401, false), ("/b", 503, false)][..], &[("/a", 302, false)], &[]] {
            let set = |c: &mut CameraFacts| {
                c.public_pages = pages(answers);
                c.public_rights = sure(rights(&[]));
            };
            check(judge, set, UNKNOWN, &[]);
        }
    }
}
