//! Bringing a backup of a device's configuration back: the differences first, then, on a device that is as it was when
//! they were shown, exactly those.
//!
//! It passes through what every change that may cut us off passes through: written unsaved, looked at from a fresh
//! connection and compared line by line, and only then saved; else written back, or undone by a reboot. What is never
//! brought back is the driver's knowledge, and is said beside the differences.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proto::{Camera, Measure};
use tokio::time::Instant;

use super::device::{Stop, Work};
use super::outcome::{By, DeviceResult, Outcome, StepResult};
use super::weigh::reverted;
use super::{Job, Kept, Workshop};
use crate::change::Digest;
use crate::device::{self, Fault, Inspection, Restoration, Snapshot, Target};
use crate::facts::Facts;
use crate::plan::DevicePlan;

/// A backup that is to be brought back.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Which device, and how it is reached.
    pub target: Target,
    /// Over the device's configuration as it was when the differences were shown.
    pub shown: Digest,
    /// The certificate that it presented then, where that counts.
    pub pin: Option<String>,
    /// The configuration.
    pub backup: Snapshot,
    /// The product line it is of; empty if that was not kept.
    pub product: String,
    /// The same in words, such as `bring back the backup of 2027-03-01`.
    pub words: String,
}

/// What a look at the device says about a backup.
#[derive(Clone, Debug)]
pub struct Found {
    /// Over its configuration as it is now.
    pub configuration: Digest,
    /// What would change, and what would not.
    pub restoration: Restoration,
}

/// Looks at a device and says what bringing a backup back would come to. Changes nothing.
///
/// # Errors
/// Why it could not be looked at, or why the backup does not go back there, as a clause.
pub async fn look(
    target: &Target,
    backup: &Snapshot,
    product: &str,
    shop: &Workshop,
) -> Result<Found, String> {
    let mut driver = (shop.open)(target.clone(), shop.dialects.clone());
    let seen = driver.inspect().await.map_err(|fault| fault.to_string())?;
    let restoration = weigh_up(driver.as_ref(), &seen, backup, product, shop)?;
    Ok(Found { configuration: seen.configuration.digest(), restoration })
}

/// Brings a backup back. Never fails: what went wrong is in the result, whose one step it is.
pub async fn restore(restore: Restore, shop: Workshop) -> DeviceResult {
    let clock = shop.clock.clone();
    let blank = DeviceResult::blank(restore.target.name.clone(), clock.now());
    let words = restore.words.clone();
    let work = tokio::spawn(async move {
        let job = job(&restore);
        let mut work = Work::new(&job, &shop);
        let ended = work.bring_back(&restore).await;
        if let Err(Stop(why)) = ended {
            work.result.stopped = Some(why);
        }
        work.result.ended = shop.clock.now();
        work.result
    });
    work.await.unwrap_or_else(|_| blank.failed(vec![step(&words)], clock.now()))
}

fn step(words: &str) -> StepResult {
    StepResult {
        number: 1,
        measure: Measure::Camera(Camera::C22Backup),
        words: words.to_owned(),
        outcome: Outcome::NotTried { why: "the work ended before".to_owned() },
        video_lost_ms: None,
    }
}

/// A plan without a change: what it is held to.
fn job(restore: &Restore) -> Job {
    let target = &restore.target;
    let plan = DevicePlan {
        device: target.name.clone(),
        address: target.address.to_string(),
        product: None,
        firmware: None,
        pin: restore.pin.clone(),
        user: target.login.as_ref().map(|login| login.user.clone()),
        configuration: restore.shown,
        must_admit: BTreeSet::new(),
        steps: Vec::new(),
        tasks: Vec::new(),
    };
    Job { plan, target: target.clone(), attestations: Vec::new(), vms_addresses: Vec::new() }
}

/// What the backup comes to on a device that was just looked at.
fn weigh_up(
    driver: &dyn device::Driver,
    seen: &Inspection,
    backup: &Snapshot,
    product: &str,
    shop: &Workshop,
) -> Result<Restoration, String> {
    let own = match &seen.facts {
        Facts::Camera(camera) => camera.own_address.seen().copied(),
        Facts::Vms(_) | Facts::Nas(_) => None,
    };
    if let Some(is) = seen.identity.product.as_deref().filter(|_| !product.is_empty())
        && is != product
    {
        return Err(format!("the backup is of a {product}, and the device is a {is}"));
    }
    let (vms, nas) = (&shop.surroundings.vms, &shop.surroundings.nas);
    // Without our own address nobody can say that a list holds it.
    let must_admit: BTreeSet<IpAddr> = match own {
        Some(own) => vms.union(nas).copied().chain([own]).map(|it| it.to_canonical()).collect(),
        None => BTreeSet::new(),
    };
    let found = driver.restoration(&seen.configuration, backup, &must_admit);
    found.map_err(|why| why.to_string())
}

