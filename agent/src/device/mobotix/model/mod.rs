//! A configuration as a person thinks of it: its stamp, its sections, users, rights and profiles. It knows the form of
//! these lines and leaves what a key means to the dialect.

mod access;
mod profile;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use access::{Access, Right, SECTION, User};
pub use profile::Profile;

use super::config::{Document, Entry, Section, text};

/// The section that stamps a whole export.
const STAMP: &str = "timestamp";

/// A parsed configuration with its look-ups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration<'a> {
    document: Document<'a>,
}

impl<'a> Configuration<'a> {
    /// A configuration over its document.
    pub fn new(document: Document<'a>) -> Self {
        Self { document }
    }

    /// The document below.
    pub fn document(&self) -> &Document<'a> {
        &self.document
    }

    /// The firmware in the head of the file, as it is written: line 2, `#:MX-V4.7.3.11-r4`.
    pub fn head_firmware(&self) -> Option<Cow<'a, str>> {
        let line = self.document.line(2)?.trim_ascii();
        Some(text(line.strip_prefix(b"#:")?))
    }

    /// The firmware that section `timestamp` names. Together with the head it shows that both ends of a file are there.
    pub fn stamp_firmware(&self) -> Option<Entry<'a>> {
        self.first(STAMP, "VERSION")
    }

    /// Whether the file is stamped at both ends with the same firmware, so that nothing speaks for a lost part. Only
    /// then may a missing key be taken for a factory default.
    pub fn is_whole(&self) -> bool {
        match (self.head_firmware(), self.stamp_firmware()) {
            (Some(head), Some(stamp)) => head == text(stamp.value),
            _ => false,
        }
    }

    /// The factory address in the head, which is the serial number: `# Camera IP: 10.1.2.3`.
    pub fn serial(&self) -> Option<Cow<'a, str>> {
        let found = |(_, line): (usize, &'a [u8])| line.trim_ascii().strip_prefix(b"# Camera IP:");
        self.document.head().find_map(found).map(|rest| text(rest.trim_ascii()))
    }

    /// Whether there is a section of that name.
    pub fn has_section(&self, name: &str) -> bool {
        self.document.named(name).next().is_some()
    }

    /// The entries of a section, in order.
    pub fn entries<'d>(&'d self, section: &str) -> impl Iterator<Item = Entry<'a>> + use<'d, 'a> {
        let sections: Vec<Section<'d, 'a>> = self.document.named(section).collect();
        sections.into_iter().flat_map(|section| section.entries())
    }

    /// Every value of a key, in order; keys may repeat.
    pub fn all<'d, 'k>(
        &'d self,
        section: &str,
        key: &'k str,
    ) -> impl Iterator<Item = Entry<'a>> + use<'d, 'a, 'k> {
        self.entries(section).filter(move |entry| entry.key == key.as_bytes())
    }

    /// The first value of a key.
    pub fn first(&self, section: &str, key: &str) -> Option<Entry<'a>> {
        self.all(section, key).next()
    }

    /// The profiles of a section, inactive ones included.
    pub fn profiles<'d>(
        &'d self,
        section: &str,
    ) -> impl Iterator<Item = Profile<'a>> + use<'d, 'a> {
        self.all(section, "profile").filter_map(Profile::parse)
    }

    /// Section `access`; none if the file has none.
    pub fn access(&self) -> Option<Access<'a>> {
        self.has_section(access::SECTION).then(|| Access::read(self))
    }
}
