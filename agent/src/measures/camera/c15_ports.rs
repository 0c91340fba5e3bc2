//! C15: Web server avoids the standard ports.
//!
//! This is obscurity: it spares the camera the crude scans and no others. It is judged because the guide lists it;
//! waive it where a video management system depends on the standard ports.

use proto::{Disruption, LockoutRisk};

use crate::change::{Change, Door};
use crate::facts::CameraFacts;
use crate::measures::words::list;
use crate::measures::{Guidance, Judgment, Remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "The standard web ports get the bulk of automatic attacks; moving away hides the camera \
          from crude scans and from nothing else.",
    expected: "Nothing answers on the standard HTTP and HTTPS ports (80 and 443 unless the policy \
               says otherwise).",
    remedy: "Choose other ports after preparing the video workstations and firewalls for them, and \
             reboot (Admin Menu > Network Setup > Web Server (for experts)).",
    disruption: Disruption::Reboot,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["web_ports"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let judgment = seen(camera, site);
    let open = |port: u16| {
        let mut sightings = camera.web_ports.seen().into_iter().flatten();
        sightings.any(|sighting| sighting.port == port && sighting.open == Some(true))
    };
    let (standard, wanted) = (site.policy.web_ports, &site.policy.change);
    let doors = [
        (Door::Https, standard.https, wanted.https_port, "change.https_port"),
        (Door::Http, standard.http, wanted.http_port, "change.http_port"),
    ];
    doors.into_iter().filter(|(_, port, ..)| open(*port)).fold(
        judgment,
        |judgment, (door, _, to, key)| match to {
            Some(to) => judgment.change(Change::MoveWebPort { door, to }),
            None => judgment.cure(Remedy::Person(format!(
                "Say in the policy which port {door} moves to ({key}), after preparing workstations and firewalls."
            ))),
        },
    )
}

fn seen(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.web_ports.judge(|sightings| {
        let standard = [site.policy.web_ports.http, site.policy.web_ports.https];
        let (mut open, mut silent, mut untried) = (Vec::new(), Vec::new(), Vec::new());
        for port in standard {
            let seen = sightings.iter().filter(|sighting| sighting.port == port);
            let answers: Vec<Option<bool>> = seen.map(|sighting| sighting.open).collect();
            if answers.is_empty() {
                untried.push(port);
            } else if answers.contains(&Some(true)) {
                open.push(port);
            } else if answers.contains(&None) {
                silent.push(port);
            }
        }
        if !open.is_empty() {
            Judgment::unmet(format!("standard ports that take connections: {}", list(open)))
        } else if !silent.is_empty() {
            Judgment::unknown(format!(
                "no answer came from port {}, which may be closed or behind a firewall",
                list(silent)
            ))
        } else if !untried.is_empty() {
            // Facts that were saved under a policy with other ports.
            Judgment::unknown(format!(
                "not tried in that audit: port {}; audit again",
                list(untried)
            ))
        } else {
            Judgment::met(format!(
                "the standard ports {} and {} refuse connections",
                standard[0], standard[1]
            ))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fact, PortSighting};
    use crate::measures::testing::*;

    fn ports(ports: &[(u16, Option<bool>)]) -> Fact<Vec<PortSighting>> {
        Fact::Seen(ports.iter().map(|&(port, open)| PortSighting { port, open }).collect())
    }

    #[test]
    fn an_open_standard_port_is_named() {
        let judgment =
            check(judge, |c| c.web_ports = ports(&[(80, Some(true)), (443, None)]), UNMET, &["80"]);
        assert!(!judgment.observed.contains("443"));
        check(
            judge,
            |c| c.web_ports = ports(&[(80, Some(true)), (443, Some(true))]),
            UNMET,
            &["80 and 443"],
        );
    }

    #[test]
    fn both_must_refuse_to_be_met() {
        check(judge, |c| c.web_ports = ports(&[(80, Some(false)), (443, Some(false))]), MET, &[]);
        check(judge, |c| c.web_ports = ports(&[(80, Some(false)), (443, None)]), UNKNOWN, &["443"]);
        check(
            judge,
            |c| c.web_ports = ports(&[(80, Some(false)), (8443, Some(true))]),
            UNKNOWN,
            &["not tried in that audit: port 443"],
        );
        check(
            judge,
            |c| c.web_ports = ports(&[]),
            UNKNOWN,
            &["not tried in that audit: port 80 and 443"],
        );
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn the_policy_says_which_ports_are_standard() {
        let set = |c: &mut CameraFacts| {
            c.web_ports = ports(&[(80, Some(true)), (8080, Some(false)), (443, Some(false))])
        };
        check_under(|policy| policy.web_ports.http = 8080, judge, set, MET, &["8080"]);
    }
}
