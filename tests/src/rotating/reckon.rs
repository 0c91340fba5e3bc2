//! The books of a batch, opened: what cameras take against what the vault and escrow hold.

use std::collections::BTreeMap;

use agent::device::mobotix::credential::leaf;
use agent::rotation::Rotation;
use agent::store::journal::Journal;
use agent::store::subject::Kind;
use agent::store::vault::Vault;
use proto::Secret;

use super::later::Failed;
use super::site::{Site, Standings};
use super::{Tally, What};
use crate::devices::mobotix::{Camera, configs};

/// So many failed log-ins lock somebody out of these cameras.
const THRESHOLD: u64 = 5;

/// What the agent's disk holds about one camera.
#[derive(Default)]
struct Held {
    settled: bool,
    /// The name of what the camera takes, as far as the agent is certain of it.
    live: Option<String>,
    /// The same itself.
    certain: Option<Secret>,
    secrets: Vec<Secret>,
}

/// Opens the books, and cuts every camera's power in the end. The agent must have been stopped. `earlier` are log-ins that
/// failed so long before that no camera counts them any more.
///
/// # Errors
/// When they cannot be read.
pub async fn reckon(
    site: &Site,
    what: What,
    before: &Standings,
    earlier: &Failed,
    tally: &mut Tally,
    tell: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let escrow = site.escrow().await?;
    let mut held = held(site, what)?;
    let books: Vec<_> = site
        .cameras
        .iter()
        .map(|(name, camera)| {
            let sealed = escrow.iter().filter(|(device, ..)| device == name);
            let sealed: Vec<_> = sealed.map(|(.., secret)| Secret::new(secret.clone())).collect();
            let held = held.remove(name).unwrap_or_default();
            (name, camera, held, sealed)
        })
        .collect();
    let look = |(_, camera, held, sealed): &(&String, &Camera, Held, Vec<Secret>)| {
        let takes = |secret: &Secret| is_taken(camera, what, secret);
        // Where all is settled the agent is certain, and must be right, before and after the power is cut. While a change is
        // under way it only supposes: what is not saved yet goes with the power, and it asks before it concludes. What
        // the camera takes has to be among what it holds then as well.
        let certain = held.certain.as_ref().filter(|_| held.settled);
        let mistaken = certain.is_some_and(|it| !takes(it));
        (mistaken || !held.secrets.iter().any(takes), !sealed.iter().any(takes))
    };
    let now: Vec<_> = books.iter().map(look).collect();
    futures::future::join_all(site.cameras.iter().map(|(_, camera)| async {
        camera.power_cut().await;
        camera.listening().await;
    }))
    .await;
    for ((book, now), later) in books.iter().zip(now).zip(books.iter().map(look)) {
        let (name, camera, held, _) = book;
        let (lost, unescrowed) = (now.0 || later.0, now.1 || later.1);
        // What failed hours before counts no more.
        let then = earlier.get(*name).copied().unwrap_or_default();
        let failed = camera.counts().failed_logins - then;
        let lockout = then.max(failed) >= THRESHOLD;
        let replaced = before.get(*name).is_some_and(|then| Some(&then.1) != held.live.as_ref());
        tally.trials += 1;
        tally.lost += u32::from(lost);
        tally.unescrowed += u32::from(unescrowed);
        tally.lockouts += u32::from(lockout);
        tally.unsettled += u32::from(!held.settled);
        tally.replaced += u32::from(held.settled && replaced);
        if lost || unescrowed || lockout || !held.settled {
            tell(&format!(
                "{name}: lost {lost}, not in escrow {unescrowed}, {then} and {failed} failed log-ins, settled {}",
                held.settled
            ));
        }
    }
    Ok(())
}

/// Whether the camera takes it now.
fn is_taken(camera: &Camera, what: What, secret: &Secret) -> bool {
    match what {
        What::Password => camera.takes(configs::AUDITOR.0, secret),
        What::Certificate => leaf(secret) == Some(camera.pin()),
    }
}

fn held(site: &Site, what: What) -> anyhow::Result<BTreeMap<String, Held>> {
    let vault = Vault::open(&site.agent.data)?;
    let (entries, troubles) = Journal::new(&site.agent.data).all()?;
    anyhow::ensure!(troubles.is_empty(), "the journal is damaged: {troubles:?}");
    let mut all = BTreeMap::new();
    for read in entries {
        let entry = read.entry;
        let wanted = match entry.subject.kind {
            Kind::Password { .. } => what == What::Password,
            Kind::Certificate => what == What::Certificate,
            Kind::MessageKey | Kind::RecordingKey | Kind::AgentIdentity => false,
        };
        let Some(device) = entry.subject.device.clone().filter(|_| wanted) else { continue };
        let mut secrets = Vec::new();
        for known in entry.rotation.known() {
            secrets.push(vault.secret(&entry.subject, known.credential)?.secret);
        }
        let settled = matches!(entry.rotation, Rotation::Settled { .. });
        let live = entry.rotation.trusted().map(ToString::to_string);
        let certain = match entry.rotation.trusted() {
            Some(id) => Some(vault.secret(&entry.subject, *id)?.secret),
            None => None,
        };
        all.insert(device.to_string(), Held { settled, live, certain, secrets });
    }
    Ok(all)
}
