//! A secret that the cameras of a site share: the key of recordings, the key of the messages between them. Each camera
//! has a rotation of its own; what is shared is only which value is next. The first camera that is due makes it, the
//! others take it over.
//!
//! **A value is passed on until every member has settled on it.** Members are the site's cameras whose key the journal
//! knows. What counts is what a member's camera is known to take, not what lies in its vault: one that was offered the
//! value in vain is offered the same value again, and one that has it does not move the group on to yet another while
//! somebody lags behind. A camera that is gone for good is taken out of the site file; then the rest may go on. Of two
//! that begin a round at once, one's value is kept and both take it ([`Vault::keep_after`]).
//!
//! **Escrow.** The group's own shelf is not in escrow, and need not be: a value that lies there alone is in force
//! nowhere. Whoever takes it over keeps a copy of its own, and that copy is in escrow before its camera is touched.
//!
//! While a change goes round, cameras with the old value and with the new one do not understand each other's messages,
//! so whoever changed first has the others become due at once ([`behind`]).

use std::collections::BTreeSet;

use async_trait::async_trait;
use proto::{DeviceName, Secret, SecretId, Timestamp};

use super::hands::{IsUsed, Maker, Passwords, pooled};
use crate::device::Fault;
use crate::rotation::{Rotation, Second};
use crate::store::journal::Journal;
use crate::store::subject::{Kind, Subject};
use crate::store::vault::Vault;

/// Makes the group's next value, or takes it over.
#[derive(Debug)]
pub struct Group {
    /// Where the agreed values are kept.
    pub vault: Vault,
    /// Where the members stand.
    pub journal: Journal,
    /// Which key it is.
    pub kind: Kind,
    /// The camera whose next value is made.
    pub own: DeviceName,
    /// The site's devices.
    pub members: BTreeSet<DeviceName>,
    /// How values are made.
    pub passwords: Passwords,
    /// The present, for when a value was made.
    pub clock: certs::SharedClock,
}

/// How far a round is.
#[derive(Clone, Debug, Default)]
struct Round {
    /// The agreed value.
    agreed: Option<(SecretId, Secret)>,
    /// Who has not settled on it.
    behind: BTreeSet<DeviceName>,
}

/// Where a group's values are kept: with a subject of no device.
fn shelf(kind: &Kind) -> Subject {
    Subject { device: None, kind: kind.clone() }
}

/// Those of `members` whose key is known and is not the group's newest. Blocks.
///
/// # Errors
/// What cannot be read, in words.
pub fn behind(
    vault: &Vault,
    journal: &Journal,
    kind: &Kind,
    members: &BTreeSet<DeviceName>,
) -> Result<BTreeSet<DeviceName>, String> {
    round(vault, journal, kind, members).map(|round| round.behind)
}

fn round(
    vault: &Vault,
    journal: &Journal,
    kind: &Kind,
    members: &BTreeSet<DeviceName>,
) -> Result<Round, String> {
    let shelf = shelf(kind);
    let newest = vault.history(&shelf).map_err(|error| error.to_string())?.first().copied();
    let Some((id, _)) = newest else { return Ok(Round::default()) };
    let agreed = vault.secret(&shelf, id).map_err(|error| error.to_string())?.secret;
    let mut behind = BTreeSet::new();
    for device in members {
        let subject = Subject { device: Some(device.clone()), kind: kind.clone() };
        let Some(read) = journal.read(&subject).map_err(|error| error.to_string())? else {
            continue;
        };
        let has_it = match &read.entry.rotation {
            Rotation::Settled { live, .. } => {
                let held = vault.secret(&subject, live.credential);
                held.map_err(|error| error.to_string())?.secret.expose() == agreed.expose()
            }
            // Whatever is under way, it is not at its end.
            _ => false,
        };
        if !has_it {
            behind.insert(device.clone());
        }
    }
    Ok(Round { agreed: Some((id, agreed)), behind })
}

impl Group {
    async fn round(&self) -> Result<Round, Fault> {
        let (vault, journal, kind) = (self.vault.clone(), self.journal.clone(), self.kind.clone());
        let mut members = self.members.clone();
        members.insert(self.own.clone());
        let looked = pooled(move || Ok(round(&vault, &journal, &kind, &members))).await;
        looked.map_err(|()| silent())?.map_err(Fault::Unsupported)
    }
}

fn silent() -> Fault {
    Fault::Unsupported("the vault does not give the group's value".to_owned())
}

#[async_trait]
impl Maker for Group {
    async fn make(&mut self, _: Second, _: &IsUsed) -> Result<(Secret, Option<Secret>), Fault> {
        let Round { agreed, behind } = self.round().await?;
        let after = match agreed {
            Some((_, agreed)) if behind.contains(&self.own) => return Ok((agreed, None)),
            Some(_) if !behind.is_empty() => {
                let names: Vec<&str> = behind.iter().map(DeviceName::as_str).collect();
                return Err(Fault::Unsupported(format!(
                    "it has the newest key, and {} has not: no other is made before the whole group has this one; \
                     bring it back, or take it out of the site file",
                    names.join(", ")
                )));
            }
            agreed => agreed.map(|(id, _)| id),
        };
        let (vault, shelf) = (self.vault.clone(), shelf(&self.kind));
        let of_group = pooled(move || vault.is_used(&shelf)).await.map_err(|()| silent())?;
        let vault = self.vault.clone();
        let own = Subject { device: Some(self.own.clone()), kind: self.kind.clone() };
        let of_own = pooled(move || vault.is_used(&own)).await.map_err(|()| silent())?;
        let both = move |text: &str| of_group(text) || of_own(text);
        let (fresh, _) = self.passwords.make(Second::None, &both).await?;
        let (vault, now) = (self.vault.clone(), self.clock.now());
        let shelf = self::shelf(&self.kind);
        let kept = pooled(move || vault.keep_after(&shelf, after, &fresh, now)).await;
        Ok((kept.map_err(|()| silent())?, None))
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        self.passwords.due(now)
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
