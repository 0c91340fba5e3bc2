use std::fs;

use super::*;
use crate::rotation::Rotation;
use crate::rotation::due::Why;
use crate::store::journal::Entry;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn subject(kind: Kind) -> Subject {
    Subject { device: Some("cam-1".parse().unwrap()), kind }
}

fn keep(vault: &Vault, subject: &Subject, text: &str) -> SecretId {
    vault.keep(subject, &[(Role::Main, Secret::new(text))], at(0)).unwrap()[0]
}

#[test]
fn a_secret_comes_back_after_a_restart_and_lies_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let subject = subject(Kind::Certificate);
    let id = keep(&Vault::open(folder.path()).unwrap(), &subject, "Tr0ub4dor&3");
    let vault = Vault::open(folder.path()).unwrap();
    let found = vault.secret(&subject, id).unwrap();
    assert_eq!((found.secret.expose(), found.made_at), ("Tr0ub4dor&3", at(0)));
    for generation in ["vault.0", "vault.1"] {
        let path = subject.folder(&folder.path().join("rotations")).join(generation);
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(5).any(|part| part == b"Tr0ub"));
    }
    assert!(matches!(vault.secret(&subject, SecretId([0; 16])), Err(VaultError::Missing(_))));
}

#[test]
fn either_generation_of_vault_and_key_may_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let subject = subject(Kind::Certificate);
    let first = keep(&Vault::open(folder.path()).unwrap(), &subject, "one");
    let second = keep(&Vault::open(folder.path()).unwrap(), &subject, "two");
    let vault = Vault::open(folder.path()).unwrap();
    vault.note_escrow(&subject, second, Escrowed::Acknowledged { generation: 1 }).unwrap();
    let place = subject.folder(&folder.path().join("rotations"));
    for damaged in [
        place.join("vault.0"),
        place.join("vault.1"),
        folder.path().join("vault.key.0"),
        folder.path().join("vault.key.1"),
    ] {
        let sound = fs::read(&damaged).unwrap();
        fs::write(&damaged, b"rubbish").unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert_eq!(vault.secret(&subject, first).unwrap().secret.expose(), "one");
        assert_eq!(vault.secret(&subject, second).unwrap().secret.expose(), "two");
        fs::write(&damaged, sound).unwrap();
    }
}

#[test]
fn without_its_key_a_vault_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let subject = subject(Kind::Certificate);
    let id = keep(&Vault::open(folder.path()).unwrap(), &subject, "one");
    let entry = Entry {
        subject: subject.clone(),
        rotation: Rotation::adopt(id, at(0)),
        why: Why::Schedule,
        changed: None,
    };
    Journal::new(folder.path()).record(&entry).unwrap();
    fs::remove_file(folder.path().join("vault.key.0")).unwrap();
    fs::remove_file(folder.path().join("vault.key.1")).unwrap();
    assert!(matches!(Vault::open(folder.path()), Err(VaultError::WrongKey)));
    let other = Opener::generate().to_text();
    let vault = Vault::with_key(folder.path(), &other).unwrap();
    assert!(matches!(vault.secret(&subject, id), Err(VaultError::WrongKey)));
}

#[test]
fn what_the_journal_knows_is_kept_and_of_the_rest_the_newest_few() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let subject = subject(Kind::Password { account: "admin".to_owned() });
    let ids: Vec<_> = (0..8).map(|n| keep(&vault, &subject, &format!("secret {n}"))).collect();
    vault.tidy(&subject, &[ids[1]]).unwrap();
    let kept: Vec<_> = vault.history(&subject).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(kept, [ids[7], ids[6], ids[5], ids[4], ids[1]]);
    let used = vault.is_used(&subject).unwrap();
    assert!(used("secret 1") && used("secret 7") && !used("secret 0"));
}

#[test]
fn keys_of_recordings_are_never_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let subject = subject(Kind::RecordingKey);
    let ids: Vec<_> = (0..8).map(|n| keep(&vault, &subject, &format!("secret {n}"))).collect();
    vault.tidy(&subject, &[ids[7]]).unwrap();
    assert_eq!(vault.history(&subject).unwrap().len(), 8);
    assert_eq!(vault.secret(&subject, ids[0]).unwrap().secret.expose(), "secret 0");
}

#[test]
fn an_acknowledged_escrow_is_not_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let subject = subject(Kind::MessageKey);
    let id = keep(&vault, &subject, "one");
    let copies = vec![SealedCopy { layers: vec![vec!["age1x".to_owned()]], sealed: vec![1] }];
    let sealed = |generation| Escrowed::Sealed { generation, copies: copies.clone() };
    assert_eq!(vault.escrowed(&subject, id).unwrap(), Escrowed::No);
    vault.note_escrow(&subject, id, sealed(1)).unwrap();
    assert_eq!(vault.escrowed(&subject, id).unwrap(), sealed(1));
    vault.note_escrow(&subject, id, Escrowed::Acknowledged { generation: 1 }).unwrap();
    vault.note_escrow(&subject, id, sealed(1)).unwrap();
    vault.note_escrow(&subject, id, Escrowed::No).unwrap();
    assert_eq!(vault.escrowed(&subject, id).unwrap(), Escrowed::Acknowledged { generation: 1 });
    vault.note_escrow(&subject, id, sealed(2)).unwrap();
    assert_eq!(vault.escrowed(&subject, id).unwrap(), sealed(2));
}

#[test]
fn what_the_first_version_stored_decodes_for_ever() {
    let golden = concat!(
        "\u{1}{\"secrets\":[{\"id\":\"07070707070707070707070707070707\",\"role\":\"main\",\"made_at\":\"2027-01-15T08:00:00Z\",",
        "\"sealed\":\"AQID\",\"escrow\":\"no\"},",
        "{\"id\":\"08080808080808080808080808080808\",\"role\":\"second\",\"made_at\":\"2027-01-15T08:00:00Z\",\"sealed\":\"\",",
        "\"escrow\":{\"sealed\":{\"generation\":2,\"copies\":[{\"layers\":[[\"age1x\"]],\"sealed\":\"AQ==\"}]}}},",
        "{\"id\":\"09090909090909090909090909090909\",\"role\":\"main\",\"made_at\":\"2027-01-15T08:00:00Z\",\"sealed\":\"\",",
        "\"escrow\":{\"acknowledged\":{\"generation\":2}}}]}",
    );
    let shelf: Shelf = stored::decode(golden.as_bytes()).unwrap();
    assert_eq!(shelf.secrets.len(), 3);
    assert_eq!(shelf.secrets[0].sealed, [1, 2, 3]);
    assert_eq!(shelf.secrets[2].escrow, Escrowed::Acknowledged { generation: 2 });
    assert_eq!(stored::encode(&shelf).unwrap(), golden.as_bytes());
}

#[test]
fn a_key_of_recordings_that_was_tried_again_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let subject = subject(Kind::RecordingKey);
    let ids = ["old", "new", "new", "new"].map(|text| keep(&vault, &subject, text));
    vault.tidy(&subject, &[ids[0], ids[1]]).unwrap();
    let left: Vec<_> = vault.history(&subject).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, [ids[3], ids[1], ids[0]], "what the journal names stays");
}
