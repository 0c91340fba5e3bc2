//! From two exports, before and after a person set a value once in the camera's own page, to a dialect entry.
//!
//! It writes down what changed and what the words themselves tell (`on`, `NO`, `digest`), never a guess, and no value
//! that could be a secret.

mod form;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::config::{Document, text};
use super::dialect::{Dialects, Key, SettingName, Shape, is_plain};
use super::model::Configuration;
use crate::firmware::Version;

/// Most changed keys that a message lists.
const MOST_LISTED: usize = 20;

/// Words that tell by themselves that something is on, and what the other state is called then.
const SWITCH_WORDS: &[(&str, &str)] = &[
    ("1", "0"),
    ("on", "off"),
    ("yes", "no"),
    ("true", "false"),
    ("enable", "disable"),
    ("enabled", "disabled"),
];

/// The values of each `section` and `KEY`, in the order of the file.
type Values<'a> = BTreeMap<(String, String), Vec<&'a [u8]>>;

/// One key whose values differ.
struct Change<'a> {
    section: String,
    key: String,
    before: Vec<&'a [u8]>,
    after: Vec<&'a [u8]>,
}

/// Writes the dialect file (TOML) that says which key `setting` is, from what changed between two exports.
/// `key`, as `section/KEY`, chooses among several changed keys. Without a setting's name, it is the one that the
/// built-in dialect of the firmware gives the changed key to, if it knows the key.
///
/// # Errors
/// A message that says what is wrong: an export that cannot be read, another firmware, an unknown setting name (with
/// the list), a key that no dialect knows and no setting named for it, nothing changed, or several keys changed (with
/// the list).
pub fn learn(
    before: &[u8],
    after: &[u8],
    setting: Option<&str>,
    key: Option<&str>,
) -> Result<String, String> {
    let named = setting
        .map(str::parse::<SettingName>)
        .transpose()
        .map_err(|error| format!("learning a setting: {error}"))?;
    if let Some(name) = named.filter(|name| name.shape() == Shape::Rights) {
        return Err(format!(
            "{name} need not be learned: its lines have the same form on every product line"
        ));
    }
    let (before, after) = (open("before", before)?, open("after", after)?);
    let firmware = common_firmware(&before, &after)?;
    let changes = changes(&before, &after);
    let change = choose(&changes, key, json_changed(&before, &after))?;
    let name = named.map_or_else(|| known_as(change, firmware), Ok)?;
    if named.is_some() && key.is_none() {
        check_unclaimed(name, change, firmware)?;
    }
    if !is_plain(&change.section) || !is_plain(&change.key) {
        return Err("the changed key has characters that no dialect file can hold".to_owned());
    }
    let form = form::of(name, change, &after);
    Ok(write_entry(name, change, firmware, form.as_deref()))
}

/// The setting that the built-in dialect gives the changed key to.
fn known_as(change: &Change<'_>, firmware: Version) -> Result<SettingName, String> {
    let known = settings_at(change, firmware).into_iter().next();
    known.ok_or_else(|| {
        let names: Vec<_> = SettingName::ALL.iter().map(|name| name.as_str()).collect();
        let place = proto::text::printable(&format!("{}/{}", change.section, change.key), 120);
        format!(
            "{place} changed, and no built-in dialect tells what it is; say which setting was set in the camera's page \
             with --setting NAME, one of {}",
            names.join(", ")
        )
    })
}

fn open<'a>(which: &str, bytes: &'a [u8]) -> Result<Configuration<'a>, String> {
    Document::parse(bytes)
        .map(Configuration::new)
        .map_err(|error| format!("reading the export from {which} the change: {error}"))
}

fn common_firmware(
    before: &Configuration<'_>,
    after: &Configuration<'_>,
) -> Result<Version, String> {
    let stamp = |configuration: &Configuration<'_>| {
        let text = configuration.head_firmware().unwrap_or_default().into_owned();
        text.parse::<Version>().map_err(|error| format!("comparing two exports: line 2: {error}"))
    };
    let (before, after) = (stamp(before)?, stamp(after)?);
    if before == after {
        Ok(after)
    } else {
        Err(format!(
            "the exports are of two firmware versions, {before} and {after}, which may name things differently; export \
             both from the same camera without an update in between"
        ))
    }
}

