//! Lines of a terminal: wrapping by display width, hanging indents, colour. Knows nothing of reports but the ranks'
//! colours. A line never ends in a blank and never exceeds the width.

use unicode_width::UnicodeWidthStr;

use super::super::words::Rank;
use super::Style;

/// How a piece of text looks where colours are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Dim,
    Rank(Rank),
}

impl Paint {
    /// The parameter of the SGR sequence; empty for plain text.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim | Self::Rank(Rank::NotApplicable | Rank::Ignored) => "2",
            Self::Rank(Rank::Unmet) => "1;31",
            Self::Rank(Rank::Waived) => "31",
            Self::Rank(Rank::Unknown) => "33",
            Self::Rank(Rank::Attested) => "36",
            Self::Rank(Rank::Met) => "32",
        }
    }
}

/// The text so far. Whoever hands a string in has made it printable.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    width: usize,
    colour: bool,
}

impl Lines {
    pub(super) fn new(style: &Style) -> Self {
        Self { text: String::new(), width: style.width.clamp(40, 140), colour: style.colour }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Columns of a line.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Whether there is no room for columns beside each other.
    pub(super) fn is_narrow(&self) -> bool {
        self.width < 72
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line across.
    pub(super) fn rule(&mut self) {
        let rule = "─".repeat(self.width);
        self.painted(Paint::Dim, &rule);
        self.blank();
    }

    /// Wrapped text, every line of it indented.
    pub(super) fn paragraph(&mut self, indent: usize, paint: Paint, text: &str) {
        for line in wrap(text, self.width - indent, self.width - indent) {
            self.pad(indent);
            self.painted(paint, &line);
            self.blank();
        }
    }

    /// Text behind a label that is painted dim, hanging under the label.
    pub(super) fn labelled(&mut self, indent: usize, label: &str, text: &str) {
        let head = format!("{label}: ");
        let room = self.width - indent;
        for (count, line) in wrap(text, room - head.width(), room - 2).iter().enumerate() {
            self.pad(if count == 0 { indent } else { indent + 2 });
            if count == 0 {
                self.painted(Paint::Dim, head.trim_end());
                self.text.push(' ');
            }
            self.text.push_str(line);
            self.blank();
        }
    }

    /// The pieces of `head` with blanks between, then text that hangs at column `hang`.
    pub(super) fn entry(&mut self, head: &[(Paint, &str)], hang: usize, text: &str) {
        let used: usize = head.iter().map(|(_, piece)| piece.width() + 1).sum();
        // A head that leaves too little room stands alone.
        let alone = used + 12 > self.width;
        for (count, (paint, piece)) in head.iter().enumerate() {
            if count > 0 {
                self.text.push(' ');
            }
            let shown = piece.trim_end();
            self.painted(*paint, shown);
            let last = count + 1 == head.len() && (text.is_empty() || alone);
            self.pad(if last { 0 } else { piece.len() - shown.len() });
        }
        if alone && !text.is_empty() {
            self.blank();
            return self.paragraph(hang, Paint::Plain, text);
        }
        for (count, line) in wrap(text, self.width - used, self.width - hang).iter().enumerate() {
            if count == 0 {
                self.text.push(' ');
            } else {
                self.blank();
                self.pad(hang);
            }
            self.text.push_str(line);
        }
        self.blank();
    }

    /// Short pieces in a row with a separator between, broken only at a separator.
    pub(super) fn pieces(&mut self, indent: usize, pieces: &[(Paint, String)], separator: &str) {
        let mut column = 0;
        for (paint, piece) in pieces {
            let needed = separator.width() + piece.width();
            if column == 0 || column + needed > self.width {
                if column > 0 {
                    self.blank();
                }
                self.pad(indent);
                column = indent + piece.width();
            } else {
                self.text.push_str(separator);
                column += needed;
            }
            self.painted(*paint, piece);
        }
        self.blank();
    }

    /// Cells of given widths, the first to the left and the others to the right.
    pub(super) fn row(&mut self, paint: Paint, cells: &[(usize, String)]) {
        let mut line = String::new();
        for (count, (width, cell)) in cells.iter().enumerate() {
            let cell = cut(cell, *width);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if count == 0 {
                line.push_str(&cell);
                line.push_str(&padding);
            } else {
                line.push_str(&padding);
                line.push_str(&cell);
            }
        }
        self.painted(paint, line.trim_end());
        self.blank();
    }

    fn pad(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    fn painted(&mut self, paint: Paint, text: &str) {
        let code = paint.code();
        if self.colour && !code.is_empty() && !text.is_empty() {
            self.text.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m"));
        } else {
            self.text.push_str(text);
        }
    }
}

/// The beginning of a text that fits into `width` columns, with an ellipsis where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut short, _) = split(text, width.saturating_sub(1));
    short.push('…');
    short
}

/// As many characters as fit into `width` columns, and the rest.
fn split(text: &str, width: usize) -> (String, &str) {
    let mut taken = String::new();
    for (at, c) in text.char_indices() {
        taken.push(c);
        if taken.width() > width {
            taken.pop();
            return (taken, &text[at..]);
        }
    }
    (taken, "")
}

/// Breaks a text at blanks into lines of at most `first` columns, then `rest` columns; a longer word is broken inside.
/// Always makes headway: a character wider than the line gets a line of its own.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for mut word in text.split_whitespace() {
        loop {
            let room = if lines.is_empty() { first } else { rest };
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + word.width() <= room {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            let (piece, left) = split(word, room);
            if piece.is_empty() {
                line.push_str(word);
                break;
            }
            (line, word) = (piece, left);
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_breaks_at_blanks_and_long_words_inside() {
        assert_eq!(wrap("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4, 3), ["abcd", "efg", "hij"]);
        assert_eq!(wrap("  ", 4, 4), Vec::<String>::new());
    }

    #[test]
    fn wide_characters_count_two_columns() {
        assert_eq!(wrap("表示装置", 5, 5), ["表示", "装置"]);
        assert_eq!(cut("表示装置", 5), "表示…");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_wide(text in "(\\PC| ){0,80}", width in 2usize..30) {
            let lines = wrap(&text, width, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let squeeze = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(squeeze(&lines.concat()), squeeze(&text));
        }
    }
}
