//! The doors to the other rooms, each a line long, so that the commands do not care how a room arranges itself.

use std::sync::Arc;

use proto::Measure;

use crate::device::mobotix::{Dialects, learn::learn, live::Camera};
use crate::device::{Address, Driver, Target};
use crate::firmware::Advisories;

pub use crate::report::{Format, SCHEMA, Style, write};

/// A measure explained for a person.
pub fn explain(measure: Measure) -> String {
    format!("{measure}: {}\n", measure.title())
}

/// A measure explained for a script.
pub fn explanation(measure: Measure) -> impl serde::Serialize {
    std::collections::BTreeMap::from([("measure", measure.code()), ("title", measure.title())])
}

/// Where a camera listens.
///
/// # Errors
/// What is wrong with the address.
pub fn address(text: &str) -> Result<Address, String> {
    crate::config::parse_address(text).map_err(|error| error.to_string())
}

/// The driver for a device on the network.
pub fn open(target: Target, dialects: Arc<Dialects>) -> Box<dyn Driver> {
    Box::new(Camera::new(target, dialects))
}

/// What is known about firmware without any file.
pub fn builtin_advisories() -> Advisories {
    Advisories::builtin()
}

/// The dialect entry that two exports tell.
///
/// # Errors
/// What is wrong, and what to do.
pub fn learn_dialect(
    before: &[u8],
    after: &[u8],
    setting: &str,
    key: Option<&str>,
) -> Result<String, String> {
    learn(before, after, setting, key)
}
