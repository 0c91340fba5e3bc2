use std::fs;
use std::path::Path;

use certs::audit::Record;
use proto::Timestamp;

use super::super::entry::Kind;
use super::super::{DurableFile, Healing};
use super::*;

fn encode(record: &Record, head: &ChainHead) -> Vec<u8> {
    format!("{} {} {}", record.number, record.detail, certs::random::hex(&head.hash)).into_bytes()
}

fn options(folder: &Path) -> Options {
    Options::new(folder.join("data"), encode)
}

fn open(folder: &Path) -> BlockingStore {
    BlockingStore::open(options(folder)).unwrap()
}

fn draft(detail: &str) -> Draft {
    let text = |text: &str| text.to_owned();
    Draft {
        time: Timestamp::from_unix(1_800_000_000),
        actor: text("palisade://acme/agent/1"),
        deed: text("visit_failed"),
        subject: text("camera-1"),
        detail: text(detail),
    }
}

fn status(key: &str, words: &str) -> NewEntry {
    let (key, bytes) = (key.to_owned(), words.as_bytes().to_vec());
    NewEntry { kind: Kind::Status, key, bytes, time: Timestamp::from_unix(1_800_000_000) }
}

/// The words of everything that waits, of all epochs, which is then committed.
fn uploaded(store: &mut BlockingStore) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(batch) = store.batch(3, 1 << 20).unwrap() {
        words.extend(batch.entries.iter().map(|it| String::from_utf8(it.bytes.clone()).unwrap()));
        store.committed(&batch.epoch, batch.entries.last().unwrap().sequence).unwrap();
    }
    words
}

/// Number and detail of audit records, whose hashes are checked to continue `head`.
fn chained(words: &[String], head: &mut ChainHead) -> Vec<String> {
    let check = |words: &String| {
        let [number, detail, hash] = words.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{words} is no record");
        };
        let Draft { time, actor, deed, subject, detail } = draft(detail);
        let number = number.parse().unwrap();
        assert_eq!(number, head.length + 1);
        *head =
            head.extended(&Record { number, time, actor, deed, subject, detail: detail.clone() });
        assert_eq!(certs::random::hex(&head.hash), hash);
        format!("{number} {detail}")
    };
    words.iter().map(check).collect()
}

/// A file in the place of the data folder, which stands for a disk that will not do.
fn break_disk(folder: &Path) {
    let _ = fs::rename(folder.join("data"), folder.join("away"));
    fs::write(folder.join("data"), "in the way").unwrap();
}

fn mend_disk(folder: &Path) {
    fs::remove_file(folder.join("data")).unwrap();
    let _ = fs::rename(folder.join("away"), folder.join("data"));
}

#[test]
fn everything_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert!(store.condition().real_syncs, "sled does not call our function");
    store.audit(vec![draft("one"), draft("two")]).unwrap();
    let pushed = store.push(status("camera-1", "fine")).unwrap();
    assert_eq!(pushed, Pushed { sequences: vec![3], kept: Kept::OnDisk });
    store.keep_desired(b"what should be").unwrap();
    store.keep_all(Drawer::Reports, vec![("camera-1".to_owned(), b"report".to_vec())]).unwrap();
    let (before, head) = (store.condition(), store.head());
    drop(store);
    let mut store = open(folder.path());
    assert_eq!((store.condition(), store.head()), (before, head));
    assert_eq!(store.notices(), []);
    assert_eq!(store.desired().unwrap().unwrap().bytes, b"what should be");
    assert_eq!(store.get(Drawer::Reports, "camera-1").unwrap().unwrap(), b"report");
    assert_eq!(store.get(Drawer::Inventory, "camera-1").unwrap(), None);
    assert_eq!(store.waiting().unwrap().records, 3);
    let words = uploaded(&mut store);
    assert_eq!(chained(&words[..2], &mut ChainHead::default()), ["1 one", "2 two"]);
    assert_eq!(words[2], "fine");
}

#[test]
fn while_the_disk_will_not_do_all_goes_on_in_memory_and_moves_back() {
    let folder = tempfile::tempdir().unwrap();
    break_disk(folder.path());
    let mut store = open(folder.path());
    assert!(store.condition().degraded.is_some());
    assert_eq!(store.audit(vec![draft("one")]).unwrap(), Kept::InMemory);
    assert_eq!(store.push(status("camera-1", "fine")).unwrap().kept, Kept::InMemory);
    assert_eq!(store.push(status("camera-2", "fine too")).unwrap().kept, Kept::InMemory);
    assert_eq!(store.keep_desired(b"what should be").unwrap(), Kept::InMemory);
    assert_eq!(store.condition().held, 1);
    let batch = store.batch(1, 1000).unwrap().unwrap();
    store.committed(&batch.epoch, batch.entries[0].sequence).unwrap();
    store.mend().unwrap();
    assert!(store.condition().degraded.is_some());
    mend_disk(folder.path());
    store.mend().unwrap();
    assert_eq!((store.condition().degraded, store.condition().held), (None, 0));
    assert_eq!(store.notices().last(), Some(&Notice::BackOnDisk));
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(store.desired().unwrap().unwrap().bytes, b"what should be");
    assert_eq!(store.batch(9, 1000).unwrap().unwrap().epoch, batch.epoch);
    let words = uploaded(&mut store);
    assert_eq!(words[0], "fine too");
    assert_eq!(chained(&words[1..], &mut ChainHead::default()), ["1 one"]);
}

