//! The facts that rest on one setting or a few.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ONLY_LIVE;
use super::notification::profile_way;
use super::reader::{Reader, Reason, fact};
use crate::device::mobotix::config::{Section, decode, is_password_name, text};
use crate::device::mobotix::dialect::SettingName as Name;
use crate::facts::{
    AuthSetting, Crawling, Fact, Intrusion, IpAccess, KeyState, Messages, PortSighting, Setting,
    VpnClient,
};

type Sure<T> = Fact<Setting<T>>;

pub fn crawling(reader: &mut Reader<'_, '_>) -> Sure<Crawling> {
    let meaning = reader.read(Name::Crawling).and_then(|reading| reading.meaning());
    fact(meaning.map(|meaning| Setting {
        value: if meaning.value == "forbidden" { Crawling::Forbidden } else { Crawling::Allowed },
        confidence: meaning.confidence,
    }))
}

pub fn authentication(reader: &mut Reader<'_, '_>) -> Sure<AuthSetting> {
    fact(reader.read(Name::Authentication).map(|reading| match reading.meaning() {
        Ok(meaning) => {
            let value = match meaning.value {
                "basic" => AuthSetting::Basic,
                "digest" => AuthSetting::Digest,
                _ => AuthSetting::Auto,
            };
            Setting { value, confidence: meaning.confidence }
        }
        Err(_) => {
            let word = proto::text::printable(&reading.value, 40);
            Setting { value: AuthSetting::Other(word), confidence: reading.confidence }
        }
    }))
}

pub fn recording_key(reader: &mut Reader<'_, '_>) -> Sure<KeyState> {
    fact(key_state(reader, Name::RecordingKey))
}

pub fn ip_access(reader: &mut Reader<'_, '_>) -> Sure<IpAccess> {
    fact(reader.switch(Name::IpAccess).map(|enabled| {
        let rules = reader.read_all(Name::IpAccessRules).ok();
        let others = reader.read(Name::IpAccessOthers).and_then(|reading| reading.meaning()).ok();
        let mut sure = enabled.confidence;
        for part in [rules.as_ref().map(|r| r.confidence), others.as_ref().map(|o| o.confidence)] {
            sure = part.map_or(sure, |part| sure.min(part));
        }
        let value = IpAccess {
            enabled: enabled.value,
            rules: rules.map(|rules| rules.value).unwrap_or_default(),
            refuses_others: others.map(|others| others.value == "refused"),
        };
        Setting { value, confidence: sure }
    }))
}

pub fn intrusion(reader: &mut Reader<'_, '_>) -> Sure<Intrusion> {
    fact(reader.switch(Name::Intrusion).map(|enabled| {
        let threshold = reader.number(Name::IntrusionThreshold).ok();
        let blocks = reader.switch(Name::IntrusionBlock).ok();
        let notifies = intrusion_notifies(reader);
        let parts = [
            threshold.as_ref().map(|part| part.confidence),
            blocks.as_ref().map(|part| part.confidence),
            notifies.as_ref().map(|part| part.confidence),
        ];
        let confidence = parts.into_iter().flatten().fold(enabled.confidence, Ord::min);
        let value = Intrusion {
            enabled: enabled.value,
            threshold: threshold.map(|part| part.value),
            blocks: blocks.map(|part| part.value),
            notifies: notifies.map(|part| part.value),
        };
        Setting { value, confidence }
    }))
}

/// One way that leads somewhere is enough to say yes; a no needs both ways to be known.
fn intrusion_notifies(reader: &mut Reader<'_, '_>) -> Option<Setting<bool>> {
    let mail = profile_way(reader, Name::IntrusionNotifyMail, "mail").ok();
    let ip = profile_way(reader, Name::IntrusionNotifyIp, "network message").ok();
    let reaches = |way: &super::notification::Way| way.remote.is_some();
    match (mail, ip) {
        (Some(way), _) | (_, Some(way)) if reaches(&way) => {
            Some(Setting { value: true, confidence: way.confidence })
        }
        (Some(mail), Some(ip)) => {
            let value = reaches(&mail) || reaches(&ip);
            Some(Setting { value, confidence: mail.confidence.min(ip.confidence) })
        }
        (None, _) | (_, None) => None,
    }
}

pub fn messages(reader: &mut Reader<'_, '_>) -> Sure<Messages> {
    fact(reader.switch(Name::Messages).map(|enabled| {
        let key = key_state(reader, Name::MessageKey).ok();
        let sure =
            key.as_ref().map_or(enabled.confidence, |key| key.confidence.min(enabled.confidence));
        let value = Messages { enabled: enabled.value, key: key.map(|key| key.value) };
        Setting { value, confidence: sure }
    }))
}

/// Where the dialect knows the port keys they are noted, but a setting is no sighting.
pub fn web_ports(reader: &mut Reader<'_, '_>) -> Fact<Vec<PortSighting>> {
    let ports = [(Name::HttpPort, "HTTP"), (Name::HttpsPort, "HTTPS")].map(|(name, label)| {
        reader.number(name).ok().map(|port| format!("{label} is set to port {}", port.value))
    });
    let ports: Vec<String> = ports.into_iter().flatten().collect();
    if ports.is_empty() {
        return Fact::unreadable(ONLY_LIVE);
    }
    Fact::unreadable(format!("{}; which ports answer only a live look can show", ports.join(", ")))
}

