//! The names of a report's faces.

use std::fmt;
use std::str::FromStr;

/// A face of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table for a terminal. The default.
    #[default]
    Table,
    /// A document for programs; `schema report` prints its JSON Schema.
    Json,
    /// One row per device and measure, for a spreadsheet.
    Csv,
    /// A test report for a build server.
    Junit,
    /// One self-contained page for a customer.
    Html,
}

impl Format {
    /// Every face.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Csv, Self::Junit, Self::Html];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Junit => "junit",
            Self::Html => "html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The word names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a format; use table, json, csv, junit or html")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let unknown = || UnknownFormat(text.chars().take(20).collect());
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_on_the_command_line_are_the_formats() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
            let word = clap::ValueEnum::to_possible_value(&format).unwrap();
            assert_eq!(word.get_name(), format.as_str());
            let help = word.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty() && !help.contains("::"), "help is for users: {help}");
        }
        let message = "pdf".parse::<Format>().unwrap_err().to_string();
        assert_eq!(message, "\"pdf\" is not a format; use table, json, csv, junit or html");
    }
}
