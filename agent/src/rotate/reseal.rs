//! Brings what devices may take into escrow with the recovery recipients of today: when the recipients are others, and
//! when a record still waits for its acknowledgement. Which secrets that are is read from vault and journal each time,
//! so a restart forgets none, and it is done by whoever keeps others off the device.

use proto::SecretId;

use super::devices::{Devices, Taken};
use super::hands::{About, Desk, in_escrow, pooled};
use super::recorded;
use crate::rotation::{Outcome, Rotation};
use crate::store::journal::{Entry, Journal, JournalError};
use crate::store::vault::{Escrowed, Vault, VaultError};

/// How far a secret is from being safe with the recipients of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// It is.
    No,
    /// It is sealed to them, and not acknowledged.
    Handing,
    /// It is not sealed to them.
    Sealing,
}

fn owed(escrow: &Escrowed, generation: u64) -> Owed {
    match escrow {
        Escrowed::Acknowledged { generation: known } if *known >= generation => Owed::No,
        Escrowed::Sealed { generation: known, .. } if *known == generation => Owed::Handing,
        Escrowed::No | Escrowed::Sealed { .. } | Escrowed::Acknowledged { .. } => Owed::Sealing,
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Resealed {
    /// Where the credential stands; so it is in the journal.
    pub entry: Entry,
    /// How many of its secrets the controller does not have yet for the recipients of today.
    pub left: usize,
}

/// Brings every secret that the device of `entry` may take into escrow. Without recipients nothing is done.
///
/// # Errors
/// [`JournalError`].
pub async fn reseal(
    mut entry: Entry,
    about: &About,
    (vault, journal): (&Vault, &Journal),
    desk: &mut dyn Desk,
    taken: &Taken,
) -> Result<Resealed, JournalError> {
    assert_eq!(
        taken.device(),
        entry.subject.device.as_ref(),
        "the device that was taken is the one"
    );
    let Some(recovery) = &about.recovery else { return Ok(Resealed { entry, left: 0 }) };
    let known: Vec<_> = entry.rotation.known().iter().map(|held| held.credential).collect();
    let (shelf, subject, generation) = (vault.clone(), entry.subject.clone(), recovery.generation);
    let looked = pooled(move || {
        let look = |id: SecretId| match shelf.escrowed(&subject, id) {
            Ok(escrow) => Ok(Some((id, owed(&escrow, generation)))),
            // Nothing of it is left that could be sealed.
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        };
        known.into_iter().filter_map(|id| look(id).transpose()).collect::<Result<Vec<_>, _>>()
    });
    let Ok(all) = looked.await else { return Ok(Resealed { entry, left: 1 }) };
    let live = match &entry.rotation {
        Rotation::Settled { live, .. } => Some(live.credential),
        _ => None,
    };
    if all.iter().any(|(id, owed)| Some(*id) == live && *owed == Owed::Sealing) {
        // From now on the device is not touched before this one is safe again.
        entry.rotation = entry.rotation.reseal();
        entry = recorded(entry, journal).await?;
    }
    let mut left = 0;
    for (id, _) in all.into_iter().filter(|(_, owed)| *owed != Owed::No) {
        let outcome = in_escrow(about, vault, desk, id).await;
        left += usize::from(outcome != Outcome::Done);
        entry.rotation = entry.rotation.in_escrow(&id, &outcome);
    }
    let entry = recorded(entry, journal).await?;
    Ok(Resealed { entry, left })
}

/// The same for every credential in the journal whose device is free. `about` tells of each what it is about. Gives how
/// many secrets are left, with those of devices that somebody is at: call it again after a while until none is.
///
/// # Errors
/// [`JournalError`].
pub async fn reseal_all(
    about: &About,
    (vault, journal): (&Vault, &Journal),
    desk: &mut dyn Desk,
    devices: &Devices,
) -> Result<usize, JournalError> {
    let (reader, mut left) = (journal.clone(), 0);
    let (found, troubles) = super::pooled(move || reader.all()).await?;
    for trouble in troubles {
        tracing::error!(error = %trouble, "its secrets are not sealed to the recipients of today");
        left += 1;
    }
    for read in found {
        let subject = read.entry.subject;
        let Some(taken) = devices.take(subject.device.as_ref()) else {
            left += 1;
            continue;
        };
        // Somebody may have been at it since the whole journal was read.
        let (reader, asked) = (journal.clone(), subject.clone());
        let Some(now) = super::pooled(move || reader.read(&asked)).await? else { continue };
        let about = About { subject, ..about.clone() };
        left += reseal(now.entry, &about, (vault, journal), desk, &taken).await?.left;
    }
    Ok(left)
}
