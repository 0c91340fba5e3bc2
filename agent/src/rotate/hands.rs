//! The hands of every rotation on a device: they make secrets, keep them in the vault, seal them for escrow, and have a
//! driver do the rest. What is particular to a kind of credential is behind three small traits.

use std::sync::Arc;

use async_trait::async_trait;
use certs::escrow::{self, Quorum, Sheet};
use certs::random;
use proto::policy::PasswordRules;
use proto::{EscrowRecord, Organisation, Secret, SecretId, SecretKind, SiteName, Timestamp};

use super::{Hands, LogsIn};
use crate::device::Fault;
use crate::rotation::password::{self, Limits};
use crate::rotation::{Effect, Outcome, Second};
use crate::store::journal::Durable;
use crate::store::subject::Subject;
use crate::store::vault::{Escrowed, Found, Role, Vault, VaultError};

/// What a driver does with secrets. Each call is one task on a fresh connection.
#[async_trait]
pub trait Device: Send {
    /// Makes the second administrator with this password, unsaved. `Rejected` or `Unsupported` only if nothing was
    /// touched: the driver first reproduces the stored form of `auth` and compares it with what the device shows.
    async fn raise(&mut self, auth: &Secret, second: &Secret) -> Result<(), Trouble>;
    /// Sets the credential, unsaved where the device has a memory to save to. As careful as `raise`. `auth` may be the
    /// second administrator's.
    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble>;
    /// Logs in, or compares what the device serves.
    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble>;
    /// Removes the second administrator, unsaved, and looks whether it is gone. `second` is its password, by which a
    /// person's account of the same name is told from it.
    async fn lower(&mut self, auth: &Login<'_>, second: &Secret) -> Result<(), Trouble>;
    /// Saves what is set.
    async fn save(&mut self, auth: &Login<'_>) -> Result<(), Trouble>;
    /// Collects the web log, reboots, waits until the device is back, and makes sure that it did reboot.
    async fn reboot(&mut self, auth: &Login<'_>) -> Result<(), Trouble>;
    /// Whether the device counts a log-in for the effect.
    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn;
}

/// Whom to log in as.
#[derive(Clone, Copy, Debug)]
pub enum Login<'a> {
    /// The account that is rotated.
    Main(&'a Secret),
    /// The second administrator.
    Second(&'a Secret),
}

/// Why a driver did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing was sent that a credential is in.
    NotSent,
    /// Anything else, by what may be concluded.
    Fault(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Tells whether a credential was used before.
pub type IsUsed = dyn Fn(&str) -> bool + Send + Sync;

/// Makes fresh credentials.
#[async_trait]
pub trait Maker: Send {
    /// One, and one for the second administrator if asked. `is_used` tells those that were used before.
    async fn make(
        &mut self,
        second: Second,
        is_used: &IsUsed,
    ) -> Result<(Secret, Option<Secret>), Fault>;
    /// When one that is settled at `now` is due.
    fn due(&self, now: Timestamp) -> Timestamp;
}

/// Hands records to the controller.
#[async_trait]
pub trait Desk: Send {
    /// Whether the controller has committed the record.
    async fn hand_over(&mut self, record: EscrowRecord) -> HandedOver;
}

/// Whether the controller has a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedOver {
    /// It has committed it.
    Committed,
    /// It is on its way, or waits for the link.
    NotYet,
    /// It said that it does not keep it.
    Refused,
}

/// Whom secrets are sealed to, as the root signed it.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Of the recipients.
    pub generation: u64,
    /// The recipients.
    pub quorum: Quorum,
}

/// Makes passwords within the device's limits and the policy's rules.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// What the device takes.
    pub limits: Limits,
    /// What policy asks.
    pub rules: PasswordRules,
    /// How many seconds one is used.
    pub life: i64,
    /// From -1 to 1, drawn once per credential and stored.
    pub jitter: f64,
}

#[async_trait]
impl Maker for Passwords {
    async fn make(
        &mut self,
        second: Second,
        is_used: &IsUsed,
    ) -> Result<(Secret, Option<Secret>), Fault> {
        let mut random =
            std::iter::repeat_with(random::bytes::<64>).map_while(Result::ok).flatten();
        let mut one = || {
            password::make(self.limits, &self.rules, is_used, &mut random)
                .map_err(|error| Fault::Unsupported(error.to_string()))
        };
        let next = one()?;
        let second = match second {
            Second::Stands => Some(one()?),
            Second::None => None,
        };
        Ok((next, second))
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        crate::rotation::due::by_schedule(now, self.life, self.jitter)
    }
}

/// Everything the hands need to know of the credential at hand.
#[derive(Clone, Debug)]
pub struct About {
    /// Whose devices.
    pub organisation: Organisation,
    /// Which site.
    pub site: SiteName,
    /// Which credential.
    pub subject: Subject,
    /// Whom secrets are sealed to. Without anybody nothing is rotated.
    pub recovery: Option<Arc<Recovery>>,
    /// The present, for when a secret was made.
    pub clock: certs::SharedClock,
}

/// Hands with a vault.
pub struct VaultHands<'a> {
    /// What it is about.
    pub about: About,
    /// Where secrets are kept.
    pub vault: Vault,
    /// Who does it on the device.
    pub device: &'a mut dyn Device,
    /// Who makes credentials.
    pub maker: &'a mut dyn Maker,
    /// Who hands records to the controller.
    pub desk: &'a mut dyn Desk,
}

#[async_trait]
impl Hands for VaultHands<'_> {
    async fn perform(&mut self, effect: &Durable<Effect<SecretId>>) -> Outcome<SecretId> {
        let done = match effect.get() {
            Effect::Mint(second) => return self.mint(*second).await,
            Effect::Escrow(id) => {
                return in_escrow(&self.about, &self.vault, self.desk, *id).await;
            }
            at_device => self.at_device(at_device).await,
        };
        match done {
            Ok(()) => Outcome::Done,
            Err(Trouble::NotSent) => Outcome::NotSent,
            Err(Trouble::Fault(fault)) => {
                tracing::info!(effect = effect.get().word(), %fault, "the device did not do it");
                concluded(&fault)
            }
        }
    }

    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn {
        match effect {
            Effect::Mint(_) | Effect::Escrow(_) => LogsIn::No,
            at_device => self.device.logs_in(at_device),
        }
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        self.maker.due(now)
    }
}

