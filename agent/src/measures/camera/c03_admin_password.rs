//! C03: Factory administrator login is gone.
//!
//! The guide asks for two changes, the name and the password, and the finding says which of them is missing. How
//! strong a hashed password is cannot be read; only the one we logged in with ourselves was measured.

use proto::{Disruption, LockoutRisk};

use crate::change::Credential;
use crate::facts::{Account, CameraFacts, Fact};
use crate::measures::words::{counted, list, quoted};
use crate::measures::{Guidance, Judgment, Remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "The factory login is printed in every manual and is the first that an attacker tries.",
    expected: "No account keeps a factory password, none has a forbidden name such as admin, and \
               passwords obey the policy.",
    remedy: "Add an administrator with a name and a strong password of your own, log in as that \
             one, move the video workstations and recorders that use the factory account to others, \
             then remove it and store the configuration (Admin Menu > Security > Users and \
             Passwords).",
    disruption: Disruption::VideoGap,
    lockout_risk: LockoutRisk::Severe,
    reads: &["accounts", "login_password"],
};

/// What to do where no account is too many, only a password too weak.
const NEW_PASSWORDS: &str = "Give each account named, or the one this audit logs in with, a strong \
                             password of its own, also where video workstations and recorders use \
                             it, and store the configuration only after a log-in with the new one \
                             (Admin Menu > Security > Users and Passwords).";

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    let accounts = camera.accounts.seen().map_or(&[][..], Vec::as_slice);
    let against = accusations(accounts, &camera.login_password, site);
    if !against.is_empty() {
        let mut judgment = Judgment::unmet(against.join("; "));
        let factory = |account: &&Account| account.factory_password == Fact::Seen(true);
        for account in accounts.iter().filter(factory) {
            let (account, group) = (account.name.clone(), Some(account.group.clone()));
            judgment = judgment.rotate(Credential::Password { account, group });
        }
        if matches!(&camera.login_password, Fact::Seen(broken) if !broken.is_empty()) {
            judgment = judgment.cure(Remedy::RotateLogin);
        }
        let mut ill_named =
            accounts.iter().filter(|account| is_ill_named(account, site)).peekable();
        if ill_named.peek().is_none() {
            return judgment.remedy(NEW_PASSWORDS);
        }
        // A name stays what it is, whatever the password: nobody is moved to another account but by a person.
        return ill_named.fold(judgment, |judgment, account| {
            judgment.cure(Remedy::Person(another_name(&account.name)))
        });
    }
    camera.accounts.judge(|accounts| acquit(accounts, &camera.login_password))
}

/// What to do about an account whose name the policy forbids.
fn another_name(name: &str) -> String {
    let name = quoted(name);
    format!(
        "Make an administrator with a name of your own at the camera (Admin Menu > Security > Users and Passwords), \
         name it and its password in the site file (user), move whoever else uses {name}, then remove {name} there, \
         or leave it out of accounts.expected in the policy, so that a plan removes it."
    )
}

fn accusations(accounts: &[Account], login: &Fact<Vec<String>>, site: &Site<'_>) -> Vec<String> {
    let named = |wanted: &dyn Fn(&Account) -> bool| -> Vec<String> {
        accounts
            .iter()
            .filter(|account| wanted(account))
            .map(|account| quoted(&account.name))
            .collect()
    };
    let factory = named(&|account| account.factory_password == Fact::Seen(true));
    let ill_named = named(&|account| is_ill_named(account, site));
    let mut against = Vec::new();
    if !factory.is_empty() {
        against.push(format!("the factory password still works for {}", list(factory)));
    }
    if !ill_named.is_empty() {
        against.push(format!("a name that the policy forbids is in use: {}", list(ill_named)));
    }
    if let Fact::Seen(broken) = login
        && !broken.is_empty()
    {
        against.push(format!("the password of this log-in {}", list(broken)));
    }
    against
}

fn is_ill_named(account: &Account, site: &Site<'_>) -> bool {
    let forbidden = &site.policy.accounts.forbidden_names;
    forbidden.iter().any(|name| name.eq_ignore_ascii_case(&account.name))
}

