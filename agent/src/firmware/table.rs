//! The table that is built in: `advisories.toml`, in which every entry names its source.

use std::sync::Arc;

use proto::Day;
use serde::Deserialize;

use super::advisory::{Advisory, Scope, Statement, Status};
use super::ends::Ends;
use super::model::Model;
use super::range::Versions;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    documents: Vec<Entry>,
}

/// What one document says about one vulnerability. Versions are written as [`Versions::read`] takes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    title: String,
    source: String,
    date: Option<Day>,
    note: Option<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    affected: Vec<String>,
    #[serde(default)]
    not_affected: Vec<String>,
    #[serde(default)]
    first_fixed: Vec<String>,
    #[serde(default)]
    recommended: Vec<String>,
}

/// The built-in advisories.
pub(super) fn builtin() -> Vec<Advisory> {
    let table: Table = toml::from_str(include_str!("advisories.toml"))
        .expect("the built-in table is checked by its tests");
    table.documents.into_iter().map(Entry::advisory).collect()
}

impl Entry {
    fn advisory(self) -> Advisory {
        let models: Vec<Model> = self.models.iter().map(|name| Model::new(name)).collect();
        let scope = |versions: &String| {
            let (versions, models) = (Versions::read(versions), models.clone());
            Arc::new(Scope { versions, line: None, models })
        };
        let claims = [
            (Status::Affected, &self.affected),
            (Status::NotAffected, &self.not_affected),
            (Status::Recommended, &self.recommended),
        ];
        let mut statements: Vec<Statement> = claims
            .into_iter()
            .flat_map(|(status, list)| list.iter().map(move |versions| (status, versions)))
            .map(|(status, versions)| Statement { status, scope: scope(versions) })
            .collect();
        let first_fixed = self.first_fixed.iter().map(scope).collect();
        statements.extend(Ends { first_fixed, ..Ends::default() }.statements());
        let Self { id, title, source, date, note, .. } = self;
        Advisory { id, title, source, date, note, statements }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_in_the_table_is_understood() {
        let table = builtin();
        assert!(!table.is_empty());
        for statement in table.iter().flat_map(|advisory| &advisory.statements) {
            assert!(matches!(statement.scope.versions, Versions::Spans(_)), "{statement:?}");
        }
    }
}
