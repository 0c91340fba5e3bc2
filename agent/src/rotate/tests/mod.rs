//! Rotations against a camera that fails in every way, with a real journal and a real vault, killed between any two
//! steps.

mod reseal;
mod world;

use std::path::Path;
use std::sync::Arc;

use certs::SharedClock;
use certs::escrow::Quorum;
use certs::seal::Opener;
use proto::policy::PasswordRules;
use proto::{Secret, SecretId};

use super::devices::Devices;
use super::hands::{About, Passwords, Recovery, VaultHands};
use super::{Ended, Job, Turned, doubt, turn};
use crate::rotation::attempts::Limit;
use crate::rotation::due::Why;
use crate::rotation::password::Limits;
use crate::rotation::{Escrow, Proof, Rotation, Rules, Second};
use crate::store::journal::{Entry, Journal};
use crate::store::subject::{Kind, Subject};
use crate::store::vault::{Role, Vault};
use world::{Odds, Shared, THRESHOLD, WINDOW, escrowed};

const FACTORY: &str = "meinsm";

fn subject() -> Subject {
    let kind = Kind::Password { account: "admin".to_owned() };
    Subject { device: Some("cam-1".parse().unwrap()), kind }
}

/// An agent that can be started again and again on one data folder.
struct Agent {
    folder: tempfile::TempDir,
    world: Shared,
    recovery: Option<Arc<Recovery>>,
    key: Opener,
    job: Job,
}

