//! What bringing an older configuration back comes to on a camera as it is now. Pure.
//!
//! Never brought back are secrets: of every key under which a line holds what may be one, in the backup or on the camera,
//! the camera keeps the lines that it has. An account keeps its password and the agent's keys stay those that journal and
//! escrow know, because a password of the past would be known to neither. Certificates and their keys are not in a
//! configuration. Nor is brought back how the camera is reached (its network, its web ports), nor a section of which
//! nothing is known, since it might be any of that, nor an IP access list that would not let everybody in who must get
//! in. What is left out is said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::compare::changed_sections;
use super::{dialect, parse, snapshot, told_between};
use crate::change::{AddressList, Untranslated};
use crate::device::mobotix::config::{Document, redact, redact_further, text};
use crate::device::mobotix::dialect::{Dialect, Dialects, Key, SettingName};
use crate::device::mobotix::model::Configuration;
use crate::device::{Restoration, Snapshot};

/// How a camera is reached.
const NETWORK: &[&str] = &["ethernet", "network", "route", "rescon", "isdn", "modem", "serial"];

/// Sections that exported configurations have, and that neither decide how a camera is reached nor who gets in, but for
/// `access`, which is looked at line by line.
const KNOWN: &[&str] = &[
    "access",
    "actionhandler",
    "admin",
    "audio",
    "audionotify",
    "camdriver",
    "camerachecks",
    "cameras",
    "eventdlite",
    "eventrecorder.json",
    "events",
    "fileserver",
    "ftp",
    "homepage",
    "httpd",
    "imageimprover",
    "imageimprover2",
    "imageimprover_extend",
    "imagelink",
    "iowiring",
    "ipnotify",
    "layoutconfig",
    "logolist",
    "mail",
    "multiview",
    "rtpserver.json",
    "signalout",
    "signals",
    "sipserver",
    "sms",
    "softbuttons",
    "sound",
    "systemalarm",
    "time",
    "timetable",
    "timetasks",
    "userdata",
    "videomotionanalysis",
    "views",
    "visalarm",
    "vpn",
    "vptz",
    "weatherstat",
];

/// A section's lines, without comments.
type Lines<'a> = Vec<&'a [u8]>;

/// What bringing `backup` back comes to on a camera whose configuration is `on`. `must_admit` is who must get in.
///
/// # Errors
/// Another firmware than the camera's, one that no dialect knows, or what is no configuration.
pub fn restoration(
    on: &Snapshot,
    backup: &Snapshot,
    dialects: &Dialects,
    must_admit: &BTreeSet<IpAddr>,
) -> Result<Restoration, Untranslated> {
    let (now, old) = (parse(on.bytes())?, parse(backup.bytes())?);
    let configuration = Configuration::new(now.clone());
    let firmware = configuration.head_firmware().unwrap_or_default();
    let other = Configuration::new(old.clone()).head_firmware().unwrap_or_default().into_owned();
    if firmware.is_empty() || *firmware != *other {
        let shown = |text: &str| proto::text::printable(text, 60);
        return Err(Untranslated::Impossible(format!(
            "the backup is of firmware {:?} and the camera runs {:?}; a backup goes back to the same firmware alone",
            shown(&other),
            shown(&firmware)
        )));
    }
    let guard = Guard { dialect: dialect(&configuration, dialects)?, must_admit };
    let (mut merged, mut left) = (BTreeMap::new(), Vec::new());
    for name in changed_sections(&now, &old) {
        if name == "timestamp" {
            continue;
        }
        match guard.merge(&name, &now, &old) {
            Ok(Merged { lines, held }) => {
                if !held.is_empty() {
                    left.push(format!(
                        "section {name}: {} stays as the camera has it: secrets and web ports are not brought back",
                        held.join(", ")
                    ));
                }
                merged.insert(name, lines);
            }
            Err(why) => left.push(format!("section {name} stays as the camera has it: {why}")),
        }
    }
    let target = snapshot(render(&now, &merged))?;
    let lines = told_between(on, &target)?;
    Ok(Restoration { target, lines, left })
}

/// A section as it is to be.
struct Merged<'a> {
    lines: Lines<'a>,
    /// Keys of which the camera keeps its own lines.
    held: Vec<String>,
}

/// What is held on to.
struct Guard<'g> {
    dialect: &'g Dialect,
    must_admit: &'g BTreeSet<IpAddr>,
}

