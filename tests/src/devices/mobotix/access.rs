//! Who may fetch what: users, groups and access control lists as the `access` section of an
//! exported configuration holds them.

use std::collections::BTreeMap;

use super::configuration::Configuration;

/// The `access` section in force.
#[derive(Clone, Debug, Default)]
pub struct Access {
    users: Vec<User>,
    lists: BTreeMap<String, List>,
}

/// One `usr=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name it logs in with.
    pub name: String,
    /// Its one group; `undefined` has no rights.
    pub group: String,
    /// The crypt hash, or a placeholder that no password has.
    pub hash: String,
    /// What the fourth field is taken for: MD5 of `user:realm:password`.
    pub ha1: String,
}

/// One `*_acl=` line.
#[derive(Clone, Debug, Default)]
struct List {
    public: bool,
    groups: Vec<String>,
}

/// What a path needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: anyone may ask.
    Nothing,
    /// One of these rights, each named as the configuration names its list.
    OneOf(&'static [&'static str]),
}

impl Access {
    /// Reads the section. A list that is missing lets only `admins` in (INVENTED: a missing key means the factory
    /// default, which differs by firmware).
    pub fn of(configuration: &Configuration) -> Self {
        let mut access = Self::default();
        for line in configuration.lines("access") {
            let Some((key, value)) = line.split_once('=') else { continue };
            if key == "usr" {
                let mut fields = value.splitn(4, ':').map(str::to_owned);
                let mut next = || fields.next().unwrap_or_default();
                access.users.push(User { name: next(), group: next(), hash: next(), ha1: next() });
            } else if key.ends_with("_acl") {
                let groups: Vec<String> =
                    value.split(',').map(|one| one.trim().to_owned()).collect();
                let public = groups.first().is_some_and(|first| first == "0");
                access.lists.insert(key.to_owned(), List { public, groups });
            }
        }
        access
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Whether strangers get in.
    pub fn is_public(&self, needed: Needed) -> bool {
        match needed {
            Needed::Nothing => true,
            Needed::OneOf(rights) => {
                rights.iter().any(|right| self.lists.get(*right).is_some_and(|list| list.public))
            }
        }
    }

    /// Whether a group gets in.
    pub fn allows(&self, needed: Needed, group: &str) -> bool {
        let lists = |right: &&str| match self.lists.get(*right) {
            Some(list) => list.groups.iter().any(|one| one == group),
            None => group == "admins",
        };
        match needed {
            Needed::Nothing => true,
            Needed::OneOf(rights) => group != "undefined" && rights.iter().any(lists),
        }
    }
}

/// The right a path needs. That `/cgi-bin/` is for guests, `/control/` for users and `/admin/` for
/// administrators is documented; which right each page of `/control/` needs is INVENTED.
pub fn needed(path: &str) -> Needed {
    const ANY_USER: &[&str] =
        &["live_acl", "player_acl", "events_acl", "api_acl", "image_setup_acl", "event_setup_acl"];
    let rights: &[&str] = match path {
        "/" | "/robots.txt" => return Needed::Nothing,
        "/control/userimage.html" => &["live_acl"],
        "/control/player" | "/control/event.jpg" => &["player_acl", "events_acl"],
        "/control/multiview" => &["multiview_acl"],
        "/control/pda" => &["pda_acl"],
        "/control/camerainfo" => &["info_acl"],
        "/control/rcontrol" | "/control/control" => &["api_acl"],
        "/control/faststream.jpg" => &["live_fast_acl", "live_slow_acl"],
        _ if path.starts_with("/control/") => ANY_USER,
        _ if path.starts_with("/cgi-bin/") || path.starts_with("/help/") => &["guest_acl"],
        _ if path.starts_with("/record/") => &["player_acl", "events_acl"],
        _ => &["admin_acl"],
    };
    Needed::OneOf(rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str) -> Access {
        let text = format!("SECTION access\n{text}\nENDSECTION access\n");
        Access::of(&Configuration::new(text.into_bytes()))
    }

    #[test]
    fn a_leading_nought_lets_strangers_in() {
        let access = access("live_acl=0,users\nguest_acl=users\ninfo_acl=");
        assert!(access.is_public(needed("/control/userimage.html")));
        assert!(!access.is_public(needed("/cgi-bin/image.jpg")));
        assert!(!access.is_public(needed("/control/camerainfo")));
    }

    #[test]
    fn a_group_gets_what_its_lists_name_and_undefined_gets_nothing() {
        let access = access("guest_acl=users,undefined\nadmin_acl=admins");
        assert!(access.allows(needed("/cgi-bin/image.jpg"), "users"));
        assert!(!access.allows(needed("/admin/remoteconfig"), "users"));
        assert!(!access.allows(needed("/cgi-bin/image.jpg"), "undefined"));
        assert!(!access.allows(needed("/anything/else"), "users"));
    }
}
