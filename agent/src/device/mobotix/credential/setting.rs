//! Keys that the cameras of a site share, at one camera: the key of recordings and the key of MxMessage. Each is one line
//! of the configuration, whose name the dialect knows.
//!
//! What the camera "takes" is what its running configuration shows, so a probe compares that with what is known. That
//! the camera encrypts by it is not proven by this. A key of recordings is in force after a reboot, which is why its
//! rotation always ends in one; what is compared then is what the camera booted with.
//!
//! **The first key.** Where no key is set there is nothing to put back, so a marker stands for "none" ([`none_set`]): it
//! can be told and probed, and never installed. A key that somebody else set is not replaced, since recordings may hang
//! on it: a camera that shows neither what is known nor nothing is left alone, and a person decides.
//!
//! Refuses to write a key whose name is only inferred or not known, since nothing in the camera's behaviour would prove
//! it; to write where what the camera shows is not what is known; to conclude anything from a line that is missing,
//! stands twice, or is hidden by asterisks; and to let a refused log-in count against the key. A camera that shows what
//! was written in another form gets the old line back, unsaved.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use proto::{Secret, SecretId};
use zeroize::Zeroizing;

use super::account::{Pen, drawn};
use super::inside::Inside;
use super::{Reboots, Workplace};
use crate::device::mobotix::Dialects;
use crate::device::mobotix::config::{ConfigError, Document};
use crate::device::mobotix::dialect::{Key, SettingName};
use crate::device::mobotix::edit::{self, Request, Unwritable};
use crate::device::mobotix::model::Configuration;
use crate::device::{self, Fault, Target};
use crate::facts::Confidence;
use crate::firmware::Version;
use crate::rotate::LogsIn;
use crate::rotate::hands::{Device, Login, Trouble};
use crate::rotation::Effect;

/// Longest key that is written.
const LONGEST: usize = 99;
/// No key that is made has a blank in it.
const NONE_SET: &str = "palisade: no key was set";

/// The secret that stands for no key at all.
pub fn none_set() -> Secret {
    Secret::new(NONE_SET)
}

/// One of the shared keys, at one camera.
pub struct GroupKey {
    place: Workplace,
    setting: SettingName,
}

/// Why nothing can be told of a key, or nothing is written.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("what it shows is no configuration")]
    Config(#[source] ConfigError),
    #[error("{0}")]
    Dialect(String),
    #[error("{0} is not there once, so that nothing can be told of it")]
    Place(String),
    #[error("{0} is hidden, so that nothing can be told of it")]
    Hidden(String),
    #[error(
        "{0} is not what is known, so somebody set it; recordings may hang on it. Keep that key in a safe place, make it \
         empty in the camera's own page, and the next visit takes it over"
    )]
    Foreign(String),
    #[error("a key has 1 to {LONGEST} printable ASCII characters without blanks")]
    Length,
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

/// A line of the configuration with a key on it.
struct Line {
    number: usize,
    section: String,
    key: String,
    confidence: Confidence,
    value: Zeroizing<String>,
}

/// Whether it is known for sure which setting a key is, on cameras of that product line.
///
/// # Errors
/// Why not, and how to teach it, as a clause.
pub fn is_taught(
    dialects: &Dialects,
    product: Option<&str>,
    name: SettingName,
) -> Result<(), String> {
    let dialect = product.and_then(|product| dialects.for_product(product));
    let dialect = dialect.ok_or("it is of a product line whose settings are not known")?;
    let key = dialect.key(name)?;
    sure(&key.path(), key.confidence, name)
}

/// What is only inferred is not written, since nothing in the camera's behaviour would prove it.
fn sure(path: &str, confidence: Confidence, name: SettingName) -> Result<(), String> {
    match confidence {
        Confidence::Observed | Confidence::Documented => Ok(()),
        Confidence::Inferred => Err(format!(
            "that {path} is {} is only inferred, and nothing in the camera's behaviour would prove it, so it is not \
             written; teach it: palisade-agent learn BEFORE.cfg AFTER.cfg --setting {name}",
            name.topic()
        )),
    }
}

