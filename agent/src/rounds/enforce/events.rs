//! What happens to changes, taken in: written down before a device is touched, told to the controller afterwards, and
//! entered into the audit log.

use std::collections::BTreeSet;

use certs::Clock as _;
use proto::wire::policy::OrderId;
use proto::{DeviceName, Timestamp};

use super::record::Work;
use super::wire::{self, Head};
use super::work::Event;
use super::{Happened, Running, handover};
use crate::apply::{DeviceResult, Outcome};
use crate::plan::Plan;
use crate::rounds::Rounds;
use crate::rounds::credentials::choice::Room;
use crate::rounds::outlet::{Deed, Told};

impl Rounds {
    /// Takes in what happened, and looks for what is to be done next.
    pub(in crate::rounds) async fn enforced(&mut self, happened: Happened) {
        self.take_event(happened.0, true).await;
    }

    pub(super) async fn take_event(&mut self, event: Event, goes_on: bool) {
        match event {
            // Whoever waits to begin is heard as soon as there is room.
            event @ (Event::Planned { .. } | Event::Begun { .. }) => {
                if goes_on {
                    self.enforcement.held.push_back(event);
                    self.start_held().await;
                }
            }
            Event::Refused { device, mark, vaulted, why } => {
                let now = self.supplies.clock.now();
                self.inventory.entry(&device).logins.refused(mark, now);
                self.unsaved = true;
                self.audit(Deed::LoginRefused, device.as_str(), &why).await;
                self.save().await;
                if let Some(subject) = vaulted {
                    self.doubt(&subject).await;
                }
                self.pass(&device).await;
            }
            Event::PassedOver { device, why, handed } => {
                if let Some(why) = why {
                    tracing::warn!(%device, "not changed: {why}");
                }
                self.pass(&device).await;
                self.hand_over("", &device, &handed).await;
            }
            Event::Ended { id, mut result, trouble, handed } => {
                result.rotations = match &trouble {
                    None => self.hand_over(id.as_str(), &result.device, &handed).await,
                    Some(_) => handover::withheld(&handed),
                };
                self.end_change(&id, &result, trouble).await;
            }
            Event::Over { halted, left } => self.over(halted, &left, goes_on).await,
            Event::Drawn { order, plan, done } => self.drawn(&order, &plan, done).await,
        }
    }

    /// A device that is about to be changed by the policy alone.
    async fn begin_change(&mut self, id: &OrderId, plan: &Plan) -> bool {
        let Some(device) = plan.devices.first() else { return false };
        if !self.note_under_way(&device.device, id).await {
            return false;
        }
        let codes: Vec<&str> = device.steps.iter().map(|step| step.measure.code()).collect();
        let detail = format!("plan {id}: {}", codes.join(", "));
        self.audit(Deed::ChangePlanned, device.device.as_str(), &detail).await;
        let expires_at = self.until().unwrap_or(plan.made_at);
        let head = Head { id: id.as_str(), expires_at, unattended: true };
        for part in wire::parts(plan, head) {
            self.tell_plan(Told::Part(Box::new(part))).await;
        }
        true
    }

    /// Whether it is written down that a device is in change. Without that, none is.
    async fn note_under_way(&mut self, device: &DeviceName, id: &OrderId) -> bool {
        self.enforcement.record.under_way.insert(device.clone(), id.to_string());
        let bytes = self.enforcement.record.to_bytes();
        let kept = self.supplies.shelf.put("enforce", Some(bytes)).await;
        if let Err(error) = &kept {
            tracing::error!(%device, "not changed, since it cannot be written down: {error}");
            self.enforcement.record.under_way.remove(device);
        }
        kept.is_ok()
    }

    /// Nothing could be done to a device; it is not tried again in this window.
    async fn pass(&mut self, device: &DeviceName) {
        let Some(until) = self.until() else { return };
        let left = self.enforcement.unmet.get(device).cloned().unwrap_or_default();
        self.enforcement.record.note(device, until, Work::Looked, left);
        self.save_enforcement().await;
    }

    fn until(&self) -> Option<Timestamp> {
        self.enforcement.running.as_ref().and_then(|running| running.until)
    }

    /// Whether one more device may be changed now.
    fn has_room_for(&self, device: &DeviceName) -> bool {
        let Some(yardstick) = self.yardstick.as_ref() else { return false };
        let (mut busy, mut lost) = self.in_turns();
        busy.extend(self.enforcement.in_change());
        busy.remove(device);
        lost.remove(device);
        Room::beside(&yardstick.policy.change, busy, &lost).has(device)
    }