impl Agent {
    fn new(rules: Rules, seed: u64) -> Self {
        let key = Opener::generate();
        let quorum = Quorum::new(1, &[key.recipient().to_string()]).unwrap();
        let limit = Limit { threshold: THRESHOLD, window: WINDOW };
        let agent = Self {
            folder: tempfile::tempdir().unwrap(),
            world: Shared::new(FACTORY, seed),
            recovery: Some(Arc::new(Recovery { generation: 1, quorum })),
            key,
            job: Job { retry: 600, again: 2 * WINDOW, ..Job::new(rules, limit) },
        };
        let vault = Vault::open(agent.path()).unwrap();
        let now = agent.now();
        let adopted = [(Role::Main, Secret::new(FACTORY))];
        let id = vault.keep(&subject(), &adopted, now).unwrap()[0];
        let rotation = Rotation::adopt(id, now);
        let entry = Entry { subject: subject(), rotation, why: Why::Command, changed: None };
        agent.journal().record(&entry).unwrap();
        agent
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn journal(&self) -> Journal {
        Journal::new(self.path())
    }

    fn clock(&self) -> SharedClock {
        Arc::new(self.world.clone())
    }

    fn now(&self) -> proto::Timestamp {
        self.clock().now()
    }

    fn entry(&self) -> Entry {
        self.journal().read(&subject()).unwrap().unwrap().entry
    }

    fn secret(&self, id: SecretId) -> String {
        let vault = Vault::open(self.path()).unwrap();
        vault.secret(&subject(), id).unwrap().secret.expose().to_owned()
    }

    fn trusted(&self) -> Option<String> {
        self.entry().rotation.trusted().map(|id| self.secret(*id))
    }

    /// One turn of a process that was just started; nothing if it was killed.
    async fn turn(&self) -> Option<Turned> {
        let (journal, clock) = (self.journal(), self.clock());
        let entry = self.entry();
        let vault = Vault::open(self.path()).unwrap();
        let known: Vec<_> = entry.rotation.known().iter().map(|held| held.credential).collect();
        vault.tidy(&subject(), &known).unwrap();
        let (mut device, mut desk) = (self.world.clone(), self.world.clone());
        let (limits, rules) = (Limits::CAMERA, PasswordRules::default());
        let mut maker = Passwords { limits, rules, life: 90 * 24 * 3600, jitter: 0.0 };
        let mut hands = VaultHands {
            about: About {
                organisation: "acme".parse().unwrap(),
                site: "harbour".parse().unwrap(),
                subject: subject(),
                recovery: self.recovery.clone(),
                clock: clock.clone(),
            },
            vault,
            device: &mut device,
            maker: &mut maker,
            desk: &mut desk,
        };
        let taken = Devices::default().take(subject().device.as_ref()).unwrap();
        tokio::select! {
            biased;
            () = self.world.killed.notified() => None,
            turned = turn(entry, &self.job, &mut hands, &journal, &clock, &taken) => Some(turned.unwrap()),
        }
    }

    fn wait_until(&self, time: proto::Timestamp) {
        let mut world = self.world.lock();
        world.time = world.time.max(time.unix() - world.skew);
    }

    /// What the device takes, now and after a reboot, can be given back by the vault and by the escrow.
    fn check(&self) {
        let vault = Vault::open(self.path()).unwrap();
        let known: Vec<_> =
            self.entry().rotation.known().iter().map(|held| held.credential).collect();
        let kept: Vec<_> = known
            .iter()
            .map(|id| vault.secret(&subject(), *id).unwrap().secret.expose().to_owned())
            .collect();
        let world = self.world.lock();
        let safe = escrowed(&world, &self.key);
        for accounts in [&world.memory, &world.flash] {
            for password in std::iter::once(&accounts.main).chain(&accounts.second) {
                assert!(
                    kept.contains(password),
                    "the vault or the journal lost what the camera takes"
                );
                assert!(safe.contains(password), "the escrow does not have what the camera takes");
            }
        }
        assert!(world.most_failures <= THRESHOLD as usize - 2, "{} failed", world.most_failures);
    }

    /// Turns until the credential is settled, however often the process is killed.
    async fn settle(&self) {
        for _ in 0..500 {
            let turned = self.turn().await;
            if !matches!(self.entry().rotation, Rotation::Settled { .. })
                || self.world.lock().controller.len() > 1
            {
                self.check();
            }
            match turned.map(|turned| turned.ended) {
                Some(Ended::Settled(_)) => return,
                Some(Ended::LoginsSpent(until) | Ended::Stranded(until)) => self.wait_until(until),
                Some(
                    Ended::Unanswered | Ended::NotEscrowed | Ended::EscrowRefused | Ended::Refused,
                )
                | None => {
                    self.world.lock().time += 60;
                }
            }
            let (trusted, memory) = (self.trusted(), self.world.lock().memory.main.clone());
            let settled = matches!(self.entry().rotation, Rotation::Settled { .. });
            if settled && trusted.as_ref() != Some(&memory) {
                // A visit finds that.
                let entry = doubt(self.entry(), &self.journal()).await.unwrap();
                assert!(!matches!(entry.rotation, Rotation::Settled { .. }));
            }
        }
        panic!("never settles: {:?}", self.entry().rotation);
    }

    /// Makes the credential due, and rotates it.
    async fn rotate(&self) {
        let before = self.entry();
        let rotation = before.rotation.hurry(self.now());
        self.journal().record(&Entry { rotation, ..before }).unwrap();
        self.settle().await;
    }
}

const RULES: Rules =
    Rules { escrow: Escrow::Acknowledged, second: Second::Stands, proof: Proof::Word };

#[tokio::test]
async fn a_factory_password_is_replaced_and_opens_the_camera_after_a_reboot() {
    let agent = Agent::new(RULES, 1);
    let turned = agent.turn().await.unwrap();
    assert_eq!(turned.ended, Ended::Settled(agent.entry().rotation.due_at().unwrap()));
    let words: Vec<_> = turned.steps.iter().map(|step| step.0).collect();
    let expected = "escrow mint escrow escrow raise probe install probe lower save";
    assert_eq!(words.join(" "), expected);
    let world = agent.world.lock();
    assert_eq!(world.memory, world.flash);
    assert_eq!((Some(&world.flash.main), &world.flash.second), (agent.trusted().as_ref(), &None));
    assert_ne!(world.flash.main, FACTORY);
}

#[tokio::test]
async fn without_recovery_recipients_nothing_is_touched() {
    let agent = Agent { recovery: None, ..Agent::new(RULES, 1) };
    assert_eq!(agent.turn().await.unwrap().ended, Ended::Unanswered);
    assert_eq!(agent.world.lock().calls, 0);
}

#[tokio::test]
async fn while_the_controller_is_away_nothing_is_touched_unless_the_vault_will_do() {
    let away = Odds { controller_away: 1000, ..Odds::default() };
    let agent = Agent::new(RULES, 1);
    agent.world.lock().odds = away;
    assert_eq!(agent.turn().await.unwrap().ended, Ended::NotEscrowed);
    assert_eq!(agent.world.lock().calls, 0);
    let agent = Agent::new(Rules { escrow: Escrow::VaultWillDo, ..RULES }, 1);
    agent.world.lock().odds = away;
    assert_eq!(agent.turn().await.unwrap().ended, Ended::NotEscrowed);
    assert_ne!(agent.world.lock().flash.main, FACTORY);
    assert!(agent.world.lock().controller.is_empty());
    agent.world.lock().odds = Odds::default();
    assert!(matches!(agent.turn().await.unwrap().ended, Ended::Settled(_)));
    assert!(escrowed(&agent.world.lock(), &agent.key).contains(&agent.trusted().unwrap()));
}

#[tokio::test]
async fn when_the_recovery_recipients_change_the_new_ones_can_open_what_is_in_use() {
    let mut agent = Agent::new(RULES, 1);
    agent.settle().await;
    agent.key = Opener::generate();
    let quorum = Quorum::new(1, &[agent.key.recipient().to_string()]).unwrap();
    agent.recovery = Some(Arc::new(Recovery { generation: 2, quorum }));
    agent.world.lock().controller.clear();
    let before = agent.entry();
    let rotation = before.rotation.reseal();
    agent.journal().record(&Entry { rotation, ..before }).unwrap();
    agent.settle().await;
    assert_eq!(escrowed(&agent.world.lock(), &agent.key), [agent.trusted().unwrap()]);
}

#[tokio::test]
async fn a_camera_that_rejects_keeps_its_password_and_no_second_administrator() {
    let agent = Agent::new(RULES, 1);
    agent.world.lock().rejects = true;
    agent.settle().await;
    let world = agent.world.lock();
    assert_eq!((world.flash.main.as_str(), &world.flash.second), (FACTORY, &None));
    assert_eq!((world.memory.main.as_str(), &world.memory.second), (FACTORY, &None));
    assert_eq!(agent.trusted().as_deref(), Some(FACTORY));
}

#[tokio::test]
async fn killed_before_and_after_every_effect_it_ends_well() {
    for kill_at in 1..=8 {
        for odds in [
            Odds { killed_before: 1000, ..Odds::default() },
            Odds { killed_after: 1000, ..Odds::default() },
        ] {
            let agent = Agent::new(Rules { proof: Proof::Reboot, ..RULES }, kill_at);
            agent.world.lock().trap = Some((kill_at, odds));
            agent.settle().await;
            agent.check();
            assert_eq!(agent.world.lock().kills, 1);
            assert_eq!(agent.trusted(), Some(agent.world.lock().flash.main.clone()));
            assert_ne!(agent.trusted().as_deref(), Some(FACTORY));
            assert_eq!(agent.world.lock().flash.second, None);
        }
    }
}

#[tokio::test]
async fn a_hundred_rotations_with_every_fault_lose_nothing() {
    let faults = Odds {
        killed_before: 40,
        killed_after: 40,
        reply_lost: 60,
        late: 40,
        not_sent: 40,
        reboot: 30,
        controller_away: 100,
    };
    for (seed, second, proof) in
        [(11, Second::None, Proof::Word), (12, Second::Stands, Proof::Reboot)]
    {
        let agent = Agent::new(Rules { second, proof, ..RULES }, seed);
        let mut changed = 0;
        for round in 0..25 {
            agent.world.lock().odds = faults;
            // The clock of a box without a battery may be anywhere after a start.
            agent.world.lock().skew = [0, -800_000_000, 400_000_000][round % 3];
            agent.journal().rebase(agent.now()).unwrap();
            let before = agent.trusted();
            agent.rotate().await;
            agent.world.lock().odds = Odds::default();
            agent.world.lock().late_arrives();
            agent.settle().await;
            let world = agent.world.lock();
            let trusted = agent.trusted();
            assert_eq!(trusted.as_ref(), Some(&world.memory.main), "seed {seed}, round {round}");
            changed += usize::from(before != trusted);
        }
        let world = agent.world.lock();
        println!("{} calls, {} kills, {} of 25 changed", world.calls, world.kills, changed);
        assert!(world.kills > 4 && changed > 12, "{} kills, {changed} changed", world.kills);
    }
}
