//! The changes to section `access`, whose form is the same on every product line: accounts, groups, rights.
//!
//! What is written here never takes the last administrator away, gives nobody the right to the Admin Menu, and touches
//! no password.

use std::collections::{BTreeMap, BTreeSet};

use super::pen::Pen;
use crate::change::Untranslated;
use crate::device::mobotix::config::{Entry, text};
use crate::device::mobotix::dialect::SettingName;
use crate::device::mobotix::model::Access;

const SECTION: &str = "access";
/// The group that is always there and may do everything.
const ADMINS: &str = "admins";
/// The right that makes an administrator.
const ADMIN_RIGHT: &str = "admin_acl";
/// Most groups that a camera takes, as its help says.
const MOST_GROUPS: usize = 25;

type Done = Result<(), Untranslated>;

/// Takes the public mark from every right that carries it.
pub fn close_public(pen: &mut Pen<'_, '_>) -> Done {
    pen.key(SettingName::PublicAccess)?;
    pen.shows_in_behaviour();
    let public: Vec<Entry<'_>> =
        rights(pen)?.into_iter().filter(|entry| names(entry).any(|name| name == "0")).collect();
    for entry in public {
        let kept: Vec<String> = names(&entry).filter(|name| name != "0").collect();
        set(pen, entry, &kept);
    }
    let lists = rights(pen)?;
    let listed = |name: &&String| lists.iter().any(|entry| text(entry.key) == name.as_str());
    let missing = pen.dialect.rights.iter().filter(|name| !listed(name)).count();
    if lists.is_empty() {
        return impossible(format!(
            "no right is in the configuration ({missing} missing), so that they are at a factory default which is not \
             known; save the camera's page of group rights once"
        ));
    }
    Ok(())
}

/// Gives the groups exactly these rights.
pub fn set_groups(pen: &mut Pen<'_, '_>, groups: &BTreeMap<String, BTreeSet<String>>) -> Done {
    for (name, wanted) in groups {
        if !is_group(name) || name == ADMINS || wanted.contains(ADMIN_RIGHT) {
            return impossible(format!("{name:?} cannot be set here, or with these rights"));
        }
    }
    let mut declared = pen.configuration.all(SECTION, "groups");
    let (Some(line), None) = (declared.next(), declared.next()) else {
        return impossible("access/groups does not stand in the configuration once".to_owned());
    };
    let mut all: Vec<String> = names(&line).collect();
    let known = all.len();
    for name in groups.keys().filter(|name| !names(&line).any(|known| known == **name)) {
        all.push(name.clone());
    }
    if all.len() > MOST_GROUPS {
        return impossible(format!("a camera takes {MOST_GROUPS} groups"));
    }
    if all.len() > known {
        set(pen, line, &all);
    }
    let lists = rights(pen)?;
    let listed: BTreeSet<String> = lists.iter().map(|entry| text(entry.key).into_owned()).collect();
    if let Some(unknown) = groups.values().flatten().find(|right| !listed.contains(*right)) {
        return impossible(format!("the configuration has no right {unknown:?}"));
    }
    for entry in lists {
        let right = text(entry.key).into_owned();
        let before: Vec<String> = names(&entry).collect();
        let mut after = before.clone();
        for (group, wanted) in groups {
            let (has, should) = (after.contains(group), wanted.contains(&right));
            match (has, should) {
                (false, true) => after.push(group.clone()),
                (true, false) => after.retain(|name| name != group),
                (true, true) | (false, false) => {}
            }
        }
        if after != before {
            set(pen, entry, &after);
        }
    }
    Ok(())
}

