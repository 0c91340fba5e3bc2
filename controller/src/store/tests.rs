use proto::Timestamp;

use super::*;

fn deed(subject: &str) -> Deed {
    Deed {
        time: Timestamp::from_unix(1_800_000_000),
        actor: "palisade://acme/operator/kim".to_owned(),
        deed: "tested",
        subject: subject.to_owned(),
        detail: String::new(),
    }
}

#[tokio::test]
async fn a_change_leaves_one_record_and_the_chain_grows() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("palisade.db")).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap().length, 0);
    let first = store.change().await.unwrap().commit(deed("one")).await.unwrap();
    let second = store.change().await.unwrap().commit(deed("two")).await.unwrap();
    assert_eq!((first.length, second.length), (1, 2));
    assert_ne!(first.hash, second.hash);
    store.close().await;
    let again = Store::open(&folder.path().join("palisade.db")).await.unwrap();
    assert_eq!(again.audit_head().await.unwrap(), second);
}

#[tokio::test]
async fn a_change_that_is_not_committed_never_happened() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("palisade.db")).await.unwrap();
    drop(store.change().await.unwrap());
    assert_eq!(store.audit_head().await.unwrap().length, 0);
}

#[tokio::test]
async fn a_database_and_what_lies_beside_it_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("palisade.db");
    let modes = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mode = |entry: fs::DirEntry| entry.metadata().unwrap().permissions().mode() & 0o777;
        entries.map(|entry| mode(entry.unwrap())).collect::<Vec<_>>()
    };
    let store = Store::open(&path).await.unwrap();
    store.change().await.unwrap().commit(deed("one")).await.unwrap();
    assert_eq!(modes(), [0o600; 3]);
    // As an earlier version left them: a process that is killed leaves all three.
    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o644)).unwrap();
    }
    let again = Store::open(&path).await.unwrap();
    assert_eq!(modes(), [0o600; 3]);
    again.close().await;
    store.close().await;
}

/// What was written comes back the same, and nothing else is touched.
#[tokio::test]
async fn hostile_texts_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("palisade.db")).await.unwrap();
    let site: proto::SiteName = "harbour".parse().unwrap();
    let now = Timestamp::from_unix(1_800_000_000);
    let hostile = [
        "'; DROP TABLE sites; --",
        "\"); DELETE FROM policies; --",
        "$1 $2 ? ?1 :a @b",
        "%_[]^\\",
        "a\nb\tc\r\u{1b}[2J",
        "\u{202e}\u{feff}\u{1f4f7} é",
        "",
    ];
    let mut change = store.change().await.unwrap();
    assert!(change.add_site(&site, hostile[0], now).await.unwrap());
    for text in hostile {
        let policy = policies::PolicyVersion {
            version: 0,
            scope: policies::Scope::Site(site.clone()),
            text: text.to_owned(),
            by: text.to_owned(),
            applied_at: now,
            comment: text.to_owned(),
        };
        change.add_policy(&policy).await.unwrap();
        change.set_meta(&format!("key {text}"), text).await.unwrap();
    }
    change.commit(Deed { detail: hostile.concat(), ..deed(hostile[1]) }).await.unwrap();
    assert_eq!(store.sites().await.unwrap()[0].title, hostile[0]);
    for (version, text) in (1..).zip(hostile) {
        let found = store.policy_version(version).await.unwrap().unwrap();
        assert_eq!([found.text, found.by, found.comment], [text; 3]);
        assert_eq!(store.meta(&format!("key {text}")).await.unwrap().as_deref(), Some(text));
    }
    let (record, _) = store.audit_records(1, 1).await.unwrap().remove(0);
    assert_eq!((record.subject.as_str(), record.detail), (hostile[1], hostile.concat()));
    store.verify().await.unwrap();
}
