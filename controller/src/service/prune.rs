//! Makes room in a site's escrow: an administrator has copies removed that newer ones took the place of.
//!
//! What helps against a device that nobody can get into any more is never removed: of each account and kind the newest
//! stay, so does the one that the agent says the device takes, and nothing at all goes of a credential that the agent
//! does not report as settled, or of whose device it reports nothing. What the site shares stays too: old recordings
//! need every recording key. No agent can ask for it, since one that was taken over would have the copies destroyed
//! that help against it.

use std::collections::{BTreeMap, BTreeSet};

use proto::wire::rotation::{CredentialKind, RotationState, Standing};
use proto::{DeviceName, SecretId, SecretKind, SiteName, Timestamp};

use super::bounds::Fill;
use super::escrow::reasonable;
use super::sites::no_site;
use super::{OperatorPeer, Refusal, Service};
use crate::store::prune::Copy;

/// What an administrator wants removed.
#[derive(Clone, Debug)]
pub struct Prune {
    /// Of this site.
    pub site: SiteName,
    /// The newest so many of each account and kind stay.
    pub keep: u32,
    /// Only what came before then.
    pub before: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Copies that were removed.
    pub removed: u64,
    /// Devices with too many that all stay, because nobody knows which of them the device takes.
    pub spared: BTreeSet<DeviceName>,
    /// How full the escrow is now.
    pub fill: Fill,
}

/// What goes, and which devices keep more than was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chosen {
    goes: Vec<SecretId>,
    spared: BTreeSet<DeviceName>,
}

/// Chooses. `copies` come by device, kind and account, the newest first.
fn choose(
    copies: &[Copy],
    told: &[RotationState],
    keep: usize,
    before: Option<Timestamp>,
) -> Chosen {
    let mut chosen = Chosen::default();
    let held: BTreeSet<(&DeviceName, SecretId)> =
        copies.iter().map(|copy| (&copy.device, copy.id)).collect();
    // What each device takes, where that is beyond doubt and in escrow.
    let lives: BTreeMap<(&DeviceName, CredentialKind), SecretId> = told
        .iter()
        .filter(|state| state.standing == Standing::Settled)
        .filter_map(|state| Some(((&state.device, state.kind), state.secret?)))
        .filter(|((device, _), live)| held.contains(&(*device, *live)))
        .collect();
    let is_of_one = |one: &Copy, other: &Copy| {
        (&one.device, one.kind, &one.account) == (&other.device, other.kind, &other.account)
    };
    for group in copies.chunk_by(is_of_one) {
        let old = group.iter().skip(keep.max(1));
        let old = old.filter(|copy| before.is_none_or(|before| copy.arrived_at < before));
        let Some(kind) = credential(group[0].kind) else { continue };
        let device = &group[0].device;
        match lives.get(&(device, kind)) {
            Some(live) => {
                chosen.goes.extend(old.map(|copy| copy.id).filter(|id| id != live));
            }
            None if old.count() > 0 => drop(chosen.spared.insert(device.clone())),
            None => {}
        }
    }
    chosen
}

/// Of which credential of a device it is; nothing for what is never removed.
fn credential(kind: SecretKind) -> Option<CredentialKind> {
    match kind {
        SecretKind::DevicePassword | SecretKind::SecondAdministrator => {
            Some(CredentialKind::Password)
        }
        SecretKind::DeviceCertificate => Some(CredentialKind::Certificate),
        SecretKind::MessageKey | SecretKind::RecordingKey => None,
    }
}

