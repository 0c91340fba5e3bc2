//! C19: CCTV has a network segment of its own.
//!
//! Segments are made by switches. A tag set on the camera is worth telling and proves nothing about them.

use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::facts::{CameraFacts, Fact};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "On a network of its own the cameras are out of reach of every infected office computer.",
    expected: "Cameras, recorders and video workstations share a VLAN with nobody else.",
    remedy: "Put the cameras, the storage and the video workstations into a VLAN of their own at \
             the switches, with a firewall towards the rest.",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["vlan"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    let tag = match &camera.vlan {
        Fact::Seen(setting) if setting.value => "the camera tags its traffic with a VLAN; ",
        Fact::Seen(_) => "the camera itself tags nothing; ",
        Fact::Absent | Fact::Unreadable(_) => "",
    };
    let open = format!("{tag}whether the segment is separate is decided at the switches");
    Judgment::for_a_person(Measure::Camera(Camera::C19Vlan), open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn a_tag_on_the_camera_proves_nothing_about_the_switches() {
        check(judge, |c| c.vlan = sure(true), UNKNOWN, &["tags its traffic", "switches", "C19"]);
        check(judge, |c| c.vlan = sure(false), UNKNOWN, &["tags nothing"]);
        check(judge, |c| c.vlan = Fact::Absent, UNKNOWN, &["[[attestations]]"]);
    }
}
