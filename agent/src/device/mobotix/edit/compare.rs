//! What differs between two configurations, apart from what a camera writes into its own by itself: comments, and when
//! it was exported.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Differences, Digest};
use crate::device::mobotix::config::{Document, redact, redact_further, text};

/// Lines of a configuration by section, without what does not count.
type Canonical = BTreeMap<String, Vec<Vec<u8>>>;

/// What differs from `one` to `other`. The order of sections, and of lines within one, does not count.
pub fn differences(one: &Document<'_>, other: &Document<'_>) -> Differences {
    let (one, other) = (canonical(one), canonical(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut found = Differences::default();
    for name in names {
        let lines = |all: &Canonical| all.get(name).cloned().unwrap_or_default();
        let (mut before, mut after) = (lines(&one), lines(&other));
        before.retain(|line| match after.iter().position(|other| other == line) {
            Some(place) => {
                after.remove(place);
                false
            }
            None => true,
        });
        let shown = |line: &Vec<u8>| format!("{name}: {}", redact(line));
        found.gone.extend(before.iter().map(shown));
        found.new.extend(after.iter().map(shown));
    }
    found
}

/// The sections in which they differ.
pub fn changed_sections(one: &Document<'_>, other: &Document<'_>) -> BTreeSet<String> {
    let (mut one, mut other) = (canonical(one), canonical(other));
    let names: BTreeSet<String> = one.keys().chain(other.keys()).cloned().collect();
    let sorted = |all: &mut Canonical, name: &str| {
        let mut lines = all.remove(name).unwrap_or_default();
        lines.sort();
        lines
    };
    names.into_iter().filter(|name| sorted(&mut one, name) != sorted(&mut other, name)).collect()
}

/// Its lines as they may be shown, by section, without what does not count.
pub fn shown(document: &Document<'_>) -> Vec<String> {
    let shown = |(name, lines): (String, Vec<Vec<u8>>)| {
        // These lines are kept and leave the site.
        lines.into_iter().map(move |line| format!("{name}: {}", redact_further(&redact(&line))))
    };
    canonical(document).into_iter().flat_map(shown).collect()
}

/// A digest that two looks at an unchanged camera share.
pub fn canonical_digest(document: &Document<'_>) -> Digest {
    let mut text = Vec::new();
    for (name, lines) in canonical(document) {
        text.extend_from_slice(format!("{} {name}\n", lines.len()).as_bytes());
        for line in lines {
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
    }
    Digest::of(&text)
}

fn canonical(document: &Document<'_>) -> Canonical {
    let mut all = Canonical::new();
    for section in document.sections() {
        let name = text(section.name()).into_owned();
        let stamp = name == "timestamp";
        let lines = section.lines().map(|(_, line)| line.trim_ascii());
        let kept = lines.filter(|line| {
            let date = stamp && line.starts_with(b"DATE=");
            !(line.is_empty() || line.starts_with(b"#") || date)
        });
        all.entry(name).or_default().extend(kept.map(<[u8]>::to_vec));
    }
    // A section without a line says as much as none: how to delete one is not known.
    all.retain(|_, lines| !lines.is_empty());
    all
}
