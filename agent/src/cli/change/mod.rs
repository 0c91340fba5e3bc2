//! `palisade-agent plan` and `palisade-agent apply`: shows what would be done to the devices of a site, and does exactly
//! that. Without a controller, a person decides when; windows are for what runs unattended.

mod arguments;
mod kept;
mod restore;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::SystemClock;
use futures::StreamExt as _;
use proto::DeviceName;

pub use arguments::{ApplyArguments, PlanArguments};
pub use restore::{RESTORE_EXAMPLE, RestoreArguments, restore};

use self::kept::Folder;
use super::arguments::TextFormat;
use super::console::Console;
use super::files::{self, Place, Readers};
use super::inputs;
use super::order::{self, Order};
use super::stop::{BAD, FAILED, GOOD, Stop};
use crate::apply::{self, Applied, ByHand, Job, Keeper, Patience, Workshop};
use crate::clock;
use crate::config::SiteFile;
use crate::config::read as settings;
use crate::device::Target;
use crate::plan::{self, DevicePlan, Failed, Plan, Surroundings};
use crate::visit::{Call, Way};

/// Threads for what blocks.
const BLOCKING_THREADS: usize = 2;
/// A plan has at most this many bytes: some thousand cameras.
const MAX_PLAN: u64 = 32 << 20;

/// A device that can be changed, and how it is reached.
struct Reached {
    target: Target,
    call: Call,
}

/// Draws the plan of a site and delivers it.
///
/// # Errors
/// A request that is wrong, or a plan that cannot be written.
pub fn plan(arguments: &PlanArguments, console: &mut Console<'_>) -> Result<u8, Stop> {
    let place = arguments.output.as_deref().map(Place::check).transpose()?;
    if place.as_ref().is_some_and(|place| place.is(&arguments.inventory)) {
        return Err(Stop::Usage("the plan would replace the site file".to_owned()));
    }
    let inventory = whole(&arguments.inventory)?;
    let site = settings::site(&inventory).map_err(inputs::usage)?;
    let audit = arguments.reach.as_audit(inventory.clone(), arguments.devices.clone());
    let order = order::take(&audit, console)?;
    let at_once = order.equipment.concurrency.get();
    let (shop, calls) = shop(order, &site, Arc::new(kept::Nowhere));
    let (reached, mut failed) = changeable(calls);
    let runtime = runtime()?;
    let surveyed: Vec<(usize, DeviceName, Result<DevicePlan, String>)> = runtime.block_on(async {
        let looks = futures::stream::iter(reached.iter().enumerate()).map(|(place, it)| {
            let shop = &shop;
            async move {
                let call = &it.call;
                let drawn =
                    apply::survey(&it.target, &call.attestations, &call.vms_addresses, shop).await;
                (place, it.target.name.clone(), drawn.map_err(|fault| fault.to_string()))
            }
        });
        looks.buffer_unordered(at_once).collect().await
    });
    runtime.shutdown_background();
    let mut drawn = Vec::new();
    for (place, device, plan) in surveyed {
        match plan {
            Ok(plan) => drawn.push((place, plan)),
            Err(why) => failed.push(Failed { device, why }),
        }
    }
    drawn.sort_by_key(|(place, _)| *place);
    let devices = drawn.into_iter().map(|(_, plan)| plan).collect();
    let inventory = inventory.to_str().map(str::to_owned);
    let plan = Plan::new(clock::now(), &shop.policy.change, inventory, devices, failed);
    deliver(&plan, arguments, place, console)
}

fn deliver(
    plan: &Plan,
    arguments: &PlanArguments,
    place: Option<Place>,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let json = || serde_json::to_string_pretty(plan).map(|text| text + "\n").map_err(unwritten);
    if let Some(place) = place {
        let text = json()?;
        place.write(Readers::OwnerOnly, |file| file.write_all(text.as_bytes()))?;
    }
    match arguments.format {
        TextFormat::Json => console.result(&json()?)?,
        TextFormat::Text => console.result(&plan::write(plan))?,
    }
    if let (Some(output), true) = (&arguments.output, plan.steps() > 0) {
        let output = output.display();
        console.note(&format!(
            "nothing was changed; palisade-agent apply {output} --keep DIR does it"
        ));
    }
    for failed in &plan.failed {
        console.complain(&format!("{}: {}", failed.device, failed.why));
    }
    let left = plan.devices.iter().any(|it| !it.steps.is_empty() || !it.tasks.is_empty());
    Ok(match (plan.failed.is_empty(), left) {
        (false, _) => FAILED,
        (true, true) => BAD,
        (true, false) => GOOD,
    })
}

