//! What a command reads besides devices: policy, advisories, dialects, facts, passwords. A policy or advisory that is
//! wrong stops everything: judging without it would claim more than was seen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proto::{Policy, Secret};
use serde::Deserialize;

use super::console::Console;
use super::files::{self, ReadFault};
use super::stop::Stop;
use crate::config::read as settings;
use crate::device::mobotix::Dialects;
use crate::facts::Record;
use crate::firmware::Advisories;

/// The environment variable that may hold the password.
const PASSWORD_VARIABLE: &str = "PALISADE_PASSWORD";

/// The policy in that file, or the default one.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn policy(path: Option<&Path>) -> Result<Policy, Stop> {
    path.map_or_else(|| Ok(Policy::default()), |path| settings::policy(path).map_err(usage))
}

/// The built-in advisories and those of a folder.
///
/// # Errors
/// A folder or file that cannot be read or is wrong, or no advisory at all.
pub fn advisories(folder: Option<&Path>, console: &mut Console<'_>) -> Result<Advisories, Stop> {
    let mut advisories = Advisories::builtin();
    let Some(folder) = folder else { return Ok(advisories) };
    let found = settings::advisories(folder, &mut advisories).map_err(usage)?;
    // A firmware that the unread advisory condemns would be judged current without it.
    if let Some(first) = found.refused.first() {
        let others = match found.refused.len() - 1 {
            0 => String::new(),
            more => format!("; {more} more cannot be used either"),
        };
        return Err(Stop::Usage(format!("{first}{others}")));
    }
    let shown = folder.display();
    match (found.used, found.passed_over) {
        (0, 0) => Err(Stop::Usage(format!("there is no .json advisory in {shown}"))),
        (0, _) => {
            console.note(&format!("no advisory in {shown} is about MOBOTIX camera firmware"));
            Ok(advisories)
        }
        _ => Ok(advisories),
    }
}

/// The built-in dialects and those of these files.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn dialects(paths: &[PathBuf]) -> Result<Arc<Dialects>, Stop> {
    let mut dialects = Dialects::builtin();
    for path in paths {
        let text = settings::settings("the dialect", path).map_err(usage)?;
        let wrong = |why| Stop::Usage(format!("reading the dialect {}: {why}", path.display()));
        dialects.add(&text).map_err(wrong)?;
    }
    Ok(Arc::new(dialects))
}

/// The password from that file, else from the environment, else from the person at the terminal.
///
/// # Errors
/// None of the three.
pub fn password(
    file: Option<&Path>,
    whose: &str,
    console: &mut Console<'_>,
) -> Result<Secret, Stop> {
    if let Some(path) = file {
        return settings::password_file(path).map_err(usage);
    }
    if let Some(value) = console.set_variable(PASSWORD_VARIABLE) {
        let odd = |_| Stop::Usage(format!("the password in {PASSWORD_VARIABLE} is not UTF-8"));
        return value.into_string().map(Secret::new).map_err(odd);
    }
    if !console.terminals.input {
        return Err(Stop::Usage(format!(
            "no password for {whose}, and no terminal to ask on: use --password-file FILE or set {PASSWORD_VARIABLE}"
        )));
    }
    let whose = proto::text::printable(whose, 100);
    let answer = (console.ask)(&format!("Password for {whose}: "))
        .map_err(|error| Stop::Usage(format!("cannot ask for the password of {whose}: {error}")))?;
    if answer.is_empty() {
        return Err(Stop::Usage(format!("the password for {whose} is empty")));
    }
    Ok(Secret::new(answer))
}

/// Whatever is wrong with a settings file is wrong with the request.
pub fn usage(error: impl std::fmt::Display) -> Stop {
    Stop::Usage(error.to_string())
}

/// The facts that an audit saved; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, is no file of facts, or is one of another version.
pub fn facts(path: &Path, console: &mut Console<'_>) -> Result<Record, Stop> {
    let bad = |why: String| Stop::Failed(format!("cannot judge {}: {why}", path.display()));
    let unread = |fault: ReadFault| bad(fault.to_string());
    let bytes = if path == Path::new("-") {
        files::read_stream(console.input, files::MAX_FACTS)
    } else {
        files::read(path, files::MAX_FACTS)
    };
    record(&bytes.map_err(unread)?).map_err(bad)
}

/// Reads a record; of one that cannot be read, the head alone tells a wrong version from nonsense. Everything in the
/// agent is read from bytes: each further kind of reader would be the whole reader of facts once more in the program,
/// and so in its memory.
fn record(bytes: &[u8]) -> Result<Record, String> {
    #[derive(Deserialize)]
    struct Head {
        palisade_facts: u32,
    }
    let known = Record::FORMAT;
    let other = |format: u32| {
        format!("its format is {format} and this agent reads {known}; use the agent that wrote it")
    };
    match serde_json::from_slice::<Record>(bytes) {
        Ok(record) if record.palisade_facts == known => Ok(record),
        Ok(record) => Err(other(record.palisade_facts)),
        Err(error) => match serde_json::from_slice::<Head>(bytes) {
            Ok(head) if head.palisade_facts != known => Err(other(head.palisade_facts)),
            Ok(_) => Err(format!("its facts are damaged: {error}")),
            Err(_) => Err(format!("it is no file that audit --save-facts wrote: {error}")),
        },
    }
}
