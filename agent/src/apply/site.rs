//! Many devices: as many at once as the roll-out allows, and none after something went wrong.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use proto::{DeviceName, Timestamp};

use super::device::apply;
use super::outcome::{Applied, DeviceResult};
use super::{Job, Workshop};
use crate::change::Digest;
use crate::clock;
use crate::plan::{Ended, Next, RollOut, Rollout};

/// Seconds that a device may need beside its reboot: some looks, and the pauses between them.
const WORK_S: i64 = 120;

/// On whose word devices are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// A person's: until everything is done.
    Person,
    /// A window's that ends then: no device is taken up that would not be done before.
    Until(Timestamp),
}

/// The plan that is carried out, and on whose word.
#[derive(Clone, Debug)]
pub struct Order {
    /// How the devices are taken up.
    pub rules: RollOut,
    /// The digest of the plan.
    pub plan: Digest,
    /// On whose word.
    pub leave: Leave,
}

/// Carries the plans of many devices out, and tells `on_done` of each as it ends. Devices without a step are passed over.
pub async fn apply_all(
    jobs: Vec<Job>,
    order: Order,
    shop: &Workshop,
    mut on_done: impl FnMut(&DeviceResult),
) -> Applied {
    let most = shop.policy.change.most_video_lost_s;
    let jobs: Vec<Job> = jobs.into_iter().filter(|job| !job.plan.steps.is_empty()).collect();
    let names: Vec<DeviceName> = jobs.iter().map(|job| job.plan.device.clone()).collect();
    let mut jobs: BTreeMap<DeviceName, Job> =
        jobs.into_iter().map(|job| (job.plan.device.clone(), job)).collect();
    let Order { rules, plan, leave } = order;
    let mut rollout = Rollout::new(names, rules);
    let (mut running, mut devices) = (FuturesUnordered::new(), Vec::new());
    let left = loop {
        if is_over(leave, jobs.values()) {
            rollout.close();
        }
        match rollout.decide() {
            Next::Start(name) => {
                if let Some(job) = jobs.remove(&name) {
                    running.push(guarded(job, shop.clone()));
                }
            }
            Next::Wait => {
                let Some(result): Option<DeviceResult> = running.next().await else {
                    break Vec::new();
                };
                let ended = match result.trouble(most) {
                    Some(why) => Ended::Badly(why),
                    None => Ended::Well,
                };
                rollout.ended(&result.device, ended);
                on_done(&result);
                devices.push(result);
            }
            Next::Over { left } => break left,
        }
    };
    let halted = rollout.halted().map(str::to_owned);
    Applied { palisade_applied: Applied::FORMAT, plan, halted, devices, left }
}

/// Whether a window leaves no time for the device that takes longest of those that are left.
fn is_over<'j>(leave: Leave, left: impl Iterator<Item = &'j Job>) -> bool {
    let Leave::Until(end) = leave else { return false };
    let longest = left.map(|job| job.plan.video_s()).max().unwrap_or_default();
    ends_too_late(longest, end, clock::now())
}

/// Whether a device that may go without video for so many seconds would not be done before the end of a window.
pub fn ends_too_late(video_s: u32, end: Timestamp, now: Timestamp) -> bool {
    end.seconds_since(now) < i64::from(video_s) + WORK_S
}

/// Carries one device's plan out in a task of its own, so that a driver that fails costs its own device only.
pub async fn guarded(job: Job, shop: Workshop) -> DeviceResult {
    let clock = shop.clock.clone();
    let blank = DeviceResult::blank(job.plan.device.clone(), clock.now());
    let work = tokio::spawn(async move { apply(&job, &shop).await });
    work.await.unwrap_or_else(|_| blank.failed(Vec::new(), clock.now()))
}
