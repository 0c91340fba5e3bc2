//! Backups of configurations and events: kept as they came, bounded, told to who watches.

use futures::StreamExt as _;
use proto::record::{
    BackupId, BackupReason, ConfigurationBackup, EventKind, SealedBackup, SiteEvent,
};
use proto::{Role, SealedCopy, Timestamp};

use crate::service::Refusal;
use crate::service::reports::{Entry, Item, Upload};
use crate::service::testing::{World, device, site, somebody};

fn backup(number: u8, changes: &[&str]) -> ConfigurationBackup {
    ConfigurationBackup {
        device: device("yard"),
        id: BackupId([number; 16]),
        made_at: Timestamp::from_unix(1_800_000_000 + i64::from(number)),
        reason: BackupReason::Schedule,
        product: "MOBOTIX P3".to_owned(),
        firmware: "MX-V4.7.3.11-r4".to_owned(),
        digest: [number; 32],
        size: 41_000,
        sealed: Some(SealedBackup {
            generation: 1,
            body: b"age, sealed".to_vec(),
            keys: vec![SealedCopy {
                layers: vec![vec!["age1a".to_owned()]],
                sealed: b"key".to_vec(),
            }],
        }),
        previous: None,
        changes: changes.iter().map(|line| (*line).to_owned()).collect(),
        more_changes: false,
    }
}

fn event(source: &str) -> SiteEvent {
    SiteEvent {
        kind: EventKind::BruteForce,
        source: source.parse().unwrap(),
        devices: vec![device("yard")],
        count: 12,
        first_at: Timestamp::from_unix(1_800_000_000),
        last_at: Timestamp::from_unix(1_800_000_010),
        users: Vec::new(),
    }
}

fn upload(first: u64, items: Vec<Item>) -> Upload {
    let entries = (first..).zip(items).map(|(sequence, item)| Entry { sequence, item });
    Upload { epoch: "e".to_owned(), entries: entries.collect(), takes_refusals: true }
}

#[tokio::test]
async fn backups_are_listed_without_what_is_sealed_and_handed_out_as_they_came() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (peer, _, _) = world.join("harbour").await;
    let items = [1, 2].map(|n| Item::Backup(Box::new(backup(n, &["+ general: LED=1"]))));
    world.service.take_report(&peer, upload(1, items.into())).await.unwrap();
    let (harbour, yard) = (site("harbour"), device("yard"));
    let listed = world.service.device_backups(&harbour, &yard).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].backup_id, [2; 16], "the newest first");
    assert!(listed.iter().all(|it| it.sealed.is_empty() && it.keys.is_empty()));
    let kim = somebody("kim", Role::Administrator);
    let id = BackupId([1; 16]);
    let fetched = world.service.fetch_backup(&kim, &harbour, &yard, id).await.unwrap();
    assert_eq!(ConfigurationBackup::try_from(fetched), Ok(backup(1, &["+ general: LED=1"])));
    assert!(world.deeds().await.iter().any(|deed| deed.contains("device_backup_fetched")));
    let none = world.service.fetch_backup(&kim, &harbour, &yard, BackupId([9; 16])).await;
    assert!(matches!(none, Err(Refusal::NotFound(_))));
}

#[tokio::test]
async fn of_each_device_the_newest_fifty_backups_stay() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (peer, _, _) = world.join("harbour").await;
    let items = (1..=60).map(|n| Item::Backup(Box::new(backup(n, &[])))).collect();
    world.service.take_report(&peer, upload(1, items)).await.unwrap();
    // One that comes again, sealed to other people, takes its own place.
    let again = Item::Backup(Box::new(backup(60, &["+ general: LED=0"])));
    world.service.take_report(&peer, upload(61, vec![again])).await.unwrap();
    let listed = world.service.device_backups(&site("harbour"), &device("yard")).await.unwrap();
    assert_eq!(listed.len(), 50);
    assert_eq!((listed[0].backup_id[0], listed[49].backup_id[0]), (60, 11));
    assert_eq!(listed[0].changes, ["+ general: LED=0"]);
}

#[tokio::test]
async fn whoever_watches_sees_each_event_once_and_only_of_the_site_asked_for() {
    let world = World::new().await;
    for name in ["harbour", "depot"] {
        world.add_site(name).await;
    }
    let (harbour, _, _) = world.join("harbour").await;
    let (depot, _, _) = world.join("depot").await;
    let tell = async |peer, first, source: &str| {
        let upload = upload(first, vec![Item::Event(event(source))]);
        world.service.take_report(peer, upload).await.unwrap();
    };
    tell(&harbour, 1, "192.0.2.1").await;
    let ever = Timestamp::from_unix(0);
    let watched = world.service.watch_events(Some(site("harbour")), ever, 0).await.unwrap();
    let mut watched = std::pin::pin!(watched);
    tell(&depot, 1, "192.0.2.2").await;
    tell(&harbour, 2, "192.0.2.3").await;
    // The same upload again brings nothing new.
    tell(&harbour, 2, "192.0.2.3").await;
    tell(&harbour, 3, "192.0.2.4").await;
    for wanted in ["192.0.2.1", "192.0.2.3", "192.0.2.4"] {
        let row = watched.next().await.unwrap().unwrap();
        assert_eq!(row.event, event(wanted));
    }
    assert_eq!(world.service.events(None, ever, 0).await.unwrap().rows.len(), 4);
    let two = world.service.events(None, ever, 2).await.unwrap();
    assert!(two.more && two.rows[1].event == event("192.0.2.4"), "the newest, the oldest first");
    let later = Timestamp::from_unix(1_800_000_011);
    assert!(world.service.events(None, later, 0).await.unwrap().rows.is_empty());
}
