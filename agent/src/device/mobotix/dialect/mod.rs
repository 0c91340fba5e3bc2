//! Dialects: what a firmware line calls a setting, as data. One TOML file per product line, each entry with how sure it
//! is; what is not known has no entry, so that nobody can read a guess as a fact.
//!
//! A file has `product` (needed only for a line that is not built in), `major` (the first number of the firmware,
//! which is the line), `sources`, `rights` (the access rights a whole file names), and per setting:
//!
//! ```toml
//! [settings.crawling]
//! section = "homepage"
//! key = "ROBOTS_TXT_MODE"
//! confidence = "observed"                                  # documented, observed or inferred
//! values.forbidden = { means = "forbidden", confidence = "observed" }
//! default = { value = "forbidden", confidence = "inferred" }   # what a missing key stands for
//! ```
//!
//! A setting whose value is put together has a `form`: `{network}` stands for an address or a network with its mask in a
//! rule (`form = "allow {network}"`), `{id}` for the id of a profile (`form = "{id}"`).

mod setting;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use setting::{SettingName, Shape, UnknownSetting};

use crate::facts::Confidence;
use crate::firmware::Version;

const BUILTIN: [&str; 3] = [
    include_str!("../dialects/p3.toml"),
    include_str!("../dialects/mx6.toml"),
    include_str!("../dialects/mobotix7.toml"),
];

/// The built-in dialects, and those a site brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialects(BTreeMap<u32, Dialect>);

/// What one product line calls its settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The line, such as `MOBOTIX P3`.
    #[serde(default)]
    pub product: String,
    /// The first number of its firmware versions.
    pub major: u32,
    /// Where the entries come from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The rights that a whole configuration names, such as `live_acl`. Empty: not known.
    #[serde(default)]
    pub rights: Vec<String>,
    /// The settings whose keys are known.
    #[serde(default)]
    pub settings: BTreeMap<SettingName, Key>,
}

/// Where a setting stands and what its values mean.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The section.
    pub section: String,
    /// The key, in its own case.
    pub key: String,
    /// How sure it is that this key is this setting.
    pub confidence: Confidence,
    /// What words mean, for settings that are words.
    #[serde(default)]
    pub values: BTreeMap<String, Word>,
    /// What a missing key stands for, where that is known.
    pub default: Option<FactoryDefault>,
    /// How a value that is put together is written, with `{network}` or `{id}` in it, as sure as the key.
    pub form: Option<String>,
}

/// What a word means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// One of the setting's meanings.
    pub means: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// The factory default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactoryDefault {
    /// As it would stand in a file.
    pub value: String,
    /// How sure that is.
    pub confidence: Confidence,
}

impl Dialects {
    /// The built-in dialects: P3, Mx6, MOBOTIX 7.
    pub fn builtin() -> Self {
        let mut dialects = Self(BTreeMap::new());
        for text in BUILTIN {
            dialects.add(text).expect("the built-in dialects are in order, as a test shows");
        }
        dialects
    }

    /// Adds a site's own dialect file; its entries go before ours. Words it does not explain keep our explanation if
    /// the key is the same.
    ///
    /// # Errors
    /// A message that says which line is wrong and why.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let dialect: Dialect = proto::text::parse_toml(text).map_err(|error| error.to_string())?;
        dialect.check()?;
        match self.0.get_mut(&dialect.major) {
            Some(known) => known.merge(dialect),
            None if dialect.product.trim().is_empty() => {
                let known: Vec<String> = self.0.keys().map(u32::to_string).collect();
                return Err(format!(
                    "major = {}: no such product line is built in (built in are {}), so the file must name it with \
                     `product`",
                    dialect.major,
                    known.join(", ")
                ));
            }
            None => {
                self.0.insert(dialect.major, dialect);
            }
        }
        Ok(())
    }

    /// The dialect of a firmware version, by its product line.
    pub fn for_version(&self, version: Version) -> Option<&Dialect> {
        let [major, ..] = version.numbers;
        self.0.get(&major)
    }

    /// The dialect of a product line, by its name.
    pub fn for_product(&self, product: &str) -> Option<&Dialect> {
        self.0.values().find(|dialect| dialect.product == product)
    }

    /// The product lines there are dialects for.
    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|dialect| dialect.product.as_str())
    }
}

