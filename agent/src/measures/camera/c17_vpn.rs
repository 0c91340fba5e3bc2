//! C17: Remote access goes through OpenVPN.
//!
//! Whether anybody reaches the camera from outside is not on the camera: the policy says so under `remote_access.by`.

use proto::policy::RemoteAccessBy;
use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::change::Change;
use crate::facts::{CameraFacts, VpnClient};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A tunnel lets in those who hold its key; an open port lets in everyone who finds it.",
    expected: "People outside reach the camera through a VPN, or not at all.",
    remedy: "Configure the camera's OpenVPN client (Admin Menu > Network Setup > OpenVPN Client \
             Settings) or run a VPN for the site, close every other way in, and state it in the \
             policy (remote_access.by).",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["vpn"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let by = site.policy.remote_access.by;
    match by {
        RemoteAccessBy::None => by_nobody(camera),
        RemoteAccessBy::SiteVpn => {
            let reason = "the policy says that a VPN of the site is used, so the camera needs none";
            Judgment::not_applicable(reason)
        }
        RemoteAccessBy::CameraVpn | RemoteAccessBy::Unstated => by_camera(camera, by),
    }
}

fn by_nobody(camera: &CameraFacts) -> Judgment {
    let claim = "the policy says that nobody reaches the site from outside";
    match camera.vpn.seen().filter(|client| client.value.enabled) {
        None => Judgment::not_applicable(claim),
        Some(client) => {
            let observed = format!("{claim}, but the OpenVPN client is on");
            Judgment::unmet_by(client.confidence, observed).remedy(
                "Switch the OpenVPN client off, or state in the policy how people reach the site \
                 (remote_access.by).",
            )
            .change(Change::StopVpn)
        }
    }
}

fn by_camera(camera: &CameraFacts, by: RemoteAccessBy) -> Judgment {
    camera.vpn.judge(|setting| {
        let unmet = |observed: &str| Judgment::unmet_by(setting.confidence, observed);
        let VpnClient { enabled, server_named } = setting.value;
        match (enabled, server_named) {
            (true, true) => Judgment::met_if_sure(
                setting.confidence,
                "the OpenVPN client is on and names a server; that there is no other way in, a \
                 person must judge",
            )
            .partial(),
            (true, false) => unmet("the OpenVPN client is on, but no server is named"),
            (false, _) if by == RemoteAccessBy::CameraVpn => {
                unmet("the policy says that the camera's OpenVPN client is used, but it is off")
            }
            (false, _) => Judgment::for_a_person(
                Measure::Camera(Camera::C17Vpn),
                "the OpenVPN client is off, and whether anybody reaches the site from outside is \
                 not stated (remote_access.by in the policy)",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    const ON: VpnClient = VpnClient { enabled: true, server_named: true };
    const OFF: VpnClient = VpnClient { enabled: false, server_named: false };
    const LOST: VpnClient = VpnClient { enabled: true, server_named: false };

    #[track_caller]
    fn check_by(by: RemoteAccessBy, client: VpnClient, outcome: Outcome, says: &[&str]) {
        check_under(
            |policy| policy.remote_access.by = by,
            judge,
            |c| c.vpn = sure(client),
            outcome,
            says,
        );
    }

    #[test]
    fn the_policy_decides_what_is_wanted() {
        check_by(RemoteAccessBy::CameraVpn, ON, MET_PARTLY, &["names a server"]);
        check_by(RemoteAccessBy::CameraVpn, OFF, UNMET, &["it is off"]);
        check_by(RemoteAccessBy::CameraVpn, LOST, UNMET, &["no server"]);
        check_by(RemoteAccessBy::None, OFF, NOT_APPLICABLE, &["nobody"]);
        check_by(RemoteAccessBy::SiteVpn, OFF, NOT_APPLICABLE, &["site"]);
    }

    #[test]
    fn a_tunnel_that_the_policy_does_not_know_of_is_unmet() {
        check_by(RemoteAccessBy::None, ON, UNMET, &["nobody reaches", "is on"]);
    }

    #[test]
    fn an_unstated_policy_leaves_a_camera_without_tunnel_unknown() {
        check_by(RemoteAccessBy::Unstated, OFF, UNKNOWN, &["remote_access.by"]);
        check_by(RemoteAccessBy::Unstated, ON, MET_PARTLY, &[]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn inference_accuses_and_does_not_acquit() {
        check_under(
            |p| p.remote_access.by = RemoteAccessBy::CameraVpn,
            judge,
            |c| c.vpn = inferred(OFF),
            UNMET_PARTLY,
            &[],
        );
        check(judge, |c| c.vpn = inferred(ON), UNKNOWN, &["inferred"]);
    }
}