/// Moves an account to a group that there is. Its password stays as it is.
pub fn move_account(pen: &mut Pen<'_, '_>, name: &str, group: &str) -> Done {
    let line = account(pen, name)?;
    let groups: Vec<String> =
        pen.configuration.first(SECTION, "groups").iter().flat_map(names).collect();
    if !groups.iter().any(|known| known == group) {
        return impossible(format!("the camera has no group {group:?}"));
    }
    let value = text(line.value).into_owned();
    let mut fields = value.splitn(3, ':');
    let (Some(user), Some(old), Some(rest)) = (fields.next(), fields.next(), fields.next()) else {
        return impossible("its line has another form than known".to_owned());
    };
    if old == group {
        return Ok(());
    }
    if old == ADMINS {
        leaves_an_administrator(pen, name)?;
    }
    let after = format!("usr={user}:{group}:{rest}");
    pen.replace(SECTION, line, Some(after.into_bytes()));
    Ok(())
}

/// Removes an account. That none of that name is there is what is wanted.
pub fn remove_account(pen: &mut Pen<'_, '_>, name: &str) -> Done {
    if !users(pen).any(|line| is_named(&line, name)) {
        return Ok(());
    }
    let line = account(pen, name)?;
    leaves_an_administrator(pen, name)?;
    pen.replace(SECTION, line, None);
    Ok(())
}

fn leaves_an_administrator(pen: &Pen<'_, '_>, without: &str) -> Done {
    let access: Option<Access<'_>> = pen.configuration.access();
    let others = access.iter().flat_map(|access| {
        access.users.iter().filter(|user| {
            user.name != without.as_bytes()
                && user.group == ADMINS.as_bytes()
                && !access.is_placeholder(user)
        })
    });
    match others.count() {
        0 => impossible("no administrator would be left".to_owned()),
        _ => Ok(()),
    }
}

fn account<'a>(pen: &Pen<'_, 'a>, name: &str) -> Result<Entry<'a>, Untranslated> {
    let mut fit = users(pen).filter(|line| is_named(line, name));
    let shown = proto::text::printable(name, 40);
    match (fit.next(), fit.next()) {
        (Some(line), None) => Ok(line),
        (None, _) => Err(Untranslated::Impossible(format!("the camera has no account {shown:?}"))),
        (Some(_), Some(_)) => {
            Err(Untranslated::Impossible(format!("the account {shown:?} stands there twice")))
        }
    }
}

fn users<'a>(pen: &Pen<'_, 'a>) -> impl Iterator<Item = Entry<'a>> {
    pen.configuration.all(SECTION, "usr").collect::<Vec<_>>().into_iter()
}

fn is_named(line: &Entry<'_>, name: &str) -> bool {
    line.value.split(|byte| *byte == b':').next() == Some(name.as_bytes())
}

/// The `*_acl` lines. One right that stands twice cannot be understood.
fn rights<'a>(pen: &Pen<'_, 'a>) -> Result<Vec<Entry<'a>>, Untranslated> {
    let is_right = |entry: &Entry<'_>| entry.key.ends_with(b"_acl");
    let all: Vec<Entry<'a>> = pen.configuration.entries(SECTION).filter(is_right).collect();
    let keys: BTreeSet<&[u8]> = all.iter().map(|entry| entry.key).collect();
    if keys.len() == all.len() {
        Ok(all)
    } else {
        Err(Untranslated::Impossible("a right stands twice in section access".to_owned()))
    }
}

fn names(entry: &Entry<'_>) -> impl Iterator<Item = String> {
    let names = entry.value.split(|byte| *byte == b',').map(|name| text(name.trim_ascii()));
    let names: Vec<String> =
        names.filter(|name| !name.is_empty()).map(|name| name.into_owned()).collect();
    names.into_iter()
}

fn set(pen: &mut Pen<'_, '_>, entry: Entry<'_>, names: &[String]) {
    let line = format!("{}={}", text(entry.key), names.join(","));
    pen.replace(SECTION, entry, Some(line.into_bytes()));
}

fn is_group(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (3..=16).contains(&name.len()) && name.chars().all(plain)
}

fn impossible(why: String) -> Done {
    Err(Untranslated::Impossible(why))
}
