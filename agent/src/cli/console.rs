//! The world the command line stands in: streams, environment and terminals, handed in so that a test can be the world.
//! It refuses to print what could drive a terminal: every line to a person passes through `printable`.

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};

use proto::text::printable;

use super::stop::Stop;

/// Longest message to a person, in characters. A message longer than this helps nobody.
const MAX_MESSAGE: usize = 2000;

/// Streams, environment and terminals.
pub struct Console<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output: results and nothing else.
    pub output: &'a mut dyn Write,
    /// Standard error: notes, progress and errors.
    pub errors: &'a mut dyn Write,
    /// Looks up an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Asks the person at the terminal for a password, without showing it.
    pub ask: &'a dyn Fn(&str) -> io::Result<String>,
    /// Which streams are terminals.
    pub terminals: Terminals,
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
    /// Writes a result to standard output.
    ///
    /// # Errors
    /// See [`Console::stream`].
    pub fn result(&mut self, text: &str) -> Result<(), Stop> {
        self.stream(|out| out.write_all(text.as_bytes()))
    }

    /// Lets a result be written to standard output bit by bit. A reader that went away, as `head` does, is no error.
    ///
    /// # Errors
    /// Output that cannot be written, such as to a full disk.
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
        let _ = writeln!(self.errors, "palisade-agent: {kind}{text}")
            .and_then(|()| self.errors.flush());
    }

    /// An environment variable that is set to something.
    pub fn set_variable(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}
