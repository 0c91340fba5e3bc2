//! The agent's disk is full, or read-only: the store goes on in memory, says so, and comes back.

use std::path::Path;
use std::process::{Command, Output};

use agent::store::BlockingStore;
use tests::powercut::work;

use crate::powercut::faults;

/// Runs the program that uses a store, by way of a shell.
fn by_shell(script: &str, command: &[&str], root: &Path) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(root).arg(faults());
    shell.args(command).output().unwrap()
}

#[test]
fn a_full_disk_stops_nothing_and_loses_nothing_that_was_on_it() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap();
    let ran = by_shell(r#"trap "" XFSZ; shift; exec "$@""#, &["store-full", path], root.path());
    let (said, errors) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{errors}");
    let full = said.lines().find_map(|line| line.strip_prefix("full ")).unwrap();
    let kept: u64 = full.parse().unwrap();
    let mut store = BlockingStore::open(work::options(root.path())).unwrap();
    // What was on the disk, what was held in memory while it was full, and what came after it.
    assert_eq!(store.waiting().unwrap().records, kept + 1);
    let mut number = 0;
    while let Some(batch) = store.batch(100, 1 << 20).unwrap() {
        for entry in &batch.entries {
            number += 1;
            assert_eq!(work::words(entry).unwrap(), format!("audit {number}"));
        }
        store.committed(&batch.epoch, batch.entries.last().unwrap().sequence).unwrap();
    }
}

#[test]
fn a_read_only_disk_is_told_and_nothing_is_set_aside() {
    let root = tempfile::tempdir().unwrap();
    drop(BlockingStore::open(work::options(root.path())).unwrap());
    let path = root.path().to_str().unwrap();
    let script = r#"exec unshare --user --map-root-user --mount sh -c '
        { mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"; } || exit 77
        shift; exec "$@"' sh "$@""#;
    let ran = by_shell(script, &["store-work", path, "1", "1"], root.path());
    let errors = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) || errors.contains("unshare") {
        eprintln!("a read-only disk is not tried, since none can be mounted here: {errors}");
        return;
    }
    assert!(!ran.status.success() && errors.contains("degraded: Some(ReadOnly)"), "{errors}");
    let names = std::fs::read_dir(root.path().join("data")).unwrap();
    assert_eq!(names.count(), 1, "the cache alone");
}
