//! Takes turns at rotations: asks the machine what is next, makes it durable, has it done, and learns. Decides nothing
//! that `rotation` decides; holds no policy.
//!
//! A turn ends when the machine sleeps, when nobody answers, when the log-ins that are left are spent, or when a device
//! has refused us twice. It may be dropped or killed at any point: the next turn begins from the journal, which is the
//! everyday path.

pub mod certificates;
pub mod devices;
pub mod group;
pub mod hands;
pub mod reseal;
pub mod upkeep;

use async_trait::async_trait;
use certs::SharedClock;
use proto::{SecretId, Timestamp};

use crate::rotation::attempts::Limit;
use crate::rotation::{Effect, Next, Outcome, Pace, Rotation, Rules};
use crate::store::journal::{Cost, Durable, Entry, Journal, JournalError};
use devices::Taken;

/// Effects in one turn at most; the longest good way has thirteen.
const MOST_EFFECTS: usize = 24;
/// After so many refusals a turn ends. The first leaves a doubt that a second log-in resolves.
const MOST_REFUSALS: usize = 2;

/// Performs effects. What it may do is told by what it is handed: proof that the effect was written down.
#[async_trait]
pub trait Hands: Send {
    /// Performs the effect and tells what came of it.
    ///
    /// `Refused` only where the device did not take the credential: a blocked source, a wrong clock, a challenge that
    /// makes no sense are `Unknown`. `NotSent` only where surely nothing was sent. `Done` of `Lower` and `Reboot` only
    /// after a fresh look.
    async fn perform(&mut self, effect: &Durable<Effect<SecretId>>) -> Outcome<SecretId>;

    /// Whether the device counts a log-in for the effect.
    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn;

    /// When what is settled at `now` is due for replacement.
    fn due(&self, now: Timestamp) -> Timestamp;
}

/// Whether a device counts a log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogsIn {
    /// It does, and the log-in may fail.
    Yes,
    /// Nobody logs in.
    No,
}

/// How a turn is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// What policy asks.
    pub rules: Rules,
    /// When the device blocks us.
    pub limit: Limit,
    /// Seconds until a change that was given up is tried again.
    pub retry: i64,
    /// Seconds between questions to a stranded device; longer than the device's count of failed log-ins lasts.
    pub again: i64,
}

impl Job {
    /// A change that was given up is tried again after a day, a stranded device asked four times a day.
    pub fn new(rules: Rules, limit: Limit) -> Self {
        Self { rules, limit, retry: 24 * 3600, again: 6 * 3600 }
    }
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The credential is settled, and due then.
    Settled(Timestamp),
    /// No answer, or nothing sent: the caller backs off.
    Unanswered,
    /// The controller has not acknowledged the escrow, and policy waits for that.
    NotEscrowed,
    /// The controller does not keep the sealed copy, so the device is not touched.
    EscrowRefused,
    /// The log-ins that are left are not spent; more from then on.
    LoginsSpent(Timestamp),
    /// The device refused us more than once: everything for it stops for a while.
    Refused,
    /// The device takes nothing we know. A person is called; it is asked again then.
    Stranded(Timestamp),
}

/// What a turn did.
#[derive(Debug)]
pub struct Turned {
    /// Where the credential stands now; so it is in the journal.
    pub entry: Entry,
    /// How the turn ended.
    pub ended: Ended,
    /// What was done, in order: words for the log, and nothing of any secret.
    pub steps: Vec<(&'static str, &'static str)>,
}

/// Takes a turn at the credential of `entry`, as it is in the journal. `taken` keeps others off the device meanwhile.
///
/// # Errors
/// [`JournalError`]. The effect in question was not performed, or its outcome will be asked for again.
pub async fn turn(
    mut entry: Entry,
    job: &Job,
    hands: &mut dyn Hands,
    journal: &Journal,
    clock: &SharedClock,
    taken: &Taken,
) -> Result<Turned, JournalError> {
    assert_eq!(
        taken.device(),
        entry.subject.device.as_ref(),
        "the device that was taken is the one"
    );
    let (mut steps, mut refusals) = (Vec::new(), 0);
    while steps.len() < MOST_EFFECTS {
        let now = clock.now();
        let (state, effect) = match entry.rotation.next(&job.rules, now) {
            Next::Do { state, effect } => (state, effect),
            Next::Sleep { until } => {
                return Ok(Turned { ended: resting(&entry, until), entry, steps });
            }
        };
        if let Some(later) =
            login_at(&entry, &effect, job, hands.logs_in(&effect), journal, now).await?
        {
            return Ok(Turned { entry, ended: Ended::LoginsSpent(later), steps });
        }
        entry.rotation = state;
        let before = entry.rotation.clone();
        let outcome = step(&mut entry, effect.clone(), job, hands, journal, clock).await?;
        steps.push((effect.word(), outcome.word()));
        refusals += usize::from(outcome == Outcome::Refused);
        if let Some(ended) = pause(&effect, &outcome, &before, &entry.rotation, refusals) {
            return Ok(Turned { entry, ended, steps });
        }
    }
    Ok(Turned { entry, ended: Ended::Unanswered, steps })
}

