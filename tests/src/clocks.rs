//! Wrong clocks for the real programs, which are not built any differently for it: a library that is loaded before the C
//! library's own functions answers when a program asks what time it is. The library is that of the Debian package
//! `faketime`; `tests/run` and `tests/faults` install it. The monotonic clock stays as it is, as on a machine whose clock
//! somebody sets, and so do the times of files.
//!
//! Refuses to run anything without the library: the loader passes over one that is missing, and the clock would be right.

use std::fs;
use std::io::{self, Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The library; this one is meant for programs with several threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// Where libraries are, or folders with those of one architecture.
const PLACES: [&str; 4] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib"];
/// What the library leaves behind in shared memory where a program was killed, before its process id.
const LEFT_BEHIND: [&str; 2] = ["/dev/shm/faketime_shm_", "/dev/shm/sem.faketime_sem_"];
/// A machine without a battery for its clock starts in 1970, some seconds on.
const BOOTED: i64 = 20;

/// The clock of a machine, which may be set while programs run that go by it.
#[derive(Clone, Debug)]
pub struct MachineClock {
    library: PathBuf,
    file: PathBuf,
}

/// What a machine's clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The time.
    Right,
    /// So many seconds more than the time, or less.
    Off(i64),
    /// The time since the machine was started, as if that had been in 1970.
    Year1970,
}

impl MachineClock {
    /// A clock that is right. What it shows is kept in a file `NAME.clock` in that folder.
    ///
    /// # Errors
    /// When there is no library to bend a program's clock with, or the file cannot be written.
    pub fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let library = library().ok_or_else(|| {
            let text = format!(
                "there is no {LIBRARY} below {}; install the package faketime (apt-get install faketime)",
                PLACES.join(", ")
            );
            Error::new(ErrorKind::NotFound, text)
        })?;
        let clock = Self { library, file: folder.join(format!("{name}.clock")) };
        clock.set(Shows::Right)?;
        Ok(clock)
    }

    /// Sets the clock, also for programs that run already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, shows: Shows) -> io::Result<()> {
        let off = match shows {
            Shows::Right => 0,
            Shows::Off(seconds) => seconds,
            Shows::Year1970 => BOOTED - agent::clock::now().unix(),
        };
        // Nobody may read half of it.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{off:+}\n"))?;
        fs::rename(new, &self.file)
    }

    /// What has a program go by this clock, if it is in its environment when it starts.
    pub fn variables(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let pairs = [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// Takes away what the library left behind of a process that has ended.
pub fn sweep(process: u32) {
    for left in LEFT_BEHIND {
        // Most processes never had one.
        let _ = fs::remove_file(format!("{left}{process}"));
    }
}

fn library() -> Option<PathBuf> {
    let places = PLACES.iter().map(PathBuf::from);
    places.flat_map(|place| [vec![place.clone()], folders(&place)].concat()).find_map(|place| {
        let path = place.join(LIBRARY);
        path.is_file().then_some(path)
    })
}

fn folders(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn shown(clock: &MachineClock) -> i64 {
        let mut date = Command::new("date");
        date.arg("+%s").env_clear().envs(clock.variables());
        let mut child = date.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut out = String::new();
        io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut out).unwrap();
        child.wait().unwrap();
        sweep(child.id());
        out.trim().parse().unwrap()
    }

    #[test]
    fn a_program_that_knows_nothing_of_it_goes_by_the_clock_as_it_was_set() {
        const DAY: i64 = 86_400;
        let folder = tempfile::tempdir().unwrap();
        let clock = MachineClock::new(folder.path(), "box").unwrap();
        let off = |clock: &MachineClock| shown(clock) - agent::clock::now().unix();
        assert!((-DAY..DAY).contains(&off(&clock)));
        clock.set(Shows::Off(100 * DAY)).unwrap();
        assert!((99 * DAY..=100 * DAY).contains(&off(&clock)));
        clock.set(Shows::Off(-3 * DAY)).unwrap();
        assert!((-4 * DAY..-2 * DAY).contains(&off(&clock)));
        clock.set(Shows::Year1970).unwrap();
        assert!((BOOTED..DAY).contains(&shown(&clock)));
    }
}
