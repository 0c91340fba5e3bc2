//! One world: what the journal says, what the device holds, what is on its way, and who knows which credential.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use proto::Timestamp;

use super::super::attempts::{Attempts, Limit};
use super::super::{Effect, Escrow, Pace, Proof, Rotation, Second};
use super::setting::{Device, Late, Setting};

/// Worlds, by a quick hash: there are many.
pub type Worlds = HashSet<World, BuildHasherDefault<Quick>>;

/// A hash for numbers that nobody chooses to collide.
#[derive(Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

/// A credential: small numbers, so that worlds are alike when they are the same.
pub(super) type Id = u8;
/// What a device takes after it garbled what was written: nobody has it.
pub(super) const GARBLED: Id = 99;
/// The credential in use when the story begins.
const FIRST: Id = 0;
/// The one that a device with a quirk has it for.
pub(super) const SECOND_MADE: Id = 1;
pub(super) const LIMIT: Limit = Limit { threshold: 5, window: 3600 };

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Accounts {
    pub(super) main: Id,
    pub(super) second: Option<Id>,
}

/// All there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(super) journal: Rotation<Id>,
    /// The journal's other generation.
    pub(super) previous: Rotation<Id>,
    pub(super) attempts: Attempts,
    pub(super) memory: Accounts,
    pub(super) flash: Accounts,
    /// Failed log-ins of ours, as the device counts them.
    pub(super) failures: u8,
    pub(super) late: Option<Effect<Id>>,
    /// Sealed copies in the vault, and with the controller: a bit per credential.
    pub(super) vault: u32,
    pub(super) controller: u32,
    pub(super) made: u8,
    pub(super) restored: u8,
}

/// How one world became another.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    Start,
    Agent(&'static str, What),
    LateRequestArrives,
    LateRequestIsLost,
    DeviceReboots,
    FailedLoginsLapse,
    NewestJournalIsUnreadable,
    PersonRestores,
    VisitIsRefused,
    VisitCrashes,
}

/// What became of an effect.
#[derive(Clone, Copy, Debug)]
pub enum What {
    CrashBefore,
    CrashAfter,
    CrashWhileLate,
    Done,
    ReplyLost,
    Late,
    NotSent,
    ControllerAway,
}

impl fmt::Display for Move {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(effect, what) => write!(out, "agent: {effect}, {what:?}"),
            other => write!(out, "{other:?}"),
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, memory, flash, failures, late, .. } = self;
        write!(out, "memory {} flash {}", Shown(*memory), Shown(*flash))?;
        write!(out, ", {failures} failed, late {late:?}, journal {}", journal.word())?;
        for (name, held) in journal.change().map_or_else(Vec::new, |change| {
            vec![
                ("live", Some(&change.live)),
                ("next", Some(&change.next)),
                ("second", change.second.as_ref()),
            ]
        }) {
            if let Some(held) = held {
                write!(out, " {name} {}", held.credential)?;
            }
        }
        let known: Vec<_> = journal.known().iter().map(|held| held.credential).collect();
        write!(out, " known {known:?}")
    }
}

struct Shown(Accounts);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.main)?;
        self.0.second.map_or(Ok(()), |second| write!(out, "+{second}"))
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_unix(1_800_000_000)
}

pub(super) fn pace() -> Pace {
    // Given up is told from done by when it is due.
    let retry = Timestamp::from_unix(now().unix() - 1);
    Pace { due: now(), retry, again: now() }
}

pub(super) fn bit(id: Id) -> u32 {
    1 << id.min(31)
}

impl World {
    /// Before anything happened: the device has its first credential, and we know it.
    pub fn new() -> Self {
        let accounts = Accounts { main: FIRST, second: None };
        let journal = Rotation::adopt(FIRST, now());
        Self {
            previous: journal.clone(),
            journal,
            attempts: Attempts::default(),
            memory: accounts,
            flash: accounts,
            failures: 0,
            late: None,
            vault: 0,
            controller: 0,
            made: 0,
            restored: 0,
        }
    }

    /// What is promised of every world.
    pub fn check(&self, setting: &Setting) -> Result<(), String> {
        if usize::from(self.failures) > LIMIT.budget() {
            return Err(format!("{} log-ins of ours have failed", self.failures));
        }
        for (place, accounts) in [("now", self.memory), ("after a reboot", self.flash)] {
            for id in std::iter::once(accounts.main).chain(accounts.second) {
                self.check_known(id, place, setting)?;
            }
        }
        let Rotation::Settled { live, older: _, due } = &self.journal else { return Ok(()) };
        // A late request may bring it back; it is known then, and a measure (C05) finds it.
        if let (Late::Lost, Some(id)) = (setting.late, self.memory.second.or(self.flash.second)) {
            return Err(format!("settled, and the second administrator {id} stands"));
        }
        let proven = setting.rules.iter().all(|rules| rules.proof == Proof::Reboot);
        let told_the_truth =
            setting.device != Device::ForgetsToSave || proven && *due == pace().due;
        let (now, then) = (self.memory.main, self.flash.main);
        if told_the_truth && self.restored == 0 && now == live.credential && then != now {
            return Err(format!("settled on {}, and a reboot would undo it", live.credential));
        }
        Ok(())
    }

    fn check_known(&self, id: Id, place: &str, setting: &Setting) -> Result<(), String> {
        if id == GARBLED {
            let stands = self.memory.second.is_some_and(|second| self.journal_knows(second));
            let must_stand = setting.rules.iter().all(|rules| rules.second == Second::Stands);
            return match place {
                "now" if stands || !must_stand => Ok(()),
                "now" => {
                    Err("nobody we know is let in, and no second administrator stands".to_owned())
                }
                _ => Err("the device saved what nobody can log in with".to_owned()),
            };
        }
        for (name, journal) in [("journal", &self.journal), ("previous journal", &self.previous)] {
            if !journal.known().iter().any(|held| held.credential == id) {
                return Err(format!("{place} the device takes {id}, which the {name} forgot"));
            }
        }
        let vault_will_do = setting.rules.iter().any(|rules| rules.escrow == Escrow::VaultWillDo);
        let safe = self.controller & bit(id) != 0 || vault_will_do && self.vault & bit(id) != 0;
        if safe || id == FIRST {
            Ok(())
        } else {
            Err(format!("{place} the device takes {id}, which is not escrowed"))
        }
    }

    fn journal_knows(&self, id: Id) -> bool {
        self.journal.known().iter().any(|held| held.credential == id)
    }
}
