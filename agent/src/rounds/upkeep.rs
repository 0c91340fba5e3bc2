//! Upkeep, once a minute: the site file on disk, the stored inventory, the search for strangers; and what the controller
//! wants the site to be.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use certs::Clock;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::Rounds;
use super::loaded::{self, Loaded};
use super::outlet::Deed;
use super::yardstick::Yardstick;
use crate::config::{Discovery, SiteFile, SiteSource};
use crate::discovery::{NoTable, Survey};
use crate::facts::Kind;
use crate::inventory::{Inventory, Sighting};

/// How often upkeep is due, in seconds.
const MINUTE: u64 = 60;
/// How long a name server may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// What was entered into the audit log last, so that a restart enters nothing again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    site: Option<[u8; 32]>,
    generation: u64,
}

impl Rounds {
    /// Takes up what was stored, the site file and the desired state.
    pub(super) async fn begin(&mut self) {
        if let Some(bytes) = self.supplies.shelf.fetch("inventory").await {
            match Inventory::from_bytes(&bytes) {
                Ok(inventory) => self.inventory = inventory,
                Err(error) => tracing::warn!("beginning with an empty inventory: {error}"),
            }
        }
        let notes = self.supplies.shelf.fetch("notes").await;
        self.notes = notes.and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
        self.begin_watch().await;
        self.begin_credentials().await;
        self.supplies.desired.mark_changed();
        self.upkeep_due = self.supplies.clock.seconds().saturating_add(MINUTE);
        self.reload().await;
        Box::pin(self.begin_enforcement()).await;
    }

    /// What is due once a minute.
    pub(super) async fn upkeep(&mut self) {
        let now = self.supplies.clock.seconds();
        if now < self.upkeep_due {
            return;
        }
        self.upkeep_due = now.saturating_add(MINUTE);
        if self.stamp().await != self.stamp {
            self.reload().await;
        }
        self.tell_workstations().await;
        self.save().await;
        self.save_watch().await;
        self.begin_search(now);
        Box::pin(self.enforce()).await;
    }

    async fn stamp(&self) -> Vec<Option<(u64, u64)>> {
        let (path, site) = (self.supplies.site.clone(), self.site.clone());
        let stamp = move || loaded::stamp(&path, site.as_ref().map(|site| &site.file));
        tokio::task::spawn_blocking(stamp).await.unwrap_or_default()
    }

    /// Reads the site file and takes it over, if it is good. A broken one keeps the one before.
    pub(super) async fn reload(&mut self) {
        let path = self.supplies.site.clone();
        let read = move || {
            // Before it is read: what is written meanwhile is read again.
            let loaded = loaded::load(&path);
            let stamp = loaded::stamp(&path, loaded.as_ref().ok().map(|it| &it.file));
            (stamp, loaded.map_err(|why| why.to_string()))
        };
        let failed = |_| (Vec::new(), Err("reading the site file failed".to_owned()));
        let (stamp, loaded) = tokio::task::spawn_blocking(read).await.unwrap_or_else(failed);
        match loaded {
            Ok(loaded) => {
                self.stamp = stamp;
                self.take_site(loaded).await;
            }
            Err(why) => {
                self.stamp = self.stamp().await;
                if self.errors.site.as_ref() != Some(&why) {
                    tracing::error!("the site file is not taken over: {why}");
                    self.audit(Deed::SiteRefused, "", &why).await;
                }
                self.errors.site = Some(why);
            }
        }
    }

    async fn take_site(&mut self, mut loaded: Loaded) {
        self.errors.site = None;
        let only = &self.supplies.only;
        loaded.file.devices.retain(|device| only.is_empty() || only.contains(&device.name));
        let digest = certs::random::digest(format!("{:?}", loaded.file).as_bytes());
        let loaded = Arc::new(loaded);
        let first = self.site.replace(loaded.clone()).is_none();
        let now = self.supplies.clock.seconds();
        let file = &loaded.file;
        self.schedule.interval(u64::from(file.unattended.visit_minutes) * 60, now);
        // Workstations are not visited: the cameras tell of them.
        let visited = file.devices.iter().filter(|it| it.kind != Kind::Vms).map(|it| &it.name);
        self.schedule.devices(visited, now, self.supplies.draw);
        let names: BTreeSet<_> = file.devices.iter().map(|device| &device.name).collect();
        let gone = self.inventory.keep_only(&names);
        self.logs.keep_only(|name| names.contains(name));
        self.watch.keep_only(|name| names.contains(name));
        self.serials.retain(|name, _| names.contains(name));
        self.workstations.retain(|name, _| names.contains(name));
        self.forget(gone).await;
        self.settle_orders_of_gone();
        if self.notes.site != Some(digest) {
            let detail = format!("{} devices", file.devices.len());
            self.audit(Deed::SiteTaken, file.name.as_deref().unwrap_or_default(), &detail).await;
            self.notes.site = Some(digest);
            self.save_notes().await;
        }
        self.unsaved = true;
        self.take_yardstick().await;
        if first {
            self.recall().await;
        } else {
            self.tell_all().await;
        }
    }

    /// Notes what earlier runs saw of each device, without reporting it again.
    async fn recall(&mut self) {
        let Some(site) = self.site.clone() else { return };
        for device in &site.file.devices {
            if let Some(kept) = self.fetch(&device.name).await {
                self.note(&kept);
            }
        }
    }