impl Dialect {
    /// The key of a setting.
    ///
    /// # Errors
    /// Why there is none, as a clause for a person.
    pub fn key(&self, name: SettingName) -> Result<&Key, String> {
        self.settings.get(&name).ok_or_else(|| {
            format!(
                "the {} dialect does not know which key tells {}; teach it: palisade-agent learn BEFORE.cfg AFTER.cfg \
                 --setting {name}",
                self.product,
                name.topic()
            )
        })
    }

    fn merge(&mut self, other: Self) {
        if !other.product.trim().is_empty() {
            self.product = other.product;
        }
        self.sources.extend(other.sources);
        if !other.rights.is_empty() {
            self.rights = other.rights;
        }
        for (name, mut key) in other.settings {
            if let Some(ours) = self.settings.remove(&name).filter(|ours| ours.is_at(&key)) {
                for (word, meaning) in ours.values {
                    key.values.entry(word).or_insert(meaning);
                }
                key.default = key.default.or(ours.default);
                key.form = key.form.or(ours.form);
            }
            self.settings.insert(name, key);
        }
    }

    fn check(&self) -> Result<(), String> {
        for (name, key) in &self.settings {
            key.check(*name).map_err(|problem| format!("settings.{name}: {problem}"))?;
        }
        Ok(())
    }
}

impl Key {
    /// The key as people write it: `section/KEY`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.section, self.key)
    }

    /// The word that is written for a meaning, and how sure the key and the word are. Of several, the surest.
    pub fn word(&self, means: &str) -> Option<(&str, Confidence)> {
        let fit = self.values.iter().filter(|(_, word)| word.means == means);
        let (text, word) = fit.max_by_key(|(_, word)| word.confidence)?;
        Some((text, self.confidence.min(word.confidence)))
    }

    fn check_form(&self, name: SettingName) -> Result<(), String> {
        let Some(form) = &self.form else { return Ok(()) };
        let Some(place) = name.shape().place() else {
            return Err("its value is not put together, so `form` has no place here".to_owned());
        };
        let fine = |c: char| c.is_ascii_graphic() || c == ' ';
        let once =
            form.matches(place).count() == 1 && !form.replace(place, "").contains(['{', '}']);
        if once && form.len() <= 200 && form.chars().all(fine) && form.trim() == form {
            Ok(())
        } else {
            Err(format!("form = {form:?}: want plain text with {place} in it once"))
        }
    }

    fn is_at(&self, other: &Self) -> bool {
        self.section == other.section && self.key == other.key
    }

    fn check(&self, name: SettingName) -> Result<(), String> {
        for (what, text) in [("section", &self.section), ("key", &self.key)] {
            if !is_plain(text) {
                return Err(format!("{what} = {text:?} cannot stand in a configuration"));
            }
        }
        self.check_form(name)?;
        let meanings = name.meanings();
        if meanings.is_empty() && !self.values.is_empty() {
            return Err("its value is not a word, so `values` has no place here".to_owned());
        }
        for (word, meaning) in &self.values {
            if !meanings.contains(&meaning.means.as_str()) {
                return Err(format!(
                    "values.{word:?}: means = {:?}, which is none of {}",
                    meaning.means,
                    meanings.join(", ")
                ));
            }
        }
        match &self.default {
            Some(default) if !meanings.is_empty() && !self.values.contains_key(&default.value) => {
                Err(format!("default: values do not say what {:?} means", default.value))
            }
            Some(_) if matches!(name.shape(), Shape::List | Shape::Rights) => {
                Err("it has many values, so `default` has no place here".to_owned())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether text can be a section or key: printable, in one piece, and nothing that would end it.
pub(super) fn is_plain(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'"' | b'\\' | b'#');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(fine)
}
