//! Looks settings up by the dialect, and notes what it saw as evidence.

use std::borrow::Cow;

use crate::device::mobotix::config::{decode, redact, text};
use crate::device::mobotix::dialect::{Dialect, Key, SettingName, Shape};
use crate::device::mobotix::model::Configuration;
use crate::facts::{Confidence, EvidenceBook, Fact, Setting};

/// Why a value could not be read, as a clause for a person.
pub type Reason = String;

/// A configuration, its dialect, and the evidence that gathers while both are read.
pub struct Reader<'r, 'a> {
    pub configuration: &'r Configuration<'a>,
    pub dialect: &'r Dialect,
    pub evidence: EvidenceBook,
}

/// A setting as it stands, with what the dialect knows about it.
pub struct Reading<'r, 'a> {
    name: SettingName,
    key: &'r Key,
    /// The line, or none for a factory default.
    line: Option<usize>,
    pub value: Cow<'a, str>,
    /// Of the key and, where it is used, the default.
    pub confidence: Confidence,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub fn new(configuration: &'r Configuration<'a>, dialect: &'r Dialect) -> Self {
        Self { configuration, dialect, evidence: EvidenceBook::default() }
    }

    /// Reads a setting that stands once.
    pub fn read(&mut self, name: SettingName) -> Result<Reading<'r, 'a>, Reason> {
        let (configuration, key) = (self.configuration, self.dialect.key(name)?);
        let mut entries = configuration.all(&key.section, &key.key);
        let Some(entry) = entries.next() else { return self.missing(name, key) };
        self.note_entry(name, entry.line);
        if let Some(other) = entries.find(|other| other.value != entry.value) {
            self.note_entry(name, other.line);
            return Err(format!(
                "{} stands twice with different values, in lines {} and {}, and which one counts is not known",
                key.path(),
                entry.line,
                other.line
            ));
        }
        let confidence = key.confidence;
        Ok(Reading { name, key, line: Some(entry.line), value: text(entry.value), confidence })
    }

    /// Reads every value of a setting that repeats; no line is no value only if some line of its section is there.
    pub fn read_all(&mut self, name: SettingName) -> Result<Setting<Vec<String>>, Reason> {
        let (configuration, key) = (self.configuration, self.dialect.key(name)?);
        if !configuration.has_section(&key.section) {
            return Err(format!("section {} is missing from the file", key.section));
        }
        let mut value = Vec::new();
        for entry in configuration.all(&key.section, &key.key) {
            self.note_entry(name, entry.line);
            value.push(proto::text::printable(&decode(entry.value), EvidenceBook::MAX_TEXT));
        }
        Ok(Setting { value, confidence: key.confidence })
    }

    /// What a missing key tells: its factory default if that is known and the file is whole, else nothing.
    fn missing(&mut self, name: SettingName, key: &'r Key) -> Result<Reading<'r, 'a>, Reason> {
        let (path, product) = (key.path(), &self.dialect.product);
        if !self.configuration.is_whole() {
            return Err(format!(
                "{path} is missing from the file, and as the file is not whole (line 2 and section timestamp should \
                 name the same firmware) that proves nothing; export it again"
            ));
        }
        let Some(default) = &key.default else {
            return Err(format!(
                "{path} is missing from the file, which means factory default, and the default of {product} is not \
                 known; set it once in the camera's page, or learn it (palisade-agent learn BEFORE.cfg AFTER.cfg \
                 --setting {name})"
            ));
        };
        let note = format!("{path} is missing, which means factory default: {}", default.value);
        self.evidence.note(name.fact(), format!("{product} dialect"), &note);
        let confidence = key.confidence.min(default.confidence);
        Ok(Reading { name, key, line: None, value: Cow::Owned(default.value.clone()), confidence })
    }

    /// Reads a switch.
    pub fn switch(&mut self, name: SettingName) -> Result<Setting<bool>, Reason> {
        let meaning = self.read(name)?.meaning()?;
        Ok(Setting { value: meaning.value == "on", confidence: meaning.confidence })
    }

    /// Reads a number; an empty value is an error.
    pub fn number(&mut self, name: SettingName) -> Result<Setting<u32>, Reason> {
        let reading = self.read(name)?;
        let value = reading.value.parse().map_err(|_| reading.odd("is no whole number"))?;
        Ok(Setting { value, confidence: reading.confidence })
    }

    /// Notes a line as evidence for a fact.
    pub fn note_line(&mut self, fact: &str, line: usize) {
        let text = self.configuration.document().line(line).map(redact).unwrap_or_default();
        self.evidence.note(fact, source(line), &text);
    }

    /// Notes the line of a setting. If it is a secret by what the dialect says, its value stays out whatever it is called.
    fn note_entry(&mut self, name: SettingName, line: usize) {
        let Some(text) = self.configuration.document().line(line).map(redact) else { return };
        let text = match (name.shape(), text.split_once('=')) {
            (Shape::Secret, Some((key, value))) if !is_empty(value) => format!("{key}=[redacted]"),
            _ => text,
        };
        self.evidence.note(name.fact(), source(line), &text);
    }
}

impl<'r> Reading<'r, '_> {
    /// What the word means, as sure as the weakest of key, default and word.
    pub fn meaning(&self) -> Result<Setting<&'r str>, Reason> {
        let word = self.key.values.get(self.value.as_ref());
        let word = word.ok_or_else(|| self.odd("has a value that the dialect does not know"))?;
        Ok(Setting { value: word.means.as_str(), confidence: self.confidence.min(word.confidence) })
    }

    /// How the dialect says the value is put together.
    pub fn form(&self) -> Option<&str> {
        self.key.form.as_deref()
    }

    /// Whether the value is empty, quoted or not.
    pub fn is_empty(&self) -> bool {
        is_empty(&self.value)
    }

    /// Says where the setting stands and what is odd about it; never its value.
    pub fn odd(&self, what: &str) -> Reason {
        let place = self.line.map_or(String::new(), |line| format!(" in line {line}"));
        format!("{}{place} {what} (setting {})", self.key.path(), self.name)
    }
}

/// A fact from what was read.
pub fn fact<T>(result: Result<T, Reason>) -> Fact<T> {
    result.map_or_else(Fact::Unreadable, Fact::Seen)
}

fn is_empty(value: &str) -> bool {
    matches!(value.trim(), "" | "\"\"")
}

fn source(line: usize) -> String {
    format!("configuration line {line}")
}
