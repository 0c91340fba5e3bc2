//! `palisade-agent learn`: from two exported configurations to a dialect entry.

use std::path::Path;

use super::arguments::Learn;
use super::console::Console;
use super::files::{self, Place, Readers};
use super::stop::{GOOD, Stop};
use crate::device::mobotix::learn::learn;

/// Writes the dialect entry that two exports tell.
///
/// # Errors
/// Files that cannot be read, that tell nothing, or a place that cannot be written to.
pub fn run(arguments: &Learn, console: &mut Console<'_>) -> Result<u8, Stop> {
    let Learn { before, after, setting, key, output } = arguments;
    let place = output.as_deref().map(Place::check).transpose()?;
    for input in [before, after] {
        if place.as_ref().is_some_and(|place| place.is(input)) {
            return Err(Stop::Usage("the output would replace one of the inputs".to_owned()));
        }
    }
    let (before, after) = (configuration(before)?, configuration(after)?);
    let dialect =
        learn(&before, &after, setting.as_deref(), key.as_deref()).map_err(Stop::Failed)?;
    match place {
        Some(place) => {
            place.write(Readers::AsUsual, |file| file.write_all(dialect.as_bytes()))?;
            let name = output.as_deref().unwrap_or(Path::new("FILE")).display();
            console.note(&format!("use it with --dialect {name}, or name it in the site file"));
        }
        None => console.result(&dialect)?,
    }
    Ok(GOOD)
}

fn configuration(path: &Path) -> Result<Vec<u8>, Stop> {
    files::read(path, files::MAX_CONFIGURATION)
        .map_err(|fault| Stop::Failed(format!("cannot read {}: {fault}", path.display())))
}