/// Finds the line of a key.
fn line(document: &Document<'_>, dialects: &Dialects, name: SettingName) -> Result<Line, Unfit> {
    let configuration = Configuration::new(document.clone());
    let firmware = configuration.head_firmware().unwrap_or_default();
    let version = firmware.parse::<Version>().ok();
    let dialect = version.and_then(|version| dialects.for_version(version)).ok_or_else(|| {
        let firmware = proto::text::printable(&firmware, 60);
        Unfit::Dialect(format!("there is no dialect for the firmware {firmware:?}"))
    })?;
    let key: &Key = dialect.key(name).map_err(Unfit::Dialect)?;
    let place = || Unfit::Place(key.path());
    let mut entries = configuration.all(&key.section, &key.key);
    let entry = entries.next().ok_or_else(place)?;
    if entries.next().is_some() || document.named(&key.section).count() != 1 {
        return Err(place());
    }
    let value = std::str::from_utf8(entry.value).map_err(|_| place())?;
    if !value.is_empty() && value.bytes().all(|byte| byte == b'*') {
        return Err(Unfit::Hidden(key.path()));
    }
    Ok(Line {
        number: entry.line,
        section: key.section.clone(),
        key: key.key.clone(),
        confidence: key.confidence,
        value: Zeroizing::new(value.to_owned()),
    })
}

impl Line {
    fn is(&self, secret: &Secret) -> bool {
        match secret.expose() {
            NONE_SET => self.value.is_empty(),
            text => *self.value == text,
        }
    }
}

/// The request that makes `new` of `old`; nothing if it stands already.
fn replacing(
    config: &[u8],
    dialects: &Dialects,
    name: SettingName,
    (old, new): (&Secret, &Secret),
) -> Result<Option<Request>, Unfit> {
    let text = new.expose();
    if !(1..=LONGEST).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Unfit::Length);
    }
    let document = Document::parse(config).map_err(Unfit::Config)?;
    let line = line(&document, dialects, name)?;
    let path = format!("{}/{}", line.section, line.key);
    if line.is(new) {
        return Ok(None);
    }
    if !line.is(old) {
        return Err(Unfit::Foreign(path));
    }
    sure(&path, line.confidence, name).map_err(Unfit::Dialect)?;
    let text = Zeroizing::new(format!("{}={text}", line.key));
    let bytes = drawn(&document, &Pen::Replace(line.number, text));
    section(&bytes, &line.section)
}

/// The request that writes a section as it stands in a configuration.
fn section(config: &[u8], name: &str) -> Result<Option<Request>, Unfit> {
    let document = Document::parse(config).map_err(Unfit::Config)?;
    Ok(edit::restore(&document, &BTreeSet::from([name.to_owned()]))?)
}

impl GroupKey {
    /// The key of recordings of the camera at `target`, which is entered with the log-in that stands there.
    pub fn recording(target: Target, dialects: Arc<Dialects>, reboots: Reboots) -> Self {
        let place = Workplace { target, dialects, reboots };
        Self { place, setting: SettingName::RecordingKey }
    }

    /// The key of the messages between cameras, likewise.
    pub fn message(target: Target, dialects: Arc<Dialects>, reboots: Reboots) -> Self {
        let place = Workplace { target, dialects, reboots };
        Self { place, setting: SettingName::MessageKey }
    }

    fn login(&self) -> Result<&device::Login, Trouble> {
        let address = &self.place.target.address;
        self.place.target.login.as_ref().ok_or_else(|| {
            let why = "the site file names no account for it; state its user";
            Fault::Unsupported(format!("{} of {address}: {why}", self.setting.topic())).into()
        })
    }

    async fn enter(&self, doing: &str) -> Result<Inside, Trouble> {
        let device::Login { user, password, .. } = self.login()?;
        self.place.enter(user, password, doing).await
    }

    /// What the camera shows. A fault tells nothing of the key.
    async fn look(&self, doing: &str) -> Result<(Inside, Zeroizing<Vec<u8>>), Trouble> {
        let mut inside = self.enter(doing).await?;
        let config = inside.configuration().await.map_err(not_the_key)?;
        Ok((inside, config))
    }

    async fn send(&self, doing: &str, request: &str) -> Result<(), Trouble> {
        let mut inside = self.enter(doing).await?;
        inside.remote(request).await.map_err(not_the_key)?;
        inside.leave().await;
        Ok(())
    }

