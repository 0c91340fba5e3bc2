//! C09: Search engines are kept out.
//!
//! What `/robots.txt` says decides; the setting is only asked where the page tells nothing. A page behind a login tells
//! nothing: a crawler takes that refusal as permission (RFC 9309, section 2.3.1.3).

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{CameraFacts, Crawling, Robots};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A camera that a search engine has indexed is found by everyone; only polite crawlers \
          obey, so this hides and does not protect.",
    expected: "/robots.txt tells every crawler to stay out of everything.",
    remedy: "Set Web Crawler Restrictions to Crawling forbidden \
             (Admin Menu > Page Administration > Language and Start Page > Page Options).",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["robots", "crawling"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    seen(camera).change(Change::ForbidCrawling)
}

fn seen(camera: &CameraFacts) -> Judgment {
    match camera.robots.seen() {
        Some(Robots::DisallowsAll) => {
            Judgment::met(match camera.crawling.seen().map(|s| s.value) {
                Some(Crawling::Allowed) => {
                    "/robots.txt disallows everything, although the setting allows crawling"
                }
                Some(Crawling::Forbidden) | None => "/robots.txt disallows everything",
            })
        }
        Some(Robots::AllowsSome) => {
            Judgment::unmet(match camera.crawling.seen().map(|s| s.value) {
                Some(Crawling::Forbidden) => {
                    "/robots.txt lets crawlers in, although the setting forbids crawling"
                }
                Some(Crawling::Allowed) | None => "/robots.txt lets crawlers in",
            })
        }
        Some(Robots::NoPage) => {
            Judgment::unmet("there is no /robots.txt, which crawlers take as permission")
        }
        Some(Robots::WantsLogin) => by_setting(camera)
            .unless_met("/robots.txt wants a login and so tells a crawler nothing"),
        None => by_setting(camera),
    }
}

fn by_setting(camera: &CameraFacts) -> Judgment {
    camera.crawling.judge(|setting| match setting.value {
        Crawling::Allowed => Judgment::unmet_by(setting.confidence, "the setting allows crawling"),
        Crawling::Forbidden => {
            Judgment::met_if_sure(setting.confidence, "the setting forbids crawling")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    #[track_caller]
    fn check_both(robots: Robots, crawling: Crawling, outcome: Outcome, says: &[&str]) {
        let set = |c: &mut CameraFacts| {
            c.robots = Fact::Seen(robots);
            c.crawling = sure(crawling);
        };
        check(judge, set, outcome, says);
    }

    #[test]
    fn the_page_decides_against_the_setting() {
        check_both(
            Robots::AllowsSome,
            Crawling::Forbidden,
            UNMET,
            &["although the setting forbids"],
        );
        check_both(Robots::NoPage, Crawling::Forbidden, UNMET, &["no /robots.txt"]);
        check_both(Robots::DisallowsAll, Crawling::Allowed, MET, &["although the setting allows"]);
    }

    #[test]
    fn the_page_alone_is_enough() {
        check(
            judge,
            |c| c.robots = Fact::Seen(Robots::DisallowsAll),
            MET,
            &["disallows everything"],
        );
        check(judge, |c| c.robots = Fact::Seen(Robots::AllowsSome), UNMET, &["lets crawlers in"]);
    }

    #[test]
    fn the_setting_alone_counts_if_its_meaning_is_sure() {
        check(judge, |c| c.crawling = sure(Crawling::Forbidden), MET, &["forbids"]);
        check(judge, |c| c.crawling = inferred(Crawling::Forbidden), UNKNOWN, &["inferred"]);
        check(judge, |c| c.crawling = sure(Crawling::Allowed), UNMET, &["allows"]);
        check(judge, |c| c.crawling = inferred(Crawling::Allowed), UNMET_PARTLY, &["allows"]);
    }

    #[test]
    fn a_page_behind_a_login_leaves_it_to_the_setting() {
        check_both(Robots::WantsLogin, Crawling::Forbidden, MET, &[]);
        check_both(Robots::WantsLogin, Crawling::Allowed, UNMET, &["wants a login"]);
        check(
            judge,
            |c| c.robots = Fact::Seen(Robots::WantsLogin),
            UNKNOWN,
            &["wants a login", UNREAD],
        );
    }
}
