//! The power of the agent's disk is cut, again and again: nothing acknowledged is lost, and the agent starts.

use std::io::Write as _;
use std::path::PathBuf;

use tests::powercut::{Recording, Syncs, Tally, cuts, hindrance, idle_syncs_per_day, record};

const CUTS: u32 = 40;

/// The program that uses a store as it is told.
pub fn faults() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let mut beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("palisade-faults"));
    let found = beside.find(|it| it.is_file());
    found.expect("palisade-faults is built; run cargo build --workspace in the same profile")
}

/// The program whose disk is cut; `None`, and a word on standard error, where nothing can be traced.
fn program() -> Option<PathBuf> {
    if let Some(hindrance) = hindrance() {
        let _ = writeln!(std::io::stderr(), "power cuts are not tried: {hindrance}");
        return None;
    }
    Some(faults())
}

fn cut(recording: &Recording, syncs: Syncs) -> (Tally, Vec<String>) {
    let mut told = Vec::new();
    let tally = cuts(recording, CUTS, 7, syncs, |case| told.push(case.to_owned())).unwrap();
    (tally, told)
}

#[test]
fn after_a_power_cut_nothing_acknowledged_is_lost_or_doubled() {
    let Some(program) = program() else { return };
    let recording = record(&program, 120).unwrap();
    let (tally, told) = cut(&recording, Syncs::Count);
    assert_eq!((tally, told), (Tally { trials: CUTS, ..Tally::default() }, vec![]));
    // The same cuts find what stock sled does, whose way to sync syncs nothing.
    let (tally, _) = cut(&recording, Syncs::OfContentDoNothing);
    assert!(tally.lost > 0, "these cuts would not find a store that does not sync: {tally:?}");
}

#[test]
fn an_idle_store_syncs_the_disk_less_than_9000_times_a_day() {
    let Some(program) = program() else { return };
    let syncs = idle_syncs_per_day(&program).unwrap();
    assert!((1..9000).contains(&syncs), "{syncs} syncs a day");
}
