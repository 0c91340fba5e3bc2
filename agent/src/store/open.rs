//! Opens sled so that no state of its folder stops the agent. What a cut or damage does to sled's side files is undone
//! first (a torn snapshot alone keeps sled 0.34 shut for ever, and without it all the data is there); what still cannot
//! be used is set aside, never deleted at once, and a new store is made. What is wrong with the disk itself (full,
//! read-only, not allowed, failing, in use) is no reason to set anything aside: it is told, and tried again later.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::error::{StoreError, Trouble};
use super::files::{make_private_folder, sync_folder};
use super::shelf::{Edit, Found, Hold, Shelf, caught};

/// How many folders that were set aside are kept.
const MOST_SET_ASIDE: usize = 2;
/// Grows when the records change so that an older program cannot read them.
const FORMAT: u32 = 1;
const FORMAT_KEY: &[u8] = b"mf";
/// sled's memory for pages; its real use is some times that.
const CACHE_BYTES: u64 = 2 << 20;
/// For the life of the files. A node over a quarter of it goes to a file that sled never syncs (see [`super::shelf`]).
const SEGMENT_BYTES: usize = 256 << 10;

/// What was done to get a store, worst last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healing {
    /// A snapshot that was half written was removed. Costs nothing.
    TornSnapshot,
    /// All snapshots were removed. Costs nothing if the log is sound; otherwise what came after its first damage.
    Snapshots,
    /// sled's damaged settings file was removed. Costs nothing.
    Settings,
    /// The folder could not be used, lies there now, and a new one was made: what was in it is lost to the agent.
    SetAside(PathBuf),
}

impl Healing {
    /// In words, for the log.
    pub fn words(&self) -> String {
        match self {
            Self::TornSnapshot => "a half-written snapshot was removed".to_owned(),
            Self::Snapshots => "damaged snapshots were removed".to_owned(),
            Self::Settings => "a damaged settings file was removed".to_owned(),
            Self::SetAside(place) => {
                format!("it could not be used and was set aside as {}", place.display())
            }
        }
    }
}

/// sled's own has some 60 bytes.
const LONGEST_SETTINGS: u64 = 4096;

/// How it is opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub folder: PathBuf,
    /// How often sled looks after its files and syncs them, whether or not anything happened, in milliseconds.
    pub flush_every: u64,
}

/// A store in the folder, whatever lies there, and what had to be done for it.
pub(super) fn open(place: &Place) -> Result<(Shelf, Vec<Healing>), Trouble> {
    let mut healed = Vec::new();
    if fs::symlink_metadata(&place.folder).is_ok_and(|found| !found.is_dir()) {
        healed.push(set_aside(&place.folder)?);
    }
    let mut damaged = false;
    for heal in [nothing, remove_snapshots, remove_settings] {
        match prepare(&place.folder, &mut healed)
            .and_then(|()| heal(&place.folder).map_err(|error| Trouble::of(&error)))
            .and_then(|done| {
                healed.extend(done);
                attempt(place)
            }) {
            Ok(Attempt::Ours(shelf)) => return Ok((shelf, healed)),
            Ok(Attempt::Foreign) => break,
            Err(Trouble::Damaged) => damaged = true,
            // A sled that came down while it was opened may still hold its lock.
            Err(Trouble::InUse) if damaged => {}
            Err(other) => return Err(other),
        }
    }
    healed.push(set_aside(&place.folder)?);
    prepare(&place.folder, &mut healed)?;
    match attempt(place)? {
        Attempt::Ours(shelf) => Ok((shelf, healed)),
        Attempt::Foreign => Err(Trouble::Damaged),
    }
}

enum Attempt {
    Ours(Shelf),
    /// In order, but not for us: another program's, or a newer version's.
    Foreign,
}

fn attempt(place: &Place) -> Result<Attempt, Trouble> {
    let settings = place.folder.join("conf");
    let config = sled::Config::new()
        .path(&place.folder)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(place.flush_every))
        .use_compression(false);
    // Settings that are sound but not these are somebody else's choice.
    if matches!(readable_settings(&settings), Ok(Settings::Foreign)) {
        return Ok(Attempt::Foreign);
    }
    let was_used = fs::metadata(place.folder.join("db")).is_ok_and(|db| db.len() > 0);
    let db = match caught(|| config.open()) {
        Ok(db) => db,
        Err(Trouble::InUse) => return Err(Trouble::InUse),
        Err(trouble) => {
            Hold::on(&place.folder).end(|| ());
            return Err(trouble);
        }
    };
    let mut shelf = Shelf::Disk(db, Hold::on(&place.folder));
    let judged = sync_names(&place.folder).and_then(|()| judge(&shelf)).and_then(|owner| {
        match owner {
            Owner::We => {}
            // sled takes a file in which it finds nothing for a new one. It never was one without our mark for long.
            Owner::Nobody if was_used => return Err(Trouble::Damaged),
            Owner::Nobody | Owner::WeByOurRecords => shelf.apply(&[mark()])?,
            Owner::Others => return Ok(false),
        }
        Ok(true)
    });
    match judged {
        Ok(true) => return Ok(Attempt::Ours(shelf)),
        Ok(false) | Err(_) => shelf.close(),
    }
    judged.map(|_| Attempt::Foreign)
}

/// sled syncs neither its settings nor any folder.
fn sync_names(folder: &Path) -> Result<(), Trouble> {
    let sync = |path: PathBuf| File::open(path).and_then(|it| it.sync_all());
    sync(folder.join("conf")).map_err(|error| Trouble::of(&error))?;
    for names in [folder.join("blobs"), folder.to_owned()] {
        sync(names).map_err(|error| Trouble::of(&error))?;
    }
    Ok(())
}

