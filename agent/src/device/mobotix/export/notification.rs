//! Who hears of errors and of storage failures.

use super::reader::{Reader, Reason, fact};
use crate::device::mobotix::dialect::{SettingName as Name, Shape};
use crate::device::mobotix::model::Profile;
use crate::facts::{Confidence, Fact, Notification, NotifyProfile, Setting, StorageCheck};

/// Ways to notify somebody elsewhere, and ways that are noticed only at the camera, each with the word for people.
struct Ways {
    remote: &'static [(Name, &'static str)],
    local: &'static [(Name, &'static str)],
}

const ERRORS: Ways = Ways {
    remote: &[
        (Name::NotifyIp, "network message"),
        (Name::NotifyMail, "mail"),
        (Name::NotifyFtp, "FTP"),
        (Name::NotifyPhone, "phone call"),
    ],
    local: &[
        (Name::NotifyLed, "LED"),
        (Name::NotifyLiveimage, "live image"),
        (Name::NotifySound, "sound"),
    ],
};

const STORAGE: Ways = Ways {
    remote: &[
        (Name::StorageNotifyIp, "network message"),
        (Name::StorageNotifyMail, "mail"),
        (Name::StorageNotifyPhone, "phone call"),
    ],
    local: &[(Name::StorageNotifyLed, "LED"), (Name::StorageNotifySound, "sound")],
};

/// One remote way as it is set.
pub struct Way {
    /// What it is, if it leads to somebody elsewhere.
    pub remote: Option<String>,
    /// What it is and why it leads nowhere.
    pub dangling: Option<String>,
    pub confidence: Confidence,
}

pub fn error_notification(reader: &mut Reader<'_, '_>) -> Fact<Setting<Notification>> {
    fact(read_ways(reader, &ERRORS))
}

pub fn storage_check(reader: &mut Reader<'_, '_>) -> Fact<Setting<StorageCheck>> {
    fact(read_storage_check(reader))
}

fn read_storage_check(reader: &mut Reader<'_, '_>) -> Result<Setting<StorageCheck>, Reason> {
    let enabled = reader.switch(Name::StorageCheck)?;
    let tests = reader.number(Name::StorageTests).ok();
    let notification = read_ways(reader, &STORAGE).unwrap_or_else(|_| Setting {
        value: Notification {
            remote: Vec::new(),
            local: Vec::new(),
            dangling: Vec::new(),
            unread: STORAGE.remote.iter().map(|(_, label)| (*label).to_owned()).collect(),
        },
        confidence: enabled.confidence,
    });
    let mut confidence = enabled.confidence.min(notification.confidence);
    if let Some(tests) = &tests {
        confidence = confidence.min(tests.confidence);
    }
    let value = StorageCheck {
        enabled: enabled.value,
        tests: tests.map(|tests| tests.value != 0),
        notification: notification.value,
    };
    Ok(Setting { value, confidence })
}

/// Reads every way; unreadable only if not a single one could be read.
fn read_ways(reader: &mut Reader<'_, '_>, ways: &Ways) -> Result<Setting<Notification>, Reason> {
    let mut value = Notification {
        remote: Vec::new(),
        local: Vec::new(),
        dangling: Vec::new(),
        unread: Vec::new(),
    };
    let mut confidence = None;
    let mut first_reason = None;
    let weaken = |confidence: &mut Option<Confidence>, other: Confidence| {
        *confidence = Some(confidence.map_or(other, |weakest| weakest.min(other)));
    };
    for (name, label) in ways.remote {
        match profile_way(reader, *name, label) {
            Ok(way) => {
                value.remote.extend(way.remote);
                value.dangling.extend(way.dangling);
                weaken(&mut confidence, way.confidence);
            }
            Err(reason) => {
                value.unread.push((*label).to_owned());
                first_reason.get_or_insert(reason);
            }
        }
    }
    for (name, label) in ways.local {
        // A local way that is off or cannot be read changes nothing: it would reach nobody elsewhere.
        match local_way(reader, *name) {
            Ok(set) if set.value => {
                value.local.push((*label).to_owned());
                weaken(&mut confidence, set.confidence);
            }
            Ok(set) => {
                confidence.get_or_insert(set.confidence);
            }
            Err(_) => {}
        }
    }
    match (confidence, first_reason) {
        (Some(confidence), _) => Ok(Setting { value, confidence }),
        (None, reason) => Err(reason.unwrap_or_default()),
    }
}

