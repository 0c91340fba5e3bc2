//! Rounds that change passwords, with a camera that takes one at a time and a controller that acknowledges or not.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use certs::escrow::Quorum;
use certs::seal::Opener;
use proto::wire::rotation::Standing;
use proto::{EscrowRecord, Organisation, Policy, Secret, SecretId, SiteName};

mod forget;

use super::super::credentials::Tools;
use super::*;
use crate::config::SiteDevice;
use crate::device::Fault;
use crate::rotate::LogsIn;
use crate::rotate::hands::{Desk, Device, HandedOver, Login, Maker, Recovery, Trouble};
use crate::rotation::Effect;
use crate::store::subject::Kind;

const OLD: &str = "secret";
const ON: &str = "[rotation]\npasswords = true\nsecond_administrator = false\n";
const OPEN: &str = "[rotation]\npasswords = true\nwindows = [{ from = '00:00', to = '00:00' }]\nsecond_administrator = false\n";

/// Cameras by name, and what else there is outside the agent.
#[derive(Default)]
struct Outside {
    passwords: BTreeMap<String, String>,
    escrow: Vec<EscrowRecord>,
    controller_away: bool,
    no_recipients: bool,
    /// Answers nothing.
    dead: bool,
    most_at_once: usize,
    at_work: usize,
}

#[derive(Clone)]
struct Pretend {
    outside: Arc<Mutex<Outside>>,
    recovery: Arc<Recovery>,
}

impl Pretend {
    fn new(world: &mut World, cameras: &[&str]) -> Self {
        let quorum = Quorum::new(1, &[Opener::generate().recipient().to_string()]).unwrap();
        let recovery = Arc::new(Recovery { generation: 1, quorum });
        let pretend = Self { outside: Arc::default(), recovery };
        for name in cameras {
            pretend.lock().passwords.insert((*name).to_owned(), OLD.to_owned());
            let (outside, name) = (pretend.outside.clone(), (*name).to_owned());
            world.script(&name.clone(), move |target| {
                let given = target.login.as_ref().map(|login| login.password.expose().to_owned());
                let outside = outside.lock().unwrap();
                match given {
                    Some(given) if given != outside.passwords[&name] => Err(refused()),
                    _ => Ok(camera()),
                }
            });
        }
        world.tools = Some(Arc::new(pretend.clone()));
        pretend
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outside> {
        self.outside.lock().unwrap()
    }

    fn password(&self, name: &str) -> String {
        self.lock().passwords[name].clone()
    }
}

impl Tools for Pretend {
    fn site(&self) -> (Organisation, SiteName) {
        ("acme".parse().unwrap(), "harbour".parse().unwrap())
    }

    fn recovery(&self) -> Option<Arc<Recovery>> {
        (!self.lock().no_recipients).then(|| self.recovery.clone())
    }

    fn desk(&self) -> Box<dyn Desk> {
        Box::new(self.clone())
    }

    fn device(
        &self,
        _: &Kind,
        target: Target,
        _: &Arc<Dialects>,
        _: &Policy,
    ) -> Result<Box<dyn Device>, String> {
        Ok(Box::new(Hand { outside: self.outside.clone(), name: target.name.to_string() }))
    }

    fn certificates(&self, _: &SiteDevice, _: f64) -> Result<Box<dyn Maker>, String> {
        Err("no issuer".to_owned())
    }

    fn certify(&self, _: &[SiteDevice]) {}

