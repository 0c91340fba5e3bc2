//! Paying visits: who may log in, and what comes of it.

use std::num::NonZeroUsize;

use certs::Clock;
use proto::wire::finding::About;
use proto::{DeviceName, Timestamp};

use super::Rounds;
use super::carry;
use super::errand::{Errand, Manner, Paid, head};
use super::kept::Kept;
use super::outlet::Deed;
use crate::config::SiteDevice;
use crate::device::Trials;
use crate::facts::{Device, Facts, Failure, FailureClass, Kind, Observation};
use crate::inventory::{Look, Mark, Occasion};
use crate::rotate::devices::Taken;
use crate::schedule;
use crate::visit::Equipment;

impl Rounds {
    /// Whether another visit may begin.
    pub(super) fn may_pay(&self) -> bool {
        let most = self.site.as_ref().map_or(0, |site| site.file.concurrency);
        self.visits.len() < most && self.yardstick.is_some() && self.supplies.clock.is_known()
    }

    /// Begins the visits that are due.
    pub(super) fn pay_visits(&mut self) {
        while self.may_pay() {
            let devices = self.devices.clone();
            let now = self.supplies.clock.seconds();
            let visit = self.schedule.take_of(now, |name| devices.is_free(name));
            let Some(visit) = visit else { return };
            let occasion = if visit.ordered { Occasion::Order } else { Occasion::Turn };
            let taken = devices.take(Some(&visit.device));
            match taken.and_then(|taken| self.errand(&visit.device, occasion, taken)) {
                Some(errand) => {
                    let task = self.visits.spawn(errand.pay());
                    self.visited.insert(task.id(), visit.device);
                }
                None => self.pass_over(&visit.device),
            }
        }
    }

    pub(super) fn errand(
        &self,
        name: &DeviceName,
        occasion: Occasion,
        taken: Taken,
    ) -> Option<Errand> {
        let (site, yardstick) = (self.site.clone()?, self.yardstick.clone()?);
        let device = site.file.devices.iter().find(|device| device.name == *name)?.clone();
        let known = self.inventory.known(name);
        let equipment = Equipment {
            dialects: site.dialects.clone(),
            open: self.supplies.open,
            concurrency: NonZeroUsize::MIN,
        };
        let ask_again_at = known.and_then(|known| known.ask_again_at);
        Some(Errand {
            claims: self.credentials.claims(&device),
            keyring: self.supplies.keyring.clone(),
            taken,
            device,
            site,
            yardstick,
            limits: self.supplies.limits,
            environment: self.supplies.environment.clone(),
            equipment,
            clock: self.supplies.clock.clone(),
            occasion,
            logins: known.map(|known| known.logins.clone()).unwrap_or_default(),
            accepted: known.and_then(|known| known.accepted()),
            trials: carry::trials(ask_again_at, self.supplies.clock.now()),
        })
    }

    /// A visit whose task failed, which is a bug: the device has its turn again later.
    pub(super) fn lost(&mut self, task: tokio::task::Id) {
        if let Some(name) = self.visited.remove(&task) {
            self.pass_over(&name);
        }
    }

    fn pass_over(&mut self, name: &DeviceName) {
        let ended = schedule::Ended::Failed(FailureClass::Nonsense);
        self.schedule.done(name, ended, self.supplies.clock.seconds());
        self.settle_orders(name);
    }

    /// Takes over what a visit came to.
    pub(super) async fn finish(&mut self, mut paid: Paid) {
        let name = paid.name.clone();
        self.last_visit = Some(paid.look.observed_at);
        *self.ended.entry(ending(&paid.look)).or_default() += 1;
        let is_listed = self.site.as_ref().is_some_and(|site| site.lists(&name));
        if is_listed {
            let before = self.fetch(&name).await;
            self.enter_look(&mut paid, before.as_ref()).await;
            let ended = match &paid.look.outcome {
                Ok(_) => schedule::Ended::Seen,
                Err(failure) => schedule::Ended::Failed(failure.class),
            };
            self.tell_change(&paid.look, before.as_ref()).await;
            self.adopt_from(&mut paid).await;
            Box::pin(self.back_up(&mut paid)).await;
            Box::pin(self.watch_visit(&mut paid.look)).await;
            let lines = paid.lines.take();
            Box::pin(self.look_for_drift(&paid.look, before.as_ref(), lines)).await;
            let kept = Kept::after(paid.look, before);
            self.keep(&name, &kept).await;
            self.note(&kept);
            self.tell(&name, &kept).await;
            self.schedule.done(&name, ended, self.supplies.clock.seconds());
            self.tell_workstations().await;
            Box::pin(self.enforce()).await;
        }
        self.settle_orders(&name);
    }