/// Whose the records are.
enum Owner {
    We,
    /// The mark is gone, but records are ours.
    WeByOurRecords,
    /// There are none.
    Nobody,
    /// Another program's, or of another version of ours.
    Others,
}

fn judge(shelf: &Shelf) -> Result<Owner, Trouble> {
    Ok(match shelf.get(FORMAT_KEY)? {
        Some(Found::Sound(format)) if format == FORMAT.to_be_bytes() => Owner::We,
        Some(Found::Sound(_)) => Owner::Others,
        Some(Found::Damaged) | None if has_sound_record(shelf)? => Owner::WeByOurRecords,
        None if shelf.is_empty()? => Owner::Nobody,
        Some(Found::Damaged) | None => Owner::Others,
    })
}

fn mark() -> Edit {
    Edit::Put(FORMAT_KEY.to_vec(), FORMAT.to_be_bytes().to_vec())
}

/// A record of ours carries a checksum over its key: no other program's passes.
fn has_sound_record(shelf: &Shelf) -> Result<bool, Trouble> {
    let mut sound = false;
    shelf.scan(&[], &[0xff; 64], &mut |_, found| {
        sound = matches!(found, Found::Sound(_));
        if sound { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(sound)
}

type Heal = io::Result<Option<Healing>>;

fn nothing(_: &Path) -> Heal {
    Ok(None)
}

fn remove_snapshots(folder: &Path) -> Heal {
    Ok(remove_named(folder, |name| name.starts_with("snap."))?.then_some(Healing::Snapshots))
}

fn remove_settings(folder: &Path) -> Heal {
    Ok(remove_named(folder, |name| name == "conf")?.then_some(Healing::Settings))
}

/// Makes the folder, and removes what is known to keep sled shut.
fn prepare(folder: &Path, healed: &mut Vec<Healing>) -> Result<(), Trouble> {
    make_private_folder(folder).map_err(|error| place_trouble(&error))?;
    let sorted = |error: io::Error| Trouble::of(&error);
    let torn = |name: &str| name.starts_with("snap.") && name.ends_with(".generating");
    if remove_named(folder, torn).map_err(sorted)? {
        healed.push(Healing::TornSnapshot);
    }
    if matches!(readable_settings(&folder.join("conf")), Ok(Settings::Damaged)) {
        healed.extend(remove_settings(folder).map_err(sorted)?);
    }
    Ok(())
}

enum Settings {
    Absent,
    Ours,
    Foreign,
    Damaged,
}

/// sled's settings file: lines of text and a CRC-32, which sled itself does not insist on.
fn readable_settings(path: &Path) -> io::Result<Settings> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Settings::Absent),
        Ok(found) if !found.is_file() || found.len() > LONGEST_SETTINGS => {
            return Ok(Settings::Damaged);
        }
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let bytes = fs::read(path)?;
    let Some((text, crc)) = bytes.split_last_chunk::<4>() else { return Ok(Settings::Damaged) };
    if crc32fast::hash(text) != u32::from_le_bytes(*crc) {
        return Ok(Settings::Damaged);
    }
    let text = String::from_utf8_lossy(text);
    let says = |line: &str| text.lines().any(|it| it == line);
    let ours = says(&format!("segment_size: {SEGMENT_BYTES}"))
        && says("use_compression: false")
        && says("version: 0.34");
    Ok(if ours { Settings::Ours } else { Settings::Foreign })
}

/// Removes the files in the folder whose name is meant; says whether there were any.
fn remove_named(folder: &Path, meant: impl Fn(&str) -> bool) -> io::Result<bool> {
    let mut any = false;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&meant) {
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
            any = true;
        }
    }
    Ok(any)
}

/// Renames the folder (or whatever has its name), and forgets the oldest that were set aside before.
fn set_aside(folder: &Path) -> Result<Healing, Trouble> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let prefix = format!("{name}.set-aside.");
    let sorted = |error: io::Error| Trouble::of(&error);
    let mut numbers: Vec<u64> = fs::read_dir(parent)
        .map_err(sorted)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let next = numbers.last().map_or(1, |last| last.saturating_add(1));
    let place = parent.join(format!("{prefix}{next}"));
    fs::rename(folder, &place).map_err(sorted)?;
    let too_many = (numbers.len() + 1).saturating_sub(MOST_SET_ASIDE);
    for number in numbers.into_iter().take(too_many) {
        let old = parent.join(format!("{prefix}{number}"));
        // What cannot be removed is tried again the next time.
        let _ = fs::remove_dir_all(&old).or_else(|_| fs::remove_file(&old));
    }
    sync_folder(parent).map_err(|error| place_trouble(&error))?;
    Ok(Healing::SetAside(place))
}

/// What an error of the place means for the store.
pub(super) fn place_trouble(error: &StoreError) -> Trouble {
    match error {
        StoreError::DiskFull { .. } => Trouble::DiskFull,
        StoreError::ReadOnly { .. } => Trouble::ReadOnly,
        StoreError::Denied { .. } => Trouble::Denied,
        StoreError::InUse(_) => Trouble::InUse,
        StoreError::Damaged(_) => Trouble::Damaged,
        StoreError::Io { .. }
        | StoreError::TooLarge { .. }
        | StoreError::CacheFull
        | StoreError::NoRandomness(_)
        | StoreError::Closed => Trouble::Failing,
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
