//! The command line: what a person or a script asks of `palisade-agent`, and what it answers.
//!
//! Results go to standard output, everything else to standard error. It decides nothing about devices and accepts no
//! password as an argument, because a command line is public to every user of the machine.

mod arguments;
mod audit;
mod backup;
mod change;
mod console;
mod enroll;
mod files;
mod inputs;
mod judge;
mod learn;
mod order;
mod policy;
mod process;
mod progress;
mod reference;
mod rotate;
mod run;
mod status;
mod stop;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use arguments::{Arguments, Command};
use stop::Stop;

pub use console::{Console, Terminals};
pub use process::{ask_password, harden};
pub use stop::{BAD, FAILED, GOOD, USAGE};

/// Does what the command line asks for and gives the exit code: [`GOOD`], [`BAD`], [`FAILED`] or [`USAGE`].
pub fn run(arguments: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> u8 {
    let ended = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => perform(arguments.command, console),
        Err(error) => answer(&error, console),
    };
    ended.unwrap_or_else(|stop| {
        console.complain(&stop.to_string());
        stop.code()
    })
}

fn perform(command: Command, console: &mut Console<'_>) -> Result<u8, Stop> {
    match command {
        Command::Audit(arguments) => audit::run(*arguments, console),
        Command::Plan(arguments) => change::plan(&arguments, console),
        Command::Apply(arguments) => change::apply(&arguments, console),
        Command::Restore(arguments) => change::restore(&arguments, console),
        Command::Judge(arguments) => judge::run(&arguments, console),
        Command::Explain(arguments) => reference::explain(&arguments, console),
        Command::Measures(arguments) => reference::measures(&arguments, console),
        Command::Learn(arguments) => learn::run(&arguments, console),
        Command::Policy(arguments) => policy::run(&arguments, console),
        Command::Schema(arguments) => reference::schema(&arguments, console),
        Command::Enroll(arguments) => enroll::run(&arguments, console),
        Command::Rotate(arguments) => rotate::run(&arguments, console),
        Command::Run(arguments) => run::run(arguments, console),
        Command::Status(arguments) => status::run(&arguments, console),
        Command::Backup(command) => backup::run(&command, console),
        Command::Completions(arguments) => reference::completions(&arguments, console),
    }
}

/// Help and version are results; anything else that the parser says is a complaint.
fn answer(error: &clap::Error, console: &mut Console<'_>) -> Result<u8, Stop> {
    let styled = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let fancy = console.terminals.output && console.set_variable("NO_COLOR").is_none();
            let text = if fancy { styled.ansi().to_string() } else { styled.to_string() };
            console.result(&text)?;
            return Ok(GOOD);
        }
        _ => {}
    }
    if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
        && let Some(advice) = secret_advice(argument)
    {
        return Err(Stop::Usage(format!(
            "a secret is never an argument, because every user of this machine can read it: {advice}, or wait to be asked"
        )));
    }
    let text = styled.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    // Several lines (what was wrong, a tip, the usage), each of which is ours but for what was typed.
    let mut lines = text.trim_end().lines();
    console.complain(lines.next().unwrap_or("the command line makes no sense"));
    for line in lines {
        let _ = writeln!(console.errors, "{}", proto::text::printable(line, 400));
    }
    Ok(USAGE)
}

/// What to do in place of a secret on the command line, by the argument that somebody tried.
fn secret_advice(argument: &str) -> Option<&'static str> {
    if argument.starts_with("--pass") {
        return Some("use --password-file FILE, set PALISADE_PASSWORD");
    }
    let is_ticket = ["--token", "--ticket", "--secret"].iter().any(|it| argument.starts_with(it));
    is_ticket.then_some("use --token-file FILE, set PALISADE_TICKET")
}
