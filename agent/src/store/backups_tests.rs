use super::*;

const SECRET: &str = "ftp_passwd=Tr0ub4dor&3";

fn yard() -> DeviceName {
    "yard".parse().unwrap()
}

fn backups(folder: &Path) -> Backups {
    Backups::new(folder, Arc::new(Opener::generate()))
}

fn keep(backups: &Backups, text: &str, seconds: i64, most: usize) -> Option<Head> {
    let fresh = Fresh {
        bytes: text.as_bytes(),
        digest: random::digest(text.as_bytes()),
        product: "MOBOTIX P3",
        firmware: "MX-V4.7.3.11-r4",
        reason: BackupReason::Schedule,
        now: Timestamp::from_unix(1_800_000_000 + seconds),
        keep: most,
    };
    backups.keep(&yard(), &fresh).unwrap()
}

#[test]
fn a_backup_is_read_back_and_lies_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let backups = backups(folder.path());
    let head = keep(&backups, SECRET, 0, 10).unwrap();
    assert_eq!(*backups.open(&yard(), head.id).unwrap(), SECRET.as_bytes());
    let mut folders = vec![folder.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(6).any(|part| part == b"Tr0ub4");
            assert!(!found, "{} tells the password", path.display());
        }
    }
    assert_eq!(files, 2, "the configuration and the list");
    assert_eq!(backups.devices().unwrap(), [yard()]);
}

#[test]
fn what_did_not_change_makes_no_new_backup_and_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let backups = backups(folder.path());
    assert!(keep(&backups, "one", 0, 10).is_some());
    assert!(keep(&backups, "one", 60, 10).is_none());
    let history = backups.history(&yard()).unwrap();
    let at = |seconds: i64| Timestamp::from_unix(1_800_000_000 + seconds);
    assert_eq!((history.backups.len(), history.looked_at), (1, Some(at(60))));
    assert_eq!(history.backups[0].made_at, at(0));
    // What comes back after something else is a change, too.
    assert!(keep(&backups, "two", 120, 10).is_some());
    assert!(keep(&backups, "one", 180, 10).is_some());
}

#[test]
fn the_oldest_go_and_their_files_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let backups = backups(folder.path());
    let first = keep(&backups, "0", 0, 2).unwrap();
    for (seconds, text) in ["1", "2", "3"].into_iter().enumerate() {
        keep(&backups, text, seconds as i64, 2).unwrap();
    }
    assert_eq!(backups.history(&yard()).unwrap().backups.len(), 2);
    assert!(matches!(backups.open(&yard(), first.id), Err(BackupError::Missing(_))));
    let folders = fs::read_dir(folder.path().join("backups/yard")).unwrap();
    assert_eq!(folders.filter(|it| it.as_ref().unwrap().path().is_dir()).count(), 2);
}

#[test]
fn a_lost_key_is_said_and_what_is_no_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let head = keep(&backups(folder.path()), SECRET, 0, 2).unwrap();
    let other = backups(folder.path());
    assert!(matches!(other.open(&yard(), head.id), Err(BackupError::WrongKey(_))));
    let fresh = |bytes| Fresh {
        bytes,
        digest: [0; 32],
        product: "",
        firmware: "",
        reason: BackupReason::Asked,
        now: Timestamp::from_unix(0),
        keep: 1,
    };
    assert!(matches!(other.keep(&yard(), &fresh(&[])), Err(BackupError::Size)));
    let large = vec![0; LARGEST + 1];
    assert!(matches!(other.keep(&yard(), &fresh(&large)), Err(BackupError::Size)));
}

#[test]
fn what_was_told_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let backups = backups(folder.path());
    let head = keep(&backups, "one", 0, 2).unwrap();
    assert_eq!(head.told, None);
    let told = Told { generation: 3, sealed: true };
    backups.note_told(&yard(), head.id, told).unwrap();
    assert_eq!(backups.history(&yard()).unwrap().newest().unwrap().told, Some(told));
}
