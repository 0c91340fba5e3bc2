//! Listings: aligned columns for people, JSON for scripts, from the same rows. What others typed or sent is made
//! printable, one cell is one line, and on a terminal the last column is cut to fit.

use proto::Timestamp;
use proto::text::printable;
use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::console::{Console, Terminals};
use super::stop::Stop;

/// Most characters of one cell.
const MAX_CELL: usize = 500;
/// Between columns.
const GAP: usize = 2;

/// For a person or a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// For a script.
    Json,
}

/// How a listing is printed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Printing {
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// One row of a listing: JSON by its fields, cells for people.
pub trait Row: Serialize {
    /// The columns' titles.
    const TITLES: &'static [&'static str];

    /// What stands in each column; `now` for what is told as an age.
    fn cells(&self, now: Timestamp) -> Vec<String>;
}

/// Prints rows in the form that was asked for.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn list<R: Row>(rows: &[R], format: Format, console: &mut Console<'_>) -> Result<(), Stop> {
    match format {
        Format::Json => object(&rows, console),
        Format::Text => {
            let now = console.clock.now();
            let cells: Vec<_> = rows.iter().map(|row| row.cells(now)).collect();
            let text = table(R::TITLES, &cells, console.terminals);
            console.result(&text)
        }
    }
}

/// Prints one object as JSON.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn object(value: &impl Serialize, console: &mut Console<'_>) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Stop::failed(&error))?;
    console.result(&(text + "\n"))
}

/// One object on one line, for what goes on for ever.
///
/// # Errors
/// A value that is no JSON, which none of ours is.
pub fn line(value: &impl Serialize) -> Result<String, Stop> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(|error| Stop::failed(&error))
}

/// Aligned columns with titles. No row has more cells than there are titles.
pub fn table(titles: &[&str], rows: &[Vec<String>], terminals: Terminals) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| safe(row)).collect();
    let widths: Vec<usize> = (0..titles.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
            cells.chain([titles[column].width()]).max().unwrap_or(0)
        })
        .collect();
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(&rows) {
        text.push_str(&aligned(row, &widths, terminals.width));
        text.push('\n');
    }
    text
}

/// Cells as a terminal may see them.
pub fn safe(cells: &[String]) -> Vec<String> {
    cells.iter().map(|cell| printable(cell, MAX_CELL)).collect()
}

/// Cells in columns of these widths, made printable before.
pub fn aligned(cells: &[String], widths: &[usize], most: Option<usize>) -> String {
    let mut text = String::new();
    let mut at = 0;
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if index + 1 == widths.len() {
            let room = most.map_or(usize::MAX, |most| most.saturating_sub(at).max(10));
            text.push_str(&cut(cell, room));
            break;
        }
        text.push_str(cell);
        let pad = width.saturating_sub(cell.width()) + GAP;
        text.extend(std::iter::repeat_n(' ', pad));
        at += cell.width() + pad;
    }
    text.truncate(text.trim_end().len());
    text
}

/// The beginning of a text, in columns.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 1;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > most {
            break;
        }
        out.push(c);
    }
    out.push('\u{2026}');
    out
}

/// Named values, one a line, for one thing. A value that is empty is left out.
pub fn details(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0) + 1;
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        let pad = " ".repeat(width.saturating_sub(name.width() + 1) + GAP);
        text.push_str(&format!("{name}:{pad}{}\n", printable(value, 2000)));
    }
    text
}

/// A length of time for a person, such as `4h`; the largest unit of which there is one.
pub fn length(seconds: i64) -> String {
    let (sign, seconds) = if seconds < 0 { ("-", seconds.saturating_neg()) } else { ("", seconds) };
    let (count, unit) = match seconds {
        0..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..172_800 => (seconds / 3600, 'h'),
        _ => (seconds / 86_400, 'd'),
    };
    format!("{sign}{count}{unit}")
}

/// How long ago that was, such as `4m ago`, or `never`.
pub fn ago(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or("never".to_owned(), |time| match now.seconds_since(time) {
        seconds @ 0.. => format!("{} ago", length(seconds)),
        ahead => format!("in {}", length(ahead.saturating_neg())),
    })
}

/// A time of the wire, where 0 stands for none.
pub fn time(seconds: i64) -> Option<Timestamp> {
    (seconds != 0).then(|| Timestamp::from_unix(seconds))
}

/// A time or a dash.
pub fn shown(time: Option<Timestamp>) -> String {
    time.map_or("-".to_owned(), |time| time.to_string())
}
