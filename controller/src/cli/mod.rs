//! The command line: what a person or a script asks of `palisade`, and what it answers.
//!
//! Results go to standard output, everything else to standard error. It decides nothing about sites and accepts no
//! secret as an argument, because a command line is public to every user of the machine.

mod agent;
mod arguments;
mod audit;
mod authority;
mod backup;
mod console;
mod device;
mod device_backups;
mod escrow;
mod events;
mod files;
mod finding;
mod findings;
mod home;
mod init;
mod login;
mod operator;
mod plan;
mod policy;
mod process;
mod progress;
mod recovery;
mod reference;
mod restore;
mod rotation;
mod secrets;
mod serve;
mod session;
mod settings;
mod site;
mod stop;
mod table;
#[cfg(test)]
mod tests;
mod ticket;
mod token;
mod vouch;
mod words;

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use arguments::{Arguments, Command};
use stop::Stop;

pub use console::{Console, Terminals};
pub use process::{ask_secret, harden};
pub use stop::{BAD, FAILED, GOOD, INTERRUPTED, USAGE};

/// Does what the command line asks for and gives the exit code: [`GOOD`], [`BAD`], [`FAILED`], [`USAGE`] or
/// [`INTERRUPTED`].
pub fn run(arguments: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> u8 {
    let ended = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => perform(&arguments, console),
        Err(error) => answer(&error, console),
    };
    ended.unwrap_or_else(|stop| {
        if stop != Stop::Interrupted {
            console.complain(&stop.to_string());
        }
        stop.code()
    })
}

fn perform(arguments: &Arguments, console: &mut Console<'_>) -> Result<u8, Stop> {
    let connection = &arguments.connection;
    match &arguments.command {
        Command::Init(init) => init::run(init, console),
        Command::Serve(serve) => serve::run(serve, console),
        Command::Config(command) => settings::run(command, console),
        Command::Login(login) => login::login(login, connection, console),
        Command::Logout => login::logout(connection, console),
        Command::Whoami(whoami) => login::whoami(whoami, connection, console),
        Command::Site(command) => site::run(command, connection, console),
        Command::Token(command) => token::run(command, connection, console),
        Command::Agent(command) => agent::run(command, connection, console),
        Command::Device(command) => device::run(command, connection, console),
        Command::Findings(findings) => findings::run(findings, connection, console),
        Command::Events(events) => events::run(events, connection, console),
        Command::Plan(plan) => plan::run(plan, connection, console),
        Command::Plans(plans) => plan::list(plans, connection, console),
        Command::Apply(apply) => plan::apply(apply, connection, console),
        Command::Rotate(rotate) => rotation::rotate(rotate, connection, console),
        Command::Rotations(rotations) => rotation::list(rotations, connection, console),
        Command::Policy(command) => policy::run(command, connection, console),
        Command::Attest(attest) => vouch::attest(attest, connection, console),
        Command::Waive(waive) => vouch::waive(waive, connection, console),
        Command::Vouches(vouches) => vouch::list(vouches, connection, console),
        Command::Withdraw(withdraw) => vouch::withdraw(withdraw, connection, console),
        Command::Operator(command) => operator::run(command, connection, console),
        Command::Audit(command) => audit::run(command, connection, console),
        Command::Authority(command) => authority::run(command, connection, console),
        Command::Recovery(command) => recovery::run(command, connection, console),
        Command::Secret(command) => escrow::run(command, connection, console),
        Command::Backup(backup) => backup::run(backup, connection, console),
        Command::Restore(restore) => restore::run(restore, console),
        Command::Completions(completions) => reference::completions(completions, console),
    }
}

/// Help and version are results; anything else that the parser says is a complaint.
fn answer(error: &clap::Error, console: &mut Console<'_>) -> Result<u8, Stop> {
    let styled = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let fancy = console.terminals.output && console.variable("NO_COLOR").is_none();
        let text = if fancy { styled.ansi().to_string() } else { styled.to_string() };
        console.result(&format!("{}\n", text.trim_end()))?;
        return Ok(GOOD);
    }
    if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
        && ["--pass", "--code", "--token", "--secret"].iter().any(|it| argument.starts_with(it))
        && error.kind() == ErrorKind::UnknownArgument
    {
        return Err(Stop::Usage(
            "a secret is never an argument, because every user of this machine can read it: name a file \
             (--passphrase-file, --code-file, --token-file; - for standard input), or wait to be asked"
                .to_owned(),
        ));
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
