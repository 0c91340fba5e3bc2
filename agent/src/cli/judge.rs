//! `palisade-agent judge`: judges facts that an audit saved, and delivers reports for both.

use std::io::Write;

use super::arguments::{Color, Judge, Printing};
use super::console::Console;
use super::files::{Place, Readers};
use super::inputs;
use super::stop::{BAD, FAILED, GOOD, Stop};
use crate::facts::Record;
use crate::firmware::Advisories;
use crate::report::{self, Exit, Format, Report, Style, UnknownIs};

/// Judges facts that an audit saved.
///
/// # Errors
/// Files that cannot be read or are wrong, or a place that cannot be written to.
pub fn run(arguments: &Judge, console: &mut Console<'_>) -> Result<u8, Stop> {
    let Judge { facts, yardstick, printing } = arguments;
    let place = printing.output.as_deref().map(Place::check).transpose()?;
    if place.as_ref().is_some_and(|place| place.is(facts)) {
        return Err(Stop::Usage("the report would replace the facts".to_owned()));
    }
    let policy = inputs::policy(yardstick.policy.as_deref())?;
    let advisories = inputs::advisories(yardstick.advisories.as_deref(), console)?;
    let record = inputs::facts(facts, console)?;
    deliver(&record, &policy, &advisories, &Delivery { printing, place }, console)
}

/// Where a report goes, and how.
pub struct Delivery<'a> {
    /// What was asked for.
    pub printing: &'a Printing,
    /// The file it goes to; without one, standard output.
    pub place: Option<Place>,
}

/// Judges a record and delivers the report; gives the exit code it stands for.
///
/// # Errors
/// A report that cannot be written.
pub fn deliver(
    record: &Record,
    policy: &proto::Policy,
    advisories: &Advisories,
    delivery: &Delivery<'_>,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let Delivery { printing, place } = delivery;
    let report = report::report(record, policy, advisories);
    let style = style(printing, console);
    let write = |out: &mut dyn Write| report::write(&report, printing.format, &style, out);
    match place {
        Some(place) => {
            place.write(Readers::AsUsual, write)?;
        }
        None => console.stream(write)?,
    }
    tell_failures(&report, delivery, console);
    let unknown = if printing.unknown_ok { UnknownIs::Tolerated } else { UnknownIs::Bad };
    Ok(match report.exit(unknown) {
        Exit::Good => GOOD,
        Exit::Bad => BAD,
        Exit::Failed => FAILED,
    })
}

/// Says which devices could not be audited, unless the person has just read it in the table.
fn tell_failures(report: &Report, delivery: &Delivery<'_>, console: &mut Console<'_>) {
    let on_screen = delivery.place.is_none() && console.terminals.output;
    if on_screen && delivery.printing.format == Format::Table {
        return;
    }
    for device in &report.devices {
        if let Some(failure) = &device.failure {
            console.complain(&format!("{}: {}", device.device.name, failure.message));
        }
    }
}

/// How the table is laid out: coloured and as wide as the terminal, where it goes to one.
pub(super) fn style(printing: &Printing, console: &Console<'_>) -> Style {
    let to_terminal = printing.output.is_none() && console.terminals.output;
    let plain = console.set_variable("NO_COLOR").is_some()
        || console.set_variable("TERM").is_some_and(|terminal| terminal == "dumb");
    let colour = match printing.color {
        Color::Auto => to_terminal && !plain,
        Color::Always => true,
        Color::Never => false,
    };
    let width = console.terminals.width.filter(|_| to_terminal);
    Style { width: width.unwrap_or(Style::default().width), colour, verbose: printing.verbose }
}
