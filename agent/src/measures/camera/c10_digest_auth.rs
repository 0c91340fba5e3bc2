//! C10: Log-ins use digest authentication only.
//!
//! Cameras were seen that take Basic although they do not offer it, so the challenge alone does not acquit: a log-in
//! with Basic must have been refused. Digest hides the password; it does not encrypt what follows.

use std::collections::BTreeSet;

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{AuthSetting, BasicLogin, CameraFacts};
use crate::measures::words::{list, quoted};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "With Basic the password crosses the network readable, once per request; digest spares \
          it, though only HTTPS encrypts the rest.",
    expected: "The camera offers digest only and refuses a log-in with Basic.",
    remedy: "Set authentication to Digest (Admin Menu > Network Setup > Web Server (for experts) > \
             Web Server), after checking that the video workstations and recorders can do digest.",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["auth_offered", "basic_login", "auth_setting"],
};

pub(super) fn judge(camera: &CameraFacts, _: &Site<'_>) -> Judgment {
    seen(camera).change(Change::RequireDigest)
}

fn seen(camera: &CameraFacts) -> Judgment {
    let offered = camera.auth_offered.seen();
    let basic = camera.basic_login.seen();
    if basic == Some(&BasicLogin::Accepted) {
        return Judgment::unmet("a log-in with Basic was let in");
    }
    if offered.is_some_and(|schemes| schemes.contains("basic")) {
        return Judgment::unmet("the camera offers Basic");
    }
    match (offered, basic) {
        (Some(schemes), Some(BasicLogin::Refused)) if is_digest(schemes) => {
            Judgment::met("the camera offers digest only and refused a log-in with Basic")
        }
        (Some(schemes), _) if !is_digest(schemes) => Judgment::unknown(format!(
            "the camera's challenge offers {}, and digest is not the only one",
            list(schemes)
        )),
        (Some(_), _) => {
            let why = camera.basic_login.why_unseen().unwrap_or("not tried");
            by_setting(camera).unless_met(&format!(
                "the camera offers digest only, and whether it refuses Basic was not seen ({why})"
            ))
        }
        (None, _) => by_setting(camera),
    }
}

fn is_digest(schemes: &BTreeSet<String>) -> bool {
    schemes.len() == 1 && schemes.contains("digest")
}

fn by_setting(camera: &CameraFacts) -> Judgment {
    camera.auth_setting.judge(|setting| {
        let unmet = |observed: &str| Judgment::unmet_by(setting.confidence, observed);
        match &setting.value {
            AuthSetting::Basic => unmet("authentication is set to basic"),
            AuthSetting::Auto => unmet("authentication is set to auto, which still accepts Basic"),
            AuthSetting::Digest => {
                Judgment::met_if_sure(setting.confidence, "authentication is set to digest")
            }
            AuthSetting::Other(value) => Judgment::unknown(format!(
                "authentication is set to {}, which means nothing to us",
                quoted(value)
            )),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn offers(schemes: &[&str]) -> Fact<BTreeSet<String>> {
        Fact::Seen(schemes.iter().map(|scheme| (*scheme).to_owned()).collect())
    }

    #[test]
    fn basic_in_the_challenge_or_let_in_is_unmet_whatever_is_set() {
        let set = |c: &mut CameraFacts| {
            c.auth_offered = offers(&["basic", "digest"]);
            c.auth_setting = sure(AuthSetting::Digest);
        };
        check(judge, set, UNMET, &["offers Basic"]);
        let set = |c: &mut CameraFacts| {
            c.auth_offered = offers(&["digest"]);
            c.basic_login = Fact::Seen(BasicLogin::Accepted);
            c.auth_setting = sure(AuthSetting::Digest);
        };
        check(judge, set, UNMET, &["let in"]);
    }

    #[test]
    fn digest_only_is_met_once_basic_was_refused() {
        let set = |c: &mut CameraFacts| {
            c.auth_offered = offers(&["digest"]);
            c.basic_login = Fact::Seen(BasicLogin::Refused);
        };
        check(judge, set, MET, &["refused"]);
    }

    #[test]
    fn digest_only_without_a_try_of_basic_is_unknown() {
        let set = |c: &mut CameraFacts| {
            c.auth_offered = offers(&["digest"]);
            c.basic_login = Fact::unreadable("not tried: audit with its pin");
        };
        check(judge, set, UNKNOWN, &["refuses Basic was not seen", "audit with its pin"]);
    }

    #[test]
    fn a_strange_or_empty_challenge_proves_nothing() {
        for schemes in [&[][..], &["bearer"], &["digest", "ntlm"]] {
            let set = |c: &mut CameraFacts| {
                c.auth_offered = offers(schemes);
                c.basic_login = Fact::Seen(BasicLogin::Refused);
            };
            check(judge, set, UNKNOWN, &["challenge"]);
        }
    }

    #[test]
    fn a_refusal_alone_is_not_enough() {
        check(judge, |c| c.basic_login = Fact::Seen(BasicLogin::Refused), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn in_a_file_auto_still_accepts_basic() {
        check(
            judge,
            |c| c.auth_setting = sure(AuthSetting::Auto),
            UNMET,
            &["auto", "still accepts Basic"],
        );
        check(judge, |c| c.auth_setting = inferred(AuthSetting::Basic), UNMET_PARTLY, &["basic"]);
        check(judge, |c| c.auth_setting = sure(AuthSetting::Digest), MET, &["digest"]);
        check(judge, |c| c.auth_setting = inferred(AuthSetting::Digest), UNKNOWN, &["inferred"]);
        check(
            judge,
            |c| c.auth_setting = sure(AuthSetting::Other("ntlm".to_owned())),
            UNKNOWN,
            &["ntlm"],
        );
    }
}
