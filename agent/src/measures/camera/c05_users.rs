//! C05: Each person has an account in a fitting group.
//!
//! A camera knows accounts, not people. Fewer than two accounts accuse by themselves; more can only be compared with
//! the list in the policy.

use std::collections::BTreeMap;

use proto::policy::ExpectedAccount;
use proto::{Camera, Disruption, LockoutRisk, Measure};

use crate::change::{Change, Credential};
use crate::facts::{Account, CameraFacts};
use crate::measures::words::{counted, list, quoted};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "With a shared account nobody can tell who did what, and nobody can be shut out without \
          shutting out all.",
    expected: "Exactly the accounts that the policy lists under accounts.expected, each in its \
               group, one per person.",
    remedy: "Give each person an account in the group that fits, and remove the others \
             (Admin Menu > Security > Users and Passwords).",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["accounts"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.accounts.judge(|accounts| {
        let expected = &site.policy.accounts.expected;
        let count = counted(accounts.len(), "account");
        match accounts.as_slice() {
            [] => Judgment::unknown(
                "no account was read, although every camera keeps at least one administrator",
            ),
            [only] => {
                let name = quoted(&only.name);
                let observed = format!("the only account is {name}, so everyone shares it");
                cured(Judgment::unmet(observed), accounts, expected)
            }
            _ if expected.is_empty() => Judgment::for_a_person(
                Measure::Camera(Camera::C05Users),
                format!(
                    "{count} ({}); only a person can say whether each belongs to one person \
                     (or list them under accounts.expected in the policy)",
                    list(accounts.iter().map(|account| quoted(&account.name)))
                ),
            ),
            _ => compare(accounts, expected),
        }
    })
}

fn compare(accounts: &[Account], expected: &[ExpectedAccount]) -> Judgment {
    let found: BTreeMap<&str, &str> = accounts.iter().map(|a| (&*a.name, &*a.group)).collect();
    let wanted: BTreeMap<&str, &str> = expected.iter().map(|e| (&*e.name, &*e.group)).collect();
    let missing = wanted.keys().filter(|name| !found.contains_key(*name)).map(|name| quoted(name));
    let surplus = found.keys().filter(|name| !wanted.contains_key(*name)).map(|name| quoted(name));
    let misplaced = wanted.iter().filter_map(|(name, group)| {
        let is = found.get(name).filter(|is| *is != group)?;
        Some(format!("{} is in {} instead of {}", quoted(name), quoted(is), quoted(group)))
    });
    let mut against = Vec::new();
    for (what, names) in [
        ("missing: ", missing.collect::<Vec<_>>()),
        ("not in the policy: ", surplus.collect()),
        ("", misplaced.collect()),
    ] {
        if !names.is_empty() {
            against.push(format!("{what}{}", list(names)));
        }
    }
    if against.is_empty() {
        let count = counted(found.len(), "account");
        let observed = format!(
            "{count}, exactly as the policy lists them; that each is one person's, a person must \
             judge"
        );
        Judgment::met(observed).partial()
    } else {
        cured(Judgment::unmet(against.join("; ")), accounts, expected)
    }
}

/// Accounts that are missing need a password first; who is in the wrong group is moved, and who is not in the policy
/// goes last. Without a list in the policy nobody can tell who belongs.
fn cured(judgment: Judgment, found: &[Account], expected: &[ExpectedAccount]) -> Judgment {
    let (mut judgment, mut moves, mut removals) = (judgment, Vec::new(), Vec::new());
    for wanted in expected {
        let (name, group) = (wanted.name.clone(), wanted.group.clone());
        match found.iter().find(|account| account.name == wanted.name) {
            None => {
                let group = Some(group);
                judgment = judgment.rotate(Credential::Password { account: name, group });
            }
            Some(account) if account.group != group => {
                moves.push(Change::MoveAccount { name, group });
            }
            Some(_) => {}
        }
    }
    if !expected.is_empty() {
        let surplus = found.iter().filter(|it| !expected.iter().any(|one| one.name == it.name));
        removals.extend(surplus.map(|it| Change::RemoveAccount { name: it.name.clone() }));
    }
    moves.into_iter().chain(removals).fold(judgment, Judgment::change)
}

#[cfg(test)]
mod tests {
    use proto::Policy;

    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn accounts(pairs: &[(&str, &str)]) -> Fact<Vec<Account>> {
        Fact::Seen(pairs.iter().map(|(name, group)| account(name, group)).collect())
    }

    fn expecting(policy: &mut Policy) {
        policy.accounts.expected = [("kim", "admins"), ("lee", "guards")]
            .map(|(name, group)| ExpectedAccount { name: name.to_owned(), group: group.to_owned() })
            .to_vec();
    }

    #[test]
    fn one_account_is_shared_by_everyone() {
        let only = || accounts(&[("kim", "admins")]);
        check(judge, |c| c.accounts = only(), UNMET, &["only account is \"kim\"", "shares"]);
        check_under(expecting, judge, |c| c.accounts = only(), UNMET, &["kim"]);
    }

    #[test]
    fn without_a_list_only_a_person_can_say() {
        let two = accounts(&[("kim", "admins"), ("lee", "guards")]);
        check(
            judge,
            |c| c.accounts = two,
            UNKNOWN,
            &["2 accounts", "\"lee\"", "C05", "accounts.expected"],
        );
    }

    #[test]
    fn exactly_the_list_is_met_as_far_as_can_be_seen() {
        let two = accounts(&[("lee", "guards"), ("kim", "admins")]);
        check_under(expecting, judge, |c| c.accounts = two, MET_PARTLY, &["exactly"]);
    }

    #[test]
    fn missing_surplus_and_misplaced_accounts_are_each_named() {
        let wrong = accounts(&[("kim", "guards"), ("old", "admins")]);
        let says = [
            "missing: \"lee\"",
            "not in the policy: \"old\"",
            "\"kim\" is in \"guards\" instead of \"admins\"",
        ];
        check_under(expecting, judge, |c| c.accounts = wrong, UNMET, &says);
    }

    #[test]
    fn no_account_read_is_unknown() {
        check(judge, |c| c.accounts = accounts(&[]), UNKNOWN, &[]);
        check_under(expecting, judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