    /// Lets those begin who wait to, in their order, as far as there is room.
    pub(in crate::rounds) async fn start_held(&mut self) {
        for event in std::mem::take(&mut self.enforcement.held) {
            let (device, go) = match &event {
                Event::Planned { plan, go, .. } => (plan.devices.first().map(|it| &it.device), go),
                Event::Begun { device, go, .. } => (Some(device), go),
                _ => continue,
            };
            // Nobody waits any more.
            let Some(device) = device.filter(|_| !go.is_closed()) else { continue };
            if !self.has_room_for(device) {
                self.enforcement.held.push_back(event);
                continue;
            }
            match event {
                Event::Planned { id, plan, go } if self.begin_change(&id, &plan).await => {
                    let _ = go.send(());
                }
                Event::Begun { id, device, go } if self.note_under_way(&device, &id).await => {
                    let _ = go.send(());
                }
                _ => {}
            }
        }
    }

    async fn end_change(&mut self, id: &OrderId, result: &DeviceResult, trouble: Option<String>) {
        let device = &result.device;
        self.enforcement.record.under_way.remove(device);
        if let Some(until) = self.until() {
            let proven: BTreeSet<_> = result
                .steps
                .iter()
                .filter(|step| matches!(step.outcome, Outcome::Proven { .. }))
                .map(|step| step.measure)
                .collect();
            let unmet = self.enforcement.unmet.get(device).into_iter().flatten();
            let left = unmet.filter(|measure| !proven.contains(measure)).copied().collect();
            let work = if result.was_begun() { Work::Changed } else { Work::Looked };
            self.enforcement.record.note(device, until, work, left);
        } else if result.was_begun() && !result.steps.is_empty() {
            // By an operator's word: no other class of change in the window that happens to be open.
            let rules = self.yardstick.as_ref().map(|it| &it.policy.change);
            let now = self.supplies.clock.now();
            if let Some(until) = rules.and_then(|rules| rules.open_until(now)) {
                self.enforcement.record.note(device, until, Work::Changed, BTreeSet::new());
            }
        }
        // What was met by the change is told by the next look.
        self.enforcement.unmet.remove(device);
        self.save_enforcement().await;
        self.audit_change(id, result).await;
        let id = id.as_str();
        self.tell_plan(Told::Applied(Box::new(wire::applied(id, result)))).await;
        if let Some(why) = trouble.as_ref().filter(|_| result.was_begun()) {
            self.halt(&format!("{device}: {why}")).await;
        }
        if self.until().is_some() {
            let halted = trouble.map(|why| format!("{device}: {why}"));
            let over = wire::over(id, halted.as_deref(), &[], None);
            self.tell_plan(Told::Applied(Box::new(over))).await;
        }
        let is_lost =
            |step: &crate::apply::StepResult| matches!(step.outcome, Outcome::CutOff { .. });
        if result.was_begun() && !result.steps.iter().any(is_lost) {
            self.schedule.order(device);
        }
    }

    async fn audit_change(&self, id: &OrderId, result: &DeviceResult) {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Proven { .. } => "proven",
            Outcome::Standing { .. } => "done, not proven",
            Outcome::Already => "stood already",
            Outcome::Ineffective { .. } => "not done",
            Outcome::Refused { .. } => "refused",
            Outcome::Reverted { .. } => "undone",
            Outcome::CutOff { .. } => "cut off",
            Outcome::NotTried { .. } => "not tried",
        };
        let steps = result.steps.iter();
        let steps: Vec<String> =
            steps.map(|step| format!("{} {}", step.measure.code(), word(&step.outcome))).collect();
        let video = match result.video_lost_ms {
            Some(lost) => format!("{}.{} s without video", lost / 1000, lost % 1000 / 100),
            None => "video not seen".to_owned(),
        };
        let mut detail =
            format!("plan {id}: {}; {} reboots, {video}", steps.join(", "), result.reboots);
        let trouble = result.steps.iter().find_map(|step| step.outcome.trouble());
        if let Some(why) = result.stopped.as_deref().or(trouble) {
            detail.push_str(&format!("; {why}"));
        }
        let undone =
            |step: &crate::apply::StepResult| matches!(step.outcome, Outcome::Reverted { .. });
        let deed = match (result.stopped.is_some() || trouble.is_some(), &result.steps) {
            (false, _) => Deed::Changed,
            (true, steps) if steps.iter().any(undone) => Deed::ChangeReverted,
            (true, _) => Deed::ChangeFailed,
        };
        self.audit(deed, result.device.as_str(), &detail).await;
    }

    async fn over(&mut self, halted: Option<String>, left: &[DeviceName], goes_on: bool) {
        let Some(Running { ordered, .. }) = self.enforcement.running.take() else { return };
        while self.enforcement.tasks.try_join_next().is_some() {}
        if let Some((id, done)) = ordered {
            let over = wire::over(id.as_str(), halted.as_deref(), left, None);
            self.tell_plan(Told::Applied(Box::new(over))).await;
            // Who ordered may have gone; what became of it has been queued all the same.
            let _ = done.send(());
        }
        if goes_on {
            self.next_waiting().await;
        }
    }
}
