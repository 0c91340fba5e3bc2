//! Notes the lines of one change while it looks settings up by the dialect, and how sure they are.

use std::borrow::Cow;

use crate::change::{LineEdit, Shows, Takes, Untranslated};
use crate::device::mobotix::config::{Document, Entry, redact, text};
use crate::device::mobotix::dialect::{Dialect, Key, SettingName};
use crate::device::mobotix::model::Configuration;
use crate::facts::Confidence;

/// One line, before and after; as it is, secrets included.
#[derive(Clone, PartialEq, Eq)]
pub struct RawEdit {
    pub section: String,
    /// The line's number before, from 1; none for a line that is new.
    pub at: Option<usize>,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
}

/// What a change writes, gathered.
pub struct Pen<'p, 'a> {
    pub configuration: &'p Configuration<'a>,
    pub dialect: &'p Dialect,
    edits: Vec<RawEdit>,
    takes: Takes,
    shows: Shows,
    /// The first setting whose key, word or form is only inferred.
    inferred: Option<SettingName>,
}

impl RawEdit {
    /// As it may be shown.
    pub fn shown(&self) -> LineEdit {
        let shown = |line: &Option<Vec<u8>>| line.as_deref().map(redact);
        LineEdit {
            section: self.section.clone(),
            before: shown(&self.before),
            after: shown(&self.after),
        }
    }

    /// What its digest is over: every part with its length, so that no two edits look alike.
    pub fn digest_input(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [Some(self.section.as_bytes()), self.before.as_deref(), self.after.as_deref()] {
            match part {
                Some(part) => {
                    out.extend_from_slice(format!("{}:", part.len()).as_bytes());
                    out.extend_from_slice(part);
                }
                None => out.push(b'-'),
            }
        }
        out
    }

    /// Whether the line is in a configuration as it is to be: there, or gone.
    pub fn stands_in(&self, seen: &Document<'_>) -> bool {
        let holds = |line: &[u8]| {
            let mut sections = seen.named(&self.section);
            sections.any(|section| section.lines().any(|(_, found)| found.trim_ascii() == line))
        };
        match (&self.before, &self.after) {
            (_, Some(after)) => holds(after),
            (Some(before), None) => !holds(before),
            (None, None) => true,
        }
    }
}

// The lines of accounts hold hashes.
impl std::fmt::Debug for RawEdit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", self.shown())
    }
}

impl<'p, 'a> Pen<'p, 'a> {
    pub fn new(configuration: &'p Configuration<'a>, dialect: &'p Dialect) -> Self {
        let (takes, shows) = (Takes::Update, Shows::Setting);
        Self { configuration, dialect, edits: Vec::new(), takes, shows, inferred: None }
    }

    /// It only comes into force at a reboot.
    pub fn needs_reboot(&mut self) {
        self.takes = Takes::Reboot;
    }

    /// The camera's own behaviour proves it.
    pub fn shows_in_behaviour(&mut self) {
        self.shows = Shows::Behaviour;
    }

