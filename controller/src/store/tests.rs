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
