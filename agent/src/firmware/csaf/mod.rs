//! Advisories in CSAF 2.0 (OASIS Common Security Advisory Framework), the form vendors and CERTs publish them in.
//!
//! A file is hostile until it has been read: size, products and status entries are bounded, JSON nests 128 deep at
//! most, and a file that is refused leaves nothing behind. What is not about MOBOTIX camera firmware is passed over.

mod document;
mod tree;

use std::sync::Arc;

use proto::Timestamp;
use proto::text::printable;

use self::document::{Cover, Csaf, Vulnerability};
use self::tree::{Products, is_ours, products};
use super::advisory::{Advisory, Scope, Statement, Status};
use super::ends::Ends;

/// A larger file is refused, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// A document with more entries in its status lists is refused.
const MAX_ENTRIES: usize = 200_000;

/// Which document: the publisher's namespace and its id there.
pub(super) type Key = (String, String);

/// One revision of a document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// When this revision was released.
    pub(super) revision: Timestamp,
    pub(super) advisories: Vec<Advisory>,
}

/// Why an advisory was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsafError {
    /// More than 16 MiB.
    #[error(
        "reading advisory {name}: the file has {size} bytes; an advisory has at most {MAX_BYTES}"
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Its size in bytes.
        size: usize,
    },
    /// No JSON, or JSON nested deeper than 128.
    #[error("reading advisory {name}: line {line}, column {column}: not JSON: {what}")]
    NotJson {
        /// The file.
        name: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What was wrong.
        what: String,
    },
    /// JSON, but no CSAF 2.0 document.
    #[error(
        "reading advisory {name}: no CSAF 2.0 document: {what}; leave only CSAF 2.0 files in the folder of advisories"
    )]
    NotCsaf {
        /// The file.
        name: String,
        /// What was wrong.
        what: String,
    },
    /// CSAF 2.0, but not as it should be.
    #[error(
        "reading advisory {name}: {place}: {what}; fetch the file again, or tell its publisher"
    )]
    Broken {
        /// The file.
        name: String,
        /// JSON pointer, or line and column.
        place: String,
        /// What was wrong.
        what: String,
    },
}

/// Reads one file; `None` if it says nothing about MOBOTIX camera firmware.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Option<(Key, Document)>, CsafError> {
    let name = printable(name, 200);
    if bytes.len() > MAX_BYTES {
        return Err(CsafError::TooLarge { name, size: bytes.len() });
    }
    let csaf = parse(&name, bytes)?;
    let broken =
        |(place, what): (String, String)| CsafError::Broken { name: name.clone(), place, what };

    let publisher = &csaf.document.publisher;
    let by_vendor = is_ours(&publisher.name) || is_ours(&publisher.namespace);
    let products = products(&csaf.product_tree, by_vendor).map_err(broken)?;
    if products.values().all(Option::is_none) {
        return Ok(None);
    }
    let tracking = &csaf.document.tracking;
    let revision: Timestamp = tracking.current_release_date.parse().map_err(|error| {
        broken(("/document/tracking/current_release_date".to_owned(), format!("{error}")))
    })?;
    let advisories = advisories(&csaf, &products, revision).map_err(broken)?;
    let key = (publisher.namespace.clone(), tracking.id.clone());
    Ok((!advisories.is_empty()).then_some((key, Document { revision, advisories })))
}

fn parse(name: &str, bytes: &[u8]) -> Result<Csaf, CsafError> {
    let name = || name.to_owned();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let cover: Cover = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column, what) = (error.line(), error.column(), unplaced(&error));
        if error.is_data() {
            CsafError::NotCsaf {
                name: name(),
                what: format!("line {line}, column {column}: {what}"),
            }
        } else {
            CsafError::NotJson { name: name(), line, column, what }
        }
    })?;
    let version = cover.document.csaf_version;
    if version != "2.0" {
        let what = format!("its csaf_version is {:?}", printable(&version, 20));
        return Err(CsafError::NotCsaf { name: name(), what });
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        CsafError::Broken { name: name(), place, what: unplaced(&error) }
    })
}

/// serde_json's message without its own mention of the place, which stands in front already.
fn unplaced(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    printable(what, 200)
}

fn advisories(
    csaf: &Csaf,
    products: &Products,
    revision: Timestamp,
) -> Result<Vec<Advisory>, (String, String)> {
    let about = &csaf.document;
    let id = printable(&about.tracking.id, 80);
    let draft = if about.tracking.status == "draft" { ", draft" } else { "" };
    let source =
        format!("{id} ({}, {}{draft})", printable(&about.publisher.name, 60), revision.day());
    let mut entries = 0;
    let mut out = Vec::new();
    for (at, vulnerability) in csaf.vulnerabilities.iter().enumerate() {
        let statements = statements(vulnerability, at, products, &mut entries)?;
        if statements.is_empty() {
            continue;
        }
        let own =
            vulnerability.cve.as_ref().or_else(|| vulnerability.ids.first().map(|id| &id.text));
        let numbered =
            if csaf.vulnerabilities.len() == 1 { id.clone() } else { format!("{id}/{}", at + 1) };
        out.push(Advisory {
            id: own.map_or(numbered, |own| printable(own.trim(), 80)),
            title: printable(vulnerability.title.as_ref().unwrap_or(&about.title), 200),
            source: source.clone(),
            date: Some(revision.day()),
            note: None,
            statements,
        });
    }
    Ok(out)
}

/// What one vulnerability's status lists say. `entries` counts over the whole document.
fn statements(
    vulnerability: &Vulnerability,
    at: usize,
    products: &Products,
    entries: &mut usize,
) -> Result<Vec<Statement>, (String, String)> {
    let mut scopes = |list: &str, ids: &[String]| -> Result<Vec<Arc<Scope>>, (String, String)> {
        let place = |entry: usize| format!("/vulnerabilities/{at}/product_status/{list}/{entry}");
        *entries += ids.len();
        if *entries > MAX_ENTRIES {
            return Err((
                place(0),
                format!("the document has more than {MAX_ENTRIES} status entries"),
            ));
        }
        let mut out = Vec::new();
        for (entry, id) in ids.iter().enumerate() {
            let missing = || {
                (
                    place(entry),
                    format!("it refers to product {:?}, which is not defined", printable(id, 60)),
                )
            };
            out.extend(products.get(id).ok_or_else(missing)?.clone());
        }
        Ok(out)
    };
    let status = &vulnerability.product_status;
    let plain = [
        (Status::Affected, "known_affected", &status.known_affected),
        (Status::Fixed, "fixed", &status.fixed),
        (Status::NotAffected, "known_not_affected", &status.known_not_affected),
        (Status::Recommended, "recommended", &status.recommended),
        (Status::UnderInvestigation, "under_investigation", &status.under_investigation),
    ];
    let mut out = Vec::new();
    for (status, list, ids) in plain {
        out.extend(scopes(list, ids)?.into_iter().map(|scope| Statement { status, scope }));
    }
    let ends = Ends {
        first_affected: scopes("first_affected", &status.first_affected)?,
        last_affected: scopes("last_affected", &status.last_affected)?,
        first_fixed: scopes("first_fixed", &status.first_fixed)?,
    };
    out.extend(ends.statements());
    Ok(out)
}

#[cfg(test)]
mod tests;
