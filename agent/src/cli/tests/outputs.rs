//! What is written: whole or not at all, to the right readers, and never over an input.

use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::cli::files::{Place, Readers};
use crate::cli::{FAILED, GOOD, USAGE};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_report_written_to_a_file_is_the_one_printed() {
    let world = World::new();
    site_without_cameras(&world);
    let audit =
        ["audit", "--inventory", "@site.toml", "--save-facts", "@facts", "--format", "json"];
    assert_eq!(world.run(&audit).code, FAILED);
    let printed = world.run(&["judge", "@facts", "--format", "json"]);
    let written = world.run(&["judge", "@facts", "--format", "json", "--output", "@report"]);
    assert_eq!((written.code, written.out.as_str()), (printed.code, ""));
    assert_eq!(fs::read_to_string(world.path("report")).unwrap(), printed.out);
    assert_eq!(
        world.files(),
        ["broken.cfg", "facts", "report", "site.toml"],
        "nothing is left over"
    );
}

#[test]
fn facts_are_for_the_owner_alone_even_over_an_open_file() {
    let world = World::new();
    site_without_cameras(&world);
    let old = world.write("facts", "old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).unwrap();
    world.run(&["audit", "--inventory", "@site.toml", "--save-facts", "@facts"]);
    assert_eq!(mode(&old), 0o600);
}

#[test]
fn a_report_keeps_the_rights_and_the_link_that_stood_there() {
    let world = World::new();
    let real = world.write("real", "old");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, world.path("link")).unwrap();
    let place = Place::check(&world.path("link")).unwrap();
    place.write(Readers::AsUsual, |file| file.write_all(b"new")).unwrap();
    assert_eq!(fs::read(&real).unwrap(), b"new");
    assert_eq!(mode(&real), 0o640);
    assert!(fs::symlink_metadata(world.path("link")).unwrap().is_symlink());
}

#[test]
fn whoever_reads_the_old_file_reads_it_to_its_end() {
    let world = World::new();
    let path = world.write("report", "old and whole");
    let mut reader = fs::File::open(&path).unwrap();
    let place = Place::check(&path).unwrap();
    place.write(Readers::AsUsual, |file| file.write_all(b"new")).unwrap();
    assert_eq!(io::read_to_string(&mut reader).unwrap(), "old and whole");
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[test]
fn a_write_that_fails_leaves_what_stood_there() {
    let world = World::new();
    let path = world.write("report", "old");
    let place = Place::check(&path).unwrap();
    let failed = place.write(Readers::AsUsual, |file| {
        file.write_all(b"half")?;
        Err(Error::from(ErrorKind::StorageFull))
    });
    assert!(failed.unwrap_err().to_string().contains("the disk is full"));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(world.files(), ["report"], "nothing is left over");
}

#[test]
fn a_place_that_takes_no_file_is_found_before_the_work() {
    let world = World::new();
    world.write("a.cfg", "x");
    fs::create_dir(world.path("folder")).unwrap();
    for (option, place, word) in [
        ("--output", "@none/report", "no such directory"),
        ("--save-facts", "@none/facts", "no such directory"),
        ("--output", "@folder", "directory"),
        ("--output", "@a.cfg", "input"),
        ("--save-facts", "@a.cfg", "input"),
        ("--output", "/proc/report", "/proc"),
    ] {
        refused(&world.run(&["audit", "@a.cfg", option, place]), USAGE, &[word]);
    }
    assert_eq!(fs::read(world.path("a.cfg")).unwrap(), b"x");
    let both = world.run(&["audit", "@a.cfg", "--output", "@same", "--save-facts", "@same"]);
    refused(&both, USAGE, &["same file"]);
    assert!(!exists(&world.path("same")));
}

#[test]
fn a_device_is_written_to_and_never_replaced() {
    let world = World::new();
    let answer = world.run(&["learn", "@none", "@none", "--setting", "x", "--output", "/dev/null"]);
    assert_eq!(answer.code, FAILED);
    let place = Place::check(Path::new("/dev/null")).unwrap();
    place.write(Readers::AsUsual, |file| file.write_all(b"gone")).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let full = Place::check(Path::new("/dev/full")).unwrap();
    assert!(full.write(Readers::AsUsual, |file| file.write_all(b"x")).is_err());
}

/// Standard output that fails in one way.
struct Failing(ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(Error::from(self.0))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_went_away_is_no_error_and_a_full_disk_is_one() {
    let world = World::new();
    let (code, err) = world.run_into(&["measures"], &mut Failing(ErrorKind::BrokenPipe));
    assert_eq!((code, err.as_str()), (GOOD, ""));
    let (code, err) = world.run_into(&["measures"], &mut Failing(ErrorKind::StorageFull));
    assert!(code == FAILED && err.contains("standard output"), "{err}");
}
