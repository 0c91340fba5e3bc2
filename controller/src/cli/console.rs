//! The world the command line stands in: streams, environment, terminals and clock, handed in so that a test can be the
//! world. It refuses to print what could drive a terminal: every line to a person passes through `printable`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};

use certs::SharedClock;
use proto::text::printable;

use super::stop::Stop;
use crate::config::PREFIX;

/// Longest message to a person, in characters.
const MAX_MESSAGE: usize = 2000;

/// Streams, environment, terminals and clock.
pub struct Console<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output: results and nothing else.
    pub output: &'a mut dyn Write,
    /// Standard error: notes, progress and errors.
    pub errors: &'a mut dyn Write,
    /// The whole environment.
    pub variables: &'a dyn Fn() -> Vec<(OsString, OsString)>,
    /// Asks the person at the terminal for a secret, without showing it.
    pub ask: &'a dyn Fn(&str) -> io::Result<String>,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// The present.
    pub clock: SharedClock,
}

/// Which streams are terminals, and how wide the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input is one, so that a person can be asked.
    pub input: bool,
    /// Standard output is one.
    pub output: bool,
    /// Standard error is one.
    pub errors: bool,
    /// Columns of standard output, where it is a terminal that tells.
    pub width: Option<usize>,
}

impl Terminals {
    /// What this process was started with.
    pub fn detect() -> Self {
        let output = io::stdout().is_terminal();
        let size = output.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
        Self {
            input: io::stdin().is_terminal(),
            output,
            errors: io::stderr().is_terminal(),
            width: size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0),
        }
    }
}

impl Console<'_> {
    /// Writes a result to standard output. A reader that went away, as `head` does, is no error.
    ///
    /// # Errors
    /// Output that cannot be written, such as to a full disk.
    pub fn result(&mut self, text: &str) -> Result<(), Stop> {
        self.stream(|out| out.write_all(text.as_bytes()))
    }

    /// Lets a result be written to standard output bit by bit.
    ///
    /// # Errors
    /// As [`Console::result`].
    pub fn stream(
        &mut self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let mut out = BufWriter::new(&mut *self.output);
        let written = fill(&mut out).and_then(|()| out.flush());
        // What could not be written must not be tried again when the buffer goes.
        let _ = out.into_parts();
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Stop::Failed(format!("cannot write to standard output: {error}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a piece of a result that goes on for ever. `false` when the reader went away.
    ///
    /// # Errors
    /// As [`Console::result`].
    pub fn piece(&mut self, text: &str) -> Result<bool, Stop> {
        match self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Stop::Failed(format!("cannot write to standard output: {error}"))),
        }
    }

    /// Tells a person something that is neither a result nor an error.
    pub fn note(&mut self, text: &str) {
        self.line("note: ", text);
    }

    /// Tells a person what went wrong.
    pub fn complain(&mut self, text: &str) {
        self.line("", text);
    }

    fn line(&mut self, kind: &str, text: &str) {
        let text = printable(text, MAX_MESSAGE);
        // Nobody is left to hear that standard error cannot be written.
        let _ = writeln!(self.errors, "palisade: {kind}{text}").and_then(|()| self.errors.flush());
    }

    /// Asks the person at the terminal to agree. Without a terminal nobody can, and the error says how to agree ahead.
    ///
    /// # Errors
    /// `Stop::Usage` without a terminal, `Stop::Failed` when the answer is not yes.
    pub fn confirm(&mut self, what: &str) -> Result<(), Stop> {
        if !self.terminals.input {
            let text = format!("{what}: there is no terminal to ask on; say --yes to agree");
            return Err(Stop::Usage(text));
        }
        let _ = write!(self.errors, "palisade: {} Go on? [y/N] ", printable(what, MAX_MESSAGE))
            .and_then(|()| self.errors.flush());
        let mut answer = Vec::new();
        let mut byte = [0];
        // Byte by byte, so that nothing behind the line is taken from whoever reads next.
        while answer.len() < 16 && matches!(self.input.read(&mut byte), Ok(1)) && byte != *b"\n" {
            answer.push(byte[0]);
        }
        match String::from_utf8_lossy(&answer).trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Stop::Failed("nothing was changed".to_owned())),
        }
    }

    /// An environment variable that is set to something.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        let all = (self.variables)();
        all.into_iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// Everything in the environment that begins with [`PREFIX`] and is text.
    pub fn settings(&self) -> BTreeMap<String, String> {
        (self.variables)()
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect()
    }
}
