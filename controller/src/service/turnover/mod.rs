//! Turning the authority over: a new root and issuing authority take the place of the old ones while everybody goes on
//! working. `palisade authority prepare` makes them on the controller's machine; the steps here take them over.
//!
//! What the database says holds; the files follow it, also after a crash (`authority_folder::settle`).

mod renewal;
mod stage;

use std::path::Path;
use std::sync::Arc;

use certs::hierarchy::{Issuing, is_under};
use certs::{RootPin, TrustBundle, trust};
use proto::{Organisation, Timestamp};
use rustls::pki_types::CertificateDer;

pub use renewal::AHEAD;
pub use stage::{CannotStep, Phase, Stage};

use super::agents::AgentView;
use super::authorities::Standing;
use super::authority_folder::{self, AuthorityFolderError};
use super::folder::remove_folder;
use super::{OperatorPeer, Refusal, Service};
use crate::store::meta::Counter;
use crate::store::{self, StoreError};

/// Where the database keeps the stage.
pub(super) const STAGE: &str = "turnover";

/// A step of a turnover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take the prepared authority over; everybody learns to trust its root.
    Prepare,
    /// Issue from it.
    Activate {
        /// Go on without agents that were offline for so many seconds; 0 to wait for every one.
        leave_behind_after: u32,
    },
    /// Stop trusting the old one.
    Retire,
    /// One step back.
    RollBack,
    /// No step of a turnover: a new issuing authority under the same root.
    Renew,
}

/// Where a turnover stands.
#[derive(Clone, Debug)]
pub struct Turnover {
    /// How far it is.
    pub phase: Phase,
    /// Of the bundle that everybody is to trust.
    pub trust_generation: u64,
    /// Agents that do not hold that bundle yet.
    pub stragglers: Vec<AgentView>,
    /// The roots of that bundle, the issuing one's first, each with its end.
    pub roots: Vec<(RootPin, Timestamp)>,
    /// When the issuing authority ends.
    pub issuing_ends: Timestamp,
}

/// What holds at a stage, read from the files.
pub(super) fn standing(
    data: &Path,
    stage: Stage,
    generation: u64,
) -> Result<Standing, AuthorityFolderError> {
    let place = authority_folder::current(data);
    let current = Arc::new(authority_folder::load(&place)?);
    // Of those that went, the ones under the root in force were renewed: nothing that they signed outlives them.
    let (mut accepted, past): (Vec<_>, Vec<_>) = authority_folder::past(data)?
        .into_iter()
        .partition(|certificate| is_under(certificate, current.root()));
    accepted.insert(0, current.certificate().clone());
    let old_bridge = authority_folder::bridge(&place, &current)?;
    let bundle = |issuing: &[&Arc<Issuing>]| TrustBundle {
        generation,
        roots: issuing.iter().map(|one| one.root().clone()).collect(),
    };
    if stage.phase == Phase::Settled {
        let trust = bundle(&[&current]);
        return Ok(Standing { issuing: current, accepted, past, trust, bridge: old_bridge });
    }
    let folder = authority_folder::coming(data);
    let coming = Arc::new(authority_folder::load(&folder)?);
    accepted.push(coming.certificate().clone());
    let trust = bundle(&[&current, &coming]);
    let (issuing, bridge) = match stage.phase {
        Phase::Settled | Phase::Prepared => (current, old_bridge),
        Phase::Activated => {
            let bridge = authority_folder::bridge(&folder, &coming)?;
            (coming, bridge)
        }
    };
    Ok(Standing { issuing, accepted, past, trust, bridge })
}

