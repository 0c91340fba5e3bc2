//! C22: Configuration backup exists and is kept safe.
//!
//! The camera does not know where copies of its configuration lie. An enrolled agent does: it makes them itself, and it
//! counts what was compared with the camera lately. That they are kept safe is partly for a person to say. How much
//! they would give away is counted.

use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::facts::{BackupCopy, CameraFacts, Fact, OwnBackup};
use crate::measures::words::counted;
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "A backup brings a dead camera back in minutes, and a stolen one gives away the passwords \
          in it.",
    expected: "A recent backup of the configuration, encrypted and kept where only administrators \
               reach it.",
    remedy: "Save the configuration (Admin Menu > Configuration > Save current configuration to \
             local computer), encrypt the file with a passphrase, and keep it off the camera \
             network.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["clear_secrets", "backup"],
};

/// How late a look may be, in seconds, before the last backup is too old: a camera that is out of reach for a night is
/// looked at the next day.
const GRACE: i64 = 3 * DAY;
const DAY: i64 = 86_400;

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    match &camera.backup {
        Fact::Seen(own) => of_ours(own, site),
        Fact::Absent => {
            Judgment::unmet("the agent has no backup of this camera's configuration yet").remedy(
                "Order a look at the camera, which makes one (palisade agent order visit SITE DEVICE); carrying a plan \
                 out makes one as well, before anything is changed.",
            )
        }
        Fact::Unreadable(_) => for_a_person(camera, site),
    }
}

fn of_ours(own: &OwnBackup, site: &Site<'_>) -> Judgment {
    let OwnBackup { made_at, looked_at, copy } = own;
    let every = i64::from(site.policy.backup.every_days) * DAY;
    let age = site.now.seconds_since(*looked_at);
    let seen = format!("the agent's sealed backup of {made_at} was as the camera on {looked_at}");
    if age > every.saturating_add(GRACE) {
        return Judgment::unmet(format!("{seen}, which is {} ago", counted(days(age), "day")))
            .remedy("See why the agent cannot read the camera's configuration (its other findings say so).");
    }
    match copy {
        BackupCopy::Sealed => Judgment::met(format!(
            "{seen}, and a copy for the recovery recipients leaves the site with each change"
        ))
        .partial(),
        BackupCopy::NoRecipients => Judgment::unmet(format!(
            "{seen}, but no copy leaves the site: there are no recovery recipients to seal it to"
        ))
        .remedy("Name recovery recipients at the controller, so that a copy survives the loss of the site's box."),
        BackupCopy::TooLarge => Judgment::unmet(format!(
            "{seen}, but no copy leaves the site: the configuration is larger than what is sent"
        )),
    }
}

fn days(seconds: i64) -> usize {
    usize::try_from(seconds / DAY).unwrap_or_default()
}

fn for_a_person(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let holds = match &camera.clear_secrets {
        Fact::Seen(0) => "an export holds no password in clear that we know of; ".to_owned(),
        Fact::Seen(count) => {
            format!("an export holds {} in clear; ", counted(*count as usize, "password"))
        }
        Fact::Absent | Fact::Unreadable(_) => String::new(),
    };
    let switch = if site.policy.backup.on {
        ""
    } else {
        " (with on = true under [backup] in the policy an enrolled agent makes sealed backups, and counts them)"
    };
    let open = format!(
        "{holds}whether a backup exists and is kept safe does not show on the camera{switch}"
    );
    Judgment::for_a_person(Measure::Camera(Camera::C22Backup), open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    #[test]
    fn what_a_stolen_export_gives_away_is_counted() {
        check(
            judge,
            |c| c.clear_secrets = Fact::Seen(11),
            UNKNOWN,
            &["11 passwords in clear", "C22"],
        );
        check(judge, |c| c.clear_secrets = Fact::Seen(1), UNKNOWN, &["1 password in clear"]);
        check(judge, |c| c.clear_secrets = Fact::Seen(0), UNKNOWN, &["no password in clear"]);
        check(judge, |_| (), UNKNOWN, &["[[attestations]]"]);
    }

    #[test]
    fn a_backup_of_ours_counts_while_it_was_compared_lately_and_a_copy_leaves_the_site() {
        let own = |days: i64, copy| {
            let now = Around::default().now.unix();
            let at = |days: i64| proto::Timestamp::from_unix(now - days * DAY);
            OwnBackup { made_at: at(days + 100), looked_at: at(days), copy }
        };
        let set = |own: OwnBackup| move |c: &mut CameraFacts| c.backup = Fact::Seen(own.clone());
        let sealed = BackupCopy::Sealed;
        check(judge, set(own(0, sealed)), MET_PARTLY, &["recovery recipients"]);
        check(judge, set(own(10, sealed)), MET_PARTLY, &["sealed backup"]);
        check(judge, set(own(11, sealed)), UNMET, &["11 days ago"]);
        check(judge, set(own(0, BackupCopy::NoRecipients)), UNMET, &["no recovery recipients"]);
        check(judge, set(own(0, BackupCopy::TooLarge)), UNMET, &["larger than what is sent"]);
        check(judge, |c| c.backup = Fact::Absent, UNMET, &["no backup"]);
    }
}