impl Guard<'_> {
    /// A section with the backup's lines, but for those that the camera keeps.
    fn merge<'a>(
        &self,
        name: &str,
        now: &Document<'a>,
        old: &Document<'a>,
    ) -> Result<Merged<'a>, String> {
        if NETWORK.contains(&name) {
            return Err("it says how the camera is reached".to_owned());
        }
        if !KNOWN.contains(&name) && !self.keys().any(|key| key.section == name) {
            return Err("what it holds is not known".to_owned());
        }
        let (ours, theirs) = (lines(now, name)?, lines(old, name)?);
        if name.ends_with(".json") {
            let all = ours.iter().chain(&theirs);
            return if all.clone().any(|line| redact(line) != text(line)) {
                Err("it holds what may be a secret".to_owned())
            } else {
                Ok(Merged { lines: theirs, held: Vec::new() })
            };
        }
        let held = self.held(name, &ours, &theirs);
        let lines = woven(&ours, &theirs, &held);
        self.admits(name, &lines)?;
        if name == "access" {
            groups_stand(&ours, &lines)?;
        }
        let held = held.into_iter().map(|key| match key {
            b"" => "what is no key with a value".to_owned(),
            key => proto::text::printable(&text(key), 40),
        });
        Ok(Merged { lines, held: held.collect() })
    }

    /// Keys whose lines differ and are not brought back.
    fn held<'a>(&self, name: &str, ours: &Lines<'a>, theirs: &Lines<'a>) -> BTreeSet<&'a [u8]> {
        let keys: BTreeSet<&[u8]> = ours.iter().chain(theirs).map(|line| key_of(line)).collect();
        let of = |all: &Lines<'a>, key: &[u8]| {
            let mut of: Lines<'a> =
                all.iter().copied().filter(|line| key_of(line) == key).collect();
            of.sort_unstable();
            of
        };
        let is_held = |key: &&[u8]| {
            let (mine, other) = (of(ours, key), of(theirs, key));
            mine != other
                && (self.is_protected(name, key) || mine.iter().chain(&other).any(|it| hides(it)))
        };
        keys.into_iter().filter(is_held).collect()
    }

    /// Whether the dialect says of a key that it is a secret or a web port, or its name does of a door.
    fn is_protected(&self, section: &str, key: &[u8]) -> bool {
        let name = text(key).to_ascii_uppercase();
        if section == "httpd" && (name.contains("PORT") || name.contains("SSL")) {
            return true;
        }
        use SettingName::{HttpPort, HttpsPort, MessageKey, RecordingKey};
        [HttpPort, HttpsPort, MessageKey, RecordingKey].iter().any(|name| {
            let known = self.dialect.key(*name);
            known.is_ok_and(|it| it.section == section && it.key.as_bytes() == key)
        })
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        SettingName::ALL.iter().filter_map(|name| self.dialect.key(*name).ok())
    }

    /// Whether an IP access list that stands in these lines lets everybody in who must get in.
    fn admits(&self, section: &str, lines: &Lines<'_>) -> Result<(), String> {
        let key = |name| self.dialect.key(name).ok().filter(|key| key.section == section);
        let Some(rules) = key(SettingName::IpAccessRules) else {
            return match key(SettingName::IpAccess) {
                Some(_) => {
                    Err("how rules of the IP access list are written is not known".to_owned())
                }
                None => Ok(()),
            };
        };
        let switch = key(SettingName::IpAccess);
        let is_off = switch.is_some_and(|key| {
            let value = lines.iter().find_map(|line| value_of(line, &key.key));
            let means = value.and_then(|value| key.values.get(&*text(value)));
            means.is_some_and(|word| word.means == "off")
        });
        let all: Vec<&[u8]> = lines.iter().filter_map(|line| value_of(line, &rules.key)).collect();
        if is_off {
            return Ok(());
        }
        let unread = "a rule of its IP access list cannot be read";
        let form = rules.form.as_deref().and_then(|form| form.split_once("{network}"));
        let (front, back) = form.ok_or(unread)?;
        let network = |value: &&[u8]| {
            let value = text(value);
            let inner = value.trim().strip_prefix(front)?.strip_suffix(back)?.trim().to_owned();
            let plain = inner.parse::<Ipv4Addr>().ok().map(ipnet::Ipv4Net::from);
            let masked = || {
                let (address, mask) = inner.split_once('/')?;
                ipnet::Ipv4Net::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok()
            };
            plain.or_else(|| inner.parse().ok()).or_else(masked)
        };
        let networks: Option<Vec<ipnet::Ipv4Net>> = all.iter().map(network).collect();
        let list = AddressList::new(networks.ok_or(unread)?);
        if self.must_admit.is_empty() {
            return Err("the address that our connections come from could not be told".to_owned());
        }
        match self.must_admit.iter().find(|address| !list.admits(**address)) {
            Some(out) => Err(format!("its IP access list would lock {out} out, which must get in")),
            None => Ok(()),
        }
    }
}

