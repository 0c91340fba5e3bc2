//! What a command reads besides devices: policy, advisories, dialects, facts, passwords. A policy or advisory that is
//! wrong stops everything: judging without it would claim more than was seen.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proto::{Policy, Secret};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::console::Console;
use super::files::{self, ReadFault};
use super::rooms;
use super::stop::Stop;
use crate::device::mobotix::Dialects;
use crate::facts::Record;
use crate::firmware::Advisories;

/// The environment variable that may hold the password.
pub const PASSWORD_VARIABLE: &str = "PALISADE_PASSWORD";
/// A file with a password has at most this many bytes.
const MAX_PASSWORD_FILE: u64 = 4 << 10;
/// One advisory has at most this many bytes; large ones have a few hundred thousand.
const MAX_ADVISORY: u64 = 16 << 20;
/// So many advisories are read at most.
const MAX_ADVISORIES: usize = 5000;
/// Advisories are mirrored as `<label>/<year>/<name>.json`.
const MAX_DEPTH: usize = 4;

/// The policy in that file, or the default one.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn policy(path: Option<&Path>) -> Result<Policy, Stop> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let text = files::settings(path, "policy")?;
    Policy::from_toml(&text)
        .map_err(|error| Stop::Usage(format!("the policy {}: {error}", path.display())))
}

/// The built-in advisories and those of a directory.
///
/// # Errors
/// A directory or file that cannot be read or is wrong, or no advisory at all.
pub fn advisories(directory: Option<&Path>) -> Result<Advisories, Stop> {
    let mut advisories = rooms::builtin_advisories();
    let Some(directory) = directory else { return Ok(advisories) };
    let mut paths = Vec::new();
    collect_json(directory, MAX_DEPTH, &mut paths).map_err(|why| {
        Stop::Usage(format!("cannot read the advisories in {}: {why}", directory.display()))
    })?;
    if paths.is_empty() {
        let directory = directory.display();
        return Err(Stop::Usage(format!("there is no .json advisory in {directory}")));
    }
    paths.sort();
    for path in paths {
        let wrong = |why: &dyn std::fmt::Display| {
            let path = path.display();
            Stop::Usage(format!("the advisory {path}: {why}; mend it or take it away"))
        };
        let bytes = files::read(&path, MAX_ADVISORY).map_err(|fault| wrong(&fault))?;
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        rooms::load_advisory(&mut advisories, &name, &bytes).map_err(|why| wrong(&why))?;
    }
    Ok(advisories)
}

fn collect_json(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(directory).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        // What a mirror of advisories holds besides advisories.
        let is_index = path.file_name().is_some_and(|name| name == "provider-metadata.json");
        if path.is_dir() && depth > 1 {
            collect_json(&path, depth - 1, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") && !is_index {
            if found.len() == MAX_ADVISORIES {
                return Err(format!("there are more than {MAX_ADVISORIES}"));
            }
            found.push(path);
        }
    }
    Ok(())
}

/// The built-in dialects and those of these files.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn dialects(paths: &[PathBuf]) -> Result<Arc<Dialects>, Stop> {
    let mut dialects = Dialects::builtin();
    for path in paths {
        let text = files::settings(path, "dialect")?;
        dialects
            .add(&text)
            .map_err(|why| Stop::Usage(format!("the dialect {}: {why}", path.display())))?;
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
        return password_file(path, console);
    }
    if let Some(secret) = password_variable(PASSWORD_VARIABLE, console)? {
        return Ok(secret);
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

/// The password in an environment variable that is set to something.
///
/// # Errors
/// A value that is not text.
pub fn password_variable(name: &str, console: &Console<'_>) -> Result<Option<Secret>, Stop> {
    let Some(value) = console.set_variable(name) else { return Ok(None) };
    match value.into_string() {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(_) => Err(Stop::Usage(format!("the password in {name} is not UTF-8 text"))),
    }
}

/// The password in a file: its one line, without the line's end.
///
/// # Errors
/// A file that cannot be read, is empty, or holds more than one line.
pub fn password_file(path: &Path, console: &mut Console<'_>) -> Result<Secret, Stop> {
    let bad =
        |why: &str| Stop::Usage(format!("cannot use the password file {}: {why}", path.display()));
    let bytes = files::read(path, MAX_PASSWORD_FILE).map_err(|fault| bad(&fault.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("it is not UTF-8 text"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(bad("it is empty"));
    }
    if line.contains(char::is_control) {
        return Err(bad("it holds more than one line, or control characters"));
    }
    if files::is_open_to_others(path) {
        let path = path.display();
        console.note(&format!("other users may read {path}; chmod 600 {path} keeps them out"));
    }
    Ok(Secret::new(line))
}

/// The facts that an audit saved; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, is no file of facts, or is one of another version.
pub fn facts(path: &Path, console: &mut Console<'_>) -> Result<Record, Stop> {
    let bad = |why: String| Stop::Failed(format!("cannot judge {}: {why}", path.display()));
    let unread = |fault: ReadFault| bad(fault.to_string());
    if path == Path::new("-") {
        let bytes = files::read_stream(console.input, files::MAX_FACTS).map_err(unread)?;
        return record(|| Ok(&bytes[..])).map_err(bad);
    }
    record(|| files::open(path, files::MAX_FACTS).map(BufReader::new).map_err(|f| f.to_string()))
        .map_err(bad)
}

/// Reads a record from a stream that can be opened twice: the second time to tell a wrong version from nonsense.
fn record<R: std::io::Read>(open: impl Fn() -> Result<R, String>) -> Result<Record, String> {
    #[derive(Deserialize)]
    struct Head {
        palisade_facts: u32,
    }
    let known = Record::FORMAT;
    let other = |format: u32| {
        format!("its format is {format} and this agent reads {known}; use the agent that wrote it")
    };
    match serde_json::from_reader::<_, Record>(open()?) {
        Ok(record) if record.palisade_facts == known => Ok(record),
        Ok(record) => Err(other(record.palisade_facts)),
        Err(error) => match serde_json::from_reader::<_, Head>(open()?) {
            Ok(head) if head.palisade_facts != known => Err(other(head.palisade_facts)),
            Ok(_) => Err(format!("its facts are damaged: {error}")),
            Err(_) => Err(format!("it is no file that audit --save-facts wrote: {error}")),
        },
    }
}
