//! `palisade-agent audit`: looks at devices, saves what was seen if asked to, and delivers the report.

use std::path::{Path, PathBuf};

use super::arguments::Audit;
use super::console::Console;
use super::files::{self, Place, Readers};
use super::judge::{Delivery, deliver};
use super::order::{self, Order};
use super::progress::Progress;
use super::stop::Stop;
use crate::facts::{Observation, Record};
use crate::visit;

/// So many pins are written out in a note; a JSON report holds them all.
const MAX_PINS: usize = 1000;
/// Threads for what blocks. More would not be faster, since no more configurations are read at once, and each that
/// the allocator comes to know costs megabytes.
const BLOCKING_THREADS: usize = 2;

/// Looks at devices and delivers the report.
///
/// # Errors
/// A request that is wrong, or a result that cannot be written. A device that fails is part of the report.
pub fn run(arguments: Audit, console: &mut Console<'_>) -> Result<u8, Stop> {
    let report_place = arguments.printing.output.as_deref().map(Place::check).transpose()?;
    let facts_place = arguments.save_facts.as_deref().map(Place::check).transpose()?;
    refuse_overwriting(&arguments, [&report_place, &facts_place])?;
    let Order { site, single, calls, unpinned, policy, advisories, equipment } =
        order::take(&arguments, console)?;

    let mut progress = Progress::new(calls.len(), console.terminals);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Stop::Failed(format!("cannot start the runtime: {error}")))?;
    let observations =
        runtime.block_on(visit::visit_all(calls, &equipment, |seen| progress.step(seen)));
    // What is still stuck in a system call had its time, and must not keep the report waiting.
    runtime.shutdown_background();
    progress.finish();

    let record = Record {
        palisade_facts: Record::FORMAT,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        site,
        single,
        observations,
    };
    if let Some(place) = facts_place {
        save(&record, &place, console)?;
    }
    tell_pins(
        record.observations.iter().filter(|seen| unpinned.contains(&seen.device.name)),
        single,
        console,
    );
    let delivery = Delivery { printing: &arguments.printing, place: report_place };
    deliver(&record, &policy, &advisories, &delivery, console)
}

/// A report or facts that replace what the audit reads are a typing error.
fn refuse_overwriting(arguments: &Audit, places: [&Option<Place>; 2]) -> Result<(), Stop> {
    let target = arguments.target.as_ref().map(PathBuf::from);
    let read =
        [&target, &arguments.inventory, &arguments.password_file, &arguments.yardstick.policy];
    let read = read.into_iter().flatten().chain(&arguments.dialect);
    let saved = arguments.save_facts.iter();
    for path in read.clone() {
        if places.into_iter().flatten().any(|place| place.is(path)) {
            let path = path.display();
            return Err(Stop::Usage(format!("the output would replace {path}, which is an input")));
        }
    }
    let [report, _] = places;
    if saved
        .into_iter()
        .any(|facts: &PathBuf| report.as_ref().is_some_and(|place| place.is(Path::new(facts))))
    {
        return Err(Stop::Usage("--output and --save-facts name the same file".to_owned()));
    }
    Ok(())
}

fn save(record: &Record, place: &Place, console: &mut Console<'_>) -> Result<(), Stop> {
    let size = place.write(Readers::OwnerOnly, |file| {
        serde_json::to_writer(&mut *file, record)?;
        file.write_all(b"\n")
    })?;
    if size > files::MAX_FACTS {
        let most = files::MAX_FACTS >> 20;
        console.note(&format!(
            "the saved facts are larger than the {most} MiB that judge reads; audit fewer devices at a time with --only"
        ));
    }
    Ok(())
}

/// Trust on first sight is only worth something if the next look is held to it.
pub(super) fn tell_pins<'a>(
    seen: impl Iterator<Item = &'a Observation>,
    single: bool,
    console: &mut Console<'_>,
) {
    // Over http:// nothing can be held to the certificate that the HTTPS port was seen with.
    let encrypted = seen.filter(|seen| seen.device.address.starts_with("https://"));
    let pins = encrypted.filter_map(|seen| Some((&seen.device.name, seen.device.pin.as_ref()?)));
    for (name, pin) in pins.take(MAX_PINS) {
        if single {
            console.note(&format!(
                "its certificate was taken on trust; if it is the right camera, hold it to it next time with --pin {pin}"
            ));
        } else {
            console.note(&format!(
                "{name}: its certificate was taken on trust; to hold it to it, write in the site file: pin = \"{pin}\""
            ));
        }
    }
}
