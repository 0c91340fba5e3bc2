//! The real `palisade-agent`, run as a person or a script runs it: with arguments, a bare environment, no terminal,
//! bounded time and bounded memory. It refuses to build the program, since two cargos would wait for each other.

use std::ffi::OsStr;
use std::io::{self, Error, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, timeout};

/// No run of a story may take longer; one that does is killed.
const MOST_TIME: Duration = Duration::from_secs(60);
/// Address space that a run may take, in KiB: far below what a hostile file or camera offers, far above what is needed
/// (the C library sets aside 64 MiB of addresses per thread and uses little of them).
const MOST_MEMORY: u32 = 800 << 10;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How long it ran.
    pub took: Duration,
}

impl Ended {
    /// Whether it ended by an error of its own making: a signal, or a panic that it told of.
    pub fn crashed(&self) -> bool {
        let tells = |text: &str| text.contains("panicked at") || text.contains("internal error");
        self.code.is_none() || tells(&self.out) || tells(&self.err)
    }
}

/// The program, and the environment that it is run in.
#[derive(Clone, Debug)]
pub struct AgentBinary {
    program: PathBuf,
    variables: Vec<(String, String)>,
}

impl AgentBinary {
    /// Finds the program beside the one that runs: `target/PROFILE/palisade-agent`.
    ///
    /// # Errors
    /// When it is not there; the message says how to build it.
    pub fn find() -> io::Result<Self> {
        let own = std::env::current_exe()?;
        // A test's executable lies one folder deeper than the programs.
        let folders = own.ancestors().skip(1).take(2);
        let found = folders.map(|folder| folder.join("palisade-agent")).find(|it| it.is_file());
        match found {
            Some(program) => Ok(Self { program, variables: Vec::new() }),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "there is no palisade-agent beside {}; run cargo build --workspace in the same profile",
                    own.display()
                ),
            )),
        }
    }

    /// Sets an environment variable, of which there are none otherwise.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started, does not end in time, or prints what is no UTF-8.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Ended> {
        let mut command = Command::new("/bin/sh");
        let limited = format!("ulimit -v {MOST_MEMORY} && exec \"$0\" \"$@\"");
        command.args(["-c", &limited]).arg(&self.program).args(arguments);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let begun = Instant::now();
        let output = timeout(MOST_TIME, command.output()).await.map_err(|_| {
            let text = format!("palisade-agent was not done within {} s", MOST_TIME.as_secs());
            Error::new(ErrorKind::TimedOut, text)
        })??;
        let text =
            |bytes| String::from_utf8(bytes).map_err(|error| Error::other(error.to_string()));
        Ok(Ended {
            code: output.status.code(),
            signal: output.status.signal(),
            out: text(output.stdout)?,
            err: text(output.stderr)?,
            took: begun.elapsed(),
        })
    }
}