#[test]
fn what_waited_on_the_disk_is_uploaded_before_what_was_gathered_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.audit(vec![draft("one")]).unwrap();
    store.push(status("camera-1", "old")).unwrap();
    drop(store);
    break_disk(folder.path());
    let mut store = open(folder.path());
    store.push(status("camera-1", "new")).unwrap();
    store.audit(vec![draft("two")]).unwrap();
    mend_disk(folder.path());
    store.mend().unwrap();
    let words = uploaded(&mut store);
    assert_eq!(words[1], "new");
    let records = [words[0].clone(), words[2].clone()];
    assert_eq!(chained(&records, &mut ChainHead::default()), ["1 one", "2 two"]);
}

#[test]
fn memory_is_bounded_too() {
    let folder = tempfile::tempdir().unwrap();
    break_disk(folder.path());
    let mut options = options(folder.path());
    options.held = (10, 10_000);
    options.outbox_in_memory.bytes = 1000;
    options.cache_bytes_in_memory = 1000;
    let mut store = BlockingStore::open(options).unwrap();
    for number in 0..50 {
        store.audit(vec![draft("one")]).unwrap();
        store.push(status(&format!("camera-{number}"), "fine")).unwrap();
    }
    let condition = store.condition();
    assert_eq!((condition.held, condition.refused), (10, 40));
    assert!(store.waiting().unwrap().bytes <= 1000 && condition.dropped.status > 0);
    assert!(matches!(store.keep_desired(&[0; 1001]), Err(StoreError::CacheFull)));
}

#[test]
fn after_a_rebuilt_outbox_no_audit_number_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.audit(vec![draft("one")]).unwrap();
    let mut head = store.head().unwrap();
    let epoch = store.batch(1, 1000).unwrap().unwrap().epoch;
    drop(store);
    fs::write(folder.path().join("data/cache/db"), "rubbish ".repeat(100_000)).unwrap();
    let mut store = open(folder.path());
    let notices = store.notices();
    assert!(matches!(
        notices[..],
        [.., Notice::Healed(Healing::SetAside(_)), Notice::OutboxWentBack]
    ));
    store.audit(vec![draft("two")]).unwrap();
    assert_ne!(store.batch(1, 1000).unwrap().unwrap().epoch, epoch);
    assert_eq!(chained(&uploaded(&mut store), &mut head), ["2 two"]);
}

#[test]
fn a_cut_between_outbox_and_head_file_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.audit(vec![draft("one")]).unwrap();
    let durable = folder.path().join("data/durable");
    let before = DurableFile::new(&durable, "audit-head", 40).read().unwrap().unwrap().bytes;
    store.audit(vec![draft("two")]).unwrap();
    drop(store);
    let stale = [Some(before.as_slice()), None];
    for (stale, number) in stale.into_iter().zip(3..) {
        fs::remove_dir_all(&durable).unwrap();
        if let Some(stale) = stale {
            DurableFile::new(&durable, "audit-head", 40).write(stale).unwrap();
        }
        let mut store = open(folder.path());
        assert_eq!(store.head().unwrap().length, number - 1);
        store.audit(vec![draft("more")]).unwrap();
        assert_eq!(store.head().unwrap().length, number);
    }
    let mut store = open(folder.path());
    let words = chained(&uploaded(&mut store), &mut ChainHead::default());
    assert_eq!(words, ["1 one", "2 two", "3 more", "4 more"]);
}

#[test]
fn a_damaged_head_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.audit(vec![draft("one")]).unwrap();
    drop(store);
    fs::write(folder.path().join("data/durable/audit-head.0"), "rubbish").unwrap();
    let mut store = open(folder.path());
    assert!(matches!(store.notices()[..], [Notice::DamagedFile(_)]));
    assert_eq!(store.head().unwrap().length, 1);
}

#[test]
fn damage_under_an_open_store_does_not_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    // More than sled keeps in memory, which is some ten times what it is told.
    let options = Options { cache_bytes: 1 << 30, ..options(folder.path()) };
    let mut store = BlockingStore::open(options).unwrap();
    store.audit(vec![draft("one")]).unwrap();
    for number in 0..200 {
        let report = vec![number; 250_000];
        store.keep_all(Drawer::Reports, vec![(format!("camera-{number}"), report)]).unwrap();
    }
    let db = folder.path().join("data/cache/db");
    let length = fs::metadata(&db).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&db).unwrap();
    file.set_len(0).unwrap();
    file.set_len(length).unwrap();
    for (_, report) in store.all(Drawer::Reports).unwrap() {
        assert!(report.iter().all(|byte| *byte == report[0]) && report.len() == 250_000);
    }
    assert_eq!(store.audit(vec![draft("two")]).unwrap(), Kept::OnDisk);
    assert_eq!(store.head().unwrap().length, 2);
    let healed = |notice: &Notice| matches!(notice, Notice::Healed(Healing::SetAside(_)));
    assert!(store.notices().iter().any(healed));
}

#[test]
fn a_second_store_on_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = BlockingStore::open(options(folder.path()));
    assert!(matches!(second, Err(StoreError::InUse(_))));
    drop(first);
    open(folder.path());
}

#[test]
fn what_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let large = String::from_utf8(vec![b'x'; LONGEST_ENTRY + 1]).unwrap();
    let refused = |error| matches!(error, StoreError::TooLarge { .. });
    assert!(refused(store.push(status("camera-1", &large)).unwrap_err()));
    assert!(refused(store.push(status(&large, "fine")).unwrap_err()));
    assert!(refused(store.audit(vec![draft(&large)]).unwrap_err()));
    assert!(refused(store.keep_all(Drawer::Reports, vec![(large, vec![])]).unwrap_err()));
    assert!(refused(store.keep_desired(&vec![0; LONGEST_DESIRED + 1]).unwrap_err()));
    assert_eq!(store.waiting().unwrap().records, 0);
}
