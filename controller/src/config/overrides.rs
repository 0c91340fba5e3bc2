//! From a file's text and the environment to settings: the file first, then each variable in its place, then the
//! ranges. A variable that looks like a setting and is none is an error, like an unknown key in the file.

use std::collections::BTreeMap;
use std::path::Path;

use proto::text::{TomlError, parse_toml, printable};
use toml::{Table, Value};

use super::{Config, KEYS, Key};

/// What every variable begins with.
pub const PREFIX: &str = "PALISADE_";

/// Why the settings were refused. The message says which key, what was wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file itself.
    #[error("{0}")]
    File(TomlError),
    /// A variable that no key goes by.
    #[error("the variable {name} overrides no setting; did you mean {nearest}?")]
    UnknownVariable {
        /// As it is set.
        name: String,
        /// The nearest that there is.
        nearest: String,
    },
    /// A variable whose value does not fit.
    #[error("the variable {name}: {why}")]
    Variable {
        /// As it is set.
        name: String,
        /// What is wrong with its value.
        why: String,
    },
    /// A value that is out of its range.
    #[error("{key}{origin}: {why}")]
    Range {
        /// Section and name.
        key: &'static str,
        /// Where the value came from, in brackets, or nothing.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// The file.
    File,
    /// An environment variable.
    Variable,
}

/// Settings in force, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings, checked.
    pub config: Config,
    written: Table,
    overridden: Vec<Key>,
}

impl Loaded {
    /// Reads settings: `text` is the file, `folder` the absolute folder it stands in, `variables` everything in the
    /// environment that begins with [`PREFIX`]. A variable that is set to nothing counts as not set.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(
        text: &str,
        folder: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        // Alone first, so that what is wrong in the file is told with its line.
        parse_toml::<Config>(text).map_err(ConfigError::File)?;
        let written: Table = parse_toml(text).map_err(ConfigError::File)?;
        let mut table = written.clone();
        let mut overridden = Vec::new();
        for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(key) = named(name)? else { continue };
            put(&mut table, key, value);
            let bad = |why: &TomlError| ConfigError::Variable {
                name: name.clone(),
                why: without_place(&why.to_string()),
            };
            parse_toml::<Config>(&table.to_string()).map_err(|why| bad(&why))?;
            overridden.push(*key);
        }
        let config: Config = parse_toml(&table.to_string()).map_err(ConfigError::File)?;
        let config = config.based_on(folder);
        config.check().map_err(|(key, why)| {
            let from = overridden.iter().find(|it| format!("{}.{}", it.section, it.name) == key);
            let origin = from.map_or(String::new(), |it| format!(" (from {})", it.variable()));
            ConfigError::Range { key, origin, why }
        })?;
        Ok(Self { config, written, overridden })
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &Key) -> Origin {
        let is_written = self
            .written
            .get(key.section)
            .and_then(Value::as_table)
            .is_some_and(|section| section.contains_key(key.name));
        match (self.overridden.contains(key), is_written) {
            (true, _) => Origin::Variable,
            (false, true) => Origin::File,
            (false, false) => Origin::Default,
        }
    }
}

/// The key that a variable overrides; none for a variable that is about something else.
fn named(variable: &str) -> Result<Option<&'static Key>, ConfigError> {
    if let Some(key) = KEYS.iter().find(|key| key.variable() == variable) {
        return Ok(Some(key));
    }
    let Some((distance, nearest)) = KEYS
        .iter()
        .map(|key| (strsim::damerau_levenshtein(variable, &key.variable()), key))
        .min_by_key(|(distance, _)| *distance)
    else {
        return Ok(None);
    };
    let is_of_a_section = KEYS.iter().any(|key| {
        let section = format!("{PREFIX}{}_", key.section).to_uppercase();
        variable.starts_with(&section)
    });
    if is_of_a_section || distance <= 2 {
        let name = printable(variable, 80);
        return Err(ConfigError::UnknownVariable { name, nearest: nearest.variable() });
    }
    Ok(None)
}

/// Puts a variable's text in a key's place, as what the key's default is: a text, a number or a list.
fn put(table: &mut Table, key: &Key, text: &str) {
    let value = match default_value(key) {
        Some(Value::Integer(_)) => text.trim().parse().map_or_else(
            // Left as text, so that the error says that a number was wanted.
            |_| Value::String(text.to_owned()),
            Value::Integer,
        ),
        Some(Value::Array(_)) => Value::Array(
            text.split(',').map(|part| Value::String(part.trim().to_owned())).collect(),
        ),
        Some(_) | None => Value::String(text.to_owned()),
    };
    let section = table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.name.to_owned(), value);
    }
}

/// What a key is when nobody says anything.
pub(super) fn default_value(key: &Key) -> Option<Value> {
    value_of(&Config::default(), key)
}

/// What a key is in these settings.
pub(super) fn value_of(config: &Config, key: &Key) -> Option<Value> {
    Table::try_from(config).ok()?.get(key.section)?.get(key.name).cloned()
}

/// A variable has no lines, so the line of the text it was put in means nothing.
fn without_place(message: &str) -> String {
    match message.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest.to_owned(),
        _ => message.to_owned(),
    }
}