impl Service {
    /// Removes sealed copies that newer ones took the place of.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] without a reason or if none is to stay, [`Refusal::NotFound`].
    pub async fn prune_secrets(
        &self,
        who: &OperatorPeer,
        prune: &Prune,
    ) -> Result<Pruned, Refusal> {
        let reason = reasonable(&prune.reason)?;
        if prune.keep == 0 {
            return Err(Refusal::Invalid("keep: the newest one stays in any case".to_owned()));
        }
        let site = &prune.site;
        let told = self.store.rotations(Some(site)).await?;
        let told: Vec<_> = told.into_iter().map(|one| one.state).collect();
        let mut change = self.store.change().await?;
        if !change.has_site(site).await? {
            return Err(no_site(site));
        }
        let copies = change.copies(site).await?;
        let keep = usize::try_from(prune.keep).unwrap_or(usize::MAX);
        let Chosen { goes, spared } = choose(&copies, &told, keep, prune.before);
        for id in &goes {
            change.remove_copy(site, *id).await?;
        }
        let before = prune.before.map_or(String::new(), |before| format!(" from before {before}"));
        let detail = format!(
            "{} copies{before}, the newest {} of each account kept, {} devices spared: {reason}",
            goes.len(),
            prune.keep,
            spared.len()
        );
        change.commit(self.deed_of(who, "secrets_pruned", site, detail)).await?;
        let fill = self.escrow_fills(Some(site)).await?.pop();
        let empty = || Fill { site: site.clone(), secrets: 0, bytes: 0 };
        let removed = goes.len() as u64;
        Ok(Pruned { removed, spared, fill: fill.unwrap_or_else(empty) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(id: u8, device: &str, kind: SecretKind) -> Copy {
        Copy {
            id: SecretId([id; 16]),
            device: device.parse().unwrap(),
            kind,
            account: "admin".to_owned(),
            arrived_at: Timestamp::from_unix(i64::from(id)),
        }
    }

    fn told(device: &str, kind: CredentialKind, standing: Standing, live: u8) -> RotationState {
        RotationState {
            device: device.parse().unwrap(),
            kind,
            account: "admin".to_owned(),
            standing,
            secret: Some(SecretId([live; 16])),
            due: None,
            since: None,
            trouble: String::new(),
        }
    }

    fn goes(chosen: &Chosen) -> Vec<u8> {
        chosen.goes.iter().map(|id| id.0[0]).collect()
    }

    const PASSWORD: SecretKind = SecretKind::DevicePassword;

    #[test]
    fn neither_the_newest_nor_the_one_that_the_device_takes_goes() {
        let copies: Vec<_> = (1..=5).rev().map(|id| copy(id, "yard", PASSWORD)).collect();
        let of = |live| told("yard", CredentialKind::Password, Standing::Settled, live);
        assert_eq!(goes(&choose(&copies, &[of(5)], 2, None)), [3, 2, 1]);
        // A change that was given up: the newest is one that the device never took.
        assert_eq!(goes(&choose(&copies, &[of(2)], 1, None)), [4, 3, 1]);
        assert_eq!(goes(&choose(&copies, &[of(5)], 0, None)), [4, 3, 2, 1], "one stays");
        let before = Some(Timestamp::from_unix(3));
        assert_eq!(goes(&choose(&copies, &[of(5)], 1, before)), [2, 1]);
    }

    #[test]
    fn nothing_goes_of_a_device_that_is_in_doubt_or_of_which_nothing_is_reported() {
        let copies: Vec<_> = (1..=3).rev().map(|id| copy(id, "yard", PASSWORD)).collect();
        let spared = BTreeSet::from(["yard".parse().unwrap()]);
        for standing in
            [Standing::Prepared, Standing::Changing, Standing::InDoubt, Standing::Stranded]
        {
            let told = [told("yard", CredentialKind::Password, standing, 3)];
            let chosen = choose(&copies, &told, 1, None);
            assert_eq!((goes(&chosen), &chosen.spared), (Vec::new(), &spared), "{standing:?}");
        }
        assert_eq!(choose(&copies, &[], 1, None).spared, spared);
        let settled = |kind, live| told("yard", kind, Standing::Settled, live);
        // What it is said to take is not here.
        let absent = [settled(CredentialKind::Password, 9)];
        assert_eq!(choose(&copies, &absent, 1, None).spared, spared);
        let other = [settled(CredentialKind::Certificate, 3)];
        assert_eq!(choose(&copies, &other, 1, None).spared, spared);
        assert_eq!(choose(&copies, &[], 3, None), Chosen::default(), "there are no more than that");
    }

    #[test]
    fn a_second_administrators_go_by_the_password_and_recording_keys_never() {
        let copies = [
            copy(9, "yard", PASSWORD),
            copy(8, "yard", SecretKind::RecordingKey),
            copy(7, "yard", SecretKind::RecordingKey),
            copy(6, "yard", SecretKind::SecondAdministrator),
            copy(5, "yard", SecretKind::SecondAdministrator),
        ];
        let told = [told("yard", CredentialKind::Password, Standing::Settled, 9)];
        let chosen = choose(&copies, &told, 1, None);
        assert_eq!((goes(&chosen), chosen.spared), (vec![5], BTreeSet::new()));
    }
}
