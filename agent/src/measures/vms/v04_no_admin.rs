//! V04: VMS does not log in to cameras as administrator.
//!
//! The workstation is not asked: the cameras' web server logs tell as whom it logs in. They reach back to the last
//! reboot at most, so that seeing no log-in proves nothing.

use proto::{Disruption, LockoutRisk, Verdict};

use crate::facts::{CameraFacts, CameraLogin, Fact, VmsFacts};
use crate::measures::words::{counted, list, quoted};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A workstation that holds administrator passwords hands every camera to whoever takes it \
          over.",
    expected: "The video workstation logs in to cameras with accounts that are not administrators.",
    remedy: "Give the video workstation an account with only the rights it needs on each camera, \
             and enter that one in the VMS.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["camera_logins", "web_log", "accounts", "groups"],
};

pub(super) fn judge(vms: &VmsFacts, _: &Site<'_>) -> Judgment {
    vms.camera_logins.judge(|logins| conclude(logins))
}

/// Judges a camera by its own web server log, as far as the address of a workstation is known.
pub(in crate::measures) fn judge_camera(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    if !site.knows_vms() {
        return Judgment::not_applicable(
            "no address of a video workstation is known; name it in the site file or under \
             networks.vms in the policy, and this camera's web server log is judged",
        );
    }
    camera.web_log.judge(|log| {
        let judgment = conclude(&camera_logins(camera, site));
        // What was not read may hold another log-in.
        let is_whole = !log.cut && log.odd_rows == 0;
        if is_whole || judgment.verdict == Verdict::Unmet { judgment } else { judgment.partial() }
    })
}

/// The log-ins from video workstations that a camera's web server log shows; none if the log could not be read.
fn camera_logins(camera: &CameraFacts, site: &Site<'_>) -> Vec<CameraLogin> {
    let Some(log) = camera.web_log.seen() else { return Vec::new() };
    let from_vms = log.sources.iter().filter(|(address, _)| site.is_vms(**address));
    from_vms
        .flat_map(|(address, did)| did.users.iter().map(move |user| (*address, user)))
        .filter(|(_, user)| !matches!(user.as_str(), "" | "-"))
        .map(|(from, user)| CameraLogin {
            camera: site.device.to_string(),
            from,
            user: user.clone(),
            administrator: camera.administrator(user),
        })
        .collect()
}

