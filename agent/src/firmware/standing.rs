//! What several documents together say about one version on one camera.
//!
//! Statements about the same vulnerability are weighed together, whichever document they stand in. A narrower
//! statement overrules a wider one that it lies in ("4.0.x is not affected" against "all before 4.7.2.18"); an exact
//! version is the narrowest. Where neither lies in the other, the accusing one counts.

use std::collections::{BTreeMap, BTreeSet};

use proto::Day;

use super::advisory::{Advisory, Hit, Status};
use super::model::{Fit, Model, fit};
use super::range::Span;
use super::version::Version;
use super::{AdvisoryRef, FirmwareStanding, Recommended, Undecided};

pub(super) fn about<'a>(
    advisories: impl Iterator<Item = &'a Advisory>,
    version: &Version,
    model: Option<&str>,
) -> FirmwareStanding {
    let model = model.map(Model::new);
    let model = model.as_ref();
    let mut groups: BTreeMap<&str, Vec<&Advisory>> = BTreeMap::new();
    for advisory in advisories {
        groups.entry(&advisory.id).or_default().push(advisory);
    }
    let all = || groups.values().flatten().copied();
    let about_line = all().filter(|advisory| {
        advisory.statements.iter().any(|statement| statement.scope.mentions(version.line()))
    });
    let (known_line, as_of) = about_line
        .fold((false, None), |(_, newest): (bool, Option<Day>), advisory| {
            (true, newest.max(advisory.date))
        });
    let recommended = recommended(all(), version, model);
    let mut standing = FirmwareStanding {
        affected_by: Vec::new(),
        not_affected_by: Vec::new(),
        undecided: Vec::new(),
        recommended,
        known_line,
        as_of,
    };
    for group in groups.values() {
        Weighing::of(group, version, model).conclude(group, &mut standing);
    }
    standing
}

/// The highest recommendation; of equal ones that which is surely meant for the camera, then the newest.
fn recommended<'a>(
    advisories: impl Iterator<Item = &'a Advisory>,
    version: &Version,
    model: Option<&Model>,
) -> Option<Recommended> {
    let mut best: Option<Recommended> = None;
    for advisory in advisories {
        for statement in advisory.statements.iter().filter(|it| it.status == Status::Recommended) {
            let Some(candidate) = statement.scope.highest_named(version.line()) else { continue };
            let if_model = match fit(&statement.scope.models, model) {
                Fit::No => continue,
                Fit::Yes => Vec::new(),
                Fit::If(models) => models,
            };
            let rank = |version: &Version, sure: bool, date| (version.key(), sure, date);
            let new = rank(&candidate, if_model.is_empty(), advisory.date);
            match &mut best {
                Some(best)
                    if best.version == candidate
                        && !best.if_model.is_empty()
                        && !if_model.is_empty() =>
                {
                    best.if_model.extend(if_model);
                }
                Some(best) if rank(&best.version, best.if_model.is_empty(), best.date) >= new => {}
                _ => {
                    let (source, date) = (advisory.source.clone(), advisory.date);
                    best = Some(Recommended { version: candidate, source, date, if_model });
                }
            }
        }
    }
    if let Some(best) = &mut best {
        best.if_model.sort();
        best.if_model.dedup();
    }
    best
}

/// Statements that are true of the same cameras.
#[derive(Default)]
struct Scale {
    accusing: Vec<Span>,
    clearing: Vec<Span>,
    fixed_in: Option<Version>,
}

/// Everything said about one vulnerability that concerns the version.
#[derive(Default)]
struct Weighing<'a> {
    /// About this camera.
    sure: Scale,
    /// About this camera, if it is of that model.
    by_model: BTreeMap<String, Scale>,
    accusers: BTreeSet<&'a str>,
    clearers: BTreeSet<&'a str>,
    notes: BTreeSet<&'a str>,
    /// Document to reason.
    open: BTreeMap<&'a str, String>,
}

