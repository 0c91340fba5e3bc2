//! One device: look, compare, keep a backup, then stage by stage change, look again, save.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::outcome::{By, DeviceResult, Outcome, StepResult};
use super::{Job, Kept, Workshop};
use crate::change::{Change, Risk, Takes, Untranslated};
use crate::device::{Driver, Fault, Inspection, Snapshot, Target};
use crate::facts::Facts;
use crate::plan::{Step, violations};

/// Carries one device's plan out. Never fails: what went wrong is in the result.
pub async fn apply(job: &Job, shop: &Workshop) -> DeviceResult {
    let mut work = Work::new(job, shop);
    if let Err(Stop(why)) = work.run().await {
        work.result.stopped = Some(why);
    }
    work.result.ended = shop.clock.now();
    work.result
}

/// Why the work on a device ends before its end, as a clause.
pub(super) struct Stop(pub String);

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

/// The work on one device.
pub(super) struct Work<'w> {
    pub job: &'w Job,
    pub shop: &'w Workshop,
    pub target: Target,
    pub result: DeviceResult,
    /// The configuration as it was last seen and accepted.
    pub current: Option<Snapshot>,
    /// Whether it shows pictures.
    pub shows_video: bool,
    /// Whether something saved only comes into force at a reboot.
    pub reboot_due: bool,
    /// Whether the device did not answer at some time since the last change.
    pub was_away: bool,
    /// What a backup that is being brought back makes of the configuration.
    pub restoring: Option<Snapshot>,
}

/// Steps that are made, proven and saved together.
pub(super) type Stage<'p> = Vec<&'p Step>;

impl<'w> Work<'w> {
    pub fn new(job: &'w Job, shop: &'w Workshop) -> Self {
        let mut target = job.target.clone();
        // The certificate that the plan was made over is held on to, though nobody vouches for it.
        let planned = job.plan.pin.as_deref().and_then(|pin| pin.parse().ok());
        target.seen_before = target.seen_before.or(planned).filter(|_| target.address.tls);
        let why = || "the work ended before".to_owned();
        let steps = job.plan.steps.iter().map(|step| StepResult {
            number: step.number,
            measure: step.measure,
            words: step.words.clone(),
            outcome: Outcome::NotTried { why: why() },
            video_lost_ms: None,
        });
        let blank = DeviceResult::blank(job.plan.device.clone(), shop.clock.now());
        let result = DeviceResult { steps: steps.collect(), ..blank };
        Self {
            job,
            shop,
            target,
            result,
            current: None,
            shows_video: false,
            reboot_due: false,
            was_away: false,
            restoring: None,
        }
    }

    /// The device, by a connection of its own.
    pub fn driver(&self) -> Box<dyn Driver> {
        (self.shop.open)(self.target.clone(), self.shop.dialects.clone())
    }

    async fn run(&mut self) -> Result<(), Stop> {
        let first = self.driver().inspect().await?;
        if !self.may_begin(&first)? {
            return Ok(());
        }
        self.keep(Kept::Configuration, first.configuration.bytes().to_vec()).await?;
        self.current = Some(first.configuration);
        self.shows_video = match self.driver().frame().await {
            Ok(()) => true,
            Err(fault @ Fault::Refused(_)) => return Err(fault.into()),
            Err(_) => false,
        };
        self.result.video_lost_ms = self.shows_video.then_some(0);
        for stage in stages(&self.job.plan.steps) {
            self.stage(&stage).await?;
        }
        let prove = self.shop.policy.change.prove_after_reboot;
        let saved = |step: &StepResult| {
            matches!(step.outcome, Outcome::Proven { .. } | Outcome::Standing { .. })
        };
        if self.reboot_due || (prove && self.result.steps.iter().any(saved)) {
            self.reboot_and_prove().await?;
        }
        Ok(())
    }

