use proto::Timestamp;

use super::super::entry::Kind;
use super::super::files::DurableFile;
use super::super::numbers::MOST_BYTES;
use super::*;

const BOUNDS: Bounds = Bounds { bytes: 100_000, status_age: 1000 };

struct World {
    folder: tempfile::TempDir,
    numbers: DurableFile,
    shelf: Shelf,
    outbox: Outbox,
}

impl World {
    fn new(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let numbers = DurableFile::new(folder.path(), "numbers", MOST_BYTES);
        let mut shelf = Shelf::in_memory();
        let free = Numbers::load(numbers.clone()).unwrap();
        let outbox = Outbox::load(&mut shelf, "first", bounds, free).unwrap();
        Self { folder, numbers, shelf, outbox }
    }

    fn push(&mut self, entries: &[NewEntry]) -> Vec<u64> {
        self.outbox.push_all(&mut self.shelf, entries, Vec::new()).unwrap()
    }

    fn restart(&mut self) {
        let numbers = Numbers::load(self.numbers.clone()).unwrap();
        self.outbox = Outbox::load(&mut self.shelf, "second", self.outbox.bounds, numbers).unwrap();
    }

    fn batch(&mut self, entries: usize, bytes: usize) -> Option<(String, Vec<u64>)> {
        let batch = self.outbox.batch(&mut self.shelf, entries, bytes).unwrap()?;
        Some((batch.epoch, batch.entries.iter().map(|entry| entry.sequence).collect()))
    }

    fn all(&mut self) -> Vec<u64> {
        self.batch(1000, 1 << 20).map(|(_, sequences)| sequences).unwrap_or_default()
    }

    fn commit(&mut self, epoch: &str, up_to: u64) {
        self.outbox.committed(&mut self.shelf, epoch, up_to).unwrap();
    }

    fn damage(&mut self, key: &[u8]) {
        let Shelf::Memory(map) = &mut self.shelf else { unreachable!("a test in memory") };
        let part = map.range_mut(key.to_vec()..).next().unwrap().1;
        *part.last_mut().unwrap() ^= 1;
    }
}

fn entry(kind: Kind, key: &str, time: i64) -> NewEntry {
    NewEntry { kind, key: key.to_owned(), bytes: vec![1; 100], time: Timestamp::from_unix(time) }
}

fn audit(time: i64) -> NewEntry {
    entry(Kind::Audit, "", time)
}

fn status(key: &str, time: i64) -> NewEntry {
    entry(Kind::Status, key, time)
}

#[test]
fn entries_come_in_order_and_again_until_they_are_committed() {
    let mut world = World::new(BOUNDS);
    assert_eq!(world.batch(10, 10_000), None);
    assert_eq!(world.push(&[audit(1), status("a", 2), audit(3)]), [1, 2, 3]);
    let first = Some(("first".to_owned(), vec![1, 2]));
    assert_eq!(world.batch(2, 10_000), first);
    assert_eq!(world.batch(2, 10_000), first);
    world.commit("first", 2);
    assert_eq!(world.all(), [3]);
}

#[test]
fn a_batch_is_bounded_in_bytes_but_never_empty() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2), audit(3)]);
    assert_eq!(world.batch(10, 200).unwrap().1, [1, 2]);
    assert_eq!(world.batch(10, 1).unwrap().1, [1]);
}

#[test]
fn newer_status_takes_the_place_of_waiting_status_and_audit_is_kept() {
    let mut world = World::new(BOUNDS);
    world.push(&[
        status("a", 1),
        status("b", 2),
        audit(3),
        status("a", 4),
        status("a", 5),
        audit(6),
    ]);
    assert_eq!(world.all(), [2, 3, 5, 6]);
    world.restart();
    let last = world.push(&[status("b", 7)])[0];
    assert_eq!(world.all(), [3, 5, 6, last]);
    assert_eq!(world.outbox.waiting(&world.shelf).unwrap().records, 4);
}

#[test]
fn escrow_stays_over_bounds_age_and_restart_until_it_is_committed() {
    let mut world = World::new(Bounds { bytes: 1000, status_age: 10 });
    let escrow = |key: &str| entry(Kind::Escrow, key, 0);
    assert!(world.outbox.has_room_for(&escrow("a")));
    world.push(&[escrow("a"), escrow("b"), escrow("c")]);
    assert!(!world.outbox.has_room_for(&escrow("d")));
    let rest: Vec<_> = (0..20).map(|time| audit(time * 100)).collect();
    world.push(&rest);
    world.push(&[status("s", 5000)]);
    assert_eq!(world.all()[..3], [1, 2, 3]);
    assert!(world.outbox.dropped().audit > 0);
    world.restart();
    assert_eq!(world.all()[..3], [1, 2, 3]);
    assert!(world.outbox.waits("b") && !world.outbox.waits("s"));
    world.commit("first", 2);
    assert!(!world.outbox.waits("b") && world.outbox.waits("c"));
}

#[test]
fn what_was_not_handed_out_cannot_be_committed() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2), audit(3)]);
    world.commit("first", 3);
    assert_eq!(world.batch(2, 10_000).unwrap().1, [1, 2]);
    world.commit("another", 2);
    assert_eq!(world.all().len(), 3);
    assert_eq!(world.batch(2, 10_000).unwrap().1, [1, 2]);
    world.commit("first", u64::MAX);
    assert_eq!(world.all(), [3]);
}

#[test]
fn numbers_go_on_after_a_restart_also_when_nothing_waits() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2)]);
    world.all();
    world.commit("first", 2);
    world.restart();
    let third = world.push(&[audit(3)]);
    assert!(third[0] > 2);
    assert_eq!(world.batch(10, 10_000), Some(("first".to_owned(), third)));
}

