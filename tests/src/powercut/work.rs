//! The process that uses the store while it is traced, what it says of that, and what is known from what it said.
//!
//! Whatever it keeps follows from a number, so that anybody can tell what should be there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use agent::store::{
    BlockingStore, Draft, Drawer, DurableFile, Entry, Kept, Kind, NewEntry, Options, Trouble,
};
use anyhow::{Context as _, ensure};
use certs::audit::{ChainHead, Record};
use proto::Timestamp;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::Dice;

/// Devices that have a status.
const DEVICES: u64 = 6;
/// The most bytes of a pretended identity.
pub const MOST_IDENTITY: usize = 8 << 10;
/// How many minutes of an idle agent's life the idle process stands for.
pub const IDLE_MINUTES: u32 = 20;
/// The flusher's pace in the idle process, which stands for a minute.
const IDLE_PACE: Duration = Duration::from_millis(100);

/// The store's options for all of this.
pub fn options(root: &Path) -> Options {
    Options::new(root.join("data"), encode)
}

/// The file that stands for the identity.
pub fn identity(root: &Path) -> DurableFile {
    DurableFile::new(&root.join("data/identity"), "identity", MOST_IDENTITY)
}

/// What is kept for a number: the number, and bytes that follow from it.
pub fn content(number: u64) -> Vec<u8> {
    let length = Dice(number).below(9) * Dice(number + 1).below(700);
    let mut bytes = format!("{number} ").into_bytes();
    bytes.extend((0..length).map(|at| (at.wrapping_mul(number) % 251) as u8));
    bytes
}

/// The number for which this is kept; `None` if it is not what is kept for any.
pub fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.split(|byte| *byte == b' ').next()?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (content(number) == bytes).then_some(number)
}

/// The record of a number.
pub fn record(number: u64) -> Record {
    let text = |text: &str| text.to_owned();
    Record {
        number,
        time: Timestamp::from_unix(1_800_000_000 + number as i64),
        actor: text("palisade://acme/agent/1"),
        deed: text("visit_failed"),
        subject: format!("camera-{}", number % DEVICES),
        detail: "why it failed ".repeat(Dice(number).below(30) as usize),
    }
}

/// What the outbox holds of a record.
pub fn encode(record: &Record, head: &ChainHead) -> Vec<u8> {
    format!("{} {}", record.number, certs::random::hex(&head.hash)).into_bytes()
}

/// What an entry is about: `audit 7` or `status camera-1 10005`; `None` if it is not what was put there.
pub fn words(entry: &Entry) -> Option<String> {
    match entry.kind {
        Kind::Audit => {
            let text = std::str::from_utf8(&entry.bytes).ok()?;
            Some(format!("audit {}", text.split_once(' ')?.0))
        }
        Kind::Status => Some(format!("status {} {}", entry.key, number(&entry.bytes)?)),
        Kind::Escrow => Some(format!("escrow {} {}", entry.key, number(&entry.bytes)?)),
    }
}

/// Says a line in one call.
fn say(line: &str) -> io::Result<()> {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes())
}

/// Uses the store for so many rounds, and says of everything when it is tried and when it is acknowledged. All but the
/// first session end without closing it.
///
/// # Errors
/// When anything does not work as it should on a disk that works.
pub fn work(root: &Path, session: u64, rounds: u64) -> anyhow::Result<()> {
    let mut store = BlockingStore::open(options(root))?;
    let condition = store.condition();
    ensure!(condition.degraded.is_none() && condition.real_syncs, "{condition:?}");
    let mut dice = Dice(session + 100);
    for round in 1..=rounds {
        let value = session * 1_000_000 + round;
        match dice.below(12) {
            0..=3 => audit(&mut store, 1 + dice.below(3))?,
            4..=6 => {
                let key = format!("camera-{}", dice.below(DEVICES));
                say(&format!("try status {key} {value}"))?;
                let (kind, bytes) = (Kind::Status, content(value));
                let time = Timestamp::from_unix(1_800_000_000);
                let pushed = store.push(NewEntry { kind, key: key.clone(), bytes, time })?;
                ensure!(pushed.kept == Kept::OnDisk);
                say(&format!("did status {key} {value}"))?;
            }
            7 => {
                say(&format!("try value desired {value}"))?;
                ensure!(store.keep_desired(&content(value))? == Kept::OnDisk);
                say(&format!("did value desired {value}"))?;
            }
            8 => {
                let key = format!("camera-{}", dice.below(DEVICES));
                say(&format!("try value {key} {value}"))?;
                let things = vec![(key.clone(), content(value))];
                ensure!(store.keep_all(Drawer::Reports, things)? == Kept::OnDisk);
                say(&format!("did value {key} {value}"))?;
            }
            9 => {
                say(&format!("try value identity {value}"))?;
                identity(root).write(&content(value))?;
                say(&format!("did value identity {value}"))?;
            }
            _ => upload(&mut store)?,
        }
    }
    if session > 0 {
        // As when it is killed.
        std::mem::forget(store);
    }
    Ok(())
}

fn audit(store: &mut BlockingStore, records: u64) -> anyhow::Result<()> {
    let first = store.head().context("no chain")?.length + 1;
    let numbers = first..first + records;
    say(&format!("try audit {} {}", first, numbers.end - 1))?;
    let draft = |number| {
        let Record { number: _, time, actor, deed, subject, detail } = record(number);
        Draft { time, actor, deed, subject, detail }
    };
    let kept = store.audit(numbers.clone().map(draft).collect())?;
    ensure!(kept == Kept::OnDisk && store.head().context("no chain")?.length == numbers.end - 1);
    say(&format!("did audit {} {}", first, numbers.end - 1))?;
    Ok(())
}