fn acquit(accounts: &[Account], login: &Fact<Vec<String>>) -> Judgment {
    if accounts.is_empty() {
        return Judgment::unknown(
            "no account was read, although every camera keeps at least one administrator",
        );
    }
    let unsure = accounts.iter().find_map(|account| {
        let clear = account.factory_password == Fact::Seen(false);
        let reason = account.factory_password.why_unseen().unwrap_or_default();
        (!clear).then(|| format!("{}: {reason}", quoted(&account.name)))
    });
    if let Some(unsure) = unsure {
        return Judgment::unknown(format!(
            "whether the factory password works could not be told for {unsure}"
        ));
    }
    let strength = match login {
        Fact::Seen(_) => {
            "the password of this log-in obeys the policy, how strong the others are cannot be seen"
        }
        Fact::Absent | Fact::Unreadable(_) => "how strong the passwords are cannot be seen",
    };
    let count = counted(accounts.len(), "account");
    Judgment::met(format!(
        "{count}: none keeps a factory password or has a forbidden name; {strength}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::testing::*;

    fn factory(name: &str) -> Account {
        Account { factory_password: Fact::Seen(true), ..account(name, "admins") }
    }

    #[test]
    fn the_factory_password_is_named_with_its_account() {
        let judgment = check(
            judge,
            |c| c.accounts = Fact::Seen(vec![account("kim", "admins"), factory("root")]),
            UNMET,
            &["factory password still works for \"root\""],
        );
        assert!(!judgment.observed.contains("kim") && !judgment.observed.contains("forbids"));
    }

    #[test]
    fn the_forbidden_name_alone_is_told_apart_from_the_password() {
        for name in ["admin", "Admin"] {
            let accounts = Fact::Seen(vec![account(name, "admins")]);
            let judgment = check(judge, |c| c.accounts = accounts, UNMET, &["forbids", name]);
            assert!(!judgment.observed.contains("factory password"), "{}", judgment.observed);
        }
    }

    #[test]
    fn both_are_named_when_both_are_missing() {
        let both = ["factory password still works for \"admin\"", "forbids is in use: \"admin\""];
        check(judge, |c| c.accounts = Fact::Seen(vec![factory("admin")]), UNMET, &both);
    }

    #[test]
    fn a_weak_login_password_accuses_even_if_no_account_was_read() {
        let weak = Fact::Seen(vec!["has no digit".to_owned()]);
        let judgment = check(judge, |c| c.login_password = weak, UNMET, &["has no digit"]);
        assert_eq!(judgment.remedy.as_deref(), Some(NEW_PASSWORDS));
    }

    #[test]
    fn an_account_is_removed_only_for_its_name() {
        let of = |name| check(judge, |c| c.accounts = Fact::Seen(vec![factory(name)]), UNMET, &[]);
        assert_eq!(of("kim").remedy.as_deref(), Some(NEW_PASSWORDS));
        assert_eq!(of("admin").remedy, None, "the general remedy removes the factory account");
    }

    #[test]
    fn an_account_that_could_not_be_tested_leaves_it_unknown() {
        let reason = "its hash is of an unknown kind";
        for untold in [Fact::unreadable(reason), Fact::Absent] {
            let untested = Account { factory_password: untold, ..account("lee", "users") };
            let accounts = vec![account("kim", "admins"), untested];
            check(judge, |c| c.accounts = Fact::Seen(accounts), UNKNOWN, &["\"lee\""]);
        }
    }

    #[test]
    fn one_proven_factory_password_accuses_beside_an_untested_one() {
        let untested =
            Account { factory_password: Fact::unreadable("x"), ..account("lee", "users") };
        check(judge, |c| c.accounts = Fact::Seen(vec![untested, factory("kim")]), UNMET, &["kim"]);
    }

    #[test]
    fn clean_accounts_are_met_and_say_what_cannot_be_seen() {
        let accounts = || Fact::Seen(vec![account("kim", "admins"), account("lee", "users")]);
        check(
            judge,
            |c| c.accounts = accounts(),
            MET,
            &["2 accounts", "how strong the passwords are cannot be seen"],
        );
        check(
            judge,
            |c| {
                c.accounts = accounts();
                c.login_password = Fact::Seen(Vec::new());
            },
            MET,
            &["this log-in obeys the policy"],
        );
    }

    #[test]
    fn a_camera_without_accounts_is_not_believed() {
        check(judge, |c| c.accounts = Fact::Seen(Vec::new()), UNKNOWN, &["no account was read"]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn the_policy_may_allow_the_name() {
        check_under(
            |policy| policy.accounts.forbidden_names.clear(),
            judge,
            |c| c.accounts = Fact::Seen(vec![account("admin", "admins")]),
            MET,
            &[],
        );
    }
}
