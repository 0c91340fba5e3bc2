//! Statements that name only the first or the last version of a range.
//!
//! CSAF lists first affected, last affected and first fixed versions per release train. What lies between is
//! concluded here: generously where it accuses, and where it clears only from the last of the first fixes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::advisory::{Scope, Statement, Status};
use super::model::Model;
use super::range::{Span, Versions, previous};
use super::version::Line;

/// The scopes of one vulnerability that are ends of ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub(super) first_affected: Vec<Arc<Scope>>,
    pub(super) last_affected: Vec<Arc<Scope>>,
    pub(super) first_fixed: Vec<Arc<Scope>>,
}

/// Ends that belong together: the same models in the same product line.
#[derive(Default)]
struct Train {
    first: BTreeSet<[u32; 5]>,
    last: BTreeSet<[u32; 5]>,
    fixes: BTreeSet<[u32; 5]>,
}

type Trains<'a> = BTreeMap<(&'a [Model], u32), Train>;

impl Ends {
    /// The ends themselves, and what lies between them.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let mut trains = Trains::new();
        collect(&mut trains, &self.first_affected, |train| &mut train.first);
        collect(&mut trains, &self.last_affected, |train| &mut train.last);
        collect(&mut trains, &self.first_fixed, |train| &mut train.fixes);

        let affected = self.first_affected.iter().chain(&self.last_affected);
        let named = affected.map(|scope| (Status::Affected, scope));
        let named = named.chain(self.first_fixed.iter().map(|scope| (Status::Fixed, scope)));
        let mut out: Vec<Statement> =
            named.map(|(status, scope)| Statement { status, scope: Arc::clone(scope) }).collect();
        for ((models, major), train) in &trains {
            let line = Line::of_major(*major);
            for (status, span) in train.spans(line) {
                let (versions, models) = (Versions::Spans(vec![span]), models.to_vec());
                out.push(Statement {
                    status,
                    scope: Arc::new(Scope { versions, line: Some(line), models }),
                });
            }
        }
        out
    }
}

fn collect<'a>(
    trains: &mut Trains<'a>,
    scopes: &'a [Arc<Scope>],
    end: impl Fn(&mut Train) -> &mut BTreeSet<[u32; 5]>,
) {
    for scope in scopes {
        let Versions::Spans(spans) = &scope.versions else { continue };
        for span in spans.iter().filter(|span| span.single().is_some()) {
            end(trains.entry((&scope.models, span.low[0])).or_default()).insert(span.low);
        }
    }
}

impl Train {
    fn spans(&self, line: Line) -> Vec<(Status, Span)> {
        let whole = Span::line(line);
        let affected = self.first.iter().filter_map(|first| {
            let fix = self.fixes.range(*first..).next().and_then(|fix| previous(*fix));
            let last = self.last.range(*first..).next().copied();
            Span::between(*first, last.or(fix).unwrap_or(whole.high))
        });
        // A last version without a first one: everything before it.
        let before = self
            .last
            .iter()
            .filter(|last| self.first.range(..=**last).next().is_none())
            .filter_map(|last| Span::between(whole.low, *last));
        // Between the fixes of two trains nothing is clear; above the highest everything is.
        let fixed = self.fixes.last().and_then(|fix| Span::between(*fix, whole.high));
        let affected = affected.chain(before).map(|span| (Status::Affected, span));
        affected.chain(fixed.map(|span| (Status::Fixed, span))).collect()
    }
}
