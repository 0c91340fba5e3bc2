//! Databases of every earlier version, with something in every table, brought to the newest; and one of a later version.

use std::path::Path;

use proto::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Row as _};

use super::findings::Filter;
use super::*;

/// What a database of each version held; the place in this list, from 1, is the version. A dump of a released version
/// never changes.
const DUMPS: &[&str] = &[
    include_str!("migrations/0001_dump.sql"),
    concat!(include_str!("migrations/0001_dump.sql"), include_str!("migrations/0002_dump.sql")),
    concat!(
        include_str!("migrations/0001_dump.sql"),
        include_str!("migrations/0002_dump.sql"),
        include_str!("migrations/0003_dump.sql")
    ),
    concat!(
        include_str!("migrations/0001_dump.sql"),
        include_str!("migrations/0002_dump.sql"),
        include_str!("migrations/0003_dump.sql"),
        include_str!("migrations/0005_dump.sql")
    ),
    concat!(
        include_str!("migrations/0001_dump.sql"),
        include_str!("migrations/0002_dump.sql"),
        include_str!("migrations/0003_dump.sql"),
        include_str!("migrations/0005_dump.sql"),
        include_str!("migrations/0004_dump.sql")
    ),
    concat!(
        include_str!("migrations/0001_dump.sql"),
        include_str!("migrations/0002_dump.sql"),
        include_str!("migrations/0003_dump.sql"),
        include_str!("migrations/0005_dump.sql"),
        include_str!("migrations/0004_dump.sql"),
        include_str!("migrations/0006_dump.sql")
    ),
];

async fn pool(path: &Path) -> AnyPool {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rwc", path.display());
    AnyPoolOptions::new().max_connections(1).connect(&url).await.unwrap()
}

#[tokio::test]
async fn every_earlier_version_is_brought_to_the_newest_with_what_it_holds() {
    assert_eq!(DUMPS.len() as i64, migrations::NEWEST, "each version has its dump");
    for (version, dump) in (1..).zip(DUMPS) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("palisade.db");
        let old = pool(&path).await;
        migrations::run_to(&old, version).await.unwrap();
        sqlx::raw_sql(*dump).execute(&old).await.unwrap();
        let tables = sqlx::query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        );
        for table in tables.fetch_all(&old).await.unwrap() {
            let table: String = table.get("name");
            let sql = format!("SELECT COUNT(*) AS rows FROM {table}");
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&old).await.unwrap();
            assert!(rows.get::<i64, _>("rows") > 0, "the dump has nothing in {table}");
        }
        old.close().await;
        let store = Store::open(&path).await.unwrap();
        assert_eq!(store.sites().await.unwrap().len(), 2, "version {version}");
        assert_eq!(store.agents(None).await.unwrap().len(), 1);
        assert_eq!(store.tokens().await.unwrap().len(), 1);
        assert_eq!(store.vouches().await.unwrap().len(), 2);
        assert_eq!(store.operators().await.unwrap().len(), 1);
        assert_eq!(store.devices(None).await.unwrap().len(), 1);
        assert_eq!(store.findings(&Filter::default(), 10).await.unwrap().len(), 1);
        let states = store.desired_states(desired::Sites::All).await.unwrap();
        let harbour: proto::SiteName = "harbour".parse().unwrap();
        assert_eq!((states.len(), states[&harbour].attestations.len()), (2, 1));
        let now = Timestamp::from_unix(1_800_000_000);
        assert_eq!(store.outstanding_orders(now).await.unwrap().len(), 1);
        let wanted = escrow::Wanted::default();
        let (since, sealed) = (2, store.secrets(&wanted, 10).await.unwrap().len());
        let recipients = store.recipients().await.unwrap().is_some();
        assert_eq!((sealed == 1, recipients), (version >= since, version >= since));
        let rotations = store.rotations(None).await.unwrap();
        assert_eq!(rotations.len(), usize::from(version >= 4));
        let plans = store.plans(None, 10).await.unwrap();
        let done = |plan: &plans::Plan| plan.failed == Some(false) && plan.made.is_some();
        assert_eq!(plans.iter().filter(|plan| done(plan)).count(), usize::from(version >= 3));
        if version >= 5 {
            let backups = store.device_backups(&harbour, &"yard".parse().unwrap()).await.unwrap();
            assert_eq!(backups.len(), 1);
            let ever = Timestamp::from_unix(0);
            assert_eq!(store.events(None, ever, 0, 10).await.unwrap().len(), 1);
        }
        let length = store.verify().await.unwrap().length;
        // And it goes on from there.
        let mut change = store.change().await.unwrap();
        assert_eq!(change.next(meta::Counter::Policy).await.unwrap(), 2);
        let deed = Deed {
            time: now,
            actor: "palisade://acme/operator/kim".to_owned(),
            deed: "tested",
            subject: String::new(),
            detail: String::new(),
        };
        change.commit(deed).await.unwrap();
        assert_eq!(store.verify().await.unwrap().length, length + 1);
    }
}

#[tokio::test]
async fn a_later_version_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("palisade.db");
    Store::open(&path).await.unwrap().close().await;
    let later = pool(&path).await;
    sqlx::query("INSERT INTO versions (version) VALUES (999)").execute(&later).await.unwrap();
    later.close().await;
    let refused = Store::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 999, known: migrations::NEWEST }));
    assert!(refused.to_string().contains("newer palisade"), "{refused}");
}
