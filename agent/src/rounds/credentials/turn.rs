//! One turn at one credential, as a task of its own: everything it needs, and what came of it.

use std::sync::Arc;

use certs::SharedClock;
use proto::{DeviceName, Secret, SecretId, Timestamp};

use super::choice;
use super::keyring::{Access, Claim, Claims, Keyring};
use crate::config::{PasswordSource, SiteDevice, read};
use crate::device::{Limits, Target};
use crate::rotate::devices::Taken;
use crate::rotate::group::Group;
use crate::rotate::hands::{About, Maker, Passwords, VaultHands};
use crate::rotate::{self, Ended, Job};
use crate::rotation::Rotation;
use crate::rotation::attempts::Limit;
use crate::rotation::due::Class;
use crate::rotation::password;
use crate::rounds::loaded::Loaded;
use crate::rounds::yardstick::Yardstick;
use crate::store::journal::Entry;
use crate::store::vault::{Vault, VaultError};
use crate::visit::{self, Terms, Way};

/// A turn to be taken.
pub(in crate::rounds) struct Turn {
    pub entry: Entry,
    pub device: SiteDevice,
    pub claims: Claims,
    /// The certificate that the device is held to.
    pub accepted: Option<certs::Pin>,
    pub site: Arc<Loaded>,
    pub yardstick: Arc<Yardstick>,
    pub limits: Limits,
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    pub keyring: Arc<Keyring>,
    pub clock: SharedClock,
    /// From -1 to 1.
    pub jitter: f64,
    pub taken: Taken,
}

/// A turn that was taken.
pub(in crate::rounds) struct Turned {
    pub before: Entry,
    /// What came of it, or why nothing could.
    pub outcome: Result<rotate::Turned, String>,
    /// Keeps others off the device until it is entered what came of it.
    pub taken: Taken,
}

/// What a turn came to, as people are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rounds) enum Came {
    /// The device takes another one than before.
    Changed,
    /// The change was given up; the device takes what it took.
    GivenUp,
    /// The device takes nothing that is known, since this turn.
    Stranded,
    /// It is not at an end, or there was nothing to change.
    Underway,
}

impl Turn {
    pub async fn take(self) -> Turned {
        let before = self.entry.clone();
        let (outcome, taken) = self.taking().await;
        Turned { before, outcome, taken }
    }

    async fn taking(self) -> (Result<rotate::Turned, String>, Taken) {
        let vault = match &self.keyring.vault {
            Ok(vault) => vault.clone(),
            Err(why) => return (Err(why.clone()), self.taken),
        };
        let class = choice::class(&self.entry.subject.kind);
        let policy = &self.yardstick.policy;
        let made = async {
            let target = self.target().await?;
            let (kind, tools) = (&self.entry.subject.kind, &self.keyring.tools);
            let device = tools.device(kind, target, &self.site.dialects, policy)?;
            let maker: Box<dyn Maker> = match class {
                Class::Certificate => tools.certificates(&self.device, self.jitter)?,
                Class::Password => Box::new(self.passwords(password::Limits::CAMERA)),
                Class::RecordingKey => Box::new(self.group(&vault, password::Limits::CAMERA)),
                Class::MessageKey => Box::new(self.group(&vault, password::Limits::MESSAGE_KEY)),
            };
            self.tidy().await?;
            Ok((device, maker, tools.desk()))
        };
        let (mut device, mut maker, mut desk) = match made.await {
            Ok(made) => made,
            Err(why) => return (Err(why), self.taken),
        };
        let (organisation, site) = self.keyring.tools.site();
        let about = About {
            organisation,
            site,
            subject: self.entry.subject.clone(),
            recovery: self.keyring.tools.recovery(),
            clock: self.clock.clone(),
        };
        let mut hands = VaultHands {
            about,
            vault,
            device: device.as_mut(),
            maker: maker.as_mut(),
            desk: desk.as_mut(),
        };
        let job = Job::new(choice::rules(class, policy), Limit::default());
        let journal = &self.keyring.journal;
        let turned =
            rotate::turn(self.entry, &job, &mut hands, journal, &self.clock, &self.taken).await;
        (turned.map_err(|error| error.to_string()), self.taken)
    }

    /// Who makes a key that the site's cameras share.
    fn group(&self, vault: &Vault, limits: password::Limits) -> Group {
        Group {
            vault: vault.clone(),
            journal: self.keyring.journal.clone(),
            kind: self.entry.subject.kind.clone(),
            own: self.device.name.clone(),
            members: self.site.file.devices.iter().map(|device| device.name.clone()).collect(),
            passwords: self.passwords(limits),
            clock: self.clock.clone(),
        }
    }

    fn passwords(&self, limits: password::Limits) -> Passwords {
        let policy = &self.yardstick.policy;
        Passwords {
            limits,
            rules: policy.passwords.clone(),
            life: i64::from(policy.rotation.password_days) * 86_400,
            jitter: self.jitter,
        }
    }

