//! When a credential is due, and which of one device's may be changed now.
//!
//! Due are credentials by schedule, with a jitter that was drawn once and is stored; because of an event; or because
//! somebody asked. What is not urgent waits for a window. One device's certificate and password are never changed in
//! one window, so that a device that is lost afterwards was lost to one thing.
//!
//! Pure. All times are UTC.

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// Nobody plans for more windows than this.
const MOST_AHEAD: u32 = 16;
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3600;
/// 1 January 1970 was a Thursday; days are counted from Monday.
const EPOCH_WEEKDAY: i64 = 3;
/// How far the jitter moves a date, as a part of the time until then.
const SPREAD: f64 = 0.1;
/// A certificate is due after this part of its life, less or more a twentieth of its life.
const CERTIFICATE_AGE: f64 = 2.0 / 3.0;
const CERTIFICATE_SPREAD: f64 = 0.05;

/// Kinds of credentials that are never changed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Of an account on the device. Changed without a reboot.
    Password,
    /// The device's certificate and key. Costs a reboot.
    Certificate,
    /// The key of recordings. Costs a reboot.
    RecordingKey,
    /// The key of the messages between cameras. Changed without a reboot.
    MessageKey,
}

/// Why a credential is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is old enough.
    Schedule,
    /// Somebody who knew it left.
    PersonLeft,
    /// It was shown to somebody.
    SecretShown,
    /// A backup that holds it, or a form of it, got out.
    BackupExposed,
    /// The device is in another place.
    DeviceMoved,
    /// Somebody asked.
    Command,
    /// A plan that was carried out handed it over.
    Plan,
}

impl Why {
    /// Whether it waits for a window.
    pub fn patience(self) -> Patience {
        match self {
            Self::Schedule | Self::DeviceMoved | Self::Plan => Patience::WaitsForAWindow,
            Self::PersonLeft | Self::SecretShown | Self::BackupExposed | Self::Command => {
                Patience::Urgent
            }
        }
    }

    /// Whether it is done where the policy states no window: somebody asked for it.
    pub fn needs_no_window(self) -> bool {
        self.patience() == Patience::Urgent || self == Self::Plan
    }
}

/// Whether something waits for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patience {
    /// It does not.
    Urgent,
    /// It does.
    WaitsForAWindow,
}

/// Something that makes credentials due which were made before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it was.
    pub why: Why,
    /// When.
    pub at: Timestamp,
    /// How many seconds later they are due: who was shown a password needs it for a while.
    pub grace: i64,
}

impl Event {
    /// When a credential made at `made` is due because of this; never if it was made afterwards.
    pub fn due(&self, made: Timestamp) -> Option<Timestamp> {
        (made <= self.at).then(|| later(self.at, self.grace.max(0)))
    }
}

/// When a credential that is settled at `now` is due if it is to live for `life` seconds. `jitter` lies between -1 and 1.
pub fn by_schedule(now: Timestamp, life: i64, jitter: f64) -> Timestamp {
    later(now, part(life, 1.0 + SPREAD * clamped(jitter)))
}

/// When a certificate is due: at two thirds of its life. `jitter` lies between -1 and 1.
pub fn by_age(not_before: Timestamp, not_after: Timestamp, jitter: f64) -> Timestamp {
    let life = not_after.seconds_since(not_before);
    later(not_before, part(life, CERTIFICATE_AGE + CERTIFICATE_SPREAD * clamped(jitter)))
}

fn clamped(jitter: f64) -> f64 {
    if jitter.is_finite() { jitter.clamp(-1.0, 1.0) } else { 0.0 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "lives are years at most"
)]
fn part(life: i64, of: f64) -> i64 {
    (life.max(0) as f64 * of) as i64
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix(at.unix().saturating_add(seconds))
}

/// A time of the week in which devices may be disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// 0 is Monday, 6 is Sunday.
    pub weekday: u8,
    /// When it opens, in minutes after midnight.
    pub opens: u16,
    /// For how many minutes, 1 to 10,080.
    pub minutes: u16,
}

/// A stretch of time between two points where a window opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first second.
    pub from: Timestamp,
    /// The first second after it.
    pub until: Timestamp,
    /// Whether a window is open.
    pub door: Door,
}

