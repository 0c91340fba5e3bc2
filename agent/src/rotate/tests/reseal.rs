//! What devices may take, brought into escrow with other recipients.

use super::super::reseal::reseal_all;
use super::*;
use crate::store::vault::Escrowed;

impl Agent {
    fn recipients_change(&mut self, generation: u64) {
        self.key = Opener::generate();
        let quorum = Quorum::new(1, &[self.key.recipient().to_string()]).unwrap();
        self.recovery = Some(Arc::new(Recovery { generation, quorum }));
        self.world.lock().controller.clear();
    }

    fn about(&self) -> About {
        About {
            organisation: "acme".parse().unwrap(),
            site: "harbour".parse().unwrap(),
            subject: subject(),
            recovery: self.recovery.clone(),
            clock: self.clock(),
        }
    }

    /// Gives how many are left; nothing if it was killed.
    async fn reseal(&self, devices: &Devices) -> Option<usize> {
        let (vault, journal) = (Vault::open(self.path()).unwrap(), self.journal());
        let (mut desk, about) = (self.world.clone(), self.about());
        tokio::select! {
            biased;
            () = self.world.killed.notified() => None,
            left = reseal_all(&about, (&vault, &journal), &mut desk, devices) => Some(left.unwrap()),
        }
    }

    fn known(&self) -> Vec<String> {
        let known = self.entry();
        known.rotation.known().iter().map(|held| self.secret(held.credential)).collect()
    }
}

#[tokio::test]
async fn everything_a_device_may_take_is_sealed_to_the_new_recipients_without_touching_it() {
    let mut agent = Agent::new(RULES, 1);
    agent.settle().await;
    agent.rotate().await;
    agent.recipients_change(2);
    let calls = agent.world.lock().calls;
    assert_eq!(agent.reseal(&Devices::default()).await, Some(0));
    assert_eq!(agent.world.lock().calls, calls);
    let (mut known, mut safe) = (agent.known(), escrowed(&agent.world.lock(), &agent.key));
    known.sort();
    safe.sort();
    assert!(known.len() > 2);
    assert_eq!(known, safe);
    agent.check();
    // Nothing is left to do for anybody.
    let before = agent.entry();
    assert!(matches!(agent.turn().await.unwrap().ended, Ended::Settled(_)));
    assert_eq!((agent.entry(), agent.world.lock().calls), (before, calls));
}

#[tokio::test]
async fn until_the_new_recipients_have_it_the_device_is_left_alone() {
    let mut agent = Agent::new(RULES, 1);
    agent.settle().await;
    agent.recipients_change(2);
    agent.world.lock().odds = Odds { controller_away: 1000, ..Odds::default() };
    let left = agent.reseal(&Devices::default()).await.unwrap();
    assert_eq!(left, agent.known().len());
    let before = agent.entry();
    let rotation = before.rotation.hurry(agent.now());
    agent.journal().record(&Entry { rotation, ..before }).unwrap();
    let calls = agent.world.lock().calls;
    assert_eq!(agent.turn().await.unwrap().ended, Ended::NotEscrowed);
    assert_eq!(agent.world.lock().calls, calls);
    let not_begun = matches!(agent.entry().rotation, Rotation::Settled { .. });
    assert!(not_begun, "no change begins while what is in use could be lost");
    agent.world.lock().odds = Odds::default();
    assert_eq!(agent.reseal(&Devices::default()).await, Some(0));
    assert!(matches!(agent.turn().await.unwrap().ended, Ended::Settled(_)));
    agent.check();
}

