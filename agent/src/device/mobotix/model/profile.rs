//! Profile lines: `profile=<id>:_profilename=<name>:k=v:k=v`, values percent-encoded.

use std::borrow::Cow;
use std::fmt;

use crate::device::mobotix::config::{Entry, decode, text};

/// One profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Profile<'a> {
    /// Line number, from 1.
    pub line: usize,
    id: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Profile<'a> {
    /// Reads a profile from its entry; none if there is no id.
    pub fn parse(entry: Entry<'a>) -> Option<Self> {
        let mut parts = entry.value.splitn(2, |byte| *byte == b':');
        let id = parts.next().filter(|id| !id.is_empty())?;
        Some(Self { line: entry.line, id, rest: parts.next().unwrap_or_default() })
    }

    /// The id by which other settings name it.
    pub fn id(&self) -> Cow<'a, str> {
        text(self.id)
    }

    /// The name people see.
    pub fn name(&self) -> Option<Cow<'a, str>> {
        self.field("_profilename")
    }

    /// Whether it is switched off.
    pub fn is_inactive(&self) -> bool {
        self.field("_profilestate").is_some_and(|state| state == "i")
    }

    /// A field's value, escapes decoded.
    pub fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        self.fields().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| decode(value))
    }

    /// All fields in order, values not decoded.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.rest.split(|byte| *byte == b':').filter_map(|field| {
            let at = field.iter().position(|byte| *byte == b'=')?;
            Some((field.get(..at)?, field.get(at + 1..)?))
        })
    }
}

// Profiles hold passwords in clear.
impl fmt::Debug for Profile<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Profile({}, line {})", self.id(), self.line)
    }
}