impl<'a> Weighing<'a> {
    fn of(group: &[&'a Advisory], version: &Version, model: Option<&Model>) -> Self {
        let mut it = Self::default();
        let statements = || {
            group.iter().flat_map(|advisory| {
                advisory.statements.iter().map(move |statement| (*advisory, statement))
            })
        };
        // Where the camera's model is listed as it is, its variants are other cameras.
        let listed = statements()
            .any(|(_, it)| !it.scope.models.is_empty() && fit(&it.scope.models, model) == Fit::Yes);
        for (advisory, statement) in statements() {
            let scope = &statement.scope;
            let hit = scope.hit(version);
            let fixed_in = match statement.status {
                Status::Fixed | Status::Recommended => scope.next_named(version),
                Status::Affected | Status::NotAffected | Status::UnderInvestigation => None,
            };
            if hit == Hit::Outside && fixed_in.is_none() {
                continue;
            }
            let models = match fit(&scope.models, model) {
                Fit::No => continue,
                Fit::If(_) if listed => continue,
                Fit::Yes => None,
                Fit::If(models) => Some(models),
            };
            it.note(advisory, statement.status, &hit);
            match models {
                None => it.sure.add(statement.status, &hit, fixed_in),
                Some(models) => {
                    for model in models {
                        it.by_model.entry(model).or_default().add(statement.status, &hit, fixed_in);
                    }
                }
            }
        }
        it
    }

    fn note(&mut self, advisory: &'a Advisory, status: Status, hit: &Hit<'_>) {
        let source = advisory.source.as_str();
        match (status, hit) {
            (_, Hit::Outside) => return,
            (Status::Affected, Hit::Inside(_)) => {
                self.accusers.insert(source);
            }
            (Status::Fixed | Status::NotAffected | Status::Recommended, Hit::Inside(_)) => {
                self.clearers.insert(source);
            }
            (Status::UnderInvestigation, _) => {
                self.open.insert(
                    source,
                    "whether this version is affected is under investigation".to_owned(),
                );
            }
            (Status::Affected, Hit::Unclear(text)) => {
                self.open.entry(source).or_insert_with(|| {
                    format!("its list of affected versions was not understood: {text}")
                });
            }
            // What was not understood never clears.
            (Status::Fixed | Status::NotAffected | Status::Recommended, Hit::Unclear(_)) => return,
        }
        self.notes.extend(advisory.note.as_deref());
    }

    fn conclude(self, group: &[&Advisory], standing: &mut FirmwareStanding) {
        let clearing = Clearing::of(&self.sure.clearing);
        let surely_affected = self.sure.accusing.iter().any(|span| !clearing.overrules(span));
        let accused: Vec<&String> = self
            .by_model
            .iter()
            .filter(|(_, scale)| {
                let own = Clearing::of(&scale.clearing);
                scale.accusing.iter().any(|span| !clearing.overrules(span) && !own.overrules(span))
            })
            .map(|(model, _)| model)
            .collect();
        let surely_clear = !surely_affected && !self.sure.clearing.is_empty();
        let exactly_clear =
            surely_clear && self.sure.clearing.iter().any(|span| span.single().is_some());
        let reference = |sources: &BTreeSet<&str>, if_model: Vec<String>| AdvisoryRef {
            id: group.first().map_or(String::new(), |advisory| advisory.id.clone()),
            title: group
                .iter()
                .map(|advisory| &advisory.title)
                .max_by_key(|title| title.len())
                .cloned()
                .unwrap_or_default(),
            source: joined(sources),
            fixed_in: None,
            if_model,
            note: self.remark(),
        };
        if surely_affected || !accused.is_empty() {
            let models = if surely_affected {
                Vec::new()
            } else {
                accused.iter().map(|it| (*it).clone()).collect()
            };
            let fixed_in = self.fixed_in(&models);
            standing
                .affected_by
                .push(AdvisoryRef { fixed_in, ..reference(&self.accusers, models) });
        } else if surely_clear {
            standing.not_affected_by.push(reference(&self.clearers, Vec::new()));
        } else {
            let clear = self.by_model.iter().filter(|(_, scale)| !scale.clearing.is_empty());
            let models: Vec<String> = clear.map(|(model, _)| model.clone()).collect();
            if !models.is_empty() {
                standing.not_affected_by.push(reference(&self.clearers, models));
            }
        }
        if !surely_affected && !exactly_clear && !self.open.is_empty() {
            let AdvisoryRef { id, title, source, .. } =
                reference(&self.open.keys().copied().collect(), Vec::new());
            let why = self
                .open
                .values()
                .cloned()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join("; ");
            standing.undecided.push(Undecided { id, title, source, why });
        }
    }

    /// The lowest fix for the camera; where the model is open, the one that is enough for all of `models`.
    fn fixed_in(&self, models: &[String]) -> Option<Version> {
        let of_model = |model: &String| self.by_model.get(model).and_then(|scale| scale.fixed_in);
        let by_model = models.iter().filter_map(of_model).max_by_key(Version::key);
        by_model.or(self.sure.fixed_in)
    }

    /// What documents disagree about, and what is noted beside them.
    fn remark(&self) -> Option<String> {
        let mut remarks: Vec<String> = self.notes.iter().map(|note| (*note).to_owned()).collect();
        let (accusers, clearers) = (&self.accusers, &self.clearers);
        if !accusers.is_subset(clearers) && !clearers.is_subset(accusers) {
            remarks.push(format!(
                "sources disagree: affected according to {}, not affected according to {}; the narrower statement counts",
                joined(accusers),
                joined(clearers)
            ));
        }
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }
}

fn joined(sources: &BTreeSet<&str>) -> String {
    sources.iter().copied().collect::<Vec<_>>().join("; ")
}

impl Scale {
    fn add(&mut self, status: Status, hit: &Hit<'_>, fixed_in: Option<Version>) {
        if let Hit::Inside(span) = hit {
            match status {
                Status::Affected => self.accusing.push(*span),
                Status::Fixed | Status::NotAffected | Status::Recommended => {
                    self.clearing.push(*span)
                }
                Status::UnderInvestigation => {}
            }
        }
        self.fixed_in = [self.fixed_in, fixed_in].into_iter().flatten().min_by_key(Version::key);
    }
}

/// Clearing spans, arranged so that a hostile document with very many of them costs no more than sorting.
struct Clearing {
    /// Lower ends, sorted, each with the lowest upper end from there on.
    ends: Vec<([u32; 5], [u32; 5])>,
}

impl Clearing {
    fn of(spans: &[Span]) -> Self {
        let mut ends: Vec<_> = spans.iter().map(|span| (span.low, span.high)).collect();
        ends.sort_unstable();
        let mut lowest = [u32::MAX; 5];
        for (_, high) in ends.iter_mut().rev() {
            lowest = lowest.min(*high);
            *high = lowest;
        }
        Self { ends }
    }

    /// Whether a clearing span lies in the accusing one without being it.
    fn overrules(&self, accusing: &Span) -> bool {
        let lowest_from = |at: usize| self.ends.get(at).map(|(_, high)| *high);
        let at_or_above = lowest_from(self.ends.partition_point(|(low, _)| *low < accusing.low));
        let above = lowest_from(self.ends.partition_point(|(low, _)| *low <= accusing.low));
        at_or_above.is_some_and(|high| high < accusing.high)
            || above.is_some_and(|high| high <= accusing.high)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn overruling_is_lying_strictly_inside(spans in proptest::collection::vec((0u32..6, 0u32..6), 0..8), one in (0u32..6, 0u32..6)) {
            let make = |(a, b): (u32, u32)| Span { low: [4, a.min(b), 0, 0, 0], high: [4, a.max(b), 0, 0, 0] };
            let (spans, accusing) = (spans.into_iter().map(make).collect::<Vec<_>>(), make(one));
            let inside = |span: &Span| span.low >= accusing.low && span.high <= accusing.high && *span != accusing;
            prop_assert_eq!(Clearing::of(&spans).overrules(&accusing), spans.iter().any(inside));
        }
    }
}
