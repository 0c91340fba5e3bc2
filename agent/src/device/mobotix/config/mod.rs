//! The configuration file that a MOBOTIX camera exports, read without losing a byte: what [`Document::parse`] accepts,
//! [`Document::print`] gives back identically, whatever its line ends, encoding or order.
//!
//! Everything is borrowed from the input, so that a document costs 16 bytes a line. Nothing is decoded before it is
//! asked for, and nothing is given a meaning here: that is the dialect's business.

mod error;
mod redact;
mod remote;
mod text;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::fmt;

pub use error::ConfigError;
pub use redact::{holds_secret, is_password_name, redact, redact_further, redact_value};
pub use remote::from_remote;
pub use text::{decode, text};

/// Largest file in bytes. Real ones have about 40 KiB.
pub const MAX_BYTES: usize = 8 << 20;
/// Longest line in bytes, without its end.
pub const MAX_LINE: usize = 64 << 10;
/// Most lines.
pub const MAX_LINES: usize = 200_000;
/// Most sections. Real files have about 60.
pub const MAX_SECTIONS: usize = 4_000;

/// What the first line begins with.
pub(super) const HEAD: &[u8] = b"#:MXCFG";

/// A configuration file, line by line.
#[derive(Clone, PartialEq, Eq)]
pub struct Document<'a> {
    /// Each line with its end, in order; together they are the whole input.
    lines: Vec<&'a [u8]>,
    sections: Vec<Span<'a>>,
}

/// A section's place: the indexes of its `SECTION` and `ENDSECTION` lines.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Span<'a> {
    name: &'a [u8],
    first: usize,
    last: usize,
}

/// One section of a document.
#[derive(Clone, Copy)]
pub struct Section<'d, 'a> {
    document: &'d Document<'a>,
    span: Span<'a>,
}

/// One `KEY=value` line. Keys may repeat and their case matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: usize,
    /// What stands before the first `=`, without blanks around it.
    pub key: &'a [u8],
    /// What stands behind it, without blanks around it, not decoded.
    pub value: &'a [u8],
}

impl<'a> Document<'a> {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] if it is none, is damaged, or is beyond the limits of this module.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ConfigError> {
        error::check_kind(bytes)?;
        let mut document =
            Self { lines: Vec::with_capacity(bytes.len() / 32), sections: Vec::new() };
        let mut open: Option<(&'a [u8], usize)> = None;
        for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let line = without_end(raw);
            check_line(number, line)?;
            document.lines.push(raw);
            open = document.step(open, index, line.trim_ascii())?;
        }
        if let Some((name, first)) = open {
            let problem = format!(
                "the file ends inside section {}, which begins here: ENDSECTION is missing",
                text(name)
            );
            return Err(ConfigError::damaged(first + 1, problem));
        }
        if document.sections.is_empty() {
            let problem = "the file ends without a single section".to_owned();
            return Err(ConfigError::damaged(document.lines.len(), problem));
        }
        Ok(document)
    }

    /// Takes one line into account; gives the section that is open behind it.
    fn step(
        &mut self,
        open: Option<(&'a [u8], usize)>,
        index: usize,
        line: &'a [u8],
    ) -> Result<Option<(&'a [u8], usize)>, ConfigError> {
        let fail = |problem: String| Err(ConfigError::damaged(index + 1, problem));
        match (keyword(line), open) {
            (Keyword::Begin(name), None) if is_name(name) => {
                if self.sections.len() == MAX_SECTIONS {
                    return fail(format!("more than {MAX_SECTIONS} sections"));
                }
                Ok(Some((name, index)))
            }
            (Keyword::Begin(_), None) => fail("SECTION without a usable name".to_owned()),
            (Keyword::Begin(name), Some((outer, first))) => fail(format!(
                "section {} begins inside section {} of line {}: ENDSECTION {} is missing",
                text(name),
                text(outer),
                first + 1,
                text(outer)
            )),
            (Keyword::End(name), Some((outer, first))) if name == outer => {
                self.sections.push(Span { name, first, last: index });
                Ok(None)
            }
            (Keyword::End(name), Some((outer, first))) => fail(format!(
                "ENDSECTION {} where section {} of line {} is open",
                text(name),
                text(outer),
                first + 1
            )),
            (Keyword::End(name), None) => {
                fail(format!("ENDSECTION {} where no section is open", text(name)))
            }
            (Keyword::Other, None) if !line.is_empty() && !is_comment(line) && index > 0 => {
                fail("a line that is no comment stands outside any section".to_owned())
            }
            (Keyword::Other, open) => Ok(open),
        }
    }

    /// The file's bytes, identical to what was parsed.
    pub fn print(&self) -> Vec<u8> {
        self.lines.concat()
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// A line by its number from 1, without its end.
    pub fn line(&self, number: usize) -> Option<&'a [u8]> {
        let raw: &'a [u8] = self.lines.get(number.checked_sub(1)?)?;
        Some(without_end(raw))
    }

    /// Each line with its end, in order; together they are the whole file.
    pub fn raw_lines(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.lines.iter().copied()
    }

    /// The comment lines before the first section, with their numbers.
    pub fn head(&self) -> impl Iterator<Item = (usize, &'a [u8])> + '_ {
        let end = self.sections.first().map_or(0, |span| span.first);
        self.lines.iter().take(end).enumerate().map(|(index, raw)| (index + 1, without_end(raw)))
    }

    /// The sections, in order.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_, 'a>> {
        self.sections.iter().map(|span| Section { document: self, span: *span })
    }

    /// The sections of that name; a camera writes each once.
    pub fn named<'d>(&'d self, name: &str) -> impl Iterator<Item = Section<'d, 'a>> {
        self.sections().filter(move |section| section.name() == name.as_bytes())
    }
}