pub fn vpn(reader: &mut Reader<'_, '_>) -> Sure<VpnClient> {
    fact(reader.switch(Name::Vpn).and_then(|enabled| {
        let server = reader.read(Name::VpnServer);
        if !enabled.value {
            let server_named = server.is_ok_and(|server| !server.is_empty());
            let value = VpnClient { enabled: false, server_named };
            return Ok(Setting { value, confidence: enabled.confidence });
        }
        let server = server?;
        let value = VpnClient { enabled: true, server_named: !server.is_empty() };
        Ok(Setting { value, confidence: enabled.confidence.min(server.confidence) })
    }))
}

/// The address that is set counts only if the camera is known not to be given another by the network.
pub fn addresses(reader: &mut Reader<'_, '_>) -> Fact<Vec<IpAddr>> {
    fact(read_addresses(reader))
}

fn read_addresses(reader: &mut Reader<'_, '_>) -> Result<Vec<IpAddr>, Reason> {
    let address = reader.read(Name::Address)?;
    let parsed = address.value.parse().map_err(|_| address.odd("is no IP address"))?;
    if reader.switch(Name::Dhcp)?.value {
        return Err(
            "the network gives the camera its address, so the file does not hold it".to_owned()
        );
    }
    Ok(vec![parsed])
}

pub fn vlan(reader: &mut Reader<'_, '_>) -> Sure<bool> {
    fact(reader.switch(Name::Vlan))
}

pub fn dot1x(reader: &mut Reader<'_, '_>) -> Sure<bool> {
    fact(reader.switch(Name::Dot1x))
}

/// When the camera reboots by itself: `CRON=min:hour:*:*:dow:Reboot:` in section `timetasks`, as exports were seen to
/// have it. A section that is not there says nothing.
pub fn own_reboots(reader: &mut Reader<'_, '_>) -> Fact<Vec<String>> {
    const MOST: usize = 20;
    if !reader.configuration.has_section("timetasks") {
        return Fact::unreadable("section timetasks is missing from the file");
    }
    let mut times = Vec::new();
    for entry in reader.configuration.all("timetasks", "CRON").take(MOST) {
        let value = text(entry.value);
        let fields: Vec<&str> = value.split(':').collect();
        let [minute, hour, _, _, day, task, ..] = fields.as_slice() else { continue };
        if !matches!(*task, "Reboot" | "RandomReboot") {
            continue;
        }
        let number = |field: &str| field.parse::<u8>().ok();
        let (Some(minute), Some(hour)) = (number(minute), number(hour)) else { continue };
        let days = match *day {
            "*" => "every day".to_owned(),
            day => format!("on day {} of the week", proto::text::printable(day, 20)),
        };
        let about = if *task == "RandomReboot" { "about " } else { "" };
        times.push(format!("{about}{hour:02}:{minute:02} by the camera's clock, {days}"));
    }
    Fact::Seen(times)
}

/// Counts the passwords in clear and notes in which sections they stand, so that a person can find them.
pub fn clear_secrets(reader: &mut Reader<'_, '_>) -> Fact<u32> {
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for section in reader.configuration.document().sections() {
        let count = if section.is_json() { json_secrets(section) } else { line_secrets(section) };
        if count > 0 {
            *found.entry(text(section.name()).into_owned()).or_default() += count;
        }
    }
    for (section, count) in &found {
        let note = format!("{count} password(s) in clear [redacted]");
        reader.evidence.note("clear_secrets", format!("configuration section {section}"), &note);
    }
    Fact::Seen(found.values().sum())
}

fn line_secrets(section: Section<'_, '_>) -> u32 {
    let mut count = 0;
    for entry in section.entries() {
        let named = |key: &[u8], value: &[u8]| {
            u32::from(is_password_name(&text(key)) && !matches!(value, b"" | b"\"\""))
        };
        // A profile's own fields; for a plain value the part before the first colon has no `=` and is skipped.
        let fields = entry.value.split(|byte| *byte == b':').skip(1);
        let within = fields.filter_map(|field| {
            let at = field.iter().position(|byte| *byte == b'=')?;
            Some(named(field.get(..at)?, field.get(at + 1..)?))
        });
        count += named(entry.key, entry.value) + within.sum::<u32>();
    }
    count
}

fn json_secrets(section: Section<'_, '_>) -> u32 {
    fn count(value: &serde_json::Value) -> u32 {
        match value {
            serde_json::Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| {
                    let set = value.as_str().is_some_and(|text| !text.is_empty());
                    u32::from(set && is_password_name(key)) + count(value)
                })
                .sum(),
            serde_json::Value::Array(items) => items.iter().map(count).sum(),
            _ => 0,
        }
    }
    section.json().as_ref().map_or(0, count)
}

fn key_state(reader: &mut Reader<'_, '_>, name: Name) -> Result<Setting<KeyState>, Reason> {
    let reading = reader.read(name)?;
    let value = if decode(reading.value.as_bytes()).trim().is_empty() || reading.is_empty() {
        KeyState::Empty
    } else {
        KeyState::Set
    };
    Ok(Setting { value, confidence: reading.confidence })
}
