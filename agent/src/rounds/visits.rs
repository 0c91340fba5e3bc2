//! Paying visits: who may log in, and what comes of it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use certs::{Clock, Pin};
use proto::wire::finding::About;
use proto::{DeviceName, Timestamp};

use super::Rounds;
use super::backups::{self, Archive};
use super::carry;
use super::kept::Kept;
use super::loaded::{Loaded, mark};
use super::lookout::Looked;
use super::outlet::Deed;
use super::yardstick::Yardstick;
use crate::clock::AgentClock;
use crate::config::read;
use crate::config::{PasswordSource, SiteDevice, SiteSource};
use crate::device::{Fault, Limits, Snapshot, Trials};
use crate::facts::{Device, Facts, Failure, FailureClass, Kind, Observation, Source};
use crate::inventory::{Leave, Logins, Look, Mark, Occasion};
use crate::schedule;
use crate::visit::{self, Call, Equipment, Terms, Way};

/// What a visit needs to know of the visits before it.
pub(super) struct Errand {
    device: SiteDevice,
    site: Arc<Loaded>,
    yardstick: Arc<Yardstick>,
    limits: Limits,
    environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    equipment: Equipment,
    clock: Arc<AgentClock>,
    occasion: Occasion,
    logins: Logins,
    accepted: Option<Pin>,
    trials: Trials,
    archive: Option<Arc<dyn Archive>>,
    /// Held while somebody is at the device.
    door: Arc<tokio::sync::Mutex<()>>,
}

/// A visit that was paid.
pub(super) struct Paid {
    name: DeviceName,
    pub(super) look: Observation,
    /// The device's configuration, where a backup is due.
    pub(super) configuration: Option<Snapshot>,
    mark: Mark,
    manner: Manner,
    /// The certificate that the site file holds it to.
    wanted: Option<Pin>,
    /// Whether questions were allowed that may cost a failed log-in.
    trials: Trials,
}

/// How a visit was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// To a device that is reached over the network, as the site file says.
    AsListed {
        /// Whether the site file vouches for its certificate.
        vouched: bool,
    },
    /// To one that refused us: as a stranger who holds it to no certificate, to see whether it is there and what it
    /// presents.
    AsStranger {
        /// Whether somebody would log in to it.
        has_login: bool,
    },
    /// Not over the network.
    Offline,
}

impl Rounds {
    /// Whether another visit may begin.
    pub(super) fn may_pay(&self) -> bool {
        let most = self.site.as_ref().map_or(0, |site| site.file.concurrency);
        self.visits.len() < most && self.yardstick.is_some() && self.supplies.clock.is_known()
    }

    /// Begins the visits that are due.
    pub(super) fn pay_visits(&mut self) {
        while self.may_pay() {
            let Some(visit) = self.schedule.take(self.supplies.clock.seconds()) else { return };
            let occasion = if visit.ordered { Occasion::Order } else { Occasion::Turn };
            match self.errand(&visit.device, occasion) {
                Some(errand) => {
                    let task = self.visits.spawn(errand.pay());
                    self.visited.insert(task.id(), visit.device);
                }
                None => self.pass_over(&visit.device),
            }
        }
    }

