//! Telling: from what is kept to what is queued for the controller.

use std::net::IpAddr;

use certs::Clock;
use proto::wire::finding::{DeviceKind, Found, Report};
use proto::wire::v1;
use proto::{DeviceName, Timestamp};

use super::kept::Kept;
use super::outlet::{Deed, Entry};
use super::visits::workstation;
use super::wire::{self, Known};
use super::{Rounds, loaded::Loaded};
use crate::config::SiteDevice;
use crate::facts::{Facts, Kind};
use crate::inventory::{Stranger, new_device};
use crate::visit::{Terms, workstation_addresses};

impl Rounds {
    /// Reports a device, in few bytes if nothing is new.
    pub(super) async fn tell(&mut self, name: &DeviceName, kept: &Kept) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        let (findings, found_at) = kept.judge(&site.file, &yardstick);
        self.judged(name, &findings, kept.failure().is_none());
        // What it told of itself when it last talked, found where it is now.
        let mut device = kept.seen().unwrap_or(&kept.last).device.clone();
        device.address.clone_from(&kept.last.device.address);
        let report = wire::report(&Known {
            device: &device,
            observed_at: kept.last.observed_at,
            failure: kept.failure(),
            found_at,
            findings: &findings,
            signs: self.signs(name),
            generation: yardstick.generation,
        });
        let digest = wire::digest(&report);
        let reported = self.inventory.known(name).and_then(|known| known.reported);
        if self.queue(report, reported == Some(digest)).await {
            self.inventory.entry(name).reported = Some(digest);
            self.unsaved = true;
        }
    }

    /// Whether it was queued.
    async fn queue(&self, report: v1::DeviceReport, is_known: bool) -> bool {
        let whole = Box::new(report);
        let entry = if is_known {
            Entry::Unchanged { short: wire::unchanged(&whole), whole }
        } else {
            Entry::Whole(whole)
        };
        let device = entry.device().to_owned();
        match self.supplies.outlet.report(entry).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(device, "a report is lost until the next look: {error}");
                false
            }
        }
    }

    /// What the inventory shows about a device of the site.
    pub(super) fn signs(&self, name: &DeviceName) -> Vec<Found> {
        let days = self.site.as_ref().map_or(u32::MAX, |site| site.file.unattended.gone_days);
        let mut signs = self.inventory.signs(name, days);
        signs.extend(self.enforcement.sign(name));
        signs
    }

    /// Judges and reports every device again by what is kept of it. One at a time, so that memory stays bounded.
    pub(super) async fn tell_all(&mut self) {
        let Some(site) = self.site.clone() else { return };
        for device in &site.file.devices {
            if let Some(kept) = self.fetch(&device.name).await {
                self.note(&kept);
                self.tell(&device.name, &kept).await;
            }
        }
        self.tell_workstations().await;
    }

    /// Reports devices whole, because the controller does not hold what they are compared with.
    pub(super) async fn resend(&mut self, names: &[DeviceName]) {
        for name in names {
            if self.site.as_ref().is_some_and(|site| site.lists(name))
                && let Some(kept) = self.fetch(name).await
            {
                self.inventory.entry(name).reported = None;
                self.tell(name, &kept).await;
            }
        }
        self.tell_strangers(|name| names.contains(name)).await;
    }

    /// Judges the workstations by the cameras' logs, once each camera was looked at, and reports those of which
    /// something is new, or whose hour has come.
    pub(super) async fn tell_workstations(&mut self) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        let mut cameras = site.file.devices.iter().filter(|it| it.kind == Kind::Mobotix);
        if !cameras.all(|camera| self.logs.knows(&camera.name)) || !self.supplies.clock.is_known() {
            return;
        }
        let terms =
            Terms { site: &site.file, policy: &yardstick.policy, limits: self.supplies.limits };
        let now = self.supplies.clock.seconds();
        let hour = u64::from(site.file.unattended.visit_minutes) * 60;
        for device in site.file.devices.iter().filter(|it| it.kind == Kind::Vms) {
            let facts = self.logs.workstation(&workstation_addresses(device, &terms));
            let told = self.workstations.get(&device.name);
            if told.is_some_and(|(known, at)| *known == facts && now.saturating_sub(*at) < hour) {
                continue;
            }
            self.workstations.insert(device.name.clone(), (facts.clone(), now));
            self.tell_workstation(device, Facts::Vms(facts)).await;
        }
    }

    async fn tell_workstation(&mut self, device: &SiteDevice, facts: Facts) {
        let look = workstation(device, facts, self.supplies.clock.now());
        let kept = Kept::after(look, None);
        self.keep(&device.name, &kept).await;
        self.tell(&device.name, &kept).await;
    }

    /// Reports strangers; `again` picks those that are reported whole.
    pub(super) async fn tell_strangers(&mut self, again: impl Fn(&DeviceName) -> bool) {
        let generation = self.yardstick.as_ref().map_or(0, |yardstick| yardstick.generation);
        let all: Vec<_> =
            self.inventory.strangers().map(|(name, mac, it)| (name, mac, it.clone())).collect();
        for (name, mac, stranger) in all {
            let report = of_stranger(&name, &stranger, new_device(mac, &stranger), generation);
            let digest = wire::digest(&report);
            let is_new = stranger.reported.is_none();
            let is_known = stranger.reported == Some(digest) && !again(&name);
            if self.queue(report, is_known).await {
                self.inventory.stranger_reported(mac, digest);
                self.unsaved = true;
            }
            if is_new {
                let detail = format!("new_device: {}", stranger.address);
                self.audit(Deed::SignAppeared, name.as_str(), &detail).await;
            }
        }
    }

    /// Says that devices are not looked at any more.
    pub(super) async fn forget(&mut self, names: Vec<DeviceName>) {
        for name in names {
            let forgotten = v1::DeviceForgotten { device: name.to_string() };
            if self.supplies.outlet.report(Entry::Forgotten(forgotten)).await.is_err() {
                tracing::warn!(device = %name, "it could not be said that it is not looked at any more");
            }
            self.put(&key(&name), None).await;
        }
    }

    /// What is kept of a device.
    pub(super) async fn fetch(&self, name: &DeviceName) -> Option<Kept> {
        Kept::from_bytes(&self.supplies.shelf.fetch(&key(name)).await?)
    }

    /// Keeps it.
    pub(super) async fn keep(&self, name: &DeviceName, kept: &Kept) {
        let bytes = kept.to_bytes();
        if bytes.is_none() {
            tracing::warn!(device = %name, "its facts are too large to keep; it is judged again at its next visit");
        }
        self.put(&key(name), bytes).await;
    }

    pub(super) async fn put(&self, key: &str, bytes: Option<Vec<u8>>) {
        if let Err(error) = self.supplies.shelf.put(key, bytes).await {
            tracing::warn!(key, "{error}");
        }
    }

    /// Notes what other judgments and searches need of a look.
    pub(super) fn note(&mut self, kept: &Kept) {
        let device = &kept.last.device;
        if device.kind == Kind::Mobotix {
            let addresses = self.all_workstations();
            self.logs.note(&kept.last, &addresses);
        }
        let serial = kept.seen().and_then(|seen| seen.device.serial.clone());
        if let Some(serial) = serial {
            self.serials.insert(device.name.clone(), serial);
        }
    }

    /// The addresses of all workstations, of the site file and of the policy.
    fn all_workstations(&self) -> Vec<IpAddr> {
        let of_site = self.site.iter().flat_map(|site| site.file.vms_addresses());
        let of_policy = self.yardstick.iter().flat_map(|it| it.policy.networks.vms.clone());
        of_site.chain(of_policy).collect()
    }

    /// Enters something into the audit log.
    pub(super) async fn audit(&self, deed: Deed, subject: &str, detail: &str) {
        let detail = proto::text::printable(detail, 1000);
        if let Err(error) = self.supplies.outlet.audit(deed, subject, &detail).await {
            tracing::error!(deed = deed.as_str(), subject, "an audit record is lost: {error}");
        }
    }
}

impl Loaded {
    /// Whether the site file names the device.
    pub(super) fn lists(&self, name: &DeviceName) -> bool {
        self.file.devices.iter().any(|device| device.name == *name)
    }
}

/// Where a device's last look is kept.
fn key(name: &DeviceName) -> String {
    format!("look/{name}")
}

fn of_stranger(
    name: &DeviceName,
    stranger: &Stranger,
    sign: Found,
    generation: u64,
) -> v1::DeviceReport {
    let nothing = String::new;
    let seen: Timestamp = stranger.last_seen;
    wire::fitted(Report {
        device: name.clone(),
        kind: DeviceKind::Stranger,
        address: stranger.address.to_string(),
        product: nothing(),
        model: nothing(),
        firmware: nothing(),
        serial: nothing(),
        pin: nothing(),
        observed_at: seen,
        failure: None,
        found_at: Some(seen),
        findings: vec![sign],
        generation,
    })
}
