use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;

fn file(folder: &Path) -> DurableFile {
    DurableFile::new(&folder.join("private"), "thing", 100)
}

fn text(file: &DurableFile) -> String {
    let content = file.read().unwrap().unwrap();
    String::from_utf8(content.bytes.to_vec()).unwrap()
}

#[test]
fn what_is_written_is_read_back_with_its_generation() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    assert_eq!(file.read().unwrap(), None);
    for (generation, words) in (1..).zip(["one", "", "three", "four"]) {
        assert_eq!(file.write(words.as_bytes()).unwrap(), generation);
        let content = file.read().unwrap().unwrap();
        assert_eq!((content.generation, content.damaged), (generation, None));
        assert_eq!(text(&file), words);
    }
}

#[test]
fn any_damage_to_one_generation_leaves_the_other_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write(b"old").unwrap();
    file.write(b"new").unwrap();
    let sound = fs::read(file.path(1)).unwrap();
    let changed = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = |end: usize| sound[..end].to_vec();
    let longer = [sound.as_slice(), b"x"].concat();
    let all = (0..sound.len()).flat_map(|at| [changed(at), cut(at)]).chain([longer]);
    for damaged in all {
        fs::write(file.path(1), damaged).unwrap();
        let content = file.read().unwrap().unwrap();
        assert_eq!(content.bytes.as_slice(), b"old");
        assert_eq!(content.damaged, Some(file.path(1)));
    }
}

#[test]
fn a_write_mends_the_damaged_generation_and_keeps_the_sound_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write(b"old").unwrap();
    file.write(b"new").unwrap();
    fs::write(file.path(1), b"rubbish").unwrap();
    assert_eq!(file.write(b"newer").unwrap(), 2);
    assert_eq!(file.read().unwrap().unwrap().damaged, None);
    fs::remove_file(file.path(1)).unwrap();
    assert_eq!(text(&file), "old");
}

#[test]
fn two_damaged_generations_are_an_error_and_not_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write(b"old").unwrap();
    file.write(b"new").unwrap();
    fs::write(file.path(0), b"").unwrap();
    fs::write(file.path(1), vec![0; 1 << 20]).unwrap();
    assert!(matches!(file.read(), Err(StoreError::Damaged(_))));
    file.write(b"again").unwrap();
    assert_eq!(text(&file), "again");
}

#[test]
fn only_the_owner_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write(b"secret").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&file.path(0)), 0o600);
    assert_eq!(mode(&folder.path().join("private")), 0o700);
}

#[test]
fn what_lies_in_the_way_is_not_followed_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    make_private_folder(&folder.path().join("private")).unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, folder.path().join("private/thing.new")).unwrap();
    symlink(&victim, file.path(0)).unwrap();
    fs::create_dir(file.path(1)).unwrap();
    for words in ["one", "two", "three"] {
        file.write(words.as_bytes()).unwrap();
        assert_eq!(text(&file), words);
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "untouched");
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write(b"old").unwrap();
    assert!(matches!(file.write(&[0; 101]), Err(StoreError::TooLarge { most: 100, .. })));
    assert_eq!(text(&file), "old");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("private"), "a file").unwrap();
    let file = file(folder.path());
    assert!(matches!(file.write(b"x"), Err(StoreError::Io { .. })));
    assert!(matches!(file.read(), Err(StoreError::Io { .. })));
}