fn local_way(reader: &mut Reader<'_, '_>, name: Name) -> Result<Setting<bool>, Reason> {
    if matches!(name.shape(), Shape::Words(_)) {
        return reader.switch(name);
    }
    let reading = reader.read(name)?;
    Ok(Setting { value: !reading.is_empty(), confidence: reading.confidence })
}

/// Follows a setting to the profile it names. That the value is a profile's id is inferred; that an empty one is none is
/// not, as untouched cameras have it so.
pub fn profile_way(reader: &mut Reader<'_, '_>, name: Name, label: &str) -> Result<Way, Reason> {
    let reading = reader.read(name)?;
    let mut way = Way { remote: None, dangling: None, confidence: reading.confidence };
    if reading.is_empty() {
        return Ok(way);
    }
    let id = proto::text::printable(&reading.value, 40);
    let Shape::Profile(section) = name.shape() else {
        way.remote = Some(format!("{label} {id}"));
        return Ok(way);
    };
    // That a setting names a profile by its id is inferred, unless the dialect says so.
    if reading.form() != Some("{id}") {
        way.confidence = way.confidence.min(Confidence::Inferred);
    }
    let profile =
        reader.configuration.profiles(section).find(|profile| profile.id() == reading.value);
    let Some(profile) = profile else {
        way.dangling = Some(format!("{label} profile {id} (there is no such profile)"));
        return Ok(way);
    };
    note_profile(reader, name, section, &profile);
    match dead_end(section, &profile) {
        Some(why) => way.dangling = Some(format!("{label} profile {id} ({why})")),
        None => way.remote = Some(format!("{label} profile {id}")),
    }
    Ok(way)
}

/// The profiles that may be told of something. A camera holds some tens.
pub fn profiles(reader: &mut Reader<'_, '_>) -> Fact<Vec<NotifyProfile>> {
    const MOST: usize = 200;
    let mut all = Vec::new();
    for section in ["ipnotify", "mail"] {
        for profile in reader.configuration.profiles(section).take(MOST) {
            let shown = |text: &str| proto::text::printable(text, 60);
            all.push(NotifyProfile {
                section: section.to_owned(),
                id: shown(&profile.id()),
                name: profile.name().map(|name| shown(&name)),
                dead_end: dead_end(section, &profile).map(str::to_owned),
            });
        }
    }
    Fact::Seen(all)
}

/// Why a profile reaches nobody elsewhere, if that can be seen.
fn dead_end(section: &str, profile: &Profile<'_>) -> Option<&'static str> {
    if profile.is_inactive() {
        return Some("it is switched off");
    }
    match section {
        "ipnotify" => {
            let addresses = profile.field("ipnotifyaddress")?;
            let mut hosts = addresses.split_whitespace().peekable();
            if hosts.peek().is_none() {
                return Some("it names no address");
            }
            hosts.all(is_itself).then_some("it goes to the camera itself")
        }
        "mail" => profile.field("rcpt")?.trim().is_empty().then_some("it names no recipient"),
        _ => None,
    }
}

fn is_itself(host: &str) -> bool {
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// Only what says where it leads: the rest of a profile is texts and passwords.
fn note_profile(reader: &mut Reader<'_, '_>, name: Name, section: &str, profile: &Profile<'_>) {
    let mut text = format!("profile={}", profile.id());
    for field in ["_profilename", "_profilestate", "ipnotifyaddress", "rcpt"] {
        if let Some(value) = profile.field(field) {
            text = format!("{text}:{field}={}", value.replace(['\n', '\r'], " "));
        }
    }
    let source = format!("configuration line {} (section {section})", profile.line);
    reader.evidence.note(
        name.fact(),
        source,
        &crate::device::mobotix::config::redact(text.as_bytes()),
    );
}