/// Carries a plan out and tells what became of it.
///
/// # Errors
/// A request that is wrong. A device that fails is part of the result.
pub fn apply(arguments: &ApplyArguments, console: &mut Console<'_>) -> Result<u8, Stop> {
    let bytes = files::read(&arguments.plan, MAX_PLAN)
        .map_err(|why| Stop::Failed(format!("cannot read {}: {why}", arguments.plan.display())))?;
    let plan = Plan::parse(&bytes)
        .map_err(|why| Stop::Usage(format!("{}: {why}", arguments.plan.display())))?;
    let inventory =
        arguments.inventory.clone().or_else(|| plan.inventory.clone().map(PathBuf::from));
    let inventory = inventory.ok_or_else(|| {
        Stop::Usage(
            "the plan does not say which site file it was made with: use --inventory".to_owned(),
        )
    })?;
    let keeper = Folder::open(&arguments.keep, arguments.recipient.clone())?;
    let site = settings::site(&inventory).map_err(inputs::usage)?;
    let wanted = plan.devices.iter().filter(|it| !it.steps.is_empty());
    let wanted: Vec<DeviceName> = wanted.map(|it| it.device.clone()).collect();
    if wanted.is_empty() {
        console.result("There was nothing to do.\n")?;
        return Ok(GOOD);
    }
    let audit = arguments.reach.as_audit(inventory, wanted);
    let order = order::take(&audit, console)?;
    let (shop, calls) = shop(order, &site, Arc::new(keeper));
    let jobs = jobs(&plan, calls)?;
    let runtime = runtime()?;
    let order =
        apply::Order { rules: plan.roll_out, plan: plan.digest, leave: apply::Leave::Person };
    let applied = runtime.block_on(apply::apply_all(jobs, order, &shop, |result| {
        let word = if result.stopped.is_some() { "stopped" } else { "done" };
        console.note(&format!("{}: {word}", result.device));
    }));
    runtime.shutdown_background();
    tell(&applied, arguments.format, console)
}

fn tell(applied: &Applied, format: TextFormat, console: &mut Console<'_>) -> Result<u8, Stop> {
    match format {
        TextFormat::Json => {
            let text = serde_json::to_string_pretty(applied).map_err(unwritten)?;
            console.result(&(text + "\n"))?;
        }
        TextFormat::Text => console.result(&apply::write(applied))?,
    }
    if let Some(why) = &applied.halted {
        console.complain(&format!("halted: {why}"));
        return Ok(FAILED);
    }
    Ok(GOOD)
}

/// A plan's devices, each with how it is reached.
fn jobs(plan: &Plan, calls: Vec<Call>) -> Result<Vec<Job>, Stop> {
    let (reached, cannot) = changeable(calls);
    if let Some(failed) = cannot.first() {
        return Err(Stop::Usage(format!("device {}: {}", failed.device, failed.why)));
    }
    let mut reached: BTreeMap<DeviceName, Reached> =
        reached.into_iter().map(|it| (it.target.name.clone(), it)).collect();
    let jobs = plan.devices.iter().filter_map(|device| {
        let Reached { target, call } = reached.remove(&device.device)?;
        let (attestations, vms_addresses) = (call.attestations, call.vms_addresses);
        Some(Job { plan: device.clone(), target, attestations, vms_addresses })
    });
    Ok(jobs.collect())
}

/// What all devices share, and the calls.
fn shop(order: Order, site: &SiteFile, keeper: Arc<dyn Keeper>) -> (Workshop, Vec<Call>) {
    let Order { calls, policy, advisories, equipment, .. } = order;
    let storage = site.storage_addresses().chain(policy.networks.nas.iter().copied());
    let surroundings = Surroundings {
        vms: site.vms_addresses().iter().chain(&policy.networks.vms).copied().collect(),
        nas: storage.collect(),
    };
    let shop = Workshop {
        open: equipment.open,
        dialects: equipment.dialects,
        patience: Patience::of(&policy),
        policy: Arc::new(policy),
        advisories: Arc::new(advisories),
        surroundings,
        keeper,
        rotates: Arc::new(ByHand),
        clock: Arc::new(SystemClock),
    };
    (shop, calls)
}

/// The devices that are looked at over the network; a camera that is judged by a file cannot be changed. Workstations
/// and storage are passed over.
fn changeable(calls: Vec<Call>) -> (Vec<Reached>, Vec<Failed>) {
    let (mut reached, mut failed) = (Vec::new(), Vec::new());
    for mut call in calls {
        match std::mem::replace(&mut call.way, Way::Storage) {
            Way::Live(target) => reached.push(Reached { target: *target, call }),
            Way::Export(_) => failed.push(Failed {
                device: call.name,
                why: "it is judged by a file, and only a camera on the network can be changed"
                    .to_owned(),
            }),
            Way::Workstation(_) | Way::Storage => {}
        }
    }
    (reached, failed)
}

fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Stop::Failed(format!("cannot start the runtime: {error}")))
}

fn unwritten(error: serde_json::Error) -> Stop {
    Stop::Failed(format!("cannot write the result: {error}"))
}

/// The path from the root, so that the plan finds its site file wherever `apply` is called.
fn whole(path: &Path) -> Result<PathBuf, Stop> {
    std::path::absolute(path).map_err(|error| Stop::Usage(format!("{}: {error}", path.display())))
}
