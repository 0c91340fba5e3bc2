//! Agent and controller are killed under load: the short version of `tests/faults kill`.

use tests::kill::{Tally, kill};

#[tokio::test]
async fn what_was_acknowledged_outlives_any_kill_once() {
    let folder = tempfile::tempdir().unwrap();
    let tally = kill(folder.path(), 6, &|text| eprintln!("{text}")).await.unwrap();
    assert_eq!(tally, Tally { trials: 12, lost: 0, doubled: 0, dead: 0 });
}
