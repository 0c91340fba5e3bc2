//! The books of a batch, opened: what cameras take against what the vault and escrow hold.

use std::collections::BTreeMap;

use agent::device::mobotix::credential::leaf;
use agent::rotation::Rotation;
use agent::store::journal::Journal;
use agent::store::subject::Kind;
use agent::store::vault::Vault;
use proto::Secret;

use super::site::{Site, Standings};
use super::{Tally, What};
use crate::devices::mobotix::{Camera, configs};

/// So many failed log-ins lock somebody out of these cameras.
const THRESHOLD: u64 = 5;

/// What the agent's disk holds about one camera.
struct Held {
    settled: bool,
    /// What the camera takes when all is well.
    live: Option<String>,
    secrets: Vec<Secret>,
}

/// Opens the books. The agent must have been stopped.
///
/// # Errors
/// When they cannot be read.
pub async fn reckon(
    site: &Site,
    what: What,
    before: &Standings,
    tally: &mut Tally,
    tell: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let escrow = site.escrow().await?;
    let mut held = held(site, what)?;
    for (name, camera) in &site.cameras {
        tally.trials += 1;
        let held = held.remove(name).unwrap_or(Held {
            settled: false,
            live: None,
            secrets: Vec::new(),
        });
        let sealed: Vec<Secret> = escrow
            .iter()
            .filter(|(device, ..)| device == name)
            .map(|(.., secret)| Secret::new(secret.clone()))
            .collect();
        let lost = !opens(camera, what, &held.secrets);
        let unescrowed = !opens(camera, what, &sealed);
        let lockout = camera.counts().failed_logins >= THRESHOLD;
        let replaced = before.get(name).is_some_and(|then| Some(&then.1) != held.live.as_ref());
        tally.lost += u32::from(lost);
        tally.unescrowed += u32::from(unescrowed);
        tally.lockouts += u32::from(lockout);
        tally.unsettled += u32::from(!held.settled);
        tally.replaced += u32::from(held.settled && replaced);
        if lost || unescrowed || lockout || !held.settled {
            tell(&format!(
                "{name}: lost {lost}, not in escrow {unescrowed}, locked out {lockout}, settled {}, {} failed log-ins",
                held.settled,
                camera.counts().failed_logins
            ));
        }
    }
    Ok(())
}

/// Whether the camera takes one of these now, and one after a reboot.
fn opens(camera: &Camera, what: What, secrets: &[Secret]) -> bool {
    let user = configs::AUDITOR.0;
    match what {
        What::Password => {
            secrets.iter().any(|secret| camera.takes(user, secret))
                && secrets.iter().any(|secret| camera.would_take(user, secret))
        }
        What::Certificate => {
            let pin = camera.pin();
            secrets.iter().any(|secret| leaf(secret) == Some(pin))
        }
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
        all.insert(device.to_string(), Held { settled, live, secrets });
    }
    Ok(all)
}
