//! Which credential is changed next, as far as a whole site is concerned. Pure; what one device's credentials want is
//! said by `rotation::due`.
//!
//! Who is in doubt goes first. Nothing new begins at a place where a device is in change or lost, beyond what policy
//! allows at once, or, while a device of the site is stranded, on any device that nobody named: what stranded one may
//! strand the next.

use std::collections::BTreeSet;

use proto::policy::{ChangeRules, EscrowRule, ProofRule, Weekday};
use proto::wire::rotation::{CredentialKind, RotateReason};
use proto::{DeviceName, Policy, Timestamp};

use crate::rotation::due::{self, Candidate, Choice, Class, Door, Stage, Why, Window};
use crate::rotation::{Escrow, Proof, Rotation, Rules, Safe, Second};
use crate::store::journal::Entry;
use crate::store::subject::Kind;

/// What of a credential is changed.
pub fn class(kind: &Kind) -> Class {
    match kind {
        Kind::Certificate => Class::Certificate,
        Kind::Password { .. } | Kind::AgentIdentity => Class::Password,
        Kind::RecordingKey => Class::RecordingKey,
        Kind::MessageKey => Class::MessageKey,
    }
}

/// The same, as people order it and are told of it; nothing for what only the agent knows.
pub fn ordered_as(kind: &Kind) -> Option<CredentialKind> {
    match kind {
        Kind::Password { .. } => Some(CredentialKind::Password),
        Kind::Certificate => Some(CredentialKind::Certificate),
        Kind::RecordingKey => Some(CredentialKind::RecordingKey),
        Kind::MessageKey => Some(CredentialKind::MessageKey),
        Kind::AgentIdentity => None,
    }
}

/// Why something is due, from why it was ordered.
pub fn why(reason: RotateReason) -> Why {
    match reason {
        RotateReason::Command => Why::Command,
        RotateReason::PersonLeft => Why::PersonLeft,
        RotateReason::SecretShown => Why::SecretShown,
        RotateReason::BackupExposed => Why::BackupExposed,
        RotateReason::DeviceMoved => Why::DeviceMoved,
    }
}

/// When what was ordered then is due, in view of the grace that policy gives.
pub fn ordered_due(why: Why, at: Timestamp, policy: &Policy) -> Timestamp {
    let grace = match why {
        Why::SecretShown => i64::from(policy.rotation.shown_grace_minutes) * 60,
        Why::Schedule
        | Why::PersonLeft
        | Why::BackupExposed
        | Why::DeviceMoved
        | Why::Command
        | Why::Plan => 0,
    };
    Timestamp::from_unix(at.unix().saturating_add(grace))
}

/// Whether policy has such a credential replaced.
pub fn is_wanted(kind: &Kind, policy: &Policy) -> bool {
    ordered_as(kind).is_some_and(|what| what.switch(&policy.rotation).0)
}

/// What policy asks of a rotation. A certificate is none of an account, and what proves it is what the device serves; a
/// key is none of an account either, and one of recordings is in force only after a reboot, whatever policy says.
pub fn rules(class: Class, policy: &Policy) -> Rules {
    let rotation = &policy.rotation;
    let escrow = match rotation.escrow {
        EscrowRule::Acknowledged => Escrow::Acknowledged,
        EscrowRule::VaultWillDo => Escrow::VaultWillDo,
    };
    let second = match class {
        Class::Password if rotation.second_administrator => Second::Stands,
        Class::Password | Class::Certificate | Class::RecordingKey | Class::MessageKey => {
            Second::None
        }
    };
    let proof = match (class, rotation.proof) {
        (Class::Password | Class::MessageKey, ProofRule::Reboot) | (Class::RecordingKey, _) => {
            Proof::Reboot
        }
        (Class::Password | Class::MessageKey, ProofRule::Word) | (Class::Certificate, _) => {
            Proof::Word
        }
    };
    Rules { escrow, second, proof }
}

/// The policy's windows, a weekday at a time.
pub fn windows(policy: &Policy) -> Vec<Window> {
    let stated = policy.rotation.windows(&policy.change);
    let each = stated.iter().flat_map(|window| {
        let minutes = u16::try_from(window.length() / 60).unwrap_or(u16::MAX);
        let opens = window.from.minutes();
        (0u8..).zip(Weekday::ALL).filter_map(move |(weekday, day)| {
            let open = window.days.is_empty() || window.days.contains(&day);
            open.then_some(Window { weekday, opens, minutes })
        })
    });
    each.collect()
}

/// When a credential of unknown age is due: now if a window is open, else when the next one opens. Where there is no
/// window, in `life` seconds, so that whoever orders it is asked first.
pub fn adopted_due(windows: &[Window], life: i64, now: Timestamp) -> Timestamp {
    if windows.is_empty() {
        return due::by_schedule(now, life, 0.0);
    }
    let span = due::span(windows, now);
    match span.door {
        Door::Open => now,
        Door::Shut => span.until,
    }
}

/// One device, as far as its credentials are concerned.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Which.
    pub device: &'a DeviceName,
    /// Its credentials.
    pub entries: Vec<&'a Entry>,
    /// Whether it may take a turn: nobody is at it, and it is not left in peace for a while.
    pub free: bool,
    /// Whether it is in a turn.
    pub in_turn: bool,
    /// Whether an order names it.
    pub named: bool,
}

/// What a turn is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To bring a change to its end.
    Finish,
    /// To begin one.
    Begin,
    /// To put what is in use into escrow; the device is not touched.
    Escrow,
}

/// A turn to take: the place of the device, and of the credential among its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Of the device.
    pub device: usize,
    /// Of the entry.
    pub entry: usize,
    /// What for.
    pub aim: Aim,
}

