//! Where secrets come from: a file that only its owner reads, the environment, or the person at the terminal.

use std::path::Path;

use proto::Secret;

use super::console::Console;
use super::files;
use super::stop::Stop;

/// The environment variable that may hold the root's passphrase.
pub const PASSPHRASE: &str = "PALISADE_PASSPHRASE";
/// The environment variable that may hold a one-time code.
pub const CODE: &str = "PALISADE_CODE";
/// A passphrase has at least so many characters.
const LEAST: usize = 12;

/// The passphrase of a root's key that is about to be made; a person is asked twice.
///
/// # Errors
/// None of the three sources, or one that is too short.
pub fn new_passphrase(file: Option<&Path>, console: &mut Console<'_>) -> Result<Secret, Stop> {
    let given = stored("the passphrase file", file, PASSPHRASE, console)?;
    let secret = match given {
        Some(secret) => secret,
        None => {
            let how = format!("use --passphrase-file FILE or set {PASSPHRASE}");
            let secret = asked("the passphrase of the root's key", &how, console)?;
            if asked("the passphrase again", &how, console)?.expose() != secret.expose() {
                return Err(Stop::Usage("the two passphrases differ; nothing was made".to_owned()));
            }
            secret
        }
    };
    if secret.expose().chars().count() < LEAST {
        return Err(Stop::Usage(format!(
            "the passphrase is shorter than {LEAST} characters; it protects the root of all trust"
        )));
    }
    Ok(secret)
}

/// The passphrase of a root's key that is there.
///
/// # Errors
/// None of the three sources.
pub fn passphrase(file: Option<&Path>, console: &mut Console<'_>) -> Result<Secret, Stop> {
    match stored("the passphrase file", file, PASSPHRASE, console)? {
        Some(secret) => Ok(secret),
        None => {
            let how = format!("use --passphrase-file FILE or set {PASSPHRASE}");
            asked("the passphrase of the root's key", &how, console)
        }
    }
}

/// A one-time code.
///
/// # Errors
/// None of the three sources.
pub fn code(file: Option<&Path>, console: &mut Console<'_>) -> Result<Secret, Stop> {
    match stored("the code file", file, CODE, console)? {
        Some(secret) => Ok(secret),
        None => asked("the one-time code", &format!("use --code-file FILE or set {CODE}"), console),
    }
}

fn stored(
    what: &str,
    file: Option<&Path>,
    variable: &str,
    console: &mut Console<'_>,
) -> Result<Option<Secret>, Stop> {
    if let Some(path) = file {
        return files::secret(what, path, console).map(Some);
    }
    let Some(value) = console.variable(variable) else { return Ok(None) };
    let odd = |_| Stop::Usage(format!("what is in {variable} is not UTF-8"));
    value.into_string().map(|text| Some(Secret::new(text))).map_err(odd)
}

fn asked(what: &str, how: &str, console: &mut Console<'_>) -> Result<Secret, Stop> {
    if !console.terminals.input {
        return Err(Stop::Usage(format!(
            "{what} is needed, and there is no terminal to ask on: {how}"
        )));
    }
    let answer = (console.ask)(&format!("palisade: {what}: "))
        .map_err(|error| Stop::Usage(format!("cannot ask for {what}: {error}")))?;
    let secret = Secret::new(answer);
    if secret.expose().is_empty() {
        Err(Stop::Usage(format!("{what} is empty")))
    } else {
        Ok(secret)
    }
}
