//! The settings in force as text: a settings file with the words, the default and the origin of every key, or JSON.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};
use toml::Value;

use super::overrides::{default_value, value_of};
use super::{Config, KEYS, Loaded, Origin};

impl Loaded {
    /// As a settings file that means the same, with what each key is, its default, and where its value came from.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for key in KEYS {
            if key.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = key.section;
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{gap}[{section}]");
            }
            let origin = match self.origin(key) {
                Origin::Default => "the default".to_owned(),
                Origin::File => format!("from the file; default {}", shown(default_value(key))),
                Origin::Variable => {
                    format!("from {}; default {}", key.variable(), shown(default_value(key)))
                }
            };
            let value = shown(value_of(&self.config, key));
            let _ = writeln!(text, "# {} ({origin})\n{} = {value}", key.words, key.name);
        }
        text
    }

    /// For scripts: each section's keys with value, default and origin.
    pub fn to_json(&self) -> Json {
        let mut sections = Map::new();
        for key in KEYS {
            let origin = match self.origin(key) {
                Origin::Default => "default",
                Origin::File => "file",
                Origin::Variable => "variable",
            };
            let row = json!({
                "value": value_of(&self.config, key),
                "default": default_value(key),
                "from": origin,
                "variable": key.variable(),
                "words": key.words,
            });
            let section = sections.entry(key.section).or_insert_with(|| json!({}));
            if let Json::Object(section) = section {
                section.insert(key.name.to_owned(), row);
            }
        }
        Json::Object(sections)
    }
}

impl Config {
    /// The file that `palisade init` writes: what was asked for, and every other key with its default as a comment.
    pub fn to_file(&self) -> String {
        let mut text = "# Settings of a Palisade controller. `palisade config check` prints those in force.\n\
                        # Each key can be overridden by an environment variable PALISADE_<SECTION>_<KEY>.\n"
            .to_owned();
        let mut section = "";
        for key in KEYS {
            if key.section != section {
                section = key.section;
                let _ = writeln!(text, "\n[{section}]");
            }
            let (value, default) = (value_of(self, key), default_value(key));
            let comment = if value == default && key.section != "server" { "# " } else { "" };
            let _ = writeln!(text, "# {}\n{comment}{} = {}", key.words, key.name, shown(value));
        }
        text
    }
}

/// A value as a settings file has it.
fn shown(value: Option<Value>) -> String {
    value.map_or_else(|| "unset".to_owned(), |value| value.to_string())
}