    fn pin(&self, certificate: &Secret) -> Option<certs::Pin> {
        certificate.expose().parse().ok()
    }
}

#[async_trait]
impl Desk for Pretend {
    async fn hand_over(&mut self, record: EscrowRecord) -> HandedOver {
        let mut outside = self.lock();
        if outside.controller_away {
            return HandedOver::NotYet;
        }
        outside.escrow.push(record);
        HandedOver::Committed
    }
}

struct Hand {
    outside: Arc<Mutex<Outside>>,
    name: String,
}

impl Hand {
    async fn act(&self, auth: &Secret, new: Option<&Secret>) -> Result<(), Trouble> {
        {
            let mut outside = self.outside.lock().unwrap();
            outside.at_work += 1;
            outside.most_at_once = outside.most_at_once.max(outside.at_work);
        }
        tokio::task::yield_now().await;
        let mut outside = self.outside.lock().unwrap();
        outside.at_work -= 1;
        if outside.dead {
            return Err(Fault::Unreachable("no answer".to_owned()).into());
        }
        let password = outside.passwords.get_mut(&self.name).unwrap();
        if password != auth.expose() {
            return Err(Fault::Refused("not with this one".to_owned()).into());
        }
        if let Some(new) = new {
            new.expose().clone_into(password);
        }
        Ok(())
    }
}

fn secret<'a>(login: &Login<'a>) -> &'a Secret {
    match login {
        Login::Main(secret) | Login::Second(secret) => secret,
    }
}

#[async_trait]
impl Device for Hand {
    async fn raise(&mut self, auth: &Secret, _: &Secret) -> Result<(), Trouble> {
        self.act(auth, None).await
    }
    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble> {
        self.act(secret(auth), Some(new)).await
    }
    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble> {
        self.act(secret(with), None).await
    }
    async fn lower(&mut self, auth: &Login<'_>, _: &Secret) -> Result<(), Trouble> {
        self.act(secret(auth), None).await
    }
    async fn save(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        self.act(secret(auth), None).await
    }
    async fn reboot(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        self.act(secret(auth), None).await
    }
    fn logs_in(&self, _: &Effect<SecretId>) -> LogsIn {
        LogsIn::Yes
    }
}

fn stands(progress: &Progress, standing: Standing) -> usize {
    progress.credentials.iter().filter(|state| state.standing == standing).count()
}

fn changed(progress: &Progress) -> usize {
    progress.credentials.iter().filter(|state| state.since.is_some()).count()
}

#[test]
fn a_due_password_is_changed_in_its_window_and_visits_log_in_with_the_new_one() {
    let mut world = World::new("due", &site_file("due", &["yard", "gate"], ""));
    let outside = Pretend::new(&mut world, &["yard", "gate"]);
    world.run(async |world| {
        world.whole("yard").await;
        assert!(world.progress().credentials.is_empty(), "policy does not want it");
        world.desire(1, OPEN);
        world.until(|progress| progress.generation == 1).await;
        world.order(1, &[]).await.unwrap();
        world.until(|progress| changed(progress) == 2).await;
        world.order(2, &[]).await.unwrap();
        assert_eq!(world.progress().failing, 0);
    });
    assert!(
        outside.password("yard") != OLD && outside.password("yard") != outside.password("gate")
    );
    assert_eq!(outside.lock().most_at_once, 1, "change.at_once");
    // A second run goes on with the vault's password, whatever the site file says.
    world.run(async |world| {
        world.desire(1, OPEN);
        world.until(|progress| progress.generation == 1).await;
        world.order(3, &[]).await.unwrap();
        assert_eq!((world.progress().failing, changed(&world.progress())), (0, 2));
    });
    let deeds = world.deeds();
    let count = |deed: &str| deeds.iter().filter(|it| **it == deed).count();
    assert_eq!(
        (count("credential_adopted"), count("rotation_started"), count("rotated")),
        (2, 2, 2)
    );
    assert_eq!(count("login_refused"), 0);
    // The old ones are there as well: adopted means escrowed first.
    assert_eq!(outside.lock().escrow.len(), 4);
}

#[test]
fn an_order_needs_no_window_and_is_done_once_the_camera_takes_another_one() {
    let mut world = World::new("ordered", &site_file("ordered", &["yard", "gate"], ""));
    let outside = Pretend::new(&mut world, &["yard", "gate"]);
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 2).await;
        world.settle().await;
        assert_eq!(outside.password("yard"), OLD, "no window is open");
        world.rotate(1, &["yard"]).await.await.unwrap();
        assert!(outside.password("yard") != OLD && outside.password("gate") == OLD);
        let after = outside.password("yard");
        // Told again because its end was never heard of.
        world.rotate(1, &["yard"]).await.await.unwrap();
        assert_eq!(outside.password("yard"), after);
        world.rotate(2, &[]).await.await.unwrap();
        assert!(outside.password("yard") != after && outside.password("gate") != OLD);
    });
    let last = world.states();
    assert!(last.iter().all(|state| state.trouble.is_empty() && state.account == "audit"));
}

