//! Groups with a real journal and vault: who makes a value, who takes it over, who waits.

use std::sync::Arc;

use certs::SystemClock;
use proto::policy::PasswordRules;

use super::*;
use crate::rotation::due::Why;
use crate::rotation::password::Limits;
use crate::store::journal::Entry;
use crate::store::vault::Role;

struct Site {
    _folder: tempfile::TempDir,
    vault: Vault,
    journal: Journal,
}

const CAMERAS: [&str; 3] = ["cam-1", "cam-2", "cam-3"];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn subject(device: &str) -> Subject {
    Subject { device: Some(device.parse().unwrap()), kind: Kind::RecordingKey }
}

impl Site {
    /// Three cameras without a key.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let site = Self { vault, journal: Journal::new(folder.path()), _folder: folder };
        CAMERAS.into_iter().for_each(|device| site.settle(device, "none"));
        site
    }

    fn group(&self, own: &str) -> Group {
        let (limits, rules) = (Limits::MESSAGE_KEY, PasswordRules::default());
        Group {
            vault: self.vault.clone(),
            journal: self.journal.clone(),
            kind: Kind::RecordingKey,
            own: own.parse().unwrap(),
            members: CAMERAS.into_iter().map(|name| name.parse().unwrap()).collect(),
            passwords: Passwords { limits, rules, life: 1, jitter: 0.0 },
            clock: Arc::new(SystemClock),
        }
    }

    async fn make(&self, own: &str) -> Result<String, Fault> {
        let made = self.group(own).make(Second::None, &|_| false).await;
        made.map(|(value, _)| value.expose().to_owned())
    }

    fn keep(&self, device: &str, text: &str) -> SecretId {
        let fresh = [(Role::Main, Secret::new(text))];
        self.vault.keep(&subject(device), &fresh, at(0)).unwrap()[0]
    }

    fn settle(&self, device: &str, text: &str) {
        let rotation = Rotation::adopt(self.keep(device, text), at(0));
        let entry = Entry { subject: subject(device), rotation, why: Why::Schedule, changed: None };
        self.journal.record(&entry).unwrap();
    }
}

#[tokio::test]
async fn the_first_makes_it_and_the_others_take_it_over_round_after_round() {
    let site = Site::new();
    let mut rounds = Vec::new();
    for _ in 0..2 {
        for device in CAMERAS {
            let value = site.make(device).await.unwrap();
            site.settle(device, &value);
            rounds.push(value);
        }
    }
    assert!(rounds[..3].iter().all(|value| *value == rounds[0]));
    assert!(rounds[3..].iter().all(|value| *value == rounds[3]));
    assert_ne!(rounds[0], rounds[3]);
}

#[tokio::test]
async fn while_one_lags_behind_the_others_make_no_other_value() {
    let site = Site::new();
    let value = site.make("cam-1").await.unwrap();
    site.settle("cam-1", &value);
    site.settle("cam-2", &value);
    let told = site.make("cam-1").await.unwrap_err().to_string();
    assert!(told.contains("cam-3") && !told.contains("cam-2"), "{told}");
    // It was offered the value in vain: that it lies in its vault is not having it.
    site.keep("cam-3", &value);
    assert_eq!(site.make("cam-3").await.unwrap(), value);
    assert!(site.make("cam-2").await.is_err());
    site.settle("cam-3", &value);
    assert_ne!(site.make("cam-2").await.unwrap(), value);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cameras_that_begin_a_round_at_once_agree_on_one_value() {
    let site = Arc::new(Site::new());
    for _ in 0..8 {
        let all = CAMERAS.map(|device| {
            let site = site.clone();
            tokio::spawn(async move { site.make(device).await.unwrap() })
        });
        let mut values = BTreeSet::new();
        for made in all {
            values.insert(made.await.unwrap());
        }
        assert_eq!(values.len(), 1);
        let value = values.pop_first().unwrap();
        CAMERAS.into_iter().for_each(|device| site.settle(device, &value));
    }
}

#[tokio::test]
async fn whoever_looked_before_another_made_a_value_takes_that_one_over() {
    let site = Site::new();
    let shelf = shelf(&Kind::RecordingKey);
    let first = site.vault.keep_after(&shelf, None, &Secret::new("one"), at(0)).unwrap();
    let second = site.vault.keep_after(&shelf, None, &Secret::new("two"), at(0)).unwrap();
    assert_eq!((first.expose(), second.expose()), ("one", "one"));
}

#[tokio::test]
async fn a_value_that_a_crash_left_on_the_shelf_alone_is_the_next_one() {
    let site = Site::new();
    let lost = site.make("cam-1").await.unwrap();
    assert_eq!(site.make("cam-1").await.unwrap(), lost);
    assert_eq!(site.make("cam-2").await.unwrap(), lost);
}
