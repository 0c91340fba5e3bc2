//! That unattended changes are halted, as it is listed: in JSON with device and reason, for people in a line below the
//! table that says what to do.

use proto::wire::halt::Halt;
use proto::wire::v1;
use proto::{DeviceName, Timestamp};
use serde::Serialize;

use crate::cli::console::Console;
use crate::cli::stop::Stop;
use crate::cli::words::nonsense;

/// A halt.
#[derive(Clone, Debug, Serialize)]
pub struct Halted {
    device: Option<DeviceName>,
    why: String,
    since: Timestamp,
}

impl Halted {
    /// What the controller sent.
    ///
    /// # Errors
    /// One that makes no sense.
    pub fn read(halt: Option<v1::Halt>) -> Result<Option<Self>, Stop> {
        let Some(halt) = halt else { return Ok(None) };
        let Halt { why, since, device } = halt.try_into().map_err(|_| nonsense("a halt"))?;
        Ok(Some(Self { device, why, since }))
    }

    /// In a row of details.
    pub fn words(&self) -> String {
        format!("since {}: {}", self.since, self.why)
    }
}

/// Says of each site that is halted what to do about it.
pub fn tell<'a>(
    halts: impl Iterator<Item = (&'a str, Option<&'a Halted>)>,
    console: &mut Console<'_>,
) {
    for (site, halted) in halts.filter_map(|(site, halt)| Some((site, halt?))) {
        console.note(&format!(
            "{site} changes nothing unattended {}; look, then palisade agent order resume {site}",
            halted.words()
        ));
    }
}
