//! Two texts compared line by line, as `diff -u` does. Pure.

use std::fmt::Write;

/// Lines of context around a difference.
const CONTEXT: usize = 3;
/// Texts whose differing parts multiply to more than this are shown as replaced whole, so that time and memory stay
/// bounded: a policy of a thousand lines, rewritten from top to bottom, is still compared.
const MAX_CELLS: usize = 4_000_000;

/// One line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Both(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// What turns the first text into the second; empty if nothing does. Each text comes with its name.
pub fn unified(old: (&str, &str), new: (&str, &str)) -> String {
    let lines = compare(&split(old.1), &split(new.1));
    let differs = |line: &Line<'_>| !matches!(line, Line::Both(_));
    if !lines.iter().any(differs) {
        return String::new();
    }
    let mut text = format!("--- {}\n+++ {}\n", old.0, new.0);
    let mut from = 0;
    while let Some(first) = lines[from..].iter().position(differs).map(|at| from + at) {
        let begin = first.saturating_sub(CONTEXT).max(from);
        let end = hunk_end(&lines, first);
        hunk(&lines, begin..end, &mut text);
        from = end;
    }
    text
}

/// Lines without their ends; a text without an end of line at its end counts as having one.
fn split(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Where the hunk that begins with the difference at `first` ends: behind its context, unless the next one begins there.
fn hunk_end(lines: &[Line<'_>], first: usize) -> usize {
    let mut last = first;
    for (at, line) in lines.iter().enumerate().skip(first) {
        if !matches!(line, Line::Both(_)) {
            last = at;
        } else if at - last > 2 * CONTEXT {
            break;
        }
    }
    (last + 1 + CONTEXT).min(lines.len())
}

fn hunk(lines: &[Line<'_>], range: std::ops::Range<usize>, text: &mut String) {
    let count = |part: &[Line<'_>], old: bool| {
        let is = |line: &&Line<'_>| match line {
            Line::Both(_) => true,
            Line::Old(_) => old,
            Line::New(_) => !old,
        };
        part.iter().filter(is).count()
    };
    let (before, part) = (&lines[..range.start], &lines[range]);
    // diff counts from 1, and says the line before where there is none.
    let place = |old: bool| {
        let (start, length) = (count(before, old), count(part, old));
        format!("{},{length}", if length == 0 { start } else { start + 1 })
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "@@ -{} +{} @@", place(true), place(false));
    for line in part {
        let _ = match line {
            Line::Both(line) => writeln!(text, " {line}"),
            Line::Old(line) => writeln!(text, "-{line}"),
            Line::New(line) => writeln!(text, "+{line}"),
        };
    }
}

/// A longest common subsequence, by the table that says how long it is from each pair of places on.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut lines: Vec<_> = old[..head].iter().map(|line| Line::Both(line)).collect();
    if a.len().saturating_mul(b.len()) > MAX_CELLS {
        lines.extend(a.iter().map(|line| Line::Old(line)));
        lines.extend(b.iter().map(|line| Line::New(line)));
    } else {
        walk(a, b, &mut lines);
    }
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Both(line)));
    lines
}

fn walk<'a>(a: &[&'a str], b: &[&'a str], lines: &mut Vec<Line<'a>>) {
    let width = b.len() + 1;
    let mut longest = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i] == b[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let take_old = i < a.len()
            && (j == b.len() || longest[(i + 1) * width + j] >= longest[i * width + j + 1]);
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push(Line::Both(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if take_old {
            lines.push(Line::Old(a[i]));
            i += 1;
        } else {
            lines.push(Line::New(b[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        unified(("old", old), ("new", new))
    }

    /// What the second text must have been, by the difference alone.
    fn patched(old: &str, difference: &str) -> Vec<String> {
        let mut old = old.lines();
        let (mut new, mut at) = (Vec::new(), 0);
        for line in difference.lines().skip(2) {
            if let Some(place) = line.strip_prefix("@@ -") {
                let numbers: Vec<usize> = place
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|it| it.parse().ok())
                    .collect();
                let begin = if numbers[1] == 0 { numbers[0] } else { numbers[0] - 1 };
                while at < begin {
                    new.push(old.next().unwrap().to_owned());
                    at += 1;
                }
                let place = if numbers[3] == 0 { numbers[2] } else { numbers[2] - 1 };
                assert_eq!(new.len(), place, "{difference}");
                continue;
            }
            let (kind, text) = line.split_at(1);
            if kind != "+" {
                assert_eq!(old.next(), Some(text), "{difference}");
                at += 1;
            }
            if kind != "-" {
                new.push(text.to_owned());
            }
        }
        new.extend(old.map(str::to_owned));
        new
    }

    #[test]
    fn the_same_text_has_no_difference() {
        assert_eq!(diff("", ""), "");
        assert_eq!(diff("a\nb\n", "a\nb"), "");
    }

    #[test]
    fn a_changed_line_is_shown_with_its_context() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let expected = "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(diff(old, &old.replace('5', "five")), expected);
    }

    #[test]
    fn what_is_far_apart_makes_two_hunks() {
        let old: String = (0..40).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n3\n", "\n").replace("\n33\n", "\nx\n");
        let shown = diff(&old, &new);
        assert_eq!(shown.matches("@@ -").count(), 2, "{shown}");
        assert_eq!(patched(&old, &shown), new.lines().collect::<Vec<_>>());
    }

    #[test]
    fn from_nothing_and_to_nothing() {
        assert_eq!(diff("", "a\n"), "--- old\n+++ new\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(diff("a\n", ""), "--- old\n+++ new\n@@ -1,1 +0,0 @@\n-a\n");
    }

    #[test]
    fn what_is_too_large_to_compare_is_replaced_whole() {
        let side = |word: &str| (0..3000).map(|n| format!("{word}{n}\n")).collect::<String>();
        let (old, new) = (side("a"), side("b"));
        assert_eq!(patched(&old, &diff(&old, &new)), new.lines().collect::<Vec<_>>());
    }

    proptest::proptest! {
        #[test]
        fn a_difference_turns_one_text_into_the_other(
            old in proptest::collection::vec("[ab]{0,2}", 0..30),
            new in proptest::collection::vec("[ab]{0,2}", 0..30),
        ) {
            let (old, new) = (old.join("\n"), new.join("\n"));
            let wanted: Vec<_> = new.lines().collect();
            assert_eq!(patched(&old, &diff(&old, &new)), wanted);
        }
    }
}