/// The device refused, outside a rotation, what the journal says it takes.
///
/// # Errors
/// [`JournalError`].
pub async fn doubt(mut entry: Entry, journal: &Journal) -> Result<Entry, JournalError> {
    entry.rotation = entry.rotation.doubt();
    recorded(entry, journal).await
}

pub(crate) async fn recorded(entry: Entry, journal: &Journal) -> Result<Entry, JournalError> {
    let journal = journal.clone();
    pooled(move || journal.record(&entry).map(|()| entry)).await
}

/// Commits, performs, learns and records one effect.
async fn step(
    entry: &mut Entry,
    effect: Effect<SecretId>,
    job: &Job,
    hands: &mut dyn Hands,
    journal: &Journal,
    clock: &SharedClock,
) -> Result<Outcome<SecretId>, JournalError> {
    let logs_in = hands.logs_in(&effect);
    let (writer, now, limit) = (journal.clone(), clock.now(), job.limit);
    let (written, chosen) = (entry.clone(), effect.clone());
    let durable = pooled(move || {
        let cost = match logs_in {
            LogsIn::Yes => Cost::Login(&limit, now),
            LogsIn::No => Cost::Nothing,
        };
        writer.commit(&written, chosen, cost)
    })
    .await?;
    let outcome = hands.perform(&durable).await;
    let now = clock.now();
    let later = |seconds: i64| Timestamp::from_unix(now.unix().saturating_add(seconds));
    let pace = Pace { due: hands.due(now), retry: later(job.retry), again: later(job.again) };
    let was_settled = matches!(entry.rotation, Rotation::Settled { .. });
    let before = std::mem::replace(&mut entry.rotation, Rotation::adopt(SecretId([0; 16]), now));
    entry.rotation = before.learn(&effect, outcome.clone(), &job.rules, &pace);
    if !was_settled && matches!(entry.rotation, Rotation::Settled { .. }) {
        entry.changed = Some(now);
    }
    let (writer, written) = (journal.clone(), entry.clone());
    let let_in = logs_in == LogsIn::Yes && outcome.spares_the_count();
    pooled(move || {
        writer.record(&written)?;
        // Should this fail, the log-in counts as failed, which is on the safe side.
        if let_in { writer.refund(written.subject.device.as_ref()) } else { Ok(()) }
    })
    .await?;
    Ok(outcome)
}

/// When the effect may be performed, if not now. A change is begun only while no log-in may have failed, so that the
/// whole count is there for what may come.
async fn login_at(
    entry: &Entry,
    effect: &Effect<SecretId>,
    job: &Job,
    logs_in: LogsIn,
    journal: &Journal,
    now: Timestamp,
) -> Result<Option<Timestamp>, JournalError> {
    let begins = matches!(effect, Effect::Mint(_));
    if !begins && logs_in == LogsIn::No {
        return Ok(None);
    }
    let (journal, device) = (journal.clone(), entry.subject.device.clone());
    let attempts = pooled(move || journal.attempts(device.as_ref(), now)).await?;
    let free =
        if begins { attempts.clear_at(&job.limit, now) } else { attempts.free_at(&job.limit, now) };
    Ok((free > now).then_some(free))
}

fn resting(entry: &Entry, until: Timestamp) -> Ended {
    match entry.rotation {
        Rotation::Stranded { .. } => Ended::Stranded(until),
        _ => Ended::Settled(until),
    }
}

/// Whether the turn ends after this effect.
fn pause(
    effect: &Effect<SecretId>,
    outcome: &Outcome<SecretId>,
    before: &Rotation<SecretId>,
    after: &Rotation<SecretId>,
    refusals: usize,
) -> Option<Ended> {
    // What was written is asked about next, in the same state.
    let asks_next = matches!(effect, Effect::Raise { .. } | Effect::Install { .. });
    match outcome {
        Outcome::NotSent | Outcome::Unknown => Some(Ended::Unanswered),
        Outcome::Kept if before == after => Some(Ended::NotEscrowed),
        Outcome::Rejected if matches!(effect, Effect::Escrow(_)) => Some(Ended::EscrowRefused),
        Outcome::Refused if refusals >= MOST_REFUSALS => match after {
            Rotation::Stranded { again, .. } => Some(Ended::Stranded(*again)),
            _ => Some(Ended::Refused),
        },
        _ if before == after && !asks_next => Some(Ended::Unanswered),
        _ => None,
    }
}

/// Does what blocks on the runtime's pool for that.
async fn pooled<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    match crate::store::pooled(move || Ok(work())).await {
        Ok(done) => done,
        Err(ended) => Err(ended.into()),
    }
}

#[cfg(test)]
mod tests;
