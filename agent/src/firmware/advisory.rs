//! One vulnerability as one document tells it: statements about versions and models.

use std::sync::Arc;

use proto::Day;

use super::model::Model;
use super::range::{Span, Versions};
use super::version::{Line, Version};

/// What one document says about one vulnerability.
#[derive(Clone, Debug)]
pub(super) struct Advisory {
    /// CVE number or the document's own id.
    pub(super) id: String,
    pub(super) title: String,
    /// The document, for a person.
    pub(super) source: String,
    pub(super) date: Option<Day>,
    /// What a reader should know about this document's statements.
    pub(super) note: Option<String>,
    pub(super) statements: Vec<Statement>,
}

/// One claim about some versions on some models.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) status: Status,
    pub(super) scope: Arc<Scope>,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Affected,
    /// Has a fix.
    Fixed,
    /// Never had the fault.
    NotAffected,
    /// Has a fix, and is what the vendor wants people to use.
    Recommended,
    UnderInvestigation,
}

/// Which versions on which models.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) versions: Versions,
    /// The product line named beside the versions.
    pub(super) line: Option<Line>,
    /// Empty: all models.
    pub(super) models: Vec<Model>,
}

/// Whether a version is in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hit<'a> {
    /// In this part of it.
    Inside(Span),
    Outside,
    /// The scope could not be understood; why, as a clause.
    Unclear(&'a str),
}

impl Scope {
    /// Whether the version is meant, models aside.
    pub(super) fn hit(&self, version: &Version) -> Hit<'_> {
        if self.line.is_some_and(|line| line != version.line()) {
            return Hit::Outside;
        }
        match &self.versions {
            Versions::Spans(spans) => {
                let hits = spans.iter().filter(|span| span.contains(version));
                hits.min_by_key(|span| span.single().is_none())
                    .map_or(Hit::Outside, |span| Hit::Inside(*span))
            }
            // A model belongs to one line, so "all versions" of it stays in the line.
            Versions::All if self.line.is_some() || !self.models.is_empty() => {
                Hit::Inside(Span::line(version.line()))
            }
            Versions::All => Hit::Unclear("all versions of an unnamed product line"),
            Versions::Unread(text) => Hit::Unclear(text),
        }
    }

    /// Whether anything is said about the line by name or by number.
    pub(super) fn mentions(&self, line: Line) -> bool {
        match &self.versions {
            Versions::Spans(spans) => spans.iter().any(|span| span.in_line(line)),
            Versions::All | Versions::Unread(_) => self.line == Some(line),
        }
    }

    /// Versions that are named themselves and lie above `version` in its line, the lowest one.
    pub(super) fn next_named(&self, version: &Version) -> Option<Version> {
        let Versions::Spans(spans) = &self.versions else { return None };
        let named = spans.iter().filter_map(Span::single);
        let above =
            named.filter(|named| named.compare(version).is_some_and(std::cmp::Ordering::is_gt));
        above.min_by_key(Version::key)
    }

    /// The versions of the line that are named themselves, the highest one.
    pub(super) fn highest_named(&self, line: Line) -> Option<Version> {
        let Versions::Spans(spans) = &self.versions else { return None };
        spans
            .iter()
            .filter(|span| span.in_line(line))
            .filter_map(Span::single)
            .max_by_key(Version::key)
    }
}
