use super::*;

struct World {
    parent: tempfile::TempDir,
    place: Place,
}

fn world() -> World {
    let parent = tempfile::tempdir().unwrap();
    let place = Place { folder: parent.path().join("cache"), flush_every: 60_000 };
    World { parent, place }
}

const RECORDS: u16 = 300;

fn record(number: u16) -> (Vec<u8>, Vec<u8>) {
    let key = [b"x".as_slice(), &number.to_be_bytes()].concat();
    (key, number.to_be_bytes().repeat(usize::from(number)))
}

impl World {
    fn file(&self, name: &str) -> PathBuf {
        self.place.folder.join(name)
    }

    /// A store with records in it, closed.
    fn filled() -> Self {
        let world = world();
        let (mut shelf, healed) = open(&world.place).unwrap();
        assert_eq!(healed, []);
        for numbers in (0..RECORDS).collect::<Vec<_>>().chunks(20) {
            let edits: Vec<_> = numbers
                .iter()
                .map(|number| {
                    let (key, content) = record(*number);
                    Edit::Put(key, content)
                })
                .collect();
            shelf.apply(&edits).unwrap();
        }
        shelf.close();
        world
    }

    /// Opens it, checks that no record says anything wrong; gives how many records there are
    /// and what was done.
    fn opened(&self) -> (usize, Vec<Healing>) {
        let (mut shelf, healed) = open(&self.place).unwrap();
        let sound = (0..RECORDS).filter(|number| {
            let (key, content) = record(*number);
            match shelf.get(&key) {
                Ok(Some(Found::Sound(found))) => {
                    assert_eq!(found, content);
                    true
                }
                Ok(Some(Found::Damaged) | None) | Err(_) => false,
            }
        });
        let sound = sound.count();
        let _ = shelf.apply(&[Edit::Put(b"y".to_vec(), b"new".to_vec())]);
        shelf.close();
        (sound, healed)
    }

    fn set_aside(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.parent.path()).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| *path != self.place.folder).collect()
    }
}

const ALL: usize = RECORDS as usize;

#[test]
fn a_store_in_order_is_opened_as_it_is() {
    assert_eq!(World::filled().opened(), (ALL, vec![]));
}

#[test]
fn a_torn_snapshot_costs_nothing() {
    let world = World::filled();
    fs::write(world.file("snap.0000000000000123.generating"), "").unwrap();
    assert_eq!(world.opened(), (ALL, vec![Healing::TornSnapshot]));
}

#[test]
fn damaged_snapshots_cost_nothing() {
    let world = World::filled();
    world.opened();
    let names = fs::read_dir(&world.place.folder).unwrap().map(|it| it.unwrap().path());
    let snapshots: Vec<_> = names.filter(|it| it.to_string_lossy().contains("snap.")).collect();
    assert!(!snapshots.is_empty());
    for snapshot in snapshots {
        fs::write(snapshot, "").unwrap();
    }
    assert_eq!(world.opened(), (ALL, vec![Healing::Snapshots]));
}

#[test]
fn damaged_settings_cost_nothing() {
    for damaged in [b"".as_slice(), &[0; 70], b"segment_size: 512\n", &[b'x'; 10_000]] {
        let world = World::filled();
        fs::write(world.file("conf"), damaged).unwrap();
        assert_eq!(world.opened(), (ALL, vec![Healing::Settings]));
    }
}

#[test]
fn damaged_files_are_opened_or_set_aside_and_never_give_wrong_records() {
    let sound = fs::read(World::filled().file("db")).unwrap();
    let mut lossy = 0;
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for trial in 0..24 {
        let mut damaged = sound.clone();
        match trial % 3 {
            0 => damaged[random(sound.len())] ^= 1 << random(8),
            1 => damaged.truncate(random(sound.len())),
            _ => {
                let page = random(sound.len() / 4096) * 4096;
                damaged[page..page + 4096].fill(0);
            }
        }
        let world = world();
        fs::create_dir(&world.place.folder).unwrap();
        fs::write(world.file("db"), damaged).unwrap();
        lossy += usize::from(world.opened().0 < ALL);
    }
    assert!(lossy > 0, "no damage cost a record: the trial is too easy");
}

#[test]
fn rubbish_is_set_aside_and_only_the_last_two_are_kept() {
    let world = World::filled();
    for round in 1..=4 {
        fs::write(world.file("db"), vec![round; 1 << 20]).unwrap();
        let (sound, healed) = world.opened();
        let place = world.parent.path().join(format!("cache.set-aside.{round}"));
        assert_eq!((sound, healed.last()), (0, Some(&Healing::SetAside(place.clone()))));
        assert!(place.join("db").is_file());
        assert_eq!(world.opened(), (0, vec![]));
    }
    assert_eq!(world.set_aside().len(), MOST_SET_ASIDE);
}

#[test]
fn what_lies_in_the_folders_place_is_set_aside() {
    let world = world();
    fs::write(&world.place.folder, "a file").unwrap();
    let (_, healed) = world.opened();
    assert_eq!(healed, [Healing::SetAside(world.parent.path().join("cache.set-aside.1"))]);
    assert_eq!(fs::read_to_string(&world.set_aside()[0]).unwrap(), "a file");
}

#[test]
fn folders_in_the_place_of_files_are_set_aside_or_removed() {
    for name in ["db", "conf", "snap.0000000000000001", "snap.x.generating"] {
        let world = world();
        fs::create_dir_all(world.file(name).join("deeper")).unwrap();
        world.opened();
        assert_eq!(world.opened(), (0, vec![]), "{name}");
    }
}

#[test]
fn another_programs_store_is_set_aside_untouched() {
    for segment in [SEGMENT_BYTES, SEGMENT_BYTES / 2] {
        let world = world();
        let others = sled::Config::new().path(&world.place.folder).segment_size(segment);
        let db = others.open().unwrap();
        db.insert("theirs", "their content").unwrap();
        db.open_tree("tree").unwrap().insert("a", "b").unwrap();
        drop(db);
        let (_, healed) = world.opened();
        let place = world.parent.path().join("cache.set-aside.1");
        assert_eq!(healed, [Healing::SetAside(place.clone())]);
        let db = sled::Config::new().path(place).segment_size(segment).open().unwrap();
        assert_eq!(db.get("theirs").unwrap().unwrap(), "their content");
    }
}

#[test]
fn a_newer_versions_store_is_set_aside() {
    let world = World::filled();
    let (mut shelf, _) = open(&world.place).unwrap();
    let newer = (FORMAT + 1).to_be_bytes().to_vec();
    shelf.apply(&[Edit::Put(FORMAT_KEY.to_vec(), newer)]).unwrap();
    shelf.close();
    assert!(matches!(world.opened(), (0, healed) if matches!(healed[..], [Healing::SetAside(_)])));
}

#[test]
fn a_damaged_mark_of_ours_does_not_make_it_anothers() {
    let world = World::filled();
    let (shelf, _) = open(&world.place).unwrap();
    let Shelf::Disk(db, _) = &shelf else { unreachable!("it is on the disk") };
    db.insert([FORMAT_KEY, &[0, 0]].concat(), b"damaged").unwrap();
    shelf.close();
    assert_eq!(world.opened(), (ALL, vec![]));
}

#[test]
fn a_store_in_use_is_left_alone() {
    let world = World::filled();
    let first = open(&world.place).unwrap().0;
    assert!(matches!(open(&world.place), Err(Trouble::InUse)));
    first.close();
    assert_eq!(world.opened(), (ALL, vec![]));
}