/// The lines of `theirs`, but those of `ours` under the keys that are held, at the place of the first of them.
fn woven<'a>(ours: &Lines<'a>, theirs: &Lines<'a>, held: &BTreeSet<&[u8]>) -> Lines<'a> {
    let mut lines = Lines::new();
    let mut done: BTreeSet<&[u8]> = BTreeSet::new();
    for line in theirs {
        let key = key_of(line);
        if !held.contains(key) {
            lines.push(*line);
        } else if done.insert(key) {
            lines.extend(ours.iter().filter(|line| key_of(line) == key));
        }
    }
    let rest = |line: &&&[u8]| held.contains(key_of(line)) && !done.contains(key_of(line));
    lines.extend(ours.iter().filter(rest));
    lines
}

/// The accounts that stay have to find the groups that they have today. One whose group is not there today, as those of
/// placeholders, loses nothing.
fn groups_stand(ours: &Lines<'_>, lines: &Lines<'_>) -> Result<(), String> {
    let declared = |lines: &Lines<'_>| -> BTreeSet<Vec<u8>> {
        let groups = lines.iter().filter_map(|line| value_of(line, "groups"));
        let names = groups.flat_map(|all| all.split(|byte| *byte == b','));
        names.map(|name| name.trim_ascii().to_vec()).collect()
    };
    let (today, then) = (declared(ours), declared(lines));
    let users = lines.iter().filter_map(|line| value_of(line, "usr"));
    let mut groups = users.filter_map(|user| user.split(|byte| *byte == b':').nth(1));
    match groups.find(|group| today.contains(*group) && !then.contains(*group)) {
        Some(_) => {
            Err("an account of today is in a group that the backup does not have".to_owned())
        }
        None => Ok(()),
    }
}

/// Whether a line holds what may be a secret.
fn hides(line: &[u8]) -> bool {
    redact_further(&redact(line)) != text(line)
}

/// What stands before the first `=`; nothing for a line without.
fn key_of(line: &[u8]) -> &[u8] {
    let at = line.iter().position(|byte| *byte == b'=');
    at.and_then(|at| line.get(..at)).unwrap_or_default().trim_ascii()
}

fn value_of<'a>(line: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    (line.get(..at)?.trim_ascii() == key.as_bytes()).then(|| line[at + 1..].trim_ascii())
}

/// The lines of a section; none if it is not there.
fn lines<'a>(document: &Document<'a>, name: &str) -> Result<Lines<'a>, String> {
    let mut sections = document.named(name);
    let Some(section) = sections.next() else { return Ok(Lines::new()) };
    if sections.next().is_some() {
        return Err("it stands there twice".to_owned());
    }
    let all = section.lines().map(|(_, line)| line.trim_ascii());
    Ok(all.filter(|line| !line.is_empty() && !line.starts_with(b"#")).collect())
}

/// The configuration with these sections in place of its own.
fn render(document: &Document<'_>, merged: &BTreeMap<String, Lines<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    let block = |out: &mut Vec<u8>, name: &str, lines: &Lines<'_>| {
        out.extend_from_slice(format!("SECTION {name}\n").as_bytes());
        lines.iter().for_each(|line| out.extend([line, b"\n".as_slice()].concat()));
        out.extend_from_slice(format!("ENDSECTION {name}\n").as_bytes());
    };
    let mut done = BTreeSet::new();
    let mut sections = document.sections().peekable();
    for (index, raw) in document.raw_lines().enumerate() {
        let number = index + 1;
        while sections.next_if(|section| section.last_line() < number).is_some() {}
        let inside = sections.peek().filter(|section| section.line() <= number);
        let name = inside.map(|section| text(section.name()).into_owned());
        match name.and_then(|name| merged.get_key_value(&name)) {
            Some((name, lines)) => {
                if done.insert(name.as_str()) {
                    block(&mut out, name, lines);
                }
            }
            None => out.extend_from_slice(raw),
        }
    }
    for (name, lines) in merged.iter().filter(|(name, _)| !done.contains(name.as_str())) {
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        block(&mut out, name, lines);
    }
    out
}

#[cfg(test)]
#[path = "restoration_tests.rs"]
mod tests;
