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

/// A commit can fail and leave its transaction open; what is acknowledged afterwards must not hang in it.
#[tokio::test]
async fn what_is_acknowledged_after_a_commit_that_failed_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("palisade.db");
    let store = Store::open(&path).await.unwrap();
    let mut change = store.change().await.unwrap();
    for statement in [
        "PRAGMA defer_foreign_keys = ON",
        "INSERT INTO vouches (id, site, kind, body, entered_by, entered_at) \
         VALUES ('x', 'nowhere', 'waiver', '{}', 'kim', 0)",
    ] {
        sqlx::query(statement).execute(&mut *change.tx).await.unwrap();
    }
    change.commit(deed("one")).await.unwrap_err();
    let head = store.change().await.unwrap().commit(deed("two")).await.unwrap();
    assert_eq!(head.length, 1);
    // Somebody else sees it while the store is still open, so it is written and not held.
    let other = Store::open(&path).await.unwrap();
    assert_eq!(other.audit_head().await.unwrap(), head);
    // A change that was left alone holds nobody up either.
    drop(store.change().await.unwrap());
    assert_eq!(store.change().await.unwrap().commit(deed("three")).await.unwrap().length, 2);
}

/// A dozen agents that come back must not cost a look at thousands of sites, nor get anything else for it.
#[tokio::test]
async fn sites_asked_for_by_name_are_answered_as_all_of_them_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("palisade.db")).await.unwrap();
    let now = Timestamp::from_unix(1_800_000_000);
    let site = |number: usize| -> proto::SiteName { format!("site-{number}").parse().unwrap() };
    let mut change = store.change().await.unwrap();
    for number in 0..600 {
        assert!(change.add_site(&site(number), "", now).await.unwrap());
    }
    let scopes = [policies::Scope::Organisation, policies::Scope::Site(site(3))];
    for (scope, text) in scopes.into_iter().flat_map(|one| [(one.clone(), "old"), (one, "new")]) {
        let text = format!("{text} {scope:?}");
        let (by, comment) = (String::new(), String::new());
        let policy =
            policies::PolicyVersion { version: 0, scope, text, by, applied_at: now, comment };
        change.add_policy(&policy).await.unwrap();
    }
    for number in [3, 4] {
        let body =
            r#"{"measure":"C06","devices":[],"by":"kim","until":"2027-12-31","evidence":"x"}"#;
        let what = vouches::Statement::Attestation(serde_json::from_str(body).unwrap());
        let (id, site) = (format!("{number:032}"), site(number));
        let vouch = vouches::Vouch { id, site, what, entered_by: String::new(), entered_at: now };
        change.add_vouch(&vouch).await.unwrap();
    }
    change.commit(deed("sites")).await.unwrap();
    let all = store.desired_states(desired::Sites::All).await.unwrap();
    let policy = |number| all[&site(number)].policy.to_string();
    assert_eq!((all.len(), all[&site(4)].attestations.len()), (600, 1));
    assert!(policy(4) == "new Organisation" && policy(3).starts_with("new Site"), "{}", policy(3));
    for count in [0, 1, 2, 8, 9, 65, 512, 513] {
        let mut names: std::collections::HashSet<_> = (0..count).map(site).collect();
        names.insert("nowhere".parse().unwrap());
        let some = store.desired_states(desired::Sites::Only(&names)).await.unwrap();
        assert_eq!(some.len(), count, "{count}");
        for (name, state) in some {
            assert!(names.contains(&name));
            assert_eq!(format!("{state:?}"), format!("{:?}", all[&name]), "{count}");
        }
    }
}
