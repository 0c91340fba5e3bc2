//! Version ranges as advisories write them in names: `vers:` URIs, comparators, wildcards and plain words.
//!
//! A reading is all or nothing: a word that is not understood makes the whole name unread, because half a range
//! could clear a camera that is affected. A range never reaches across product lines.

use super::version::{Line, Version, number};

/// Longer names are not read, in bytes.
const MAX_NAME: usize = 512;

/// The versions a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Versions {
    /// Every version there is.
    All,
    /// These.
    Spans(Vec<Span>),
    /// A name that was not understood, as it is written.
    Unread(String),
}

/// Versions of one line from `low` to `high`, both included. Exact when both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) low: [u32; 5],
    pub(super) high: [u32; 5],
}

impl Span {
    /// Every version of a line.
    pub(super) fn line(line: Line) -> Self {
        Self::under(&[line.major()]).unwrap_or(Self { low: [0; 5], high: [0; 5] })
    }

    /// From one key to another; `None` across lines or upside down.
    pub(super) fn between(low: [u32; 5], high: [u32; 5]) -> Option<Self> {
        (low[0] == high[0] && low <= high).then_some(Self { low, high })
    }

    /// The versions that begin with these numbers.
    fn under(prefix: &[u32]) -> Option<Self> {
        let (mut low, mut high) = ([0; 5], [u32::MAX; 5]);
        low.get_mut(..prefix.len())?.copy_from_slice(prefix);
        high.get_mut(..prefix.len())?.copy_from_slice(prefix);
        (!prefix.is_empty()).then_some(Self { low, high })
    }

    pub(super) fn contains(&self, version: &Version) -> bool {
        (self.low..=self.high).contains(&version.key())
    }

    /// The version itself, if this is one alone.
    pub(super) fn single(&self) -> Option<Version> {
        let [major, minor, patch, build, revision] = self.low;
        let version = Version { numbers: [major, minor, patch, build], revision };
        (self.low == self.high).then_some(version)
    }

    pub(super) fn in_line(&self, line: Line) -> bool {
        self.low[0] == line.major()
    }
}

