//! `palisade-agent policy check`: whether a policy file is sound, and what it comes to.

use proto::{Measure, Policy};

use super::arguments::{PolicyCheck, PolicyCommand, PolicyFormat};
use super::console::Console;
use super::inputs;
use super::stop::{GOOD, Stop};
use crate::clock;

/// Checks a policy file and prints the policy in force.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn run(command: &PolicyCommand, console: &mut Console<'_>) -> Result<u8, Stop> {
    let PolicyCommand::Check(PolicyCheck { file, format }) = command;
    let policy = in_full(inputs::policy(Some(file))?);
    let now = clock::now();
    for waiver in policy.waivers.iter().filter(|waiver| waiver.expires.is_over(now)) {
        let (measure, expires) = (waiver.measure, waiver.expires);
        console.note(&format!("the waiver for {measure} ended with {expires}"));
    }
    let impossible = |why: String| Stop::Failed(format!("cannot print the policy: {why}"));
    let text = match format {
        PolicyFormat::Toml => {
            toml::to_string_pretty(&policy).map_err(|error| impossible(error.to_string()))?
        }
        PolicyFormat::Json => {
            serde_json::to_string_pretty(&policy).map_err(|error| impossible(error.to_string()))?
                + "\n"
        }
    };
    console.result(&text)?;
    Ok(GOOD)
}

/// The same policy with every stance written out.
fn in_full(mut policy: Policy) -> Policy {
    policy.stances = Measure::all().map(|measure| (measure, policy.stance(measure))).collect();
    policy
}