/// What the machine may conclude from a fault.
fn concluded(fault: &Fault) -> Outcome<SecretId> {
    match fault {
        Fault::Refused(_) => Outcome::Refused,
        Fault::Rejected(_) | Fault::Unsupported(_) => Outcome::Rejected,
        Fault::Unreachable(_) | Fault::Nonsense(_) => Outcome::Unknown,
    }
}

impl VaultHands<'_> {
    async fn mint(&mut self, second: Second) -> Outcome<SecretId> {
        let (vault, subject) = (self.vault.clone(), self.about.subject.clone());
        let Ok(is_used) = pooled(move || vault.is_used(&subject)).await else {
            return Outcome::NotSent;
        };
        let (next, second) = match self.maker.make(second, &is_used).await {
            Ok(made) => made,
            Err(fault) => {
                tracing::warn!(%fault, "no new credential could be made");
                return Outcome::NotSent;
            }
        };
        let (vault, subject, now) =
            (self.vault.clone(), self.about.subject.clone(), self.about.clock.now());
        let fresh: Vec<_> = std::iter::once((Role::Main, next))
            .chain(second.map(|second| (Role::Second, second)))
            .collect();
        let kept = pooled(move || vault.keep(&subject, &fresh, now)).await;
        match kept.as_deref() {
            Ok([next, second @ ..]) => {
                Outcome::Minted { next: *next, second: second.first().copied() }
            }
            Ok([]) | Err(()) => Outcome::NotSent,
        }
    }

    async fn at_device(&mut self, effect: &Effect<SecretId>) -> Result<(), Trouble> {
        let look = |id: SecretId| looked_up(self.vault.clone(), self.about.subject.clone(), id);
        let found = match effect.auth() {
            Some(id) => look(*id).await?,
            None => return Err(Trouble::NotSent),
        };
        let login = match found.role {
            Role::Main => Login::Main(&found.secret),
            Role::Second => Login::Second(&found.secret),
        };
        match effect {
            Effect::Raise { second, .. } => {
                let second = look(*second).await?.secret;
                self.device.raise(&found.secret, &second).await
            }
            Effect::Install { new, .. } => {
                let new = look(*new).await?.secret;
                self.device.install(&login, &new).await
            }
            Effect::Probe(_) => self.device.probe(&login).await,
            Effect::Lower { second, .. } => {
                let second = look(*second).await?.secret;
                self.device.lower(&login, &second).await
            }
            Effect::Save { .. } => self.device.save(&login).await,
            Effect::Reboot { .. } => self.device.reboot(&login).await,
            Effect::Mint(_) | Effect::Escrow(_) => Err(Trouble::NotSent),
        }
    }
}

