//! The configuration file as the camera holds it: bytes, with an index of their sections. What was loaded is served
//! back to the byte; an edit touches only the lines it names (the shape is that of public exports).

use std::ops::Range;

use bytes::Bytes;

/// One configuration, as it lies in RAM or in flash. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    bytes: Bytes,
    sections: Vec<Section>,
}

/// Where a section lies: its `SECTION` line up to and with the line end of its `ENDSECTION`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    span: Range<usize>,
}

impl Configuration {
    /// Indexes a configuration. Never fails: what is no section is carried along.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sections = index(&bytes);
        Self { bytes, sections }
    }

    /// All of it.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The names of its sections, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// A section with its first and last line.
    pub fn section(&self, name: &str) -> Option<Bytes> {
        self.find(name).map(|section| self.bytes.slice(section.span.clone()))
    }

    /// Every value of a key, in order; keys may repeat.
    pub fn values(&self, section: &str, key: &str) -> Vec<String> {
        self.lines(section)
            .iter()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value.to_owned())
            .collect()
    }

    /// The first value of a key.
    pub fn value(&self, section: &str, key: &str) -> Option<String> {
        self.values(section, key).into_iter().next()
    }

    /// The lines of a section without its first and last.
    pub fn lines(&self, section: &str) -> Vec<String> {
        let block = self.section(section).unwrap_or_default();
        let text = String::from_utf8_lossy(&block);
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.pop();
        lines
    }

    /// Sets `section/KEY` to a value: the first line with that key is changed, or one is added at the section's end.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        self.set_line(section, &format!("{key}={value}"), |line| {
            line.split_once('=').is_some_and(|(name, _)| name == key)
        });
    }

    /// Sets the profile line of that key and id (`events/ima_1/ima=ima_1:_profilename=…`).
    pub fn set_profile(&mut self, section: &str, profile: &str, key: &str, value: &str) {
        self.set_line(section, &format!("{key}={value}"), |line| {
            line.split_once('=').is_some_and(|(name, old)| {
                name == key && old.split(':').next().is_some_and(|id| id == profile)
            })
        });
    }

    /// Replaces a whole section by a block, or adds it at the end.
    pub fn replace(&mut self, name: &str, block: &[u8]) {
        let span = self.find(name).map(|section| section.span.clone());
        let mut block = block.to_vec();
        if !block.ends_with(b"\n") {
            block.push(b'\n');
        }
        if span.is_none() {
            block.insert(0, b'\n');
        }
        self.splice(span.unwrap_or(self.bytes.len()..self.bytes.len()), &block);
    }

    /// Takes a section out.
    pub fn remove(&mut self, name: &str) {
        if let Some(span) = self.find(name).map(|section| section.span.clone()) {
            self.splice(span, b"");
        }
    }

    fn find(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn set_line(&mut self, section: &str, line: &str, is_old: impl Fn(&str) -> bool) {
        let Some(block) = self.find(section).map(|section| section.span.clone()) else {
            let block = format!("SECTION {section}\n{line}\nENDSECTION {section}\n");
            return self.replace(section, block.as_bytes());
        };
        let mut at = block.start;
        for old in self.bytes[block.clone()].split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(old);
            let text = text.trim_end();
            let last = at + old.len() == block.end;
            if last || is_old(text) {
                let end = if last { at } else { at + text.len() };
                let ending = if last { "\n" } else { "" };
                return self.splice(at..end, format!("{line}{ending}").as_bytes());
            }
            at += old.len();
        }
    }

    fn splice(&mut self, span: Range<usize>, new: &[u8]) {
        let mut bytes = Vec::with_capacity(self.bytes.len() + new.len());
        bytes.extend_from_slice(&self.bytes[..span.start]);
        bytes.extend_from_slice(new);
        bytes.extend_from_slice(&self.bytes[span.end..]);
        *self = Self::new(bytes);
    }
}

fn index(bytes: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut open: Option<(String, usize)> = None;
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if open.is_none()
            && let Some(name) = text.strip_prefix("SECTION ")
        {
            open = Some((name.trim().to_owned(), at));
        }
        at += line.len();
        if text.starts_with("ENDSECTION")
            && let Some((name, start)) = open.take()
        {
            sections.push(Section { name, span: start..at });
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_loaded_is_served_back_and_a_new_section_goes_behind_it(
            text in "((SECTION|ENDSECTION)? ?[ab]?=?[ -~\u{e9}]{0,6}\r?\n){0,12}",
        ) {
            let mut configuration = Configuration::new(text.clone().into_bytes());
            prop_assert_eq!(configuration.bytes(), text.as_bytes());
            configuration.set("fresh", "K", "7");
            // Behind a section that was never closed it is part of that section, as any line is.
            prop_assert!(configuration.bytes().starts_with(text.as_bytes()));
            prop_assert!(configuration.bytes().ends_with(b"SECTION fresh\nK=7\nENDSECTION fresh\n"));
        }
    }

    fn sample() -> Configuration {
        Configuration::new(
            &b"#:MXCFG2.0==\n\nSECTION a\nK=1\nK=2\np=x:_profilename=X:v=1\np=y:v=2\nENDSECTION a\n\nSECTION b\nL=\xfc\nENDSECTION b\n"[..],
        )
    }

    #[test]
    fn a_changed_key_leaves_every_other_byte_alone() {
        let mut changed = sample();
        changed.set("a", "K", "9");
        assert_eq!(changed.values("a", "K"), ["9", "2"]);
        assert_eq!(changed.section("b"), sample().section("b"));
        assert_eq!(changed.bytes().len(), sample().bytes().len());
    }

    #[test]
    fn a_profile_line_is_found_by_its_id() {
        let mut changed = sample();
        changed.set_profile("a", "y", "p", "y:v=3");
        assert_eq!(changed.values("a", "p"), ["x:_profilename=X:v=1", "y:v=3"]);
    }

    #[test]
    fn sections_come_and_go() {
        let mut changed = sample();
        changed.set("c", "NEW", "1");
        changed.remove("a");
        assert_eq!(changed.names().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(changed.value("c", "NEW").as_deref(), Some("1"));
    }
}