impl<'d, 'a> Section<'d, 'a> {
    /// Its name.
    pub fn name(&self) -> &'a [u8] {
        self.span.name
    }

    /// The number of its `SECTION` line, from 1.
    pub fn line(&self) -> usize {
        self.span.first + 1
    }

    /// The number of its `ENDSECTION` line, from 1.
    pub fn last_line(&self) -> usize {
        self.span.last + 1
    }

    /// Whether it holds one JSON document instead of `KEY=value` lines.
    pub fn is_json(&self) -> bool {
        self.span.name.ends_with(b".json")
    }

    /// The lines between `SECTION` and `ENDSECTION`, with their numbers, without their ends.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &'a [u8])> + use<'d, 'a> {
        let range = self.span.first + 1..self.span.last;
        let first = range.start + 1;
        let lines = self.document.lines.get(range).unwrap_or_default();
        lines.iter().enumerate().map(move |(index, raw)| (first + index, without_end(raw)))
    }

    /// Its `KEY=value` lines; a JSON section has none.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'d, 'a> {
        let json = self.is_json();
        self.lines().filter(move |_| !json).filter_map(|(line, text)| Entry::parse(line, text))
    }

    /// The JSON document of a JSON section; an empty section is `null`.
    ///
    /// # Errors
    /// If it is no JSON or is nested deeper than 128 levels. The error holds the place and none of the content.
    pub fn json(&self) -> Result<serde_json::Value, ConfigError> {
        let bytes = self.lines().fold(Vec::new(), |mut all, (_, line)| {
            all.extend_from_slice(line);
            all.push(b'\n');
            all
        });
        if bytes.trim_ascii().is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(text(&bytes).as_bytes()).map_err(|error| {
            let problem = format!("section {} holds no valid JSON", text(self.name()));
            ConfigError::damaged(self.line() + error.line(), problem)
        })
    }
}

impl<'a> Entry<'a> {
    /// Reads a line; a comment, a blank line and a line without `=` is none.
    pub fn parse(line: usize, text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        if is_comment(text) {
            return None;
        }
        let at = text.iter().position(|byte| *byte == b'=')?;
        let (key, rest) = text.split_at_checked(at)?;
        Some(Self { line, key: key.trim_ascii(), value: rest.get(1..)?.trim_ascii() })
    }
}

// Whoever formats a document, a section or an entry must not print the passwords in it.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Document({} lines, {} sections)", self.lines.len(), self.sections.len())
    }
}

impl fmt::Debug for Section<'_, '_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Section({}, line {})", text(self.name()), self.line())
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Entry({}, line {})", text(self.key), self.line)
    }
}

enum Keyword<'a> {
    Begin(&'a [u8]),
    End(&'a [u8]),
    Other,
}

fn keyword(line: &[u8]) -> Keyword<'_> {
    let argument = |word: &[u8]| {
        let rest = line.strip_prefix(word)?;
        (rest.is_empty() || rest.starts_with(b" ") || rest.starts_with(b"\t"))
            .then(|| rest.trim_ascii())
    };
    match (argument(b"SECTION"), argument(b"ENDSECTION")) {
        (Some(name), _) => Keyword::Begin(name),
        (None, Some(name)) => Keyword::End(name),
        (None, None) => Keyword::Other,
    }
}

fn is_name(name: &[u8]) -> bool {
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !name.is_empty() && name.len() <= 64 && name.iter().all(fine)
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#")
}

fn without_end(raw: &[u8]) -> &[u8] {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn check_line(number: usize, line: &[u8]) -> Result<(), ConfigError> {
    let problem = if number > MAX_LINES {
        format!("more than {MAX_LINES} lines")
    } else if line.len() > MAX_LINE {
        format!("a line of {} bytes; the longest allowed has {MAX_LINE}", line.len())
    } else if line.contains(&0) {
        "a NUL byte".to_owned()
    } else {
        return Ok(());
    };
    Err(ConfigError::damaged(number, problem))
}