impl Work<'_> {
    async fn bring_back(&mut self, restore: &Restore) -> Result<(), Stop> {
        self.result.steps = vec![step(&restore.words)];
        let first = self.driver().inspect().await?;
        if first.configuration.digest() != restore.shown {
            return Err(Stop(
                "its configuration changed since the differences were shown, so nothing was done; look at them again"
                    .to_owned(),
            ));
        }
        let (driver, product) = (self.driver(), &restore.product);
        let found = weigh_up(driver.as_ref(), &first, &restore.backup, product, self.shop);
        let Restoration { target, lines, left } =
            found.map_err(|why| Stop(format!("nothing was done: {why}")))?;
        self.result.notes.extend(left);
        if lines.is_empty() {
            self.became(Outcome::Already);
            return Ok(());
        }
        self.keep(Kept::Configuration, first.configuration.bytes().to_vec()).await?;
        self.shows_video = match self.driver().frame().await {
            Ok(()) => true,
            Err(fault @ Fault::Refused(_)) => return Err(fault.into()),
            Err(_) => false,
        };
        self.result.video_lost_ms = self.shows_video.then_some(0);
        self.current = Some(first.configuration.clone());
        self.restoring = Some(target.clone());
        let seen = self.put(&first.configuration, &target).await?;
        self.accept(&first.configuration, &target, &seen).await?;
        if let Err(fault) = self.driver().save().await {
            let why =
                format!("it is in force until the next reboot, and could not be saved: {fault}");
            self.became(Outcome::Refused { why });
            return Err(fault.into());
        }
        self.became(Outcome::Proven {
            observed: format!("{} lines differ no more, and it is saved", lines.len()),
        });
        self.current = Some(target.clone());
        if self.shop.policy.change.prove_after_reboot {
            return self.outlives_reboot(&target).await;
        }
        let note = "it was not rebooted: what takes effect at a reboot alone waits for one";
        self.result.notes.push(note.to_owned());
        Ok(())
    }

    fn became(&mut self, outcome: Outcome) {
        if let Some(step) = self.result.steps.first_mut() {
            step.outcome = outcome;
        }
    }

    /// Writes it, unsaved, and looks at what came of it from a fresh connection.
    async fn put(&mut self, before: &Snapshot, target: &Snapshot) -> Result<Inspection, Stop> {
        let begun = Instant::now();
        self.was_away = false;
        let answer = self.driver().replace(before, target).await;
        if let Err(fault @ (Fault::Refused(_) | Fault::Unsupported(_))) = answer {
            self.became(Outcome::Refused { why: fault.to_string() });
            return Err(fault.into());
        }
        let looked = match self.watch(&Vec::new(), begun).await {
            Ok(()) => self.look().await,
            Err(refused) => Err(refused),
        };
        let fault = match looked {
            Ok(seen) => {
                if let Err(fault) = answer {
                    self.result.notes.push(format!("the answer to it was odd: {fault}"));
                }
                return Ok(seen);
            }
            Err(fault) => fault,
        };
        let (outcome, stop) = self.regain(&Vec::new(), fault).await?;
        self.became(outcome);
        Err(stop)
    }

    /// Whether a fresh look shows what was to be; else it is undone.
    async fn accept(
        &mut self,
        before: &Snapshot,
        target: &Snapshot,
        seen: &Inspection,
    ) -> Result<(), Stop> {
        let now = &seen.configuration;
        if now.digest() == target.digest() {
            return Ok(());
        }
        if now.digest() == before.digest() {
            let (outcome, why) = if self.was_away {
                let why = "it went away after the change, and came back as it was before";
                (Outcome::Reverted { why: why.to_owned(), by: By::ItsReboot }, why)
            } else {
                let why = "it answered as if all were well, and its configuration is as it was";
                (Outcome::Ineffective { why: why.to_owned() }, why)
            };
            self.became(outcome);
            return Err(Stop(why.to_owned()));
        }
        let why = format!("not every line is as in the backup: {}", told(target, now));
        // From what it shows now, so that everything that moved is written back.
        self.restoring = Some(now.clone());
        let outcome = if self.write_back(&Vec::new(), before).await {
            reverted(why.clone())
        } else {
            let why = format!(
                "{why}; it could not be undone; it is not saved, so that a reboot brings the device back"
            );
            Outcome::CutOff { why }
        };
        self.became(outcome);
        Err(Stop(why))
    }

    /// Reboots it after its log was collected, and looks whether all of it is still there.
    async fn outlives_reboot(&mut self, target: &Snapshot) -> Result<(), Stop> {
        let back = self.reboot(&self.target.clone()).await?;
        if !back.rebooted {
            let note =
                "nothing showed that it rebooted: it answered all the time, and its log went on";
            self.result.notes.push(note.to_owned());
        }
        let seen = self.look().await?;
        if seen.configuration.digest() == target.digest() {
            return Ok(());
        }
        let why = format!(
            "it answered that it stored it, and after a reboot it is not as it was: {}",
            told(target, &seen.configuration)
        );
        self.became(Outcome::Ineffective { why: why.clone() });
        Err(Stop(why))
    }
}

/// The lines that differ, shortly.
fn told(one: &Snapshot, other: &Snapshot) -> String {
    let lines = device::told_between(one, other).unwrap_or_default();
    let more = lines.len().saturating_sub(8);
    let first = lines.into_iter().take(8).collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    proto::text::printable(&format!("{first}{more}"), 500)
}
