//! Being cut off, reboots, and ports that move: everything where the device is gone for a while.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Kept;
use super::device::{Stage, Stop, Work};
use super::outcome::{By, Outcome};
use super::weigh::{When, reverted};
use crate::change::{Change, Door};
use crate::device::{Address, BasicInClear, Fault, Inspection, Snapshot, Target};
use crate::plan::Step;

/// Looks in a row that nothing answered, after which a device is taken to be away.
const AWAY: u32 = 2;

/// How a device came back from a reboot.
pub(super) struct Back {
    /// Time without a picture, from our asking for the reboot.
    gone: Duration,
    /// Whether it was seen to have rebooted.
    pub rebooted: bool,
}

impl Work<'_> {
    /// A change left us outside. It is not saved, so the device is brought back: by writing back what we may still
    /// reach, or by waiting for a reboot of its own.
    pub async fn cut_off(&mut self, stage: &Stage<'_>, fault: Fault) -> Stop {
        let (outcome, stop) = match self.regain(stage, fault).await {
            Ok(regained) => regained,
            Err(stop) => return stop,
        };
        stage.iter().for_each(|step| self.set(step, outcome.clone()));
        stop
    }

    /// What became of a change that left us outside, after everything that may bring the device back.
    pub async fn regain(
        &mut self,
        stage: &Stage<'_>,
        fault: Fault,
    ) -> Result<(Outcome, Stop), Stop> {
        let stop =
            |what: &str| Stop(format!("after a change it did not let us in ({fault}); {what}"));
        let before = self.before()?;
        if let Fault::Refused(_) = fault {
            // Another log-in might lock us out for good: nothing more is tried.
            let why =
                format!("{fault}; it is not saved, so that a reboot of the device brings it back");
            return Ok((Outcome::CutOff { why }, stop("it is not tried again")));
        }
        let why = format!("it cut us off: {fault}");
        if self.write_back(stage, &before).await {
            return Ok((reverted(why), stop("the old lines are written back")));
        }
        Ok(match self.comes_back(stage, &before).await {
            Some(by) => {
                (Outcome::Reverted { why, by }, stop("it is back as it was before the change"))
            }
            None => {
                let way = stage.iter().find_map(|step| step.harm.way_back.clone());
                let way = way.unwrap_or_else(|| "a reboot brings it back".to_owned());
                let why = format!("{why}; it is not saved: {way}");
                (Outcome::CutOff { why }, stop("it is still away"))
            }
        })
    }

    /// Writes back what a stage, or bringing a backup back, touched; whether a look shows that it is as before.
    pub async fn write_back(&mut self, stage: &Stage<'_>, before: &Snapshot) -> bool {
        let changes: Vec<Change> = stage.iter().map(|step| step.change.clone()).collect();
        let written = match self.restoring.clone() {
            Some(target) => self.driver().replace(&target, before).await,
            None => self.driver().revert(before, &changes).await,
        };
        if written.is_err() {
            return false;
        }
        let looked = self.look().await;
        looked.is_ok_and(|seen| seen.configuration.digest() == before.digest())
    }

    /// Waits for a reboot that is not ours. Only a device that refuses connections is asked again and again: nobody logs
    /// in on one that answers and refuses.
    async fn comes_back(&mut self, stage: &Stage<'_>, before: &Snapshot) -> Option<By> {
        let begun = Instant::now();
        let mut pause = self.shop.patience.first;
        loop {
            match self.driver().inspect().await {
                Ok(seen) if seen.configuration.digest() == before.digest() => {
                    return Some(By::ItsReboot);
                }
                Ok(_) => return self.write_back(stage, before).await.then_some(By::WritingBack),
                Err(Fault::Refused(_)) => return None,
                Err(_) if begun.elapsed() >= self.shop.patience.comeback => return None,
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(self.shop.patience.most);
        }
    }

    /// Reboots the device after its log was collected, and looks whether everything that was saved is still there.
    pub async fn reboot_and_prove(&mut self) -> Result<(), Stop> {
        let before = self.before()?;
        let back = self.reboot(&self.target.clone()).await?;
        let seen = self.look().await?;
        self.reboot_due = false;
        if !back.rebooted {
            let note =
                "nothing showed that it rebooted: it answered all the time, and its log went on";
            self.result.notes.push(note.to_owned());
        }
        self.recheck(&before, &seen)
    }

    /// After a reboot the configuration is what was saved. What is not there was not.
    fn recheck(&mut self, before: &Snapshot, seen: &Inspection) -> Result<(), Stop> {
        let kept = seen.configuration.digest() == before.digest();
        let conclusions = self.conclude(&seen.facts);
        let steps: Vec<&Step> = self.job.plan.steps.iter().collect();
        let mut lost = None;
        for step in steps {
            let place = self.result.steps.iter().find(|it| it.number == step.number);
            let saved = place.is_some_and(|it| {
                matches!(it.outcome, Outcome::Proven { .. } | Outcome::Standing { .. })
            });
            if !saved {
                continue;
            }
            let stands = kept || self.stands(step, seen);
            let outcome = if stands {
                match self.judged(step, &conclusions, When::AfterReboot) {
                    Outcome::Reverted { why, .. } => Outcome::Standing { why },
                    outcome => outcome,
                }
            } else {
                let why =
                    "it answered that it stored it, and after a reboot it was gone".to_owned();
                Outcome::Ineffective { why }
            };
            if let Some(why) = outcome.trouble() {
                lost.get_or_insert(format!("step {}: {why}", step.number));
            }
            self.set(step, outcome);
        }
        self.current = Some(seen.configuration.clone());
        lost.map_or(Ok(()), |why| Err(Stop(why)))
    }

    fn stands(&self, step: &Step, seen: &Inspection) -> bool {
        use crate::change::Untranslated::Standing;
        matches!(self.driver().translate(&seen.configuration, &step.change), Err(Standing))
    }

    /// Collects the log, asks for a reboot, and waits at `new`, where the device is to be from then on, for a picture,
    /// or, from a device that shows none, for an answer.
    pub async fn reboot(&mut self, new: &Target) -> Result<Back, Stop> {
        let log = match self.driver().web_log().await {
            Ok(log) => Some(log),
            Err(fault @ Fault::Refused(_)) => return Err(fault.into()),
            Err(fault) => {
                let note =
                    format!("its log is lost with the reboot, since it could not be had: {fault}");
                self.result.notes.push(note);
                None
            }
        };
        let log_length = log.as_ref().map(Vec::len);
        if let Some(log) = log {
            self.keep(Kept::WebLog, log).await?;
        }
        let asked = Instant::now();
        self.driver().reboot().await?;
        self.result.reboots += 1;
        self.target = new.clone();
        let back = self.wait(asked, new, log_length).await?;
        if self.shows_video {
            self.lose(u64::try_from(back.gone.as_millis()).unwrap_or(u64::MAX));
        }
        Ok(back)
    }

    /// Waits until it answers again at that place. That it went away is seen by its silence at two looks in a row, since
    /// one may be a lost packet, or by its log, which a reboot wipes; a device that does neither is believed not to have
    /// rebooted.
    async fn wait(
        &self,
        asked: Instant,
        at: &Target,
        log_length: Option<usize>,
    ) -> Result<Back, Stop> {
        let (mut pause, mut missed) = (self.shop.patience.first, 0);
        loop {
            sleep(pause).await;
            let mut driver = (self.shop.open)(at.clone(), self.shop.dialects.clone());
            let answer = match self.shows_video {
                true => driver.frame().await,
                false => driver.web_log().await.map(|_| ()),
            };
            let gone = asked.elapsed();
            let rebooted = missed >= AWAY;
            match answer {
                Ok(()) if rebooted || gone >= self.shop.patience.vanish => {
                    return Ok(Back { gone, rebooted });
                }
                Ok(()) => {
                    let log = driver.web_log().await.map(|log| log.len()).ok();
                    if log.zip(log_length).is_some_and(|(now, then)| now < then) {
                        return Ok(Back { gone, rebooted: true });
                    }
                    missed = 0;
                }
                Err(fault @ Fault::Refused(_)) => return Err(fault.into()),
                Err(fault) if gone >= self.shop.patience.reboot => {
                    return Err(Stop(format!(
                        "it did not come back within {} s after a reboot: {fault}",
                        self.shop.patience.reboot.as_secs_f32()
                    )));
                }
                Err(_) => missed += 1,
            }
            pause = (pause * 2).min(self.shop.patience.most);
        }
    }

    /// Moves one port. It only takes effect at a reboot, so that it is saved before it is proven; what brings the
    /// device back is the other port, which stays as it is.
    pub async fn move_port(&mut self, stage: &Stage<'_>, door: Door, to: u16) -> Result<(), Stop> {
        let [step] = stage.as_slice() else { return Ok(()) };
        let before = self.before()?;
        let seen = self.change(stage).await?;
        if let Some((_, outcome)) = self
            .weigh(stage, &before, &seen)?
            .into_iter()
            .find(|(_, outcome)| outcome.trouble().is_some())
        {
            let why = format!("step {}: {}", step.number, outcome.trouble().unwrap_or_default());
            if matches!(outcome, Outcome::Reverted { .. }) {
                self.driver().revert(&before, std::slice::from_ref(&step.change)).await?;
            }
            self.set(step, outcome);
            return Err(Stop(why));
        }
        let saved = [(*step, Outcome::NotTried { why: String::new() })];
        self.save(&saved).await?;
        let (old, new) = (self.target.clone(), self.moved(door, to));
        let rebooted = match self.reboot(&new).await {
            Ok(_) => self.look().await.map_err(Stop::from),
            Err(stop) => Err(stop),
        };
        match rebooted {
            Ok(seen) => {
                self.reboot_due = false;
                if new.address != old.address {
                    self.result.moved_to = Some(new.address.to_string());
                }
                self.current = Some(seen.configuration.clone());
                let stands = self.stands(step, &seen);
                let conclusions = self.conclude(&seen.facts);
                let outcome = match (stands, self.judged(step, &conclusions, When::AfterReboot)) {
                    (true, Outcome::Reverted { why, .. }) => Outcome::Standing { why },
                    (true, outcome) => outcome,
                    (false, _) => Outcome::Ineffective {
                        why: "it answered that it stored it, and after a reboot it was gone"
                            .to_owned(),
                    },
                };
                let trouble = outcome.trouble().map(str::to_owned);
                self.set(step, outcome);
                trouble.map_or(Ok(()), |why| Err(Stop(format!("step {}: {why}", step.number))))
            }
            Err(Stop(why)) => Err(self.back_through(step, &before, &old, door, why).await),
        }
    }

    /// The device with one of its ports elsewhere; where it is reached moves only with the door that we use.
    fn moved(&self, door: Door, to: u16) -> Target {
        let mut target = self.target.clone();
        if target.address.tls == (door == Door::Https) {
            target.address.port = to;
        }
        target
    }

    /// It does not answer at its new port: through the other door the old port is written back, stored and taken into
    /// use by one more reboot.
    async fn back_through(
        &mut self,
        step: &Step,
        before: &Snapshot,
        old: &Target,
        door: Door,
        why: String,
    ) -> Stop {
        let other = self.other_door(old, door);
        self.target = other.clone();
        let changes = [step.change.clone()];
        let mended = async {
            self.driver().revert(before, &changes).await?;
            self.driver().save().await?;
            self.driver().reboot().await
        };
        let mended = mended.await;
        self.target = old.clone();
        let back = match mended {
            Ok(()) => {
                self.result.reboots += 1;
                self.wait(Instant::now(), old, None).await.is_ok()
            }
            Err(_) => false,
        };
        let looked = if back { self.look().await.ok() } else { None };
        let outcome = match looked {
            Some(seen) if seen.configuration.digest() == before.digest() => {
                self.current = Some(seen.configuration);
                reverted(format!("it did not answer at its new port: {why}"))
            }
            Some(_) | None => Outcome::CutOff {
                why: format!(
                    "it does not answer at its new port, which is saved, and could not be mended through {}: {why}",
                    other.address
                ),
            },
        };
        self.set(step, outcome);
        Stop(format!("step {}: {why}", step.number))
    }

    /// Where the device is reached by the door that does not move.
    fn other_door(&self, old: &Target, moving: Door) -> Target {
        let ports = self.shop.policy.web_ports;
        let moved = self.job.plan.steps.iter().find_map(|step| match step.change {
            Change::MoveWebPort { door, to } if door != moving => Some((step.number, to)),
            _ => None,
        });
        // HTTPS moves first: when HTTP moves, it is where it was moved to.
        let (tls, port) = match moving {
            Door::Https => (false, ports.http),
            Door::Http => (true, moved.map_or(ports.https, |(_, to)| to)),
        };
        let address = Address { tls, host: old.address.host.clone(), port };
        let mut login = old.login.clone();
        if let Some(login) = &mut login {
            login.basic_in_clear = BasicInClear::Never;
        }
        let held = |pin: Option<certs::Pin>| pin.filter(|_| tls);
        let (pin, seen_before) = (held(old.pin), held(old.seen_before));
        Target { address, login, pin, seen_before, ..old.clone() }
    }
}
