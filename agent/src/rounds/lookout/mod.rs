//! The watch over the cameras' web server logs: what visits bring, and, where the policy wants it, a look at each log
//! between them. What logs show together, `correlate` says; here it is told, once, and remembered over restarts.
//!
//! A look at a log is one log-in, within the same budget as a visit's: after a refusal nobody looks. Never is one camera
//! visited and its log looked at in the same moment. Told and remembered are two steps, so that a power cut between them
//! tells something twice rather than never.

mod correlate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proto::record::SiteEvent;
use proto::{DeviceName, Timestamp};
use tokio::task::{Id, JoinError, JoinSet};

use self::correlate::{Correlation, Known, Look};
use super::Rounds;
use super::outlet::Deed;
use crate::config::{SiteFile, SiteSource};
use crate::device::Fault;
use crate::facts::{Fact, Facts, Kind, Observation, WebLogSummary};
use crate::inventory::{Mark, Occasion};
use crate::rotate::devices::Taken;

/// Where it is kept.
const SHELF: &str = "watch";
/// A camera whose log could not be looked at is left alone for longer each time, at most for so many seconds.
const LONGEST_PAUSE: u64 = 900;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watch {
    correlation: Correlation,
    unsaved: bool,
    /// When each log is looked at next, in seconds of the monotonic clock, and how often that failed in a row.
    due: BTreeMap<DeviceName, (u64, u32)>,
    looks: JoinSet<Looked>,
    looked_at: BTreeMap<Id, DeviceName>,
}

/// A look at a log that has ended.
pub(super) struct Looked {
    pub name: DeviceName,
    pub mark: Mark,
    pub at: Timestamp,
    /// None if nobody may log in.
    pub outcome: Option<Result<WebLogSummary, Fault>>,
    /// Keeps others off the device until it is entered what was seen.
    pub _taken: Taken,
}

impl Watch {
    /// The next look that has ended.
    pub async fn ended(&mut self) -> Option<Result<Looked, Id>> {
        let ended = self.looks.join_next_with_id().await?;
        let looked = ended.map_err(|error: JoinError| error.id());
        Some(looked.map(|(task, looked)| {
            self.looked_at.remove(&task);
            looked
        }))
    }

    /// Forgets cameras that are not among these.
    pub fn keep_only(&mut self, is_there: impl Fn(&DeviceName) -> bool) {
        self.correlation.keep_only(&is_there);
        self.due.retain(|name, _| is_there(name));
    }
}

impl Rounds {
    /// Takes up what was remembered.
    pub(super) async fn begin_watch(&mut self) {
        if let Some(bytes) = self.supplies.shelf.fetch(SHELF).await {
            self.watch.correlation = Correlation::from_bytes(&bytes);
        }
    }