#[test]
fn what_policy_does_not_switch_on_is_not_ordered_either() {
    let mut world = World::new("off", &site_file("off", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    world.run(async |world| {
        world.whole("yard").await;
        assert!(world.rotate(1, &["yard"]).await.await.is_err());
    });
    assert_eq!(outside.password("yard"), OLD);
    assert!(world.deeds().contains(&"rotation_failed"));
}

#[test]
fn until_the_controller_has_the_sealed_copy_no_camera_is_touched() {
    let mut world = World::new("away", &site_file("away", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    outside.lock().controller_away = true;
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 1).await;
        let done = world.rotate(1, &["yard"]).await;
        // The first turn was to seal what is in use; the second is the order's.
        let twice = |count: &u64| *count >= 2;
        world.until(|progress| progress.turned.get("interrupted").is_some_and(twice)).await;
        assert!(world.progress().credentials[0].trouble.contains("acknowledged"));
        assert_eq!(outside.password("yard"), OLD);
        outside.lock().controller_away = false;
        world.pass(400).await;
        done.await.unwrap();
    });
    assert_ne!(outside.password("yard"), OLD);
}

#[test]
fn while_nobody_is_known_to_seal_to_it_says_so() {
    let mut world = World::new("nobody", &site_file("nobody", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    outside.lock().no_recipients = true;
    world.run(async |world| {
        world.desire(1, OPEN);
        world.until(|progress| progress.credentials.len() == 1).await;
        world.settle().await;
        assert!(world.progress().credentials[0].trouble.contains("recovery recipients"));
    });
    assert_eq!(outside.password("yard"), OLD);
}

#[test]
fn a_camera_that_dies_in_between_is_left_to_the_machine_and_no_visit_logs_in() {
    let mut world = World::new("dies", &site_file("dies", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    world.crash(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 1).await;
        world.settle().await;
        outside.lock().dead = true;
        let _never = world.rotate(1, &["yard"]).await;
        world.until(|progress| stands(progress, Standing::InDoubt) == 1).await;
    });
    let logins = world.logins("yard");
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.generation == 1).await;
        world.order(2, &["yard"]).await.unwrap();
        assert_eq!((world.logins("yard"), world.progress().failing), (logins, 1));
        outside.lock().dead = false;
        // What was not answered counts as failed for an hour.
        world.pass(4000).await;
        world.until(|progress| changed(progress) == 1).await;
        world.order(3, &["yard"]).await.unwrap();
        assert_eq!((world.logins("yard"), world.progress().failing), (logins + 1, 0));
    });
    assert_ne!(outside.password("yard"), OLD);
}

#[test]
fn a_camera_that_somebody_else_gave_another_password_is_stranded_once_and_never_locked_out() {
    let mut world = World::new("theirs", &site_file("theirs", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 1).await;
        world.settle().await;
        outside.lock().passwords.insert("yard".to_owned(), "theirs".to_owned());
        world.order(1, &["yard"]).await.unwrap();
        world.until(|progress| stands(progress, Standing::Stranded) == 1).await;
        for hour in 0..48 {
            world.pass(3600).await;
            world.settle().await;
            assert_eq!(stands(&world.progress(), Standing::Stranded), 1, "hour {hour}");
        }
        outside.lock().passwords.insert("yard".to_owned(), OLD.to_owned());
        world.pass(7 * 3600).await;
        world.until(|progress| stands(progress, Standing::Settled) == 1).await;
    });
    let deeds = world.deeds();
    assert_eq!(deeds.iter().filter(|deed| **deed == "device_stranded").count(), 1);
    assert_eq!(outside.password("yard"), OLD);
}
