//! The requests to the remote configuration (`POST /admin/remoteconfig`) that write a change into RAM.
//!
//! Single keys go by `write params`. Whole sections go by `write`, where a key repeats, a line goes, or a value holds
//! what may have to be escaped there: which characters is not known. The two are never mixed in one request, which public
//! tools warn of. What comes back is never taken as proof.

use std::collections::BTreeSet;

use super::Translation;
use super::pen::RawEdit;
use crate::device::mobotix::config::{Document, Section, text};
use zeroize::Zeroizing;

/// One request's body.
pub type Request = Zeroizing<String>;

/// Why a section cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "section {0} holds characters that cannot be sent back as they are; make this change in the camera's own page"
)]
pub struct Unwritable(String);

/// The requests for changes that were translated one on top of the other; `after` is what the last of them makes of
/// the configuration.
///
/// # Errors
/// `Unwritable`.
pub fn requests(
    before: &Document<'_>,
    after: &Document<'_>,
    translations: &[&Translation],
) -> Result<Vec<Request>, Unwritable> {
    let edits: Vec<&RawEdit> = translations.iter().flat_map(|one| &one.raw).collect();
    let names: BTreeSet<&str> = edits.iter().map(|edit| edit.section.as_str()).collect();
    let (mut single, mut whole) = (Vec::new(), Vec::new());
    for name in names {
        let here = edits.iter().filter(|edit| edit.section == name);
        let params: Option<Vec<String>> = here.map(|edit| parameter(edit, before, after)).collect();
        match params {
            Some(params) => single.extend(params),
            None => whole.push(name),
        }
    }
    let mut all = Vec::new();
    if !single.is_empty() {
        all.push(framed(&format!("write params\n{}\n", single.join("\n"))));
    }
    all.extend(blocks(after, &whole)?);
    Ok(all)
}

/// The request that writes sections back as they were. One that was not there becomes empty.
///
/// # Errors
/// `Unwritable`.
pub fn restore(
    before: &Document<'_>,
    sections: &BTreeSet<String>,
) -> Result<Option<Request>, Unwritable> {
    let names: Vec<&str> = sections.iter().map(String::as_str).collect();
    blocks(before, &names)
}

/// `section/KEY=value`, if the edit is one that this can say.
fn parameter(edit: &RawEdit, before: &Document<'_>, after: &Document<'_>) -> Option<String> {
    let line = edit.after.as_deref()?;
    let line = std::str::from_utf8(line).ok()?;
    let (key, value) = line.split_once('=')?;
    let often = |document: &Document<'_>| {
        let sections: Vec<Section<'_, '_>> = document.named(&edit.section).collect();
        let entries = sections.iter().flat_map(|section| section.entries());
        entries.filter(|entry| entry.key == key.as_bytes()).count()
    };
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ',' | '-');
    let simple = value.chars().all(harmless) && key.chars().all(harmless);
    (simple && often(before) <= 1 && often(after) == 1)
        .then(|| format!("{}/{key}={value}", edit.section))
}

/// One request with the sections of that name, whole.
fn blocks(document: &Document<'_>, names: &[&str]) -> Result<Option<Request>, Unwritable> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut body = Zeroizing::new(String::from("write\n"));
    for name in names {
        let mut found = false;
        for section in document.named(name) {
            found = true;
            body.push_str(&format!("SECTION {name}\n"));
            for (_, line) in section.lines() {
                let line = std::str::from_utf8(line).ok().filter(|line| !line.contains('\r'));
                body.push_str(line.ok_or_else(|| Unwritable((*name).to_owned()))?);
                body.push('\n');
            }
            body.push_str(&format!("ENDSECTION {}\n", text(section.name())));
        }
        if !found {
            body.push_str(&format!("SECTION {name}\nENDSECTION {name}\n"));
        }
    }
    Ok(Some(framed(&body)))
}

/// The frame that the camera's help and public tools have: an empty line in front, `helo` and `quit` around, a blank at
/// the end. `update` makes the running processes take what was written; nothing is stored.
fn framed(body: &str) -> Request {
    Zeroizing::new(format!("\nhelo\n{body}update\nquit\n \n"))
}