    /// Enters a look at a device on the network into the inventory, and makes it what it stands for: a look as a stranger
    /// at a device that refused us is still a refusal, unless nobody logs in to it anyway.
    async fn enter_look(&mut self, paid: &mut Paid, before: Option<&Kept>) {
        let Paid { name, look, mark, manner, wanted, trials, .. } = paid;
        let now = look.observed_at;
        let class = look.outcome.as_ref().err().map(|failure| failure.class);
        if *manner == Manner::Offline {
            return;
        }
        let pin = look.device.pin.as_ref().and_then(|pin| pin.parse().ok());
        let answered = class != Some(FailureClass::Unreachable);
        let earlier: Vec<About> = self.signs(name).iter().map(|found| found.about).collect();
        self.inventory.looked(name, Look { at: now, answered, pin, wanted: *wanted });
        self.unsaved = true;
        for found in self.signs(name).iter().filter(|found| !earlier.contains(&found.about)) {
            let detail = format!("{}: {}", found.about.as_str(), found.observed);
            self.audit(Deed::SignAppeared, name.as_str(), &detail).await;
        }
        let known = self.inventory.entry(name);
        match (*manner, class) {
            (Manner::AsListed { .. }, Some(FailureClass::Refused)) => {
                let detail = look.outcome.as_ref().err().map_or("", |it| &it.message);
                self.note_refusal(name, *mark, now, detail).await;
            }
            (Manner::AsListed { vouched }, None) => {
                known.logins.admitted();
                if *trials == Trials::Allowed {
                    let (all, again) = carry::answers(look, vouched);
                    known.ask_again_at = Some(again);
                    known.answered_questions_at =
                        if all { Some(now) } else { known.answered_questions_at };
                }
                let earlier = before.and_then(Kept::seen);
                if let Some(earlier) =
                    earlier.filter(|_| carry::holds(known.answered_questions_at, now))
                {
                    carry::over(look, earlier);
                }
            }
            (Manner::AsStranger { has_login: false }, None) if !known.is_another() => {
                known.logins.admitted();
            }
            (Manner::AsStranger { .. }, None) => look.outcome = Err(still_refused(before)),
            (Manner::InDoubt, None) => look.outcome = Err(in_doubt()),
            (
                Manner::AsListed { .. }
                | Manner::AsStranger { .. }
                | Manner::InDoubt
                | Manner::Offline,
                _,
            ) => {}
        }
    }

    /// A device refused our log-in.
    pub(super) async fn note_refusal(
        &mut self,
        name: &DeviceName,
        mark: Mark,
        now: Timestamp,
        why: &str,
    ) {
        self.inventory.entry(name).logins.refused(mark, now);
        self.unsaved = true;
        self.audit(Deed::LoginRefused, name.as_str(), why).await;
        // Not one log-in more than the budget says, whatever happens to this program next.
        self.save().await;
    }

    /// Enters into the audit log that a device failed, or recovered; before the look is kept, so that a plug that is pulled
    /// in between has it entered twice rather than never. At least once is all that can be had: the audit chain and the
    /// look that remembers it lie in two places that no one write changes together, and of the two a log that says a
    /// thing again misleads nobody, while one that is silent about a camera that failed does. A chain is not folded
    /// afterwards either: every record of it is under its hashes.
    async fn tell_change(&self, look: &Observation, before: Option<&Kept>) {
        let name = look.device.name.as_str();
        let failed_before = before.and_then(Kept::failure).is_some();
        match &look.outcome {
            Err(failure) if !failed_before => {
                self.audit(Deed::DeviceFailed, name, &failure.message).await;
            }
            Ok(_) if failed_before => self.audit(Deed::DeviceRecovered, name, "").await,
            Ok(_) | Err(_) => {}
        }
    }
}

/// The last refusal's own words, if they are still there.
fn still_refused(before: Option<&Kept>) -> Failure {
    let refused = before.and_then(Kept::failure).filter(|it| it.class == FailureClass::Refused);
    refused.cloned().unwrap_or_else(|| Failure {
        class: FailureClass::Refused,
        message: "it refused us before, and nobody logs in again until its entry in the site file, its password file or \
                  the policy changes, or an operator orders a visit"
            .to_owned(),
    })
}

fn in_doubt() -> Failure {
    let message = "its password is being replaced, and it is in doubt which one it takes; nobody logs in until the \
                   rotation has found out (see status)";
    Failure { class: FailureClass::Refused, message: message.to_owned() }
}

/// A workstation, by what the cameras' logs tell.
pub(super) fn workstation(
    device: &SiteDevice,
    facts: Facts,
    observed_at: Timestamp,
) -> Observation {
    let shown: Vec<_> = device.addresses.iter().map(ToString::to_string).collect();
    let device = Device { kind: Kind::Vms, address: shown.join(", "), ..head(device) };
    let (attestations, vms_addresses) = (Vec::new(), Vec::new());
    Observation { device, observed_at, outcome: Ok(facts), attestations, vms_addresses }
}

/// How a visit ended, in a word.
fn ending(look: &Observation) -> &'static str {
    match look.outcome.as_ref().map_err(|failure| failure.class) {
        Ok(_) => "seen",
        Err(FailureClass::Unreachable) => "unreachable",
        Err(FailureClass::Refused) => "refused",
        Err(FailureClass::Rejected) => "rejected",
        Err(FailureClass::Unsupported) => "unsupported",
        Err(FailureClass::Nonsense) => "nonsense",
    }
}
