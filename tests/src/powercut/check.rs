//! Opens the store on what a power cut has left, and compares it with what was acknowledged.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use agent::store::{BlockingStore, Draft, Drawer, Entry, Kept, Kind, NewEntry};
use certs::audit::{ChainHead, Record};

use super::work::{self, Ledger};

/// What is wrong, in words.
#[derive(Debug, Default)]
pub struct Wrong {
    /// What was acknowledged, and is not there or not right.
    pub lost: Vec<String>,
    /// What is there twice or again, or in another's place.
    pub doubled: Vec<String>,
    /// Why it cannot be used.
    pub dead: Vec<String>,
}

/// Judges what lies in `root`. It is used up by that.
pub fn judge(root: &Path, ledger: &Ledger) -> Wrong {
    let mut wrong = Wrong::default();
    let judged = catch_unwind(AssertUnwindSafe(|| {
        identity(root, ledger, &mut wrong);
        store(root, ledger, &mut wrong)
    }));
    match judged {
        Ok(Ok(())) => {}
        Ok(Err(error)) => wrong.dead.push(format!("{error:#}")),
        Err(_) => wrong.dead.push("a panic".to_owned()),
    }
    wrong
}

fn identity(root: &Path, ledger: &Ledger, wrong: &mut Wrong) {
    match work::identity(root).read() {
        Ok(content) => value("identity", content.map(|it| it.bytes.to_vec()), ledger, wrong),
        Err(error) => wrong.dead.push(format!("the identity: {error}")),
    }
}

/// Something of which only the latest counts must be the last that was acknowledged, or one that was tried after it.
fn value(name: &str, found: Option<Vec<u8>>, ledger: &Ledger, wrong: &mut Wrong) {
    let number = found.as_ref().map(|bytes| work::number(bytes));
    let (did, tried) = (ledger.values.get(name), ledger.values_tried.get(name));
    let right = match number {
        None => did.is_none(),
        Some(None) => false,
        Some(Some(number)) => Some(&number) >= did && Some(&number) <= tried,
    };
    if !right {
        wrong.lost.push(format!("{name} is {number:?}, {did:?} was acknowledged"));
    }
}

fn store(root: &Path, ledger: &Ledger, wrong: &mut Wrong) -> anyhow::Result<()> {
    let mut store = BlockingStore::open(work::options(root))?;
    if let Some(trouble) = store.condition().degraded {
        wrong.dead.push(format!("it goes on in memory: {}", trouble.word()));
        return Ok(());
    }
    value("desired", store.desired()?.map(|desired| desired.bytes), ledger, wrong);
    for camera in ledger.values_tried.keys().filter(|name| name.starts_with("camera")) {
        value(camera, store.get(Drawer::Reports, camera)?, ledger, wrong);
    }
    let head = store.head().unwrap_or_default();
    if head.length < ledger.audits || head.length > ledger.audits_tried.max(ledger.audits) {
        wrong
            .lost
            .push(format!("the chain has {}, {} are acknowledged", head.length, ledger.audits));
    }
    let mut all = drained(&mut store)?;
    if !go_on(&mut store, &head)? {
        wrong.dead.push("it takes nothing new".to_owned());
    }
    let new = drained(&mut store)?;
    judge_places(all.iter().chain(&new), ledger, wrong);
    all.extend(new);
    judge_entries(&all, &head, ledger, wrong);
    Ok(())
}

/// An entry and its epoch.
type Placed = (String, Entry);

fn drained(store: &mut BlockingStore) -> anyhow::Result<Vec<Placed>> {
    let mut all = Vec::new();
    while let Some(batch) = store.batch(256, 1 << 20)? {
        let last = batch.entries.last().map_or(0, |entry| entry.sequence);
        all.extend(batch.entries.into_iter().map(|entry| (batch.epoch.clone(), entry)));
        store.committed(&batch.epoch, last)?;
    }
    Ok(all)
}

