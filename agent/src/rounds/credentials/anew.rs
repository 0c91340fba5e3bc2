//! Other recovery recipients: what is in use and was sealed to those of before goes into escrow again, before anything
//! else is done at its device.

use std::sync::Arc;

use super::keyring::Keyring;
use crate::rotation::{Rotation, Safe};
use crate::rounds::Rounds;
use crate::store::journal::Entry;
use crate::store::vault::{Escrowed, Vault};

impl Rounds {
    /// Marks what is to be sealed anew, whenever the recipients are others than at the last look, and once at the start.
    /// What is in a change is looked at again when that is at its end.
    pub(super) async fn seal_anew(&mut self, keyring: &Arc<Keyring>) {
        let Some(recovery) = keyring.tools.recovery() else { return };
        let generation = recovery.generation;
        let Ok(vault) = &keyring.vault else { return };
        if self.credentials.sealed_for == Some(generation) {
            return;
        }
        let held = &self.credentials;
        let turning = |entry: &Entry| held.turning.values().any(|it| *it == entry.subject);
        let (settled, others): (Vec<_>, Vec<_>) = held
            .entries
            .values()
            .partition(|entry| entry.rotation.change().is_none() && !turning(entry));
        let is_whole = others.is_empty();
        let settled: Vec<Entry> = settled.into_iter().cloned().collect();
        let vault = vault.clone();
        let look =
            move || settled.into_iter().filter(|it| is_stale(&vault, it, generation)).collect();
        let stale: Vec<Entry> = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        for entry in stale {
            let rotation = entry.rotation.clone().reseal();
            self.record(keyring, Entry { rotation, ..entry }).await;
        }
        if is_whole {
            self.credentials.sealed_for = Some(generation);
        }
    }
}

/// Whether what is in use is marked as safe, and is so with the recipients of before only. What the vault cannot tell is
/// left as it is: a turn finds out.
fn is_stale(vault: &Vault, entry: &Entry, generation: u64) -> bool {
    let Rotation::Settled { live, .. } = &entry.rotation else { return false };
    let known = match vault.escrowed(&entry.subject, live.credential) {
        Ok(Escrowed::Acknowledged { generation } | Escrowed::Sealed { generation, .. }) => {
            generation
        }
        Ok(Escrowed::No) | Err(_) => return false,
    };
    live.safe != Safe::Nowhere && known < generation
}