    /// How the device is reached. For a password the log-ins are the machine's; for a certificate it is what the vault
    /// or the site file says, and a device whose password is in doubt is left alone.
    async fn target(&self) -> Result<Target, String> {
        let (device, site, yardstick) =
            (self.device.clone(), self.site.clone(), self.yardstick.clone());
        let (limits, environment) = (self.limits, self.environment.clone());
        let (keyring, claims, accepted) =
            (self.keyring.clone(), self.claims.clone(), self.accepted);
        let class = choice::class(&self.entry.subject.kind);
        let build = move || {
            let access = match class {
                // A password in doubt is what the turn is about.
                Class::Password => {
                    let password = Claim::None;
                    keyring.access(&Claims { password, ..claims })
                }
                Class::Certificate => {
                    let certificate = Claim::None;
                    keyring.access(&Claims { certificate, ..claims })
                }
                Class::RecordingKey | Class::MessageKey => keyring.access(&claims),
            };
            let (password, pin) = match access {
                Access::SiteFile => (None, None),
                Access::Vault { password, pin } => (password.map(|(secret, _)| secret), pin),
                Access::Doubt => return Err("its other credential is in doubt".to_owned()),
            };
            let fetch = |source: &PasswordSource| match (class, password) {
                (_, Some(password)) => Ok(password),
                (Class::Password, None) => Ok(Secret::new("")),
                (Class::Certificate | Class::RecordingKey | Class::MessageKey, None) => {
                    read::password(source, |name| environment(name))
                }
            };
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            let call = visit::call(&device, &terms, fetch).map_err(|why| why.to_string())?;
            let Way::Live(mut target) = call.way else {
                return Err("it is not reached over the network".to_owned());
            };
            target.pin = pin.or(target.pin);
            target.seen_before = accepted.filter(|_| target.address.tls);
            Ok(*target)
        };
        let built = tokio::task::spawn_blocking(build).await;
        built.unwrap_or_else(|_| Err("preparing the turn failed".to_owned()))
    }

    /// Forgets secrets that nobody needs.
    async fn tidy(&self) -> Result<(), String> {
        let known: Vec<_> =
            self.entry.rotation.known().iter().map(|held| held.credential).collect();
        let (keyring, subject) = (self.keyring.clone(), self.entry.subject.clone());
        let tidy = move || match &keyring.vault {
            Ok(vault) => {
                vault.tidy(&subject, &known).map_err(|error: VaultError| error.to_string())
            }
            Err(why) => Err(why.clone()),
        };
        let done = tokio::task::spawn_blocking(tidy).await;
        done.unwrap_or_else(|_| Err("tidying the vault failed".to_owned()))
    }
}

impl Turned {
    pub fn device(&self) -> Option<&DeviceName> {
        self.taken.device()
    }

    /// What it came to, where the device took `was` when all was last well.
    pub fn came(&self, was: Option<SecretId>) -> Came {
        let Ok(turned) = &self.outcome else { return Came::Underway };
        let before = &self.before.rotation;
        match &turned.entry.rotation {
            Rotation::Stranded { .. } if !matches!(before, Rotation::Stranded { .. }) => {
                Came::Stranded
            }
            Rotation::Settled { live, .. } if was.is_some_and(|was| was != live.credential) => {
                Came::Changed
            }
            Rotation::Settled { .. } => {
                let began = turned.steps.contains(&("mint", "minted"));
                // A doubt about what is in use that was dispelled gave nothing up.
                let other = before.change().is_some_and(|it| Some(it.next.credential) != was);
                if began || other { Came::GivenUp } else { Came::Underway }
            }
            _ => Came::Underway,
        }
    }

    /// Whether the device refused one of our log-ins.
    pub fn was_refused(&self) -> bool {
        let refused = |turned: &rotate::Turned| turned.steps.iter().any(|step| step.1 == "refused");
        self.outcome.as_ref().is_ok_and(refused)
    }

    /// Whether it failed at more than a line that is down.
    pub fn refused_or_broken(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|turned| turned.ended == Ended::Refused)
            || self.outcome.is_err()
    }

    /// For how many seconds the device is left in peace, after so many turns that got nowhere; nothing where it is done.
    pub fn rest(&self, failures: u32, now: Timestamp) -> Option<u64> {
        let doubled = |first: u64, most: u64| (first << failures.min(16)).min(most);
        let until = |time: Timestamp| {
            u64::try_from(time.seconds_since(now)).unwrap_or(1).clamp(1, 24 * 3600)
        };
        let ended = match &self.outcome {
            Ok(turned) => turned.ended,
            Err(_) => return Some(doubled(60, 3600)),
        };
        match ended {
            Ended::Settled(_) => None,
            Ended::NotEscrowed => Some(doubled(1, 300)),
            Ended::EscrowRefused => Some(3600),
            Ended::Unanswered => Some(doubled(15, 3600)),
            Ended::Refused => Some(doubled(600, 3600)),
            Ended::LoginsSpent(time) | Ended::Stranded(time) => Some(until(time)),
        }
    }

    /// Why it is not getting on; empty if it is.
    pub fn trouble(&self, came: Came) -> String {
        let turned = match &self.outcome {
            Ok(turned) => turned,
            Err(why) => return why.clone(),
        };
        let last = turned.steps.last().copied().unwrap_or_default();
        match turned.ended {
            Ended::Settled(due) if came == Came::GivenUp => {
                format!("the device did not take a new one; it is tried again after {due}")
            }
            Ended::Settled(_) => String::new(),
            Ended::NotEscrowed => "the controller has not acknowledged the sealed copy".to_owned(),
            Ended::EscrowRefused => "the controller keeps no more of this site's secrets, so the device is not touched; \
                 palisade secret list and prune"
                .to_owned(),
            Ended::Unanswered if matches!(last.0, "mint" | "escrow") => {
                "no new one could be made and sealed; the agent's log says why".to_owned()
            }
            Ended::Unanswered => format!("no answer when asked to {}", last.0),
            Ended::Refused => "the device refuses what it should take".to_owned(),
            Ended::LoginsSpent(time) => {
                format!("no log-in before {time}, so that the device locks nobody out")
            }
            Ended::Stranded(_) => {
                "the device takes nothing that is known; somebody has to look".to_owned()
            }
        }
    }
}