/// Adds the next record and a status of a device that there was none of.
fn go_on(store: &mut BlockingStore, head: &ChainHead) -> anyhow::Result<bool> {
    let Record { number: _, time, actor, deed, subject, detail } = work::record(head.length + 1);
    let audit = store.audit(vec![Draft { time, actor, deed, subject, detail }])?;
    let (kind, key, bytes) = (Kind::Status, "new".to_owned(), work::content(1));
    let status = store.push(NewEntry { kind, key, bytes, time })?;
    Ok(audit == Kept::OnDisk && status.kept == Kept::OnDisk)
}

/// No place has ever been another entry's, and none is given twice.
fn judge_places<'a>(all: impl Iterator<Item = &'a Placed>, ledger: &Ledger, wrong: &mut Wrong) {
    let mut seen = ledger.places.clone();
    for (epoch, entry) in all {
        let place = (epoch.clone(), entry.sequence);
        let words = work::words(entry).unwrap_or_default();
        let before = seen.insert(place, words.clone());
        if let Some(before) = before.filter(|before| *before != words) {
            wrong.doubled.push(format!("{words} has the place of {before}"));
        }
    }
}

/// What waits is what was acknowledged and not yet committed, each once, right, records in their order.
fn judge_entries(all: &[Placed], head: &ChainHead, ledger: &Ledger, wrong: &mut Wrong) {
    let mut counts = BTreeMap::new();
    let mut last_audit = 0;
    let mut heads = Heads::default();
    for (_, entry) in all {
        let Some(words) = work::words(entry) else {
            wrong.lost.push(format!("entry {} is not what was put there", entry.sequence));
            continue;
        };
        if entry.kind == Kind::Audit {
            let number = words.rsplit(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0);
            if number <= last_audit || entry.bytes != heads.encoded(number) {
                wrong.lost.push(format!("{words} is in the wrong order, or has the wrong hash"));
            }
            last_audit = number;
        }
        *counts.entry(words).or_insert(0) += 1;
    }
    let mut expected = Vec::new();
    for number in 1..=ledger.audits {
        expected.push(format!("audit {number}"));
    }
    expected.push(format!("audit {}", head.length + 1));
    for (key, value) in &ledger.statuses {
        let tried = ledger.statuses_tried.get(key).unwrap_or(value);
        let newer = format!("status {key} {tried}");
        let replaced = tried > value && counts.contains_key(&newer);
        expected.push(if replaced { newer } else { format!("status {key} {value}") });
    }
    expected.push("status new 1".to_owned());
    for words in &expected {
        let committed = ledger.committed.contains(words);
        match counts.remove(words).unwrap_or(0) {
            0 if committed || ledger.committing.contains(words) => {}
            0 => wrong.lost.push(words.clone()),
            1 if !committed => {}
            times => {
                wrong.doubled.push(format!("{words} waits {times} times, committed: {committed}"))
            }
        }
    }
    let tried = |words: &str| {
        let number = |words: &str| words.rsplit(' ').next().and_then(|it| it.parse::<u64>().ok());
        match words.strip_prefix("status ").and_then(|rest| rest.split_once(' ')) {
            Some((key, value)) => ledger.statuses_tried.get(key).copied() == value.parse().ok(),
            None => number(words).is_some_and(|it| it > ledger.audits && it <= ledger.audits_tried),
        }
    };
    for (words, times) in counts {
        if times > 1 || !tried(&words) {
            wrong.doubled.push(format!("{words} waits {times} times and should not"));
        }
    }
}

/// The heads of the chain that all the records make.
#[derive(Default)]
struct Heads(Vec<ChainHead>);

impl Heads {
    fn encoded(&mut self, number: u64) -> Vec<u8> {
        // A number out of all reason has no record.
        let number = number.min(1 << 20);
        while (self.0.len() as u64) < number {
            let record = work::record(self.0.len() as u64 + 1);
            let head = self.0.last().copied().unwrap_or_default().extended(&record);
            self.0.push(head);
        }
        let head = self.0.get(number.saturating_sub(1) as usize).copied().unwrap_or_default();
        work::encode(&work::record(number), &head)
    }
}
