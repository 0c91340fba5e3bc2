//! The cells of the tables on a page. Small and tolerant: end tags may be missing, tags may be unknown, and whatever
//! stands in comments, scripts and styles is no text.

/// Cells of one row, and characters of one cell, that are kept.
const MAX_CELLS: usize = 20;
const MAX_TEXT: usize = 200;

/// The rows of all tables on the page, each as the plain text of its cells.
pub fn rows(page: &str) -> impl Iterator<Item = Vec<String>> {
    Scanner { rest: page, cells: None, cell: None }
}

struct Scanner<'a> {
    rest: &'a str,
    /// The row we are in.
    cells: Option<Vec<String>>,
    /// The cell we are in.
    cell: Option<String>,
}

impl Iterator for Scanner<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        while let Some((text, behind)) = self.rest.split_once('<') {
            self.text(text);
            if let Some(comment) = behind.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            let (tag, rest) = split_tag(behind);
            self.rest = rest;
            if let Some(row) = self.tag(tag) {
                return Some(row);
            }
        }
        self.text(self.rest);
        self.rest = "";
        self.end_row()
    }
}

impl Scanner<'_> {
    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            let room = MAX_TEXT.saturating_sub(cell.len());
            cell.extend(text.chars().take(room));
        }
    }

    /// Takes a tag, without its brackets; the row that it ends.
    fn tag(&mut self, tag: &str) -> Option<Vec<String>> {
        let name: String = tag
            .chars()
            .take(12)
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match name.as_str() {
            "tr" => {
                let row = self.end_row();
                self.cells = Some(Vec::new());
                return row;
            }
            "/tr" | "/table" | "table" => return self.end_row(),
            "td" | "th" => {
                self.end_cell();
                self.cells.get_or_insert_default();
                self.cell = Some(String::new());
            }
            "/td" | "/th" => self.end_cell(),
            "br" => self.text(" "),
            "script" | "style" => self.skip_to_end(&name),
            _ => {}
        }
        None
    }

    fn end_cell(&mut self) {
        let (Some(cell), Some(cells)) = (self.cell.take(), &mut self.cells) else { return };
        if cells.len() < MAX_CELLS {
            cells.push(plain(&cell));
        }
    }

    fn end_row(&mut self) -> Option<Vec<String>> {
        self.end_cell();
        self.cells.take()
    }

    /// Passes over everything up to `</name`.
    fn skip_to_end(&mut self, name: &str) {
        while let Some((_, behind)) = self.rest.split_once("</") {
            self.rest = behind;
            let found = behind.as_bytes().get(..name.len());
            if found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
                return;
            }
        }
        self.rest = "";
    }
}

/// A tag's inside and what follows it. A `>` between quotes does not end it, unless the quotes never close.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in text.char_indices().take(4096) {
        match (quote, c) {
            (None, '>') => return (&text[..at], &text[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    text.split_once('>').unwrap_or((text, ""))
}

/// With the commonest entities resolved, and white space made single.
fn plain(text: &str) -> String {
    let resolved = if text.contains('&') {
        // The ampersand comes last, so that `&amp;lt;` becomes `&lt;`.
        let entities = [
            ("&nbsp;", " "),
            ("&#160;", " "),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&amp;", "&"),
        ];
        entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c))
    } else {
        text.to_owned()
    };
    resolved.split_whitespace().collect::<Vec<_>>().join(" ")
}
