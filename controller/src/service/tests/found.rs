use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use certs::seal::Work;
use proto::{Secret, Timestamp};

use crate::service::found::{FoundError, OpenError, found, open};
use crate::service::testing::{NOW, World, name, organisation};

async fn try_found(data: &Path, passphrase: &str, work: Work) -> Result<(), FoundError> {
    let addresses = vec!["127.0.0.1:7443".to_owned()];
    let (passphrase, now) = (Secret::new(passphrase), Timestamp::from_unix(NOW));
    let first = name("kim");
    found(data, organisation(), addresses, passphrase, work, first, now).await.map(|_| ())
}

#[tokio::test]
async fn what_is_founded_is_readable_by_its_owner_alone() {
    let world = World::new().await;
    let mode =
        |path: &str| std::fs::metadata(world.data.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(""), mode("authority")], [0o700; 2]);
    for file in ["root.crt", "root.key.age", "issuing.crt", "issuing.key"] {
        assert_eq!(mode(&format!("authority/{file}")), 0o600, "{file}");
    }
    assert_eq!(world.deeds().await, ["organisation_founded"]);
    let standing = world.service.authorities.now();
    assert_eq!(certs::RootPin::of(standing.issuing.root()), Some(world.ticket.pin));
}

#[tokio::test]
async fn a_folder_that_holds_something_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let refused = try_found(folder.path(), "x", Work::Little).await.unwrap_err();
    assert!(refused.to_string().contains("notes.txt"), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let world = World::new().await;
    assert!(try_found(&world.data, "x", Work::Little).await.is_err());
    world.service.store.close().await;
    open(&world.data).await.unwrap();
}

#[tokio::test]
async fn a_settings_file_may_lie_there_before() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("palisade.toml"), "").unwrap();
    try_found(folder.path(), "x", Work::Little).await.unwrap();
    open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_weak_passphrase_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (passphrase, work) in [("", Work::Little), ("eleven char", Work::Full)] {
        let refused = try_found(&data, passphrase, work).await;
        assert!(matches!(refused, Err(FoundError::WeakPassphrase)));
    }
    assert!(!data.exists());
}

#[tokio::test]
async fn what_a_crash_left_while_founding_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    std::fs::create_dir_all(data.join(".making")).unwrap();
    std::fs::write(data.join(".making/palisade.db"), "half").unwrap();
    std::fs::create_dir_all(data.join("authority")).unwrap();
    try_found(data, "x", Work::Little).await.unwrap();
    open(data).await.unwrap();
}

#[tokio::test]
async fn a_folder_without_a_controller_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotFounded(_)) && refused.to_string().contains("init"));
}

#[tokio::test]
async fn an_authority_that_was_tampered_with_does_not_open() {
    let (one, other) = (World::new().await, World::new().await);
    let key = |world: &World| world.data.join("authority/issuing.key");
    let right = std::fs::read(key(&one)).unwrap();
    std::fs::write(key(&one), std::fs::read(key(&other)).unwrap()).unwrap();
    assert!(matches!(open(&one.data).await, Err(OpenError::Authority(_))));
    std::fs::write(key(&one), right).unwrap();
    std::fs::set_permissions(key(&one), std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = open(&one.data).await.unwrap_err();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
    std::fs::set_permissions(key(&one), std::fs::Permissions::from_mode(0o600)).unwrap();
    open(&one.data).await.unwrap();
}