    /// Begins the looks that are due.
    pub(super) fn pay_looks(&mut self) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        if !yardstick.policy.watch.on || !self.supplies.clock.is_known() {
            return;
        }
        let now = self.supplies.clock.seconds();
        for device in &site.file.devices {
            let name = &device.name;
            let has_login = matches!(device.source, SiteSource::Live { login: Some(_), .. });
            let (due, _) = self.watch.due.get(name).copied().unwrap_or_default();
            let room = self.watch.looks.len() < site.file.concurrency;
            if device.kind != Kind::Mobotix || !has_login || due > now || !room {
                continue;
            }
            // Somebody is there; the end of that brings us back here.
            let Some(taken) = self.devices.take(Some(name)) else { continue };
            if let Some(errand) = self.errand(name, Occasion::Turn, taken) {
                let task = self.watch.looks.spawn(errand.look_at_log());
                self.watch.looked_at.insert(task.id(), name.clone());
            }
        }
    }

    /// When the next look is due, in seconds of the monotonic clock; none while nobody looks or none may begin.
    pub(super) fn next_look(&self) -> Option<u64> {
        let on = self.yardstick.as_ref().is_some_and(|it| it.policy.watch.on);
        let most = self.site.as_ref().map_or(0, |site| site.file.concurrency);
        let may_begin = on && self.supplies.clock.is_known() && self.watch.looks.len() < most;
        let idle = |name: &&DeviceName| self.devices.is_free(name);
        let due = self.watch.due.iter().filter(|(name, _)| idle(name)).map(|(_, (due, _))| *due);
        due.min().filter(|_| may_begin)
    }

    /// Takes over what a look at a log came to.
    pub(super) async fn finish_look(&mut self, ended: Result<Looked, Id>) {
        let looked = match ended {
            Ok(looked) => looked,
            Err(task) => {
                // The task failed, which is a bug: the log has its turn again later.
                if let Some(name) = self.watch.looked_at.remove(&task) {
                    self.look_again(&name, false);
                }
                return;
            }
        };
        let Looked { name, mark, at, outcome, _taken } = looked;
        if !self.site.as_ref().is_some_and(|site| site.lists(&name)) {
            return;
        }
        self.look_again(&name, matches!(outcome, Some(Ok(_))));
        match outcome {
            Some(Ok(log)) => {
                self.inventory.entry(&name).logins.admitted();
                self.unsaved = true;
                self.watch_log(&name, &log, at).await;
            }
            Some(Err(Fault::Refused(why))) => self.note_refusal(&name, mark, at, &why).await,
            Some(Err(fault)) => tracing::info!(device = %name, %fault, "its log was not looked at"),
            None => {}
        }
    }

    fn look_again(&mut self, name: &DeviceName, went_well: bool) {
        let every = self.yardstick.as_ref().map_or(60, |it| u64::from(it.policy.watch.every_s));
        let entry = self.watch.due.entry(name.clone()).or_default();
        entry.1 = if went_well { 0 } else { entry.1.saturating_add(1) };
        let pause = every.saturating_mul(1 << entry.1.min(6));
        let pause = if went_well { every } else { pause.min(LONGEST_PAUSE.max(every)) };
        entry.0 = self.supplies.clock.seconds().saturating_add(pause);
    }

    /// What a visit saw of the log, taken out of what it saw: it is not kept.
    pub(super) async fn watch_visit(&mut self, look: &mut Observation) {
        let Ok(Facts::Camera(camera)) = &mut look.outcome else { return };
        let Fact::Seen(log) = &mut camera.web_log else { return };
        let lines = std::mem::take(&mut log.lines);
        let (newest, own, counted) = (log.newest, log.own, log.counted);
        let log = WebLogSummary { newest, own, counted, lines, ..WebLogSummary::default() };
        self.watch_log(&look.device.name, &log, look.observed_at).await;
    }

    async fn watch_log(&mut self, name: &DeviceName, log: &WebLogSummary, at: Timestamp) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        let policy = &yardstick.policy;
        let known = Known { machines: machines(&site.file), networks: policy.networks.clone() };
        let look = Look { device: name, log, at };
        let shown = self.watch.correlation.take(&look, &policy.watch, &known);
        self.watch.unsaved = true;
        let is_news = !shown.is_empty();
        for event in shown {
            self.tell_event(&event).await;
        }
        if is_news {
            self.save_watch().await;
        }
    }

    async fn tell_event(&self, event: &SiteEvent) {
        let names: Vec<_> = event.devices.iter().map(ToString::to_string).collect();
        let detail = format!(
            "{} from {} at {}, {} times until {}",
            event.kind.as_str(),
            event.source,
            names.join(", "),
            event.count,
            event.last_at
        );
        tracing::warn!("{detail}");
        if let Err(error) = self.supplies.outlet.event(event).await {
            tracing::error!("an event is lost: {error}");
        }
        let first = event.devices.first().map_or("", DeviceName::as_str);
        self.audit(Deed::EventSeen, first, &detail).await;
    }

    /// Stores what is remembered, if it changed.
    pub(super) async fn save_watch(&mut self) {
        if std::mem::take(&mut self.watch.unsaved) {
            self.put(SHELF, Some(self.watch.correlation.to_bytes())).await;
        }
    }
}

/// The addresses of the site's own machines.
fn machines(file: &SiteFile) -> BTreeSet<IpAddr> {
    let mut all: BTreeSet<IpAddr> = file.vms_addresses().into_iter().collect();
    for device in &file.devices {
        all.extend(device.addresses.iter().copied());
        if let SiteSource::Live { address, .. } = &device.source {
            all.extend(address.host.parse::<IpAddr>());
        }
    }
    all.into_iter().map(|address| address.to_canonical()).collect()
}