impl Service {
    /// Where the turnover stands.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn turnover_status(&self) -> Result<Turnover, Refusal> {
        let stage = self.stage().await?;
        let standing = self.authorities.now();
        let trust_generation = standing.trust.generation;
        let stragglers = stragglers(self.agents(None).await?, trust_generation);
        let mut roots: Vec<_> = standing.trust.roots.iter().collect();
        roots.sort_by_key(|root| *root != standing.issuing.root());
        let told = |root: &CertificateDer<'_>| {
            Some((RootPin::of(root)?, trust::lifetime(root).map(|(_, ends)| ends)?))
        };
        Ok(Turnover {
            phase: stage.phase,
            trust_generation,
            stragglers,
            roots: roots.into_iter().filter_map(told).collect(),
            issuing_ends: standing.issuing.not_after(),
        })
    }

    /// Takes a step. Steps wait for each other.
    ///
    /// # Errors
    /// [`Refusal::Precondition`] says what has to be done first; nothing has changed then.
    pub async fn turn_over(&self, who: &OperatorPeer, step: Step) -> Result<Turnover, Refusal> {
        let _one_at_a_time = self.turning.lock().await;
        let (stage, now) = (self.stage().await?, self.now());
        let ends = self.store.last_certificate_end().await?;
        match step {
            Step::Prepare => {
                let next = stage.prepare().map_err(refused)?;
                let (organisation, data) = (self.organisation.clone(), self.settings.data.clone());
                blocking(move || check_coming(&organisation, &data, stage.root, now)).await??;
                self.hold(who, next, "turnover_prepared").await?;
            }
            Step::Activate { leave_behind_after } => {
                let next = stage.activate(ends).map_err(refused)?;
                self.check_ready(who, leave_behind_after).await?;
                self.hold(who, next, "turnover_activated").await?;
            }
            Step::Retire => {
                let issuing = self.authorities.now().issuing.clone();
                let pin = RootPin::of(issuing.root()).ok_or_else(unreadable)?;
                let next = stage.retire(pin, now).map_err(refused)?;
                self.recipients_outlive(issuing.root())?;
                self.retire(who, next).await?;
            }
            Step::RollBack => {
                let next = stage.roll_back(ends, now).map_err(refused)?;
                if next.phase == Phase::Settled {
                    self.recipients_outlive(self.authorities.now().issuing.root())?;
                }
                self.hold(who, next, "turnover_rolled_back").await?;
                if next.phase == Phase::Settled {
                    let coming = authority_folder::coming(&self.settings.data);
                    blocking(move || remove_folder(&coming)).await?.map_err(Refusal::failed)?;
                }
            }
            Step::Renew => self.renew(who, stage).await?,
        }
        drop(_one_at_a_time);
        self.turnover_status().await
    }

    async fn stage(&self) -> Result<Stage, Refusal> {
        let text = self.store.meta(STAGE).await?;
        let stage = text.as_deref().and_then(Stage::from_text);
        Ok(stage.ok_or_else(|| StoreError::Nonsense("no stage of the authority".to_owned()))?)
    }

    /// Everybody who has to follow must hold the new root.
    async fn check_ready(&self, who: &OperatorPeer, leave: u32) -> Result<(), Refusal> {
        let (now, generation) = (self.now(), self.authorities.now().trust.generation);
        let behind = stragglers(self.agents(None).await?, generation);
        let waited: Vec<_> = behind.iter().filter(|agent| !is_left(agent, leave, now)).collect();
        if let Some(first) = waited.first() {
            return Err(Refusal::Precondition(format!(
                "{} agents do not hold the new root yet, such as {} of {}; bring them online, revoke \
                 them, or leave those behind that are offline for long",
                waited.len(),
                first.agent.id,
                first.agent.site
            )));
        }
        let tickets = self.store.open_tickets(now).await?;
        if tickets > 0 {
            return Err(Refusal::Precondition(format!(
                "{tickets} open tokens or log-in codes lead to the old root; use or revoke them, or wait \
                 until they are over"
            )));
        }
        let operator = self.store.operator(&who.name).await?;
        if operator.is_none_or(|operator| operator.trust_generation < generation) {
            return Err(Refusal::Precondition(
                "your own client does not hold the new root yet; renew your certificate first"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// From now on, this stage holds, with a new generation of the bundle if it holds other roots.
    async fn hold(
        &self,
        who: &OperatorPeer,
        stage: Stage,
        deed: &'static str,
    ) -> Result<(), Refusal> {
        let before = self.authorities.now().trust.clone();
        let data = self.settings.data.clone();
        let mut standing = blocking(move || standing(&data, stage, before.generation)).await?;
        let mut change = self.store.change().await?;
        if let Ok(standing) = &mut standing
            && standing.trust.roots != before.roots
        {
            standing.trust.generation = change.next(Counter::Trust).await?;
        }
        let standing = standing.map_err(Refusal::failed)?;
        change.set_meta(STAGE, &stage.to_text()).await?;
        let detail = format!("trust generation {}", standing.trust.generation);
        change.commit(self.deed_of(who, deed, &self.organisation, detail)).await?;
        self.authorities.replace(standing);
        Ok(())
    }

    /// The database says first which root holds; then the files follow.
    async fn retire(&self, who: &OperatorPeer, stage: Stage) -> Result<(), Refusal> {
        let mut change = self.store.change().await?;
        let generation = change.next(Counter::Trust).await?;
        change.set_meta(STAGE, &stage.to_text()).await?;
        let detail = format!("trust generation {generation}, root {}", stage.root);
        change.commit(self.deed_of(who, "turnover_retired", &self.organisation, detail)).await?;
        let data = self.settings.data.clone();
        let standing = blocking(move || {
            authority_folder::settle(&data, stage.root)?;
            standing(&data, stage, generation)
        });
        self.authorities.replace(standing.await?.map_err(Refusal::failed)?);
        Ok(())
    }
}

/// Whether what lies in the folder can take over.
fn check_coming(
    organisation: &Organisation,
    data: &Path,
    current: RootPin,
    now: Timestamp,
) -> Result<(), Refusal> {
    let folder = authority_folder::coming(data);
    if !folder.exists() {
        return Err(Refusal::Precondition(
            "no new authority is there; run palisade authority prepare on the controller's machine"
                .to_owned(),
        ));
    }
    let issuing = authority_folder::load(&folder).map_err(Refusal::failed)?;
    let others = trust::organisation(issuing.root()).as_ref() != Some(organisation)
        || RootPin::of(issuing.root()) == Some(current);
    if others || !alive(issuing.root(), now) || !alive(issuing.certificate(), now) {
        return Err(Refusal::Precondition(
            "the authority that was prepared is another organisation's, the old one, or not valid now; \
             remove its folder (authority/next) and prepare another"
                .to_owned(),
        ));
    }
    Ok(())
}

fn alive(certificate: &[u8], now: Timestamp) -> bool {
    trust::lifetime(certificate).is_some_and(|(from, until)| from <= now && now < until)
}

/// Agents that have to follow, and do not hold this bundle.
fn stragglers(agents: Vec<AgentView>, generation: u64) -> Vec<AgentView> {
    let has_to = |view: &AgentView| match view.agent.standing {
        store::Standing::Active | store::Standing::Locked => true,
        store::Standing::Revoked | store::Standing::Replaced => false,
    };
    let lacks = |view: &AgentView| view.agent.told.trust_generation < generation;
    agents.into_iter().filter(|view| has_to(view) && lacks(view)).collect()
}

/// Whether a straggler was offline for so long that it may be left behind.
fn is_left(view: &AgentView, after: u32, now: Timestamp) -> bool {
    let seen = view.agent.told.last_seen.unwrap_or(view.agent.enrolled_at);
    after > 0 && !view.online && now.seconds_since(seen) >= i64::from(after)
}

/// Runs what reads and writes files, away from the runtime's own threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(Refusal::failed)
}

fn refused(error: CannotStep) -> Refusal {
    Refusal::Precondition(error.to_string())
}

fn unreadable() -> Refusal {
    Refusal::Failed("the root's certificate cannot be read".into())
}