    /// Whether there is anything to do; nothing may be done on a device that is not as the plan found it.
    fn may_begin(&mut self, seen: &Inspection) -> Result<bool, Stop> {
        let plan = &self.job.plan;
        if seen.configuration.digest() != plan.configuration {
            let driver = self.driver();
            let stands = |change: &Change| {
                let translated = driver.translate(&seen.configuration, change);
                matches!(translated, Err(Untranslated::Standing))
            };
            if plan.steps.iter().all(|step| stands(&step.change)) {
                self.result.steps.iter_mut().for_each(|step| step.outcome = Outcome::Already);
                return Ok(false);
            }
            return Err(Stop(
                "its configuration changed since the plan was made, so nothing was done; plan again".to_owned(),
            ));
        }
        let own = match &seen.facts {
            Facts::Camera(camera) => camera.own_address.seen().copied(),
            Facts::Vms(_) | Facts::Nas(_) => None,
        };
        let (vms, nas) = (&self.shop.surroundings.vms, &self.shop.surroundings.nas);
        let must_admit = vms.union(nas).map(std::net::IpAddr::to_canonical).collect();
        let mut broken = violations(plan, own, &must_admit);
        broken.extend(self.other_edits(&seen.configuration));
        if let Some(why) = broken.first() {
            return Err(Stop(format!("nothing was done, since the plan is not safe: {why}")));
        }
        Ok(!plan.steps.is_empty())
    }

    /// What a dialect says may have changed since the plan was made: then other lines would be written than were shown.
    fn other_edits(&self, on: &Snapshot) -> Option<String> {
        let driver = self.driver();
        let mut current = on.clone();
        for step in &self.job.plan.steps {
            match driver.translate(&current, &step.change) {
                Ok((edit, after)) if edit == step.edit => current = after,
                Ok(_) => return Some(format!("Step {} would write other lines.", step.number)),
                Err(why) => return Some(format!("Step {}: {why}.", step.number)),
            }
        }
        None
    }

    /// Keeps something before it is lost.
    pub async fn keep(&self, what: Kept, bytes: Vec<u8>) -> Result<(), Stop> {
        self.shop.keeper.keep(&self.job.plan.device, what, bytes).await.map_err(|why| {
            let what = match what {
                Kept::Configuration => "a backup of its configuration",
                Kept::WebLog => "its web server log",
            };
            Stop(format!("{what} could not be kept: {why}"))
        })
    }

