//! What the program can tell without looking at anything: the measures, the schema, the shell completions.

use std::fmt::Write;

use clap::CommandFactory;
use proto::{Measure, Proof};
use serde::Serialize;

use super::arguments::{Arguments, Completions, Explain, Measures, SchemaCommand, TextFormat};
use super::console::Console;
use super::stop::{GOOD, Stop};
use crate::{measures, report};

/// Explains one measure, or all of them.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn explain(arguments: &Explain, console: &mut Console<'_>) -> Result<u8, Stop> {
    let text = match (arguments.measure, arguments.format) {
        (Some(measure), TextFormat::Text) => measures::explain(measure),
        (Some(measure), TextFormat::Json) => json(&measures::explanation(measure))?,
        (None, TextFormat::Text) => {
            Measure::all().map(measures::explain).collect::<Vec<_>>().join("\n")
        }
        (None, TextFormat::Json) => {
            json(&Measure::all().map(measures::explanation).collect::<Vec<_>>())?
        }
    };
    console.result(&text)?;
    Ok(GOOD)
}

/// One row of the list of measures.
#[derive(Serialize)]
struct Row {
    measure: Measure,
    chapter: &'static str,
    title: &'static str,
    proof: Proof,
}

/// Lists the 32 measures.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn measures(arguments: &Measures, console: &mut Console<'_>) -> Result<u8, Stop> {
    let rows = Measure::all().map(|measure| Row {
        measure,
        chapter: measure.chapter(),
        title: measure.title(),
        proof: measure.proof(),
    });
    let text = match arguments.format {
        TextFormat::Json => json(&rows.collect::<Vec<_>>())?,
        TextFormat::Text => {
            rows.fold(String::new(), |mut text, Row { measure, title, proof, .. }| {
                let proof = match proof {
                    Proof::Observed => "observed",
                    Proof::Partial => "partial",
                    Proof::Attested => "attested",
                };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{measure}  {proof:8}  {title}");
                text
            })
        }
    };
    console.result(&text)?;
    Ok(GOOD)
}

/// Prints a JSON Schema.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn schema(command: &SchemaCommand, console: &mut Console<'_>) -> Result<u8, Stop> {
    match command {
        SchemaCommand::Report => console.result(report::SCHEMA)?,
    }
    Ok(GOOD)
}

/// Prints a completion script.
///
/// # Errors
/// Standard output that cannot be written to.
pub fn completions(arguments: &Completions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "palisade-agent",
        &mut script,
    );
    console.result(&String::from_utf8_lossy(&script))?;
    Ok(GOOD)
}

fn json(value: &impl Serialize) -> Result<String, Stop> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Stop::Failed(format!("cannot write JSON: {error}")))
}