    /// The key of a setting.
    ///
    /// # Errors
    /// That it is unknown, and how to learn it.
    pub fn key(&mut self, name: SettingName) -> Result<&'p Key, Untranslated> {
        let dialect = self.dialect;
        let key = dialect.key(name).map_err(Untranslated::Unknown)?;
        self.weigh(name, key.confidence);
        Ok(key)
    }

    /// Sets a switch or word to what means this.
    ///
    /// # Errors
    /// That the key or the word is unknown, or that the line stands twice.
    pub fn set_word(&mut self, name: SettingName, means: &str) -> Result<(), Untranslated> {
        let key = self.key(name)?;
        // A word that stands there already and means it is as good as any.
        let mut standing = self.configuration.all(&key.section, &key.key);
        if standing
            .any(|entry| key.values.get(&*text(entry.value)).is_some_and(|w| w.means == means))
        {
            return self.set(key, None);
        }
        let Some((word, confidence)) = key.word(means) else {
            return Err(Untranslated::Unknown(format!(
                "the {} dialect does not know which word of {} means {means}; teach it: palisade-agent learn \
                 BEFORE.cfg AFTER.cfg --setting {name}",
                self.dialect.product,
                key.path()
            )));
        };
        self.weigh(name, confidence);
        self.set(key, Some(word))
    }

    /// Sets a number.
    ///
    /// # Errors
    /// That the key is unknown, or that the line stands twice.
    pub fn set_number(&mut self, name: SettingName, number: u32) -> Result<(), Untranslated> {
        let key = self.key(name)?;
        self.set(key, Some(&number.to_string()))
    }

    /// A value put together as the dialect says.
    ///
    /// # Errors
    /// That the key or the form is unknown.
    pub fn formed(&mut self, name: SettingName, part: &str) -> Result<String, Untranslated> {
        let key = self.key(name)?;
        let place = name.shape().place().unwrap_or_default();
        let form = key.form.as_deref().ok_or_else(|| {
            Untranslated::Unknown(format!(
                "the {} dialect does not know how {} is written at {}; set it once in the camera's own page and teach \
                 it: palisade-agent learn BEFORE.cfg AFTER.cfg --setting {name}",
                self.dialect.product,
                name.topic(),
                key.path()
            ))
        })?;
        Ok(form.replace(place, part))
    }

    /// Sets a setting to a value put together as the dialect says.
    ///
    /// # Errors
    /// As [`Pen::formed`], and that the line stands twice.
    pub fn set_formed(&mut self, name: SettingName, part: &str) -> Result<(), Untranslated> {
        let value = self.formed(name, part)?;
        let key = self.key(name)?;
        self.set(key, Some(&value))
    }

    /// Makes the values of a key that repeats exactly these, in this order.
    ///
    /// # Errors
    /// That the key is unknown.
    pub fn set_all(&mut self, name: SettingName, values: &[String]) -> Result<(), Untranslated> {
        let key = self.key(name)?;
        let old: Vec<Entry<'_>> = self.configuration.all(&key.section, &key.key).collect();
        let same = old.len() == values.len()
            && old.iter().zip(values).all(|(old, new)| old.value == new.as_bytes());
        if same {
            return Ok(());
        }
        for entry in &old {
            self.replace(&key.section, *entry, None);
        }
        for value in values {
            self.add(&key.section, &key.key, value);
        }
        Ok(())
    }

    /// The first value of a setting, if the dialect knows its key and it stands there.
    pub fn value(&self, name: SettingName) -> Option<Cow<'a, str>> {
        let key = self.dialect.key(name).ok()?;
        self.configuration.first(&key.section, &key.key).map(|entry| text(entry.value))
    }

    /// `None` for a value that stands already.
    fn set(&mut self, key: &Key, value: Option<&str>) -> Result<(), Untranslated> {
        let standing: Vec<Entry<'_>> = self.configuration.all(&key.section, &key.key).collect();
        let Some(value) = value.filter(|_| standing.len() < 2) else {
            return match standing.as_slice() {
                [] | [_] => Ok(()),
                [first, .., last] => Err(Untranslated::Impossible(format!(
                    "{} stands in lines {} and {}, and which one counts is not known; tidy it up in the camera's own \
                     page",
                    key.path(),
                    first.line,
                    last.line
                ))),
            };
        };
        match standing.first() {
            Some(entry) if entry.value == value.as_bytes() => {}
            Some(entry) => {
                let line = format!("{}={value}", key.key);
                self.replace(&key.section, *entry, Some(line.into_bytes()));
            }
            None => self.add(&key.section, &key.key, value),
        }
        Ok(())
    }

    /// Replaces a line, or takes it out.
    pub fn replace(&mut self, section: &str, entry: Entry<'_>, after: Option<Vec<u8>>) {
        let before = self.configuration.document().line(entry.line).map(<[u8]>::trim_ascii);
        self.edits.push(RawEdit {
            section: section.to_owned(),
            at: Some(entry.line),
            before: before.map(<[u8]>::to_vec),
            after,
        });
    }

    fn add(&mut self, section: &str, key: &str, value: &str) {
        let after = Some(format!("{key}={value}").into_bytes());
        self.edits.push(RawEdit { section: section.to_owned(), at: None, before: None, after });
    }

    fn weigh(&mut self, name: SettingName, confidence: Confidence) {
        if confidence == Confidence::Inferred {
            self.inferred.get_or_insert(name);
        }
    }

    /// The lines, in the order of the file with new ones last, when they come into force and how that shows.
    ///
    /// # Errors
    /// That nothing is to be written, or that nothing would prove what is only inferred.
    pub fn finish(mut self) -> Result<(Vec<RawEdit>, Takes, Shows), Untranslated> {
        if self.edits.is_empty() {
            return Err(Untranslated::Standing);
        }
        if let (Some(name), Shows::Setting) = (self.inferred, self.shows) {
            return Err(Untranslated::Unknown(format!(
                "what the {} dialect says about {} is only inferred, and nothing in the camera's behaviour would prove \
                 it, so it is not written; teach it: palisade-agent learn BEFORE.cfg AFTER.cfg --setting {name}",
                self.dialect.product,
                name.topic()
            )));
        }
        self.edits.sort_by_key(|edit| edit.at.unwrap_or(usize::MAX));
        Ok((self.edits, self.takes, self.shows))
    }
}

/// The configuration with the lines changed: new lines go to the end of their section, a new section to the end.
pub fn render(document: &Document<'_>, edits: &[RawEdit]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut ends =
        document.sections().map(|section| (section.last_line(), section.name())).peekable();
    let mut done: Vec<&[u8]> = Vec::new();
    for (index, raw) in document.raw_lines().enumerate() {
        let number = index + 1;
        let end: &[u8] = if raw.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        if let Some((_, name)) = ends.next_if(|(last, _)| *last == number)
            && !done.contains(&name)
        {
            done.push(name);
            fresh(edits, name).for_each(|line| out.extend([line, end].concat()));
        }
        match edits.iter().find(|edit| edit.at == Some(number)) {
            None => out.extend_from_slice(raw),
            Some(edit) => {
                if let Some(line) = &edit.after {
                    out.extend([line.as_slice(), end].concat());
                }
            }
        }
    }
    let mut missing: Vec<&str> = Vec::new();
    for edit in edits.iter().filter(|edit| edit.at.is_none()) {
        let name = edit.section.as_str();
        if !done.contains(&name.as_bytes()) && !missing.contains(&name) {
            missing.push(name);
        }
    }
    for name in missing {
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        out.extend_from_slice(format!("SECTION {name}\n").as_bytes());
        fresh(edits, name.as_bytes()).for_each(|line| out.extend([line, b"\n"].concat()));
        out.extend_from_slice(format!("ENDSECTION {name}\n").as_bytes());
    }
    out
}

/// The new lines of a section.
fn fresh<'e>(edits: &'e [RawEdit], section: &'e [u8]) -> impl Iterator<Item = &'e [u8]> {
    let here = move |it: &&RawEdit| it.at.is_none() && it.section.as_bytes() == section;
    edits.iter().filter(here).filter_map(|edit| edit.after.as_deref())
}
