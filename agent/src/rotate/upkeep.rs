//! What is done beside the turns: the vault forgets what nobody needs, and the counts of failed log-ins follow a clock
//! that was set. Each by whoever keeps others off the device.

use proto::{DeviceName, Timestamp};

use super::devices::{Devices, Taken};
use super::hands::pooled;
use crate::store::journal::{Entry, Journal, JournalError};
use crate::store::vault::Vault;

/// Forgets secrets that the device cannot take any more, but for the newest few. For a credential that has settled;
/// while a change is under way nothing is forgotten. What fails is logged and tried after the next change.
pub async fn tidy(vault: &Vault, entry: &Entry, taken: &Taken) {
    assert_eq!(
        taken.device(),
        entry.subject.device.as_ref(),
        "the device that was taken is the one"
    );
    if entry.rotation.change().is_some() {
        return;
    }
    let known: Vec<_> = entry.rotation.known().iter().map(|held| held.credential).collect();
    let (vault, subject) = (vault.clone(), entry.subject.clone());
    let _ = pooled(move || vault.tidy(&subject, &known)).await;
}

/// The clock was set, or the program started without knowing the time: log-ins that may have failed count as of `now`.
/// Gives the devices that somebody is at: call it for them once they are free, before anybody logs in there.
///
/// # Errors
/// [`JournalError`].
pub async fn rebase(
    journal: &Journal,
    devices: &Devices,
    now: Timestamp,
) -> Result<Vec<Option<DeviceName>>, JournalError> {
    let reader = journal.clone();
    let mut busy = Vec::new();
    for device in super::pooled(move || reader.devices()).await? {
        let Some(taken) = devices.take(device.as_ref()) else {
            busy.push(device);
            continue;
        };
        let writer = journal.clone();
        super::pooled(move || writer.rebase_device(device.as_ref(), now)).await?;
        drop(taken);
    }
    Ok(busy)
}
