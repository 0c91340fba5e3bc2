use super::*;

fn key(number: u8) -> Vec<u8> {
    vec![b'x', number]
}

fn put(number: u8, content: &[u8]) -> Edit {
    Edit::Put(key(number), content.to_vec())
}

fn all(shelf: &Shelf) -> Vec<(u8, Found)> {
    let mut all = Vec::new();
    shelf
        .scan(&key(0), &key(255), &mut |key, found| {
            all.push((key[1], found));
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

/// The same on the disk and in memory.
fn on_both(test: impl Fn(Shelf)) {
    let folder = tempfile::tempdir().unwrap();
    let db = sled::Config::new().path(folder.path()).open().unwrap();
    test(Shelf::Disk(db, Hold::on(folder.path())));
    test(Shelf::in_memory());
}

fn raw(shelf: &Shelf, part: (u8, u16)) -> Vec<u8> {
    let key = part_key(&key(part.0), part.1);
    shelf.range(&key, &key).next().unwrap().unwrap().1
}

fn set_raw(shelf: &mut Shelf, part: (u8, u16), bytes: Option<Vec<u8>>) {
    let key = part_key(&key(part.0), part.1);
    match (shelf, bytes) {
        (Shelf::Disk(db, _), Some(bytes)) => drop(db.insert(key, bytes).unwrap()),
        (Shelf::Disk(db, _), None) => drop(db.remove(key).unwrap()),
        (Shelf::Memory(map), Some(bytes)) => drop(map.insert(key, bytes)),
        (Shelf::Memory(map), None) => drop(map.remove(&key)),
    }
}

#[test]
fn records_of_any_length_come_back_in_the_order_of_their_keys() {
    on_both(|mut shelf| {
        let lengths = [0, 1, PART - 5, PART - 4, PART, 3 * PART, 100_000];
        let content = |length: usize| (0..length).map(|at| (at % 251) as u8).collect::<Vec<_>>();
        let edits: Vec<_> =
            lengths.iter().zip(0..).map(|(length, at)| put(at, &content(*length))).collect();
        shelf.apply(&edits).unwrap();
        let expected: Vec<_> = lengths
            .iter()
            .zip(0..)
            .map(|(length, at)| (at, Found::Sound(content(*length))))
            .collect();
        assert_eq!(all(&shelf), expected);
        assert_eq!(shelf.get(&key(5)).unwrap(), Some(Found::Sound(content(3 * PART))));
        assert_eq!(shelf.get(&key(77)).unwrap(), None);
    });
}

#[test]
fn a_shorter_record_leaves_nothing_of_the_longer_one() {
    on_both(|mut shelf| {
        shelf.apply(&[put(1, &[7; 10 * PART]), put(2, b"two")]).unwrap();
        shelf.apply(&[put(1, b"short"), Edit::Remove(key(2))]).unwrap();
        assert_eq!(all(&shelf), [(1, Found::Sound(b"short".to_vec()))]);
        shelf
            .apply(&[put(1, &[7; 10 * PART]), put(1, b"last"), put(3, b"x"), Edit::Remove(key(3))])
            .unwrap();
        assert_eq!(all(&shelf), [(1, Found::Sound(b"last".to_vec()))]);
        shelf.apply(&[Edit::Remove(key(1))]).unwrap();
        assert!(shelf.is_empty().unwrap());
    });
}

#[test]
fn a_record_that_lacks_a_part_or_has_a_wrong_one_is_damaged() {
    on_both(|mut shelf| {
        let content: Vec<_> = (0..3 * PART).map(|at| at as u8).collect();
        for part in 0..4 {
            shelf.apply(&[put(1, &content), put(2, b"beside")]).unwrap();
            let sound = raw(&shelf, (1, part));
            let mut changed = sound.clone();
            *changed.last_mut().unwrap() ^= 1;
            for bytes in [None, Some(changed), Some(Vec::new())] {
                set_raw(&mut shelf, (1, part), bytes);
                let expected = [(1, Found::Damaged), (2, Found::Sound(b"beside".to_vec()))];
                assert_eq!(all(&shelf), expected, "part {part}");
            }
            shelf.apply(&[Edit::Remove(key(1))]).unwrap();
            assert_eq!(shelf.get(&key(1)).unwrap(), None);
        }
    });
}

#[test]
fn no_record_is_so_long_that_sled_puts_it_into_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let place =
        super::super::open::Place { folder: folder.path().join("cache"), flush_every: 60_000 };
    let (mut shelf, _) = super::super::open::open(&place).unwrap();
    for round in 0..20 {
        let edits: Vec<_> = (0..20).map(|at| put(at, &vec![round; 40_000])).collect();
        shelf.apply(&edits).unwrap();
    }
    shelf.close();
    assert_eq!(std::fs::read_dir(place.folder.join("blobs")).unwrap().count(), 0);
}

#[test]
fn a_panic_is_damage() {
    assert_eq!(caught::<()>(|| panic!("as sled does")), Err(Trouble::Damaged));
}