fn conclude(logins: &[CameraLogin]) -> Judgment {
    let told = |login: &CameraLogin| {
        let (user, camera) = (quoted(&login.user), quoted(&login.camera));
        format!("{user} at {camera} from {}", login.from)
    };
    let administrators: Vec<String> =
        logins.iter().filter(|login| login.administrator == Fact::Seen(true)).map(told).collect();
    if !administrators.is_empty() {
        return Judgment::unmet(format!("logged in as administrator: {}", list(administrators)));
    }
    let unsure: Vec<&CameraLogin> =
        logins.iter().filter(|login| login.administrator.seen().is_none()).collect();
    // The factory name of the administrator accuses even where its group could not be read.
    let by_name: Vec<String> =
        unsure.iter().filter(|login| login.user == "admin").map(|login| told(login)).collect();
    if !by_name.is_empty() {
        let observed = format!("logged in by the administrator's factory name: {}", list(by_name));
        return Judgment::unmet(observed).partial();
    }
    if let Some(first) = unsure.first() {
        let reason = first.administrator.why_unseen().unwrap_or_default();
        return Judgment::unknown(format!(
            "whether this is an administrator is not known: {} ({reason})",
            told(first)
        ));
    }
    match logins.len() {
        0 => Judgment::unknown(
            "no log-in of a video workstation stands in the web server log, which reaches back to \
             the last reboot at most",
        ),
        count => Judgment::met(format!(
            "{} seen, none as administrator: {}",
            counted(count, "log-in"),
            list(logins.iter().map(told))
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::{SourceSummary, WebLogSummary};
    use crate::measures::testing::*;

    fn login(user: &str, administrator: Fact<bool>) -> CameraLogin {
        let from = "192.168.7.7".parse().unwrap();
        CameraLogin { camera: "yard".to_owned(), from, user: user.to_owned(), administrator }
    }

    fn log(address: &str, users: &[&str]) -> WebLogSummary {
        let users: BTreeSet<String> = users.iter().map(|user| (*user).to_owned()).collect();
        let did = SourceSummary { successful: 1, users, ..SourceSummary::default() };
        let sources = [(address.parse().unwrap(), did)].into();
        WebLogSummary { rows: 1, sources, ..WebLogSummary::default() }
    }

    #[track_caller]
    fn check_camera(log: WebLogSummary, outcome: Outcome, says: &[&str]) {
        let around = Around { vms_addresses: addresses(["192.168.7.7"]), ..Around::default() };
        let set = |c: &mut CameraFacts| {
            c.web_log = Fact::Seen(log);
            c.accounts = Fact::Seen(vec![
                account("boss", "admins"),
                account("viewer", "users"),
                account("deputy", "es_admins"),
            ]);
            let may = |right: &str| BTreeSet::from([right.to_owned()]);
            let groups = [("es_admins", may("admin_acl")), ("users", may("live_acl"))];
            c.groups = Fact::Seen(groups.map(|(name, may)| (name.to_owned(), may)).into());
        };
        around.check(judge_camera, set, outcome, says);
    }

    #[test]
    fn any_administrator_is_unmet_and_named() {
        let logins = [login("viewer", Fact::Seen(false)), login("boss", Fact::Seen(true))];
        assert_is(&conclude(&logins), UNMET, &["\"boss\" at \"yard\" from 192.168.7.7"]);
    }

    #[test]
    fn log_ins_without_any_administrator_are_met() {
        assert_is(&conclude(&[login("viewer", Fact::Seen(false))]), MET, &["1 log-in", "viewer"]);
    }

    #[test]
    fn no_log_in_proves_nothing() {
        assert_is(&conclude(&[]), UNKNOWN, &["no log-in"]);
    }

    #[test]
    fn an_unread_group_is_unknown_unless_the_name_gives_it_away() {
        let unread = || Fact::unreadable("no accounts");
        let logins = [login("viewer", Fact::Seen(false)), login("x", unread())];
        assert_is(&conclude(&logins), UNKNOWN, &["\"x\"", "no accounts"]);
        assert_is(&conclude(&[login("admin", unread())]), UNMET_PARTLY, &["admin"]);
    }

    #[test]
    fn a_cameras_own_log_tells_who_the_workstation_is() {
        check_camera(log("192.168.7.7", &["boss"]), UNMET, &["boss"]);
        check_camera(log("192.168.7.7", &["deputy"]), UNMET, &["deputy"]);
        check_camera(log("::ffff:192.168.7.7", &["viewer", "-"]), MET, &["viewer"]);
        check_camera(log("192.168.7.7", &["gone"]), UNKNOWN, &["no longer has"]);
        check_camera(log("192.168.7.8", &["boss"]), UNKNOWN, &["no log-in"]);
    }

    #[test]
    fn an_account_is_cleared_only_if_the_administrators_right_was_read() {
        let of = |groups: Fact<_>| {
            let accounts = Fact::Seen(vec![account("viewer", "users")]);
            CameraFacts { accounts, groups, ..CameraFacts::unread(UNREAD) }.administrator("viewer")
        };
        let may = |right: &str| BTreeSet::from([right.to_owned()]);
        let users = ("users".to_owned(), may("live_acl"));
        let admins = ("admins".to_owned(), may("admin_acl"));
        assert_eq!(of(Fact::Seen([users.clone(), admins.clone()].into())), Fact::Seen(false));
        for untold in
            [Fact::Seen([users].into()), Fact::Seen([admins].into()), Fact::unreadable("x")]
        {
            assert!(matches!(of(untold.clone()), Fact::Unreadable(_)), "{untold:?}");
        }
    }

    #[test]
    fn a_log_that_was_cut_is_met_only_as_far_as_it_was_read() {
        let cut = WebLogSummary { cut: true, ..log("192.168.7.7", &["viewer"]) };
        check_camera(cut, MET_PARTLY, &["viewer"]);
        let cut = WebLogSummary { cut: true, ..log("192.168.7.7", &["boss"]) };
        check_camera(cut, UNMET, &["boss"]);
    }

    #[test]
    fn without_an_address_it_does_not_concern_the_camera() {
        let set = |c: &mut CameraFacts| c.web_log = Fact::Seen(log("192.168.7.7", &["boss"]));
        check(judge_camera, set, NOT_APPLICABLE, &["site file", "networks.vms"]);
    }
}