    pub(super) fn errand(&mut self, name: &DeviceName, occasion: Occasion) -> Option<Errand> {
        let (site, yardstick) = (self.site.clone()?, self.yardstick.clone()?);
        let device = site.file.devices.iter().find(|device| device.name == *name)?.clone();
        let door = self.watch.door(name);
        let known = self.inventory.known(name);
        let equipment = Equipment {
            dialects: site.dialects.clone(),
            open: self.supplies.open,
            concurrency: NonZeroUsize::MIN,
        };
        let ask_again_at = known.and_then(|known| known.ask_again_at);
        Some(Errand {
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
            archive: self.supplies.archive.clone(),
            door,
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
            self.back_up(&mut paid).await;
            self.watch_visit(&mut paid.look).await;
            let ended = match &paid.look.outcome {
                Ok(_) => schedule::Ended::Seen,
                Err(failure) => schedule::Ended::Failed(failure.class),
            };
            self.tell_change(&paid.look, before.as_ref()).await;
            let kept = Kept::after(paid.look, before);
            self.keep(&name, &kept).await;
            self.note(&kept);
            self.tell(&name, &kept).await;
            self.schedule.done(&name, ended, self.supplies.clock.seconds());
            self.tell_workstations().await;
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
            (Manner::AsListed { .. } | Manner::AsStranger { .. } | Manner::Offline, _) => {}
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
    /// in between has it entered twice rather than never.
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

impl Errand {
    async fn pay(self) -> Paid {
        let _at_the_door = self.door.clone().lock_owned().await;
        let name = self.device.name.clone();
        let wanted = match &self.device.source {
            SiteSource::Live { pin, .. } => *pin,
            SiteSource::File(_) | SiteSource::Declared => None,
        };
        let head = head(&self.device);
        let observed_at = self.clock.now();
        let (mark, call) = self.call().await;
        let (rules, trials) = (self.yardstick.policy.backup, self.trials);
        let bring = backups::bring(self.archive.as_deref(), &name, rules, observed_at).await;
        let paid = |(look, configuration), manner| Paid {
            name,
            look,
            configuration,
            mark,
            manner,
            wanted,
            trials,
        };
        let mut call = match call {
            Ok(call) => call,
            Err(why) => return paid((not_begun(head, observed_at, why), None), Manner::Offline),
        };
        let leave = self.logins.leave(&mark, self.occasion, observed_at);
        let manner = prepare(&mut call, leave, self.accepted, trials);
        let mut seen = visit::visit_and_bring(call, &self.equipment, bring).await;
        seen.0.observed_at = observed_at;
        paid(seen, manner)
    }

    /// Looks at the device's log alone.
    pub(super) async fn look_at_log(self) -> Looked {
        let _at_the_door = self.door.clone().lock_owned().await;
        let (name, at) = (self.device.name.clone(), self.clock.now());
        let (mark, call) = self.call().await;
        let leave = self.logins.leave(&mark, self.occasion, at);
        let mut looked = Looked { name, mark, at, outcome: None };
        let Ok(mut call) = call else { return looked };
        prepare(&mut call, leave, self.accepted, Trials::Spared);
        let (Way::Live(target), Leave::Granted) = (call.way, leave) else { return looked };
        if target.login.is_some() {
            let mut driver = (self.equipment.open)(*target, self.equipment.dialects);
            let read = tokio::time::timeout(call.limit, driver.read_log()).await;
            looked.outcome = Some(read.unwrap_or_else(|_| Err(late())));
        }
        looked
    }

    /// What the device is tried with, and the call to it, or why there is none.
    async fn call(&self) -> (Mark, Result<Call, String>) {
        let (device, site, limits) = (self.device.clone(), self.site.clone(), self.limits);
        let (yardstick, environment) = (self.yardstick.clone(), self.environment.clone());
        // Password files and their dates are on disk.
        let build = move || {
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            let fetch = |source: &PasswordSource| read::password(source, |name| environment(name));
            let mark = mark(&device, &yardstick.policy);
            (mark, visit::call(&device, &terms, fetch).map_err(|why| why.to_string()))
        };
        let built = tokio::task::spawn_blocking(build).await;
        built.unwrap_or_else(|_| (Mark::default(), Err("preparing the visit failed".to_owned())))
    }
}

fn late() -> Fault {
    Fault::Unreachable("looking at its log was not done in time".to_owned())
}

/// Makes the call one that may be paid.
fn prepare(call: &mut Call, leave: Leave, accepted: Option<Pin>, trials: Trials) -> Manner {
    let Way::Live(target) = &mut call.way else { return Manner::Offline };
    match leave {
        Leave::Granted => {
            target.seen_before = accepted.filter(|_| target.address.tls);
            target.trials = trials;
            Manner::AsListed { vouched: target.pin.is_some() }
        }
        Leave::Refused | Leave::Spent => {
            let has_login = target.login.is_some();
            (target.login, target.pin, target.seen_before) = (None, None, None);
            Manner::AsStranger { has_login }
        }
    }
}

fn head(device: &SiteDevice) -> Device {
    let (source, address) = match &device.source {
        SiteSource::Live { address, .. } => (Source::Live, address.to_string()),
        SiteSource::File(path) => (Source::File, path.display().to_string()),
        SiteSource::Declared => (Source::Declared, String::new()),
    };
    Device {
        name: device.name.clone(),
        kind: device.kind,
        source,
        address,
        product: None,
        model: None,
        firmware: None,
        serial: None,
        pin: None,
    }
}

fn not_begun(device: Device, observed_at: Timestamp, message: String) -> Observation {
    let outcome = Err(Failure { class: FailureClass::Unsupported, message });
    let (attestations, vms_addresses) = (Vec::new(), Vec::new());
    Observation { device, observed_at, outcome, attestations, vms_addresses }
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