#[tokio::test]
async fn a_change_under_way_is_sealed_anew_once_it_is_over() {
    let mut agent = Agent::new(RULES, 3);
    agent.settle().await;
    let before = agent.entry();
    let rotation = before.rotation.hurry(agent.now());
    agent.journal().record(&Entry { rotation, ..before }).unwrap();
    let calls = agent.world.lock().calls;
    let killed = Odds { killed_after: 1000, ..Odds::default() };
    agent.world.lock().trap = Some((calls + 3, killed));
    assert!(agent.turn().await.is_none());
    assert!(agent.entry().rotation.change().is_some());
    let held = agent.world.lock().controller.clone();
    agent.recipients_change(2);
    agent.world.lock().controller = held;
    agent.world.lock().odds = Odds { controller_away: 1000, ..Odds::default() };
    let under_way = agent.entry();
    assert!(agent.reseal(&Devices::default()).await.unwrap() > 0);
    assert_eq!(agent.entry(), under_way);
    agent.world.lock().odds = Odds::default();
    agent.world.lock().controller.clear();
    assert_eq!(agent.reseal(&Devices::default()).await, Some(0));
    agent.settle().await;
    agent.check();
}

#[tokio::test]
async fn killed_at_any_record_it_goes_on_where_it_was() {
    let mut agent = Agent::new(RULES, 1);
    agent.settle().await;
    agent.rotate().await;
    for generation in 2..12 {
        agent.recipients_change(generation);
        agent.world.lock().odds =
            Odds { killed_before: 200, killed_after: 200, reply_lost: 200, ..Odds::default() };
        let mut tries = 0;
        while agent.reseal(&Devices::default()).await != Some(0) {
            tries += 1;
            assert!(tries < 200, "it never ends");
        }
        let safe = escrowed(&agent.world.lock(), &agent.key);
        assert!(agent.known().iter().all(|known| safe.contains(known)));
        agent.world.lock().odds = Odds::default();
    }
    assert!(agent.world.lock().kills > 3);
}

#[tokio::test]
async fn a_device_that_somebody_is_at_is_left_for_later() {
    let mut agent = Agent::new(RULES, 1);
    agent.settle().await;
    agent.recipients_change(2);
    let devices = Devices::default();
    let taken = devices.take(subject().device.as_ref()).unwrap();
    assert_eq!(agent.reseal(&devices).await, Some(1));
    assert!(agent.world.lock().controller.is_empty());
    drop(taken);
    assert_eq!(agent.reseal(&devices).await, Some(0));
    let Rotation::Settled { live, .. } = agent.entry().rotation else { panic!("it is settled") };
    let vault = Vault::open(agent.path()).unwrap();
    let escrow = vault.escrowed(&subject(), live.credential).unwrap();
    assert_eq!(escrow, Escrowed::Acknowledged { generation: 2 });
}

#[tokio::test]
async fn the_vault_forgets_and_the_count_follows_the_clock_only_when_nobody_is_there() {
    use super::super::upkeep::{rebase, tidy};
    let agent = Agent::new(RULES, 1);
    agent.settle().await;
    for _ in 0..8 {
        agent.rotate().await;
    }
    let vault = Vault::open(agent.path()).unwrap();
    let extra = vault.keep(&subject(), &[(Role::Second, Secret::new("x"))], agent.now()).unwrap();
    for number in 0..6 {
        let more = [(Role::Main, Secret::new(format!("more {number}")))];
        vault.keep(&subject(), &more, agent.now()).unwrap();
    }
    let devices = Devices::default();
    let device = subject().device;
    let taken = devices.take(device.as_ref()).unwrap();
    tidy(&vault, &agent.entry(), &taken).await;
    assert!(vault.secret(&subject(), extra[0]).is_err());
    assert!(agent.known().len() > 1, "what the device may take is still there");
    let (journal, limit) = (agent.journal(), Limit { threshold: THRESHOLD, window: WINDOW });
    journal.charge(device.as_ref(), &limit, agent.now()).unwrap();
    let later = proto::Timestamp::from_unix(agent.now().unix() + 10 * WINDOW);
    assert_eq!(rebase(&journal, &devices, later).await.unwrap(), std::slice::from_ref(&device));
    let free = |now| journal.attempts(device.as_ref(), now).unwrap().clear_at(&limit, now);
    assert!(free(later) <= later);
    drop(taken);
    assert_eq!(rebase(&journal, &devices, later).await.unwrap(), []);
    assert!(free(later) > later, "a failure of before counts as of now");
}
