//! Crashes of the real programs while passwords are replaced: what a crash leaves behind must hold no secret. The kernel
//! is allowed to write down the memory of whoever crashes; the programs forbid it themselves.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::mishap::crash;
use super::site::Site;
use super::{MEANT, What, search};

/// Each program crashes of each of these: what it does itself when it gives up, what the processor does to it, what a
/// person at a terminal does. The last is ignored, also by whoever is started from here, where a shell started us in the
/// background.
const SIGNALS: [Signal; 3] = [Signal::ABORT, Signal::SEGV, Signal::QUIT];
/// How long the world may take to come to rest.
const SETTLE: Duration = Duration::from_secs(150);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashes {
    /// How many crashes there were.
    pub crashes: u32,
    /// Of how many the memory was written down.
    pub cores: u32,
    /// Files and processes that showed a secret in clear.
    pub leaked: Vec<String>,
    /// Whether the kernel writes down the memory of a program here that does not forbid it. Where it does not, that
    /// there are no cores says nothing.
    pub others_dump: bool,
}

/// What this process starts may have its memory written down when it crashes, as far as the system allows.
///
/// # Errors
/// When the limit cannot be set.
pub fn allow_cores() -> std::io::Result<()> {
    let limit = getrlimit(Resource::Core);
    Ok(setrlimit(Resource::Core, Rlimit { current: limit.maximum, ..limit })?)
}

/// Has agent and controller crash while the passwords of some cameras are replaced, and looks at what is left.
///
/// # Errors
/// When a program does not start again.
pub async fn crashing(folder: &Path) -> anyhow::Result<Crashes> {
    allow_cores()?;
    let others_dump = others_dump()?;
    let mut site = Site::found(folder, What::Password, 3).await?;
    site.until_settled(SETTLE).await?;
    site.order(What::Password).await?;
    let (mut crashes, mut cores) = (0, 0);
    for signal in SIGNALS {
        if signal == Signal::QUIT && quit_is_ignored()? {
            continue;
        }
        for program in [&mut *site.agent, &mut *site.controller] {
            cores += crash(program, signal).await?;
            crashes += 1;
            program.start().await?;
        }
    }
    let (secrets, processes) = (site.secrets().await?, site.processes());
    let found = search::leaks(folder, &processes, &secrets, &MEANT)?;
    let leaked = found.iter().map(|path| path.display().to_string()).collect();
    site.agent.stop().await?;
    site.controller.stop().await?;
    Ok(Crashes { crashes, cores, leaked, others_dump })
}

/// Whether this process, and whoever it starts, ignores that signal.
fn quit_is_ignored() -> std::io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    Ok(mask.unwrap_or_default() >> (Signal::QUIT.as_raw() - 1) & 1 == 1)
}

/// Whether a program that does not forbid it has its memory written down.
fn others_dump() -> std::io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -SEGV $$"]).current_dir(folder.path()).env_clear();
    Ok(shell.stdin(Stdio::null()).status()?.core_dumped())
}
