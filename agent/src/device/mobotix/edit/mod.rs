//! From a change to the lines of a camera's configuration, and from two configurations to what differs. Pure.
//!
//! Only lines whose key, value and form the dialect knows are ever written; what is only inferred is written where the
//! camera's own behaviour will prove it before it is saved, and nowhere else. No line is written that no change asked
//! for, and afterwards every line that changed must be one of them.

mod access;
mod compare;
mod pen;
mod request;
mod restoration;
mod settings;

#[cfg(test)]
mod tests;

pub use compare::{canonical_digest, differences};
pub use request::{Request, Unwritable, requests, restore};
pub use restoration::restoration;

use self::pen::{Pen, RawEdit};
use super::config::{Document, redact_further};
use super::dialect::{Dialect, Dialects};
use super::model::Configuration;
use crate::change::{Change, Differences, Digest, Edit, LineEdit, Untranslated};
use crate::device::{Comparison, Snapshot};
use crate::firmware::Version;

/// What a change comes to on a configuration.
#[derive(Clone, Debug)]
pub struct Translation {
    /// As it is shown.
    pub edit: Edit,
    /// The configuration as it is to be afterwards.
    pub after: Snapshot,
    /// The lines themselves.
    raw: Vec<RawEdit>,
}

/// What a change comes to on a camera whose configuration is `on`.
///
/// # Errors
/// Why it cannot be made there.
pub fn translate(
    on: &Snapshot,
    dialects: &Dialects,
    change: &Change,
) -> Result<Translation, Untranslated> {
    let document = parse(on.bytes())?;
    let configuration = Configuration::new(document.clone());
    let dialect = dialect(&configuration, dialects)?;
    let mut pen = Pen::new(&configuration, dialect);
    write(&mut pen, change)?;
    let (raw, takes, shows) = pen.finish()?;
    let lines = raw.iter().map(RawEdit::shown).collect::<Vec<LineEdit>>();
    let digest = Digest::of(&raw.iter().flat_map(RawEdit::digest_input).collect::<Vec<u8>>());
    let bytes = pen::render(&document, &raw);
    let after = Snapshot::new(bytes.clone(), canonical_digest(&parse(&bytes)?));
    Ok(Translation { edit: Edit { lines, takes, shows, digest }, after, raw })
}

/// What several changes come to, one on top of the other.
///
/// # Errors
/// Why the first of them that cannot be made cannot. One that stands already is no error.
pub fn translate_all(
    on: &Snapshot,
    dialects: &Dialects,
    changes: &[Change],
) -> Result<Vec<Option<Translation>>, Untranslated> {
    let mut current = on.clone();
    let mut all = Vec::with_capacity(changes.len());
    for change in changes {
        match translate(&current, dialects, change) {
            Ok(translation) => {
                current = translation.after.clone();
                all.push(Some(translation));
            }
            Err(Untranslated::Standing) => all.push(None),
            Err(why) => return Err(why),
        }
    }
    Ok(all)
}

impl Translation {
    /// Whether each of its lines is as it is to be in a configuration that a camera showed.
    pub fn stands_in(&self, seen: &Document<'_>) -> bool {
        self.raw.iter().all(|edit| edit.stands_in(seen))
    }

    /// The sections it touches.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.raw.iter().map(|edit| edit.section.as_str())
    }
}

/// How changes that were made on `before` compare with what the camera shows now. No two of them may touch one section.
///
/// # Errors
/// Why the changes cannot be made on `before`, or that what the camera shows is no configuration.
pub fn compare(
    before: &Snapshot,
    dialects: &Dialects,
    changes: &[Change],
    seen: &Snapshot,
) -> Result<Comparison, Untranslated> {
    let translations = translate_all(before, dialects, changes)?;
    let shown = parse(seen.bytes())?;
    let standing: Vec<bool> =
        translations.iter().map(|it| it.as_ref().is_none_or(|it| it.stands_in(&shown))).collect();
    let expected = translations.iter().flatten().last().map_or(before, |last| &last.after);
    let found = differences(&parse(expected.bytes())?, &shown);
    // What a change that does not stand left as it was is no surprise.
    let undone = translations.iter().zip(&standing).filter(|(_, standing)| !**standing);
    let undone: Vec<&str> =
        undone.filter_map(|(it, _)| it.as_ref()).flat_map(Translation::sections).collect();
    let elsewhere = |line: &String| {
        let section = line.split_once(": ").map_or("", |(section, _)| section);
        !undone.contains(&section)
    };
    let surprises = found
        .gone
        .iter()
        .map(|line| ("-", line))
        .chain(found.new.iter().map(|line| ("+", line)))
        .filter(|(_, line)| elsewhere(line))
        .map(|(mark, line)| format!("{mark} {line}"))
        .collect();
    Ok(Comparison { standing, surprises })
}

