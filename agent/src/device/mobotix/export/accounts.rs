//! Accounts, groups and rights from section `access`.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Reader, Reason, fact};
use crate::device::mobotix::config::text;
use crate::device::mobotix::crypt::{FACTORY_PASSWORD, keeps_password};
use crate::device::mobotix::dialect::SettingName;
use crate::device::mobotix::model::{Access, User};
use crate::facts::{Account, Confidence, Fact, Setting};

/// A camera holds at most 100 users and 25 groups, as its help says; twice that is no camera's list.
const MAX_USERS: usize = 200;
const MAX_GROUPS: usize = 50;
const MAX_RIGHTS: usize = 100;

/// Longest name that is shown, in characters. Cameras take 16.
const MAX_NAME: usize = 64;

pub fn accounts(reader: &mut Reader<'_, '_>) -> Fact<Vec<Account>> {
    fact(read_accounts(reader))
}

pub fn groups(reader: &mut Reader<'_, '_>) -> Fact<BTreeMap<String, BTreeSet<String>>> {
    fact(read_groups(reader))
}

/// The rights that carry the public mark. If none does although rights are missing from the list, that is no proof.
pub fn public_rights(reader: &mut Reader<'_, '_>) -> Fact<Setting<BTreeSet<String>>> {
    fact(read_public_rights(reader))
}

fn read_accounts(reader: &mut Reader<'_, '_>) -> Result<Vec<Account>, Reason> {
    let access = access(reader)?;
    if access.users.is_empty() {
        return Err("section access holds no usr line, so the accounts are those of the factory default, and the file \
                    does not say which these are"
            .to_owned());
    }
    for user in &access.users {
        reader.note_line("accounts", user.line);
    }
    let users = access.users.iter().filter(|user| !access.is_placeholder(user));
    Ok(users.map(account).collect())
}

fn account(user: &User<'_>) -> Account {
    let factory_password = match keeps_password(user.name, user.hash, user.digest, FACTORY_PASSWORD)
    {
        Fact::Unreadable(reason) => {
            Fact::unreadable(format!("configuration line {}: {reason}", user.line))
        }
        told => told,
    };
    Account { name: shown(&text(user.name)), group: shown(&text(user.group)), factory_password }
}

fn read_groups(reader: &mut Reader<'_, '_>) -> Result<BTreeMap<String, BTreeSet<String>>, Reason> {
    let access = access(reader)?;
    let Some((line, declared)) = &access.groups else {
        return Err("access/groups is missing from the file, which means factory default, and that is not known here"
            .to_owned());
    };
    reader.note_line("groups", *line);
    let mut groups: BTreeMap<String, BTreeSet<String>> =
        declared.iter().map(|name| (shown(name), BTreeSet::new())).collect();
    // A group that an account belongs to counts even if it is not declared: the account has its rights.
    for user in access.users.iter().filter(|user| !access.is_placeholder(user)) {
        groups.entry(shown(&text(user.group))).or_default();
    }
    for right in &access.rights {
        reader.note_line("groups", right.line);
        for name in &right.groups {
            if let Some(rights) = groups.get_mut(&shown(name)) {
                rights.insert(shown(&right.name));
            }
        }
    }
    let missing = missing_rights(reader, &access);
    let in_use = access.users.iter().filter(|user| !access.is_placeholder(user));
    let told: BTreeSet<_> =
        in_use.filter_map(|user| groups.get(&shown(&text(user.group)))).collect();
    if told.len() < 2 && !missing.is_empty() {
        return Err(format!(
            "the rights in the file tell no groups apart, but not every right is there ({} missing: {}), and a missing \
             one is at its factory default, which is not known",
            missing.len(),
            missing.join(", ")
        ));
    }
    Ok(groups)
}

/// The rights of the product line that the file does not name.
fn missing_rights<'r>(reader: &Reader<'r, '_>, access: &Access<'_>) -> Vec<&'r str> {
    let listed = |name: &&String| access.rights.iter().any(|right| right.name == name.as_str());
    reader.dialect.rights.iter().filter(|name| !listed(name)).map(String::as_str).collect()
}

fn read_public_rights(reader: &mut Reader<'_, '_>) -> Result<Setting<BTreeSet<String>>, Reason> {
    let confidence: Confidence = reader.dialect.key(SettingName::PublicAccess)?.confidence;
    let access = access(reader)?;
    let mut value = BTreeSet::new();
    for right in access.rights.iter().filter(|right| right.public) {
        reader.note_line("public_rights", right.line);
        value.insert(shown(&right.name));
    }
    if value.is_empty() {
        let missing = missing_rights(reader, &access);
        if !missing.is_empty() || access.rights.is_empty() {
            return Err(format!(
                "no right in the file carries the public mark, but not every right is there ({} missing: {}), and a \
                 missing one is at its factory default, which is not known",
                missing.len(),
                missing.join(", ")
            ));
        }
        for right in &access.rights {
            reader.note_line("public_rights", right.line);
        }
    }
    Ok(Setting { value, confidence })
}

fn access<'a>(reader: &Reader<'_, 'a>) -> Result<Access<'a>, Reason> {
    let access = reader.configuration.access();
    let access = access.ok_or_else(|| "the file has no section access".to_owned())?;
    let groups = access.groups.as_ref().map_or(0, |(_, names)| names.len());
    let counts = [
        (access.users.len(), MAX_USERS, "users"),
        (groups, MAX_GROUPS, "groups"),
        (access.rights.len(), MAX_RIGHTS, "rights"),
    ];
    match counts.iter().find(|(count, most, _)| count > most) {
        Some((count, _, what)) => {
            Err(format!("section access lists {count} {what}, more than any camera holds"))
        }
        None => Ok(access),
    }
}

fn shown(name: &str) -> String {
    proto::text::printable(name, MAX_NAME)
}
