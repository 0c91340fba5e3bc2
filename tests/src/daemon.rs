//! A real program that runs unattended, started as systemd starts it: it tells by its notification socket when it is
//! ready, and ends by a signal. Dropped, it is killed.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::clocks;

/// Longest time to become ready, and to end when told to.
const MOST_TIME: Duration = Duration::from_secs(60);
/// A program is sent a signal to crash of so often: the language's own handler of `SEGV` looks whether a stack ran over,
/// and lets the first one pass that was sent by somebody.
const MOST_SIGNALS: usize = 4;
/// A program has crashed within this time after the signal.
const CRASH: Duration = Duration::from_secs(2);

/// How a program is started; see [`Daemon`].
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment, besides the notification socket.
    pub variables: Vec<(String, String)>,
    /// Where it is started, and where its notification socket and log are kept; must exist.
    pub folder: PathBuf,
    /// Names the files in there.
    pub name: String,
}

/// A running program.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    started: Option<u32>,
    notices: UnixDatagram,
    socket: PathBuf,
    log: PathBuf,
}

/// What a process takes of memory, in KiB, as the kernel counts it.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident now: what follows, together.
    pub resident: u64,
    /// Its own: heap and stacks.
    pub own: u64,
    /// Pages of files, above all of the program itself. The kernel can drop and read them again, and shares them.
    pub program: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// Where programs are looked for first; see [`look_in`].
static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();

/// From now on, [`find`] looks in this folder before it looks elsewhere. The first call counts.
pub fn look_in(folder: PathBuf) {
    let _ = PROGRAMS.set(folder);
}

/// Finds a program beside the one that runs: `target/PROFILE/NAME`.
///
/// # Errors
/// When it is not there; the message says how to build it.
pub fn find(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // A test's executable lies one folder deeper than the programs.
    let own_folders = own.ancestors().skip(1).take(2);
    let first = PROGRAMS.get().map(PathBuf::as_path);
    let found = first
        .into_iter()
        .chain(own_folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        let text =
            format!("there is no {name} beside {}; run cargo build --workspace", own.display());
        Error::new(ErrorKind::NotFound, text)
    })
}

impl Recipe {
    /// Starts it and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends or is silent instead; the message ends with its log.
    pub async fn start(&self) -> io::Result<Daemon> {
        let mut daemon = self.spawn()?;
        let Daemon { child, notices, .. } = &mut daemon;
        let ended = tokio::select! {
            ready = timeout(MOST_TIME, notice(notices, "READY=1")) => match ready {
                Ok(ready) => return ready.map(|()| daemon),
                Err(_) => "was not ready in time".to_owned(),
            },
            status = child.wait() => format!("ended with {}", status?),
        };
        Err(Error::other(format!("{} {ended}:\n{}", self.name, daemon.log()?)))
    }

    /// Starts it and waits for nothing.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self) -> io::Result<Daemon> {
        let socket = self.folder.join(format!("{}.notify", self.name));
        let log = self.folder.join(format!("{}.log", self.name));
        remove(&socket)?;
        let notices = UnixDatagram::bind(&socket)?;
        let file = OpenOptions::new().append(true).create(true).open(&log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("NOTIFY_SOCKET", &socket);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr::<File>(file);
        command.kill_on_drop(true);
        let child = command.spawn()?;
        Ok(Daemon { started: child.id(), child, notices, socket, log })
    }
}

impl Daemon {
    /// Waits for a line of a notification, such as `STOPPING=1`.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn notice(&mut self, line: &str) -> io::Result<()> {
        notice(&self.notices, line).await
    }

    /// Its process id; `None` once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything it wrote so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> io::Result<String> {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// As a power cut would end the process: at once, wherever it is.
    ///
    /// # Errors
    /// When it had ended by itself before.
    pub async fn kill(mut self) -> io::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let text = format!("it had ended before, with {status}:\n{}", self.log()?);
            return Err(Error::other(text));
        }
        self.child.kill().await
    }

    /// Has it crash by a signal such as `ABRT`, and gives what the kernel says of its end.
    ///
    /// # Errors
    /// When it had ended by itself before, or does not end of the signal.
    pub async fn crash(mut self, signal: Signal) -> io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            let text = format!("it had ended before, with {status}:\n{}", self.log()?);
            return Err(Error::other(text));
        }
        for _ in 0..MOST_SIGNALS {
            self.signal(signal)?;
            if let Ok(status) = timeout(CRASH, self.child.wait()).await {
                return status;
            }
        }
        Err(Error::new(ErrorKind::TimedOut, format!("it did not crash of {signal:?}")))
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn terminate(mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        match timeout(MOST_TIME, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                Err(Error::new(ErrorKind::TimedOut, format!("it did not end:\n{}", self.log()?)))
            }
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Error::other("it has ended"))?;
        kill_process(id, signal).map_err(Error::from)
    }

    /// Memory that is resident now, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_kib(&self) -> io::Result<u64> {
        self.memory().map(|memory| memory.resident)
    }

    /// The memory that it takes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        let id = self.id().ok_or_else(|| Error::other("it has ended"))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            kib.ok_or_else(|| Error::other(format!("the kernel told no {name}")))
        };
        Ok(Memory {
            resident: kib("VmRSS")?,
            own: kib("RssAnon")?,
            program: kib("RssFile")?,
            peak: kib("VmHWM")?,
        })
    }

    /// Time on a processor since it was started, in hundredths of a second.
    ///
    /// # Errors
    /// When it has ended.
    pub fn ticks(&self) -> io::Result<u64> {
        ticks_of(self.id().ok_or_else(|| Error::other("it has ended"))?)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = remove(&self.socket);
        if let Some(process) = self.started {
            clocks::sweep(process);
        }
    }
}

/// Time on a processor that a process took since it was started, in hundredths of a second.
///
/// # Errors
/// When there is no such process.
pub fn ticks_of(id: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // Behind the name, which may hold anything, in parentheses: state is field 3, the times are 14 and 15.
    let rest = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
    let mut times = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    match (times.next(), times.next()) {
        (Some(user), Some(system)) => Ok(user + system),
        _ => Err(Error::other("the kernel told no times")),
    }
}

async fn notice(notices: &UnixDatagram, line: &str) -> io::Result<()> {
    let mut bytes = vec![0; 4096];
    loop {
        let length = notices.recv(&mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes[..length]);
        if text.lines().any(|one| one == line) {
            return Ok(());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A recipe with the words of a command line.
pub fn recipe<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    folder: &Path,
) -> io::Result<Recipe> {
    let words = arguments.into_iter().map(|word| word.as_ref().to_string_lossy().into_owned());
    Ok(Recipe {
        program: find(program)?,
        arguments: words.collect(),
        variables: Vec::new(),
        folder: folder.to_owned(),
        name: program.to_owned(),
    })
}