/// What differs between two configurations.
///
/// # Errors
/// That one of them is none.
pub fn between(one: &Snapshot, other: &Snapshot) -> Result<Differences, Untranslated> {
    Ok(differences(&parse(one.bytes())?, &parse(other.bytes())?))
}

/// The request that has each section that differs from `on` stand as it does in `to`; nothing if none does.
///
/// # Errors
/// That one of them is no configuration, or cannot be sent.
pub fn replacing(on: &Snapshot, to: &Snapshot) -> Result<Option<Request>, String> {
    let read = |of| parse(of).map_err(|why| why.to_string());
    let (on, to) = (read(on.bytes())?, read(to.bytes())?);
    restore(&to, &compare::changed_sections(&on, &to)).map_err(|why| why.to_string())
}

/// Its lines as they may be shown, `section: line`, without what a camera writes by itself.
///
/// # Errors
/// That it is no configuration.
pub fn shown(configuration: &Snapshot) -> Result<Vec<String>, Untranslated> {
    Ok(compare::shown(&parse(configuration.bytes())?))
}

/// One arm per change: what the dialect must know, and what is written.
fn write(pen: &mut Pen<'_, '_>, change: &Change) -> Result<(), Untranslated> {
    match change {
        Change::SetGroups(groups) => access::set_groups(pen, groups),
        Change::MoveAccount { name, group } => access::move_account(pen, name, group),
        Change::RemoveAccount { name } => access::remove_account(pen, name),
        Change::ClosePublicAccess => access::close_public(pen),
        Change::RestrictAddresses(list) => settings::restrict_addresses(pen, list),
        Change::DetectIntrusion { threshold, profile } => {
            settings::detect_intrusion(pen, *threshold, profile)
        }
        Change::ForbidCrawling => settings::forbid_crawling(pen),
        Change::RequireDigest => settings::require_digest(pen),
        Change::ReportErrors { profile } => settings::report_errors(pen, profile),
        Change::DetectStorageFailure => settings::detect_storage_failure(pen),
        Change::MoveWebPort { door, to } => settings::move_port(pen, *door, *to),
        Change::StopVpn => settings::stop_vpn(pen),
        Change::RequireDot1x => settings::require_dot1x(pen),
    }
}

/// A configuration with its digest.
///
/// # Errors
/// If it is none.
pub fn snapshot(bytes: Vec<u8>) -> Result<Snapshot, Untranslated> {
    let digest = canonical_digest(&parse(&bytes)?);
    Ok(Snapshot::new(bytes, digest))
}

/// The firmware that a configuration is of, as its head names it; empty if it names none.
pub fn firmware(of: &Snapshot) -> String {
    let Ok(document) = parse(of.bytes()) else { return String::new() };
    let firmware = Configuration::new(document).head_firmware().unwrap_or_default().into_owned();
    proto::text::printable(&firmware, 60)
}

/// What differs between two configurations, as it may be told to who may read neither: `- ` or `+ `, the section, and
/// the line with whatever may be a secret hidden.
///
/// # Errors
/// That one of them is none.
pub fn told_between(one: &Snapshot, other: &Snapshot) -> Result<Vec<String>, Untranslated> {
    let Differences { gone, new } = between(one, other)?;
    let told = |mark: &'static str| {
        move |line: String| match line.split_once(": ") {
            Some((section, line)) => format!("{mark} {section}: {}", redact_further(line)),
            None => format!("{mark} {}", redact_further(&line)),
        }
    };
    Ok(gone.into_iter().map(told("-")).chain(new.into_iter().map(told("+"))).collect())
}

fn parse(bytes: &[u8]) -> Result<Document<'_>, Untranslated> {
    Document::parse(bytes).map_err(|error| Untranslated::Impossible(error.to_string()))
}

fn dialect<'d>(
    configuration: &Configuration<'_>,
    dialects: &'d Dialects,
) -> Result<&'d Dialect, Untranslated> {
    let firmware = configuration.head_firmware().unwrap_or_default();
    let version = firmware.parse::<Version>();
    let dialect = version.ok().and_then(|version| dialects.for_version(version));
    dialect.ok_or_else(|| {
        let firmware = proto::text::printable(&firmware, 60);
        Untranslated::Unknown(format!("there is no dialect for the firmware {firmware:?}"))
    })
}