/// What differs. Comments and the section that only says when the export was made do not count.
fn changes<'a>(before: &Configuration<'a>, after: &Configuration<'a>) -> Vec<Change<'a>> {
    let (mut before, mut after) = (values(before), values(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let changed = keys.into_iter().filter_map(|place| {
        let (before, after) =
            (before.remove(&place).unwrap_or_default(), after.remove(&place).unwrap_or_default());
        let (section, key) = place;
        (before != after).then_some(Change { section, key, before, after })
    });
    changed.collect()
}

fn values<'a>(configuration: &Configuration<'a>) -> Values<'a> {
    let mut values = Values::new();
    let sections = configuration.document().sections();
    for section in sections.filter(|section| section.name() != b"timestamp") {
        for entry in section.entries() {
            let place = (text(section.name()).into_owned(), text(entry.key).into_owned());
            values.entry(place).or_default().push(entry.value);
        }
    }
    values
}

/// The JSON sections that differ: a dialect cannot name a key in them.
fn json_changed(before: &Configuration<'_>, after: &Configuration<'_>) -> Vec<String> {
    let documents = |configuration: &Configuration<'_>| -> BTreeMap<String, Vec<u8>> {
        let sections = configuration.document().sections().filter(|section| section.is_json());
        sections
            .map(|section| {
                let lines = section.lines().flat_map(|(_, line)| line.iter().copied());
                (text(section.name()).into_owned(), lines.collect())
            })
            .collect()
    };
    let (before, after) = (documents(before), documents(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn choose<'c, 'a>(
    changes: &'c [Change<'a>],
    wanted: Option<&str>,
    json: Vec<String>,
) -> Result<&'c Change<'a>, String> {
    let path = |change: &Change<'_>| format!("{}/{}", change.section, change.key);
    let list = || {
        let names = changes
            .iter()
            .take(MOST_LISTED)
            .map(|change| proto::text::printable(&path(change), 80));
        let more = changes.len().saturating_sub(MOST_LISTED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        names.collect::<Vec<_>>().join(", ") + &rest
    };
    match (changes, wanted) {
        ([], _) if json.is_empty() => {
            Err("nothing changed between the two exports; set the value in the camera's \
             page, store it, and export again"
                .to_owned())
        }
        ([], _) => Err(format!(
            "only the JSON section {} changed, and a dialect cannot name a key in such a section",
            json.join(", ")
        )),
        ([change], None) => Ok(change),
        (_, None) => Err(format!(
            "{} keys changed: {}; say which one it is with --key SECTION/KEY, or change only one thing between the \
             exports",
            changes.len(),
            list()
        )),
        (_, Some(wanted)) => {
            changes.iter().find(|change| path(change) == wanted).ok_or_else(|| {
                let wanted = proto::text::printable(wanted, 80);
                format!(
                    "{wanted:?} did not change between the two exports; what changed is {}",
                    list()
                )
            })
        }
    }
}

/// The settings that the built-in dialect says the changed key holds.
fn settings_at(change: &Change<'_>, firmware: Version) -> Vec<SettingName> {
    let builtin = Dialects::builtin();
    let settings = builtin.for_version(firmware).map(|dialect| &dialect.settings);
    let is_at = |key: &Key| key.section == change.section && key.key == change.key;
    settings.into_iter().flatten().filter(|(_, key)| is_at(key)).map(|(name, _)| *name).collect()
}

/// Refuses a key that is known as something else: a person who changed the wrong thing would teach us a verdict.
fn check_unclaimed(
    name: SettingName,
    change: &Change<'_>,
    firmware: Version,
) -> Result<(), String> {
    let known = settings_at(change, firmware).into_iter().find(|other| *other != name);
    let account = change.section == "access" && matches!(change.key.as_str(), "usr" | "groups");
    let is = match known {
        Some(other) => other.topic(),
        None if account => "the accounts and groups",
        None => return Ok(()),
    };
    let path = format!("{}/{}", change.section, change.key);
    Err(format!(
        "what changed is {path}, which tells {is} and not {}; change only that between the exports, or insist with \
         --key {path}",
        name.topic()
    ))
}

fn write_entry(
    name: SettingName,
    change: &Change<'_>,
    firmware: Version,
    form: Option<&str>,
) -> String {
    let [major, ..] = firmware.numbers;
    let mut out = String::new();
    let confidence = "confidence = \"observed\"";
    let mut line = |text: std::fmt::Arguments<'_>| {
        writeln!(out, "{text}").expect("writing to a string cannot fail");
    };
    line(format_args!(
        "# {name}: learned from two exports of one camera with {firmware}, before and after it was set."
    ));
    line(format_args!("major = {major}"));
    line(format_args!("sources = [\"learned from two exports, {firmware}\"]"));
    line(format_args!(""));
    line(format_args!("[settings.{name}]"));
    line(format_args!("section = \"{}\"", change.section));
    line(format_args!("key = \"{}\"", change.key));
    line(format_args!("{confidence}"));
    if let Some(form) = form {
        line(format_args!("form = \"{form}\""));
    }
    let words = Words::of(name, change);
    for (word, means) in &words.seen {
        line(format_args!("values.\"{word}\" = {{ means = \"{means}\", {confidence} }}"));
    }
    if let Some((word, means)) = &words.opposite {
        let confidence = "confidence = \"inferred\"";
        line(format_args!("values.\"{word}\" = {{ means = \"{means}\", {confidence} }}"));
        line(format_args!("default = {{ value = \"{word}\", {confidence} }}"));
    }
    if !name.meanings().is_empty() && words.seen.is_empty() {
        line(format_args!(
            "# What the value means could not be told from the word. Add it by hand, as in"
        ));
        let means = name.meanings().join("\" or \"");
        line(format_args!("# values.\"WORD\" = {{ means = \"{means}\", {confidence} }}"));
    }
    out
}

/// What the words of a change tell by themselves.
#[derive(Default)]
struct Words {
    /// Words that stood in an export.
    seen: BTreeMap<String, &'static str>,
    /// The word for the other state of a switch whose key is missing from one export, where it stands at that state.
    opposite: Option<(String, &'static str)>,
}

impl Words {
    fn of(name: SettingName, change: &Change<'_>) -> Self {
        let mut words = Self::default();
        let is_switch = name.meanings().contains(&"on");
        for value in change.before.iter().chain(&change.after) {
            let word = text(value).into_owned();
            let lower = word.to_ascii_lowercase();
            let means = if is_switch {
                switch_meaning(&lower).map(|(means, _)| means)
            } else {
                name.meanings().iter().copied().find(|means| *means == lower)
            };
            if let Some(means) = means {
                words.seen.insert(word, means);
            }
        }
        let is_missing_once = change.before.is_empty() || change.after.is_empty();
        if is_switch && is_missing_once && words.seen.len() == 1 {
            words.opposite = words.seen.keys().next().and_then(|word| opposite(word));
        }
        words
    }
}

/// What a lower-case word says about a switch, and the word for its other state.
fn switch_meaning(word: &str) -> Option<(&'static str, &'static str)> {
    SWITCH_WORDS.iter().find_map(|(on, off)| match word {
        word if word == *on => Some(("on", *off)),
        word if word == *off => Some(("off", *on)),
        _ => None,
    })
}

/// The other state's word, in the same case.
fn opposite(word: &str) -> Option<(String, &'static str)> {
    let (means, other) = switch_meaning(&word.to_ascii_lowercase())?;
    let is_upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let other = if is_upper { other.to_ascii_uppercase() } else { other.to_owned() };
    Some((other, if means == "on" { "off" } else { "on" }))
}