/// How many more devices may be in change, whether it is their settings or their credentials that are changed: as many
/// as policy allows at once, and one of a place.
pub struct Room<'p> {
    rules: &'p ChangeRules,
    busy: BTreeSet<DeviceName>,
    places: BTreeSet<&'p str>,
}

impl<'p> Room<'p> {
    /// What is left beside those that are `busy`. Those that are `lost` block their places and nothing else.
    pub fn beside(
        rules: &'p ChangeRules,
        busy: BTreeSet<DeviceName>,
        lost: &BTreeSet<DeviceName>,
    ) -> Self {
        let places = busy.iter().chain(lost).flat_map(|name| rules.places(name)).collect();
        Self { rules, busy, places }
    }

    /// Whether this one may be begun, too.
    pub fn has(&self, device: &DeviceName) -> bool {
        self.busy.len() < usize::from(self.rules.at_once)
            && self.places.is_disjoint(&self.rules.places(device))
    }

    /// It is begun.
    fn take(&mut self, device: &DeviceName) {
        self.busy.insert(device.clone());
        self.places.extend(self.rules.places(device));
    }
}

/// The turns that may be taken at `now`, while the settings of the devices `also` are being changed: both count as one.
/// `sealed` tells whether there is anybody to seal secrets to.
pub fn picks(
    devices: &[Standing<'_>],
    also: &BTreeSet<DeviceName>,
    policy: &Policy,
    sealed: bool,
    now: Timestamp,
) -> Vec<Pick> {
    let windows = windows(policy);
    let mut wanted: Vec<Pick> = devices
        .iter()
        .enumerate()
        .filter(|(_, one)| one.free)
        .filter_map(|(device, one)| {
            let (entry, aim) = pick(one, policy, &windows, sealed, now)?;
            Some(Pick { device, entry, aim })
        })
        .collect();
    let rank = |aim: Aim| match aim {
        Aim::Finish => 0,
        Aim::Begin => 1,
        Aim::Escrow => 2,
    };
    wanted.sort_by_key(|pick| (rank(pick.aim), pick.device));
    let one_is_lost = devices.iter().any(|one| has(one, is_stranded));
    // A lost device blocks its place and halts the rest, which is more than its share of the devices in change.
    let busy = in_change(devices).chain(also.iter().cloned()).collect();
    let mut room = Room::beside(&policy.change, busy, &lost(devices).collect());
    wanted.retain(|pick| {
        let one = &devices[pick.device];
        match pick.aim {
            Aim::Finish | Aim::Escrow => true,
            Aim::Begin if one_is_lost && !one.named => false,
            Aim::Begin => {
                let has_room = room.has(one.device);
                if has_room {
                    room.take(one.device);
                }
                has_room
            }
        }
    });
    wanted
}

/// Devices that are in change through their credentials.
pub fn in_change(devices: &[Standing<'_>]) -> impl Iterator<Item = DeviceName> {
    let is_busy =
        |one: &&Standing<'_>| (one.in_turn || has(one, is_touched)) && !has(one, is_stranded);
    devices.iter().filter(is_busy).map(|one| one.device.clone())
}

/// Devices that take nothing that is known.
pub fn lost(devices: &[Standing<'_>]) -> impl Iterator<Item = DeviceName> {
    devices.iter().filter(|one| has(one, is_stranded)).map(|one| one.device.clone())
}

fn has(device: &Standing<'_>, what: fn(&Entry) -> bool) -> bool {
    device.entries.iter().any(|entry| what(entry))
}

fn is_stranded(entry: &Entry) -> bool {
    matches!(entry.rotation, Rotation::Stranded { .. })
}

/// Whether the device may have been written to, and is not settled.
fn is_touched(entry: &Entry) -> bool {
    !matches!(
        entry.rotation,
        Rotation::Settled { .. } | Rotation::Minted(_) | Rotation::Escrowed(_)
    )
}

fn pick(
    device: &Standing<'_>,
    policy: &Policy,
    windows: &[Window],
    sealed: bool,
    now: Timestamp,
) -> Option<(usize, Aim)> {
    let may = |entry: &Entry| {
        let is_wanted = is_wanted(&entry.subject.kind, policy);
        // Without a window nothing is changed that nobody asked for.
        let has_time = !windows.is_empty() || entry.why.needs_no_window();
        entry.rotation.change().is_some() || is_wanted && has_time
    };
    let places: Vec<usize> =
        (0..device.entries.len()).filter(|place| may(device.entries[*place])).collect();
    let candidates: Vec<Candidate> =
        places.iter().map(|place| candidate(device.entries[*place])).collect();
    let changed = device
        .entries
        .iter()
        .filter_map(|entry| entry.changed.map(|changed| (class(&entry.subject.kind), changed)));
    let last = changed.max_by_key(|(_, at)| *at);
    if let Choice::Turn(chosen) = due::choose(&candidates, last, windows, now) {
        let aim = match candidates[chosen].stage {
            Stage::UnderWay => Aim::Finish,
            Stage::Settled => Aim::Begin,
        };
        return Some((places[chosen], aim));
    }
    let unsealed = |entry: &&Entry| match &entry.rotation {
        // What is due would be changed; it is sealed when its time comes.
        Rotation::Settled { live, due, .. } => live.safe < Safe::Controller && *due > now,
        _ => false,
    };
    let place = device.entries.iter().position(|entry| sealed && unsealed(entry))?;
    Some((place, Aim::Escrow))
}

fn candidate(entry: &Entry) -> Candidate {
    let stage = match entry.rotation {
        Rotation::Settled { .. } => Stage::Settled,
        _ => Stage::UnderWay,
    };
    // What is under way is due whenever.
    let due = entry.rotation.due_at().unwrap_or(Timestamp::from_unix(0));
    Candidate { class: class(&entry.subject.kind), stage, due, why: entry.why }
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