fn upload(store: &mut BlockingStore) -> anyhow::Result<()> {
    let Some(batch) = store.batch(8, 1 << 20)? else { return Ok(()) };
    for entry in &batch.entries {
        let words = words(entry).with_context(|| format!("a wrong entry {}", entry.sequence))?;
        say(&format!("has {} {} {words}", batch.epoch, entry.sequence))?;
    }
    let last = batch.entries.last().context("an empty batch")?.sequence;
    say("try commit")?;
    store.committed(&batch.epoch, last)?;
    say("did commit")?;
    Ok(())
}

/// Opens a store that holds something, and leaves it idle for a time that stands for [`IDLE_MINUTES`].
///
/// # Errors
/// When the store does not work.
pub async fn idle(root: &Path) -> anyhow::Result<()> {
    let mut options = options(root);
    options.flush_every = IDLE_PACE;
    let mut store = BlockingStore::open(options)?;
    audit(&mut store, 3)?;
    say("idle")?;
    tokio::time::sleep(IDLE_PACE * IDLE_MINUTES).await;
    say("done")?;
    Ok(())
}

/// Uses a store on a disk that fills up, and then has room again. That is a limit on the size of files here: it needs
/// no rights, and the parent has seen to it that the signal for it is ignored.
///
/// # Errors
/// When the store does anything but go on in memory and come back.
pub fn full(root: &Path) -> anyhow::Result<()> {
    let mut store = BlockingStore::open(options(root))?;
    for _ in 0..20 {
        audit(&mut store, 2)?;
    }
    let limit = |current| setrlimit(Resource::Fsize, Rlimit { current, maximum: None });
    limit(Some(300 << 10))?;
    let (mut round, mut on_disk, mut held) = (0, 40, 0);
    while store.condition().degraded.is_none() {
        round += 1;
        ensure!(round < 10_000, "the disk never fills");
        let Record { number: _, time, actor, deed, subject, detail } = record(on_disk + 1);
        let draft = Draft { time, actor, deed, subject, detail };
        match store.audit(vec![draft])? {
            Kept::OnDisk => on_disk += 1,
            Kept::InMemory => held += 1,
        }
        let things = vec![("camera-0".to_owned(), content(round))];
        store.keep_all(Drawer::Reports, things)?;
    }
    ensure!(store.condition().degraded == Some(Trouble::DiskFull), "{:?}", store.condition());
    // Which of the two writes meets the end of the disk is sled's to choose.
    say(&format!("full {}", on_disk + held))?;
    store.mend()?;
    ensure!(store.condition().degraded.is_some(), "the disk is still full");
    ensure!(store.get(Drawer::Reports, "camera-0")?.is_some(), "what was cached is still known");
    limit(None)?;
    store.mend()?;
    ensure!(store.condition().degraded.is_none(), "{:?}", store.condition());
    ensure!(store.get(Drawer::Reports, "camera-0")? == Some(content(round)), "an old report");
    audit(&mut store, 1)?;
    Ok(())
}

/// What is known to be there or not, from what the process said up to the cut.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Records up to this number were acknowledged.
    pub audits: u64,
    /// Records up to this number were tried.
    pub audits_tried: u64,
    /// Of each device the last status that was acknowledged.
    pub statuses: BTreeMap<String, u64>,
    /// Of each device the last status that was tried.
    pub statuses_tried: BTreeMap<String, u64>,
    /// Of each thing that has a name the last value that was acknowledged.
    pub values: BTreeMap<String, u64>,
    /// Of each thing that has a name the last value that was tried.
    pub values_tried: BTreeMap<String, u64>,
    /// Entries, in words, whose removal after an upload was acknowledged.
    pub committed: BTreeSet<String>,
    /// Entries, in words, whose removal was tried.
    pub committing: BTreeSet<String>,
    /// What was seen at each place of an epoch.
    pub places: BTreeMap<(String, u64), String>,
    batch: BTreeSet<String>,
}

impl Ledger {
    /// Takes in what the process said.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn hear(&mut self, line: &str) -> anyhow::Result<()> {
        let parts: Vec<_> = line.split(' ').collect();
        let senseless = || format!("the process said {line:?}");
        match parts[..] {
            ["try", "audit", _, last] => self.audits_tried = last.parse()?,
            ["did", "audit", _, last] => self.audits = last.parse()?,
            ["try", "status", key, value] => put(&mut self.statuses_tried, key, value)?,
            ["did", "status", key, value] => put(&mut self.statuses, key, value)?,
            ["try", "value", name, value] => put(&mut self.values_tried, name, value)?,
            ["did", "value", name, value] => put(&mut self.values, name, value)?,
            ["has", epoch, sequence, ref words @ ..] => {
                let words = words.join(" ");
                self.batch.insert(words.clone());
                let place = (epoch.to_owned(), sequence.parse()?);
                let before = self.places.insert(place, words.clone());
                ensure!(before.is_none_or(|before| before == words), senseless());
            }
            ["try", "commit"] => self.committing = std::mem::take(&mut self.batch),
            ["did", "commit"] => self.committed.append(&mut self.committing),
            _ => anyhow::bail!(senseless()),
        }
        Ok(())
    }
}

fn put(map: &mut BTreeMap<String, u64>, name: &str, value: &str) -> anyhow::Result<()> {
    map.insert(name.to_owned(), value.parse()?);
    Ok(())
}
