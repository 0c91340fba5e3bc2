//! How far long work has come, for a person who waits. In a pipe it is quiet.

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Terminals;

/// A bar or a count on standard error, or nothing.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar up to `most`, with a template of indicatif's.
    pub fn bar(most: u64, template: &str, terminals: Terminals) -> Self {
        if !terminals.errors {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::new(most);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// A count of bytes whose end nobody knows.
    pub fn bytes(what: &str, terminals: Terminals) -> Self {
        let bar = Self::bar(0, "{spinner} {msg} {bytes} ({bytes_per_sec})", terminals);
        bar.0.set_message(what.to_owned());
        bar
    }

    /// So much more is done.
    pub fn add(&self, count: u64) {
        self.0.inc(count);
    }

    /// So much is done of so much.
    pub fn set(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done);
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}