    async fn stage(&mut self, stage: &Stage<'_>) -> Result<(), Stop> {
        if let [Step { change: Change::MoveWebPort { door, to }, .. }] = stage.as_slice() {
            return self.move_port(stage, *door, *to).await;
        }
        let seen = self.change(stage).await?;
        let before = self.before()?;
        let verdicts = self.weigh(stage, &before, &seen)?;
        let (good, bad): (Vec<_>, Vec<_>) =
            verdicts.into_iter().partition(|(_, outcome)| outcome.trouble().is_none());
        let undo: Vec<Change> = bad
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Reverted { by: By::WritingBack, .. }))
            .map(|(step, _)| step.change.clone())
            .collect();
        let mut now = seen.configuration;
        if !undo.is_empty() {
            now = self.undo(&before, &undo, &bad).await?;
        }
        if !good.is_empty() {
            self.save(&good).await?;
            self.reboot_due |= good.iter().any(|(step, _)| step.edit.takes == Takes::Reboot);
        }
        self.current = Some(now);
        let failed = bad.first().and_then(|(step, outcome)| {
            Some(format!("step {}: {}", step.number, outcome.trouble()?))
        });
        for (step, outcome) in good.into_iter().chain(bad) {
            self.set(step, outcome);
        }
        failed.map_or(Ok(()), |why| Err(Stop(why)))
    }

    /// Writes back what came to nothing, and looks whether it is back. What is not back is not saved either.
    async fn undo(
        &mut self,
        before: &Snapshot,
        changes: &[Change],
        bad: &[(&Step, Outcome)],
    ) -> Result<Snapshot, Stop> {
        let undone = self.driver().revert(before, changes).await;
        let now = self.look().await?.configuration;
        let driver = self.driver();
        let stands =
            |change: &Change| matches!(driver.translate(&now, change), Err(Untranslated::Standing));
        if undone.is_ok() && !changes.iter().any(stands) {
            return Ok(now);
        }
        let why =
            "it could not be undone; it is not saved, so that a reboot brings the device back";
        for (step, outcome) in bad {
            let reason = outcome.trouble().unwrap_or_default();
            self.set(step, Outcome::CutOff { why: format!("{reason}; {why}") });
        }
        Err(Stop(why.to_owned()))
    }

    /// Saves what was proven.
    pub async fn save(&mut self, good: &[(&Step, Outcome)]) -> Result<(), Stop> {
        let Err(fault) = self.driver().save().await else { return Ok(()) };
        for (step, _) in good {
            let why =
                format!("it is in force until the next reboot, and could not be saved: {fault}");
            self.set(step, Outcome::Refused { why });
        }
        Err(fault.into())
    }

    /// Makes the changes of a stage, unsaved, and looks at what came of it from a fresh connection.
    pub async fn change(&mut self, stage: &Stage<'_>) -> Result<Inspection, Stop> {
        let before = self.before()?;
        let changes: Vec<Change> = stage.iter().map(|step| step.change.clone()).collect();
        let begun = Instant::now();
        self.was_away = false;
        let answer = self.driver().apply(&before, &changes).await;
        if let Err(fault @ (Fault::Refused(_) | Fault::Unsupported(_))) = answer {
            // Nothing was written: it did not let us in, or we did not begin.
            for step in stage {
                self.set(step, Outcome::Refused { why: fault.to_string() });
            }
            return Err(fault.into());
        }
        // One refusal ends everything that needs a log-in: nobody looks after it.
        let watched = self.watch(stage, begun).await;
        let looked = match watched {
            Ok(()) => self.look().await,
            Err(refused) => Err(refused),
        };
        match looked {
            Ok(seen) => {
                if let Err(fault) = answer {
                    self.result.notes.push(format!("the answer to a change was odd: {fault}"));
                }
                Ok(seen)
            }
            Err(fault) => Err(self.cut_off(stage, fault).await),
        }
    }

    /// Whether it still shows a picture after a change, and if not, how long it takes.
    ///
    /// # Errors
    /// A log-in that it refused.
    pub async fn watch(&mut self, stage: &Stage<'_>, begun: Instant) -> Result<(), Fault> {
        if !self.shows_video {
            return Ok(());
        }
        let mut lost = Duration::ZERO;
        for pause in std::iter::once(Duration::ZERO).chain(self.shop.patience.settle.clone()) {
            sleep(pause).await;
            match self.driver().frame().await {
                Ok(()) => break,
                Err(fault @ Fault::Refused(_)) => return Err(fault),
                Err(fault) => {
                    self.was_away |= matches!(fault, Fault::Unreachable(_));
                    lost = begun.elapsed();
                }
            }
        }
        let lost = u64::try_from(lost.as_millis()).unwrap_or(u64::MAX);
        for step in stage {
            self.slot(step).video_lost_ms = Some(lost);
        }
        self.lose(lost);
        Ok(())
    }

    /// Adds to the time without a picture.
    pub fn lose(&mut self, milliseconds: u64) {
        let total = self.result.video_lost_ms.unwrap_or_default();
        self.result.video_lost_ms = Some(total.saturating_add(milliseconds));
    }

    /// Looks from a fresh connection; a device that takes its time with a change is asked again.
    pub async fn look(&mut self) -> Result<Inspection, Fault> {
        let mut pauses = self.shop.patience.settle.iter();
        loop {
            match (self.driver().inspect().await, pauses.next()) {
                (Err(Fault::Unreachable(_) | Fault::Rejected(_)), Some(pause)) => {
                    self.was_away = true;
                    sleep(*pause).await;
                }
                (looked, _) => return looked,
            }
        }
    }

    /// The configuration as it was last accepted.
    pub fn before(&self) -> Result<Snapshot, Stop> {
        self.current.clone().ok_or_else(|| Stop("it was not looked at".to_owned()))
    }

    pub fn set(&mut self, step: &Step, outcome: Outcome) {
        self.slot(step).outcome = outcome;
    }

    fn slot(&mut self, step: &Step) -> &mut StepResult {
        let found = self.result.steps.iter_mut().find(|it| it.number == step.number);
        found.expect("the result has a place for each step of the plan")
    }
}

/// Harmless steps that touch different sections go together; everything else alone, so that it is proven alone.
fn stages(steps: &[Step]) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for step in steps {
        let sections = |step: &Step| -> Vec<String> {
            step.edit.lines.iter().map(|line| line.section.clone()).collect()
        };
        let fits = |stage: &Stage<'_>| {
            let harmless = |step: &Step| step.change.risk() == Risk::None;
            let apart = |other: &&Step| {
                let theirs = sections(other);
                harmless(other) && !sections(step).iter().any(|section| theirs.contains(section))
            };
            harmless(step) && stage.iter().all(apart)
        };
        match stages.last_mut().filter(|stage| fits(stage)) {
            Some(stage) => stage.push(step),
            None => stages.push(vec![step]),
        }
    }
    stages
}