impl Versions {
    /// Reads a name such as `vers:generic/>=4.1.4.11|<=4.4.2.73`, `< 4.7.2.18`, `MX-V4.0.x`, `4.1.4.11 - 4.4.2.73.r2`
    /// or `all versions before 5.2.0.61`.
    pub(super) fn read(name: &str) -> Self {
        let unread = || Self::Unread(proto::text::printable(name.trim(), 80));
        if name.len() > MAX_NAME {
            return unread();
        }
        let lower = name.trim().to_lowercase();
        let text = match lower.strip_prefix("vers:") {
            Some(uri) => uri.split_once('/').map_or("?", |(_scheme, rest)| rest),
            None => &lower,
        };
        tokens(text).and_then(|tokens| clauses(&tokens)).map_or_else(unread, |clauses| {
            if clauses.is_empty() {
                Self::All
            } else {
                spans(&clauses).map_or_else(unread, Self::Spans)
            }
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Number(Pattern),
    Compare(Op),
    Dash,
    Separator,
    Word(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Is,
    Below,
    UpTo,
    Above,
    From,
}

/// A version, or its first numbers: `4.7`, or with a wildcard `4.0.x`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Whole([u32; 5]),
    Start(Vec<u32>),
    Wild(Vec<u32>),
}

impl Pattern {
    /// Reads a version with or without `mx-v` or `v` before it, in lower case.
    fn read(text: &str) -> Option<Self> {
        let digits = ["mx-v", "mx-", "v"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        if let Some(version) = Version::from_digits(digits) {
            return Some(Self::Whole(version.key()));
        }
        let parts: Vec<&str> = digits.split('.').collect();
        let numbers =
            |parts: &[&str]| parts.iter().map(|part| number(part)).collect::<Option<Vec<_>>>();
        match parts.as_slice() {
            [start @ .., "x" | "*"] if (1..=3).contains(&start.len()) => {
                numbers(start).map(Self::Wild)
            }
            // One number alone is no version: "5" may be a count, and "before 5" would mean another line.
            start if (2..=3).contains(&start.len()) => numbers(start).map(Self::Start),
            _ => None,
        }
    }

    /// The versions meant when the pattern stands alone.
    fn span(&self) -> Option<Span> {
        match self {
            Self::Whole(key) => Some(Span { low: *key, high: *key }),
            Self::Wild(prefix) => Span::under(prefix),
            Self::Start(_) => None,
        }
    }

    /// The bound it means for `op`, included. `<= 4.7` may or may not mean all of 4.7: not understood.
    fn bound(&self, op: Op) -> Option<[u32; 5]> {
        let span = match (self, op) {
            (Self::Start(prefix), Op::Below | Op::From) => Span::under(prefix)?,
            _ => self.span()?,
        };
        match op {
            Op::Is => None,
            Op::From => Some(span.low),
            Op::UpTo => Some(span.high),
            Op::Below => previous(span.low),
            Op::Above => next(span.high),
        }
    }
}

/// The key just before, within the line.
pub(super) fn previous(mut key: [u32; 5]) -> Option<[u32; 5]> {
    for part in key.iter_mut().skip(1).rev() {
        match part.checked_sub(1) {
            Some(less) => {
                *part = less;
                return Some(key);
            }
            None => *part = u32::MAX,
        }
    }
    None
}

/// The key just behind, within the line.
fn next(mut key: [u32; 5]) -> Option<[u32; 5]> {
    for part in key.iter_mut().skip(1).rev() {
        match part.checked_add(1) {
            Some(more) => {
                *part = more;
                return Some(key);
            }
            None => *part = 0,
        }
    }
    None
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            c if c.is_whitespace() || matches!(c, '(' | ')') => (None, c.len_utf8()),
            '<' if rest.starts_with("<=") => (Some(Token::Compare(Op::UpTo)), 2),
            '>' if rest.starts_with(">=") => (Some(Token::Compare(Op::From)), 2),
            '=' if rest.starts_with("==") => (Some(Token::Compare(Op::Is)), 2),
            '<' => (Some(Token::Compare(Op::Below)), 1),
            '>' => (Some(Token::Compare(Op::Above)), 1),
            '=' => (Some(Token::Compare(Op::Is)), 1),
            '\u{2264}' => (Some(Token::Compare(Op::UpTo)), first.len_utf8()),
            '\u{2265}' => (Some(Token::Compare(Op::From)), first.len_utf8()),
            '|' | ',' | ';' | '&' => (Some(Token::Separator), 1),
            '\u{2013}' | '\u{2014}' | '\u{2026}' => (Some(Token::Dash), first.len_utf8()),
            c if in_word(c) => {
                let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
                out.extend(word(rest.get(..length)?));
                (None, length)
            }
            _ => return None,
        };
        out.extend(token);
        rest = rest.get(length..)?;
    }
    Some(out)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '*')
}

/// One run of letters, digits, dots and dashes: a version, two with a dash or dots between them, or a word.
fn word(run: &str) -> Vec<Token<'_>> {
    if run == "*" {
        return vec![Token::Word("all")];
    }
    if run.chars().all(|c| matches!(c, '-' | '.')) {
        return vec![Token::Dash];
    }
    let run = run.trim_end_matches('.');
    if let Some(pattern) = Pattern::read(run) {
        return vec![Token::Number(pattern)];
    }
    let cuts = run.match_indices("..").chain(run.match_indices('-'));
    for (at, mark) in cuts {
        let (low, high) = (run.get(..at), run.get(at + mark.len()..));
        if let (Some(low), Some(high)) = (low.and_then(Pattern::read), high.and_then(Pattern::read))
        {
            return vec![Token::Number(low), Token::Dash, Token::Number(high)];
        }
    }
    // Words that change nothing about which versions are meant.
    const NOISE: [&str; 18] = [
        "version", "versions", "firmware", "release", "releases", "software", "system", "mobotix",
        "mx", "the", "is", "are", "of", "v", "camera", "cameras", "p3", "mx6",
    ];
    if NOISE.contains(&run) { Vec::new() } else { vec![Token::Word(run)] }
}

/// Words before a version, and what they make of it.
const LEADING: [(&[&str], Op); 20] = [
    (&["before"], Op::Below),
    (&["below"], Op::Below),
    (&["prior", "to"], Op::Below),
    (&["earlier", "than"], Op::Below),
    (&["older", "than"], Op::Below),
    (&["lower", "than"], Op::Below),
    (&["less", "than"], Op::Below),
    (&["up", "to", "and", "including"], Op::UpTo),
    (&["up", "to"], Op::UpTo),
    (&["after"], Op::Above),
    (&["above"], Op::Above),
    (&["later", "than"], Op::Above),
    (&["newer", "than"], Op::Above),
    (&["higher", "than"], Op::Above),
    (&["greater", "than"], Op::Above),
    (&["from"], Op::From),
    (&["since"], Op::From),
    (&["starting", "with"], Op::From),
    (&["starting", "from"], Op::From),
    (&["starting", "at"], Op::From),
];
/// Words behind `VERSION and` or `VERSION or`.
const OLDER: [&str; 8] =
    ["earlier", "older", "below", "lower", "prior", "before", "previous", "less"];
