//! From the bytes of an exported configuration to facts. Pure, but slow where a password hash must be computed: keep
//! it off the async runtime.
//!
//! It translates and decides nothing: what the file does not show stays unreadable, with the reason, and a missing key
//! is only taken for a factory default that the dialect knows, in a file that is whole.

mod accounts;
mod notification;
mod reader;
mod settings;

#[cfg(test)]
mod tests;

use super::Dialects;
use super::config::{Document, decode};
use super::dialect::Dialect;
use super::model::Configuration;
use crate::device::{Fault, Identity};
use crate::facts::{CameraFacts, Fact};
use crate::firmware::Version;
use reader::Reader;

/// Why most of a camera cannot be seen in a file.
const ONLY_LIVE: &str = "a configuration file cannot show this; only a live look can";

/// What an exported configuration tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Which camera.
    pub identity: Identity,
    /// The facts. What a file cannot show is unreadable, for that reason.
    pub facts: CameraFacts,
}

/// Reads an exported configuration.
///
/// # Errors
/// [`Fault::Nonsense`] if it is no MOBOTIX configuration or is damaged (with the line), [`Fault::Unsupported`] if it
/// is one of a product line that no dialect covers.
pub fn read(bytes: &[u8], dialects: &Dialects) -> Result<Export, Fault> {
    let document = Document::parse(bytes).map_err(|error| Fault::Nonsense(error.to_string()))?;
    let configuration = Configuration::new(document);
    let stamp = Stamp::read(&configuration)?;
    let dialect =
        dialects.for_version(stamp.version).ok_or_else(|| unsupported(&stamp, dialects))?;
    let mut reader = Reader::new(&configuration, dialect);
    let mut facts = facts(&mut reader);
    facts.firmware = stamp.fact(&configuration, &mut reader);
    facts.evidence = reader.evidence;
    Ok(Export { identity: identity(&configuration, dialect, &stamp), facts })
}

fn facts(reader: &mut Reader<'_, '_>) -> CameraFacts {
    CameraFacts {
        accounts: accounts::accounts(reader),
        groups: accounts::groups(reader),
        public_rights: accounts::public_rights(reader),
        ip_access: settings::ip_access(reader),
        intrusion: settings::intrusion(reader),
        crawling: settings::crawling(reader),
        auth_setting: settings::authentication(reader),
        recording_key: settings::recording_key(reader),
        messages: settings::messages(reader),
        error_notification: notification::error_notification(reader),
        storage_check: notification::storage_check(reader),
        web_ports: settings::web_ports(reader),
        vpn: settings::vpn(reader),
        addresses: settings::addresses(reader),
        vlan: settings::vlan(reader),
        dot1x: settings::dot1x(reader),
        clear_secrets: settings::clear_secrets(reader),
        notify_profiles: notification::profiles(reader),
        own_reboots: settings::own_reboots(reader),
        ..CameraFacts::unread(ONLY_LIVE)
    }
}

/// The firmware as the two ends of the file name it.
struct Stamp {
    /// As written, fit to be shown.
    text: String,
    version: Version,
    /// What section `timestamp` says, if it is another firmware.
    contradiction: Option<String>,
}

impl Stamp {
    fn read(configuration: &Configuration<'_>) -> Result<Self, Fault> {
        let shown = |text: &str| proto::text::printable(text, 60);
        let head = configuration.head_firmware();
        let foot = configuration.stamp_firmware().map(|entry| decode(entry.value));
        let Some(text) = head.as_deref().or(foot.as_deref()) else {
            return Err(Fault::Nonsense(
                "the configuration names no firmware: neither line 2 (#:MX-V...) nor VERSION in section timestamp is \
                 there, so nobody can tell which product line it is; export it again from the camera"
                    .to_owned(),
            ));
        };
        let version = text.parse::<Version>().map_err(|error| {
            Fault::Nonsense(format!("reading the firmware that the configuration names: {error}"))
        })?;
        let contradiction = foot.as_deref().filter(|foot| *foot != text).map(shown);
        if let Some(foot) = &contradiction
            && foot.parse::<Version>().is_ok_and(|other| other.numbers[0] != version.numbers[0])
        {
            return Err(Fault::Nonsense(format!(
                "line 2 of the configuration says {} and section timestamp says {foot}, which is another product line: \
                 the file was put together from two cameras; export it again",
                shown(text)
            )));
        }
        Ok(Self { text: shown(text), version, contradiction })
    }

    fn fact(
        &self,
        configuration: &Configuration<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Fact<Version> {
        let lines = configuration.head_firmware().map(|_| 2);
        let foot = configuration.stamp_firmware().map(|entry| entry.line);
        for line in lines.into_iter().chain(foot) {
            reader.note_line("firmware", line);
        }
        match &self.contradiction {
            None => Fact::Seen(self.version),
            Some(foot) => Fact::unreadable(format!(
                "line 2 of the configuration says {} and section timestamp says {foot}; export it again",
                self.text
            )),
        }
    }
}

fn unsupported(stamp: &Stamp, dialects: &Dialects) -> Fault {
    let [major, ..] = stamp.version.numbers;
    let known = dialects.products().collect::<Vec<_>>().join(", ");
    Fault::Unsupported(format!(
        "the configuration is of firmware {}, and there is no dialect for product line {major} (known are {known}); \
         a dialect file of your own can add it",
        stamp.text
    ))
}

fn identity(configuration: &Configuration<'_>, dialect: &Dialect, stamp: &Stamp) -> Identity {
    let serial = configuration.serial().filter(|serial| !serial.is_empty());
    Identity {
        product: Some(dialect.product.clone()),
        model: None,
        firmware: Some(stamp.text.clone()),
        serial: serial.map(|serial| proto::text::printable(&serial, 40)),
        pin: None,
    }
}
