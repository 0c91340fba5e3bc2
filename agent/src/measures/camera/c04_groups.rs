//! C04: Groups separate what users may do.
//!
//! Two groups in use whose rights differ are seen; whether the rights fit the people is theirs to say, so that the
//! proof is partial at best.

use std::collections::{BTreeMap, BTreeSet};

use proto::{Disruption, LockoutRisk};

use crate::change::Change;
use crate::facts::{Account, CameraFacts};
use crate::measures::words::{list, quoted};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Who only watches needs no right to change the camera, and a stolen account can do no \
          more than its group may.",
    expected: "At least two groups with different rights are in use.",
    remedy: "Create groups with the rights each kind of user needs (Admin Menu > Security > Group \
             Access Control Lists) and put the accounts into them (Admin Menu > Security > Users \
             and Passwords).",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["accounts", "groups"],
};

/// The camera's own group for accounts without any right (camera help on group access control lists).
const WITHOUT_RIGHTS: &str = "undefined";

type Groups = BTreeMap<String, BTreeSet<String>>;

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let judgment = seen(camera);
    match missing(camera, site) {
        Some(groups) => judgment.change(Change::SetGroups(groups)),
        None => judgment,
    }
}

/// The groups of the policy, if the camera does not have them all as they should be. Groups alone separate nobody: who
/// is in them is for C05.
fn missing(camera: &CameraFacts, site: &Site<'_>) -> Option<Groups> {
    let wanted = site.policy.accounts.groups.iter();
    let wanted: Groups = wanted.map(|it| (it.name.clone(), it.rights.clone())).collect();
    let have = camera.groups.seen()?;
    let differs = wanted.iter().any(|(name, rights)| have.get(name) != Some(rights));
    differs.then_some(wanted)
}

fn seen(camera: &CameraFacts) -> Judgment {
    camera.accounts.judge(|accounts| {
        let used = groups_in_use(accounts);
        match used.len() {
            0 => Judgment::unknown("no account was read that is in a group with rights"),
            1 => Judgment::unmet(format!("every account is in one group: {}", list(used))),
            _ => camera.groups.judge(|groups| compare(&used, groups)),
        }
    })
}

fn groups_in_use(accounts: &[Account]) -> BTreeSet<&str> {
    let groups = accounts.iter().map(|account| account.group.as_str());
    groups.filter(|group| *group != WITHOUT_RIGHTS && !group.is_empty()).collect()
}

fn compare(used: &BTreeSet<&str>, groups: &Groups) -> Judgment {
    let rights: Vec<&BTreeSet<String>> = used
        .iter()
        .filter_map(|group| groups.get(*group))
        .filter(|rights| !rights.is_empty())
        .collect();
    let names = list(used.iter().map(|group| quoted(group)));
    let differ = rights.iter().any(|one| rights.iter().any(|other| one != other));
    if differ {
        let observed = format!(
            "groups in use with different rights: {names}; whether the rights fit, a person must \
             judge"
        );
        return Judgment::met(observed).partial();
    }
    let unread: Vec<String> = used
        .iter()
        .filter(|group| !groups.contains_key(**group))
        .map(|group| quoted(group))
        .collect();
    if !unread.is_empty() {
        return Judgment::unknown(format!("the rights of {} could not be read", list(unread)));
    }
    let idle: Vec<String> = used
        .iter()
        .filter(|group| groups.get(**group).is_some_and(BTreeSet::is_empty))
        .map(|group| quoted(group))
        .collect();
    Judgment::unmet(if idle.is_empty() {
        format!("the groups in use ({names}) do not differ in what they may do")
    } else {
        format!("of the groups in use ({names}), none of these has any right: {}", list(idle))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn groups(pairs: &[(&str, &[&str])]) -> Fact<Groups> {
        let owned = |rights: &[&str]| rights.iter().map(|right| (*right).to_owned()).collect();
        Fact::Seen(pairs.iter().map(|(name, rights)| ((*name).to_owned(), owned(rights))).collect())
    }

    fn two_accounts() -> Fact<Vec<Account>> {
        Fact::Seen(vec![account("kim", "admins"), account("lee", "guards")])
    }

    #[test]
    fn one_group_for_all_is_no_separation() {
        let accounts = Fact::Seen(vec![account("kim", "admins"), account("lee", "admins")]);
        check(judge, |c| c.accounts = accounts, UNMET, &["one group: admins"]);
    }

    #[test]
    fn an_account_without_rights_does_not_make_a_second_group() {
        let accounts = Fact::Seen(vec![account("kim", "admins"), account("lee", "undefined")]);
        check(judge, |c| c.accounts = accounts, UNMET, &["admins"]);
    }

    #[test]
    fn two_groups_with_different_rights_are_met_as_far_as_can_be_seen() {
        let set = |c: &mut CameraFacts| {
            c.accounts = two_accounts();
            c.groups = groups(&[("admins", &["admin_acl", "live_acl"]), ("guards", &["live_acl"])]);
        };
        check(judge, set, MET_PARTLY, &["\"admins\" and \"guards\"", "a person must judge"]);
    }

    #[test]
    fn groups_that_differ_in_name_only_are_no_separation() {
        let with = |guards: &[&str]| {
            let groups = groups(&[("admins", &["admin_acl"]), ("guards", guards)]);
            |c: &mut CameraFacts| (c.accounts, c.groups) = (two_accounts(), groups)
        };
        check(judge, with(&["admin_acl"]), UNMET, &["do not differ"]);
        let idle = check(judge, with(&[]), UNMET, &["has any right: \"guards\""]);
        assert!(!idle.observed.contains("do not differ"), "{}", idle.observed);
    }

    #[test]
    fn unread_rights_leave_it_unknown() {
        check(judge, |c| c.accounts = two_accounts(), UNKNOWN, &[UNREAD]);
        let set = |c: &mut CameraFacts| {
            c.accounts = two_accounts();
            c.groups = groups(&[("admins", &["admin_acl"])]);
        };
        check(judge, set, UNKNOWN, &["\"guards\""]);
        check(judge, |c| c.accounts = Fact::Seen(Vec::new()), UNKNOWN, &["no account"]);
    }
}