    /// The desired state changed: everything is judged again, and nobody visited for it.
    pub(super) async fn take_desired(&mut self) {
        let before = self.yardstick.as_ref().map(|yardstick| yardstick.generation);
        self.take_yardstick().await;
        if self.yardstick.as_ref().map(|yardstick| yardstick.generation) != before {
            self.tell_all().await;
            Box::pin(self.enforce()).await;
        }
    }

    /// Judges by the desired state that is held, or by the site file's policy while there is none.
    async fn take_yardstick(&mut self) {
        let Some(site) = self.site.clone() else { return };
        let Some(desired) = self.supplies.desired.borrow_and_update().clone() else {
            let local = Yardstick::local(site.policy.clone(), site.advisories.clone());
            self.yardstick = Some(Arc::new(local));
            return;
        };
        match Yardstick::desired(&desired, site.advisories.clone()) {
            Ok(yardstick) => {
                self.errors.policy = None;
                let generation = yardstick.generation;
                self.yardstick = Some(Arc::new(yardstick));
                if self.notes.generation != generation {
                    let detail = format!("generation {generation}");
                    self.audit(Deed::PolicyTaken, "", &detail).await;
                    self.notes.generation = generation;
                    self.save_notes().await;
                }
            }
            Err(error) => {
                let why = error.to_string();
                if self.errors.policy.as_ref() != Some(&why) {
                    tracing::error!("{why}");
                    self.audit(Deed::PolicyRefused, "", &why).await;
                }
                self.errors.policy = Some(why);
                // Without any yardstick nothing would be judged at all.
                let local =
                    || Arc::new(Yardstick::local(site.policy.clone(), site.advisories.clone()));
                self.yardstick.get_or_insert_with(local);
            }
        }
    }

    async fn save_notes(&self) {
        let bytes = serde_json::to_vec(&self.notes).expect("notes are JSON");
        self.put("notes", Some(bytes)).await;
    }

    /// Stores the inventory, if it changed.
    pub(super) async fn save(&mut self) {
        if !self.unsaved {
            return;
        }
        match self.supplies.shelf.put("inventory", Some(self.inventory.to_bytes())).await {
            Ok(()) => self.unsaved = false,
            Err(error) => tracing::warn!("the inventory: {error}"),
        }
    }

    fn begin_search(&mut self, now: u64) {
        let Some(site) = self.site.clone() else { return };
        let Some(discovery) = site.file.unattended.discovery.clone() else { return };
        if self.supplies.clock.is_known() {
            self.search.begin(site, discovery, now);
        }
    }

    /// Takes over what a search found.
    pub(super) async fn take_search(&mut self) {
        let Some((found, own)) = self.search.take() else { return };
        match found {
            Ok(sightings) => {
                self.errors.search = None;
                let serials: BTreeSet<String> = self.serials.values().cloned().collect();
                let now = self.supplies.clock.now();
                let gone = self.inventory.surveyed(sightings, &own, &serials, now);
                self.unsaved = true;
                self.forget(gone).await;
                self.tell_strangers(|_| false).await;
            }
            Err(error) => {
                let why = error.to_string();
                if self.errors.search.as_ref() != Some(&why) {
                    tracing::warn!("networks are not searched: {why}");
                }
                self.errors.search = Some(why);
            }
        }
    }
}

/// What a search came to, and the addresses of the site's own devices.
type Found = (Result<Vec<Sighting>, NoTable>, BTreeSet<IpAddr>);

/// The search for strangers, which takes minutes where many are asked, and so goes on beside the rounds.
pub(super) struct Search {
    /// At rest between searches.
    survey: Option<Survey>,
    under_way: Option<JoinHandle<(Survey, Found)>>,
    found: Option<Found>,
    due: u64,
}

impl Search {
    pub(super) fn new(survey: Survey) -> Self {
        Self { survey: Some(survey), under_way: None, found: None, due: 0 }
    }

    fn begin(&mut self, site: Arc<Loaded>, discovery: Discovery, now: u64) {
        if now < self.due {
            return;
        }
        let Some(mut survey) = self.survey.take() else { return };
        self.due = now.saturating_add(u64::from(discovery.minutes) * 60);
        self.under_way = Some(tokio::spawn(async move {
            let own = own_addresses(&site.file).await;
            let found = survey.look(&discovery.networks, &own, now).await;
            (survey, (found, own))
        }));
    }

    /// Ends when a search that was begun has ended.
    pub(super) async fn ended(&mut self) {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let ended = under_way.await;
        self.under_way = None;
        match ended {
            Ok((survey, found)) => (self.survey, self.found) = (Some(survey), Some(found)),
            // A bug, and not worth the rounds: one begins anew, and has forgotten whom it asked.
            Err(_) => self.survey = Some(Survey::of_this_machine()),
        }
    }

    fn take(&mut self) -> Option<Found> {
        self.found.take()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        if let Some(under_way) = &self.under_way {
            under_way.abort();
        }
    }
}

/// The addresses of the site's own devices. Names are looked up; one that leads nowhere has none.
async fn own_addresses(file: &SiteFile) -> BTreeSet<IpAddr> {
    let mut own = BTreeSet::new();
    for device in &file.devices {
        own.extend(device.addresses.iter().map(IpAddr::to_canonical));
        let SiteSource::Live { address, .. } = &device.source else { continue };
        if let Ok(address) = address.host.parse::<IpAddr>() {
            own.insert(address.to_canonical());
            continue;
        }
        let lookup = tokio::net::lookup_host((address.host.as_str(), address.port));
        if let Ok(Ok(found)) = tokio::time::timeout(LOOKUP, lookup).await {
            own.extend(found.map(|at| at.ip().to_canonical()));
        }
    }
    own
}