async fn looked_up(vault: Vault, subject: Subject, id: SecretId) -> Result<Found, Trouble> {
    pooled(move || vault.secret(&subject, id)).await.map_err(|()| Trouble::NotSent)
}

/// Brings a secret into escrow: seals it, unless that was done, and hands it over.
pub(super) async fn in_escrow(
    about: &About,
    vault: &Vault,
    desk: &mut dyn Desk,
    id: SecretId,
) -> Outcome<SecretId> {
    let Some(recovery) = about.recovery.clone() else {
        tracing::warn!("no recovery recipients are stated, so nothing is rotated");
        return Outcome::NotSent;
    };
    let (sealing, of) = (vault.clone(), about.clone());
    match pooled(move || sealed(&sealing, &of, &recovery, id)).await {
        Ok(None) => Outcome::Done,
        Ok(Some(record)) => match desk.hand_over(record.clone()).await {
            HandedOver::NotYet => Outcome::Kept,
            // However little policy waits for: a controller that is there and has no room is no link that is down.
            HandedOver::Refused => Outcome::Rejected,
            HandedOver::Committed => {
                let (vault, subject) = (vault.clone(), about.subject.clone());
                let generation = record.recipients_generation;
                let noted = Escrowed::Acknowledged { generation };
                match pooled(move || vault.note_escrow(&subject, id, noted)).await {
                    Ok(()) => Outcome::Done,
                    Err(()) => Outcome::Kept,
                }
            }
        },
        Err(()) => Outcome::NotSent,
    }
}

/// The record to hand over, sealed and kept; nothing if the controller has it already.
fn sealed(
    vault: &Vault,
    about: &About,
    recovery: &Recovery,
    id: SecretId,
) -> Result<Option<EscrowRecord>, VaultError> {
    let generation = recovery.generation;
    let Found { secret, role, made_at } = vault.secret(&about.subject, id)?;
    let kind = match role {
        Role::Second => SecretKind::SecondAdministrator,
        Role::Main => about.subject.secret_kind(),
    };
    let copies = match vault.escrowed(&about.subject, id)? {
        Escrowed::Acknowledged { generation: known } if known >= generation => return Ok(None),
        Escrowed::Sealed { generation: known, copies } if known == generation => copies,
        _ => {
            let sheet = Sheet {
                organisation: about.organisation.clone(),
                site: about.site.clone(),
                id,
                device: about.subject.device.clone(),
                kind,
                account: about.subject.account().to_owned(),
                made_at,
                secret,
            };
            let copies = escrow::seal(&sheet, &recovery.quorum).map_err(VaultError::Escrow)?;
            let noted = Escrowed::Sealed { generation, copies: copies.clone() };
            vault.note_escrow(&about.subject, id, noted)?;
            copies
        }
    };
    Ok(Some(EscrowRecord {
        id,
        device: about.subject.device.clone(),
        kind,
        account: about.subject.account().to_owned(),
        made_at,
        recipients_generation: generation,
        copies,
    }))
}

/// Does what blocks on the runtime's pool for that. What is wrong is logged here, once.
pub(super) async fn pooled<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, ()> {
    let done = crate::store::pooled(move || Ok(work())).await;
    let done = done.map_err(VaultError::from).and_then(|done| done);
    done.map_err(|error| tracing::error!(%error, "the vault did not do it; nothing is rotated"))
}