    fn line(&self, config: &[u8]) -> Result<Line, Fault> {
        let document = Document::parse(config).map_err(Unfit::Config);
        let found = document.and_then(|it| line(&it, &self.place.dialects, self.setting));
        found.map_err(|why| {
            let (topic, address) = (self.setting.topic(), &self.place.target.address);
            Fault::Nonsense(format!("comparing {topic} of {address}: {why}"))
        })
    }

    /// Something was written: if the camera shows it in another form, it gets its old section back.
    async fn stands(&self, before: &[u8], (old, new): (&Secret, &Secret)) -> Result<(), Trouble> {
        let (inside, config) = self.look("looking at what was written to").await.map_err(sent)?;
        inside.leave().await;
        let line = self.line(&config)?;
        if line.is(new) || line.is(old) {
            return Ok(());
        }
        let topic = self.setting.topic();
        if let Ok(Some(request)) = section(before, &line.section) {
            self.send("putting back a section of", &request).await.map_err(sent)?;
        }
        Err(Fault::Nonsense(format!(
            "writing {topic} to {}: it shows it in another form than it was written in, so its old line was put back",
            self.place.target.address
        ))
        .into())
    }
}

/// A log-in that was refused, or may not see it, tells nothing of the key.
fn not_the_key(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Fault(Fault::Refused(why) | Fault::Rejected(why)) => {
            Fault::Nonsense(format!("{why}; that is the account's doing, not the key's")).into()
        }
        other => other,
    }
}

/// Something was sent before.
fn sent(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::NotSent => {
            Fault::Unreachable("it could not be entered again after a key was written".to_owned())
                .into()
        }
        other => other,
    }
}

/// What is known of the key; there is no second administrator here.
fn known<'a>(login: &Login<'a>) -> &'a Secret {
    match login {
        Login::Main(secret) | Login::Second(secret) => secret,
    }
}

#[async_trait]
impl Device for GroupKey {
    async fn raise(&mut self, _: &Secret, _: &Secret) -> Result<(), Trouble> {
        Err(Fault::Unsupported("a key has no second administrator".to_owned()).into())
    }

    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble> {
        let (inside, config) = self.look("writing a key to").await?;
        if !inside.is_private() {
            return Err(inside.unsupported(
                "a key would cross the network where others may read it; reach the camera by https:// and accept its \
                 certificate's pin first",
            ));
        }
        let both = (known(auth), new);
        let drawn = replacing(&config, &self.place.dialects, self.setting, both);
        let request = drawn.map_err(|why| inside.unsupported(why))?;
        inside.leave().await;
        let Some(request) = request else { return Ok(()) };
        // The first request of a connection of its own, so that it is sent once.
        self.send("writing a key to", &request).await?;
        self.stands(&config, both).await
    }

    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble> {
        let (inside, config) = self.look("comparing a key of").await?;
        inside.leave().await;
        if self.line(&config)?.is(known(with)) {
            return Ok(());
        }
        let (topic, address) = (self.setting.topic(), &self.place.target.address);
        Err(Fault::Refused(format!("{topic} of {address} is another one")).into())
    }

    async fn lower(&mut self, _: &Login<'_>, _: &Secret) -> Result<(), Trouble> {
        Ok(())
    }

    async fn save(&mut self, _: &Login<'_>) -> Result<(), Trouble> {
        let mut inside = self.enter("storing the configuration of").await?;
        inside.store().await.map_err(not_the_key)?;
        inside.leave().await;
        Ok(())
    }

    async fn reboot(&mut self, _: &Login<'_>) -> Result<(), Trouble> {
        let device::Login { user, password, .. } = self.login()?;
        let log = self.place.collect(user, password).await.map_err(not_the_key)?;
        self.place.reboot(user, password, log, None).await.map_err(not_the_key)
    }

    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn {
        match effect {
            Effect::Mint(_) | Effect::Escrow(_) | Effect::Raise { .. } | Effect::Lower { .. } => {
                LogsIn::No
            }
            Effect::Install { .. }
            | Effect::Probe(_)
            | Effect::Save { .. }
            | Effect::Reboot { .. } => LogsIn::Yes,
        }
    }
}

#[cfg(test)]
#[path = "setting_tests.rs"]
mod tests;
