//! A power cut on the agent's disk, over and over: a process uses the store while `strace` writes down what it asks of
//! the disk; then the disk is cut after any of these calls, with only a part of what was not synced kept, and the store
//! is opened on what is left.
//!
//! It is a model of what a file system promises, no pulled plug: synced content and synced folders stay, anything
//! else may stay, in whole, in part, or in another order (see `disk::Kept`). A disk that lies about syncs is not in it.

mod check;
mod disk;
mod trace;
pub mod work;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use check::Wrong;
use disk::{Disk, Kept};
use trace::{Call, Step};
use work::Ledger;

/// How often the process that uses the store is started.
const SESSIONS: u32 = 5;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cuts.
    pub trials: u32,
    /// Things that were acknowledged and are not there.
    pub lost: u64,
    /// Things that are there twice, or again after they were done with, or that took another's place.
    pub doubled: u64,
    /// Cuts after which the store, or a durable file, could not be used.
    pub dead: u32,
}

/// Whether syncs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncs {
    /// As the file system promises.
    Count,
    /// Those of single files' content (`fdatasync`) do nothing, as sled's own way to sync does nothing. To see whether
    /// the trials would find it.
    OfContentDoNothing,
}

/// Why nothing can be recorded here, if so: for people.
pub fn hindrance() -> Option<String> {
    let ran = Command::new("strace").args(["-o", "/dev/null", "-e", "trace=none", "true"]).output();
    match ran {
        Ok(ran) if ran.status.success() => None,
        Ok(ran) => Some(format!(
            "strace is not allowed to trace here: {}",
            String::from_utf8_lossy(&ran.stderr).trim()
        )),
        Err(_) => Some(
            "strace is missing; install it, for example with apt-get install strace".to_owned(),
        ),
    }
}

/// What a process asked of the disk, and the folder that it used.
#[derive(Debug)]
pub struct Recording {
    root: PathBuf,
    steps: Vec<Step>,
    calls: Vec<Call>,
}

impl Recording {
    /// Where to cut: half of the places are anywhere, half are about changes of names, which are rare and matter most.
    fn places(&self, trials: u32, dice: &mut Dice) -> Vec<usize> {
        let names = |call: &Call| {
            matches!(
                call,
                Call::Make { .. } | Call::MakeFolder(_) | Call::Rename { .. } | Call::Remove(_)
            )
        };
        let steps = self.steps.iter().enumerate();
        let named: Vec<_> =
            steps.filter(|(_, step)| names(&self.calls[step.call()])).map(|(at, _)| at).collect();
        let place = |trial| {
            let anywhere = dice.below(self.steps.len() as u64 + 1) as usize;
            if trial % 2 == 0 || named.is_empty() {
                return anywhere;
            }
            let about = named[dice.below(named.len() as u64) as usize] + dice.below(6) as usize;
            about.min(self.steps.len())
        };
        (0..trials).map(place).collect()
    }
}

/// Runs `program store-work` under `strace`, some times in a row.
///
/// # Errors
/// When `strace` or the program fails.
pub fn record(program: &Path, rounds: u32) -> anyhow::Result<Recording> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?.join("root");
    std::fs::create_dir(&root)?;
    let (mut steps, mut calls) = (Vec::new(), Vec::new());
    for session in 0..SESSIONS {
        let log = folder.path().join("trace");
        let arguments = [session.to_string(), rounds.to_string()];
        run_traced(program, "store-work", &root, &arguments, &log)?;
        trace::read(&log, &mut steps, &mut calls)?;
    }
    ensure!(steps.len() > 100, "strace wrote down only {} steps", steps.len());
    Ok(Recording { root, steps, calls })
}

/// Syncs that an idle store asks for in a day, by what it asked for in a short time with a flusher that is as much
/// faster.
///
/// # Errors
/// When `strace` or the program fails.
pub fn idle_syncs_per_day(program: &Path) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?;
    let log = folder.path().join("trace");
    run_traced(program, "store-idle", &root, &[], &log)?;
    let (mut steps, mut calls) = (Vec::new(), Vec::new());
    trace::read(&log, &mut steps, &mut calls)?;
    let said = |words: &str| {
        let is = |call: &Call| matches!(call, Call::Say(text) if text.trim() == words);
        calls.iter().position(is).with_context(|| format!("the idle process never said {words}"))
    };
    let idle = &calls[said("idle")?..said("done")?];
    let syncs = idle.iter().filter(|call| matches!(call, Call::Sync { .. })).count() as u64;
    Ok(syncs * 24 * 60 / u64::from(work::IDLE_MINUTES))
}

fn run_traced(
    program: &Path,
    command: &str,
    root: &Path,
    arguments: &[String],
    log: &Path,
) -> anyhow::Result<()> {
    let said = File::create(log.with_extension("said"))?;
    let ran = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "16777216", "-e", trace::CALLS, "-o"])
        .args([log, program])
        .arg(command)
        .arg(root)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(said)
        .stderr(Stdio::piped())
        .output()
        .context("running strace")?;
    if !ran.status.success() {
        bail!("{command} ended with {}: {}", ran.status, String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}

/// Cuts the recording so many times, at places and with remains that follow from `seed`, and looks at what is left.
/// What is wrong is also told to `tell`.
///
/// # Errors
/// When what is left cannot be put into a folder.
pub fn cuts(
    recording: &Recording,
    trials: u32,
    seed: u64,
    syncs: Syncs,
    mut tell: impl FnMut(&str),
) -> anyhow::Result<Tally> {
    let mut dice = Dice(seed | 1);
    let steps = recording.steps.len();
    let mut places = recording.places(trials, &mut dice);
    places.sort_unstable();
    let (mut tally, mut disk, mut ledger) = (Tally::default(), Disk::default(), Ledger::default());
    let mut done = 0;
    for (place, kept) in
        places.into_iter().zip([Kept::Nothing, Kept::First, Kept::Any].into_iter().cycle())
    {
        for step in &recording.steps[done..place] {
            let call = &recording.calls[step.call()];
            disk.step(&recording.root, step, call, syncs);
            if let (Step::End(_), Call::Say(text)) = (step, call) {
                text.lines().try_for_each(|line| ledger.hear(line))?;
            }
        }
        done = place;
        let wrong = look(&disk.cut(kept, &mut dice), &ledger).context("putting the rest back")?;
        tally.trials += 1;
        tally.lost += wrong.lost.len() as u64;
        tally.doubled += wrong.doubled.len() as u64;
        tally.dead += u32::from(!wrong.dead.is_empty());
        for (what, cases) in
            [("lost", wrong.lost), ("doubled", wrong.doubled), ("dead", wrong.dead)]
        {
            for case in cases {
                tell(&format!("cut {place} of {steps}, {kept:?} kept: {what}: {case}"));
            }
        }
    }
    Ok(tally)
}

fn look(rest: &disk::Rest, ledger: &Ledger) -> io::Result<Wrong> {
    // What is looked at need not survive anything itself: in memory, syncs cost nothing.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let root = folder.path().join("root");
    rest.write(&root)?;
    Ok(check::judge(&root, ledger))
}

/// Numbers that follow from a seed.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `end`, which is at least 1.
    fn below(&mut self, end: u64) -> u64 {
        // Steele and Vigna's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
