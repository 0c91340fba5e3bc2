//! Section `access`: who may log in, which groups there are, and which right belongs to whom.

use std::borrow::Cow;
use std::fmt;

use super::Configuration;
use crate::device::mobotix::config::{Entry, text};

/// The section's name on every product line seen.
pub const SECTION: &str = "access";

/// How the key of a right ends, as in `live_acl`. `owner_acl`, empty in every file seen, is one like the others.
const RIGHT: &[u8] = b"_acl";

/// Section `access`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// `usr=` lines, placeholders included.
    pub users: Vec<User<'a>>,
    /// Names in `groups=`, in order, and the line; none if the key is missing.
    pub groups: Option<(usize, Vec<Cow<'a, str>>)>,
    /// `*_acl=` lines.
    pub rights: Vec<Right<'a>>,
    /// Whether `sv_enable=` holds anything that may mean that the account `Supervisor` is on.
    pub supervisor_enabled: bool,
}

/// `usr=<name>:<group>:<crypt hash>:<digest secret>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// Line number, from 1.
    pub line: usize,
    /// Name.
    pub name: &'a [u8],
    /// Group.
    pub group: &'a [u8],
    /// Password hash.
    pub hash: &'a [u8],
    /// What digest authentication needs to know.
    pub digest: &'a [u8],
}

/// `<right>_acl=<group>,<group>`, with a `0` among them if the right is public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right<'a> {
    /// Line number, from 1.
    pub line: usize,
    /// The key, such as `live_acl`.
    pub name: Cow<'a, str>,
    /// The groups, in order, without the public mark.
    pub groups: Vec<Cow<'a, str>>,
    /// Whether the public mark stands there.
    pub public: bool,
}

impl<'a> Access<'a> {
    pub(super) fn read(configuration: &Configuration<'a>) -> Self {
        let mut access =
            Self { users: Vec::new(), groups: None, rights: Vec::new(), supervisor_enabled: false };
        for entry in configuration.entries(SECTION) {
            match entry.key {
                b"usr" => access.users.push(User::parse(entry)),
                b"groups" => {
                    let names = names(entry.value);
                    access.groups.get_or_insert((entry.line, Vec::new())).1.extend(names);
                }
                b"sv_enable" => {
                    access.supervisor_enabled |=
                        !matches!(entry.value, b"" | b"0" | b"off" | b"no");
                }
                key if key.ends_with(RIGHT) => access.rights.push(Right::parse(entry)),
                _ => {}
            }
        }
        access
    }

    /// Whether a user is an unused place that nobody can log in with: no hash at all, as MOBOTIX 7 writes it, or the
    /// dummy of the P3 line for a `Supervisor` that is switched off, whose digest secret is all zeros.
    pub fn is_placeholder(&self, user: &User<'_>) -> bool {
        let zeros = user.digest.len() == 32 && user.digest.iter().all(|byte| *byte == b'0');
        let dummy = user.name == b"Supervisor"
            && user.group == b"Supervisors"
            && user.hash.len() == 13
            && zeros
            && !self.supervisor_enabled;
        (user.hash == b"*" && user.digest == b"*") || dummy
    }
}

impl<'a> User<'a> {
    fn parse(entry: Entry<'a>) -> Self {
        let mut fields = entry.value.splitn(4, |byte| *byte == b':');
        let mut next = || fields.next().unwrap_or_default();
        Self { line: entry.line, name: next(), group: next(), hash: next(), digest: next() }
    }
}

impl<'a> Right<'a> {
    fn parse(entry: Entry<'a>) -> Self {
        let (public, groups) = names(entry.value).partition::<Vec<_>, _>(|name| name == "0");
        Self { line: entry.line, name: text(entry.key), groups, public: !public.is_empty() }
    }
}

// A hash can be tried offline, so it is as good as a password to whoever reads a log.
impl fmt::Debug for User<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "User({}, line {})", text(self.name), self.line)
    }
}

fn names(list: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let names = list.split(|byte| *byte == b',').map(|name| text(name.trim_ascii()));
    names.filter(|name| !name.is_empty())
}
