//! Firmware: versions, product lines, and what vendors say about them.
//!
//! Pure: files come in as bytes. It says what was published and from when, never that a firmware is safe: a version
//! nobody wrote about is in no list. Nothing is ever concluded across product lines.

mod advisory;
mod csaf;
mod ends;
mod model;
mod range;
mod standing;
mod table;
mod version;

use std::collections::BTreeMap;

use proto::Day;

use advisory::Advisory;
pub use csaf::CsafError;
pub use version::{BadVersion, Line, Version};

/// What is known about firmware: our own small table, and the vendor's CSAF files.
#[derive(Clone, Debug, Default)]
pub struct Advisories {
    table: Vec<Advisory>,
    documents: BTreeMap<csaf::Key, csaf::Document>,
}

impl Advisories {
    /// Only the table that is built in; its entries name their sources.
    pub fn builtin() -> Self {
        Self { table: table::builtin(), documents: BTreeMap::new() }
    }

    /// Adds a CSAF 2.0 document, `name` being its file's name for messages, and says how many vulnerabilities it tells
    /// about MOBOTIX camera firmware: 0 for other vendors' documents. Of two revisions of one document the newer one
    /// counts. A document that is refused changes nothing.
    ///
    /// # Errors
    /// See [`CsafError`]; the message names the file and the place in it.
    pub fn load(&mut self, name: &str, bytes: &[u8]) -> Result<usize, CsafError> {
        let Some((key, document)) = csaf::read(name, bytes)? else { return Ok(0) };
        let count = document.advisories.len();
        let newer =
            self.documents.get(&key).is_none_or(|known| known.revision <= document.revision);
        if newer {
            self.documents.insert(key, document);
        }
        Ok(count)
    }

    /// What is published about a version on a camera of that model, or of a model that could not be read.
    pub fn about(&self, version: &Version, model: Option<&str>) -> FirmwareStanding {
        let loaded = self.documents.values().flat_map(|document| &document.advisories);
        standing::about(self.table.iter().chain(loaded), version, model)
    }
}

/// What is published about one version. Advisories are sorted by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareStanding {
    /// Vulnerabilities that the version has according to an advisory.
    pub affected_by: Vec<AdvisoryRef>,
    /// Vulnerabilities that the version does not have, or no longer has, according to an advisory.
    pub not_affected_by: Vec<AdvisoryRef>,
    /// Vulnerabilities that may concern the version, but the advisory does not settle it or was not understood.
    pub undecided: Vec<Undecided>,
    /// The highest version of the line that a vendor recommends.
    pub recommended: Option<Recommended>,
    /// Whether any advisory or recommendation about the product line is known at all. If not, empty lists mean nothing.
    pub known_line: bool,
    /// The date of the newest document about the line: what came out later is not known here.
    pub as_of: Option<Day>,
}

/// A vulnerability, and who says what about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisoryRef {
    /// CVE number, or the advisory's own id where there is none.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The documents that say so.
    pub source: String,
    /// The lowest version above this one that has a fix, if one is named for the line.
    pub fixed_in: Option<Version>,
    /// Empty: it applies. Otherwise it applies if the camera is one of these models, which could not be told: its model
    /// is unknown, or a variant of them.
    pub if_model: Vec<String>,
    /// Where sources disagree, and how that was settled.
    pub note: Option<String>,
}

/// A vulnerability that may concern the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// CVE number, or the advisory's own id where there is none.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The documents that leave it open.
    pub source: String,
    /// Why it is open, as a clause.
    pub why: String,
}

/// A version that a vendor recommends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommended {
    /// The version.
    pub version: Version,
    /// The document that says so.
    pub source: String,
    /// The document's date.
    pub date: Option<Day>,
    /// Empty: it is meant for this camera. Otherwise for these models, and the camera's model is unknown or a variant.
    pub if_model: Vec<String>,
}

#[cfg(test)]
mod tests;