/// Whether a window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It is.
    Open,
    /// It is not.
    Shut,
}

/// The stretch that `now` lies in. Where no window is stated, each day is one, and so is each day of a window that is
/// open for longer: whoever may be changed at any time waits for the next day at most.
pub fn span(windows: &[Window], now: Timestamp) -> Span {
    let day = now.unix().div_euclid(DAY);
    if windows.is_empty() {
        let at = |day: i64| Timestamp::from_unix(day * DAY);
        return Span { from: at(day), until: at(day + 1), door: Door::Open };
    }
    // A window that began up to a week ago may still be open; the next one opens within a week.
    let openings = (day - 8..=day + 8).flat_map(|day| {
        let today = (day + EPOCH_WEEKDAY).rem_euclid(7);
        let of_today = windows.iter().filter(move |window| i64::from(window.weekday) == today);
        of_today.map(move |window| {
            let from = day * DAY + i64::from(window.opens) * MINUTE;
            (from, from + i64::from(window.minutes.clamp(1, 10_080)) * MINUTE)
        })
    });
    let mut merged: Vec<(i64, i64)> = Vec::new();
    let mut sorted: Vec<_> = openings.collect();
    sorted.sort_unstable();
    for (from, until) in sorted {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            Some(_) | None => merged.push((from, until)),
        }
    }
    let second = now.unix();
    let at = Timestamp::from_unix;
    match merged.iter().find(|(from, until)| (*from..*until).contains(&second)) {
        Some((from, until)) => {
            let (from, until) = if until - from > DAY {
                ((day * DAY).max(*from), ((day + 1) * DAY).min(*until))
            } else {
                (*from, *until)
            };
            Span { from: at(from), until: at(until), door: Door::Open }
        }
        None => {
            let from = merged.iter().filter(|one| one.1 <= second).map(|one| one.1).max();
            let until = merged.iter().filter(|one| one.0 > second).map(|one| one.0).min();
            let (from, until) = (from.unwrap_or(second), until.unwrap_or(second + 7 * DAY));
            Span { from: at(from), until: at(until), door: Door::Shut }
        }
    }
}

/// When the window with this number opens, counted from 1, which is the one that is open at `now`, or the next one if
/// none is. What is open at `now` opened now.
pub fn opening(windows: &[Window], number: u32, now: Timestamp) -> Timestamp {
    let opens = |at: Timestamp| {
        let here = span(windows, at);
        match here.door {
            Door::Open => at,
            Door::Shut => here.until,
        }
    };
    (1..number.min(MOST_AHEAD)).fold(opens(now), |at, _| opens(span(windows, at).until))
}

/// One of a device's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is.
    pub class: Class,
    /// Whether its change has begun.
    pub stage: Stage,
    /// When it is due.
    pub due: Timestamp,
    /// Why.
    pub why: Why,
}

/// Whether a change has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No.
    Settled,
    /// Yes: it is brought to its end whatever the windows say, since a device is not left in doubt.
    UnderWay,
}

/// What a device's credentials want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Take a turn at the candidate with this place in the list.
    Turn(usize),
    /// Nothing before then.
    Wait(Timestamp),
}

/// Which of a device's credentials may take a turn at `now`. `last` is the class that was changed last, and when.
pub fn choose(
    candidates: &[Candidate],
    last: Option<(Class, Timestamp)>,
    windows: &[Window],
    now: Timestamp,
) -> Choice {
    if let Some(place) = candidates.iter().position(|one| one.stage == Stage::UnderWay) {
        return Choice::Turn(place);
    }
    let span = span(windows, now);
    let may = |one: &Candidate| {
        let open = span.door == Door::Open || one.why.patience() == Patience::Urgent;
        let alone = last.is_none_or(|(class, at)| class == one.class || at < span.from);
        open && alone
    };
    let ripe = candidates.iter().enumerate().filter(|(_, one)| one.due <= now && may(one));
    if let Some((place, _)) = ripe.min_by_key(|(_, one)| (one.why.patience(), one.due)) {
        return Choice::Turn(place);
    }
    let waits = |one: &Candidate| if may(one) { one.due } else { one.due.max(span.until) };
    // Without candidates: nothing, and no hurry to look again.
    Choice::Wait(candidates.iter().map(waits).min().unwrap_or(later(now, DAY)))
}