#[test]
fn without_its_numbers_a_new_epoch_begins_and_what_waits_is_kept() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2)]);
    world.damage(STATE_KEY);
    world.restart();
    assert_eq!(world.push(&[audit(3)]), [1]);
    assert_eq!(world.batch(10, 10_000), Some(("first".to_owned(), vec![1, 2])));
    world.commit("first", 2);
    assert_eq!(world.batch(10, 10_000), Some(("second".to_owned(), vec![1])));
}

#[test]
fn entries_whose_epoch_has_lost_its_name_are_kept_under_another() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2)]);
    world.damage(&epoch_key(1));
    world.restart();
    assert_eq!(world.push(&[audit(3)]), [1]);
    let (epoch, sequences) = world.batch(10, 10_000).unwrap();
    assert_ne!(epoch, "first");
    assert_eq!(sequences, [1, 2]);
    world.commit(&epoch, 2);
    assert_eq!(world.batch(10, 10_000), Some(("second".to_owned(), vec![1])));
}

#[test]
fn a_damaged_entry_is_counted_and_never_given() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), audit(2), status("a", 3)]);
    world.damage(&Place { epoch: 1, sequence: 2 }.key());
    assert_eq!(world.all(), [1, 3]);
    assert_eq!(world.outbox.dropped().damaged, 1);
    world.damage(&Place { epoch: 1, sequence: 3 }.key());
    world.restart();
    assert_eq!(world.all(), [1]);
    assert_eq!(world.outbox.dropped().damaged, 2);
}

#[test]
fn over_the_bound_the_oldest_status_goes_first_and_audit_last() {
    let mut world = World::new(Bounds { bytes: 700, ..BOUNDS });
    world.push(&[audit(1), status("a", 2), status("b", 3), audit(4)]);
    world.push(&[audit(5)]);
    assert_eq!(world.all(), [1, 3, 4, 5]);
    world.push(&[audit(6)]);
    assert_eq!(world.all(), [1, 4, 5, 6]);
    assert_eq!(world.outbox.dropped(), Dropped { audit: 0, status: 2, damaged: 0 });
    world.push(&[audit(7)]);
    assert_eq!(world.all(), [4, 5, 6, 7]);
    world.restart();
    assert_eq!(world.outbox.dropped(), Dropped { audit: 1, status: 2, damaged: 0 });
    assert!(world.outbox.waiting(&world.shelf).unwrap().bytes <= 700);
}

#[test]
fn age_ends_status_and_never_audit() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(0), status("a", 0), status("b", 500)]);
    world.push(&[audit(1_200)]);
    assert_eq!(world.all(), [1, 3, 4]);
    // A clock that jumps.
    world.push(&[audit(4_000_000_000)]);
    assert_eq!(world.all(), [1, 4, 5]);
}

#[test]
fn what_was_gathered_in_memory_comes_last_and_keeps_its_places() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1), status("a", 2)]);
    let mut memory = World::new(BOUNDS);
    memory.outbox =
        Outbox::load(&mut Shelf::in_memory(), "memory", BOUNDS, Numbers::in_memory()).unwrap();
    memory.push(&[status("a", 3), status("b", 4), status("b", 5)]);
    let World { shelf, outbox, .. } = &mut world;
    outbox.adopt(shelf, &memory.outbox, &memory.shelf, "second").unwrap();
    // Twice, as after a failure in between.
    outbox.adopt(shelf, &memory.outbox, &memory.shelf, "third").unwrap();
    assert_eq!(world.batch(10, 10_000), Some(("first".to_owned(), vec![1])));
    world.commit("first", 1);
    assert_eq!(world.batch(10, 10_000), Some(("memory".to_owned(), vec![1, 3])));
    assert_eq!(world.push(&[audit(6)]), [4]);
    world.restart();
    assert!(world.push(&[audit(7)])[0] > 4);
    world.all();
    world.commit("memory", u64::MAX);
    assert_eq!(world.all(), [0; 0]);
    assert_eq!(world.outbox.epochs.len(), 1);
}

#[test]
fn a_mark_tells_whether_an_unsure_change_was_kept() {
    let mut world = World::new(BOUNDS);
    let mark = world.outbox.mark(2);
    world.restart();
    assert!(!world.outbox.holds(&mark));
    let mark = world.outbox.mark(2);
    let sequences = world.push(&[status("a", 1), status("a", 2)]);
    world.restart();
    assert!(world.outbox.holds(&mark));
    assert_eq!(mark.sequences(), sequences);
}

#[test]
fn an_outbox_that_went_back_does_not_give_a_number_twice() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1)]);
    let Shelf::Memory(earlier) = &world.shelf else { unreachable!("a test in memory") };
    let earlier = earlier.clone();
    let last = *world.push(&[audit(2), audit(3)]).last().unwrap();
    world.shelf = Shelf::Memory(earlier);
    world.restart();
    assert!(world.push(&[audit(4)])[0] > last);
    assert_eq!(world.batch(10, 10_000).unwrap().0, "first");
}

#[test]
fn without_the_file_of_numbers_a_new_epoch_begins() {
    let mut world = World::new(BOUNDS);
    world.push(&[audit(1)]);
    std::fs::remove_dir_all(world.folder.path()).unwrap();
    world.restart();
    assert_eq!(world.push(&[audit(2)]), [1]);
    assert_eq!(world.batch(10, 10_000), Some(("first".to_owned(), vec![1])));
}
