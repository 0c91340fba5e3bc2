//! The changes that rest on settings of the dialect.

use super::pen::Pen;
use crate::change::{AddressList, Door, NotifyBy, Profile, Untranslated, written};
use crate::device::mobotix::dialect::SettingName as Name;

/// All three tests of storage failure detection. That the mask has a bit for each is inferred where the dialect says so.
const EVERY_TEST: u32 = 7;

type Done = Result<(), Untranslated>;

pub fn forbid_crawling(pen: &mut Pen<'_, '_>) -> Done {
    pen.shows_in_behaviour();
    pen.set_word(Name::Crawling, "forbidden")
}

pub fn require_digest(pen: &mut Pen<'_, '_>) -> Done {
    pen.shows_in_behaviour();
    pen.set_word(Name::Authentication, "digest")
}

pub fn restrict_addresses(pen: &mut Pen<'_, '_>, list: &AddressList) -> Done {
    if list.is_void() {
        return Err(Untranslated::Impossible(
            "a list that names nobody, or everybody, is none".to_owned(),
        ));
    }
    let rules: Result<Vec<String>, Untranslated> =
        list.networks().map(|network| pen.formed(Name::IpAccessRules, &written(network))).collect();
    pen.set_all(Name::IpAccessRules, &rules?)?;
    pen.set_word(Name::IpAccessOthers, "refused")?;
    pen.set_word(Name::IpAccess, "on")
}

pub fn detect_intrusion(pen: &mut Pen<'_, '_>, threshold: u32, profile: &Profile) -> Done {
    if !(5..=10).contains(&threshold) {
        return Err(Untranslated::Impossible("a threshold is 5 to 10 failures".to_owned()));
    }
    exists(pen, profile)?;
    let name = match profile.way {
        NotifyBy::Network => Name::IntrusionNotifyIp,
        NotifyBy::Mail => Name::IntrusionNotifyMail,
    };
    pen.set_number(Name::IntrusionThreshold, threshold)?;
    pen.set_formed(name, &profile.id)?;
    pen.set_word(Name::IntrusionBlock, "on")?;
    pen.set_word(Name::Intrusion, "on")
}

pub fn report_errors(pen: &mut Pen<'_, '_>, profile: &Profile) -> Done {
    exists(pen, profile)?;
    let name = match profile.way {
        NotifyBy::Network => Name::NotifyIp,
        NotifyBy::Mail => Name::NotifyMail,
    };
    pen.set_formed(name, &profile.id)
}

pub fn detect_storage_failure(pen: &mut Pen<'_, '_>) -> Done {
    let none =
        |value: Option<_>| value.is_some_and(|value: std::borrow::Cow<'_, str>| value == "0");
    if none(pen.value(Name::StorageTests)) {
        pen.set_number(Name::StorageTests, EVERY_TEST)?;
    }
    if !is_on(pen, Name::StorageCheck) {
        // Documented: the first time it is switched on, it begins at a reboot.
        pen.needs_reboot();
    }
    if !somebody_hears(pen) && pen.dialect.key(Name::StorageNotifyLed).is_ok() {
        pen.set_word(Name::StorageNotifyLed, "on")?;
    }
    pen.set_word(Name::StorageCheck, "on")
}

/// Whether a way to tell of storage failures is set, as far as the dialect knows the ways.
fn somebody_hears(pen: &Pen<'_, '_>) -> bool {
    let ways = [
        Name::StorageNotifyIp,
        Name::StorageNotifyMail,
        Name::StorageNotifyPhone,
        Name::StorageNotifySound,
    ];
    let set = |name| pen.value(name).is_some_and(|value| !matches!(value.trim(), "" | "\"\""));
    is_on(pen, Name::StorageNotifyLed) || ways.into_iter().any(set)
}

fn is_on(pen: &Pen<'_, '_>, name: Name) -> bool {
    let word = |value: std::borrow::Cow<'_, str>| {
        let key = pen.dialect.key(name).ok()?;
        key.values.get(value.as_ref()).map(|word| word.means == "on")
    };
    pen.value(name).and_then(word).unwrap_or(false)
}

pub fn move_port(pen: &mut Pen<'_, '_>, door: Door, to: u16) -> Done {
    if to == 0 {
        return Err(Untranslated::Impossible("0 is no port".to_owned()));
    }
    pen.needs_reboot();
    pen.shows_in_behaviour();
    let (moved, other) = match door {
        Door::Https => (Name::HttpsPort, Name::HttpPort),
        Door::Http => (Name::HttpPort, Name::HttpsPort),
    };
    if pen.value(other).is_some_and(|port| port.parse() == Ok(to)) {
        return Err(Untranslated::Impossible(format!("port {to} is the other door's")));
    }
    pen.set_number(moved, u32::from(to))
}

pub fn stop_vpn(pen: &mut Pen<'_, '_>) -> Done {
    pen.set_word(Name::Vpn, "off")
}

pub fn require_dot1x(pen: &mut Pen<'_, '_>) -> Done {
    pen.set_word(Name::Dot1x, "on")
}

/// A setting that names a profile which is not there would report to nobody.
fn exists(pen: &Pen<'_, '_>, profile: &Profile) -> Done {
    let section = match profile.way {
        NotifyBy::Network => "ipnotify",
        NotifyBy::Mail => "mail",
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let is_id = (1..=40).contains(&profile.id.len()) && profile.id.chars().all(plain);
    let mut profiles = pen.configuration.profiles(section);
    if is_id && profiles.any(|one| one.id() == profile.id.as_str()) {
        return Ok(());
    }
    let id = proto::text::printable(&profile.id, 40);
    Err(Untranslated::Impossible(format!("the camera has no {section} profile {id:?}")))
}