const NEWER: [&str; 7] = ["later", "newer", "above", "higher", "up", "onwards", "after"];

/// Comparators in the order they stand; empty means all versions.
fn clauses(tokens: &[Token<'_>]) -> Option<Vec<(Op, Pattern)>> {
    use Token::{Dash, Number, Separator, Word};

    let mut out: Vec<(Op, Pattern)> = Vec::new();
    let (all, mut rest) = match tokens {
        [Word("all" | "any" | "every"), tail @ ..] => (true, tail),
        _ => (false, tokens),
    };
    while !rest.is_empty() {
        let (op, number, tail) = match rest {
            [Separator | Word("and" | "or"), tail @ ..] if !out.is_empty() && !tail.is_empty() => {
                rest = tail;
                continue;
            }
            [Dash | Word("to" | "through"), Number(number), tail @ ..] => match out.last_mut() {
                Some((op @ (Op::Is | Op::From), Pattern::Whole(_) | Pattern::Start(_))) => {
                    *op = Op::From;
                    (Op::UpTo, number, tail)
                }
                _ => return None,
            },
            [Number(number), Word("and" | "or"), Word(word), tail @ ..] if OLDER.contains(word) => {
                (Op::UpTo, number, tail)
            }
            [Number(number), Word("and" | "or"), Word(word), tail @ ..] if NEWER.contains(word) => {
                (Op::From, number, tail)
            }
            // In "before 4.7.2.18 and 5.2.0.61" the second number does not stand for itself.
            [Number(number), tail @ ..] if out.iter().all(|(op, _)| *op == Op::Is) => {
                (Op::Is, number, tail)
            }
            _ => leading(rest)?,
        };
        out.push((op, number.clone()));
        rest = tail;
    }
    (all || !out.is_empty()).then_some(out)
}

/// A comparator, as a sign or in words, and the version behind it.
fn leading<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(Op, &'t Pattern, &'t [Token<'a>])> {
    let (op, rest) = match tokens {
        [Token::Compare(op), rest @ ..] => (*op, rest),
        _ => LEADING.iter().find_map(|(words, op)| {
            let (head, rest) = tokens.split_at_checked(words.len())?;
            let same = head.iter().zip(*words).all(|(token, word)| *token == Token::Word(word));
            same.then_some((*op, rest))
        })?,
    };
    match rest {
        [Token::Number(number), tail @ ..] => Some((op, number, tail)),
        _ => None,
    }
}

/// Pairs lower bounds with upper ones, as `vers:` does: sorted, each lower bound reaches to the next upper one.
fn spans(clauses: &[(Op, Pattern)]) -> Option<Vec<Span>> {
    let mut out = Vec::new();
    let mut lower: Option<[u32; 5]> = None;
    let mut rest = clauses;
    while let [(op, pattern), tail @ ..] = rest {
        rest = tail;
        match (op, lower.take()) {
            (Op::Is, None) => out.push(pattern.span()?),
            (Op::From | Op::Above, None) => lower = Some(pattern.bound(*op)?),
            (Op::Below | Op::UpTo, Some(low)) => out.push(Span::between(low, pattern.bound(*op)?)?),
            (Op::Below | Op::UpTo, None) => {
                let high = pattern.bound(*op)?;
                // "< 4.7, >= 4.1" is one range written backwards, not everything.
                let backwards = match tail {
                    [(op @ (Op::From | Op::Above), pattern), after @ ..] => pattern
                        .bound(*op)
                        .filter(|low| low[0] == high[0] && *low <= high)
                        .map(|low| (low, after)),
                    _ => None,
                };
                match backwards {
                    Some((low, after)) => {
                        out.push(Span::between(low, high)?);
                        rest = after;
                    }
                    None => out.push(Span::between(Span::line(Line::of_major(high[0])).low, high)?),
                }
            }
            (_, Some(_)) => return None,
        }
    }
    if let Some(low) = lower {
        out.push(Span::between(low, Span::line(Line::of_major(low[0])).high)?);
    }
    Some(out)
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
